// Permit ─► device: an image goes into the device's files or blocks. 1. After a lost answer the device is asked before anything is
// sent again: never a gap, never a double. 2. After an abort nothing more is sent. 3. What is told as done has been acknowledged.

import type { Clock, Timers } from '../../src/contract/clock.ts';
import type { ImageSource, StepWatch } from '../../src/contract/firmware.ts';
import { ImageReader, sameOctets } from '../../src/contract/image-reader.ts';
import { Patience } from '../../src/contract/patience.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { FirmwarePlace, LoaderState } from './firmware-address.ts';
import { commandRequest, pieceLength, writeNumber, writeRequests } from './firmware-blocks.ts';
import { checksumOf } from './firmware-checksum.ts';
import type { DeviceLoader, LoaderAnswer } from './firmware-loader.ts';
import type { Request } from './wire/request.ts';

export interface TransferParts {
  readonly loader: DeviceLoader;
  readonly image: ImageSource;
  readonly watch: StepWatch;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether the policy still has the device where it was. */
  isStill(): boolean;
}

/** States in which a device takes an image. */
const taking: readonly LoaderState[] = ['receiving', 'ready'];

/** Pauses grow to so many of the first. */
const MOST_POLLS = 20;

/** Ends the transfer from wherever it is. */
class Ended extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

