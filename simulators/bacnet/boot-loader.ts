// The boot loader of a simulated device: what becomes of the octets in its firmware file, and what runs in the end.
// 1. It runs only what it found whole and made for it, unless it was built to check nothing: then a torn image bricks the device.
// 2. With one bank the transfer overwrites what runs, and nothing but a whole new image brings the device back.
// 3. Tests can always ask what would run: the old image, the new one, or something torn.

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
import type { DeviceState, FileGuard, SimulatedFile } from './device-state.ts';
import { RejectFault, ServiceFault, SilenceFault } from './faults.ts';
import { describeFile } from './file-services.ts';
import { CONFIRMED } from './names.ts';
import type { SimulatedObject } from './object.ts';
import { app, textOf } from './values.ts';

export interface BootLoaderOptions {
  /** Instance of the file object that takes images. */
  readonly file: number;
  /**
   * `dual`: the file is a staging area beside what runs; it shows what was staged last.
   * `single`: the file is what runs.
   */
  readonly banks: 'dual' | 'single';
  /** What runs at first. Default: an image of 4096 octets with the device's vendor, model and firmware revision. */
  readonly image?: Buffer;
  /** `arrival`: the header as soon as it is there, and everything before it runs; `activation` (default): only that; or nothing. */
  readonly checks?: 'arrival' | 'activation' | 'nothing';
  /** A device without anything to run: its boot loader answers for the file and its Device object (default), or nothing does. */
  readonly bricked?: 'boot-loader' | 'dead';
  /** Where an image waits for its activation, dual banks only. RAM (default `flash`) forgets it at every restart. */
  readonly staging?: 'flash' | 'ram';
  /** Whether the file can be read back. Default true. */
  readonly readable?: boolean;
  /** How much of the real time erasing (0.8 s), a chunk (3 ms), activating (2 s) and restarting (4 s) take. Default 0: none. */
  readonly timeScale?: number;
}

/** Chunks are counted from 0 in each transfer; one that is sent again counts again. */
export type LoaderFault =
  /** `error`: class and code, default services/file-access-denied. `times`: default for ever. */
  | {
      readonly kind: 'refuse';
      readonly at: number;
      readonly error?: readonly [number, number];
      readonly times?: number;
    }
  /** From this chunk on the device hangs. */
  | { readonly kind: 'stall'; readonly at: number }
  /** It restarts of itself instead of taking this chunk. */
  | { readonly kind: 'reboot'; readonly at: number }
  /** A bit of this chunk is stored wrong. */
  | { readonly kind: 'damage'; readonly at: number }
  /** Every n-th chunk is taken and not answered. */
  | { readonly kind: 'lose-answers'; readonly every: number }
  /** It says so of itself after the next activation, whatever runs. */
  | { readonly kind: 'lie'; readonly version: string }
  /** It does not come up again after the next restart. */
  | { readonly kind: 'never-back' };

interface TransferRecord {
  chunks: number;
  /** Octets taken, those that came again included. */
  octets: number;
  /** Chunks that stood within what was there already. */
  again: number;
  /** Chunks that left a hole before them. */
  gaps: number;
}

/** What the boot loader needs of the device around it. */
interface LoaderHost {
  readonly state: DeviceState;
  later(ms: number, then: () => void): void;
  /** The device is up again and says so. */
  restarted(): void;
  now(): number;
}

const ERASE_MS = 800;
const CHUNK_MS = 3;
const ACTIVATE_MS = 2000;
const RESTART_MS = 4000;

const OPERATIONAL = 0;
const DOWNLOAD_REQUIRED = 2;
const DOWNLOAD_IN_PROGRESS = 3;
const NON_OPERATIONAL = 4;

const DEVICE_BUSY = [0, 3] as const;
const INCONSISTENT_CONFIGURATION = [0, 129] as const;

/** What a boot loader that runs alone carries out. */
const OWN_SERVICES: readonly number[] = [
  CONFIRMED['read-property'],
  CONFIRMED['read-property-multiple'],
  CONFIRMED['write-property'],
  CONFIRMED['atomic-read-file'],
  CONFIRMED['atomic-write-file'],
  CONFIRMED['reinitialize-device'],
];

