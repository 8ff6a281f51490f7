// The parts of the transport by themselves, in time the test owns.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../../drivers/bacnet/deadlines.ts';
import { broadcastOf, endpointOfMac, macOf, sameSubnet } from '../../../drivers/bacnet/endpoint.ts';
import { ForeignDevices } from '../../../drivers/bacnet/foreign-devices.ts';
import { DeviceLane } from '../../../drivers/bacnet/lane.ts';
import { judgeNetworkMessage, networkFrame } from '../../../drivers/bacnet/network-messages.ts';
import { SharedBucket } from '../../../drivers/bacnet/shared-bucket.ts';
import { SlotTable } from '../../../drivers/bacnet/slot-table.ts';
import { StationTable } from '../../../drivers/bacnet/station.ts';
import { TokenBucket } from '../../../drivers/bacnet/token-bucket.ts';
import { driverName } from '../../../src/model/ids.ts';
import { StageTime } from '../../gate/stage.ts';

describe('deadlines', () => {
  it('expire once, not before their time, and leave no timer behind', () => {
    const time = new StageTime();
    const deadlines = new Deadlines(time, time);
    const seen: string[] = [];
    deadlines.later(100, () => seen.push('a'));
    const dropped = deadlines.later(100, () => seen.push('b'));
    deadlines.later(300, () => seen.push('c'));
    deadlines.drop(dropped);
    time.pass(99);
    expect(seen).toEqual([]);
    time.pass(41);
    expect(seen).toEqual(['a']);
    time.pass(1000);
    expect(seen).toEqual(['a', 'c']);
    expect(time.pending).toBe(0);
  });

  it('lets one that expires drop another and begin anew', () => {
    const time = new StageTime();
    const deadlines = new Deadlines(time, time);
    let count = 0;
    const again = (): void => {
      count += 1;
      if (count < 3) deadlines.later(20, again);
    };
    const other = deadlines.later(50, () => {
      count += 100;
    });
    deadlines.later(40, () => deadlines.drop(other));
    deadlines.later(20, again);
    time.pass(500);
    expect(count).toBe(3);
    deadlines.later(20, again);
    deadlines.stop();
    expect(time.pending).toBe(0);
    deadlines.later(20, again);
    expect(time.pending).toBe(0);
  });
});

describe('a shared bucket', () => {
  it('gives everybody their share, whoever is noisy, and no more than all of it', () => {
    const bucket = new SharedBucket(16, 2, 0);
    const taken = (who: string, times: number, now: number): number =>
      Array.from({ length: times }, () => bucket.take(who, now)).filter((one) => one).length;
    expect(taken('noisy', 1000, 0)).toBe(4);
    expect(taken('quiet', 1, 0)).toBe(1);
    for (let other = 0; other < 2000; other += 1) bucket.take(`other ${other}`, 0);
    expect(taken('late', 1, 0)).toBe(0);
    expect(taken('quiet', 1, 1000)).toBe(1);
  });
});

describe('a slot table', () => {
  it('does what a Map does', () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 60 }), set: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(1, 16, 4096), (steps, stride) => {
        const table = new SlotTable<{ key: number }>();
        const map = new Map<number, { key: number }>();
        for (const { key, set } of steps) {
          const entry = { key: key * stride };
          if (set) {
            table.set(entry);
            map.set(entry.key, entry);
          } else {
            table.delete(entry.key);
            map.delete(entry.key);
          }
          expect(table.size).toBe(map.size);
        }
        for (let key = 0; key <= 60; key += 1) expect(table.get(key * stride)).toBe(map.get(key * stride));
        expect(new Set(table.all())).toEqual(new Set(map.values()));
      }),
      { numRuns: 200 },
    );
  });
});

