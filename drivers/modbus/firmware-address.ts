// Policy in ─compile─► how a device takes firmware: `firmware` in its Modbus address (README.md has an example of each method).
// 1. What is not known is a fault. 2. No two of the registers that are written overlap. 3. A lost answer can always be cleared up:
// a block has a number, or the device says how much it holds.

import type { AddressReading } from './address-reading.ts';
import { type WordOrder, wordOrders } from './wire/registers.ts';

/** What a loader's status register can say. `ready`: it waits for the next block. `verified`: it holds a whole image. */
const loaderStates = ['idle', 'receiving', 'ready', 'verified', 'busy', 'error', 'boot-loader'] as const;
export type LoaderState = (typeof loaderStates)[number];

const checksums = ['crc32', 'crc16', 'sum32'] as const;
export type ChecksumKind = (typeof checksums)[number];

type RegisterTable = 'holding' | 'input';

/** A number in one register, or in two in this order. */
export interface NumberPlace {
  readonly table: RegisterTable;
  readonly register: number;
  readonly type: 'uint16' | 'uint32';
  readonly order: WordOrder;
}

export interface TextPlace {
  readonly table: RegisterTable;
  readonly register: number;
  readonly registers: number;
  readonly order: 'ABCD' | 'BADC';
}

/** One register that takes commands, and their codes. */
interface CommandPlace {
  readonly register: number;
  readonly start?: number;
  readonly commit?: number;
  readonly abort?: number;
  readonly revert?: number;
}

interface StatusPlace {
  readonly at: NumberPlace;
  readonly states: ReadonlyMap<number, LoaderState>;
}

/** Where the octets go. */
export type ImagePlace =
  /** FC 21: files of 10 000 registers, one after the other. */
  | { readonly kind: 'file-record'; readonly firstFile: number; readonly words: number }
  | {
      readonly kind: 'registers';
      /** First of the registers that take a block. */
      readonly register: number;
      readonly words: number;
      /** Register of the block's number. Absent: every write of the data follows the one before. */
      readonly number?: { readonly register: number; readonly first: number };
      /** What the last block is filled up with; absent: it is sent short. */
      readonly fill?: number;
    };

/** Holding registers `from` up to `to` (exclusive). */
export interface RegisterSpan {
  readonly from: number;
  readonly to: number;
}

export interface FirmwarePlace {
  readonly image: ImagePlace;
  readonly command?: CommandPlace;
  /** Told before the image, in octets. */
  readonly size?: NumberPlace;
  readonly status?: StatusPlace;
  /** Octets it holds of what comes in. */
  readonly received?: NumberPlace;
  /** Of the whole image, written after it. */
  readonly checksum?: { readonly kind: ChecksumKind; readonly at: NumberPlace };
  readonly version: TextPlace;
  readonly vendor?: TextPlace;
  readonly model?: TextPlace;
  /** What puts an image into use: the command `commit`, or FC 8/1. */
  readonly activate: 'command' | 'restart';
  /** `single`: what comes in overwrites what runs, so that in between nothing but the boot loader does. */
  readonly banks: 'dual' | 'single';
  readonly confirmMs: number;
  readonly stallMs: number;
  readonly pollMs: number;
  /** What an update writes, in order, none overlapping another. */
  readonly written: readonly RegisterSpan[];
}

const MOST_WRITTEN = 123;
/** FC 21 takes 122 registers, FC 20 gives 121 back. */
const MOST_RECORDS = 121;
const COMMON = [
  'method',
  'command',
  'size',
  'status',
  'received',
  'checksum',
  'version',
  'vendor',
  'model',
  'activate',
  'banks',
  'confirmSeconds',
  'stallSeconds',
  'pollMs',
];

