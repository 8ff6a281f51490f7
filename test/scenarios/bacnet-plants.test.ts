// More than one plant network behind the gateway, and a router in the plant: real devices, the real gate, the devices' records.

import { expect, onTestFinished, test } from 'vitest';
import { SimulatedDevice } from '../../simulators/bacnet/device.ts';
import { decodeBvlc, decodeNpdu, macOf } from '../../simulators/bacnet/framing.ts';
import { CONFIRMED } from '../../simulators/bacnet/names.ts';
import type { Peer } from '../../simulators/bacnet/peer.ts';
import { plantInventory, type RunningBacnetPlant, startPlant } from '../../simulators/bacnet/plant.ts';
import { ahuRows } from '../../simulators/bacnet/plant-ahu.ts';
import { ask, type ServiceRequest, say } from '../../simulators/bacnet/requests.ts';
import { SimulatedRouter } from '../../simulators/bacnet/router.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { RoadRig, type RoadRigOptions } from '../drivers/bacnet/road-rig.ts';
import { eventually, ownHost, ownHostBase, PLANT_NETWORK } from '../drivers/bacnet/transport-rig.ts';

const SECOND = 300;
const BEHIND = 250;

const setPoint = (value: number): ServiceRequest =>
  ask.writeProperty({ object: 'analog-value,1', value: [app.real(value)], priority: 10 });
const parameter = ask.writeProperty({ object: 'analog-value,4', value: [app.real(30)] });

/** The air handler's row and points once more, under another id and address. */
function twin(id: string, address: object): { readonly device: object; readonly points: readonly object[] } {
  const { devices, points } = plantInventory();
  const [device] = devices.filter((one) => one.id === 'ahu2');
  return {
    device: { ...device, id, name: id, address: { bacnet: address } },
    points: points
      .filter((point) => point.device === 'ahu2')
      .map(({ involves: _none, ...point }) => ({ ...point, id: point.id.replace('ahu2', id), device: id })),
  };
}

/** Two networks whose devices have the same instances; the first air handler is the application `bms`. */
async function twoPlants(
  options: RoadRigOptions = {},
): Promise<{ rig: RoadRig; second: RunningBacnetPlant; side: Peer }> {
  const second = await startPlant({ hostBase: ownHostBase() });
  onTestFinished(() => second.stop());
  const gateway = ownHost();
  const { device, points } = twin('ahu3', { network: 'second', instance: 1001 });
  const rig = await RoadRig.start({
    beside: async () => ({
      networks: {
        second: { networkNumber: SECOND, address: gateway, port: second.addresses.ahu2.port, timeoutMs: 300 },
      },
    }),
    section: { applications: [{ network: 'plant', instance: 1001, principal: 'bms' }] },
    bundle: {
      devices: (devices) => [...devices, device],
      points: (standing) => [...standing, ...points],
      grants: [
        { to: 'user:carla', role: 'viewer', at: 'hq' },
        { to: 'user:anna', role: 'admin', at: 'ahu3' },
        { to: 'application:bms', permissions: ['point.read', 'point.write', 'alarm.view'], at: 'ahu3/sat-sp' },
        { to: 'application:bms', permissions: ['alarm.view'], at: 'ahu3' },
      ],
    },
    ...options,
  });
  const listening = rig.driver.status().listening.find(({ name }) => name === 'plant');
  const endpoint = { host: listening?.address ?? '', port: listening?.port ?? 0 };
  return { rig, second, side: { endpoint, route: { network: SECOND, mac: macOf(second.addresses.ahu2) } } };
}

/** APDUs that came to a device as from another network, in hex. */
function cameFrom(device: SimulatedDevice, network: number): string[] {
  return device.record.all().flatMap(({ bytes }) => {
    const npdu = decodeNpdu(decodeBvlc(bytes)?.payload ?? Buffer.alloc(0));
    return npdu?.source?.network === network ? [npdu.payload.toString('hex')] : [];
  });
}

test('a controller writes to another network what its application may write, and nothing else', async () => {
  const { rig, second, side } = await twoPlants();
  const { ahu2, vav1 } = rig.plant.devices;
  ahu2.state.outbound.confirmed(side, CONFIRMED['write-property'], setPoint(20).payload);
  await eventually(() => second.devices.ahu2.record.applied().length === 1);
  await eventually(() => cameFrom(ahu2, SECOND).length === 1);
  expect(cameFrom(ahu2, SECOND)[0]).toMatch(/^20..0f$/);
  expect(rig.rows('intent')).toMatchObject([
    { who: { principal: 'bms', proof: { kind: 'application-address' } }, effects: [{ target: 'ahu3/sat-sp' }] },
  ]);
  ahu2.state.outbound.confirmed(side, CONFIRMED['write-property'], parameter.payload);
  await eventually(() => cameFrom(ahu2, SECOND).length === 2);
  expect(cameFrom(ahu2, SECOND)[1]).toMatch(/^50..0f91029128$/);
  // A device that is nobody's application writes nothing, not even what the other may.
  vav1.state.outbound.confirmed(side, CONFIRMED['write-property'], setPoint(21).payload);
  await eventually(() => cameFrom(vav1, SECOND).length === 1);
  expect(cameFrom(vav1, SECOND)[0]).toMatch(/^50..0f91029128$/);
  expect(second.writesSeen()).toBe(1);
  expect(rig.plant.writesSeen()).toBe(0);
});