describe('a lane', () => {
  const lane = (limits: object = {}) => {
    const time = new StageTime();
    const of = new DeviceLane({ inFlight: 2, waiting: 8, waitMs: 1000, ...limits }, new Deadlines(time, time));
    const log: string[] = [];
    const open = new Map<string, () => void>();
    const job = (name: string) => () => {
      log.push(name);
      return new Promise<void>((resolve) => open.set(name, resolve));
    };
    const end = async (name: string): Promise<void> => {
      open.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
    const from = (peer: string) => ({ peer, expire: () => log.push(`expired ${peer}`) });
    return { of, log, job, end, time, from };
  };

  it('runs reads beside each other and a change alone, in their order', async () => {
    const { of, log, job, end } = lane();
    of.read(job('r1'));
    of.read(job('r2'));
    of.change(job('c'));
    of.read(job('r3'));
    expect(log).toEqual(['r1', 'r2']);
    await end('r1');
    expect(log).toEqual(['r1', 'r2']);
    expect(of.changes).toBe(0);
    await end('r2');
    expect(log).toEqual(['r1', 'r2', 'c']);
    expect(of.changes).toBe(1);
    await end('c');
    expect(log).toEqual(['r1', 'r2', 'c', 'r3']);
  });

  it('goes on when a read says that its turn is over, at once or later', () => {
    const { of, log } = lane({ inFlight: 1 });
    const ends: (() => void)[] = [];
    const later = (over: () => void): undefined => {
      log.push('later');
      ends.push(over);
    };
    const atOnce = (over: () => void): undefined => {
      log.push('at once');
      over();
    };
    of.read(atOnce);
    of.read(later);
    of.read(atOnce);
    of.read(atOnce);
    of.read(later);
    expect(log).toEqual(['at once', 'later']);
    ends[0]?.();
    expect(log).toEqual(['at once', 'later', 'at once', 'at once', 'later']);
  });

  it('gives every peer its turn, keeps a quarter for the others, and is bounded', async () => {
    const { of, log, job, end, from } = lane({ inFlight: 1 });
    of.read(job('x'));
    const flood = Array.from({ length: 10 }, (_, at) => of.read(job(`flood${at}`), from('flood')));
    expect(flood.filter((entered) => entered)).toHaveLength(6);
    expect(of.read(job('b1'), from('b'))).toBe(true);
    expect(of.read(job('b2'), from('b'))).toBe(true);
    expect(of.read(job('b3'), from('b'))).toBe(false);
    await end('x');
    await end('flood0');
    await end('b1');
    await end('flood1');
    expect(log).toEqual(['x', 'flood0', 'b1', 'flood1', 'b2']);
  });

  it('expires who waited too long, and goes on after one that failed', async () => {
    const { of, log, job, end, time, from } = lane({ inFlight: 1 });
    of.read(job('x'));
    of.read(job('late'), from('p'));
    of.read(async () => {
      log.push('fails');
      throw new Error('a road must not');
    });
    of.read(job('last'));
    time.pass(1001);
    await end('x');
    expect(log).toEqual(['x', 'expired p', 'fails', 'last']);
  });
});

const known = (table: StationTable, key: string) => [...table.all()].find((station) => station.key === key);

describe('bounds', () => {
  it('let through so many a second and bursts of twice as many', () => {
    const bucket = new TokenBucket(10, 0);
    const taken = (now: number, tries: number): number =>
      Array.from({ length: tries }, () => bucket.take(now)).filter((took) => took).length;
    expect(taken(0, 50)).toBe(20);
    expect(taken(500, 50)).toBe(5);
    expect(taken(60_000, 50)).toBe(20);
  });

  it('keep so many stations, those that hold something among them', () => {
    let number = 0;
    const peerOf = ({ address, port }: { address: string; port: number }) => ({
      driver: driverName('bacnet'),
      listener: 'north',
      address,
      port,
    });
    const table = new StationTable(
      { stations: 2, broadcastsPerSecond: 1 },
      {
        peerOf,
        nextNumber: () => {
          number += 1;
          return number;
        },
        isKnown: () => false,
        now: () => 0,
      },
    );
    const at = (host: number, port: number) => table.at({ address: `192.0.2.${host}`, port });
    const [a, b] = [at(1, 1), at(2, 2)];
    if (a === undefined || b === undefined) throw new Error('two stations have room');
    a.underWay = 1;
    expect(at(3, 3)?.number).toBe(3);
    expect(known(table, a.key)).toBe(a);
    expect(known(table, b.key)).toBeUndefined();
    const c = known(table, '192.0.2.3:3');
    if (c !== undefined) c.underWay = 1;
    expect(at(4, 4)).toBeUndefined();
    expect(table.size).toBe(2);
  });

  it('keep those the gate knows against a flood of strangers, and few ports of one address', () => {
    let number = 0;
    const table = new StationTable(
      { stations: 16, broadcastsPerSecond: 1 },
      {
        peerOf: ({ address, port }) => ({ driver: driverName('bacnet'), listener: 'north', address, port }),
        isKnown: ({ address }) => address === '192.0.2.1',
        nextNumber: () => {
          number += 1;
          return number;
        },
        now: () => 0,
      },
    );
    const console = table.at({ address: '192.0.2.1', port: 1 });
    expect(table.at({ address: '192.0.2.1', port: 2 })?.share).toBe(console?.share);
    for (let host = 2; host < 200; host += 1)
      for (let port = 1; port < 10; port += 1) table.at({ address: `192.0.2.${host}`, port });
    expect(known(table, '192.0.2.1:1')).toBe(console);
    expect(table.size).toBe(16);
    const ofOne = (host: number) => [...table.all()].filter(({ endpoint }) => endpoint.address === `192.0.2.${host}`);
    expect(ofOne(199)).toHaveLength(2);
    // Its own ports make room for each other.
    expect(table.at({ address: '192.0.2.1', port: 3 })).toBeDefined();
    expect(known(table, '192.0.2.1:1')).toBeUndefined();
  });

  it('keep foreign devices for their time and the grace of J.5.2.3, no more than so many', () => {
    const table = new ForeignDevices({ maxEntries: 1, maxTtlSeconds: 60 });
    const [one, other] = [1, 2].map((port) => ({ address: '192.0.2.7', port }));
    if (one === undefined || other === undefined) throw new Error('two endpoints');
    expect(table.register(one, 61, 0)).toBe(false);
    expect(table.register(one, 60, 0)).toBe(true);
    expect(table.register(one, 30, 1000)).toBe(true);
    expect(table.register(other, 30, 1000)).toBe(false);
    expect(table.entries(2000)).toEqual([{ address: [192, 0, 2, 7], port: 1, timeToLive: 30, remaining: 59 }]);
    expect(table.has(one, 60_999)).toBe(true);
    expect(table.has(one, 61_000)).toBe(false);
    expect(table.register(other, 30, 61_000)).toBe(true);
    table.keep(() => false);
    expect(table.endpoints(61_000)).toEqual([]);
  });

  it('has room for others than one address with many ports', () => {
    const table = new ForeignDevices({ maxEntries: 16, maxTtlSeconds: 60 });
    const ports = [1, 2, 3].map((port) => table.register({ address: '192.0.2.7', port }, 60, 0));
    expect(ports).toEqual([true, true, false]);
    expect(table.register({ address: '192.0.2.7', port: 2 }, 60, 0)).toBe(true);
    expect(table.register({ address: '192.0.2.8', port: 1 }, 60, 0)).toBe(true);
  });
});

describe('addresses', () => {
  it('are the same as octets, text and subnets', () => {
    expect([...macOf({ address: '192.0.2.1', port: 47_808 })]).toEqual([192, 0, 2, 1, 0xba, 0xc0]);
    expect(endpointOfMac(Uint8Array.of(192, 0, 2, 1, 0xba, 0xc0))).toEqual({ address: '192.0.2.1', port: 47_808 });
    expect(endpointOfMac(Uint8Array.of(192, 0, 2, 1, 0, 0))).toBeUndefined();
    expect(endpointOfMac(Uint8Array.of(5))).toBeUndefined();
    expect(broadcastOf('192.0.2.77', '255.255.255.192')).toBe('192.0.2.127');
    expect(sameSubnet('192.0.2.1', '192.0.2.130', '255.255.255.128')).toBe(false);
  });
});

describe('network messages', () => {
  const port = { networkNumber: 1, reaches: () => [2, 3] };
  it.each([
    [{ type: 'who-is-router-to-network' }, { answer: { type: 'i-am-router-to-network', networks: [2, 3] } }],
    [{ type: 'who-is-router-to-network', network: 3 }, { answer: { type: 'i-am-router-to-network', networks: [3] } }],
    [{ type: 'who-is-router-to-network', network: 1 }, {}],
    [{ type: 'what-is-network-number' }, { answer: { type: 'network-number-is', network: 1, configured: true } }],
    [{ type: 'i-am-router-to-network', networks: [9] }, {}],
    [{ type: 'network-number-is', network: 1, configured: true }, {}],
    [{ type: 'router-busy-to-network', networks: [] }, {}],
  ] as const)('are answered from the configuration: %o', (message, verdict) => {
    expect(judgeNetworkMessage(message, port)).toEqual(verdict);
  });

  it('tell the routing table to who asks for it', () => {
    const info = new Uint8Array(0);
    const ports = [1, 2, 3].map((network, at) => ({ network, portId: at + 1, info }));
    expect(judgeNetworkMessage({ type: 'initialize-routing-table', ports: [] }, port)).toEqual({
      answer: { type: 'initialize-routing-table-ack', ports },
    });
    const large = { networkNumber: 1, reaches: () => Array.from({ length: 400 }, (_, at) => at + 2) };
    const { answer } = judgeNetworkMessage({ type: 'initialize-routing-table', ports: [] }, large);
    expect(answer && networkFrame(answer).length).toBe(2 + 1 + 1 + 255 * 4);
  });

  it('are taken from who means everybody, and refused to who means another network', () => {
    const everybody = { network: 0xffff, mac: new Uint8Array(0), hopCount: 255 };
    const question = { type: 'who-is-router-to-network', network: 3 } as const;
    const answer = { answer: { type: 'i-am-router-to-network', networks: [3] } };
    expect(judgeNetworkMessage(question, port, everybody)).toEqual(answer);
    expect(judgeNetworkMessage(question, port, { ...everybody, network: 2 })).toEqual({ refused: expect.any(String) });
    expect(judgeNetworkMessage({ type: 'what-is-network-number' }, port, everybody)).toEqual({});
    const number = { type: 'network-number-is', network: 7, configured: true } as const;
    expect(judgeNetworkMessage(number, port, everybody)).toEqual({});
  });

  it.each([
    { type: 'i-am-router-to-network', networks: [9, 2] },
    { type: 'network-number-is', network: 7, configured: true },
    { type: 'initialize-routing-table', ports: [{ network: 9, portId: 1, info: new Uint8Array(0) }] },
    { type: 'establish-connection-to-network', network: 2, terminationMinutes: 0 },
    { type: 'disconnect-connection-to-network', network: 2 },
    { type: 'proprietary', code: 0x80, vendorId: 5, octets: new Uint8Array(0) },
  ] as const)('that would change a route are refused: %o', (message) => {
    expect(judgeNetworkMessage(message, port)).toEqual({ refused: expect.any(String) });
  });
});
