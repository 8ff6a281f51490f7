// The form in which the BACnet plant is written down: what a signed inventory says of a point, and the object it stands on.

import type { InventoryWords, PlantPointClass } from '../plant-point.ts';
import type { ObjectText, PropertyName } from './names.ts';
import type { SimulatedObject } from './object.ts';
import { type PointOptions, pointObject } from './object-kinds.ts';

/** Where a point is: an object and, where it is not the present value, a property of it. */
interface BacnetAddress {
  readonly object: ObjectText;
  readonly property?: PropertyName;
}

export interface PlantPoint extends InventoryWords<number> {
  readonly address: BacnetAddress;
}

/** One line of a device's sheet: a point of the inventory, an object, or an object that is a point. */
export interface PlantRow {
  readonly point?: PlantPoint;
  readonly build?: () => SimulatedObject;
}

interface RowOptions extends PointOptions {
  readonly facts?: PlantPoint['facts'];
  /** Of the limits only the policy knows; `min` and `max` the object has as well. */
  readonly step?: number;
  readonly values?: readonly number[];
  readonly undo?: boolean;
  readonly involves?: readonly string[];
}

/** A point on the present value of an object of its own. */
export function row(
  id: string,
  name: string,
  pointClass: PlantPointClass,
  object: ObjectText,
  initial: number,
  options: RowOptions = {},
): PlantRow {
  const { facts, unit, min, max, step, values, undo, involves } = options;
  const limits = {
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(step === undefined ? {} : { step }),
    ...(values === undefined ? {} : { values }),
  };
  return {
    point: {
      id,
      name,
      class: pointClass,
      address: { object },
      ...(facts === undefined ? {} : { facts }),
      ...(unit === undefined ? {} : { unit }),
      ...(Object.keys(limits).length === 0 || pointClass === 'sensor' ? {} : { limits }),
      ...(undo === undefined ? {} : { undo }),
      ...(involves === undefined ? {} : { involves }),
    },
    build: () => pointObject(object, name, initial, options),
  };
}

/** A point on a further property of an object that another row builds, or on one that `build` makes. */
export function also(point: PlantPoint, build?: () => SimulatedObject): PlantRow {
  return build === undefined ? { point } : { point, build };
}
