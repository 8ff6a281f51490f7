// What somebody found out about devices, for a person to review before it becomes part of a policy's inventory: from a point
// list of an integrator, or by asking the devices. Nothing here grants anything; a class is a guess and says why.

import type { PointClass } from '../model/action.ts';
import type { DocumentFault } from '../model/fault.ts';
import type { OpaqueAddress, PointLimits } from '../model/point.ts';
import type { NonEmpty, Result } from '../model/result.ts';

export interface DraftPoint {
  /** Unique over the draft. */
  readonly id: string;
  readonly name: string;
  readonly class: PointClass;
  /** Why this class was guessed, and whatever else the reviewer should know. */
  readonly why: string;
  readonly unit?: string;
  readonly limits?: PointLimits;
  /** Ids of this draft. */
  readonly involves?: readonly string[];
  readonly address: OpaqueAddress;
}

export interface DraftDevice {
  readonly id: string;
  readonly name: string;
  readonly vendor?: string;
  readonly model?: string;
  /** Per driver name. */
  readonly address: { readonly [driver: string]: OpaqueAddress };
  /** In the order of the device or file. */
  readonly points: readonly DraftPoint[];
  /** One line each: what is there and got no point, what could not be read. */
  readonly remarks: readonly string[];
}

export type InventoryDraft = readonly DraftDevice[];

/** What an import is told besides its files; which words a format needs or takes is its own to say. */
export interface ImportOrder {
  /** By role: `main`, and what the format takes besides (`states`). */
  readonly files: { readonly [role: string]: Uint8Array | undefined };
  /** Words of the command line by name: `device`, `network`, `base`. */
  readonly words: { readonly [name: string]: string | undefined };
}

/** A foreign form of point list. Paths of faults say the line and column where the form has them. */
export type InventoryImport = (order: ImportOrder) => Result<InventoryDraft, NonEmpty<DocumentFault>>;

export interface SurveyOrder {
  /** One of the driver's networks. */
  readonly network: string;
  /** Only these devices, by the protocol's own numbers; absent: all that answer. */
  readonly instances?: readonly number[];
}
