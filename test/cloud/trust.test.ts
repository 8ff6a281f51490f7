// A new root over MQTT: who may put one in the place of another, and what attacks on keys come to.

import { describe, expect, it } from 'vitest';
import {
  newSigningKey,
  type RootPlan,
  rootPayload,
  type SigningKey,
  signManifest,
  signRoot,
} from '../../simulators/cloud/signing.ts';
import { openClock } from '../../src/cloud/clock.ts';
import type { NackCode } from '../../src/cloud/nack.ts';
import type { RootReport } from '../../src/cloud/report.ts';
import { installRoot, openRoot, type TrustedRoot } from '../../src/cloud/root.ts';
import { forgetRootBefore, Trust } from '../../src/cloud/trust.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { KEYS, manifestOf, manifestPayload, openRoad, rightsOf, rootTextOf, trustedRoot } from './road.ts';
import { VirtualTime } from './virtual-time.ts';

const [one, two, three] = KEYS.root;
const next = [newSigningKey('root-4'), newSigningKey('root-5'), newSigningKey('root-6')] as const;
const newPolicy = newSigningKey('policy-2');

function planOf(change: Partial<RootPlan> = {}): RootPlan {
  return {
    version: 2,
    issuedAt: '2026-11-22T07:30:00Z',
    root: next,
    policy: [newPolicy],
    commands: [KEYS.commands],
    ...change,
  };
}

const textOf = (change: Partial<RootPlan> = {}, signers: readonly SigningKey[] = [...next, one, two]) =>
  signRoot(rootPayload(planOf(change)), signers);

async function scene(disk = new MemoryDisk(), full: () => boolean = () => false) {
  const time = new VirtualTime();
  const store = openMemoryStore(disk, (when) => {
    if (when === 'before' && full()) throw new Error('disk full');
  });
  const installed = await installRoot(openMemoryStore(disk), rootTextOf());
  if (!installed.ok) throw new Error(JSON.stringify(installed.fault));
  const reports: RootReport[] = [];
  const changed: TrustedRoot[] = [];
  const clock = openClock(store, time);
  const trust = new Trust({
    root: installed.value,
    store,
    clock,
    log: { write() {} },
    report: (report) => void reports.push(report),
    changed: (root) => void changed.push(root),
  });
  await trust.load();
  const send = async (text: string | Buffer) => {
    trust.arrive(Buffer.from(text));
    await trust.idle();
    return reports.at(-1);
  };
  return { disk, time, clock, trust, reports, changed, send };
}

describe('a new root', () => {
  it('signed by the old threshold and its own takes its place, and is durable', async () => {
    const { disk, trust, changed, send } = await scene();
    const text = textOf();
    expect(await send(text)).toMatchObject({ state: 'active', version: 2, code: null });
    expect(trust.root().document.version).toBe(2);
    expect(disk.root).toBe(text);
    expect(changed).toHaveLength(1);
    const again = await scene(disk);
    expect(again.trust.root().document.version).toBe(2);
    expect(again.trust.before()?.document.version).toBe(1);
  });

  it('leads on over several versions, each by the keys of the one before', async () => {
    const { trust, send } = await scene();
    const third = newSigningKey('root-7');
    await send(textOf());
    expect(await send(textOf({ version: 3, root: [third], threshold: 1 }, [third, one, two]))).toMatchObject({
      code: 'bad-signature',
    });
    expect(await send(textOf({ version: 3, root: [third], threshold: 1 }, [third, next[0], next[2]]))).toMatchObject({
      state: 'active',
    });
    expect(trust.root().document.version).toBe(3);
  });

  const refusals: [string, NackCode, () => string][] = [
    ['one key of the old root', 'bad-signature', () => textOf({}, [...next, one])],
    ['one key of the old root twice', 'bad-signature', () => textOf({}, [...next, one, one])],
    [
      'strangers under the old names',
      'bad-signature',
      () => textOf({}, [...next, newSigningKey('root-1'), newSigningKey('root-2')]),
    ],
    ['the old threshold without its own', 'bad-signature', () => textOf({}, [one, two, three])],
    ['signatures stripped', 'bad-signature', () => JSON.stringify({ ...JSON.parse(textOf()), signatures: [] })],
    ['another of the same version', 'equivocation', () => textOf({ version: 1 })],
    ['expired', 'root-expired', () => textOf({ expiresAt: '2026-11-22T08:00:00Z' })],
    ['issued tomorrow', 'issued-in-future', () => textOf({ issuedAt: '2026-11-23T08:00:01Z' })],
    ['no JSON', 'malformed', () => 'x'],
    ['too large', 'too-large', () => 'x'.repeat(98_305)],
    [
      'another format',
      'unknown-format',
      () => signRoot({ ...rootPayload(planOf()), format: 'gatehouse.root/2' }, [...next, one, two]),
    ],
    [
      'a private key in it',
      'malformed',
      () =>
        signRoot({ ...rootPayload(planOf()), keys: { 'root-4': { ...next[0].publicJwk, d: 'secret' } } }, [
          ...next,
          one,
          two,
        ]),
    ],
  ];

  it.each(refusals)('is refused: %s', async (_what, code, text) => {
    const { disk, trust, send } = await scene();
    const before = disk.root;
    const report = await send(text());
    expect(report).toMatchObject({ state: 'refused', version: 1, code });
    expect(report?.faults.length).toBeGreaterThan(0);
    expect(trust.root().document.version).toBe(1);
    expect(disk.root).toBe(before);
  });

  it('of an older version is a rollback', async () => {
    const { trust, send } = await scene();
    await send(textOf());
    expect(await send(signRoot(rootPayload(planOf({ version: 1 })), [...next]))).toMatchObject({ code: 'below-floor' });
    expect(trust.root().document.version).toBe(2);
  });

  it('refused is said once, and the trusted one again is no news', async () => {
    const { reports, send } = await scene();
    await send('x');
    await send('x');
    await send(rootTextOf());
    expect(reports.map(({ state }) => state)).toEqual(['active', 'refused']);
  });

  it('that cannot be stored is not trusted', async () => {
    const { trust, send } = await scene(new MemoryDisk(), () => true);
    expect(await send(textOf())).toMatchObject({ code: 'not-durable', version: 1 });
    expect(trust.root().document.version).toBe(1);
  });
});

