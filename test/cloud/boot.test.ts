import { describe, expect, it } from 'vitest';
import { signManifest } from '../../simulators/cloud/signing.ts';
import { Crash, MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { KEYS, manifestOf, manifestPayload, openRoad, rightsOf, trustedRoot } from './road.ts';

const first = [rightsOf({ people: 'first' }), rightsOf({ people: 'else' }, 'brick')];
const second = [rightsOf({ people: 'second' })];

async function diskWithFirst(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const road = await openRoad({ disk });
  await road.acceptance.loadStored();
  await road.push(5, first);
  return disk;
}

describe('boot', () => {
  it('puts the stored policy in force again, from its signature up', async () => {
    const road = await openRoad({ disk: await diskWithFirst() });
    expect(await road.acceptance.loadStored()).toMatchObject({ ok: true, value: { snapshot: { revision: 5 } } });
    expect(road.events).toEqual(['activate 5', 'report 5 active null']);
    expect(road.inForce()).toEqual([{ people: 'first' }, { people: 'else' }]);
  });

  it('has no policy before the first one', async () => {
    const road = await openRoad({ disk: new MemoryDisk() });
    expect(await road.acceptance.loadStored()).toEqual({ ok: true, value: undefined });
    expect(road.reports).toMatchObject([{ epoch: null, revision: null, manifestSha256: null, state: 'none' }]);
    expect(road.acceptance.state()).toBe('none');
  });

  it('keeps an expired policy in force, and says so', async () => {
    const disk = new MemoryDisk();
    const before = await openRoad({ disk });
    await before.acceptance.loadStored();
    await before.push(5, first, { expiresAt: '2026-11-22T09:00:00Z' });
    const road = await openRoad({ disk });
    road.time.advance(7_200_000);
    await road.acceptance.loadStored();
    expect(road.events).toEqual(['activate 5', 'report 5 expired null']);
  });

  const tampered: Record<string, (disk: MemoryDisk) => void> = {
    'part-hash': (disk) => {
      for (const [hash, bytes] of disk.parts)
        disk.parts.set(
          hash,
          Uint8Array.from(bytes, (byte) => byte ^ 1),
        );
    },
    'part-size': (disk) => {
      for (const [hash, bytes] of disk.parts) disk.parts.set(hash, bytes.slice(1));
    },
    'missing-part': (disk) => disk.parts.delete(first[1]?.sha256 ?? ''),
    'bad-signature': (disk) => {
      if (!disk.policy) return;
      const manifest = signManifest(manifestPayload(5, second), KEYS.stranger);
      disk.policy = { ...disk.policy, manifest };
    },
    equivocation: (disk) => {
      if (disk.policy) disk.policy = { ...disk.policy, manifest: manifestOf(5, second).toString() };
    },
    'below-floor': (disk) => {
      if (disk.policy) disk.policy = { ...disk.policy, manifest: manifestOf(4, second).toString() };
    },
  };

  it.each(Object.entries(tampered))('refuses a store that was tampered with: `%s`', async (code, tamper) => {
    const disk = await diskWithFirst();
    tamper(disk);
    const road = await openRoad({ disk });
    expect(await road.acceptance.loadStored()).toMatchObject({ ok: false, fault: { code } });
    expect(road.acceptance.active()).toBeUndefined();
    expect(road.events.filter((event) => event.startsWith('activate'))).toEqual([]);
    expect(road.reports).toMatchObject([{ state: 'refused', code }]);
  });

  it('refuses a manifest above the stored floor: the store is not what was committed', async () => {
    const disk = await diskWithFirst();
    if (disk.policy) disk.policy = { ...disk.policy, manifest: manifestOf(6, second).toString() };
    const road = await openRoad({ disk });
    expect(await road.acceptance.loadStored()).toMatchObject({ ok: false, fault: { code: 'below-floor' } });
  });

  it('refuses a policy of another gateway or of another root', async () => {
    const disk = await diskWithFirst();
    const moved = await openRoad({ disk, gateway: 'site-99' });
    expect(await moved.acceptance.loadStored()).toMatchObject({ ok: false, fault: { code: 'wrong-audience' } });
    const root = await trustedRoot();
    const foreign = await openRoad({ disk, root: { ...root, keyFor: () => undefined } });
    expect(await foreign.acceptance.loadStored()).toMatchObject({ ok: false, fault: { code: 'bad-signature' } });
  });

  it('is repaired by the very manifest and its parts, coming again', async () => {
    const disk = await diskWithFirst();
    const [part] = first;
    const hash = part?.sha256 ?? '';
    disk.parts.set(hash, Buffer.from('rotten'));
    const road = await openRoad({ disk });
    await road.acceptance.loadStored();
    expect(road.reports.at(-1)).toMatchObject({ code: 'part-size' });
    const heard = road.nextReport();
    road.acceptance.arrive(manifestOf(5, first));
    await road.acceptance.idle();
    expect(road.wanted).toEqual([hash]);
    road.send(first);
    expect(await heard).toMatchObject({ revision: 5, state: 'active' });
    expect(Buffer.from(disk.parts.get(hash) ?? []).toString()).toBe('{"people":"first"}');
    const again = await openRoad({ disk });
    expect(await again.acceptance.loadStored()).toMatchObject({ ok: true, value: { snapshot: { revision: 5 } } });
  });

  it('goes on after a part that only the newer manifest names was removed by the commit of the older', async () => {
    const disk = new MemoryDisk();
    const road = await openRoad({ disk });
    await road.acceptance.loadStored();
    const kept = rightsOf({ people: 'kept' }, 'brick');
    disk.parts.set(kept.sha256, kept.bytes);
    road.acceptance.arrive(manifestOf(1, second));
    await road.acceptance.idle();
    const heard = road.nextReport();
    road.send(second);
    await heard;
    expect(disk.parts.has(kept.sha256)).toBe(false);
    expect(await road.push(2, [...second, kept])).toMatchObject({ revision: 2, state: 'active' });
  });
});

describe('a crash', () => {
  const operations = ['putPart', 'commit'] as const;
  const moments = operations.flatMap((operation) =>
    (['before', 'after'] as const).map((when) => ({ operation, when })),
  );

  it.each(moments)('$when $operation leaves the old policy or the new one, whole', async ({ operation, when }) => {
    const disk = await diskWithFirst();
    let dead = false;
    const store = openMemoryStore(disk, (at, what) => {
      if (dead || (at === when && what === operation)) {
        dead = true;
        throw new Crash();
      }
    });
    const road = await openRoad({ disk, store });
    await road.acceptance.loadStored();
    const heard = road.nextReport();
    road.acceptance.arrive(manifestOf(6, second));
    await road.acceptance.idle();
    road.send(second);
    expect(await heard).toMatchObject({ revision: 6, state: 'refused', code: 'not-durable' });
    expect(road.inForce()).toEqual([{ people: 'first' }, { people: 'else' }]);

    const committed = operation === 'commit' && when === 'after';
    const rebooted = await openRoad({ disk });
    expect(await rebooted.acceptance.loadStored()).toMatchObject({ ok: true });
    expect(rebooted.acceptance.active()?.snapshot.revision).toBe(committed ? 6 : 5);
    expect(disk.policy?.revision).toBe(committed ? 6 : 5);
    rebooted.acceptance.arrive(manifestOf(4, first));
    await rebooted.acceptance.idle();
    expect(rebooted.reports.at(-1)).toMatchObject({ revision: 4, code: 'below-floor' });
    if (!committed) {
      expect(await rebooted.push(6, second)).toMatchObject({ revision: 6, state: 'active' });
      expect(rebooted.inForce()).toEqual([{ people: 'second' }]);
    }
  });
});
