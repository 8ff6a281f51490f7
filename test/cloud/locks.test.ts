import { describe, expect, it } from 'vitest';
import { signCompact } from '../../simulators/cloud/signing.ts';
import { openClock } from '../../src/cloud/clock.ts';
import { Locks } from '../../src/cloud/locks.ts';
import type { FastLock } from '../../src/policy/lock.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { GATEWAY, KEYS, trustedRoot } from './road.ts';
import { VirtualTime } from './virtual-time.ts';

const ben = { id: 'ben', why: 'left today', principal: 'ben', until: '2026-11-28T07:00:00Z' };

function listOf(revision: number, locks: readonly object[] = [ben], change: object = {}): object {
  const issuedAt = '2026-11-22T07:00:00Z';
  return { format: 'gatehouse.locks/1', epoch: 1, revision, audience: [GATEWAY], issuedAt, locks, ...change };
}

const signed = (payload: object) => Buffer.from(signCompact(payload, 'gatehouse.locks+jws', KEYS.locks));

async function channel(disk: MemoryDisk, full: () => boolean = () => false) {
  const store = openMemoryStore(disk, (when) => {
    if (when === 'before' && full()) throw new Error('disk full');
  });
  const lists: (readonly FastLock[])[] = [];
  const refusals: unknown[] = [];
  const time = new VirtualTime();
  const root = await trustedRoot();
  const locks = new Locks({
    gateway: GATEWAY,
    trust: { root: () => root, before: () => undefined },
    store,
    clock: openClock(store, time),
    log: { write: (_level, event, fields) => void (event === 'locks.refused' && refusals.push(fields.code)) },
    setLocks: (list) => void lists.push(list),
  });
  await locks.loadStored();
  const send = async (bytes: Buffer) => {
    locks.arrive(bytes);
    await locks.idle();
  };
  return { locks, lists, refusals, send };
}

describe('locks', () => {
  it('are in force when they come, and again after a restart', async () => {
    const disk = new MemoryDisk();
    const { locks, lists, send } = await channel(disk);
    expect(locks.inForce()).toBeUndefined();
    await send(
      signed(
        listOf(1, [ben, { id: 'x', why: '', organization: 'acme', role: 'r', from: ben.until, until: ben.until }]),
      ),
    );
    const until = Date.parse(ben.until);
    expect(lists).toEqual([
      [
        { ...ben, until },
        { id: 'x', why: '', organization: 'acme', role: 'r', from: until, until },
      ],
    ]);
    const again = await channel(disk);
    expect(again.lists).toEqual(lists);
    expect(again.locks.inForce()).toEqual({ epoch: 1, revision: 1, count: 2 });
    await again.send(signed(listOf(1)));
    expect(again.refusals).toEqual(['equivocation']);
  });

  it.each<[string, Buffer, string]>([
    ['a key for policy', Buffer.from(signCompact(listOf(9), 'gatehouse.locks+jws', KEYS.policy)), 'bad-signature'],
    ['another typ', Buffer.from(signCompact(listOf(9), 'gatehouse.policy+jws', KEYS.locks)), 'bad-signature'],
    ['another gateway', signed(listOf(9, [ben], { audience: ['site-13'] })), 'wrong-audience'],
    ['an older list', signed(listOf(4)), 'below-floor'],
    ['another list of the same revision', signed(listOf(5, [])), 'equivocation'],
    ['more than 7 days', signed(listOf(9, [{ ...ben, until: '2026-11-29T07:00:01Z' }])), 'malformed'],
    ['a lock on nothing', signed(listOf(9, [{ id: 'x', why: '', until: ben.until }])), 'malformed'],
    ['an unknown key', signed(listOf(9, [{ ...ben, at: 'ahu1' }])), 'malformed'],
    ['another format', signed(listOf(9, [], { format: 'gatehouse.locks/2' })), 'malformed'],
    ['the future', signed(listOf(9, [], { issuedAt: '2026-11-23T08:00:01Z' })), 'issued-in-future'],
    ['too many bytes', Buffer.alloc(98_305, 'a'), 'too-large'],
  ])('refuse %s, say so once, and stay as they were', async (_what, bytes, code) => {
    const { locks, lists, refusals, send } = await channel(new MemoryDisk());
    await send(signed(listOf(5)));
    await send(bytes);
    await send(bytes);
    expect(refusals).toEqual([code]);
    expect(lists).toHaveLength(1);
    expect(locks.inForce()?.revision).toBe(5);
    await send(signed(listOf(6, [])));
    expect(locks.inForce()).toEqual({ epoch: 1, revision: 6, count: 0 });
  });

  it('are durable before they are in force', async () => {
    const disk = new MemoryDisk();
    let full = true;
    const { lists, refusals, send } = await channel(disk, () => full);
    await send(signed(listOf(1)));
    expect([lists, refusals]).toEqual([[], ['not-durable']]);
    full = false;
    await send(signed(listOf(1)));
    expect(lists).toHaveLength(1);
  });

  it('that were tampered with on the disk are not in force, and the floor stays', async () => {
    const disk = new MemoryDisk();
    await (await channel(disk)).send(signed(listOf(5)));
    disk.settings.set('locks.text', 'garbage');
    const { locks, lists, refusals, send } = await channel(disk);
    expect([lists, refusals]).toEqual([[], ['bad-signature']]);
    await send(signed(listOf(4)));
    expect(lists).toEqual([]);
    await send(signed(listOf(5)));
    expect(locks.inForce()?.revision).toBe(5);
  });
});
