// Firmware images between announcement and sending. Invariants: 1. nothing is stored without a manifest that `verify` accepted;
// 2. `ready` only with the size and digest that were signed; 3. signature and digest are looked at again whenever one is opened;
// 4. room is kept when it is announced, so that an upload that began can end; 5. one writer for each image.

import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timers } from '../contract/clock.ts';
import type { ImageSource } from '../contract/firmware.ts';
import type { ImageFault, ImageManifest, Images, StoredImage } from '../contract/images.ts';
import type { Log } from '../contract/log.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { askForImage, type FetchSettings, faultOfUrl } from './image-fetch.ts';
import { ImageFiles, type KeptManifest, writeAll } from './image-files.ts';
import { parseImageManifest, payloadOf } from './image-manifest.ts';
import { inPieces } from './image-pieces.ts';

const MOST_IMAGES = 200;
/** Kept free for the record and the policy. */
const RESERVE_BYTES = 67_108_864;
/** Attempts in a row that brought nothing. */
const MOST_TRIES = 8;
const LONGEST_FETCH_MS = 86_400_000;

export interface ImageStoreOptions {
  readonly folder: string;
  /** Of all images together. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** The payload of a manifest that a key trusted at this moment signed. */
  verify(manifestJws: string): Promise<Result<{ readonly payload: unknown; readonly key: string }, ImageFault>>;
  /** The job that needs it; `undefined`: none. */
  usedBy(id: string): string | undefined;
  readonly fetching?: FetchSettings;
  /** Octets that may be written on this disk; absent: as the system says. */
  free?(): Promise<number>;
}

export interface ImageStore extends Images {
  /** Ends what is under way; what was received stays. */
  close(): Promise<void>;
}

interface Held {
  kept: KeptManifest;
  manifest: ImageManifest;
  state: StoredImage['state'];
  received: number;
  hindered?: string;
  /** Somebody writes to it. */
  isBusy: boolean;
  read?: ImageSource['read'];
  fetch?: { readonly ended: Promise<unknown>; readonly abort: AbortController };
}

type Answer<T = void> = Result<T, ImageFault>;

