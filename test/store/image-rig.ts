// An image store on a folder of its own, keys that a test may withdraw, and images with manifests signed as a vendor signs them.

import { createHash } from 'node:crypto';
import type { JWK } from 'jose';
import { onTestFinished } from 'vitest';
import { newSigningKey, type SigningKey, signCompact } from '../../simulators/cloud/signing.ts';
import { IMAGE_TYP, openImageManifest } from '../../src/cloud/image-signature.ts';
import type { ImageManifest } from '../../src/contract/images.ts';
import { type ImageStore, type ImageStoreOptions, openImageStore } from '../../src/store/image-store.ts';
import { temporaryFolder } from './store-rig.ts';

export const vendorKey = newSigningKey('vendor-1');

export const jwkOf = ({ kid, publicJwk }: SigningKey): JWK => ({ ...publicJwk, kid });

export function imageBytes(size: number, seed = 1): Uint8Array {
  const octets = new Uint8Array(size);
  let state = seed;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    octets[at] = state >>> 16;
  }
  return octets;
}

export const digestOf = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

export function manifestFor(octets: Uint8Array, changes: Partial<ImageManifest> = {}): ImageManifest {
  return {
    format: 'gatehouse.image/1',
    vendor: 'Acme',
    model: 'AHU-X1',
    version: '2.1.0',
    size: octets.length,
    sha256: digestOf(octets),
    ...changes,
  };
}

export const signedManifest = (manifest: unknown, key = vendorKey): string => signCompact(manifest, IMAGE_TYP, key);

export interface ImageRig {
  store: ImageStore;
  /** Trusted at this moment. */
  keys: JWK[];
  /** Images that a job needs. */
  readonly used: Map<string, string>;
  readonly folder: string;
  reopen(): Promise<void>;
}

export async function startImageRig(changes: Partial<ImageStoreOptions> = {}): Promise<ImageRig> {
  const folder = temporaryFolder();
  const used = new Map<string, string>();
  const open = (): Promise<ImageStore> =>
    openImageStore({
      folder,
      maxBytes: 8 * 1024 * 1024,
      clock: { now: () => 1_000_000, monotonic: () => 0, sure: () => true },
      timers: {
        after(_delayMs, run) {
          const timer = setImmediate(run);
          return { cancel: () => clearImmediate(timer) };
        },
      },
      log: { write: () => undefined },
      verify: (jws) => openImageManifest(jws, rig.keys),
      usedBy: (id) => used.get(id),
      free: () => Promise.resolve(2 ** 40),
      ...changes,
    });
  const rig: ImageRig = {
    store: undefined as unknown as ImageStore,
    keys: [jwkOf(vendorKey)],
    used,
    folder,
    async reopen() {
      await rig.store.close();
      rig.store = await open();
    },
  };
  rig.store = await open();
  onTestFinished(() => rig.store.close());
  return rig;
}

export async function* inPieces(octets: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size);
}

/** What it yields, and then the line breaks. */
export async function* broken(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
  throw new Error('aborted');
}
