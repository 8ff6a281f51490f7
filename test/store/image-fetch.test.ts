// Images over HTTPS from a real server: with interruptions, redirects, and servers that mean no good.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type CertificatePair, selfSigned } from '../../src/http/self-signed.ts';
import { digestOf, type ImageRig, imageBytes, manifestFor, signedManifest, startImageRig } from './image-rig.ts';

const octets = imageBytes(400_000);
const id = digestOf(octets);
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let folder: string;
let pair: CertificatePair;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-fetch-'));
  pair = await selfSigned(folder, ['localhost'], Date.now());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(handler: Handler, plain = false): Promise<string> {
  const server = plain ? createPlainServer(handler) : createServer({ cert: pair.certificate, key: pair.key }, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  hosts.push(host);
  return `${plain ? 'http' : 'https'}://${host}`;
}

/** The site's list of hosts grows with what a test serves. */
let hosts: string[] = [];
beforeEach(() => {
  hosts = [];
});

async function announced(settings: object = { ca: pair.certificate }): Promise<ImageRig> {
  const rig = await startImageRig({ fetching: { hosts, ...settings } });
  await rig.store.announce(signedManifest(manifestFor(octets)), 'anna');
  return rig;
}

/** Serves ranges as RFC 9110 has them, and breaks off after so many octets. */
function ranged(breaks: number[], seen: string[], etag = '"a"'): Handler {
  return (request, response) => {
    const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    seen.push(`${request.headers.range ?? 'whole'} ${request.headers['if-range'] ?? '-'}`);
    const from = first !== undefined && request.headers['if-range'] === etag ? Number(first) : 0;
    const body = octets.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${octets.length - 1}/${octets.length}` }),
    });
    const most = breaks.shift();
    if (most === undefined) return void response.end(body);
    response.write(body.subarray(0, most), () => response.destroy());
  };
}

describe('an image is fetched', () => {
  it('over interruptions, going on where it was, only while it is the same file', async () => {
    const rig = await announced();
    const seen: string[] = [];
    const url = await serve(ranged([100_000, 150_000], seen));
    const heard: (string | undefined)[] = [];
    rig.store.onChange(({ fetching }) => heard.push(fetching?.url));
    const fetched = await rig.store.fetch(id, `${url}/image.bin`);
    expect(fetched).toMatchObject({ ok: true, value: { state: 'ready', received: 400_000 } });
    expect(fetched.ok && fetched.value.fetching).toBe(undefined);
    expect(heard).toContain(`${url}/image.bin`);
    expect(seen[0]).toBe('whole -');
    expect(seen).toHaveLength(3);
    for (const asked of seen.slice(1)) expect(asked).toMatch(/^bytes=[1-9]\d*- "a"$/);
    expect((await rig.store.open(id)).ok).toBe(true);
  });

  it('anew from a server that knows no ranges', async () => {
    const rig = await announced();
    let calls = 0;
    const url = await serve((_request, response) => {
      calls += 1;
      response.writeHead(200, { 'content-length': octets.length });
      if (calls === 1) response.write(octets.subarray(0, 50_000), () => response.destroy());
      else response.end(octets);
    });
    expect(await rig.store.fetch(id, url)).toMatchObject({ ok: true, value: { state: 'ready' } });
    expect(calls).toBe(2);
  });

  it('by redirects, and not by too many, nor to another protocol', async () => {
    const rig = await announced();
    const seen: string[] = [];
    const image = await serve(ranged([], seen));
    const led = await serve((_request, response) => void response.writeHead(302, { location: `${image}/x` }).end());
    const down = await serve(
      (_request, response) => void response.writeHead(301, { location: 'http://127.0.0.1/' }).end(),
    );
    const round = await serve((_request, response) => void response.writeHead(307, { location: '/again' }).end());
    const lost = await serve((_request, response) => void response.writeHead(308).end());
    for (const [url, why] of [
      [down, /led on to another place: got `http:`, expected `https:`/],
      [round, /led on more than 5 times/],
      [lost, /answered 308 without saying where to/],
    ] as const) {
      const answer = await rig.store.fetch(id, url);
      expect(answer).toMatchObject({
        ok: false,
        fault: { code: 'image-unreachable', text: expect.stringMatching(why) },
      });
      expect(rig.store.get(id)?.fetching?.why).toMatch(/^given up: /);
    }
    expect((await rig.store.fetch(id, led)).ok).toBe(true);
  });

  it('again after a restart of the gateway', async () => {
    const rig = await announced();
    let isSlow = true;
    const url = await serve((request, response) => {
      if (isSlow) {
        response.writeHead(200, { 'content-length': octets.length });
        response.write(octets.subarray(0, 80_000));
      } else ranged([], [])(request, response);
    });
    const first = rig.store.fetch(id, url);
    await new Promise<void>((resolve) => {
      const forget = rig.store.onChange(({ received }) => {
        if (received < 80_000) return;
        forget();
        resolve();
      });
    });
    isSlow = false;
    await rig.reopen();
    expect(await first).toMatchObject({ ok: false });
    await new Promise<void>((resolve) => {
      if (rig.store.get(id)?.state === 'ready') resolve();
      rig.store.onChange(({ state }) => state === 'ready' && resolve());
    });
    expect((await rig.store.open(id)).ok).toBe(true);
  });
});

describe('an image is not fetched', () => {
  it.each<[string, Handler, string, RegExp]>([
    ['that is not there', (_q, s) => void s.writeHead(404).end(), 'image-unreachable', /answered 404/],
    [
      'that is shorter',
      (_q, s) => void s.writeHead(200, { 'content-length': 5 }).end('short'),
      'image-unreachable',
      /5 octets, expected 400000/,
    ],
    ['that does not end', endless, 'image-too-large', /more than the 400000 octets/],
    ['of another content', (_q, s) => void s.writeHead(200).end(imageBytes(400_000, 3)), 'image-digest', /digest/],
    [
      'that was packed',
      (_q, s) => void s.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
      'image-unreachable',
      /encoded as `gzip`/,
    ],
    [
      'that is a server’s fault, after some tries',
      (_q, s) => void s.writeHead(503).end(),
      'image-unreachable',
      /answered 503/,
    ],
  ])('%s', async (_name, handler, code, text) => {
    const rig = await announced();
    const answer = await rig.store.fetch(id, await serve(handler));
    expect(answer).toMatchObject({ ok: false, fault: { code, text: expect.stringMatching(text) } });
    expect(rig.store.get(id)?.state).toBe('receiving');
  });

  it('from a server whose certificate nobody vouches for', async () => {
    const rig = await announced({});
    const answer = await rig.store.fetch(id, await serve(ranged([], [])));
    expect(answer).toMatchObject({ ok: false, fault: { code: 'image-unreachable' } });
    expect(rig.store.get(id)?.received).toBe(0);
  });

  it('over plain HTTP, unless the site permits it on the loopback', async () => {
    const url = await serve(ranged([], []), true);
    const strict = await announced();
    for (const wrong of [url, 'ftp://127.0.0.1/x', 'https://ben:secret@127.0.0.1/', 'image.bin']) {
      const answer = await strict.store.fetch(id, wrong);
      expect(answer).toMatchObject({ ok: false, fault: { code: 'image-unreachable' } });
    }
    const open = await announced({ plainLoopback: true });
    expect(await open.store.fetch(id, 'http://192.0.2.1/')).toMatchObject({ ok: false });
    expect((await open.store.fetch(id, url)).ok).toBe(true);
    expect((await open.store.fetch(id, url)).ok).toBe(true);
  });

  it('from where the site names no host, and nobody is asked', async () => {
    const seen: string[] = [];
    const there = await serve(ranged([], seen));
    const nowhere = 'https://no-such-host.invalid';
    const ca = pair.certificate;
    const unnamed = (host: string) => ({
      ok: false,
      fault: {
        code: 'image-host-denied',
        text: `got host \`${host}\`, expected one that the site’s configuration names in \`images.hosts\``,
      },
    });
    for (const settings of [
      { ca, hosts: undefined },
      { ca, hosts: [] },
      { ca, hosts: ['127.0.0.1', 'images.example:8443', 'invalid'] },
    ]) {
      const rig = await announced(settings);
      for (const url of [there, nowhere, 'https://images.example/', 'https://a.images.example:8443/']) {
        expect(await rig.store.fetch(id, `${url}/x`)).toEqual(unnamed(new URL(url).host));
      }
      expect(rig.store.get(id)?.fetching).toBe(undefined);
    }
    expect(seen).toEqual([]);
  });

  it('from a host to which one that is named leads on', async () => {
    const seen: string[] = [];
    const there = await serve(ranged([], seen));
    const led = await serve((_request, response) => void response.writeHead(302, { location: `${there}/x` }).end());
    const rig = await announced({ ca: pair.certificate, hosts: [new URL(led).host] });
    const text = expect.stringMatching(/^led on to another place: got host `127\.0\.0\.1:\d+`, expected one that/);
    expect(await rig.store.fetch(id, led)).toMatchObject({ ok: false, fault: { text } });
    expect(seen).toEqual([]);
  });

  it('by itself after a start whose configuration names the host no more', async () => {
    const seen: string[] = [];
    const there = await serve((_request, response) => {
      seen.push('asked');
      response.writeHead(200, { 'content-length': octets.length }).write(octets.subarray(0, 10));
    });
    const rig = await announced({ ca: pair.certificate, hosts });
    const first = rig.store.fetch(id, there);
    await new Promise<void>((resolve) => {
      rig.store.onChange(({ received }) => received > 0 && resolve());
    });
    hosts.length = 0;
    await rig.reopen();
    await first;
    await vi.waitFor(() => expect(rig.store.get(id)?.fetching?.why).toMatch(/^given up: got host .*`images\.hosts`$/));
    expect(seen).toEqual(['asked']);
  });

  it('while it is being sent, and gives way when it is removed', async () => {
    const rig = await announced();
    const url = await serve((_request, response) => void response.writeHead(200).write('x'));
    const under = rig.store.fetch(id, url);
    expect(await rig.store.fetch(id, url)).toMatchObject({ ok: false, fault: { code: 'image-in-use' } });
    expect((await rig.store.remove(id)).ok).toBe(true);
    expect(await under).toMatchObject({ ok: false });
  });

  it('from a server that falls silent', async () => {
    const rig = await announced({ ca: pair.certificate, idleMs: 20 });
    const url = await serve((_request, response) => void response.writeHead(200).write('x'));
    const answer = await rig.store.fetch(id, url);
    expect(answer).toMatchObject({ ok: false, fault: { text: expect.stringMatching(/nothing came for/) } });
  });
});

function endless(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200);
  const more = (): void => {
    while (!response.destroyed && response.write(octets.subarray(0, 65_536)));
  };
  response.on('drain', more);
  more();
}