/** `undefined` where the address has no `firmware`; what is wrong with it is among the reading's faults. */
export function readFirmware(address: AddressReading): FirmwarePlace | undefined {
  const reading = address.part(
    'firmware',
    ({ method }) => [...COMMON, ...(method === 'registers' ? ['block'] : ['firstFile', 'words'])],
    'how the device takes firmware: `{ method: … }`',
  );
  if (reading === undefined) return undefined;
  const method = reading.oneOf('method', ['file-record', 'registers'], 'file-record', true);
  const isBlocks = method === 'registers';
  const activate = reading.oneOf('activate', ['command', 'restart'], 'command', false);
  const command = commandOf(reading, isBlocks, activate);
  const status = statusOf(reading, isBlocks);
  const received = numberOf(reading, 'received', 'uint32');
  const size = numberOf(reading, 'size', 'uint32', true);
  const checksum = checksumOf(reading);
  const version = textOf(reading, 'version');
  const vendor = textOf(reading, 'vendor');
  const model = textOf(reading, 'model');
  if (!reading.has('version')) reading.wrong('version', 'the registers that say which version runs');
  if (command?.abort !== undefined && command.revert !== undefined && status === undefined)
    reading.wrong('status', 'a status register, which tells `abort` from `revert`');
  const image = isBlocks ? blocksOf(reading, received !== undefined) : filesOf(reading);
  const written = spansOf(reading, { command, size, checksum: checksum?.at, image });
  return {
    image,
    version: version ?? { table: 'holding', register: 0, registers: 1, order: 'ABCD' },
    activate,
    banks: reading.oneOf('banks', ['dual', 'single'], 'dual', false),
    confirmMs: 1000 * (reading.optionalWhole('confirmSeconds', 1, 3600) ?? 120),
    stallMs: 1000 * (reading.optionalWhole('stallSeconds', 1, 600) ?? 60),
    pollMs: reading.optionalWhole('pollMs', 10, 10_000) ?? 100,
    written,
    ...(command && { command }),
    ...(size && { size }),
    ...(status && { status }),
    ...(received && { received }),
    ...(checksum && { checksum }),
    ...(vendor && { vendor }),
    ...(model && { model }),
  };
}

function commandOf(
  firmware: AddressReading,
  isBlocks: boolean,
  activate: FirmwarePlace['activate'],
): CommandPlace | undefined {
  const codes = ['start', 'commit', 'abort', 'revert'] as const;
  const reading = firmware.part('command', () => ['register', ...codes], 'a register and its codes');
  if (reading === undefined) {
    if (isBlocks || activate === 'command') firmware.wrong('command', 'the command register and its codes');
    return undefined;
  }
  const given = codes.flatMap((code) => {
    const value = reading.optionalWhole(code, 0, 65_535);
    return value === undefined ? [] : [[code, value] as const];
  });
  for (const [code, value] of given)
    if (given.find(([, other]) => other === value)?.[0] !== code) reading.wrong(code, 'a code of its own');
  if (isBlocks && !reading.has('start')) reading.wrong('start', 'the code that begins a transfer');
  if (activate === 'restart') reading.without('commit', 'where `activate` is `restart`');
  else if (!reading.has('commit')) reading.wrong('commit', 'the code that puts the image into use');
  return { register: reading.whole('register', 0, 65_535), ...Object.fromEntries(given) };
}

function statusOf(firmware: AddressReading, isRequired: boolean): StatusPlace | undefined {
  const reading = firmware.part('status', () => ['register', 'table', 'values'], 'a register and its values');
  if (reading === undefined) {
    if (isRequired) firmware.wrong('status', 'the status register and its values');
    return undefined;
  }
  const at = { table: tableOf(reading), register: reading.whole('register', 0, 65_535), type: 'uint16' } as const;
  const states = new Map<number, LoaderState>();
  const values = reading.part('values', () => loaderStates, 'what it holds in each state: `{ idle: 0, … }`');
  if (values === undefined && !reading.has('values')) reading.wrong('values', 'what it holds in each state');
  for (const state of loaderStates) {
    const given = values?.value(state);
    if (given === undefined) continue;
    for (const code of Array.isArray(given) ? given : [given]) {
      const isCode = typeof code === 'number' && Number.isInteger(code) && code >= 0 && code <= 65_535;
      if (!isCode || states.has(code)) values?.wrong(state, 'a whole number from 0 to 65535 of its own, or several');
      else states.set(code, state);
    }
  }
  const known = [...states.values()];
  if (values !== undefined && !known.includes('idle'))
    values.wrong('idle', 'what it holds while nothing is transferred');
  if (values !== undefined && !known.includes('receiving') && !known.includes('ready'))
    values.wrong('receiving', 'what it holds while an image comes in, here or as `ready`');
  return { at: { ...at, order: 'ABCD' }, states };
}

function checksumOf(firmware: AddressReading): FirmwarePlace['checksum'] {
  const reading = firmware.part('checksum', () => ['kind', 'register', 'order'], 'a kind and a register');
  if (reading === undefined) return undefined;
  const kind = reading.oneOf('kind', checksums, 'crc32', true);
  const type = kind === 'crc16' ? 'uint16' : 'uint32';
  return { kind, at: { table: 'holding', register: registerOf(reading, type), type, order: orderOf(reading) } };
}

