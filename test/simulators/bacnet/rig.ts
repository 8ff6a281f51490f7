// The plant and a technician's tool on loopback for one test, and tshark's judgement of everything they said to each other.

import { expect, onTestFinished } from 'vitest';
import { BacnetClient, outcomeText, type SeenDatagram } from '../../../simulators/bacnet/client.ts';
import type { Element } from '../../../simulators/bacnet/elements.ts';
import type { Endpoint } from '../../../simulators/bacnet/framing.ts';
import type { ObjectText, PropertyName } from '../../../simulators/bacnet/names.ts';
import type { Peer } from '../../../simulators/bacnet/peer.ts';
import { type BacnetPlantOptions, type RunningBacnetPlant, startPlant } from '../../../simulators/bacnet/plant.ts';
import type { ServiceRequest } from '../../../simulators/bacnet/requests.ts';
import type { StationOptions } from '../../../simulators/bacnet/station.ts';
import { numberOf, shown } from '../../../simulators/bacnet/values.ts';
import { type CapturedDatagram, judgeBacnet } from '../../scenarios/peers/bacnet-tshark.ts';
import { have } from '../../scenarios/peers/program.ts';

export interface BacnetRig {
  readonly plant: RunningBacnetPlant;
  readonly client: BacnetClient;
  readonly ahu: Peer;
  readonly vav: Peer;
  readonly ctl: Peer;
  /** How a request ended: `simple-ack`, `complex-ack`, `error 2,40`, `reject 9`, `abort 4`. */
  ask(to: Peer, request: ServiceRequest): Promise<string>;
  /** A property as a person reads it. */
  shown(to: Peer, object: ObjectText, property?: PropertyName, index?: number): Promise<string>;
  number(to: Peer, object: ObjectText, property?: PropertyName): Promise<number | undefined>;
}

/** Counts the tools of this process: each has an address of its own in a part of 127/8 that goes by the process. */
let nextHost = 0;

export async function startRig(
  options: BacnetPlantOptions & { readonly client?: StationOptions } = {},
): Promise<BacnetRig> {
  const plant = await startPlant(options);
  onTestFinished(() => plant.stop());
  const client = await openClient(plant, options.client);
  const peer = (endpoint: Endpoint): Peer => ({ endpoint });
  const read = (to: Peer, object: ObjectText, property: PropertyName = 'present-value', index?: number) =>
    client.read(to, { object, property, ...(index === undefined ? {} : { index }) });
  return {
    plant,
    client,
    ahu: peer(plant.addresses.ahu2),
    vav: peer(plant.addresses.vav1),
    ctl: peer(plant.addresses.ctl1),
    ask: async (to, request) => outcomeText(await client.request(to, request)),
    shown: async (to, object, property, index) => shown(await read(to, object, property, index)),
    number: async (to, object, property) => numberOf((await read(to, object, property))[0]),
  };
}

/** One more tool on the plant's network. */
export async function openClient(plant: RunningBacnetPlant, options: StationOptions = {}): Promise<BacnetClient> {
  nextHost += 1;
  const host = `127.0.${2 + (process.pid % 200)}.${nextHost}`;
  const client = await BacnetClient.open({ host, port: plant.addresses.ahu2.port, ...options });
  onTestFinished(() => client.stop());
  return client;
}

/** Datagrams of one endpoint with both ends named, for the judge. */
export function captured(
  datagrams: readonly SeenDatagram[],
  own: Endpoint,
  broadcast: Endpoint | undefined,
): readonly CapturedDatagram[] {
  return datagrams.map(({ at, bytes, direction, other }) => {
    const far = other === 'broadcast' ? (broadcast ?? own) : other;
    return direction === 'in' ? { at, bytes, from: far, to: own } : { at, bytes, from: own, to: far };
  });
}

/**
 * Fails where tshark finds anything malformed in what the tool sent or got, or reads other errors than `errors` (absent: any).
 * Without tshark it says so and judges nothing.
 */
export async function expectWellFormed(rig: BacnetRig, errors?: readonly string[]): Promise<void> {
  // What comes in while tshark works is not judged any more.
  await expectJudged(captured([...rig.client.datagrams], rig.client.endpoint, rig.plant.broadcast), errors);
}

/** The same for any recorded datagrams. */
export async function expectJudged(said: readonly CapturedDatagram[], errors?: readonly string[]): Promise<void> {
  if (!have('tshark')) return;
  const judgement = await judgeBacnet(said);
  expect(judgement.faults).toEqual([]);
  expect(judgement.recognised).toBe(said.length);
  if (errors !== undefined) expect(judgement.errors).toEqual(errors);
}

/** The items inside the brackets `tag`. */
export function inside(items: readonly Element[], tag: number): readonly Element[] {
  const found = items.find((item) => item.kind === 'constructed' && item.tag === tag);
  return found?.kind === 'constructed' ? found.items : [];
}
