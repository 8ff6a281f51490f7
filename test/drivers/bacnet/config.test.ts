// The driver's section: what the schema takes, and every fault across it by its path.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { bacnetSection } from '../../../drivers/bacnet/config.ts';
import { checkConfiguration } from '../../../drivers/bacnet/config-check.ts';
import { say } from '../../../simulators/bacnet/requests.ts';
import { told } from './classify-stage.ts';
import { ownHost, TransportRig } from './transport-rig.ts';

const plant = { networkNumber: 20, address: '192.0.2.2' };
const section = { north: { networkNumber: 10, address: '192.0.2.1' }, networks: { plant } };

function faults(changes: object): readonly string[] {
  return checkConfiguration(bacnetSection.parse({ ...section, ...changes })).map(({ path }) => path);
}

it('fills in what a small site leaves out', () => {
  const { north, networks } = bacnetSection.parse(section);
  expect(north).toMatchObject({ name: 'north', port: 47_808, limits: { stations: 1024, outstandingPerStation: 256 } });
  expect(networks.plant).toMatchObject({ inFlight: 8, timeoutMs: 3000, retries: 2, routers: [] });
  expect(faults({})).toEqual([]);
});

it.each([
  [{ north: { ...section.north, address: 'localhost' } }],
  [{ north: { ...section.north, networkNumber: 65_535 } }],
  [{ networks: { plant: { ...plant, inflight: 3 } } }],
  [{ applications: [{ network: 'plant', mac: 'C0A80001', principal: 'bms' }] }],
  [{ privateServices: [{ vendor: 1, service: 1, action: 'point.read' }] }],
])('does not take %j', (changes) => {
  expect(bacnetSection.safeParse({ ...section, ...changes }).success).toBe(false);
});

it.each<[string[], object]>([
  [['north.address'], { north: { ...section.north, address: '0.0.0.0' } }],
  [['networks.plant.port'], { networks: { plant: { ...plant, address: '192.0.2.1' } } }],
  [
    ['networks.b.broadcastAddress'],
    {
      networks: {
        plant: { ...plant, broadcastAddress: '192.0.2.255' },
        b: { networkNumber: 21, address: '192.0.2.3', broadcastAddress: '192.0.2.255' },
      },
    },
  ],
  [['networks.plant.networkNumber'], { networks: { plant: { ...plant, networkNumber: 10 } } }],
  [
    ['networks.plant.routers.0.networks.1'],
    { networks: { plant: { ...plant, routers: [{ address: '192.0.2.9', networks: [30, 10] }] } } },
  ],
  [['north.foreignDevices'], { north: { ...section.north, foreignDevices: {} } }],
  [
    ['networks.plant.foreignDeviceOf'],
    { networks: { plant: { ...plant, bbmd: {}, foreignDeviceOf: { address: '192.0.2.9' } } } },
  ],
  [
    ['networks.plant.foreignDeviceOf'],
    { networks: { plant: { ...plant, foreignDeviceOf: { address: '192.0.2.2' } } } },
  ],
  [['north.bbmd.peers.0'], { north: { ...section.north, bbmd: { peers: [{ address: '192.0.2.1' }] } } }],
  [['applications.0.network'], { applications: [{ network: 'b', instance: 1, principal: 'bms' }] }],
  [['applications.0'], { applications: [{ network: 'plant', principal: 'bms' }] }],
  [['applications.0'], { applications: [{ network: 'plant', instance: 1, mac: '01', principal: 'bms' }] }],
  [
    ['applications.0.networkNumber', 'applications.1.networkNumber'],
    {
      applications: [
        { network: 'plant', networkNumber: 77, mac: '01', principal: 'bms' },
        { network: 'plant', networkNumber: 20, instance: 1, principal: 'bms' },
      ],
    },
  ],
  [
    ['applications.1'],
    {
      applications: [
        { network: 'plant', instance: 1, principal: 'bms' },
        { network: 'plant', instance: 1, principal: 'other' },
      ],
    },
  ],
  [
    ['privateServices.1'],
    { privateServices: [1, 1].map((vendor) => ({ vendor, service: 2, action: 'device.control' })) },
  ],
])('finds %j', (paths, changes) => {
  expect(faults(changes)).toEqual(paths);
});

it('says what hinders the start: a port in use', async () => {
  const other = createSocket('udp4');
  onTestFinished(() => void other.close());
  const address = ownHost();
  other.bind({ address, port: 0 });
  await once(other, 'listening');
  const { port } = other.address();
  await expect(TransportRig.start({ north: { address, port } })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(`drivers.bacnet.north.port: port \`${port}\` of \`${address}\` is in use`),
  });
});

it.each([
  ['without a broadcast address', { address: '192.0.2.200' }],
  ['with one', { address: '192.0.2.200', broadcastAddress: '192.0.2.255' }],
])('waits for an address that is not there yet, %s; the other side works meanwhile', async (_name, north) => {
  const rig = await TransportRig.start({ north });
  const { degraded, listening } = rig.driver.status();
  expect(degraded).toEqual([
    expect.stringMatching(
      /^drivers\.bacnet\.north\.address: `192\.0\.2\.200` is no address of an interface that is up; found /,
    ),
  ]);
  expect(listening.map(({ name }) => name)).toEqual(['plant']);
  expect(rig.log.of('listener.waiting')).toHaveLength(1);
  expect(rig.road.services.plant.find('plant', 1001)).toBeDefined();
});

it('waits for a plant network alone, and says so of its line', async () => {
  const second = { networkNumber: 300, address: '192.0.2.201' };
  const rig = await TransportRig.start({ networks: { second }, settle: false });
  expect(rig.driver.status().listening.map(({ name }) => name)).toEqual(['north', 'plant']);
  expect(rig.driver.status().lines.find(({ name }) => name === 'second')).toMatchObject({
    state: 'down',
    why: expect.stringContaining('192.0.2.201'),
  });
  expect(rig.road.services.plant.unconfirmed('second', told(say.whoIs()))).toBe(false);
});