/** Images that were being fetched go on by themselves. Rejects where the folder cannot be read. */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const { folder, maxBytes, clock, timers, log, verify } = options;
  const files = new ImageFiles(folder);
  const images = new Map<string, Held>();
  const listeners = new Set<(image: StoredImage) => void>();
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, so that two do not count on the same room, nor one on what another removes. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  }

  for (const { id, kept, state, received } of await files.found()) {
    const manifest = parseImageManifest(payloadOf(kept.manifest));
    if (!manifest.ok || manifest.value.sha256 !== id || received > manifest.value.size) await files.remove(id);
    else images.set(id, { kept, manifest: manifest.value, state, received, isBusy: false });
  }

  function shown({ kept, manifest, state, received, hindered, fetch }: Held): StoredImage {
    const { url, key, addedAt, addedBy } = kept;
    const why = hindered === undefined ? {} : { why: hindered };
    const fetching =
      url === undefined || (fetch === undefined && hindered === undefined) ? {} : { fetching: { url, ...why } };
    return { id: manifest.sha256, manifest, key, state, received, addedAt, addedBy, ...fetching };
  }

  function tell(held: Held): void {
    const image = shown(held);
    for (const listener of listeners) listener(image);
  }

  async function read(manifestJws: string): Promise<Answer<{ manifest: ImageManifest; key: string }>> {
    const opened = await verify(manifestJws);
    if (!opened.ok) return opened;
    const manifest = parseImageManifest(opened.value.payload);
    return manifest.ok ? ok({ manifest: manifest.value, key: opened.value.key }) : manifest;
  }

  async function roomFor(size: number): Promise<Answer> {
    const kept = [...images.values()].reduce((sum, { manifest }) => sum + manifest.size, 0);
    const missing = [...images.values()].reduce((sum, { manifest, received }) => sum + manifest.size - received, 0);
    if (size > maxBytes)
      return fault('image-too-large', `got an image of ${size} octets, expected at most ${maxBytes}`);
    if (kept + size > maxBytes || images.size >= MOST_IMAGES) {
      return fault(
        'image-quota',
        `${size} octets and ${kept} kept already are more than ${maxBytes}: remove an image first`,
      );
    }
    const free = await (options.free ?? (() => files.free()))();
    if (free - missing - RESERVE_BYTES >= size) return ok(undefined);
    return fault('image-quota', `got an image of ${size} octets, the disk has no room for it`);
  }

  async function announce(manifestJws: string, by: string): Promise<Answer<StoredImage>> {
    const known = await read(manifestJws);
    if (!known.ok) return known;
    const { manifest, key } = known.value;
    const before = images.get(manifest.sha256);
    if (before?.kept.manifest === manifestJws) return ok(shown(before));
    if (before && before.manifest.size !== manifest.size) {
      return fault(
        'image-malformed',
        `got size ${manifest.size}, the image of this digest has ${before.manifest.size}`,
      );
    }
    const job = before && options.usedBy(manifest.sha256);
    if (job !== undefined) return fault('image-in-use', `job \`${job}\` goes by its former manifest`);
    const room: Answer = before ? ok(undefined) : await roomFor(manifest.size);
    if (!room.ok) return room;
    const kept = {
      ...before?.kept,
      manifest: manifestJws,
      key,
      ...(before ? {} : { addedAt: clock.now(), addedBy: by }),
    };
    try {
      await files.keep(manifest.sha256, kept as KeptManifest);
    } catch (error) {
      return unwritable(error);
    }
    const held = before ?? { kept: kept as KeptManifest, manifest, state: 'receiving', received: 0, isBusy: false };
    held.kept = kept as KeptManifest;
    held.manifest = manifest;
    images.set(manifest.sha256, held);
    tell(held);
    return ok(shown(held));
  }

  /** Until the octets end; those that came before a fault of the line are kept. */
  async function append(held: Held, octets: AsyncIterable<Uint8Array>): Promise<Answer> {
    const { sha256, size } = held.manifest;
    const began = held.received;
    let file: FileHandle | undefined;
    let cut: string | undefined;
    try {
      file = await files.openPart(sha256, began);
      const pieces = octets[Symbol.asyncIterator]();
      for (;;) {
        const piece = await pieces.next().catch((error: unknown) => {
          cut = textOf(error);
        });
        if (piece === undefined || piece.done) break;
        if (held.received + piece.value.length > size) {
          await pieces.return?.();
          held.received = began;
          return fault('image-too-large', `got more than the ${size} octets of the manifest`);
        }
        await writeAll(file, piece.value, held.received);
        held.received += piece.value.length;
        tell(held);
      }
      await file.sync();
      return cut === undefined ? ok(undefined) : fault('image-incomplete', `the line broke: ${cut}`);
    } catch (error) {
      held.received = began;
      return unwritable(error);
    } finally {
      await file?.close().catch(() => undefined);
    }
  }

  /** With the last octet: the digest decides. */
  async function conclude(held: Held): Promise<Answer> {
    const { sha256, size } = held.manifest;
    if (held.received < size) return ok(undefined);
    try {
      const found = await files.digest(sha256, 'receiving');
      if (found.sha256 !== sha256 || found.size !== size) {
        await files.dropPart(sha256);
        held.received = 0;
        return fault(
          'image-digest',
          `got an image of digest \`${found.sha256}\`, expected \`${sha256}\`: send it anew`,
        );
      }
      await files.complete(sha256);
      held.state = 'ready';
      await settle(held);
      return ok(undefined);
    } catch (error) {
      return unwritable(error);
    } finally {
      tell(held);
    }
  }

  /** Nothing is fetched any more; what hinders it stays said until the next start. */
  async function settle(held: Held): Promise<void> {
    const { url, ...kept } = held.kept;
    if (url === undefined) return;
    await files.keep(held.manifest.sha256, kept);
    if (held.state === 'ready') {
      held.kept = kept;
      delete held.hindered;
    }
  }

  async function receive(id: string, offset: number, octets: AsyncIterable<Uint8Array>): Promise<Answer<StoredImage>> {
    const held = images.get(id);
    if (!held) return unknown(id);
    if (held.isBusy) return fault('image-in-use', 'another upload of it is under way');
    if (held.state === 'ready') return fault('image-offset', 'got octets, the image is whole already');
    if (offset !== held.received) {
      return fault('image-offset', `got offset ${offset}, expected ${held.received}, which was received`);
    }
    held.isBusy = true;
    try {
      const appended = await append(held, octets);
      const concluded = appended.ok ? await conclude(held) : appended;
      return concluded.ok ? ok(shown(held)) : concluded;
    } finally {
      held.isBusy = false;
      tell(held);
    }
  }

  async function getRest(held: Held, url: string, signal: AbortSignal): Promise<Answer> {
    const { size } = held.manifest;
    const until = clock.monotonic() + LONGEST_FETCH_MS;
    let etag: string | undefined;
    let best = held.received;
    for (let tries = 0; ; tries += 1) {
      // Whole, but its digest could not be looked at then.
      const whole = held.received === size ? await conclude(held) : undefined;
      if (whole?.ok) return ok(undefined);
      const order = { url, from: held.received, size, signal, ...(etag !== undefined && { etag }) };
      const coming = await askForImage(order, options.fetching ?? {});
      let passing = true;
      if (coming.ok) {
        if (coming.value.offset === 0) held.received = 0;
        etag = coming.value.etag;
        const appended = await append(held, coming.value.octets);
        coming.value.drop();
        const concluded = appended.ok ? await conclude(held) : appended;
        if (concluded.ok && held.state === 'ready') return ok(undefined);
        held.hindered = concluded.ok ? 'the server stopped half-way' : concluded.fault.text;
        passing = concluded.ok || concluded.fault.code === 'image-incomplete';
        if (!concluded.ok && !passing) return concluded;
      } else {
        held.hindered = coming.fault.why;
        passing = coming.fault.passing;
      }
      if (held.received > best) tries = 0;
      best = Math.max(best, held.received);
      if (signal.aborted) return fault('image-unreachable', 'it was stopped');
      if (!passing || tries >= MOST_TRIES || clock.monotonic() > until) {
        return fault('image-unreachable', held.hindered);
      }
      tell(held);
      await wait(Math.min(60_000, 1000 * 2 ** tries), signal);
    }
  }

  const wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer = timers.after(ms, resolve);
      signal.addEventListener('abort', () => {
        timer.cancel();
        resolve();
      });
    });

  function beginFetch(held: Held, url: string): Promise<Answer<StoredImage>> {
    const abort = new AbortController();
    held.isBusy = true;
    held.kept = { ...held.kept, url };
    delete held.hindered;
    const ended = (async (): Promise<Answer<StoredImage>> => {
      try {
        await files.keep(held.manifest.sha256, held.kept);
        const got = await getRest(held, url, abort.signal);
        if (!got.ok && !abort.signal.aborted) {
          held.hindered = `given up: ${got.fault.text}`;
          await settle(held);
          const { text: why } = got.fault;
          const from = URL.canParse(url) ? new URL(url).origin : url;
          const fields = { image: held.manifest.sha256, from, why };
          log.write('warn', 'image.not-fetched', fields, `no image was fetched from \`${from}\`: ${why}`);
        }
        return got.ok ? ok(shown(held)) : got;
      } catch (error) {
        return unwritable(error);
      } finally {
        held.isBusy = false;
        delete held.fetch;
        tell(held);
      }
    })();
    held.fetch = { ended, abort };
    tell(held);
    return ended;
  }

  async function remove(id: string): Promise<Answer> {
    const held = images.get(id);
    if (!held) return unknown(id);
    // What is still being fetched no job needs yet.
    held.fetch?.abort.abort();
    await held.fetch?.ended;
    if (held.isBusy) return fault('image-in-use', 'an upload of it is under way');
    const job = options.usedBy(id);
    if (job !== undefined) return fault('image-in-use', `job \`${job}\` needs it`);
    // From here on nobody finds it, so nobody begins to write or send it.
    images.delete(id);
    try {
      await files.remove(id);
      return ok(undefined);
    } catch (error) {
      images.set(id, held);
      return unwritable(error);
    }
  }

  for (const held of images.values()) {
    // A restart came between the last octet and its digest.
    if (held.state === 'receiving' && held.received === held.manifest.size) await conclude(held);
    if (held.state === 'receiving' && held.kept.url !== undefined) void beginFetch(held, held.kept.url);
  }

  return {
    list: () => [...images.values()].map(shown).sort((a, b) => b.addedAt - a.addedAt || (a.id < b.id ? -1 : 1)),
    get(id) {
      const held = images.get(id);
      return held && shown(held);
    },
    announce: (manifestJws, by) => inTurn(() => announce(manifestJws, by)),
    receive,
    async fetch(id, url) {
      const held = images.get(id);
      if (!held) return unknown(id);
      if (held.state === 'ready') return ok(shown(held));
      const denied = faultOfUrl(url, options.fetching ?? {});
      if (denied) return fail(denied);
      if (held.isBusy) return fault('image-in-use', 'another upload of it is under way');
      return beginFetch(held, url);
    },
    remove: (id) => inTurn(() => remove(id)),
    async open(id) {
      const held = images.get(id);
      if (!held) return unknown(id);
      if (held.state !== 'ready') {
        return fault('image-incomplete', `got ${held.received} of ${held.manifest.size} octets so far`);
      }
      const now = await read(held.kept.manifest);
      if (!now.ok) return now;
      const { manifest } = now.value;
      let pieces: readonly string[];
      try {
        const found = await files.digest(id, 'ready');
        if (found.sha256 !== id || found.size !== manifest.size) {
          return fault('image-digest', `the stored file has digest \`${found.sha256}\`, expected \`${id}\``);
        }
        pieces = found.pieces;
      } catch (error) {
        return unwritable(error);
      }
      const { size, vendor, model, version } = manifest;
      for (const [other, each] of images) if (options.usedBy(other) === undefined) delete each.read;
      // One for all who send it: they go along within a few pieces.
      held.read ??= inPieces((offset, length) => files.read(id, offset, length), size, pieces);
      return ok({ id, size, vendor, model, version, manifest, read: held.read });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      for (const { fetch } of images.values()) fetch?.abort.abort();
      await Promise.all([last, ...[...images.values()].map(({ fetch }) => fetch?.ended)]);
      listeners.clear();
    },
  };
}

const fault = (code: ImageFault['code'], text: string) => fail<ImageFault>({ code, text });
const unknown = (id: string) =>
  fault('image-unknown', `got \`${id.slice(0, 64)}\`, expected the digest of a kept image`);
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const unwritable = (error: unknown) => fault('image-unwritable', textOf(error));
