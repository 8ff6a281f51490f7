// How a device makes itself known: I-Am, I-Have, and the refusals of one that is no BBMD.

import type { DeviceState } from './device-state.ts';
import { encodeElements } from './elements.ts';
import { BVLC } from './framing.ts';
import type { SimulatedObject } from './object.ts';
import type { Parameters } from './parameters.ts';
import { app, decoded } from './values.ts';

/** Whether the range that a Who-Is or Who-Has begins with holds the instance. */
export function inRange(parameters: Parameters, instance: number): boolean {
  const low = parameters.unsigned(0) ?? 0;
  const high = parameters.unsigned(1) ?? 4_194_303;
  return instance >= low && instance <= high;
}

export function iAm(
  device: SimulatedObject,
  station: { readonly maxApdu: number; readonly segmented: boolean },
): Buffer {
  return encodeElements([
    app.object(device.ref),
    app.unsigned(station.maxApdu),
    app.enumerated(station.segmented ? 0 : 3),
    app.unsigned(device.number('vendor-identifier') ?? 0),
  ]);
}

/** The I-Have to a Who-Has whose range was already read; `undefined` where the device has no such object. */
export function iHave(state: DeviceState, parameters: Parameters): Buffer | undefined {
  const ref = parameters.object(2);
  const name = ref === undefined ? parameters.octets(3) : undefined;
  const found = [...state.objects.values()].find((object) =>
    ref === undefined
      ? name !== undefined && object.name === decoded.text(name)
      : object.ref.type === ref.type && object.ref.instance === ref.instance,
  );
  if (found === undefined) return undefined;
  return encodeElements([app.object(state.device.ref), app.object(found.ref), app.text(found.name)]);
}

const REFUSALS = new Map<number, number>([
  [BVLC.writeBroadcastTable, 0x10],
  [BVLC.readBroadcastTable, 0x20],
  [BVLC.registerForeignDevice, 0x30],
  [BVLC.readForeignTable, 0x40],
  [BVLC.deleteForeignEntry, 0x50],
  [BVLC.distributeBroadcast, 0x60],
]);

/** The BVLC-Result of a device that is no BBMD; `undefined` where nothing is to be said. */
export function refusalOf(bvlcFunction: number): number | undefined {
  return REFUSALS.get(bvlcFunction);
}
