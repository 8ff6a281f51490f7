import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type BundlePart, partOfBytes } from '../../simulators/cloud/bundle-parts.ts';
import { signCompact, signManifest } from '../../simulators/cloud/signing.ts';
import { NACKS, type NackCode } from '../../src/cloud/nack.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { GATEWAY, KEYS, manifestOf, manifestPayload, openRoad, type Road, rightsOf, trustedRoot } from './road.ts';
import { START } from './virtual-time.ts';

const first = [rightsOf({ people: 'first' })];
const second = [rightsOf({ people: 'second' })];

async function atRevisionFive(): Promise<{ road: Road; disk: MemoryDisk }> {
  const disk = new MemoryDisk();
  const road = await openRoad({ disk });
  await road.acceptance.loadStored();
  expect(await road.push(5, first)).toMatchObject({ revision: 5, state: 'active', code: null });
  return { road, disk };
}

describe('acceptance', () => {
  it('puts a signed policy in force: durable, then swapped, then reported', async () => {
    const disk = new MemoryDisk();
    const events: string[] = [];
    const store = openMemoryStore(disk, (when, operation) => void (when === 'after' && events.push(operation)));
    const road = await openRoad({ disk, store, activate: () => void events.push('activate') });
    await road.acceptance.loadStored();
    const report = await road.push(1, first);
    expect(events).toEqual(['putPart', 'commit', 'activate']);
    expect(report).toEqual({
      epoch: 1,
      revision: 1,
      manifestSha256: disk.policy?.manifestSha256,
      state: 'active',
      code: null,
      faults: [],
      notices: [{ path: 'x', text: 'noted' }],
      at: '2026-11-22T08:00:00.000Z',
    });
    expect(road.events).toEqual(['report null none null', 'activate 1', 'report 1 active null']);
    expect(road.inForce()).toEqual([{ people: 'first' }]);
    expect(road.wanted).toEqual([]);
  });

  it('asks for the parts it lacks only', async () => {
    const { road } = await atRevisionFive();
    const more = rightsOf({ people: 'other' }, 'brick');
    road.acceptance.arrive(manifestOf(6, [...first, more]));
    await road.acceptance.idle();
    expect(road.wanted).toEqual([more.sha256]);
    const report = road.nextReport();
    road.send([more]);
    expect(await report).toMatchObject({ revision: 6, state: 'active' });
    expect(road.inForce()).toEqual([{ people: 'first' }, { people: 'other' }]);
  });

  it('asks for many parts a few at a time, as a connection may hold 50 subscriptions', async () => {
    const { road } = await atRevisionFive();
    const many = Array.from({ length: 70 }, (_none, number) => rightsOf({ people: `${number}` }, `part-${number}`));
    road.acceptance.arrive(manifestOf(6, many));
    await road.acceptance.idle();
    const report = road.nextReport();
    const windows: number[] = [];
    let left = many;
    while (left.length > 0) {
      const asked = left.filter(({ sha256 }) => road.wanted.includes(sha256));
      windows.push(asked.length);
      left = left.filter((part) => !asked.includes(part));
      road.send(asked);
      await expect
        .poll(() => road.wanted.some((hash) => left.some(({ sha256 }) => sha256 === hash)))
        .toBe(left.length > 0);
    }
    expect(windows).toEqual([32, 32, 6]);
    expect(await report).toMatchObject({ revision: 6, state: 'active' });
  });

  const nacks: Record<NackCode, (road: Road) => Promise<unknown>> = {
    'too-large': (road) => road.pushText(Buffer.alloc(98_305, 'a')),
    'bad-signature': (road) => road.pushText(Buffer.from(signManifest(manifestPayload(6, second), KEYS.stranger))),
    'root-expired': async (road) => {
      road.time.advance(40 * 86_400_000);
      return road.push(6, second);
    },
    'credentials-unreadable': (road) =>
      road.push(6, [{ ...partOfBytes('people', undefined, Buffer.from('{}')), kind: 'credentials' as 'people' }]),
    'unknown-format': (road) => road.push(6, second, { format: 'gatehouse.policy/2' }),
    malformed: (road) => road.push(6, second, { permissions: [] }),
    'wrong-audience': (road) => road.push(6, second, { audience: ['site-13'] }),
    'below-floor': (road) => road.push(4, second),
    equivocation: (road) => road.push(5, second),
    'issued-in-future': (road) => road.push(6, second, { issuedAt: new Date(START + 86_400_001).toISOString() }),
    expired: (road) => road.push(6, second, { expiresAt: '2026-11-22T08:00:00Z' }),
    'missing-part': async (road) => {
      road.acceptance.arrive(manifestOf(6, second));
      await road.acceptance.idle();
      const heard = road.nextReport();
      road.time.advance(60_000);
      return heard;
    },
    'part-unreadable': (road) =>
      road.push(
        6,
        second.map((part) => ({ ...part, chunks: [Buffer.from('no gzip')] })),
      ),
    'part-size': (road) => road.pushText(manifestOf(6, second), [withContent(second[0], Buffer.alloc(1e6, ' '))]),
    'part-hash': (road) =>
      road.pushText(manifestOf(6, second), [withContent(second[0], Buffer.from('{"people":"seconD"}'))]),
    'refused-bundle': (road) => road.push(6, [rightsOf('refuse')]),
    'compile-failed': (road) => road.push(6, [rightsOf('explode')]),
    'self-test-failed': (road) => road.push(6, [rightsOf('lie')]),
    'not-durable': (road) => road.push(6, [rightsOf('full')]),
  };

  function withContent(part: BundlePart | undefined, bytes: Buffer): BundlePart {
    if (!part) throw new Error('expected a part');
    return { ...part, chunks: [gzipSync(bytes)] };
  }

  it.each(Object.entries(nacks))('refuses with `%s`, keeps what is in force, says so once', async (code, refuse) => {
    const disk = new MemoryDisk();
    let full = false;
    const store = openMemoryStore(disk, (when) => {
      if (full && when === 'before') throw new Error('disk full');
    });
    const root = await trustedRoot(code === 'root-expired' ? { expiresAt: '2026-12-22T00:00:00Z' } : {});
    const road = await openRoad({ disk, store, root });
    await road.acceptance.loadStored();
    await road.push(5, first);
    const floor = disk.policy;
    full = code === 'not-durable';
    const report = await refuse(road);
    expect(report).toMatchObject({ state: 'refused', code });
    await road.acceptance.idle();
    expect(road.reports.filter((said) => said.code !== null)).toHaveLength(1);
    expect(road.reports.at(-1)?.faults.length).toBeGreaterThan(0);
    expect(road.inForce()).toEqual([{ people: 'first' }]);
    expect(disk.policy).toBe(floor);
    expect(road.logged.filter((event) => event === 'policy.refused')).toHaveLength(1);
  });

  it('names every fault of a refused bundle', async () => {
    const { road } = await atRevisionFive();
    const report = await road.push(6, [rightsOf('refuse')]);
    expect(report.faults.map(({ path }) => path)).toEqual(['organizations.0', 'organizations.1']);
  });

  it('knows the refusals of its register and no other', () => {
    expect(Object.keys(nacks).sort()).toEqual(Object.keys(NACKS).sort());
  });

  it('reports a manifest that comes again and again once', async () => {
    const { road } = await atRevisionFive();
    const good = manifestOf(5, first);
    const bad = manifestOf(6, [rightsOf('refuse')]);
    await road.pushText(bad, [rightsOf('refuse')]);
    const count = road.reports.length;
    for (let i = 0; i < 50; i += 1) road.acceptance.arrive(bad);
    await road.acceptance.idle();
    expect(road.reports).toHaveLength(count);
    road.acceptance.arrive(good);
    road.acceptance.arrive(good);
    await road.acceptance.idle();
    expect(road.reports.slice(count)).toMatchObject([{ revision: 5, state: 'active' }]);
    expect(road.events.filter((event) => event === 'activate 5')).toHaveLength(1);
  });

  it('heals when the right chunk follows a wrong one', async () => {
    const { road } = await atRevisionFive();
    const bytes = Buffer.from(
      JSON.stringify({ noise: Array.from({ length: 40_000 }, (_, i) => (i * 2654435761) % 1e9) }),
    );
    const part = partOfBytes('rights', 'acme', bytes);
    expect(part.chunks.length).toBeGreaterThan(1);
    road.acceptance.arrive(manifestOf(6, [part]));
    await road.acceptance.idle();
    const wrong = road.nextReport();
    road.acceptance.chunk(part.sha256, 1, Buffer.from('wrong'));
    for (const [index, chunk] of part.chunks.entries())
      if (index !== 1) road.acceptance.chunk(part.sha256, index, chunk);
    expect(await wrong).toMatchObject({ state: 'refused', code: 'part-unreadable' });
    const healed = road.nextReport();
    road.acceptance.chunk(part.sha256, 1, part.chunks[1] ?? Buffer.alloc(0));
    expect(await healed).toMatchObject({ revision: 6, state: 'active', code: null });
  });

  it('reports late parts and takes them when they come', async () => {
    const { road } = await atRevisionFive();
    road.acceptance.arrive(manifestOf(6, second));
    await road.acceptance.idle();
    road.time.advance(60_000);
    expect(road.reports.at(-1)).toMatchObject({ revision: 6, state: 'refused', code: 'missing-part' });
    expect(road.reports.at(-1)?.faults[0]?.found).toBe('0 of 1 chunks, not 0');
    const heard = road.nextReport();
    road.send(second);
    expect(await heard).toMatchObject({ revision: 6, state: 'active' });
  });

  it('drops what is under way for what is newer, and never goes back to it', async () => {
    const { road } = await atRevisionFive();
    const third = [rightsOf({ people: 'third' })];
    road.acceptance.arrive(manifestOf(6, second));
    road.acceptance.arrive(manifestOf(7, third));
    road.acceptance.arrive(manifestOf(6, second));
    await road.acceptance.idle();
    expect(road.wanted).toEqual([third[0]?.sha256]);
    const heard = road.nextReport();
    road.send(second);
    road.send(third);
    expect(await heard).toMatchObject({ revision: 7, state: 'active' });
    expect(road.events.filter((event) => event.startsWith('activate'))).toEqual(['activate 5', 'activate 7']);
    expect(await road.push(6, second)).toMatchObject({ revision: 6, code: 'below-floor' });
  });

  it('a newer one that comes while the older compiles wins', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const disk = new MemoryDisk();
    let running = 0;
    const road = await openRoad({
      disk,
      compile: async (header) => {
        running += 1;
        expect(running).toBe(1);
        if (header.revision === 6) await gate;
        running -= 1;
        return { ok: true, value: { snapshot: { revision: header.revision, parts: [] }, notices: [] } };
      },
    });
    await road.acceptance.loadStored();
    const heard = road.nextReport();
    road.acceptance.arrive(manifestOf(6, []));
    road.acceptance.arrive(manifestOf(7, []));
    await expect.poll(() => road.acceptance.underWay()?.payload.revision, { interval: 1 }).toBe(7);
    open();
    expect(await heard).toMatchObject({ revision: 7, state: 'active' });
    await road.acceptance.idle();
    expect(disk.policy?.revision).toBe(7);
    expect(road.events.filter((event) => event.startsWith('activate'))).toEqual(['activate 7']);
  });

  it('another manifest of the revision under way is equivocation, and the first one goes on', async () => {
    const { road } = await atRevisionFive();
    road.acceptance.arrive(manifestOf(6, second));
    const heard = road.nextReport();
    road.acceptance.arrive(manifestOf(6, second, { graceHours: 4 }));
    expect(await heard).toMatchObject({ revision: 6, code: 'equivocation' });
    const healed = road.nextReport();
    road.send(second);
    expect(await healed).toMatchObject({ revision: 6, state: 'active' });
  });

  it('garbage does not disturb what is under way', async () => {
    const { road } = await atRevisionFive();
    road.acceptance.arrive(manifestOf(6, second));
    road.acceptance.arrive(Buffer.from('garbage'));
    road.acceptance.arrive(Buffer.alloc(0));
    await road.acceptance.idle();
    expect(road.reports.at(-1)).toMatchObject({ revision: null, code: 'bad-signature' });
    const heard = road.nextReport();
    road.send(second);
    expect(await heard).toMatchObject({ revision: 6, state: 'active' });
  });

  it('epoch goes before revision', async () => {
    const { road } = await atRevisionFive();
    expect(await road.push(1, second, { epoch: 2 })).toMatchObject({ epoch: 2, revision: 1, state: 'active' });
    expect(await road.push(9, first, { epoch: 1 })).toMatchObject({ epoch: 1, code: 'below-floor' });
  });

  it.each([
    ['another typ', (payload: object) => signCompact(payload, 'gatehouse.locks+jws', KEYS.policy)],
    ['a key of another role', (payload: object) => signCompact(payload, 'gatehouse.policy+jws', KEYS.commands)],
    ['alg none', (payload: object) => signCompact(payload, 'gatehouse.policy+jws', KEYS.policy, { alg: 'none' })],
    ['another alg', (payload: object) => signCompact(payload, 'gatehouse.policy+jws', KEYS.policy, { alg: 'HS256' })],
    [
      'a key in the header',
      (payload: object) => signCompact(payload, 'gatehouse.policy+jws', KEYS.policy, { jwk: {} }),
    ],
    [
      'crit',
      (payload: object) => signCompact(payload, 'gatehouse.policy+jws', KEYS.policy, { crit: ['b64'], b64: false }),
    ],
    ['a stripped signature', (payload: object) => signManifest(payload, KEYS.policy).replace(/[^.]+$/, '')],
    ['padding', (payload: object) => `${signManifest(payload, KEYS.policy)}=`],
    ['a trailing line', (payload: object) => `${signManifest(payload, KEYS.policy)}\n`],
  ])('refuses %s as bad signature', async (_what, sign) => {
    const { road } = await atRevisionFive();
    expect(await road.pushText(Buffer.from(sign(manifestPayload(6, second))), second)).toMatchObject({
      code: 'bad-signature',
      revision: null,
    });
  });

  it('says stale and expired when the time comes, once each', async () => {
    const disk = new MemoryDisk();
    const road = await openRoad({ disk });
    await road.acceptance.loadStored();
    await road.push(1, first, { refreshBy: '2026-11-22T09:00:00Z', expiresAt: '2026-11-22T10:00:00Z' });
    for (let minute = 0; minute < 180; minute += 1) {
      road.time.advance(60_000);
      road.acceptance.tick();
    }
    expect(road.reports.map(({ state }) => state)).toEqual(['none', 'active', 'stale', 'expired']);
    expect(road.logged.slice(-2)).toEqual(['policy.stale', 'policy.expired']);
  });

  it('a swap that throws is torn: no report of success', async () => {
    const disk = new MemoryDisk();
    const road = await openRoad({
      disk,
      activate: () => {
        throw new Error('half swapped');
      },
    });
    await road.acceptance.loadStored();
    road.acceptance.arrive(manifestOf(1, []));
    await road.acceptance.idle();
    expect(road.torn).toHaveLength(1);
    expect(road.reports.map(({ state }) => state)).toEqual(['none']);
  });

  it.each(['floor', 'missing'] as const)(
    'a store that cannot be read (`%s`) refuses, and works again',
    async (broken) => {
      const disk = new MemoryDisk();
      const store = openMemoryStore(disk);
      let dead = true;
      const fragile = {
        ...store,
        [broken]: (hashes: readonly string[]) => {
          if (dead) throw new Error('disk gone');
          return broken === 'floor' ? store.floor() : store.missing(hashes);
        },
      };
      const road = await openRoad({ disk, store: fragile });
      await road.acceptance.loadStored();
      road.acceptance.arrive(manifestOf(1, []));
      await road.acceptance.idle();
      expect(road.reports.at(-1)).toMatchObject({ state: 'refused', code: 'not-durable' });
      dead = false;
      expect(await road.push(1, [])).toMatchObject({ revision: 1, state: 'active' });
    },
  );

  it('nothing goes on after stop', async () => {
    const { road } = await atRevisionFive();
    road.acceptance.arrive(manifestOf(6, second));
    await road.acceptance.idle();
    await road.acceptance.stop();
    road.send(second);
    road.acceptance.arrive(manifestOf(7, []));
    await road.acceptance.idle();
    expect(road.acceptance.underWay()).toBeUndefined();
    expect(road.events.at(-1)).toBe('report 5 active null');
    expect(GATEWAY).toBe('site-12');
  });
});