function numberOf(
  firmware: AddressReading,
  key: string,
  type: NumberPlace['type'],
  isWritten = false,
): NumberPlace | undefined {
  const known = ['register', 'order', ...(isWritten ? [] : ['table'])];
  const reading = firmware.part(key, () => known, 'a register, and the order of its octets');
  if (reading === undefined) return undefined;
  return {
    table: isWritten ? 'holding' : tableOf(reading),
    register: registerOf(reading, type),
    type,
    order: orderOf(reading),
  };
}

function textOf(firmware: AddressReading, key: string): TextPlace | undefined {
  const reading = firmware.part(key, () => ['register', 'length', 'order', 'table'], 'a register and a length');
  if (reading === undefined) return undefined;
  const registers = reading.whole('length', 1, 123);
  return {
    table: tableOf(reading),
    register: reading.whole('register', 0, 65_536 - registers),
    registers,
    order: reading.oneOf('order', ['ABCD', 'BADC'], 'ABCD', false),
  };
}

function filesOf(firmware: AddressReading): ImagePlace {
  return {
    kind: 'file-record',
    firstFile: firmware.whole('firstFile', 1, 65_535),
    words: firmware.optionalWhole('words', 1, MOST_RECORDS) ?? MOST_RECORDS,
  };
}

function blocksOf(firmware: AddressReading, saysReceived: boolean): ImagePlace {
  const known = ['data', 'words', 'number', 'first', 'fill'];
  const reading = firmware.part('block', () => known, 'the registers of a block: `{ data: …, words: … }`');
  if (reading === undefined) {
    firmware.wrong('block', 'the registers of a block');
    return { kind: 'registers', register: 0, words: 1 };
  }
  const number = reading.optionalWhole('number', 0, 65_535);
  const first = reading.optionalWhole('first', 0, 1);
  const fill = reading.optionalWhole('fill', 0, 255);
  const words = reading.whole('words', 1, MOST_WRITTEN);
  const register = reading.whole('data', 0, 65_536 - words);
  if (number === undefined) reading.without('first', 'without a `number`');
  if (number === undefined && !saysReceived)
    reading.wrong('number', 'the register of a block’s number, or `received`: else a lost answer cannot be cleared up');
  if (number !== undefined && number + 1 === register && words === MOST_WRITTEN)
    reading.wrong('words', `${MOST_WRITTEN - 1} at the most where the number stands before them`);
  return {
    kind: 'registers',
    register,
    words,
    ...(number !== undefined && { number: { register: number, first: first ?? 0 } }),
    ...(fill !== undefined && { fill }),
  };
}

interface WrittenPlaces {
  readonly command: CommandPlace | undefined;
  readonly size: NumberPlace | undefined;
  readonly checksum: NumberPlace | undefined;
  readonly image: ImagePlace;
}

/** Neighbours stay apart: each is its own. */
function spansOf(reading: AddressReading, { command, size, checksum, image }: WrittenPlaces): readonly RegisterSpan[] {
  const spans: (RegisterSpan & { readonly key: string })[] = [];
  const add = (key: string, from: number, count: number): void => void spans.push({ key, from, to: from + count });
  if (command) add('command', command.register, 1);
  if (size) add('size', size.register, wordsOf(size));
  if (checksum) add('checksum', checksum.register, wordsOf(checksum));
  if (image.kind === 'registers') {
    add('block', image.register, image.words);
    if (image.number) add('block', image.number.register, 1);
  }
  spans.sort((one, other) => one.from - other.from);
  for (const [at, span] of spans.entries()) {
    const before = spans[at - 1];
    if (before !== undefined && before.to > span.from)
      reading.say(span.key, `registers of \`${before.key}\``, 'registers of its own');
  }
  return spans.map(({ from, to }) => ({ from, to }));
}

/** Registers a number covers. */
export function wordsOf({ type }: Pick<NumberPlace, 'type'>): number {
  return type === 'uint32' ? 2 : 1;
}

function tableOf(reading: AddressReading): RegisterTable {
  return reading.oneOf('table', ['holding', 'input'], 'holding', false);
}

function orderOf(reading: AddressReading): WordOrder {
  return reading.oneOf('order', wordOrders, 'ABCD', false);
}

function registerOf(reading: AddressReading, type: NumberPlace['type']): number {
  return reading.whole('register', 0, 65_536 - wordsOf({ type }));
}
