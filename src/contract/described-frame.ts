// A frame taken apart for a person: what it says, and what it would do. Nothing is sent, nothing decided and nothing recorded.

import type { TargetHandle } from '../model/ids.ts';
import type { InventoryView } from '../model/point.ts';
import type { Change } from './gate.ts';

/** What one element of a read is judged by. */
export interface FrameRead {
  readonly target: TargetHandle;
  readonly asks: 'point.read' | 'alarm.view' | 'device.view';
}

export type FrameMeaning =
  /** `change` and `reads` absent: whom it would touch cannot be told without an inventory and a device. */
  | { readonly kind: 'change'; readonly change?: Change<unknown> }
  | { readonly kind: 'read'; readonly reads?: readonly FrameRead[] }
  /** Nobody may send it, whatever the policy says. */
  | { readonly kind: 'refused'; readonly why: string }
  /** An answer, a notification, a message of the network: nothing that is asked of a device. */
  | { readonly kind: 'no-request'; readonly why: string }
  | { readonly kind: 'malformed'; readonly why: string };

export interface DescribedFrame {
  /** `BACnet/IP`, `Modbus/TCP`, `Modbus RTU`. */
  readonly form: string;
  /** Outermost first; two spaces of indent for what stands inside something. */
  readonly lines: readonly string[];
  readonly meaning: FrameMeaning;
  /** What the reader should know about the answer above. */
  readonly remarks: readonly string[];
}

export interface FrameContext {
  /** The driver's own addresses of the policy to be asked; absent: the frame alone. */
  readonly index?: { readonly inventory: InventoryView };
  /** The device it is for, where the frame itself does not say. */
  readonly device?: TargetHandle;
  /** The driver's section of the site's configuration, where one is known. */
  readonly section?: unknown;
}

/** `undefined`: these octets are no frame of this driver's protocol. */
export type DescribeFrame = (octets: Uint8Array, context: FrameContext) => DescribedFrame | undefined;
