// The files of images: `ID.manifest` (what was announced), `ID.part` (received so far), `ID.image` (whole). Invariants: 1. a file
// gets its final name only when its content is on disk; 2. nothing but an image's id ever names a file; 3. one piece in memory.

import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isImageId } from './image-manifest.ts';
import { PieceDigests } from './image-pieces.ts';

const PIECE = 262_144;
const SUFFIX = /^(.{64})\.(manifest|part|image)$/;

/** What is kept of an announced image beside its octets. */
export interface KeptManifest {
  readonly manifest: string;
  /** `kid` of the key that signed it then. */
  readonly key: string;
  /** ms since 1970. */
  readonly addedAt: number;
  readonly addedBy: string;
  /** Where it is fetched from, until it is whole or given up. */
  readonly url?: string;
}

interface FoundImage {
  readonly id: string;
  readonly kept: KeptManifest;
  readonly state: 'receiving' | 'ready';
  /** Octets there are. */
  readonly received: number;
}

export class ImageFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  }

  /** Every image; what belongs to none (a write cut off) is removed. */
  async found(): Promise<FoundImage[]> {
    const names = await readdir(this.#folder);
    const manifests = new Map<string, KeptManifest>();
    for (const name of names) {
      const [, id = '', suffix] = SUFFIX.exec(name) ?? [];
      if (suffix !== 'manifest' || !isImageId(id)) continue;
      const kept = parseKept(await readFile(join(this.#folder, name), 'utf8'));
      if (kept !== undefined) manifests.set(id, kept);
    }
    const images: FoundImage[] = [];
    for (const [id, kept] of manifests) {
      const whole = await sizeOf(this.#path(id, 'image'));
      const part = await sizeOf(this.#path(id, 'part'));
      images.push({ id, kept, state: whole === undefined ? 'receiving' : 'ready', received: whole ?? part ?? 0 });
    }
    for (const name of names) {
      const [, id = ''] = SUFFIX.exec(name) ?? [];
      if (!manifests.has(id)) await rm(join(this.#folder, name), { force: true, recursive: true });
    }
    return images;
  }

  async keep(id: string, kept: KeptManifest): Promise<void> {
    const draft = join(this.#folder, `${id}.manifest.new`);
    const file = await open(draft, 'w', 0o640);
    try {
      await file.writeFile(JSON.stringify(kept));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path(id, 'manifest'));
    await this.#syncFolder();
  }

  /** The part, cut to what is known to have been received. */
  async openPart(id: string, received: number): Promise<FileHandle> {
    const file = await open(this.#path(id, 'part'), received === 0 ? 'w' : 'r+', 0o640);
    try {
      await file.truncate(received);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The part is on disk and its digest is right. */
  async complete(id: string): Promise<void> {
    await rename(this.#path(id, 'part'), this.#path(id, 'image'));
    await this.#syncFolder();
  }

  async dropPart(id: string): Promise<void> {
    await rm(this.#path(id, 'part'), { force: true });
  }

  async remove(id: string): Promise<void> {
    // The manifest first: octets without one are removed at the next start.
    for (const suffix of ['manifest', 'image', 'part']) await rm(this.#path(id, suffix), { force: true });
    await this.#syncFolder();
  }

  /** SHA-256 in lower-case hex, of the whole and of each piece, and how many octets. */
  async digest(
    id: string,
    state: 'receiving' | 'ready',
  ): Promise<{ readonly sha256: string; readonly size: number; readonly pieces: readonly string[] }> {
    const hash = createHash('sha256');
    const pieces = new PieceDigests();
    const piece = Buffer.allocUnsafe(PIECE);
    const file = await open(this.#path(id, state === 'ready' ? 'image' : 'part'), 'r');
    let size = 0;
    try {
      for (;;) {
        const { bytesRead } = await file.read(piece, 0, PIECE, size);
        if (bytesRead === 0) break;
        const octets = piece.subarray(0, bytesRead);
        hash.update(octets);
        pieces.take(octets);
        size += bytesRead;
      }
    } finally {
      await file.close();
    }
    return { sha256: hash.digest('hex'), size, pieces: pieces.end() };
  }

  /** Of a whole image. */
  async read(id: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await open(this.#path(id, 'image'), 'r');
    try {
      const octets = Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await file.read(octets, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return octets.subarray(0, filled);
    } finally {
      await file.close();
    }
  }

  /** Octets that may be written on this disk. */
  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize;
  }

  #path(id: string, suffix: string): string {
    return join(this.#folder, `${id}.${suffix}`);
  }

  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Every octet, or it rejects. */
export async function writeAll(file: FileHandle, octets: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < octets.length) {
    const { bytesWritten } = await file.write(octets, written, octets.length - written, position + written);
    written += bytesWritten;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}

function parseKept(text: string): KeptManifest | undefined {
  try {
    const kept = JSON.parse(text) as Partial<KeptManifest>;
    const isWhole = typeof kept.manifest === 'string' && typeof kept.key === 'string';
    return isWhole && typeof kept.addedAt === 'number' && typeof kept.addedBy === 'string'
      ? (kept as KeptManifest)
      : undefined;
  } catch {
    return undefined;
  }
}
