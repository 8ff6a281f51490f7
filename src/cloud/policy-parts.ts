// The parts of a manifest as the compile step gets them: read when needed, so that what did not change is not read.
// Invariant: bytes that are handed out have the signed hash and size.

import { fail, ok, type Result } from '../model/result.ts';
import type { Manifest, PartDescriptor } from './manifest.ts';
import { type Refused, refused } from './nack.ts';
import { hashOf } from './parts.ts';

export interface PolicyPart {
  readonly sha256: string;
  readonly kind: PartDescriptor['kind'];
  /** Of an inventory or of rights. */
  readonly organization?: string;
  /** Uncompressed bytes. */
  readonly size: number;
  /** UTF-8 JSON, a subset of a bundle's keys. Throws `PartFault` if what is stored is not what was signed. */
  read(): Promise<Uint8Array>;
}

/** What is stored under a part's hash is gone or not what was signed. */
export class PartFault extends Error {
  readonly why: Refused;
  constructor(why: Refused) {
    super(why.code);
    this.why = why;
  }
}

/** `unsound` hears of every hash whose stored bytes are not what was signed. */
export function partsOf(
  manifest: Manifest,
  bytesOf: (hash: string) => Uint8Array | undefined,
  unsound: (hash: string) => void = () => {},
): PolicyPart[] {
  return manifest.payload.parts.map((part, index) => {
    const { sha256, kind, organization, size } = part;
    return {
      sha256,
      kind,
      size,
      ...(organization === undefined ? {} : { organization }),
      async read() {
        const bytes = await sound(bytesOf(sha256), part, `parts.${index}`);
        if (bytes.ok) return bytes.value;
        unsound(sha256);
        throw new PartFault(bytes.fault);
      },
    };
  });
}

/** Reads every part once: why the first of them is not sound, if one is not. */
export async function firstUnsound(parts: readonly PolicyPart[]): Promise<Refused | undefined> {
  try {
    for (const part of parts) await part.read();
    return undefined;
  } catch (error) {
    if (error instanceof PartFault) return error.why;
    throw error;
  }
}

async function sound(
  bytes: Uint8Array | undefined,
  { sha256, size }: PartDescriptor,
  path: string,
): Promise<Result<Uint8Array, Refused>> {
  if (!bytes) return fail(refused('missing-part', path, 'nothing stored', `part \`${sha256}\``));
  if (bytes.length !== size) {
    return fail(refused('part-size', `${path}.size`, `${bytes.length} bytes stored`, `${size} bytes`));
  }
  const hash = await hashOf(bytes);
  if (hash === sha256) return ok(bytes);
  return fail(refused('part-hash', `${path}.sha256`, `\`${hash}\` stored`, `\`${sha256}\``));
}
