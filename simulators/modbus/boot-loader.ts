// The boot loader of a simulated device: what becomes of the octets it is given, and what runs in the end.
// 1. It runs only what it found whole and made for it, unless it was built to check nothing: then a torn image bricks the device.
// 2. With one bank the transfer overwrites what runs, and nothing but a whole new image brings the device back.
// 3. Tests can always ask what would run: the old image, the new one, or something torn.

import { crc32 } from 'node:zlib';
import {
  buildImage,
  digestOf,
  headerOf,
  IMAGE_HEADER_OCTETS,
  type ImageHeader,
  imageIn,
  type Runnable,
  runnableIn,
  whichOf,
} from '../firmware-image.ts';

export interface BootLoaderOptions {
  readonly vendor: string;
  readonly model: string;
  /** What runs at first, as an image of 4096 octets unless `image` is given. */
  readonly version: string;
  /** `dual`: images wait in a bank of their own. `single`: what comes in overwrites what runs. */
  readonly banks: 'dual' | 'single';
  readonly image?: Buffer;
  /** `arrival`: the header as soon as it is there, and all of it at the end; `end` (default): only that; or nothing. */
  readonly checks?: 'arrival' | 'end' | 'nothing';
  /** A device without anything to run: its boot loader answers (default), or nothing does. */
  readonly bricked?: 'boot-loader' | 'dead';
  /** Where an image waits, dual banks only. RAM (default `flash`) forgets it at every restart. */
  readonly staging?: 'flash' | 'ram';
  /** How much of the real time erasing (0.8 s), a block (20 ms), verifying (0.5 s), activating (2 s) and restarting (4 s) take. Default 0. */
  readonly timeScale?: number;
}

/** Blocks are counted from 0 in each transfer; one that is sent again counts again. */
export type LoaderFault =
  /** Exception `code`, default 4. `times`: default for ever. */
  | { readonly kind: 'refuse'; readonly at: number; readonly code?: number; readonly times?: number }
  /** From this block on the device hangs. */
  | { readonly kind: 'stall'; readonly at: number }
  /** It restarts of itself instead of taking this block. */
  | { readonly kind: 'reboot'; readonly at: number }
  /** A bit of this block is stored wrong. */
  | { readonly kind: 'damage'; readonly at: number }
  /** Every n-th block is taken and not answered. */
  | { readonly kind: 'lose-answers'; readonly every: number }
  /** It says so of itself after the next restart, whatever runs. */
  | { readonly kind: 'lie'; readonly version: string }
  /** It does not come up again after the next restart. */
  | { readonly kind: 'never-back' };

interface TransferRecord {
  blocks: number;
  /** Octets taken, those that came again included. */
  octets: number;
  /** Blocks that stood within what was there already. */
  again: number;
  /** Blocks that left a hole before them. */
  gaps: number;
}

/** What the boot loader needs of the device around it. */
interface LoaderHost {
  later(ms: number, then: () => void): void;
  now(): number;
}

/** What its status register holds. */
export const STATUS = { idle: 0, receiving: 1, ready: 2, verified: 3, busy: 4, error: 5, 'boot-loader': 9 } as const;

/** Taken, refused with an exception, or taken or not without an answer. */
export type Taken = 'taken' | 'silent' | number;

const ERASE_MS = 800;
const BLOCK_MS = 20;
const VERIFY_MS = 500;
const ACTIVATE_MS = 2000;
const RESTART_MS = 4000;
const ILLEGAL_VALUE = 3;
const FAILURE = 4;
const BUSY = 6;
export const CAPACITY = 4 * 1024 * 1024;

export class BootLoader {
  /** What has run, oldest first. */
  readonly history: { readonly version: string; readonly digest: string; readonly at: number }[] = [];
  readonly transfers: TransferRecord[] = [];
  readonly options: BootLoaderOptions;
  readonly #host: LoaderHost;
  #active: Buffer;
  #former: Buffer | undefined;
  #staged: Buffer = Buffer.alloc(0);
  /** One bank: what came in stands where it ran from. */
  #isOverwritten = false;
  #mode: 'running' | 'restarting' | 'boot-loader' | 'dead' = 'running';
  #phase: 'idle' | 'receiving' | 'verified' | 'error' = 'idle';
  #received = 0;
  #size = 0;
  #version = '';
  #hangs = false;
  #fault: LoaderFault | undefined;
  #refusals = 0;
  #busyUntil = 0;

