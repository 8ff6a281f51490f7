import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBrokerUrl, readCredentials } from '../../src/cloud/broker-address.ts';
import { MAX_MESSAGE_BYTES, openManifest } from '../../src/cloud/manifest.ts';
import { PacketGuard } from '../../src/cloud/packet-guard.ts';
import { type Report, reportSchema, reportText } from '../../src/cloud/report.ts';
import { matchTopic, TOPICS, type TopicKey, topicOf } from '../../src/cloud/topics.ts';
import { manifestOf, rightsOf, trustedRoot } from './road.ts';

describe('the manifest', () => {
  const part = rightsOf({ people: 1 });
  const described = { sha256: part.sha256, size: part.bytes.length, kind: 'rights', organization: 'acme', chunks: 1 };

  it('is read whole', async () => {
    const text = manifestOf(7, [part], { expiresAt: '2026-12-22T08:00:00+01:00', refreshBy: '2026-12-01T00:00:00Z' });
    const manifest = await openManifest(text.toString(), await trustedRoot());
    expect(manifest).toMatchObject({
      ok: true,
      value: {
        kid: 'policy-1',
        issuedAt: Date.parse('2026-11-22T07:00:00Z'),
        expiresAt: Date.parse('2026-12-22T07:00:00Z'),
        refreshBy: Date.parse('2026-12-01T00:00:00Z'),
        payload: { revision: 7, epoch: 1, parts: [described] },
      },
    });
  });

  it.each<[string, object, string]>([
    ['revision', { revision: 1.5 }, 'revision'],
    ['revision', { revision: -1 }, 'revision'],
    ['epoch', { epoch: '1' }, 'epoch'],
    ['nobody', { audience: [] }, 'audience'],
    ['issuedAt', { issuedAt: '2026-11-22' }, 'issuedAt'],
    ['mode', { mode: 'off' }, 'mode'],
    ['an unknown key', { users: [] }, 'users'],
    ['hash', { parts: [{ ...described, sha256: described.sha256.toUpperCase() }] }, 'parts.0.sha256'],
    ['size', { parts: [{ ...described, size: 67_108_865 }] }, 'parts.0.size'],
    ['chunks', { parts: [{ ...described, chunks: 0 }] }, 'parts.0.chunks'],
    ['kind', { parts: [{ ...described, kind: 'secrets' }] }, 'parts.0.kind'],
    ['organization missing', { parts: [{ ...described, organization: undefined }] }, 'parts.0.organization'],
    ['organization too many', { parts: [{ ...described, kind: 'people' }] }, 'parts.0.organization'],
    ['an unknown key of a part', { parts: [{ ...described, url: 'x' }] }, 'parts.0.url'],
    ['one hash twice', { parts: [described, { ...described, organization: 'b' }] }, 'parts.1.sha256'],
    ['one kind twice', { parts: [described, { ...described, sha256: '0'.repeat(64) }] }, 'parts.1.kind'],
  ])('names the fault: %s', async (_what, change, path) => {
    const manifest = await openManifest(manifestOf(7, [part], change).toString(), await trustedRoot());
    expect(manifest).toMatchObject({ ok: false, fault: { code: 'malformed', faults: [{ path }] } });
  });

  it('bounds the bytes of all parts together', async () => {
    const parts = Array.from({ length: 5 }, (_, index) => ({
      ...described,
      organization: `o${index}`,
      sha256: `${index}`.repeat(64),
      size: 67_108_864,
    }));
    const manifest = await openManifest(manifestOf(7, [], { parts }).toString(), await trustedRoot());
    expect(manifest).toMatchObject({ ok: false, fault: { code: 'malformed', faults: [{ path: 'parts' }] } });
  });
});

