// Images: announced by a signed manifest, received in pieces, whole; and everything that must not become one.

import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newSigningKey } from '../../simulators/cloud/signing.ts';
import type { ImageFaultCode, StoredImage } from '../../src/contract/images.ts';
import type { Result } from '../../src/model/result.ts';
import {
  broken,
  digestOf,
  imageBytes,
  inPieces,
  jwkOf,
  manifestFor,
  signedManifest,
  startImageRig,
  vendorKey,
} from './image-rig.ts';

const codeOf = (result: Result<unknown, { readonly code: ImageFaultCode }>): string =>
  result.ok ? 'ok' : result.fault.code;
const octets = imageBytes(300_000);
const id = digestOf(octets);

describe('an image', () => {
  it('is announced, received with interruptions and restarts, and read piece by piece', async () => {
    const rig = await startImageRig();
    const heard: StoredImage[] = [];
    rig.store.onChange((image) => heard.push(image));
    const announced = await rig.store.announce(signedManifest(manifestFor(octets, { notes: 'quieter' })), 'anna');
    expect(announced).toMatchObject({
      ok: true,
      value: { id, state: 'receiving', received: 0, key: 'vendor-1', addedBy: 'anna', addedAt: 1_000_000 },
    });
    expect(codeOf(await rig.store.open(id))).toBe('image-incomplete');
    const cut = await rig.store.receive(id, 0, broken(octets.subarray(0, 100_000)));
    expect(cut).toMatchObject({ ok: false, fault: { code: 'image-incomplete' } });
    expect(rig.store.get(id)?.received).toBe(100_000);

    await rig.reopen();
    expect(rig.store.list()).toMatchObject([{ id, received: 100_000, state: 'receiving', addedBy: 'anna' }]);
    for (const wrong of [0, 99_999, 100_001]) {
      expect(codeOf(await rig.store.receive(id, wrong, inPieces(octets)))).toBe('image-offset');
    }
    expect(await rig.store.receive(id, 100_000, inPieces(octets.subarray(100_000, 200_000)))).toMatchObject({
      ok: true,
      value: { received: 200_000, state: 'receiving' },
    });
    const done = await rig.store.receive(id, 200_000, inPieces(octets.subarray(200_000), 1000));
    expect(done).toMatchObject({ ok: true, value: { state: 'ready', received: 300_000 } });
    expect(heard.at(-1)?.id).toBe(id);

    await rig.reopen();
    const opened = await rig.store.open(id);
    if (!opened.ok) throw new Error(opened.fault.text);
    expect(opened.value).toMatchObject({ id, size: 300_000, vendor: 'Acme', model: 'AHU-X1', version: '2.1.0' });
    expect(Buffer.from(await opened.value.read(299_990, 100)).equals(octets.subarray(299_990))).toBe(true);
    expect(Buffer.from(await opened.value.read(4096, 1000)).equals(octets.subarray(4096, 5096))).toBe(true);
    expect(await opened.value.read(300_000, 10)).toHaveLength(0);
    expect(codeOf(await rig.store.receive(id, 300_000, inPieces(octets)))).toBe('image-offset');
    expect(readdirSync(rig.folder).sort()).toEqual([`${id}.image`, `${id}.manifest`]);
  });

  it('is received by one writer at a time', async () => {
    const { store } = await startImageRig();
    await store.announce(signedManifest(manifestFor(octets)), 'anna');
    const [first, second] = await Promise.all([
      store.receive(id, 0, inPieces(octets)),
      store.receive(id, 0, inPieces(octets)),
    ]);
    expect([codeOf(first), codeOf(second)]).toEqual(['ok', 'image-in-use']);
  });

  it.each<[string, string, ImageFaultCode]>([
    ['no JWS', 'nonsense', 'image-unsigned'],
    [
      'of another type',
      signedManifest(manifestFor(octets)).replace(/^[^.]+/, head('gatehouse.policy+jws')),
      'image-unsigned',
    ],
    ['changed', tampered(signedManifest(manifestFor(octets))), 'image-unsigned'],
    ['by a key nobody named', signedManifest(manifestFor(octets), newSigningKey('stranger')), 'image-key-unknown'],
    [
      'by an impostor under a known name',
      signedManifest(manifestFor(octets), newSigningKey('vendor-1')),
      'image-unsigned',
    ],
    ['with an unknown key', signedManifest({ ...manifestFor(octets), rollback: true }), 'image-malformed'],
    ['of another format', signedManifest({ ...manifestFor(octets), format: 'gatehouse.image/2' }), 'image-malformed'],
    ['without a version', signedManifest({ ...manifestFor(octets), version: '' }), 'image-malformed'],
    ['with a control character', signedManifest(manifestFor(octets, { model: 'X\u001b[2J' })), 'image-malformed'],
    ['without a vendor', signedManifest({ ...manifestFor(octets), vendor: 7 }), 'image-malformed'],
    [
      'with a path for a digest',
      signedManifest(manifestFor(octets, { sha256: '../../etc/passwd' })),
      'image-malformed',
    ],
    ['of no size', signedManifest(manifestFor(octets, { size: 0 })), 'image-malformed'],
    ['of a part of an octet', signedManifest(manifestFor(octets, { size: 1.5 })), 'image-malformed'],
    ['that permits by a word', signedManifest({ ...manifestFor(octets), permitsDowngrade: 'yes' }), 'image-malformed'],
    ['with a minimum that is none', signedManifest({ ...manifestFor(octets), minimumVersion: 2 }), 'image-malformed'],
    ['that talks too much', signedManifest(manifestFor(octets, { notes: 'x'.repeat(2001) })), 'image-malformed'],
    ['that is a list', signedManifest([]), 'image-malformed'],
    ['larger than what is kept', signedManifest(manifestFor(octets, { size: 2 ** 30 })), 'image-too-large'],
  ])('is not announced by a manifest that is %s', async (_name, jws, code) => {
    const { store, folder } = await startImageRig();
    expect(codeOf(await store.announce(jws, 'anna'))).toBe(code);
    expect(store.list()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of another digest, or longer than announced, is refused, and may be sent anew', async () => {
    const { store } = await startImageRig();
    await store.announce(signedManifest(manifestFor(octets)), 'anna');
    const wrong = Uint8Array.from(octets);
    wrong[1234] = (wrong[1234] ?? 0) ^ 1;
    expect(codeOf(await store.receive(id, 0, inPieces(wrong)))).toBe('image-digest');
    expect(store.get(id)).toMatchObject({ received: 0, state: 'receiving' });
    await store.receive(id, 0, inPieces(octets.subarray(0, 1000)));
    const long = imageBytes(400_000, 2);
    expect(codeOf(await store.receive(id, 1000, inPieces(long)))).toBe('image-too-large');
    expect(store.get(id)?.received).toBe(1000);
    expect(codeOf(await store.receive(id, 1000, inPieces(octets.subarray(1000))))).toBe('ok');
  });

  it('is not opened once its key was withdrawn, and is again under a manifest by another key', async () => {
    const rig = await startImageRig();
    await rig.store.announce(signedManifest(manifestFor(octets)), 'anna');
    await rig.store.receive(id, 0, inPieces(octets));
    expect(codeOf(await rig.store.open(id))).toBe('ok');
    const next = newSigningKey('vendor-2');
    rig.keys = [jwkOf(next)];
    expect(codeOf(await rig.store.open(id))).toBe('image-key-unknown');
    rig.used.set(id, 'j-1');
    const anew = signedManifest(manifestFor(octets, { permitsDowngrade: true }), next);
    expect(codeOf(await rig.store.announce(anew, 'ben'))).toBe('image-in-use');
    rig.used.clear();
    expect(await rig.store.announce(anew, 'ben')).toMatchObject({
      ok: true,
      value: { state: 'ready', addedBy: 'anna' },
    });
    expect(await rig.store.open(id)).toMatchObject({ ok: true, value: { manifest: { permitsDowngrade: true } } });
    const lying = signedManifest(manifestFor(octets, { size: 5 }), next);
    expect(codeOf(await rig.store.announce(lying, 'ben'))).toBe('image-malformed');
  });

  it('is not opened when the file on disk is not what was signed', async () => {
    const { store, folder } = await startImageRig();
    await store.announce(signedManifest(manifestFor(octets)), 'anna');
    await store.receive(id, 0, inPieces(octets));
    const file = join(folder, `${id}.image`);
    const stored = readFileSync(file);
    stored[5] = (stored[5] ?? 0) ^ 255;
    writeFileSync(file, stored);
    expect(codeOf(await store.open(id))).toBe('image-digest');
    truncateSync(file, 10);
    expect(codeOf(await store.open(id))).toBe('image-digest');
  });

  it('gives no octet that was altered on disk after it was opened', async () => {
    const { store, folder, used } = await startImageRig();
    await store.announce(signedManifest(manifestFor(octets)), 'anna');
    await store.receive(id, 0, inPieces(octets));
    used.set(id, 'job-1');
    const opened = await store.open(id);
    if (!opened.ok) throw new Error(opened.fault.text);
    expect([...(await opened.value.read(0, 100))]).toEqual([...octets.subarray(0, 100)]);
    const file = join(folder, `${id}.image`);
    const stored = readFileSync(file);
    stored[100_000] = (stored[100_000] ?? 0) ^ 1;
    writeFileSync(file, stored);
    await expect(opened.value.read(65_000, 1000)).rejects.toThrow('is not what was verified, from octet 65536');
    stored[100_000] = (stored[100_000] ?? 0) ^ 1;
    writeFileSync(file, stored);
    expect([...(await opened.value.read(99_990, 20))]).toEqual([...octets.subarray(99_990, 100_010)]);
    truncateSync(file, 200_000);
    await expect(opened.value.read(190_000, 20_000)).rejects.toThrow('is not what was verified');
  });

  it('is named by a key’s thumbprint where the key has no name', async () => {
    const rig = await startImageRig();
    const { kid: _unnamed, ...jwk } = jwkOf(vendorKey);
    const { calculateJwkThumbprint } = await import('jose');
    const kid = await calculateJwkThumbprint(jwk);
    rig.keys = [{ kty: 'EC', crv: 'P-256' }, { ...jwk, x: 'broken' }, jwk];
    const jws = signedManifest(manifestFor(octets), { ...vendorKey, kid });
    expect(await rig.store.announce(jws, 'anna')).toMatchObject({ ok: true, value: { key: kid } });
  });

  it('is whole where a restart came between its last octet and its digest', async () => {
    const rig = await startImageRig();
    await rig.store.announce(signedManifest(manifestFor(octets)), 'anna');
    await rig.store.close();
    writeFileSync(join(rig.folder, `${id}.part`), octets);
    await rig.reopen();
    expect(rig.store.get(id)).toMatchObject({ state: 'ready', received: octets.length });
    expect(codeOf(await rig.store.open(id))).toBe('ok');
  });

  it('is not left half there by who announces it while it is removed', async () => {
    const rig = await startImageRig();
    await rig.store.announce(signedManifest(manifestFor(octets)), 'anna');
    await rig.store.receive(id, 0, inPieces(octets));
    const other = signedManifest(manifestFor(octets, { notes: 'anew' }));
    const [, announced] = await Promise.all([rig.store.remove(id), rig.store.announce(other, 'ben')]);
    expect(announced).toMatchObject({ ok: true, value: { state: 'receiving', received: 0, addedBy: 'ben' } });
    await rig.store.receive(id, 0, inPieces(octets));
    expect(codeOf(await rig.store.open(id))).toBe('ok');
  });

  it('is not removed while a job needs it, and leaves nothing afterwards', async () => {
    const rig = await startImageRig();
    await rig.store.announce(signedManifest(manifestFor(octets)), 'anna');
    rig.used.set(id, 'j-1');
    expect(codeOf(await rig.store.remove(id))).toBe('image-in-use');
    rig.used.clear();
    expect(codeOf(await rig.store.remove(id))).toBe('ok');
    expect(readdirSync(rig.folder)).toEqual([]);
    expect(codeOf(await rig.store.remove(id))).toBe('image-unknown');
    expect(codeOf(await rig.store.open(id))).toBe('image-unknown');
    expect(codeOf(await rig.store.receive(id, 0, inPieces(octets)))).toBe('image-unknown');
    expect(codeOf(await rig.store.fetch(id, 'https://localhost/'))).toBe('image-unknown');
  });
});

describe('the room for images', () => {
  it('is kept from the announcement on', async () => {
    const { store } = await startImageRig({ maxBytes: 500_000 });
    const other = imageBytes(300_000, 9);
    const [first, second] = await Promise.all([
      store.announce(signedManifest(manifestFor(octets)), 'anna'),
      store.announce(signedManifest(manifestFor(other)), 'anna'),
    ]);
    expect([codeOf(first), codeOf(second)]).toEqual(['ok', 'image-quota']);
    await store.remove(id);
    expect(codeOf(await store.announce(signedManifest(manifestFor(other)), 'anna'))).toBe('ok');
  });

  it('leaves the disk to the record', async () => {
    const { store } = await startImageRig({ free: () => Promise.resolve(67_108_864 + 299_999) });
    expect(codeOf(await store.announce(signedManifest(manifestFor(octets)), 'anna'))).toBe('image-quota');
  });

  it('is cleared at the start of what belongs to no image', async () => {
    const rig = await startImageRig();
    await rig.store.announce(signedManifest(manifestFor(octets)), 'anna');
    writeFileSync(join(rig.folder, `${'a'.repeat(64)}.part`), 'left over');
    writeFileSync(join(rig.folder, `${'b'.repeat(64)}.manifest`), 'torn{');
    writeFileSync(join(rig.folder, `${id}.manifest.new`), 'half');
    writeFileSync(join(rig.folder, `${'c'.repeat(64)}.manifest`), readFileSync(join(rig.folder, `${id}.manifest`)));
    await rig.reopen();
    expect(rig.store.list()).toHaveLength(1);
    expect(readdirSync(rig.folder)).toEqual([`${id}.manifest`]);
  });
});

function head(typ: string): string {
  return Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: 'vendor-1', typ })).toString('base64url');
}

function tampered(jws: string): string {
  const [header = '', , signature = ''] = jws.split('.');
  const payload = Buffer.from(JSON.stringify(manifestFor(octets, { version: '9.9.9' }))).toString('base64url');
  return `${header}.${payload}.${signature}`;
}
