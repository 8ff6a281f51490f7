// Tools, the router, the plant: what passes, what does not, and whose it appears to be.

import { describe, expect, it, onTestFinished } from 'vitest';
import { SimulatedBbmd } from '../../../simulators/bacnet/bbmd.ts';
import { macOf } from '../../../simulators/bacnet/framing.ts';
import { ask as service } from '../../../simulators/bacnet/requests.ts';
import { app, numberOf } from '../../../simulators/bacnet/values.ts';
import { captured, expectJudged } from '../../simulators/bacnet/rig.ts';
import { ask, eventually, NORTH_NETWORK, ownHost, PLANT_NETWORK, TransportRig } from './transport-rig.ts';

const write = (value: number, priority = 10) =>
  service.writeProperty({ object: 'analog-value,1', value: [app.real(value)], priority });

describe('the terminating router', () => {
  it('shows the plant behind its number, reads and writes it, and every frame it sends is well-formed', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    const found = await client.discover(3);
    expect(found.map(({ instance }) => instance).sort()).toEqual([1001, 1002, 1003]);
    for (const { peer } of found) {
      expect(peer.endpoint).toEqual(rig.north);
      expect(peer.route?.network).toBe(PLANT_NETWORK);
    }
    const ahu = rig.device('ahu2');
    expect(await ask(client, ahu, write(20.5))).toBe('simple-ack');
    expect(numberOf((await client.read(ahu, { object: 'analog-value,1' }))[0])).toBe(20.5);
    expect(client.strays).toBe(0);
    expect(rig.counter('own_faults')).toBe(0);
    expect(rig.counter('plant_strays')).toBe(0);
    await expectJudged(
      captured([...client.datagrams], client.endpoint, { host: '127.255.255.255', port: rig.north.port }),
    );
  });

  it('knows which devices of the policy stand behind its lines and listeners', async () => {
    const { driver } = await TransportRig.start({ settle: false });
    const all = driver.behind('listener', 'north');
    expect(all.length).toBeGreaterThan(1);
    expect(driver.behind('line', 'plant')).toEqual(all);
    expect(driver.behind('listener', 'plant')).toEqual(all);
    expect(driver.behind('line', 'north')).toEqual([]);
  });

  it('says which networks are behind it and which one it is on', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    const send = (hex: string): void => client.sendRaw(bvlc('0a', hex), rig.north);
    // Who-Is-Router-To-Network, for all and for one that is not there; What-Is-Network-Number.
    send('018000');
    send('0180000999');
    send('018012');
    await client.until(() => client.networkMessages.length >= 2);
    const messages = client.networkMessages.map(({ npdu }) => [npdu.message, npdu.payload.toString('hex')]);
    expect(messages).toEqual([
      [1, PLANT_NETWORK.toString(16).padStart(4, '0')],
      [0x13, `${NORTH_NETWORK.toString(16).padStart(4, '0')}01`],
    ]);
  });

  it('answers the same from tools that ask everybody of the internetwork, but for the number of one network', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    // 6.4.19: What-Is-Network-Number with a destination is ignored.
    client.sendRaw(bvlc('0a', '01a0ffff00ff12'), rig.north);
    client.sendRaw(bvlc('0a', '01a0012c00ff00'), rig.north);
    client.sendRaw(bvlc('0a', '01a0ffff00ff0000c8'), rig.north);
    await client.until(() => client.networkMessages.length >= 1);
    const messages = client.networkMessages.map(({ npdu }) => [npdu.message, npdu.payload.toString('hex')]);
    expect(messages).toEqual([[1, PLANT_NETWORK.toString(16).padStart(4, '0')]]);
  });

  it('answers a request without the mark that it expects a reply: what reads with what it asks for, a change with an abort', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    const known = rig.device('ahu2').route ?? { network: 0, mac: Buffer.alloc(0) };
    const header = `0120${PLANT_NETWORK.toString(16).padStart(4, '0')}06${Buffer.from(known.mac).toString('hex')}ff`;
    const answer = async (apdu: string): Promise<string> => {
      const before = client.datagrams.length;
      client.sendRaw(bvlc('0a', `${header}${apdu}`), rig.north);
      const heard = () => client.datagrams.slice(before).find(({ direction }) => direction === 'in');
      await client.until(() => heard() !== undefined);
      return heard()?.bytes.subarray(-4).toString('hex') ?? '';
    };
    // GetEventInformation, as bacnet-stack's tool sends it: an ack with an empty list and no more events.
    expect(await answer('0005011d')).toBe('0e0f1900');
    // WriteProperty: abort of invoke id 2 by the server, reason other.
    expect(await answer('0005020f0c0080000119553e4441a400003f490a')).toMatch(/710200$/);
    // A hop count that was never set is used up, for what reads as well, and recorded.
    client.sendRaw(bvlc('0a', `${header.slice(0, -2)}000005031d`), rig.north);
    await eventually(() =>
      rig.road.refusals.some(({ detail }) => detail === 'got hop count `0`, expected at least `2`'),
    );
    expect(rig.plant.writesSeen()).toBe(0);
  });

  it('says so where a network is not behind it', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    const { mac } = rig.device('ahu2').route ?? { mac: Buffer.alloc(0) };
    const nowhere = { endpoint: rig.north, route: { network: 999, mac } };
    await expect(client.request(nowhere, write(20.5), { timeoutMs: 200 })).rejects.toThrow('no answer');
    expect(client.networkMessages[0]?.npdu.message).toBe(3);
    expect(client.networkMessages[0]?.npdu.payload.toString('hex')).toBe('0103e7');
    expect(rig.plant.writesSeen()).toBe(0);
  });

  it('translates lengths and segmentation between the sides', async () => {
    const rig = await TransportRig.start();
    const ctl = rig.device('ctl1');
    const objectList = service.readProperty({ object: 'device,1003', property: 'object-list' });
    const large = await rig.client();
    const whole = await large.acknowledged(ctl, objectList);
    const small = await rig.client({ maxApdu: 128, window: 2 });
    expect(await small.acknowledged(ctl, objectList)).toEqual(whole);
    const unsegmented = await rig.client({ maxApdu: 206, segmentation: 'none' });
    expect(await ask(unsegmented, ctl, objectList)).toBe('abort 4');
    const writes = Array.from({ length: 100 }, (_, at) => ({
      object: `analog-value,${at + 1}` as const,
      value: [app.real(21)],
      priority: 10,
    }));
    const outcome = await ask(small, ctl, service.writePropertyMultiple(writes));
    expect(rig.plant.devices.ctl1.record.writesSeen()).toBeGreaterThan(0);
    expect(outcome).toMatch(/^(simple-ack|error)/);
    await expectJudged(captured([...small.datagrams], small.endpoint, undefined));
  });

  it('keeps the segments of two clients with one invoke id apart', async () => {
    const rig = await TransportRig.start();
    const [one, other] = [await rig.client({ maxApdu: 50 }), await rig.client({ maxApdu: 50 })];
    const ctl = rig.device('ctl1');
    const request = (from: number) =>
      service.readPropertyMultiple(
        Array.from({ length: 12 }, (_, at) => ({ object: `analog-value,${from + at}` as const })),
      );
    const [a, b] = await Promise.all([
      one.acknowledged(ctl, request(1), { invokeId: 1, peerMaxApdu: 50 }),
      other.acknowledged(ctl, request(40), { invokeId: 1, peerMaxApdu: 50 }),
    ]);
    const direct = await rig.client();
    expect(a).toEqual(await direct.acknowledged(ctl, request(1)));
    expect(b).toEqual(await direct.acknowledged(ctl, request(40)));
  });
});