describe('the report', () => {
  const report: Report = {
    epoch: 1,
    revision: 2,
    manifestSha256: 'a'.repeat(64),
    state: 'refused',
    code: 'refused-bundle',
    faults: [],
    notices: [],
    at: '2026-11-22T08:00:00.000Z',
  };

  it('fits into one message whatever is wrong, and counts what does not', () => {
    const fault = { path: 'organizations.0.points.12', found: 'ü'.repeat(60), expected: 'something else' };
    const text = reportText({
      ...report,
      faults: Array.from({ length: 5_000 }, () => fault),
      notices: Array.from({ length: 5_000 }, () => ({ path: 'x', text: 'noted' })),
    });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    const read = reportSchema.parse(JSON.parse(text));
    expect(read.faults.at(-1)).toEqual({
      path: '',
      found: `${5_001 - read.faults.length} more faults`,
      expected: 'none',
    });
    expect(read.notices.at(-1)?.text).toMatch(/^\d+ more notices$/);
  });

  it('is left as it is where it fits', () => {
    expect(JSON.parse(reportText(report))).toEqual(report);
  });
});

describe('the topics', () => {
  it('are found again from what they are written as', () => {
    for (const key of Object.keys(TOPICS) as TopicKey[]) {
      const topic = topicOf('site-12', key, 'one', 'two');
      const levels = TOPICS[key].name.split('+').length - 1;
      const found = { key, levels: ['one', 'two'].slice(0, levels) };
      expect(matchTopic('site-12', topic)).toEqual(TOPICS[key].way === 'down' ? found : undefined);
    }
    expect(topicOf('site-12', 'policyPart', 'abc')).toBe('gatehouse/v1/site-12/policy/parts/abc/+');
  });

  it.each([
    'gatehouse/v1/site-13/policy/desired',
    'gatehouse/v1/site-12/policy',
    'gatehouse/v1/site-12/policy/desired/x',
    '',
  ])('leave `%s` alone', (topic) => expect(matchTopic('site-12', topic)).toBeUndefined());
});

describe('the packet guard', () => {
  const packet = (length: number, type = 0x30, body = Buffer.alloc(length, 0xff)): Buffer => {
    const header = [type];
    let rest = length;
    do {
      header.push((rest % 128) | (rest > 127 ? 0x80 : 0));
      rest = Math.floor(rest / 128);
    } while (rest > 0);
    return Buffer.concat([Buffer.from(header), body]);
  };

  it('passes packets up to the bound as they are and cuts longer publications to it, however they come', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat({ max: 1_000 }), fc.integer({ min: 1_001, max: 40_000 })), { maxLength: 8 }),
        fc.integer({ min: 1, max: 50_000 }),
        (lengths, cut) => {
          const stream = Buffer.concat(lengths.map((length) => packet(length)));
          const guard = new PacketGuard(1_000);
          const passed: Buffer[] = [];
          for (let at = 0; at < stream.length; at += cut) passed.push(guard.pass(stream.subarray(at, at + cut)));
          const expected = lengths.map((length) => packet(Math.min(length, 1_000)));
          expect(Buffer.concat(passed).equals(Buffer.concat(expected))).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('reads no other packet that is longer', () => {
    expect(() => new PacketGuard(1_000).pass(packet(1_001, 0x90))).toThrow('got a packet of 1001 bytes');
  });

  it('knows a length that never ends', () => {
    expect(() => new PacketGuard(1_000).pass(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toThrow(
      'a packet length of more than four bytes',
    );
  });
});

describe('the broker’s address', () => {
  it.each([
    ['mqtt://broker.example', { host: 'broker.example', port: 1883, tls: false }],
    ['mqtts://broker.example', { host: 'broker.example', port: 8883, tls: true }],
    ['mqtts://[::1]:1234', { host: '::1', port: 1234, tls: true }],
  ])('%s', (text, address) => expect(parseBrokerUrl(text)).toEqual(address));

  it.each(['broker', 'ws://broker', 'mqtt://user:secret@broker', 'mqtt://'])('refuses `%s`', (text) => {
    expect(() => parseBrokerUrl(text)).toThrow(expect.objectContaining({ code: 'cloud-settings' }));
  });

  it('names the setting whose file cannot be read', () => {
    const url = 'mqtts://broker';
    expect(() => readCredentials({ url, caFile: '/nonexistent/ca.pem' })).toThrow(/`caFile`/);
    expect(() => readCredentials({ url, keyFile: '/nonexistent/key.pem' })).toThrow(/`certificateFile` and `keyFile`/);
  });
});
