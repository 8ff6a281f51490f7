// From the plant to the technicians' side, from one plant network to another, and what one station may hold of the gateway.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import type { Destination } from '../../../drivers/bacnet/seam.ts';
import { macOf } from '../../../simulators/bacnet/framing.ts';
import { CONFIRMED, UNCONFIRMED } from '../../../simulators/bacnet/names.ts';
import type { Peer } from '../../../simulators/bacnet/peer.ts';
import { startPlant } from '../../../simulators/bacnet/plant.ts';
import { say, ask as service } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { request, told } from './classify-stage.ts';
import { ask, eventually, NORTH_NETWORK, ownHost, ownHostBase, PLANT_NETWORK, TransportRig } from './transport-rig.ts';

const read = service.readProperty({ object: 'analog-value,1' });

/** An event notification's octets need not make sense here: COV of analog-value,1 of device 1001. */
const COV = Buffer.from('09011c020003e92c0080000139004e09552e4441a000002f4f', 'hex');

const EVENT = Buffer.from('09011c020003e92c000000013e19013f4901590169058902b900', 'hex');

it('takes a confirmed notification of a device to one station, under the device’s name, and its ack back', async () => {
  const rig = await TransportRig.start();
  const desk = await rig.client();
  const device = rig.plant.devices.ahu2;
  const via = (network: number, mac: Buffer): Peer => ({
    endpoint: rig.plantSide,
    route: { network, mac },
  });
  const outbound = device.state.outbound;
  expect(outbound).toBeDefined();
  outbound?.confirmed(via(NORTH_NETWORK, macOf(desk.endpoint)), 1, COV);
  await desk.until(() => desk.notifications.length === 1);
  expect(desk.notifications[0]).toMatchObject({
    service: 'confirmed-cov-notification',
    peer: { endpoint: rig.north, route: { network: PLANT_NETWORK, mac: macOf(device.endpoint) } },
  });
  outbound?.unconfirmed(via(NORTH_NETWORK, macOf(desk.endpoint)), 2, COV);
  await desk.until(() => desk.notifications.length === 2);
  // To the gateway itself: what it subscribed to on somebody's behalf.
  outbound?.confirmed({ endpoint: rig.plantSide }, 1, COV);
  await eventually(() => rig.road.notifications.length === 2);
  expect(rig.road.notifications.map(({ to }) => (to === 'gateway' ? to : to.key))).toEqual([
    `${desk.endpoint.host}:${desk.endpoint.port}`,
    'gateway',
  ]);
});

it('a console that only listens is looked for at the start, and known once it says that it is here', async () => {
  const ear = createSocket({ type: 'udp4', reuseAddr: true });
  onTestFinished(() => void ear.close());
  ear.bind({ address: '127.255.255.255', port: 0 });
  await once(ear, 'listening');
  const heard: string[] = [];
  ear.on('message', (octets) => heard.push(octets.toString('hex')));
  const rig = await TransportRig.start({ north: { port: ear.address().port }, settle: false });
  await eventually(() => heard.length >= 2);
  // I-Am-Router-To-Network 200, then Who-Is for everybody; what the plant's devices say of themselves comes behind.
  expect(heard.slice(0, 2)).toEqual(['810b000901800100c8', '810b000801001008']);
  const desk = await rig.client();
  expect(rig.driver.status().counters.north_stations).toBe(0);
  desk.tell(say.iAm(4000), { endpoint: rig.north });
  await eventually(() => rig.driver.status().counters.north_stations === 1);
  expect([...rig.road.services.north.stations()].map(({ key }) => key)).toEqual([
    `${desk.endpoint.host}:${desk.endpoint.port}`,
  ]);
});

it('what a device says to the technicians’ network is for no network of the plant', async () => {
  const rig = await TransportRig.start();
  const heard: Destination[] = [];
  rig.road.unconfirmed = (_from, to) => void heard.push(to);
  const outbound = rig.plant.devices.ahu2.state.outbound;
  outbound?.unconfirmed({ endpoint: rig.plantSide, route: { network: NORTH_NETWORK, mac: Buffer.alloc(0) } }, 2, COV);
  outbound?.unconfirmed({ endpoint: rig.plantSide, route: { network: PLANT_NETWORK, mac: Buffer.alloc(0) } }, 2, COV);
  await eventually(() => heard.length === 2);
  expect(heard).toEqual(['north', { network: 'plant' }]);
});

