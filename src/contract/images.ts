// Firmware images as the gateway keeps them: announced by a signed manifest, then received in pieces, then whole.
// Invariants: 1. nothing is stored without a manifest that a key of the policy signed; 2. an image is `ready` only when its
// size and digest are the manifest's; 3. it is verified again, signature and digest, each time it is opened.

import type { Result } from '../model/result.ts';
import type { ImageSource } from './firmware.ts';

/** The payload of the manifest: a compact JWS, EdDSA (RFC 8037), typ `gatehouse.image+jws`, by a key of the policy's `keys.images`. */
export interface ImageManifest {
  readonly format: 'gatehouse.image/1';
  readonly vendor: string;
  readonly model: string;
  readonly version: string;
  /** Devices that run an older one refuse it; absent = from any. */
  readonly minimumVersion?: string;
  /** Octets. */
  readonly size: number;
  /** SHA-256, 64 lower-case hex digits. */
  readonly sha256: string;
  /** The signed permit to go back: devices may run a newer version than this. */
  readonly permitsDowngrade?: boolean;
  readonly notes?: string;
}

export interface StoredImage {
  /** The manifest's `sha256`. */
  readonly id: string;
  readonly manifest: ImageManifest;
  /** `kid` of the key that signed it. */
  readonly key: string;
  readonly state: 'receiving' | 'ready';
  readonly received: number;
  /** ms since 1970. */
  readonly addedAt: number;
  readonly addedBy: string;
  /** Of an image that is being fetched: from where, and what hinders it. */
  readonly fetching?: { readonly url: string; readonly why?: string };
}

export const IMAGE_FAULTS = [
  'image-malformed',
  'image-unsigned',
  'image-key-unknown',
  'image-too-large',
  'image-quota',
  'image-unknown',
  'image-incomplete',
  'image-digest',
  'image-offset',
  'image-in-use',
  'image-unreachable',
  'image-host-denied',
  'image-unwritable',
] as const;
export type ImageFaultCode = (typeof IMAGE_FAULTS)[number];

export interface ImageFault {
  readonly code: ImageFaultCode;
  /** What was got and what was expected. */
  readonly text: string;
}

export interface Images {
  /** The newest first. */
  list(): readonly StoredImage[];
  get(id: string): StoredImage | undefined;
  /**
   * Takes the manifest and keeps the room. An image that is known already is given as it is; another manifest of it (by a new key,
   * with another permit) takes the place of the first, unless a job goes by that.
   */
  announce(manifestJws: string, by: string): Promise<Result<StoredImage, ImageFault>>;
  /** Appends from `offset`, which must be what was received; streamed to disk. With the last octet the digest is checked. */
  receive(id: string, offset: number, octets: AsyncIterable<Uint8Array>): Promise<Result<StoredImage, ImageFault>>;
  /** Gets the rest over HTTPS from a host that the site names, going on by `Range` after interruptions, until it is whole or given up. */
  fetch(id: string, url: string): Promise<Result<StoredImage, ImageFault>>;
  remove(id: string): Promise<Result<void, ImageFault>>;
  /** For sending: signature by a key that is trusted now, size and digest are checked before it is given. */
  open(id: string): Promise<Result<ImageSource & { readonly manifest: ImageManifest }, ImageFault>>;
  onChange(listener: (image: StoredImage) => void): () => void;
}
