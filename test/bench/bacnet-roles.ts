// The processes of the BACnet benchmark: devices that answer as fast as they can, a bare forwarder, the simulated plant, and the
// gateway with the real gate, a policy of 100 000 points and the journal on disk. Each runs alone.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { driver } from '../../drivers/bacnet/driver.ts';
import { plantInventory, startPlant } from '../../simulators/bacnet/plant.ts';
import { siteBundle } from '../drivers/gate-stage.ts';
import { startBenched } from './gateway-core.ts';

export const DEVICES = 16;
export const PLANT_PORT = 47_910;
export const NORTH = { address: '127.9.4.1', port: 47_911 } as const;
export const FORWARDER = { address: '127.9.4.2', port: 47_912 } as const;
export const CLIENT = '127.9.4.9';
export const NETWORK = 20;
export const BIG_NETWORK = 21;
export const BIG = { host: '127.9.6.21', port: 47_914 } as const;
const POINTS = 100_000;
const POINTS_EACH = 100;
export const deviceHost = (at: number): string => `127.9.5.${at + 1}`;

export async function bound(address: string, port: number, shared = false): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: shared, recvBufferSize: 1 << 21 });
  socket.bind({ address, port });
  await once(socket, 'listening');
  return socket;
}

const REAL = [0x44, 0x42, 0x28, 0x00, 0x00];

/** ReadProperty gets one canned value, WriteProperty its SimpleACK, Who-Is an I-Am. */
export async function runDevices(): Promise<void> {
  const ear = await bound('127.255.255.255', PLANT_PORT, true);
  ear.setMaxListeners(DEVICES);
  for (let at = 0; at < DEVICES; at += 1) {
    const identifier = [0xc4, 0x02, 0x00, 0x00, at + 1];
    const own: { [property: number]: number[] } = {
      75: identifier,
      62: [0x22, 0x05, 0xc4],
      107: [0x91, 0],
      120: [0x21, 99],
    };
    const socket = await bound(deviceHost(at), PLANT_PORT);
    const say = (apdu: readonly number[], port: number, address: string): void => {
      const frame = Buffer.from([0x81, 0x0a, 0, 0, 1, 0, ...apdu]);
      frame.writeUInt16BE(frame.length, 2);
      socket.send(frame, port, address);
    };
    socket.on('message', (octets, { port, address }) => {
      // 81 0a length 01 04 00 05 id service 0c object 19 property [29 index]
      const [invokeId = 0, service] = [octets[8], octets[9]];
      if ((octets[6] ?? 0) >> 4 !== 0) return;
      if (service === 15) return say([0x20, invokeId, 15], port, address);
      if (service !== 12) return say([0x60, invokeId, 9], port, address);
      const value = own[octets[16] ?? 0] ?? REAL;
      say([0x30, invokeId, 12, ...octets.subarray(10), 0x3e, ...value, 0x3f], port, address);
    });
    ear.on('message', (octets, { port, address }) => {
      if (octets.includes(0x10, 6)) say([0x10, 0, ...identifier, 0x22, 0x05, 0xc4, 0x91, 0, 0x21, 99], port, address);
    });
  }
}

/** How many clients the forwarder has at once; who came first goes first. */
const FORWARDED_CLIENTS = 4;

/**
 * The least that a forwarder does: each client has a socket of its own to the south, so that answers find back to who asked; a
 * datagram goes to the device that its object's number says.
 */
export async function runForwarder(): Promise<void> {
  const north = await bound(FORWARDER.address, FORWARDER.port);
  const souths = new Map<string, Socket>();
  const hosts = Array.from({ length: DEVICES }, (_, at) => deviceHost(at));
  const open = (client: string, port: number, address: string): Socket => {
    const [oldest] = souths.keys();
    if (souths.size >= FORWARDED_CLIENTS && oldest !== undefined) {
      souths.get(oldest)?.close();
      souths.delete(oldest);
    }
    const south = createSocket({ type: 'udp4', recvBufferSize: 1 << 21 });
    south.bind({ address: FORWARDER.address });
    south.on('message', (octets) => north.send(octets, port, address));
    souths.set(client, south);
    return south;
  };
  north.on('message', (octets, { port, address }) => {
    const client = `${address}:${port}`;
    const south = souths.get(client) ?? open(client, port, address);
    south.send(octets, PLANT_PORT, hosts[(octets[14] ?? 0) % DEVICES]);
  });
}

/** The simulated plant, for what canned devices cannot do. */
export async function runPlant(): Promise<void> {
  await startPlant({ hostBase: BIG.host, port: BIG.port });
}

function bundle(): object {
  const named = Array.from({ length: DEVICES }, (_, at) => ({ id: `d${at + 1}`, network: 'plant', instance: at + 1 }));
  const others = Array.from({ length: POINTS / POINTS_EACH - DEVICES }, (_, at) => ({
    id: `x${at}`,
    network: 'other',
    instance: at + 1,
  }));
  const all = [...named, ...others];
  const big = plantInventory('hq');
  const device = ({ id, network, instance }: (typeof all)[number]) => ({
    id,
    name: id,
    location: 'hq',
    address: { bacnet: { network, instance } },
  });
  const points = all.flatMap(({ id }) =>
    Array.from({ length: POINTS_EACH }, (_, object) => ({
      id: `${id}/v${object}`,
      name: `Value ${object}`,
      device: id,
      class: 'set-point',
      limits: { min: 0, max: 60_000 },
      address: { object: `analog-value,${object}` },
    })),
  );
  return siteBundle({
    applications: [{ id: 'bms', name: 'Station', home: 'acme' }],
    devices: [
      ...all.map(device),
      ...big.devices.map((one) => ({ ...one, address: { bacnet: { ...one.address.bacnet, network: 'big' } } })),
    ],
    points: [...points, ...big.points],
    roles: [{ id: 'operator', name: 'Operator', permissions: ['point.read', 'point.write', 'device.view'] }],
    grants: [{ to: 'application:bms', role: 'operator', at: 'hq' }],
  });
}

/** Resolves once every device has been found. */
export async function runGateway(): Promise<void> {
  const running = await startBenched(driver, bundle(), CLIENT, {
    north: { networkNumber: 10, ...NORTH },
    networks: {
      plant: { networkNumber: NETWORK, address: '127.9.4.3', port: PLANT_PORT },
      big: { networkNumber: BIG_NETWORK, address: '127.9.4.4', port: BIG.port },
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const down = running.status().lines.filter(({ state }) => state !== 'up');
  if (down.length > 0) throw new Error(`not found: ${JSON.stringify(down)}`);
}