  constructor(options: BootLoaderOptions, host: LoaderHost) {
    this.options = options;
    this.#host = host;
    this.#active = options.image ?? buildImage({ ...options, size: 4096 });
    this.#run();
  }

  /** Fails in this way from now on, until `recover`. */
  fail(fault: LoaderFault): void {
    this.#fault = fault;
    this.#refusals = 0;
  }

  /** No more failures; a device that hangs goes on, one that did not come up does. */
  recover(): void {
    this.#fault = undefined;
    this.#hangs = false;
    if (this.#mode === 'restarting') this.#boot(false);
  }

  /** Hears and says nothing: it restarts, hangs, or has nothing left to run. */
  get isSilent(): boolean {
    return this.#hangs || this.#mode === 'restarting' || this.#mode === 'dead';
  }

  /** Nothing but the boot loader runs, or not even that. */
  get isBricked(): boolean {
    return this.#mode === 'boot-loader' || this.#mode === 'dead';
  }

  get isBusy(): boolean {
    return this.#host.now() < this.#busyUntil;
  }

  /** What it says of itself; empty where only the boot loader runs. */
  get version(): string {
    return this.isBricked ? '' : this.#version;
  }

  get received(): number {
    return this.#received;
  }

  get size(): number {
    return this.#size;
  }

  /** What came in, as far as it did. */
  get staged(): Buffer {
    return this.#staged.subarray(0, this.#received);
  }

  /** `awaits`: that it is ready for the next block is a state of its own. */
  status(awaits: boolean): number {
    if (this.isBusy) return STATUS.busy;
    if (this.#phase === 'receiving') return awaits ? STATUS.ready : STATUS.receiving;
    return this.#mode === 'boot-loader' && this.#phase === 'idle' ? STATUS['boot-loader'] : STATUS[this.#phase];
  }

  /** What would run after the power came back. */
  get wouldRun(): Runnable {
    return runnableIn(this.#isOverwritten ? this.staged : this.#active);
  }

  /** Which of two images would run; `torn`: neither of them. */
  bank(old: Buffer, fresh: Buffer): 'old' | 'new' | 'torn' {
    return whichOf(this.wouldRun, old, fresh);
  }

  /** Erases what came in before; with one bank that is what runs. */
  start(): Taken {
    if (this.isBusy) return BUSY;
    this.#drop();
    this.#phase = 'receiving';
    if (this.options.banks === 'single') this.#isOverwritten = true;
    this.transfers.push({ blocks: 0, octets: 0, again: 0, gaps: 0 });
    this.#works(ERASE_MS);
    return 'taken';
  }

  tellSize(size: number): Taken {
    if (this.isBusy) return BUSY;
    if (this.#phase !== 'receiving' || size > CAPACITY) return ILLEGAL_VALUE;
    this.#size = size;
    return 'taken';
  }

  /** A block at its place. `holes`: what stands before it may come later. */
  take(at: number, data: Buffer, holes: boolean): Taken {
    if (this.isBusy) return BUSY;
    const transfer = this.transfers.at(-1);
    if (this.#phase !== 'receiving' || transfer === undefined) return FAILURE;
    const fault = this.#fault;
    const isDue = fault !== undefined && 'at' in fault && transfer.blocks >= fault.at;
    if (isDue && fault.kind === 'stall') {
      this.#hangs = true;
      return 'silent';
    }
    if (isDue && fault.kind === 'reboot') {
      this.#fault = undefined;
      this.#restart(false);
      return 'silent';
    }
    if (isDue && fault.kind === 'refuse' && this.#refusals < (fault.times ?? Number.POSITIVE_INFINITY)) {
      this.#refusals += 1;
      return fault.code ?? FAILURE;
    }
    if (at > this.#received) {
      transfer.gaps += 1;
      if (!holes) return ILLEGAL_VALUE;
    }
    const end = at + data.length;
    if (end > CAPACITY) return ILLEGAL_VALUE;
    transfer.blocks += 1;
    transfer.octets += data.length;
    if (end <= this.#received) transfer.again += 1;
    this.#put(at, data, isDue && fault.kind === 'damage');
    if (
      this.options.checks === 'arrival' &&
      this.#received >= IMAGE_HEADER_OCTETS &&
      !this.#isFor(headerOf(this.staged))
    ) {
      this.#phase = 'error';
      return FAILURE;
    }
    this.#works(BLOCK_MS);
    return fault?.kind === 'lose-answers' && transfer.blocks % fault.every === 0 ? 'silent' : 'taken';
  }

  /** The checksum of the whole, or `undefined` where the header's own is all there is: then it is the loader that begins. */
  verify(checksum: number | undefined): Taken {
    if (this.isBusy && checksum !== undefined) return BUSY;
    if (this.#phase !== 'receiving') return FAILURE;
    const isSame = checksum === undefined || checksum === crc32(this.staged);
    const isSound = this.options.checks === 'nothing' || this.#fitting() !== undefined;
    this.#phase = isSame && isSound ? 'verified' : 'error';
    this.#works(VERIFY_MS);
    return 'taken';
  }

  commit(): Taken {
    if (this.isBusy) return BUSY;
    if (this.#phase === 'idle' || (this.#phase !== 'verified' && this.options.checks !== 'nothing')) return FAILURE;
    this.#restart(true);
    return 'taken';
  }

  /** Drops what came in. */
  abort(): Taken {
    if (this.isBusy) return BUSY;
    this.#drop();
    return 'taken';
  }

  /** The image that ran before runs again. */
  revert(): Taken {
    if (this.isBusy) return BUSY;
    if (this.#former === undefined) return FAILURE;
    this.#staged = this.#former;
    this.#received = this.#former.length;
    this.#phase = 'verified';
    this.#restart(true);
    return 'taken';
  }

  /** A restart that was asked for: what is there and whole runs from then on. */
  restart(): Taken {
    this.#restart(true);
    return 'taken';
  }

  /** The power went and came back. */
  powerCycle(): void {
    this.#boot(false);
  }

  #put(at: number, data: Buffer, damages: boolean): void {
    const end = at + data.length;
    if (this.#staged.length < end) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.#staged.length));
      this.#staged.copy(grown);
      this.#staged = grown;
    }
    data.copy(this.#staged, at);
    if (damages) {
      this.#fault = undefined;
      const place = at + (data.length >> 1);
      this.#staged[place] = (this.#staged[place] ?? 0) ^ 1;
    }
    if (at <= this.#received) this.#received = Math.max(this.#received, end);
    if (this.#size > 0) this.#received = Math.min(this.#received, this.#size);
  }

  #drop(): void {
    this.#staged = Buffer.alloc(0);
    this.#received = 0;
    this.#size = 0;
    this.#phase = 'idle';
  }

  #works(ms: number): void {
    this.#busyUntil = this.#host.now() + ms * (this.options.timeScale ?? 0);
  }

  #restart(activates: boolean): void {
    this.#mode = 'restarting';
    if (this.#fault?.kind === 'never-back') return;
    const ms = RESTART_MS + (activates ? ACTIVATE_MS : 0);
    this.#host.later(ms * (this.options.timeScale ?? 0), () => {
      if (this.#mode === 'restarting') this.#boot(activates);
    });
  }

  #boot(activates: boolean): void {
    const { banks, checks, staging } = this.options;
    this.#busyUntil = 0;
    const fitting = this.#fitting();
    const runsIt = this.#isOverwritten || (activates && this.#received > 0 && checks === 'nothing');
    if (runsIt || (activates && fitting !== undefined)) {
      if (banks === 'dual') this.#former = this.#active;
      this.#active = Buffer.from(fitting ?? this.staged);
      this.#isOverwritten = banks === 'single' && fitting === undefined;
      if (!this.#isOverwritten) this.#drop();
    } else if (staging === 'ram') this.#drop();
    if (this.#isFor(headerOf(this.#active)) && imageIn(this.#active) !== undefined) this.#run();
    else this.#mode = this.options.bricked ?? 'boot-loader';
  }

  #run(): void {
    this.#mode = 'running';
    const { version = '' } = headerOf(this.#active) ?? {};
    const digest = digestOf(this.#active);
    if (this.history.at(-1)?.digest !== digest) this.history.push({ version, digest, at: this.#host.now() });
    this.#version = this.#fault?.kind === 'lie' ? this.#fault.version : version;
  }

  #isFor(header: ImageHeader | undefined): boolean {
    return header !== undefined && header.vendor === this.options.vendor && header.model === this.options.model;
  }

  /** What came in, where it is whole and made for this device. */
  #fitting(): Buffer | undefined {
    const image = imageIn(this.staged);
    return image !== undefined && this.#isFor(headerOf(image)) ? image : undefined;
  }
}