describe('retries', () => {
  it('answers the same bytes from memory, judges other bytes anew, and forgets what another change went past', async () => {
    const rig = await TransportRig.start();
    const [client, other] = [await rig.client(), await rig.client()];
    const ahu = rig.device('ahu2');
    const seen = (): number => rig.plant.writesSeen();
    const again = (value: number) => client.request(ahu, write(value), { invokeId: 1 });
    await again(20);
    await again(20);
    expect(seen()).toBe(1);
    expect(rig.counter('north_repeats')).toBe(1);
    await again(21);
    expect(seen()).toBe(2);
    await again(20);
    expect(seen()).toBe(3);
    await other.request(ahu, write(22, 11), { invokeId: 9 });
    await again(20);
    expect(seen()).toBe(5);
    rig.road.repeats = false;
    await again(20);
    expect(seen()).toBe(6);
  });

  it('does not send a change twice while the first is under way', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client({ apduTimeoutMs: 60, retries: 3 });
    const { ahu2 } = rig.plant.devices;
    ahu2.fail({ kind: 'delay', ms: 150 });
    expect(await ask(client, rig.device('ahu2'), write(20))).toBe('simple-ack');
    expect(rig.plant.writesSeen()).toBe(1);
    expect(rig.counter('north_repeats')).toBeGreaterThan(0);
  });
});

