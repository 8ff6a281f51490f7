// The tour's steps on BACnet: an ordinary tool behind an ordinary router, and the devices' own records as the witness.

import { BacnetClient, errorOf, outcomeText } from '../bacnet/client.ts';
import { parseElements } from '../bacnet/elements.ts';
import type { ObjectText } from '../bacnet/names.ts';
import type { Outcome, Peer } from '../bacnet/peer.ts';
import { CTL_ROWS } from '../bacnet/plant-boxes.ts';
import type { ArrivedFrame } from '../bacnet/record.ts';
import { ask, type ServiceRequest, type WriteSpecification } from '../bacnet/requests.ts';
import { app, numberOf } from '../bacnet/values.ts';
import { PLANT_NETWORK_NUMBER } from './bacnet-part.ts';
import { check, type Person, PLACES, type Stage, type Step } from './stage.ts';

const SET_POINT = 'analog-value,1';
const WRITE_DENIED = [2, 40] as const;
const OUT_OF_RANGE = [2, 37] as const;
const AHU = 1001;
const VAV = 1002;
const CTL = 1003;

/** Opens a person's tool for one step: its address is all the gateway sees of it. */
async function withTool<T>(stage: Stage, person: Person, use: (tool: BacnetClient) => Promise<T>): Promise<T> {
  // The gateway itself is at the address of nobody.
  const host = person === 'nobody' ? '127.0.0.66' : PLACES[person];
  const tool = await BacnetClient.open({ host, port: stage.site.gateway().ports.get('bacnet-north') ?? 0 });
  try {
    return await use(tool);
  } finally {
    await tool.stop();
  }
}

/** The device behind the gateway, as Who-Is finds it. */
async function find(tool: BacnetClient, instance: number): Promise<Peer> {
  const [found] = await tool.discover(1, { low: instance, high: instance });
  check(found !== undefined, `expected device ${instance} to answer`);
  return (found as { readonly peer: Peer }).peer;
}

async function asks(stage: Stage, person: Person, instance: number, request: ServiceRequest): Promise<Outcome> {
  return withTool(stage, person, async (tool) => tool.request(await find(tool, instance), request));
}

/** The service's own error with this class and code, and nothing in any device's record. */
export async function refused(stage: Stage, person: Person, request: ServiceRequest, error: readonly [number, number]) {
  const before = stage.site.bacnet.writesSeen();
  const outcome = await asks(stage, person, AHU, request);
  const pair = outcome.kind === 'error' ? errorOf(outcome.payload) : undefined;
  check(pair?.[0] === error[0] && pair[1] === error[1], `expected error ${error}, got: ${outcomeText(outcome)}`);
  const arrived = stage.site.bacnet.writesSeen() - before;
  check(arrived === 0, `${arrived} writes arrived at the devices, expected none`);
  return outcome;
}

async function done(stage: Stage, person: Person, request: ServiceRequest, value: number): Promise<void> {
  const outcome = await asks(stage, person, AHU, request);
  check(outcome.kind === 'simple-ack', `expected the write to be done, got: ${outcomeText(outcome)}`);
  const holds = stage.site.bacnet.devices.ahu2.object(SET_POINT).number('present-value');
  check(holds === value, `expected the device to hold ${value}, it holds ${holds}`);
}

const setPoint = (value: number, priority: number): ServiceRequest =>
  ask.writeProperty({ object: SET_POINT, value: [app.real(value)], priority });

