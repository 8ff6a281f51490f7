// The form in which the plant's register maps are written down: what a signed inventory says of a point, and where it starts.

import type { InventoryWords, PlantPointClass } from '../plant-point.ts';
import type { MappedPoint } from './register-bank.ts';
import type { ModbusAddress, SimulatedValue } from './values.ts';

export type PlantPoint = MappedPoint & InventoryWords<SimulatedValue>;

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

/** A slow swing around zero, the same in every run. */
export function swing(elapsed: number, periodSeconds: number, amplitude: number): number {
  return amplitude * Math.sin((2 * Math.PI * elapsed) / periodSeconds);
}
