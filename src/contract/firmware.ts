// Where firmware updates and drivers meet: how a device takes an image, step by step. Whether a step may happen is the gate's.
// Invariants: 1. what changes a device is a planned change that was judged; 2. one permit covers one step of one device;
// 3. an image is never in memory whole; 4. `standing` and `verify` only read.

import type { TargetHandle } from '../model/ids.ts';
import type { Outcome } from '../model/journal-row.ts';
import type { Result } from '../model/result.ts';
import type { Change, Permit } from './gate.ts';

/** An image whose signature and digest were verified, read piece by piece. */
export interface ImageSource {
  /** SHA-256 of the whole, 64 lower-case hex digits: what an image is known by. */
  readonly id: string;
  /** Octets. */
  readonly size: number;
  readonly vendor: string;
  readonly model: string;
  readonly version: string;
  /** `length` octets from `offset`; fewer only at the end. Rejects where the file cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What an address says of how its device takes firmware. */
export interface FirmwarePath {
  /** For a person: `BACnet file 1`, `Modbus file record`, `register boot loader`. */
  readonly method: string;
  /** Octets already held are kept over an interruption, so that a transfer goes on where it was. */
  readonly resumes: boolean;
  /** What is staged can be dropped, or the former image brought back, by a step `revert`. */
  readonly reverts: boolean;
  /** It may say `running` and hold an image beside, whole or in part, that its next start could run. */
  readonly hides?: true;
  /** How long the device may take to run the new image after it was told to, in ms. */
  readonly confirmMs: number;
}

/**
 * `running`: nothing is staged. `receiving`: it holds a part of an image. `staged`: it holds a whole one that is not active.
 * `busy`: it activates or restarts. `boot-loader`: nothing but its boot loader runs.
 */
export type FirmwareState = 'running' | 'receiving' | 'staged' | 'busy' | 'boot-loader';

/** What the device says of itself; absent = it does not say. */
export interface FirmwareStanding {
  readonly state: FirmwareState;
  readonly vendor?: string;
  readonly model?: string;
  readonly version?: string;
  /** Octets it holds of what is being transferred. */
  readonly received?: number;
}

export type FirmwareStep =
  /** Begins anew, or with `goesOn` after the octets that the device verifiably holds of this very image. */
  | { readonly kind: 'transfer'; readonly image: ImageSource; readonly goesOn: boolean }
  /** The staged image shall run: activation or restart. Ends the transfer. */
  | { readonly kind: 'activate'; readonly image: ImageSource }
  | { readonly kind: 'revert' };

export interface StepWatch {
  /** Aborted: nothing more is sent after the request that is under way; the step settles `stopped`. */
  readonly signal: AbortSignal;
  /** Octets of the image that the device has acknowledged so far; from where a transfer goes on, first. */
  progress(octets: number): void;
}

export interface FirmwareDriver {
  /** `undefined`: the device's address describes no way for firmware. */
  path(device: TargetHandle): FirmwarePath | undefined;
  /** A text says why the device could not be asked. */
  standing(device: TargetHandle): Promise<Result<FirmwareStanding, string>>;
  /** The change of one step, with everything it asks; the caller takes it to `gate.judge`. A text says why there is none. */
  plan(device: TargetHandle, step: FirmwareStep): Result<Change<unknown>, string>;
  /**
   * Carries a planned step out: redeems in the device's lane before the first octet, sends each piece in a lane turn of its
   * own (so that reads and set points go on), settles once. Pieces that were lost are sent again without a gap or a double.
   */
  perform(permit: Permit<unknown>, watch: StepWatch): Promise<Outcome>;
  /** Reads back what the device holds and compares it with the image, as far as the device can tell; ok = the same. */
  verify(device: TargetHandle, image: ImageSource, watch: StepWatch): Promise<Result<void, string>>;
}
