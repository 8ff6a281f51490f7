// How a boot loader is spoken to over Modbus: its registers and its files, and what its address in an inventory says of them.
// 1. What is none of its own is left to the device around it; where nothing but the loader runs, it is refused.

import { type BootLoader, type BootLoaderOptions, CAPACITY, STATUS, type Taken } from './boot-loader.ts';

export interface LoaderFrontOptions {
  /**
   * `registers`: blocks through registers. `files`: FC 21, with the same registers for commands.
   * `plain-files`: FC 21 and nothing else; a restart by FC 8/1 puts the image into use.
   */
  readonly method: 'registers' | 'files' | 'plain-files';
  /** Default true; without numbers every block follows the one before. */
  readonly numbered?: boolean;
  /** That it is ready for the next block is a state of its own. Default true for `registers`. */
  readonly awaits?: boolean;
  /** Registers of one block, default 64. */
  readonly words?: number;
  /** Whether files can be read back. Default true. */
  readonly readable?: boolean;
}

/** First register of the loader. */
export const LOADER_BASE = 500;
export const FIRST_FILE = 10;
const COMMAND = { start: 1, commit: 2, abort: 3, revert: 4 } as const;
const AT = {
  command: 0,
  status: 1,
  size: 2,
  received: 4,
  checksum: 6,
  version: 8,
  vendor: 16,
  model: 28,
  number: 40,
  data: 41,
};
const RECORDS = 10_000;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;
const FAILURE = 4;

type Answer = Buffer | number | 'no-answer';

const WORDS = 64;

/** How such a loader stands in its device's address. */
export function loaderAddress({
  method,
  banks,
  numbered = true,
  words = WORDS,
  awaits = awaitsBy(method),
}: LoaderFrontOptions & Pick<BootLoaderOptions, 'banks'>): { readonly [key: string]: unknown } {
  const at = (offset: number): number => LOADER_BASE + offset;
  const texts = {
    version: { register: at(AT.version), length: 8 },
    vendor: { register: at(AT.vendor), length: 12 },
    model: { register: at(AT.model), length: 12 },
  };
  if (method === 'plain-files') return { method: 'file-record', firstFile: FIRST_FILE, activate: 'restart', ...texts };
  const { receiving, ready, ...others } = STATUS;
  const registers = {
    command: { register: at(AT.command), ...COMMAND },
    status: { register: at(AT.status), values: { ...others, ...(awaits ? { ready } : { receiving }) } },
    size: { register: at(AT.size) },
    received: { register: at(AT.received) },
    banks,
    ...texts,
  };
  if (method === 'files') return { method: 'file-record', firstFile: FIRST_FILE, ...registers };
  return {
    method: 'registers',
    ...registers,
    checksum: { kind: 'crc32', register: at(AT.checksum) },
    block: { data: at(AT.data), words, ...(numbered && { number: at(AT.number) }) },
  };
}

function awaitsBy(method: LoaderFrontOptions['method']): boolean {
  return method === 'registers';
}

export class LoaderFront {
  readonly loader: BootLoader;
  readonly #options: LoaderFrontOptions;
  #number = 0;

  constructor(loader: BootLoader, options: LoaderFrontOptions) {
    this.loader = loader;
    this.#options = options;
  }

