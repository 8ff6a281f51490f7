// Chunks → the parts a manifest names. Content decides: a part is there when bytes of its hash are there, whoever sent them.
// Invariants: 1. only chunks that the manifest promises are held, so memory is bounded by what was signed; 2. unpacking
// stops at the signed size; 3. a part leaves here only with the right size and hash.

import { createHash, webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import type { DocumentFault } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import { MAX_MESSAGE_BYTES, type PartDescriptor } from './manifest.ts';
import { type Refused, refused } from './nack.ts';

const unpack = promisify(gunzip);
const OFF_THREAD_BYTES = 65_536;

/** SHA-256 (hex) without holding up the event loop for large parts. */
export async function hashOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= OFF_THREAD_BYTES) return createHash('sha256').update(bytes).digest('hex');
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

/** All chunks of a part, in order → its uncompressed bytes. `path` names the part in the manifest. */
export async function unpackPart(
  part: PartDescriptor,
  chunks: readonly Uint8Array[],
  path: string,
): Promise<Result<Uint8Array, Refused>> {
  let bytes: Uint8Array;
  try {
    const packed = Buffer.concat(chunks);
    bytes =
      part.size <= OFF_THREAD_BYTES
        ? gunzipSync(packed, { maxOutputLength: part.size })
        : await unpack(packed, { maxOutputLength: part.size, chunkSize: 262_144 });
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      return fail(refused('part-size', `${path}.size`, 'more bytes', `${part.size} bytes after unpacking`));
    }
    return fail(refused('part-unreadable', path, `chunks that do not unpack (${String(code)})`, 'a gzip stream'));
  }
  if (bytes.length !== part.size) {
    return fail(refused('part-size', `${path}.size`, `${bytes.length} bytes`, `${part.size} bytes after unpacking`));
  }
  const hash = await hashOf(bytes);
  if (hash !== part.sha256) return fail(refused('part-hash', `${path}.sha256`, `\`${hash}\``, `\`${part.sha256}\``));
  return ok(bytes);
}

interface Assembly {
  readonly part: PartDescriptor;
  readonly path: string;
  readonly chunks: (Uint8Array | undefined)[];
  /** Chunks still to come. */
  open: number;
  unpacking: boolean;
  /** Another chunk came while unpacking: try again if that fails. */
  changed: boolean;
}

export interface WantedPart {
  readonly part: PartDescriptor;
  /** `parts.3`: its place in the manifest. */
  readonly path: string;
}

/**
 * Gathers the chunks of the parts that are wanted. `keep` is awaited with the bytes of every complete part; `complain`
 * hears of every part that came wrong, which then stays wanted: another chunk for it makes it try again. `kept` hears of
 * every part that is safe, by its hash.
 */
export class PartCollector {
  readonly #wanted = new Map<string, Assembly>();
  readonly #keep: (hash: string, bytes: Uint8Array) => Promise<void>;
  readonly #complain: (why: Refused) => void;
  readonly #kept: (hash: string) => void;
  readonly #assembling = new Set<Promise<void>>();
  #done: (() => void) | undefined;
  /** Resolves when every wanted part is kept; never after `abandon`. */
  readonly complete: Promise<void>;

  constructor(
    wanted: readonly WantedPart[],
    keep: (hash: string, bytes: Uint8Array) => Promise<void>,
    complain: (why: Refused) => void,
    kept: (hash: string) => void = () => {},
  ) {
    for (const { part, path } of wanted) {
      const chunks = new Array<Uint8Array | undefined>(part.chunks).fill(undefined);
      this.#wanted.set(part.sha256, { part, path, chunks, open: part.chunks, unpacking: false, changed: false });
    }
    this.#keep = keep;
    this.#complain = complain;
    this.#kept = kept;
    this.complete = new Promise((resolve) => {
      this.#done = resolve;
    });
    if (this.#wanted.size === 0) this.#done?.();
  }

  /** A chunk that nobody asked for, or too large, is dropped. */
  add(hash: string, index: number, bytes: Uint8Array): void {
    const assembly = this.#wanted.get(hash);
    if (!assembly || index >= assembly.part.chunks || bytes.length === 0 || bytes.length > MAX_MESSAGE_BYTES) return;
    const held = assembly.chunks[index];
    if (held && Buffer.compare(held, bytes) === 0) return;
    if (!held) assembly.open -= 1;
    assembly.chunks[index] = bytes;
    if (assembly.open > 0) return;
    if (assembly.unpacking) assembly.changed = true;
    else {
      const work = this.#assemble(assembly).finally(() => this.#assembling.delete(work));
      this.#assembling.add(work);
    }
  }

  /** Nothing is being unpacked or kept any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#assembling);
  }

  async #assemble(assembly: Assembly): Promise<void> {
    const { part, path } = assembly;
    assembly.unpacking = true;
    do {
      assembly.changed = false;
      const bytes = await unpackPart(
        part,
        assembly.chunks.filter((chunk) => chunk !== undefined),
        path,
      );
      const kept = bytes.ok ? await this.#keepSafely(part.sha256, bytes.value) : bytes;
      if (kept.ok) {
        this.#wanted.delete(part.sha256);
        if (this.#wanted.size === 0) this.#done?.();
        else this.#kept(part.sha256);
        return;
      }
      if (this.#wanted.has(part.sha256)) this.#complain(kept.fault);
      if (kept.fault.code === 'not-durable') {
        // The chunks were right: all of them, sent again, are worth another try.
        assembly.chunks.fill(undefined);
        assembly.open = part.chunks;
      }
    } while (assembly.changed && assembly.open === 0);
    assembly.unpacking = false;
  }

  async #keepSafely(hash: string, bytes: Uint8Array): Promise<Result<void, Refused>> {
    try {
      await this.#keep(hash, bytes);
      return ok(undefined);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return fail(refused('not-durable', '', why, 'a part stored on disk'));
    }
  }

  /** One fault for every part that is not here, naming chunks; empty when complete. */
  missing(): DocumentFault[] {
    return [...this.#wanted.values()].map(({ part, path, chunks, open }) => {
      const first = chunks.indexOf(undefined);
      const found = open === 0 ? 'no chunks that fit' : `${part.chunks - open} of ${part.chunks} chunks, not ${first}`;
      return { path, found, expected: `part \`${part.sha256}\` whole` };
    });
  }

  missingPart(): Refused | undefined {
    const faults: readonly DocumentFault[] = this.missing();
    return isNonEmpty(faults) ? { code: 'missing-part', faults: faults as NonEmpty<DocumentFault> } : undefined;
  }

  /** Drops what it holds; nothing is kept or complained of any more. */
  abandon(): void {
    this.#wanted.clear();
  }
}
