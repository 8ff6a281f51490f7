// The devices' own records as the witness of what went round the gate: whatever was refused never arrived, as octets.

import { expect } from 'vitest';
import { encodeApdu } from '../../simulators/bacnet/apci.ts';
import type { BacnetClient } from '../../simulators/bacnet/client.ts';
import { BVLC, encodeBvlc, encodeNpdu, macOf, type Npdu } from '../../simulators/bacnet/framing.ts';
import { ask, type ServiceRequest } from '../../simulators/bacnet/requests.ts';
import type { Person, RoadRig } from '../drivers/bacnet/road-rig.ts';
import { PLANT_NETWORK } from '../drivers/bacnet/transport-rig.ts';

const FENCE = 'analog-input,3';

/** Everything that ever arrived at a device, but for the fence's own reads. */
export function arrivals(rig: RoadRig): number {
  const frames = Object.values(rig.plant.devices).flatMap((device) => device.record.all());
  return frames.filter(({ targets }) => !targets.some((target) => target.startsWith(FENCE))).length;
}

/** A read that is answered: what was sent before it has been taken by then. */
export async function fence(rig: RoadRig): Promise<void> {
  expect(await rig.ask('carla', ask.readProperty({ object: FENCE }))).toBe('complex-ack');
  // What the gateway answers a frame with in a later tick is given its time by a second turn.
  expect(await rig.ask('carla', ask.readProperty({ object: FENCE }))).toBe('complex-ack');
}

/** Runs an attack and shows that nothing of it arrived anywhere. */
export async function nothingArrives(rig: RoadRig, attack: () => Promise<void> | void): Promise<void> {
  await fence(rig);
  const before = arrivals(rig);
  await attack();
  await fence(rig);
  expect(arrivals(rig)).toBe(before);
}

interface RawOptions {
  readonly npdu?: Partial<Npdu>;
  readonly invokeId?: number;
  readonly bvlc?: number;
  readonly origin?: { readonly host: string; readonly port: number };
}

/** A whole datagram with a confirmed request for the air handler, with whatever is wrong about it. */
export function confirmed(rig: RoadRig, { service, payload }: ServiceRequest, options: RawOptions = {}): Buffer {
  const apdu = encodeApdu({
    kind: 'confirmed-request',
    invokeId: options.invokeId ?? 1,
    service,
    payload,
    segmentedAnswerAccepted: true,
    maxSegments: 0,
    maxApdu: 5,
  });
  return datagram(rig, apdu, options);
}

/** The APDU in an NPDU for the air handler. */
export function datagram(rig: RoadRig, apdu: Buffer, { npdu, bvlc = BVLC.unicast, origin }: RawOptions = {}): Buffer {
  const network = encodeNpdu({
    expectingReply: true,
    priority: 0,
    destination: { network: PLANT_NETWORK, mac: macOf(rig.plant.addresses.ahu2) },
    hops: 255,
    ...npdu,
    payload: apdu,
  });
  return encodeBvlc(bvlc, network, origin);
}

/** Sends octets from a person's tool to the technicians' side of the gateway. */
export async function sendRaw(rig: RoadRig, person: Person, bytes: Buffer): Promise<BacnetClient> {
  const client = await rig.tool(person);
  client.sendRaw(bytes, rig.north);
  return client;
}