  get #words(): number {
    return this.#options.words ?? WORDS;
  }

  get #awaits(): boolean {
    return this.#options.awaits ?? awaitsBy(this.#options.method);
  }

  /** `firmware` in the device's address; `more` overrides. */
  address(more: { readonly [key: string]: unknown } = {}): { readonly [key: string]: unknown } {
    return { ...loaderAddress({ ...this.#options, banks: this.loader.options.banks }), ...more };
  }

  /** Whether a request carries a piece of an image. */
  isPiece(pdu: Buffer): boolean {
    const [code = 0] = pdu;
    if (code === 21) return this.#options.method !== 'registers';
    const register = code === 16 && pdu.length > 2 ? pdu.readUInt16BE(1) : -1;
    return this.#options.method === 'registers' && register >= LOADER_BASE + AT.number;
  }

  /** `undefined`: none of the loader's business. */
  execute(pdu: Buffer): Answer | undefined {
    return this.#own(pdu) ?? (this.loader.isBricked ? FAILURE : undefined);
  }

  #own(pdu: Buffer): Answer | undefined {
    const code = pdu[0];
    const field = (at: number): number => (pdu.length >= at + 2 ? pdu.readUInt16BE(at) : 0);
    switch (code) {
      case 3:
        return pdu.length === 5 ? this.#read(field(1), field(3)) : undefined;
      case 6:
        return pdu.length === 5 ? this.#answer(this.#write(field(1), pdu.subarray(3)), pdu) : undefined;
      case 8:
        if (this.#options.method !== 'plain-files' || field(1) !== 1) return undefined;
        return this.#answer(this.loader.restart(), pdu);
      case 16:
        if (pdu.length < 8 || pdu.length !== 6 + 2 * field(3)) return undefined;
        return this.#answer(this.#write(field(1), pdu.subarray(6)), pdu.subarray(0, 5));
      case 20:
        return this.#readFile(pdu);
      case 21:
        return this.#writeFile(pdu);
      default:
        return undefined;
    }
  }

  #answer(taken: Taken | undefined, pdu: Buffer): Answer | undefined {
    if (taken === 'taken') return pdu;
    return taken === 'silent' ? 'no-answer' : taken;
  }

  #read(register: number, count: number): Answer | undefined {
    const memory = this.#memory();
    const from = 2 * (register - LOADER_BASE);
    if (from < 0 || from + 2 * count > memory.length) return undefined;
    const values = memory.subarray(from, from + 2 * count);
    return Buffer.concat([Buffer.from([3, values.length]), values]);
  }

  /** What its registers hold now. */
  #memory(): Buffer {
    const { loader } = this;
    const memory = Buffer.alloc(2 * (AT.data + this.#words));
    memory.writeUInt16BE(loader.status(this.#awaits), 2 * AT.status);
    memory.writeUInt32BE(loader.size, 2 * AT.size);
    memory.writeUInt32BE(loader.received, 2 * AT.received);
    memory.write(loader.version.slice(0, 16), 2 * AT.version, 'latin1');
    memory.write(loader.options.vendor.slice(0, 24), 2 * AT.vendor, 'latin1');
    memory.write(loader.options.model.slice(0, 24), 2 * AT.model, 'latin1');
    memory.writeUInt16BE(this.#number, 2 * AT.number);
    return memory;
  }

  /** A span must be one of its own registers whole; a block's number may stand before its data. */
  #write(register: number, values: Buffer): Taken | undefined {
    const { method, numbered = true } = this.#options;
    const at = register - LOADER_BASE;
    if (method === 'plain-files' || at < 0 || at >= AT.data + this.#words) return undefined;
    const { loader } = this;
    if (at === AT.command && values.length === 2) return this.#command(values.readUInt16BE(0));
    if (at === AT.size && values.length === 4) return loader.tellSize(values.readUInt32BE(0));
    if (method === 'files') return ILLEGAL_ADDRESS;
    if (at === AT.checksum && values.length === 4) return loader.verify(values.readUInt32BE(0));
    if (at === AT.number && numbered && values.length >= 2) {
      const number = values.readUInt16BE(0);
      if (values.length > 2) return this.#block(number, values.subarray(2));
      this.#number = number;
      return 'taken';
    }
    return at === AT.data ? this.#block(numbered ? this.#number : undefined, values) : ILLEGAL_ADDRESS;
  }

  #command(code: number): Taken {
    const { loader } = this;
    switch (code) {
      case COMMAND.start:
        return loader.start();
      case COMMAND.commit:
        return loader.commit();
      case COMMAND.abort:
        return loader.abort();
      case COMMAND.revert:
        return loader.revert();
      default:
        return ILLEGAL_VALUE;
    }
  }

  #block(number: number | undefined, data: Buffer): Taken {
    if (data.length > 2 * this.#words) return ILLEGAL_VALUE;
    if (number !== undefined) this.#number = number;
    const { loader } = this;
    return loader.take(number === undefined ? loader.received : number * 2 * this.#words, data, false);
  }

  #readFile(pdu: Buffer): Answer | undefined {
    if (this.#options.method === 'registers' || pdu.length !== 9) return undefined;
    const at = placeOf(pdu.readUInt16BE(3), pdu.readUInt16BE(5));
    if (at === undefined) return undefined;
    if (this.#options.readable === false) return 1;
    const count = 2 * pdu.readUInt16BE(7);
    const data = Buffer.alloc(count);
    this.loader.staged.copy(data, 0, at);
    return Buffer.concat([Buffer.from([20, count + 2, count + 1, 6]), data]);
  }

  #writeFile(pdu: Buffer): Answer | undefined {
    const { method } = this.#options;
    if (method === 'registers' || pdu.length < 11) return undefined;
    const at = placeOf(pdu.readUInt16BE(3), pdu.readUInt16BE(5));
    const data = pdu.subarray(9);
    if (at === undefined) return undefined;
    if (pdu.readUInt8(1) !== pdu.length - 2 || data.length !== 2 * pdu.readUInt16BE(7)) return ILLEGAL_VALUE;
    const { loader } = this;
    // Nobody says where a transfer begins but its first record.
    if (method === 'plain-files' && at === 0) loader.start();
    const taken = loader.take(at, data, true);
    const isWhole = method === 'files' && loader.size > 0 && loader.received >= loader.size;
    if (isWhole && typeof taken !== 'number') loader.verify(undefined);
    return this.#answer(taken, pdu);
  }
}

function placeOf(file: number, record: number): number | undefined {
  const at = 2 * ((file - FIRST_FILE) * RECORDS + record);
  return file >= FIRST_FILE && record < RECORDS && at < CAPACITY ? at : undefined;
}