test('an alarm of one network reaches the controller of another that may see it', async () => {
  const { rig, second } = await twoPlants();
  const listening = rig.driver.status().listening.find(({ name }) => name === 'second');
  const event = Buffer.from('09011c020003e92c000000013e19013f4901590169058902b900', 'hex');
  const to = (device: SimulatedDevice): Peer => ({
    endpoint: { host: listening?.address ?? '', port: listening?.port ?? 0 },
    route: { network: PLANT_NETWORK, mac: macOf(device.endpoint) },
  });
  const { ahu2, vav1 } = rig.plant.devices;
  const { outbound } = second.devices.ahu2.state;
  outbound.confirmed(to(ahu2), CONFIRMED['confirmed-event-notification'], event);
  await eventually(() => ahu2.heard.length === 1);
  expect(ahu2.heard[0]).toContain('confirmed-event-notification');
  await eventually(() => cameFrom(second.devices.ahu2, PLANT_NETWORK).length === 1);
  outbound.confirmed(to(vav1), CONFIRMED['confirmed-event-notification'], event);
  await eventually(() => cameFrom(second.devices.ahu2, PLANT_NETWORK).length === 2);
  expect(cameFrom(second.devices.ahu2, PLANT_NETWORK).map((apdu) => apdu.slice(0, 1))).toEqual(['2', '5']);
  expect(vav1.heard).toEqual([]);
});

test('of two devices with one instance on two networks each has its own rights', async () => {
  const { rig, second } = await twoPlants();
  const anna = await rig.tool('anna');
  anna.tell(say.whoIs(), { endpoint: rig.north, route: { network: 0xffff, mac: Buffer.alloc(0) } });
  await anna.until(() => anna.found.length >= 1);
  expect(anna.found.map(({ peer }) => peer.route?.network)).toEqual([SECOND]);
  const there: Peer = { endpoint: rig.north, route: { network: SECOND, mac: macOf(second.addresses.ahu2) } };
  await anna.write(there, { object: 'analog-value,1', value: [app.real(20)], priority: 10 });
  expect(second.devices.ahu2.object('analog-value,1').number('present-value')).toBe(20);
  expect(await rig.ask('anna', setPoint(20))).toBe('error 2,40');
  expect(rig.plant.writesSeen()).toBe(0);
});

test('a device behind a router of the plant is read, written, heard and guarded like any other', async () => {
  const { device, points } = twin('ahu4', { network: 'plant', instance: 1009 });
  let router: SimulatedRouter | undefined;
  let routed: SimulatedDevice | undefined;
  const rig = await RoadRig.start({
    beside: async (plant) => {
      const { port } = plant.addresses.ahu2;
      router = await SimulatedRouter.start([
        { network: PLANT_NETWORK, host: ownHost(), port },
        { network: BEHIND, host: ownHost() },
      ]);
      const [outside, inside] = router.endpoints;
      const stop = router;
      onTestFinished(() => stop.stop());
      routed = await SimulatedDevice.start({
        name: 'ahu4',
        instance: 1009,
        host: ownHost(),
        port: inside?.port ?? 0,
        announces: 'unicast',
        objects: ahuRows().flatMap(({ build }) => (build === undefined ? [] : [build()])),
      });
      const behind = routed;
      onTestFinished(() => behind.stop());
      return { network: { routers: [{ address: outside?.host, port: outside?.port, networks: [BEHIND] }] } };
    },
    bundle: { devices: (devices) => [...devices, device], points: (standing) => [...standing, ...points] },
  });
  if (routed === undefined) throw new Error('the device behind the router was not started');
  const carla = await rig.tool('carla');
  const anna = await rig.tool('anna');
  const ben = await rig.tool('ben');
  const to: Peer = { endpoint: rig.north, route: { network: BEHIND, mac: macOf(routed.endpoint) } };
  carla.tell(say.whoIs(), { endpoint: rig.north, route: { network: 0xffff, mac: Buffer.alloc(0) } });
  await carla.until(() => carla.found.some(({ instance }) => instance === 1009));
  expect(carla.found.find(({ instance }) => instance === 1009)?.peer).toEqual(to);
  await anna.write(to, { object: 'analog-value,1', value: [app.real(21)], priority: 10 });
  expect(routed.object('analog-value,1').number('present-value')).toBe(21);
  const all = await carla.acknowledged(to, ask.readPropertyMultiple([{ object: 'device,1009', property: 'all' }]));
  expect(all.length).toBeGreaterThan(100);
  expect((await ben.request(to, setPoint(22))).kind).toBe('error');
  expect(routed.record.writesSeen()).toBe(1);
  expect((await carla.request(to, ask.subscribeCov(5, 'analog-value,1', true, 600))).kind).toBe('simple-ack');
  await carla.until(() => carla.notifications.length === 1);
  expect(carla.notifications[0]?.peer).toEqual(to);
});