export class BootLoader implements FileGuard {
  /** What has run, oldest first. */
  readonly history: { readonly version: string; readonly digest: string; readonly at: number }[] = [];
  readonly transfers: TransferRecord[] = [];
  readonly #options: BootLoaderOptions;
  readonly #host: LoaderHost;
  readonly #file: SimulatedFile;
  readonly #object: SimulatedObject;
  readonly #fits: Pick<ImageHeader, 'vendor' | 'model'>;
  #active: Buffer;
  #mode: 'running' | 'restarting' | 'boot-loader' | 'dead' = 'running';
  #hangs = false;
  #fault: LoaderFault | undefined;
  #refusals = 0;
  #busyUntil = 0;
  #takesMs = 0;
  /** Of the image that comes in, once its header is there. */
  #expected: number | undefined;
  #hidden: SimulatedObject[] = [];

  /** Throws where the device has no such file. */
  constructor(options: BootLoaderOptions, host: LoaderHost) {
    this.#options = options;
    this.#host = host;
    const { state } = host;
    const file = state.files.get(options.file);
    const object = state.objects.get(`file,${options.file}`);
    if (file === undefined || object === undefined) throw new Error(`the device has no file \`${options.file}\``);
    this.#file = file;
    this.#object = object;
    const said = (property: 'vendor-name' | 'model-name' | 'firmware-revision'): string =>
      textOf(state.device.value(property)[0]) ?? '';
    this.#fits = { vendor: said('vendor-name'), model: said('model-name') };
    this.#active = options.image ?? buildImage({ ...this.#fits, version: said('firmware-revision'), size: 4096 });
    file.guard = this;
    this.#store(options.staging === 'ram' ? Buffer.alloc(0) : Buffer.from(this.#active));
    this.#runs(this.#active);
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

  /** What would run after the power came back. */
  get wouldRun(): Runnable {
    return runnableIn(this.#options.banks === 'single' ? this.#file.content : this.#active);
  }

  /** Which of two images would run; `torn`: neither of them. */
  bank(old: Buffer, fresh: Buffer): 'old' | 'new' | 'torn' {
    return whichOf(this.wouldRun, old, fresh);
  }

  /** Throws where a boot loader alone does not carry a service out. */
  checkService(service: number): void {
    if (this.#mode === 'boot-loader' && !OWN_SERVICES.includes(service)) throw new RejectFault('unrecognized-service');
  }

  writing(start: number, data: Buffer): Buffer {
    if (this.#host.now() < this.#busyUntil) throw new ServiceFault(DEVICE_BUSY);
    const transfer = this.#transfer(start);
    const chunk = transfer.chunks;
    const fault = this.#fault;
    const isDue = fault !== undefined && 'at' in fault && chunk >= fault.at;
    if (isDue && fault.kind === 'stall') {
      this.#hangs = true;
      throw new SilenceFault();
    }
    if (isDue && fault.kind === 'reboot') {
      this.#fault = undefined;
      this.#restart(false);
      throw new SilenceFault();
    }
    if (isDue && fault.kind === 'refuse' && this.#refusals < (fault.times ?? Number.POSITIVE_INFINITY)) {
      this.#refusals += 1;
      throw new ServiceFault(fault.error ?? 'file-access-denied');
    }
    if (this.#options.checks === 'arrival' && start === 0 && !this.#isFor(headerOf(data)))
      throw new ServiceFault(INCONSISTENT_CONFIGURATION);
    const { length } = this.#file.content;
    transfer.chunks += 1;
    transfer.octets += data.length;
    if (start + data.length <= length) transfer.again += 1;
    if (start > length) transfer.gaps += 1;
    if (!(isDue && fault.kind === 'damage')) return data;
    this.#fault = undefined;
    const damaged = Buffer.from(data);
    damaged[data.length >> 1] = (damaged[data.length >> 1] ?? 0) ^ 1;
    return damaged;
  }

  /** How long the device is at the request it has just carried out. Asked once for each. */
  takeMs(): number {
    const ms = this.#takesMs;
    this.#takesMs = 0;
    return ms;
  }

  written(): void {
    const { content } = this.#file;
    this.#takesMs = Math.floor(CHUNK_MS * (this.#options.timeScale ?? 0));
    if (this.#expected === undefined && content.length >= IMAGE_HEADER_OCTETS)
      this.#expected = headerOf(content)?.size ?? Number.POSITIVE_INFINITY;
    // A checksum over everything is taken once, when everything should be there.
    const isWhole = content.length === this.#expected && this.#fitting() !== undefined;
    this.#says(isWhole ? OPERATIONAL : DOWNLOAD_IN_PROGRESS);
    const { chunks = 0 } = this.transfers.at(-1) ?? {};
    if (this.#fault?.kind === 'lose-answers' && chunks % this.#fault.every === 0) throw new SilenceFault();
  }

  reading(): void {
    if (this.#options.readable === false) throw new ServiceFault('file-access-denied');
  }

  resized(size: number): void {
    this.#expected = undefined;
    if (size > 0) return;
    this.#begin();
    this.#busyUntil = this.#host.now() + ERASE_MS * (this.#options.timeScale ?? 0);
    this.#says(this.#options.banks === 'single' ? DOWNLOAD_IN_PROGRESS : OPERATIONAL);
  }

  /** ReinitializeDevice `activate changes`. Throws what it refuses; where nothing new is staged nothing happens. */
  activate(): void {
    const { content } = this.#file;
    if (this.#options.banks === 'dual' && (content.length === 0 || content.equals(this.#active))) return;
    if (this.#options.checks !== 'nothing' && this.#fitting() === undefined)
      throw new ServiceFault(INCONSISTENT_CONFIGURATION);
    this.#host.state.afterAnswer(() => this.#restart(true));
  }

  /** A restart that was asked for: what is staged and whole runs from then on. */
  restart(): void {
    this.#restart(true);
  }

  /** The power came back. */
  powered(): void {
    this.#boot(false);
  }

  #restart(activates: boolean): void {
    this.#mode = 'restarting';
    this.#says(NON_OPERATIONAL);
    const ms = RESTART_MS + (activates ? ACTIVATE_MS : 0);
    if (this.#fault?.kind === 'never-back') return;
    this.#host.later(ms * (this.#options.timeScale ?? 0), () => {
      if (this.#mode === 'restarting') this.#boot(activates);
    });
  }

  #boot(activates: boolean): void {
    const { banks, checks, staging } = this.#options;
    if (banks === 'single') this.#active = this.#fitting() ?? Buffer.from(this.#file.content);
    else if (activates && this.#file.content.length > 0) {
      const fitting = this.#fitting();
      if (fitting !== undefined || checks === 'nothing') this.#active = Buffer.from(fitting ?? this.#file.content);
    }
    if (staging === 'ram') this.#store(Buffer.alloc(0));
    if (this.#isFor(headerOf(this.#active)) && imageIn(this.#active) !== undefined) this.#runs(this.#active);
    else this.#brick();
    if (!this.isSilent) this.#host.restarted();
  }

  #runs(image: Buffer): void {
    const { state } = this.#host;
    this.#mode = 'running';
    for (const object of this.#hidden.splice(0)) state.objects.set(object.key, object);
    const { version = '' } = headerOf(image) ?? {};
    const digest = digestOf(image);
    if (this.history.at(-1)?.digest !== digest) this.history.push({ version, digest, at: this.#host.now() });
    const said = this.#fault?.kind === 'lie' ? this.#fault.version : version;
    state.device.set('firmware-revision', [app.text(said)]);
    this.#says(OPERATIONAL);
  }

  #brick(): void {
    const { state } = this.#host;
    this.#mode = this.#options.bricked ?? 'boot-loader';
    for (const [key, object] of state.objects) {
      if (object === state.device || object === this.#object) continue;
      this.#hidden.push(object);
      state.objects.delete(key);
    }
    state.device.set('firmware-revision', [app.text('boot loader')]);
    this.#says(DOWNLOAD_REQUIRED);
  }

  #isFor(header: ImageHeader | undefined): boolean {
    return header !== undefined && header.vendor === this.#fits.vendor && header.model === this.#fits.model;
  }

  /** What is in the file, where it is whole and made for this device. */
  #fitting(): Buffer | undefined {
    const image = imageIn(this.#file.content);
    return image !== undefined && this.#isFor(headerOf(image)) ? image : undefined;
  }

  #store(content: Buffer): void {
    this.#expected = undefined;
    this.#file.content = content;
    describeFile(this.#host.state, this.#object, this.#file);
  }

  #begin(): TransferRecord {
    const record: TransferRecord = { chunks: 0, octets: 0, again: 0, gaps: 0 };
    this.transfers.push(record);
    return record;
  }

  /** The transfer a chunk belongs to: the first octets of an image after others of it begin a new one. */
  #transfer(start: number): TransferRecord {
    const current = this.transfers.at(-1);
    if (current === undefined || (start === 0 && current.chunks > 1)) return this.#begin();
    return current;
  }

  #says(status: number): void {
    const { device } = this.#host.state;
    if (device.number('system-status') !== status) device.set('system-status', [app.enumerated(status)]);
  }
}
