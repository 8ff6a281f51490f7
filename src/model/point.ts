// Devices, points and values as every room sees them. Addresses are the drivers' own and are never read here.

import type { PointClass } from './action.ts';
import type { TargetHandle, TargetId } from './ids.ts';

/** A JSON value as it stood in the signed bundle: a driver's address. The core passes it on unread. */
export type OpaqueAddress = { readonly [key: string]: unknown };

/** An engineering value: after scale and offset, before units. `null` is BACnet NULL: relinquish. */
export type PointValue = number | bigint | boolean | string | null;

export interface PointLimits {
  readonly min?: number;
  readonly max?: number;
  /** Counts from `min` (from 0 where there is none), with a tolerance of one float32 ulp. */
  readonly step?: number;
  /** The only values permitted. */
  readonly values?: readonly PointValue[];
  /** Changes per hour. */
  readonly rate?: number;
}

export interface InventoryDevice {
  readonly handle: TargetHandle;
  readonly id: TargetId;
  readonly name: string;
  readonly vendor?: string;
  readonly model?: string;
  readonly onRevoke: 'stop' | 'finish';
  readonly rawFirmware: 'permit' | 'refuse';
  /** Per driver name; a device without an address can be talked about but not reached. */
  readonly address?: { readonly [driver: string]: OpaqueAddress };
}

export interface InventoryPoint {
  readonly handle: TargetHandle;
  readonly id: TargetId;
  readonly name: string;
  readonly device: TargetHandle;
  readonly class: PointClass;
  readonly unit?: string;
  readonly limits?: PointLimits;
  /** Read the old value in the same lane turn before a write. Default true. */
  readonly readBeforeWrite: boolean;
  /** A command may be put back automatically. Default false for `command`, true for the rest. */
  readonly undo: boolean;
  readonly address?: OpaqueAddress;
}

/**
 * The signed inventory of all organizations as drivers and the gate read it. Handles index it; ids look it up.
 * Iteration is in bundle order. One object per compiled inventory: a change of rights keeps the same object.
 */
export interface InventoryView {
  readonly deviceCount: number;
  readonly pointCount: number;
  devices(): IterableIterator<InventoryDevice>;
  points(): IterableIterator<InventoryPoint>;
  find(id: string): TargetHandle | undefined;
  idOf(handle: TargetHandle): TargetId;
  nameOf(handle: TargetHandle): string;
  /** `undefined` where the handle is not a device (or not a point). */
  device(handle: TargetHandle): InventoryDevice | undefined;
  point(handle: TargetHandle): InventoryPoint | undefined;
  /** Where the device or point is written in the bundle: `organizations.0.points.12`; for faults about addresses. */
  pathOf(handle: TargetHandle): string;
}
