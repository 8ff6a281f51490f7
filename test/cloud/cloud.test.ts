// The cloud side without a broker, on virtual time, and the plain compile step on real bundles.

import { describe, expect, it } from 'vitest';
import { type BundlePart, partOfBytes, splitBundle } from '../../simulators/cloud/bundle-parts.ts';
import { openClock } from '../../src/cloud/clock.ts';
import { type CloudOptions, startCloud } from '../../src/cloud/cloud.ts';
import { openManifest } from '../../src/cloud/manifest.ts';
import { partsOf } from '../../src/cloud/policy-parts.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { compileInProcess, selfTestPolicy } from './compile-in-process.ts';
import { realTimers, startGateway } from './gateway.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { manifestOf, trustedRoot } from './road.ts';
import { siteBundle } from './site-bundle.ts';
import { START, VirtualTime } from './virtual-time.ts';

describe('a gateway without a cloud', () => {
  const begin = async (fail: () => void = () => {}) => {
    const time = new VirtualTime();
    const disk = new MemoryDisk();
    const store = openMemoryStore(disk, fail);
    const events: string[] = [];
    const options: CloudOptions<PolicySnapshot> = {
      gateway: 'site-12',
      root: await trustedRoot(),
      store,
      clock: openClock(store, time),
      timers: time,
      log: { write: (_level, event) => void events.push(event) },
      compile: compileInProcess,
      selfTest: selfTestPolicy,
      activate: () => {},
      torn: () => {},
      version: '1.2.3',
    };
    return { time, disk, events, cloud: await startCloud(options) };
  };

  it('says so, and keeps the time it knows from the root, every minute', async () => {
    const { time, disk, cloud } = await begin();
    const floor = Date.parse('2026-11-01T00:00:00Z');
    expect(cloud.status()).toEqual({
      link: { is: 'none' },
      active: undefined,
      state: 'none',
      underWay: undefined,
      report: expect.objectContaining({ state: 'none' }),
      locks: undefined,
      root: { version: 1, fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
      upload: undefined,
      clock: { sure: true, now: START, floor },
    });
    expect(cloud.storedRefused).toBeUndefined();
    time.advance(180_000);
    await Promise.resolve();
    expect(Number(disk.settings.get('clock.floor'))).toBe(floor + 180_000);
    await cloud.stop();
    time.advance(180_000);
    expect(Number(disk.settings.get('clock.floor'))).toBe(floor + 180_000);
  });

  it('goes on when the time cannot be stored', async () => {
    const { time, events, cloud } = await begin(() => {
      throw new Error('disk full');
    });
    time.advance(60_000);
    await cloud.stop();
    expect(events).toEqual(['clock.not-stored', 'clock.not-stored']);
  });

  it('refuses settings that cannot work before it starts', async () => {
    const wrong = startGateway('site-1', { url: 'http://broker' });
    await expect(wrong).rejects.toMatchObject({ code: 'cloud-settings' });
    const unreadable = startGateway('site-1', { url: 'mqtts://127.0.0.1:1', passwordFile: '/nonexistent/password' });
    await expect(unreadable).rejects.toThrow(/`passwordFile`/);
  });

  it('warns of a password that travels readable', async () => {
    const file = new URL(import.meta.url).pathname;
    const gateway = await startGateway('site-1', { url: 'mqtt://127.0.0.1:1', username: 'x', passwordFile: file });
    expect(gateway.logged.map(({ event }) => event)).toContain('cloud.password-readable');
    await gateway.cloud.stop();
    expect(gateway.cloud.status().link).toEqual({ is: 'stopped' });
    expect(realTimers.after(0, () => {}).cancel()).toBeUndefined();
  });
});

describe('the plain compile step', () => {
  const compile = async (parts: readonly BundlePart[]) => {
    const manifest = await openManifest(manifestOf(3, parts).toString(), await trustedRoot());
    if (!manifest.ok) throw new Error(JSON.stringify(manifest.fault));
    const bytes = new Map(parts.map((part) => [part.sha256, part.bytes]));
    return compileInProcess(
      manifest.value.payload,
      partsOf(manifest.value, (hash) => bytes.get(hash)),
    );
  };
  const { parts } = splitBundle(siteBundle({ revision: 3, gateway: 'site-12' }));

  it('makes a snapshot that passes its own test', async () => {
    const compiled = await compile(parts);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
    const { snapshot } = compiled.value;
    const header = { revision: 3 } as Parameters<typeof selfTestPolicy>[1];
    expect(selfTestPolicy(snapshot, header)).toEqual([]);
    expect(selfTestPolicy(snapshot, { ...header, revision: 4 })).toMatchObject([{ path: 'revision', found: '`3`' }]);
  });

  it('names the part that is no JSON, or holds another part’s keys', async () => {
    const broken = partOfBytes('people', undefined, Buffer.from('{"users":'));
    expect(await compile([...parts.slice(0, 2), broken])).toMatchObject({
      ok: false,
      fault: { code: 'malformed', faults: [{ path: 'parts.2' }] },
    });
    const astray = partOfBytes('people', undefined, Buffer.from('{"grants":[]}'));
    expect(await compile([...parts.slice(0, 2), astray])).toMatchObject({
      ok: false,
      fault: { code: 'malformed', faults: [{ path: 'parts.2.grants' }] },
    });
  });

  it('gives every fault of a bundle that must be refused', async () => {
    const lacking = partOfBytes('rights', 'acme', Buffer.from('{"name":"Acme"}'));
    const result = await compile([...parts.slice(0, 1), lacking]);
    expect(result).toMatchObject({ ok: false, fault: { code: 'refused-bundle' } });
  });
});