export class Transfer {
  readonly #parts: TransferParts;
  readonly #place: FirmwarePlace;
  readonly #reader: ImageReader;
  readonly #patience: Patience;
  #at = 0;

  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.#place = parts.loader.place;
    this.#reader = new ImageReader(parts.image);
    this.#patience = patienceWith(parts, this.#place, parts.watch.signal);
  }

  /** Its first request goes out in the tick of the call. */
  async run(goesOn: boolean): Promise<Outcome> {
    try {
      if (goesOn) this.#at = await this.#held();
      if (this.#at === 0) await this.#begin();
      await this.#send();
      await this.#finish();
      return { kind: 'acknowledged' };
    } catch (fault) {
      if (fault instanceof Ended) return fault.outcome;
      return { kind: 'unknown', why: `${this.#soFar}: ${fault instanceof Error ? fault.message : String(fault)}` };
    }
  }

  get #soFar(): string {
    return `${this.#at} of ${this.#parts.image.size} octets were transferred`;
  }

  async #begin(): Promise<void> {
    const { size, version } = this.#place;
    const start = commandRequest(this.#place, 'start');
    // Whether it is there at all, before the image is read.
    if (start === undefined && size === undefined) await this.#until(() => this.#parts.loader.text(version));
    // One that was lost and carried out empties the device once more: nothing else has been sent yet.
    if (start !== undefined) await this.#deliver('the command `start`', start);
    if (start !== undefined && this.#place.status !== undefined) await this.#state(taking, 'it did not begin');
    if (size !== undefined) await this.#deliver('the size', writeNumber(size, this.#parts.image.size));
    this.#patience.renew();
  }

  async #send(): Promise<void> {
    const { image, watch } = this.#parts;
    const asksReady = this.#knows('ready');
    watch.progress(this.#at);
    while (this.#at < image.size) {
      if (asksReady) await this.#state(['ready'], 'it takes no block');
      const at = this.#at;
      const length = pieceLength(this.#place.image, at, image.size);
      if (!(await this.#piece(at, length))) continue;
      this.#at = at + length;
      this.#patience.renew();
      watch.progress(this.#at);
    }
  }

  /** Whether a piece has arrived; false: it is to be sent again. */
  async #piece(at: number, length: number): Promise<boolean> {
    const { loader } = this.#parts;
    const octets = await this.#reader.octets(at, length);
    for (const request of writeRequests(this.#place.image, at, octets)) {
      const answer = await this.#ask(() => loader.write(request));
      switch (answer.kind) {
        case 'done':
          continue;
        case 'refused':
          return this.#refused(answer.words, `octets ${at} to ${at + length - 1}`);
        case 'busy':
        case 'gone':
          await this.#again(answer.words);
          return false;
        case 'lost':
          if (!(await this.#patience.again())) this.#giveUp(answer.words);
          return this.#arrived(at, length, answer.words);
      }
    }
    return true;
  }

  /** After a lost answer: what the device says it holds. Without its word the piece has a place or number, and is sent again. */
  async #arrived(at: number, length: number, words: string): Promise<boolean> {
    const { received } = this.#place;
    const { size } = this.#parts.image;
    if (this.#place.status !== undefined) {
      const state = await this.#settled();
      // It holds a whole image, so the last piece arrived.
      if (state === 'verified' && at + length === size) return true;
      if (!taking.includes(state)) this.#broken(state);
    }
    if (received === undefined) return false;
    const holds = await this.#number(received);
    const { image } = this.#place;
    const isBound = image.kind === 'file-record' || image.number !== undefined;
    // What it refuses to tell it cannot be asked for.
    if (holds === undefined) return isBound ? false : this.#giveUp(words);
    if (holds < at) return this.#lost(holds);
    // Of a file it may hold more of an image that was there before.
    if (image.kind === 'file-record' || holds === at) return false;
    if (holds === at + length || (holds > size && at + length === size)) return true;
    return isBound ? false : this.#lost(holds);
  }

  /** The octets at its beginning that the device verifiably holds of this image; 0: it is to begin anew. */
  async #held(): Promise<number> {
    const { image } = this.#parts;
    const { status, received, size, checksum } = this.#place;
    if (status === undefined && this.#place.command?.start !== undefined) return 0;
    if (status !== undefined && !taking.includes(await this.#settled())) return 0;
    const holds = received === undefined ? image.size : Math.min((await this.#number(received)) ?? 0, image.size);
    // It was told of another image.
    if (size !== undefined && (await this.#number(size)) !== image.size) return 0;
    if (this.#place.image.kind === 'file-record') return this.#compared(holds);
    // The checksum over the whole proves at the end what cannot be read back now.
    if (received === undefined || checksum === undefined || holds % 2 !== 0) return 0;
    const block = 2 * this.#place.image.words;
    return this.#place.image.number === undefined ? holds : holds - (holds % block);
  }

  /** How many of its first octets are those of the image, in whole registers. */
  async #compared(holds: number): Promise<number> {
    const { loader, image } = this.#parts;
    let at = 0;
    while (at < holds) {
      const from = at;
      const back = await this.#until(async () => (await loader.readBack(from, image.size - from)) ?? unread);
      if (back.kind !== 'done' || back.value.length === 0) break;
      const same = sameOctets(back.value, await this.#reader.octets(at, back.value.length));
      at += same;
      this.#patience.renew();
      if (same < back.value.length) break;
    }
    const whole = Math.min(at, holds);
    return whole === image.size ? whole : whole - (whole % 2);
  }

  /** Everything was acknowledged: its checksum, and whether the device says so too. */
  async #finish(): Promise<void> {
    const { image } = this.#parts;
    const { checksum, received } = this.#place;
    if (checksum !== undefined) {
      const sum = await checksumOf(checksum.kind, image);
      const request = writeNumber(checksum.at, sum);
      const answer = await this.#until(() => this.#parts.loader.write(request));
      // One that was lost and carried out is refused the second time.
      const isTaken = answer.kind === 'done' || (this.#knows('verified') && (await this.#settled()) === 'verified');
      if (!isTaken) await this.#refused(answer.words, 'the checksum');
    }
    if (this.#knows('verified')) await this.#state(['verified'], 'it did not verify the image');
    else if (this.#place.status !== undefined && isError(await this.#said())) this.#broken('error');
    if (received === undefined) return;
    const holds = await this.#number(received);
    if (holds !== undefined && holds < image.size) this.#lost(holds);
  }

  /** Sends what may be sent twice until it is acknowledged. */
  async #deliver(what: string, request: Request): Promise<void> {
    const { loader } = this.#parts;
    const answer = await this.#until(() => loader.write(request));
    if (answer.kind === 'refused') await this.#refused(answer.words, what);
  }

  /** Waits until the device is in one of these states. */
  async #state(wanted: readonly LoaderState[], otherwise: string): Promise<void> {
    for (;;) {
      const state = await this.#settled();
      if (wanted.includes(state)) return;
      // Before a block, or after the last one, nothing else can become what is wanted.
      if (this.#at > 0 && !taking.includes(state)) this.#broken(state);
      await this.#again(`${otherwise}, it says \`${state}\``);
    }
  }

  async #settled(): Promise<LoaderState> {
    const state = await this.#said();
    return state.kind === 'done' ? state.value : this.#end('unknown', `${this.#soFar}: ${state.words}`);
  }

  /** What it says once it is not busy. */
  async #said(): Promise<LoaderAnswer<LoaderState>> {
    const { loader } = this.#parts;
    const { status } = this.#place;
    if (status === undefined) throw new RangeError('got a loader without a status, expected one that has it');
    for (;;) {
      const state = await this.#until(() => loader.status(status.at, status.states));
      if (state.kind !== 'done' || state.value !== 'busy') return state;
      await this.#again('it says `busy`');
    }
  }

  /** `undefined` where the device refuses to tell. */
  async #number(at: NonNullable<FirmwarePlace['received']>): Promise<number | undefined> {
    const { loader } = this.#parts;
    const answer = await this.#until(() => loader.number(at));
    return answer.kind === 'done' ? answer.value : undefined;
  }

  /** Asks again while nothing is answered, or that the device is busy. `refused` is an answer. */
  async #until<T>(ask: () => Promise<LoaderAnswer<T>>): Promise<LoaderAnswer<T>> {
    for (;;) {
      const answer = await this.#ask(ask);
      if (answer.kind === 'done' || answer.kind === 'refused') return answer;
      await this.#again(answer.words);
    }
  }

  async #ask<T>(ask: () => Promise<LoaderAnswer<T>>): Promise<LoaderAnswer<T>> {
    if (this.#patience.isAborted) this.#stopped();
    if (!this.#parts.isStill()) this.#end('unknown', `${this.#soFar}: the policy has the device elsewhere now`);
    const answer = await this.#patience.answer(ask());
    return answer ?? this.#stopped();
  }

  #knows(state: LoaderState): boolean {
    return [...(this.#place.status?.states.values() ?? [])].includes(state);
  }

  async #again(words: string): Promise<void> {
    if (!(await this.#patience.again())) this.#giveUp(words);
  }

  /** It no longer takes what is sent. */
  #broken(state: LoaderState): never {
    if (state === 'error') this.#end('refused-by-device', `it found an error in the image, ${this.#soFar}`);
    return this.#end(
      'unknown',
      `the device restarted, or ended the transfer: ${this.#soFar}, and it says \`${state}\``,
    );
  }

  #lost(holds: number): never {
    return this.#end('unknown', `the device restarted, or lost what it had: ${this.#soFar}, and it holds ${holds}`);
  }

  /** A device that restarted refuses blocks, too: then its status tells. */
  async #refused(words: string, what: string): Promise<never> {
    if (this.#place.status !== undefined && this.#at > 0) {
      const state = await this.#settled();
      if (!taking.includes(state) && state !== 'error') this.#broken(state);
    }
    return this.#end('refused-by-device', `${words} to ${what}`);
  }

  #giveUp(words: string): never {
    if (this.#patience.isAborted) this.#stopped();
    return this.#end('unknown', `${this.#soFar}, then nothing more for ${this.#place.stallMs / 1000} s: ${words}`);
  }

  #stopped(): never {
    throw new Ended({ kind: 'stopped', why: this.#soFar });
  }

  #end(kind: 'unknown' | 'refused-by-device', text: string): never {
    throw new Ended(kind === 'unknown' ? { kind, why: text } : { kind, answer: text });
  }
}

const isError = (state: LoaderAnswer<LoaderState>): boolean => state.kind === 'done' && state.value === 'error';

const unread = { kind: 'refused', words: 'its blocks cannot be read back' } as const;

/** As the device's address has it. */
export function patienceWith(
  parts: Pick<TransferParts, 'clock' | 'timers'>,
  { stallMs, pollMs }: FirmwarePlace,
  signal: AbortSignal,
): Patience {
  return new Patience(parts, signal, stallMs, { firstMs: pollMs, longestMs: MOST_POLLS * pollMs });
}
