// The form in which the plant's register maps are written down: what a signed inventory says of a point, and where it starts.

import type { MappedPoint } from './register-bank.ts';
import type { ModbusAddress, SimulatedValue } from './values.ts';

type PlantPointClass = 'set-point' | 'command' | 'parameter' | 'alarm-limit' | 'firmware' | 'sensor';

export interface PlantPoint extends MappedPoint {
  readonly name: string;
  readonly class: PlantPointClass;
  readonly facts?: Readonly<Record<string, boolean | number | string>>;
  readonly unit?: string;
  readonly limits?: {
    readonly min?: number;
    readonly max?: number;
    readonly step?: number;
    readonly values?: readonly SimulatedValue[];
    readonly rate?: number;
  };
  readonly involves?: readonly string[];
  readonly undo?: boolean;
}

type Extras = Pick<PlantPoint, 'facts' | 'unit' | 'limits' | 'involves' | 'undo'>;

/** One row of a register map. */
export function row(
  id: string,
  name: string,
  pointClass: PlantPointClass,
  address: ModbusAddress,
  initial: SimulatedValue,
  extras: Extras = {},
): PlantPoint {
  return { id, name, class: pointClass, address, initial, ...extras };
}

/** Moves a value towards a target by the share that a first-order lag of `lagSeconds` covers in `seconds`. */
export function follow(value: number, target: number, seconds: number, lagSeconds: number): number {
  return value + (target - value) * (1 - Math.exp(-seconds / lagSeconds));
}

/** A slow swing around zero, the same in every run. */
export function swing(elapsed: number, periodSeconds: number, amplitude: number): number {
  return amplitude * Math.sin((2 * Math.PI * elapsed) / periodSeconds);
}