it('hands on a request of one plant network to another, as from who asked', async () => {
  const other = await startPlant({ hostBase: ownHostBase() });
  onTestFinished(() => other.stop());
  const rig = await TransportRig.start({
    networks: { second: { networkNumber: 300, address: ownHost(), port: other.addresses.ahu2.port } },
  });
  await eventually(() => rig.road.services.plant.find('second', 1002) !== undefined);
  const to: Peer = { endpoint: rig.plantSide, route: { network: 300, mac: macOf(other.addresses.vav1) } };
  rig.plant.devices.ahu2.state.outbound?.confirmed(
    to,
    12,
    service.readProperty({ object: 'device,1002', property: 'vendor-identifier' }).payload,
  );
  await eventually(() => rig.road.requests.length === 1);
  const [request] = rig.road.requests;
  expect(request?.to).toMatchObject({ network: 'second', instance: 1002 });
  expect(request?.from).toMatchObject({ network: 'plant', instance: 1001 });
});

it('gives what is passed on to a device the network priority it came with', async () => {
  const rig = await TransportRig.start();
  const { plant } = rig.road.services;
  const device = plant.find('plant', 1001);
  if (device === undefined) throw new Error('no device 1001');
  const { record } = rig.plant.devices.ahu2;
  const heard = (): Buffer[] => {
    const frames = record.others().filter(({ bytes }) => bytes.includes(EVENT));
    return frames.map(({ bytes }) => bytes);
  };
  const confirmed = request({ service: CONFIRMED['confirmed-event-notification'], payload: EVENT });
  const unconfirmed = told({ service: UNCONFIRMED['unconfirmed-event-notification'], payload: EVENT });
  const priorities: (number | undefined)[] = [];
  for (const priority of [0, 3] as const) {
    const before = heard().length;
    plant.unconfirmed(device, unconfirmed, undefined, priority);
    await eventually(() => heard().length > before);
    await plant.request(device, confirmed, { retry: false, priority });
    priorities.push(
      ...heard()
        .slice(before)
        .map((frame) => frame.readUInt8(5) & 0x03),
    );
  }
  expect(priorities).toEqual([0, 0, 3, 3]);
});

it('aborts what one station asks beyond its share, and answers the others', async () => {
  const rig = await TransportRig.start({ north: { limits: { outstandingPerStation: 4 } } });
  const [greedy, modest] = [await rig.client(), await rig.client()];
  const ahu = rig.device('ahu2');
  rig.plant.devices.ahu2.fail({ kind: 'delay', ms: 80 });
  const asked = Array.from({ length: 10 }, () => ask(greedy, ahu, read));
  expect(await ask(modest, ahu, read)).toBe('complex-ack');
  const outcomes = await Promise.all(asked);
  expect(outcomes.filter((outcome) => outcome === 'complex-ack')).toHaveLength(4);
  expect(outcomes.filter((outcome) => outcome === 'abort 9')).toHaveLength(6);
  expect(rig.counter('north_over_limit')).toBe(6);
});

it('holds no more of a message than it may, and forgets one that is not finished', async () => {
  const rig = await TransportRig.start({
    north: { segmentTimeoutMs: 50, limits: { messageOctets: 1476, reassemblyOctetsPerStation: 4096 } },
  });
  const client = await rig.client();
  const long = service.writePropertyMultiple(
    Array.from({ length: 200 }, (_, at) => ({ object: `analog-value,${at + 1}` as const, value: [app.real(1)] })),
  );
  expect(await ask(client, rig.device('ctl1'), long)).toBe('abort 1');
  expect(rig.counter('north_under_way')).toBe(0);
  expect(rig.plant.writesSeen()).toBe(0);
});

it('says to who asks the router itself that it has no objects', async () => {
  const rig = await TransportRig.start();
  const client = await rig.client();
  expect(await ask(client, { endpoint: rig.north }, read)).toBe('reject 9');
});
