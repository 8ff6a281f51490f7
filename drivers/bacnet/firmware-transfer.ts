// Permit ─► device: an image goes into the device's file, piece by piece. 1. Every piece has its own place, so that one that is
// sent again neither doubles nor moves anything. 2. Nothing is sent behind a place the device no longer holds. 3. After an abort
// nothing more is sent. 4. What is told as done has been acknowledged by the device.

import type { Clock, Timers } from '../../src/contract/clock.ts';
import type { ImageSource, StepWatch } from '../../src/contract/firmware.ts';
import { ImageReader, sameOctets } from '../../src/contract/image-reader.ts';
import { Patience } from '../../src/contract/patience.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { FirmwarePlace } from './firmware-address.ts';
import { ChunkSize } from './firmware-chunk.ts';
import { type DeviceFile, doneIn, type FileAnswer, sizeIn } from './firmware-file.ts';
import type { PlantAnswer } from './seam.ts';

export interface TransferParts {
  readonly file: DeviceFile;
  readonly image: ImageSource;
  readonly place: FirmwarePlace;
  readonly watch: StepWatch;
  readonly clock: Clock;
  readonly timers: Timers;
}

type Fault = Exclude<FileAnswer<never>, { kind: 'done' }>;

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
  readonly #instance: number | undefined;
  readonly #reader: ImageReader;
  readonly #chunk: ChunkSize;
  readonly #patience: Patience;
  #at = 0;
  #wasSized = false;
  /** Something was not answered: the device may have restarted, and is asked what it holds before anything is written. */
  #inDoubt = false;

  constructor(parts: TransferParts) {
    const { file, image, place, watch } = parts;
    this.#parts = parts;
    this.#instance = file.device.instance;
    this.#reader = new ImageReader(image);
    this.#chunk = new ChunkSize(file.device, place.chunk);
    this.#patience = new Patience(parts, watch.signal, place.stallMs);
  }

  /** `first`: what the device said to the request that empties its file. */
  async begin(first: PlantAnswer): Promise<Outcome> {
    return this.#run(async () => {
      await this.#emptied(doneIn(first));
      await this.#send();
    });
  }

  /** `first`: what it said to the question for its size. Goes on behind what it holds of this very image. */
  async goOn(first: PlantAnswer): Promise<Outcome> {
    return this.#run(async () => {
      const size = await this.#until(() => this.#parts.file.size(), sizeIn(first));
      if (size.kind === 'done') this.#at = await this.#compared(Math.min(size.value, this.#parts.image.size));
      if (this.#at === 0) await this.#emptied(await this.#ask(() => this.#parts.file.resize(0)));
      await this.#send();
    });
  }

  async #run(steps: () => Promise<void>): Promise<Outcome> {
    try {
      await steps();
      return { kind: 'acknowledged' };
    } catch (fault) {
      if (fault instanceof Ended) return fault.outcome;
      return { kind: 'unknown', why: `${this.#soFar}: ${fault instanceof Error ? fault.message : String(fault)}` };
    }
  }

  get #soFar(): string {
    return `${this.#at} of ${this.#parts.image.size} octets were transferred`;
  }

  /** An empty file, where the device lets it be emptied; else the image is written over what is there. */
  async #emptied(first: FileAnswer<void>): Promise<void> {
    const { file } = this.#parts;
    for (let answer = first; answer.kind !== 'done'; ) {
      if (answer.kind === 'refused' || answer.kind === 'wants-size' || answer.kind === 'too-long') return;
      const words = answer.words;
      const size = answer.kind === 'lost' ? await this.#ask(() => file.size()) : undefined;
      // What emptied the file is not sent again: it could arrive after the first pieces.
      if (size?.kind === 'done' && size.value === 0) return;
      if (!(await this.#patience.again())) this.#giveUp(words);
      if (size === undefined || size.kind === 'done') answer = await this.#ask(() => file.resize(0));
      else if (size.kind === 'refused') return;
    }
    this.#patience.renew();
  }

  async #send(): Promise<void> {
    const { file, image, watch, clock } = this.#parts;
    watch.progress(this.#at);
    this.#patience.renew();
    while (this.#at < image.size) {
      if (this.#inDoubt) await this.#stillHolds();
      const at = this.#at;
      const length = Math.min(this.#chunk.octets, image.size - at);
      const data = await this.#reader.octets(at, length);
      let sentAt = 0;
      const answer = await this.#ask(() => {
        sentAt = clock.monotonic();
        return file.write(at, data);
      });
      if (answer.kind === 'done') {
        if (answer.value !== at) this.#end('unknown', `the device put octets for place ${at} to place ${answer.value}`);
        this.#chunk.took(length, clock.monotonic() - sentAt);
      } else if (!(await this.#taken(answer, at, data))) continue;
      this.#at += length;
      this.#patience.renew();
      watch.progress(this.#at);
    }
    await this.#checkSize();
  }

  /** After a piece that was not acknowledged: whether the device has it all the same; false: it is to be sent again. */
  async #taken(fault: Fault, at: number, data: Uint8Array): Promise<boolean> {
    const { file, image } = this.#parts;
    switch (fault.kind) {
      case 'refused':
        return this.#end('refused-by-device', `${fault.words} to octets ${at} to ${at + data.length - 1}`);
      case 'too-long':
        if (!this.#chunk.shrink()) this.#end('refused-by-device', `${fault.words} to ${data.length} octets at once`);
        return false;
      case 'wants-size':
        if (this.#wasSized) this.#end('refused-by-device', `${fault.words} to octets ${at} to ${at + data.length - 1}`);
        this.#wasSized = true;
        await this.#until(() => file.resize(image.size));
        return false;
      case 'busy':
      case 'gone':
        this.#chunk.failed();
        if (!(await this.#patience.again())) this.#giveUp(fault.words);
        return false;
      case 'lost':
        this.#chunk.failed();
        return this.#found(fault.words, at, data);
    }
  }

  /** Whether the device holds a piece whose answer was lost. */
  async #found(words: string, at: number, data: Uint8Array): Promise<boolean> {
    const size = await this.#stillHolds({ kind: 'lost', words });
    return size !== undefined && size < at + data.length ? false : this.#holds(at, data);
  }

  /** The size of the file, if it says so; ends where the device has less than it had acknowledged. */
  async #stillHolds(first?: FileAnswer<number>): Promise<number | undefined> {
    const { file } = this.#parts;
    const size = await this.#until(() => file.size(), first);
    if (size.kind === 'done' && size.value < this.#at) this.#lost(size.value);
    this.#inDoubt = false;
    return size.kind === 'done' ? size.value : undefined;
  }

  async #holds(at: number, data: Uint8Array): Promise<boolean> {
    const { file } = this.#parts;
    for (let done = 0; done < data.length; ) {
      const back = await this.#until(() => file.read(at + done, data.length - done));
      if (back.kind !== 'done' || back.value.length === 0) return false;
      const same = sameOctets(back.value, data.subarray(done));
      if (same < back.value.length) return false;
      done += same;
    }
    return true;
  }

  /** How many of its first octets are those of the image. */
  async #compared(size: number): Promise<number> {
    const { file } = this.#parts;
    let at = 0;
    while (at < size) {
      const back = await this.#until(() => file.read(at, size - at));
      if (back.kind !== 'done' || back.value.length === 0) return at;
      const own = await this.#reader.octets(at, back.value.length);
      const same = sameOctets(back.value, own);
      at += same;
      if (same < own.length) return at;
      this.#patience.renew();
    }
    return at;
  }

  /** Every octet was acknowledged: whether the device still says so, and nothing of a longer image is behind it. */
  async #checkSize(): Promise<void> {
    const { file, image } = this.#parts;
    const size = await this.#until(() => file.size());
    if (size.kind !== 'done' || size.value === image.size) return;
    if (size.value < image.size) this.#lost(size.value);
    // A file that cannot be cut has a size of its own; what is behind the image is none of it.
    await this.#until(() => file.resize(image.size));
  }

  /** Asks again while nothing is answered, or that the device is busy. `refused` and the like are answers. */
  async #until<T>(ask: () => Promise<FileAnswer<T>>, first?: FileAnswer<T>): Promise<FileAnswer<T>> {
    let answer = first ?? (await this.#ask(ask));
    while (answer.kind === 'lost' || answer.kind === 'busy' || answer.kind === 'gone') {
      if (!(await this.#patience.again())) this.#giveUp(answer.words);
      answer = await this.#ask(ask);
    }
    return answer;
  }

  async #ask<T>(ask: () => Promise<FileAnswer<T>>): Promise<FileAnswer<T>> {
    const { device } = this.#parts.file;
    if (this.#patience.isAborted) this.#stopped();
    if (device.instance !== this.#instance) this.#end('unknown', `${this.#soFar}: the station is no longer the device`);
    const answer = await this.#patience.answer(ask());
    if (answer?.kind === 'lost') this.#inDoubt = true;
    return answer ?? this.#stopped();
  }

  #lost(size: number): never {
    this.#end('unknown', `the device restarted, or lost what it had: ${this.#soFar}, and it holds ${size}`);
  }

  #giveUp(words: string): never {
    if (this.#patience.isAborted) this.#stopped();
    const { stallMs } = this.#parts.place;
    return this.#end('unknown', `${this.#soFar}, then nothing more for ${stallMs / 1000} s: ${words}`);
  }

  #stopped(): never {
    throw new Ended({ kind: 'stopped', why: this.#soFar });
  }

  #end(kind: 'unknown' | 'refused-by-device', text: string): never {
    throw new Ended(kind === 'unknown' ? { kind, why: text } : { kind, answer: text });
  }
}