describe('plant devices that misbehave', () => {
  it('sends a change once and a read again where no answer comes', async () => {
    const rig = await TransportRig.start({ network: { timeoutMs: 60 } });
    const client = await rig.client();
    const { ahu2 } = rig.plant.devices;
    const reads = ahu2.record.readsSeen();
    ahu2.fail({ kind: 'silence' });
    expect(await ask(client, rig.device('ahu2'), write(20))).toBe('abort 10');
    expect(rig.plant.writesSeen()).toBe(1);
    expect(await ask(client, rig.device('ahu2'), service.readProperty({ object: 'analog-value,1' }))).toBe('abort 10');
    expect(ahu2.record.readsSeen() - reads).toBe(3);
    expect(
      await ask(
        client,
        rig.device('vav1'),
        service.readProperty({ object: 'device,1002', property: 'vendor-identifier' }),
      ),
    ).toBe('complex-ack');
  });

  it('drops answers that come late, twice, from elsewhere or under another number', async () => {
    const rig = await TransportRig.start({ network: { timeoutMs: 60, retries: 0 } });
    const client = await rig.client();
    const { ahu2 } = rig.plant.devices;
    const ahu = rig.device('ahu2');
    const read = service.readProperty({ object: 'analog-value,1' });
    for (const failure of [
      { kind: 'hold' },
      { kind: 'elsewhere', host: ownHost() },
      { kind: 'wrong-invoke-id', by: 1 },
    ] as const) {
      ahu2.fail(failure, { times: 1 });
      expect(await ask(client, ahu, read), failure.kind).toBe('abort 10');
    }
    ahu2.release();
    ahu2.fail({ kind: 'twice' }, { times: 1 });
    expect(await ask(client, ahu, read)).toBe('complex-ack');
    await eventually(() => rig.counter('plant_strays') >= 3);
    expect(client.strays).toBe(0);
    expect(await ask(client, ahu, read)).toBe('complex-ack');
  });
});

describe('who is who', () => {
  it('takes an instance from two that claim it, and gives it back when one is gone', async () => {
    const rig = await TransportRig.start();
    const { ahu2, vav1 } = rig.plant.devices;
    const holder = (): string | undefined => rig.road.services.plant.find('plant', 1001)?.mac;
    const mac = macOf(rig.plant.addresses.ahu2).toString('hex');
    expect(holder()).toBe(mac);
    vav1.renumber(1001);
    await eventually(() => holder() === undefined);
    expect(rig.road.refusals.some(({ operation }) => operation === 'i-am')).toBe(true);
    vav1.renumber(1002);
    ahu2.announce();
    await eventually(() => holder() === mac);
    await eventually(() => rig.road.services.plant.find('plant', 1002) !== undefined);
  });

  it('moves no rights for an I-Am alone', async () => {
    const rig = await TransportRig.start();
    const before = rig.road.services.plant.find('plant', 1001);
    const stranger = await rig.client({ port: rig.plantSide.port });
    // I-Am of device 1001, from somebody who does not answer for it.
    stranger.sendRaw(bvlc('0b', '0100100 0c4020003e92205c491002163'), rig.plantSide);
    await eventually(() => [...rig.road.services.plant.devices()].length === 4);
    expect(rig.road.services.plant.find('plant', 1001)).toBe(before);
  });

  it('notices that a device has renumbered itself', async () => {
    const rig = await TransportRig.start();
    rig.plant.devices.vav1.renumber(2222);
    await eventually(() => rig.road.services.plant.find('plant', 2222) !== undefined);
    expect(rig.road.services.plant.find('plant', 1002)).toBeUndefined();
  });
});