export const bacnetSteps: readonly Step[] = [
  {
    sentence: `BACnet: Who-Is finds the plant's three devices behind network ${PLANT_NETWORK_NUMBER}, as behind any router`,
    play: (stage) =>
      withTool(stage, 'nobody', async (tool) => {
        await stage.until('the gateway has verified every device', async () => {
          const found = await tool.discover(3).catch(() => []);
          return found.length === 3 && found.every(({ peer }) => peer.route?.network === PLANT_NETWORK_NUMBER);
        });
      }),
  },
  {
    sentence: 'BACnet: anyone reads the supply air temperature',
    play: (stage) =>
      withTool(stage, 'nobody', async (tool) => {
        const [value] = await tool.read(await find(tool, AHU), { object: 'analog-input,1' });
        const temperature = numberOf(value) ?? Number.NaN;
        check(temperature > 5 && temperature < 40, `expected a temperature, got ${temperature}`);
      }),
  },
  {
    sentence: 'BACnet: Anna writes the set point at priority 8: the device holds it',
    play: (stage) => done(stage, 'anna', setPoint(21.5, 8), 21.5),
  },
  {
    sentence: 'BACnet: at priority 5 she is refused with property/write-access-denied, and nothing reaches the device',
    async play(stage) {
      await refused(stage, 'anna', setPoint(22, 5), WRITE_DENIED);
    },
  },
  {
    sentence: 'BACnet: Ben may read only: (2,40)',
    async play(stage) {
      await refused(stage, 'ben', setPoint(19, 8), WRITE_DENIED);
    },
  },
  {
    sentence: 'BACnet: 35 °C is out of limits, whoever asks: (2,37)',
    async play(stage) {
      await refused(stage, 'anna', setPoint(35, 8), OUT_OF_RANGE);
    },
  },
  {
    sentence:
      'BACnet: a WritePropertyMultiple with one object that is not hers is refused whole, in the service’s own form',
    async play(stage) {
      const request = ask.writePropertyMultiple([
        { object: SET_POINT, value: [app.real(20)], priority: 8 },
        { object: 'analog-input,1', property: 'high-limit', value: [app.real(30)] },
      ]);
      const outcome = await refused(stage, 'anna', request, WRITE_DENIED);
      const [, reference] = outcome.kind === 'error' ? parseElements(outcome.payload) : [];
      check(reference?.kind === 'constructed' && reference.tag === 1, 'expected the first refused reference');
    },
  },
  {
    sentence: 'BACnet: Ben subscribes to the set point and is told when Anna changes it',
    play: (stage) =>
      withTool(stage, 'ben', async (tool) => {
        const outcome = await tool.request(await find(tool, AHU), ask.subscribeCov(7, SET_POINT, false, 60));
        check(outcome.kind === 'simple-ack', `expected the subscription to be taken, got: ${outcomeText(outcome)}`);
        const before = tool.notifications.length;
        await done(stage, 'anna', setPoint(18.5, 8), 18.5);
        await stage.until('a notification comes', () => tool.notifications.length > before);
      }),
  },
  {
    sentence:
      'BACnet: Anna writes 200 objects of the room controller in one request of several segments: all of them arrive',
    async play(stage) {
      const outcome = await asks(stage, 'anna', CTL, ask.writePropertyMultiple(everyObject()));
      check(outcome.kind === 'simple-ack', `expected the writes to be done, got: ${outcomeText(outcome)}`);
      const controller = stage.site.bacnet.devices.ctl1;
      const holds = everyObject().filter(
        ({ object, value }) => controller.object(object).number('present-value') === numberOf(value[0]),
      );
      check(holds.length === 200, `expected 200 objects to hold what was written, ${holds.length} do`);
    },
  },
  {
    sentence: 'BACnet: a room set point of a box that speaks only 206 octets, read and written like any other',
    async play(stage) {
      const outcome = await asks(stage, 'anna', VAV, setPoint(22, 8));
      check(outcome.kind === 'simple-ack', `expected the write to be done, got: ${outcomeText(outcome)}`);
    },
  },
];

/** Changes that ever arrived at the devices, a segmented one once; firmware updates are told by their own steps. */
export function bacnetWrites(stage: Stage): number {
  // Of a segmented request the first segment alone names its target.
  const isOfUpdate = ({ service = '', targets }: ArrivedFrame): boolean =>
    ['atomic-write-file', 'reinitialize-device'].includes(service) || targets.includes('file,1 file-size');
  const requests = Object.values(stage.site.bacnet.devices).flatMap((device) =>
    device.record
      .writes()
      .filter((frame) => !isOfUpdate(frame))
      .map(({ peer, invokeId, service }) => `${device.name} ${peer} ${service} ${invokeId}`),
  );
  return new Set(requests).size;
}

function everyObject(): readonly WriteSpecification[] {
  return CTL_ROWS.flatMap(({ point }) => {
    if (point === undefined) return [];
    const { object } = point.address;
    return [{ object, value: [valueFor(object)], priority: 8 }];
  });
}

function valueFor(object: ObjectText) {
  if (object.startsWith('analog')) return app.real(20.5);
  return object.startsWith('binary') ? app.enumerated(1) : app.unsigned(2);
}
