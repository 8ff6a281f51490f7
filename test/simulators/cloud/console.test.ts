// The console by itself: what it signs is read by jose, what it leaves on the broker is what a gateway needs and no more.

import { gunzipSync } from 'node:zlib';
import { compactVerify, generalVerify, importJWK } from 'jose';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import { startBroker } from '../../../simulators/cloud/broker.ts';
import { splitBundle } from '../../../simulators/cloud/bundle-parts.ts';
import { createConsole } from '../../../simulators/cloud/console.ts';
import {
  newSigningKey,
  rootPayload,
  signingKeyFromPem,
  signingKeyPem,
  signManifest,
  signRoot,
} from '../../../simulators/cloud/signing.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const bundle = (revision: number, users: object[] = []) => ({
  format: 'gatehouse.policy/1',
  revision,
  audience: ['site-1'],
  issuedAt: '2026-11-22T08:00:00Z',
  users,
  organizations: [{ id: 'acme', name: 'Acme', locations: [], devices: [], points: [], roles: [] }],
});

describe('signing', () => {
  it('is what jose verifies', async () => {
    const key = newSigningKey('policy-1');
    const { payload, protectedHeader } = await compactVerify(
      signManifest({ revision: 1 }, key),
      await importJWK(key.publicJwk, 'EdDSA'),
    );
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ revision: 1 });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'policy-1', typ: 'gatehouse.policy+jws' });
  });

  it('gives a root that two of three keys signed', async () => {
    const root = ['a', 'b', 'c'].map(newSigningKey);
    const payload = rootPayload({ issuedAt: '2026-11-01T00:00:00Z', root, policy: [newSigningKey('p')] });
    expect(payload).toMatchObject({ version: 1, roles: { root: { keys: ['a', 'b', 'c'], threshold: 2 } } });
    const text = JSON.parse(signRoot(payload, root.slice(0, 2)));
    for (const key of root.slice(0, 2)) {
      await expect(generalVerify(text, await importJWK(key.publicJwk, 'EdDSA'))).resolves.toBeDefined();
    }
  });

  it('keeps a key in a file and reads it again', () => {
    const key = newSigningKey('policy-1');
    expect(signingKeyFromPem('policy-1', signingKeyPem(key)).publicJwk).toEqual(key.publicJwk);
  });
});

describe('a bundle in parts', () => {
  it('leaves secrets out and keeps everything else', () => {
    const user = { id: 'anna', name: 'Anna', home: 'acme', certificates: ['CN=anna'] };
    const { header, parts } = splitBundle(bundle(3, [{ ...user, password: '$scrypt$x' }]));
    expect(header).toEqual({
      format: 'gatehouse.policy/1',
      revision: 3,
      audience: ['site-1'],
      issuedAt: '2026-11-22T08:00:00Z',
    });
    expect(parts.map(({ kind, organization, bytes }) => [kind, organization, JSON.parse(bytes.toString())])).toEqual([
      ['inventory', 'acme', { locations: [], devices: [], points: [] }],
      ['rights', 'acme', { name: 'Acme', roles: [] }],
      ['people', undefined, { users: [user], applications: [] }],
    ]);
    for (const { bytes, chunks } of parts) expect(gunzipSync(Buffer.concat(chunks))).toEqual(bytes);
  });
});

describe('the console', () => {
  const begin = async () => {
    const broker = await startBroker();
    closers.push(() => broker.close());
    const console = await createConsole({ brokerUrl: broker.url, policyKey: newSigningKey('policy-1') });
    closers.push(() => console.close());
    const client = await connectAsync(broker.url);
    closers.push(() => client.endAsync(true));
    return { broker, console, client };
  };

  /** What lies retained on the broker, kept up to date. */
  const watchRetained = async (client: MqttClient): Promise<Map<string, number>> => {
    const retained = new Map<string, number>();
    client.on('message', (topic, payload) => {
      if (payload.length === 0) retained.delete(topic);
      else retained.set(topic, payload.length);
    });
    await client.subscribeAsync('gatehouse/#', { qos: 1 });
    return retained;
  };

  it('takes away the chunks that no manifest names, its own and strange ones', async () => {
    const { console, client } = await begin();
    const retained = await watchRetained(client);
    const strange = `gatehouse/v1/site-1/policy/parts/${'0'.repeat(64)}/0`;
    await client.publishAsync(strange, 'left over', { qos: 1, retain: true });
    const first = await console.push('site-1', bundle(1, [{ id: 'anna', name: 'Anna', home: 'acme' }]));
    expect(first.messages).toBe(4);
    const second = await console.push('site-1', bundle(2, [{ id: 'ben', name: 'Ben', home: 'acme' }]));
    expect(second.messages).toBe(2);
    await expect.poll(() => retained.has(strange)).toBe(false);
    await expect.poll(() => [...retained.keys()].filter((topic) => topic.includes('/parts/'))).toHaveLength(3);
    expect(retained.has('gatehouse/v1/site-1/policy/desired')).toBe(true);
  });

  it('hears of states and reports, and gives up waiting when told', async () => {
    const { console, client } = await begin();
    const seen: string[] = [];
    const stop = await console.watch('site-1', (event) => void seen.push(event.kind));
    const state = { status: 'online', startedAt: '', version: '1', epoch: null, revision: null };
    const waiting = console.waitForReport('site-1', 4);
    await client.publishAsync('gatehouse/v1/site-1/state', JSON.stringify(state), { qos: 1 });
    await client.publishAsync('gatehouse/v1/site-1/policy/reported', '{"revision":4,"state":"active"}', { qos: 1 });
    expect(await waiting).toMatchObject({ state: 'active' });
    expect(await console.waitForStatus('site-1', 'online')).toEqual(state);
    expect(seen).toEqual(['state', 'report']);
    stop();
    await expect(console.waitForReport('site-1', 5, 1)).rejects.toThrow(/did not report revision 5 within 1 ms/);
  });
});