describe('a rotation', () => {
  it('leaves the policy in force, says that it must be pushed again, and a restart keeps it', async () => {
    const disk = new MemoryDisk();
    const { trust, send } = await scene(disk);
    const road = await openRoad({ disk, trust });
    await road.acceptance.loadStored();
    expect(await road.push(5, [rightsOf('a')])).toMatchObject({ state: 'active', notices: [{ path: 'x' }] });
    await send(textOf());
    road.acceptance.tick();
    const notice = { text: expect.stringContaining('no longer names') };
    expect(road.reports.at(-1)).toMatchObject({ state: 'active', notices: [{ path: 'x' }, notice] });
    const { trust: later } = await scene(disk);
    const booted = await openRoad({ disk, trust: later });
    expect(await booted.acceptance.loadStored()).toMatchObject({ ok: true });
    expect(booted.inForce()).toEqual(['a']);
    // Nothing new by the old key; the new one goes on above the floor.
    expect(await booted.push(6, [rightsOf('b')])).toMatchObject({ code: 'bad-signature' });
    const manifest = Buffer.from(signManifest(manifestPayload(6, [rightsOf('b')]), newPolicy));
    expect(await booted.pushText(manifest, [rightsOf('b')])).toMatchObject({ state: 'active', revision: 6 });
  });

  it('followed by a new enrolment takes the old policy out of force', async () => {
    const disk = new MemoryDisk();
    const { trust } = await scene(disk);
    const road = await openRoad({ disk, trust });
    await road.acceptance.loadStored();
    await road.push(5, [rightsOf('a')]);
    await forgetRootBefore(openMemoryStore(disk));
    disk.root = signRoot(rootPayload(planOf({ version: 1 })), next);
    const other = await openRoot(disk.root);
    if (!other.ok) throw new Error('no root');
    const root = other.value;
    const booted = await openRoad({ disk, root });
    expect(await booted.acceptance.loadStored()).toMatchObject({ ok: false, fault: { code: 'bad-signature' } });
    expect(booted.inForce()).toBeUndefined();
  });
});

describe('attacks by a broker', () => {
  it('freeze: an old root and an old policy do not last beyond what was signed', async () => {
    const root = await trustedRoot({ expiresAt: '2026-11-23T00:00:00Z' });
    const road = await openRoad({ disk: new MemoryDisk(), root });
    await road.acceptance.loadStored();
    const end = { expiresAt: '2026-11-22T20:00:00Z', refreshBy: '2026-11-22T12:00:00Z' };
    expect(await road.push(5, [rightsOf('a')], end)).toMatchObject({ state: 'active' });
    road.time.advance(4 * 3_600_000);
    road.acceptance.tick();
    expect(road.reports.at(-1)).toMatchObject({ state: 'stale' });
    road.time.advance(8 * 3_600_000);
    road.acceptance.tick();
    expect(road.reports.at(-1)).toMatchObject({ state: 'expired' });
    road.time.advance(4 * 3_600_000);
    expect(await road.push(6, [rightsOf('b')])).toMatchObject({ code: 'root-expired' });
  });

  it('rollback: what was signed before comes again', async () => {
    const disk = new MemoryDisk();
    const road = await openRoad({ disk });
    await road.acceptance.loadStored();
    const old = manifestOf(5, [rightsOf('a')]);
    await road.pushText(old, [rightsOf('a')]);
    await road.push(6, [rightsOf('b')]);
    expect(await road.pushText(old, [rightsOf('a')])).toMatchObject({ code: 'below-floor' });
    expect(road.inForce()).toEqual(['b']);
  });

  it('mix and match: parts of one policy under the manifest of another', async () => {
    const road = await openRoad({ disk: new MemoryDisk() });
    await road.acceptance.loadStored();
    await road.push(5, [rightsOf('a')]);
    const [mine, foreign] = [rightsOf('b'), rightsOf('c')];
    const report = await road.pushText(manifestOf(6, [mine]), [{ ...foreign, sha256: mine.sha256 }]);
    expect(report).toMatchObject({ state: 'refused', code: expect.stringMatching(/^part-(hash|size)$/) });
    expect(road.inForce()).toEqual(['a']);
  });

  it('stripped signatures: none, alg none, another key, the payload of another', async () => {
    const road = await openRoad({ disk: new MemoryDisk() });
    await road.acceptance.loadStored();
    const [head = '', body = '', signature = ''] = manifestOf(5, [rightsOf('a')])
      .toString()
      .split('.');
    const [, otherBody = ''] = manifestOf(6, [rightsOf('b')])
      .toString()
      .split('.');
    const none = Buffer.from('{"alg":"none","kid":"policy-1","typ":"gatehouse.policy+jws"}').toString('base64url');
    const texts = [
      `${head}.${body}.`,
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${head}.${otherBody}.${signature}`,
    ];
    for (const text of [...texts, `${head}.${body}`, `${head}..${signature}`]) {
      expect(await road.pushText(Buffer.from(text))).toMatchObject({ code: 'bad-signature' });
    }
    expect(road.inForce()).toBeUndefined();
  });
});