describe('ways round', () => {
  const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

  it('lets none of these reach the plant', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    const known = rig.device('ahu2').route ?? { network: 0, mac: Buffer.alloc(0) };
    const net = PLANT_NETWORK.toString(16).padStart(4, '0');
    const to = `${net}06${hex(known.mac)}`;
    // WriteProperty analog-value,1 present-value 20.5 at priority 10, invoke id 1.
    const apdu = '0205010f0c0080000119553e4441a400003f490a';
    const plain = `0124${to}ff${apdu}`;
    const all = '0124ffff00ff';
    const frames: { readonly [way: string]: Buffer } = {
      'a forwarded NPDU with a spoofed origin': bvlc('04', `7f000001bac0${plain}`),
      'distribute-broadcast by anyone': bvlc('09', plain),
      'a source of its own': bvlc('0a', `012c${to}006406c0000201bac0ff${apdu}`),
      'no reply expected': bvlc('0a', `0120${to}ff${apdu}`),
      'a reserved bit': bvlc('0a', `0164${to}ff${apdu}`),
      'a broadcast': bvlc('0b', plain),
      'everybody everywhere': bvlc('0a', `${all}${apdu}`),
      'everybody of the network': bvlc('0a', `0124${net}00ff${apdu}`),
      'more without a segment': bvlc('0a', `0124${to}ff06${apdu.slice(2)}`),
      'a hop count that is used up': bvlc('0a', `0124${to}01${apdu}`),
      'trailing octets': bvlc('0a', `${plain}00`),
      'priority 17': bvlc('0a', `${plain.slice(0, -2)}11`),
      'a length too short': Buffer.concat([Buffer.from('810a0018', 'hex'), Buffer.from(plain, 'hex')]),
      'a length too long': Buffer.concat([Buffer.from('810a00ff', 'hex'), Buffer.from(plain, 'hex')]),
    };
    for (const frame of Object.values(frames)) client.sendRaw(frame, rig.north);
    expect(
      await ask(
        client,
        rig.device('vav1'),
        service.readProperty({ object: 'device,1002', property: 'vendor-identifier' }),
      ),
    ).toBe('complex-ack');
    expect(rig.plant.writesSeen()).toBe(0);
    expect(rig.road.requests.filter(({ request }) => request.service !== 'read-property')).toEqual([]);
    // The same frame without a fault goes through: what stopped the others is what was wrong with them.
    client.sendRaw(bvlc('0a', plain), rig.north);
    await eventually(() => rig.plant.writesSeen() === 1);
  });

  it('registers only whom the policy knows, and lets nobody write its tables', async () => {
    const known = ownHost();
    const rig = await TransportRig.start({ north: { bbmd: {}, foreignDevices: { maxEntries: 1 } }, known: [known] });
    const [friend, stranger] = [await rig.client({ host: known }), await rig.client()];
    const answers = async (client: typeof friend, frame: Buffer, count: number): Promise<string> => {
      client.sendRaw(frame, rig.north);
      await client.until(() => client.controls.length >= count);
      return hex(client.controls.at(-1)?.payload ?? Buffer.alloc(0));
    };
    expect(await answers(stranger, bvlc('05', '003c'), 1)).toBe('0030');
    expect(await answers(stranger, bvlc('01', '7f000001bac0ffffffff'), 2)).toBe('0010');
    expect(await answers(stranger, bvlc('08', '7f000001bac0'), 3)).toBe('0050');
    expect(await answers(stranger, bvlc('09', '01201000'), 4)).toBe('0060');
    expect(await answers(friend, bvlc('05', '003c'), 1)).toBe('0000');
    expect(await answers(friend, bvlc('06', ''), 2)).toMatch(new RegExp(`^${hex(macOf(friend.endpoint))}003c00`));
    expect(await answers(friend, bvlc('02', ''), 3)).toBe(`${hex(macOf(rig.north))}ffffffff`);
  });

  it('is a foreign device of a BBMD in the plant', async () => {
    const port = 30_000 + (process.pid % 20_000);
    const bbmd = await SimulatedBbmd.start({ host: ownHost(), port, broadcastAddress: '127.255.255.255' });
    onTestFinished(() => bbmd.stop());
    const rig = await TransportRig.start({
      plant: { port },
      network: { port, foreignDeviceOf: { address: bbmd.endpoint.host, port } },
    });
    expect(bbmd.foreignDevices).toEqual([rig.plantSide]);
    expect(rig.road.services.plant.find('plant', 1001)?.mac).toBe(macOf(rig.plant.addresses.ahu2).toString('hex'));
  });
});

/** A BVLL frame of a function and the octets that follow its header, both as hex. */
function bvlc(bvlcFunction: string, hex: string): Buffer {
  const body = Buffer.from(hex.replace(/\s/g, ''), 'hex');
  const header = Buffer.from(`81${bvlcFunction}0000`, 'hex');
  header.writeUInt16BE(body.length + 4, 2);
  return Buffer.concat([header, body]);
}
