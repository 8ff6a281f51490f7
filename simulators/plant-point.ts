// What a signed inventory says of a point of the plants, whatever protocol it speaks, and how a simulated value moves.

export type PlantPointClass = 'set-point' | 'command' | 'parameter' | 'alarm-limit' | 'firmware' | 'sensor';

/** `Value`: what the values of a point may be. */
export interface InventoryWords<Value> {
  readonly id: string;
  readonly name: string;
  readonly class: PlantPointClass;
  readonly facts?: Readonly<Record<string, boolean | number | string>>;
  readonly unit?: string;
  readonly limits?: {
    readonly min?: number;
    readonly max?: number;
    readonly step?: number;
    readonly values?: readonly Value[];
    readonly rate?: number;
  };
  readonly involves?: readonly string[];
  readonly undo?: boolean;
}

/** A device as a signed inventory writes it. */
export interface InventoryDevice<Id extends string, Address> {
  readonly id: Id;
  readonly name: string;
  readonly location: string;
  readonly tags: readonly string[];
  readonly facts: Readonly<Record<string, boolean | number | string>>;
  readonly vendor: string;
  readonly model: string;
  readonly address: Address;
}

/** Moves a value towards a target by the share that a first-order lag of `lagSeconds` covers in `seconds`. */
export function follow(value: number, target: number, seconds: number, lagSeconds: number): number {
  return value + (target - value) * (1 - Math.exp(-seconds / lagSeconds));
}
