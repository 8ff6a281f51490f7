// image ⇄ requests: where each piece of an image goes, and the requests that put it there or read it back. Pure.
// 1. Every octet has one place; an odd one at the end shares its register with a zero.

import type { FirmwarePlace, ImagePlace, NumberPlace } from './firmware-address.ts';
import { wordsOf } from './firmware-address.ts';
import { putU16, registerAt } from './wire/octets.ts';
import { encodeValue } from './wire/registers.ts';
import type { Request } from './wire/request.ts';

const RECORDS_PER_FILE = 10_000;
const LAST_FILE = 65_535;
const MOST_BLOCKS = 65_536;
/** One answer of FC 20. */
const MOST_READ = 121;

type Files = Extract<ImagePlace, { kind: 'file-record' }>;

/** Octets of the piece at `at`: never across two files, never across two blocks. */
export function pieceLength(image: ImagePlace, at: number, size: number): number {
  const left = size - at;
  if (image.kind === 'file-record') return Math.min(left, 2 * Math.min(image.words, recordsLeft(at)));
  const block = 2 * image.words;
  return Math.min(left, image.number === undefined ? block : block - (at % block));
}

/** A text: why an image of so many octets has no place there. */
export function sizeFault(image: ImagePlace, size: number): string | undefined {
  if (size === 0) return 'the image is empty';
  if (image.kind === 'file-record') {
    const last = image.firstFile + Math.floor((Math.ceil(size / 2) - 1) / RECORDS_PER_FILE);
    return last <= LAST_FILE ? undefined : `its files would end at \`${last}\`, expected ${LAST_FILE} at the most`;
  }
  const blocks = Math.ceil(size / (2 * image.words));
  const most = MOST_BLOCKS - (image.number?.first ?? 0);
  if (image.number === undefined || blocks <= most) return undefined;
  return `it is of \`${blocks}\` blocks, expected ${most} at the most`;
}

/** What puts a piece into its place: one request, or the block's number and then its data. */
export function writeRequests(image: ImagePlace, at: number, octets: Uint8Array): readonly Request[] {
  if (image.kind === 'file-record') {
    const { fileNumber, recordNumber } = recordAt(image, at);
    return [{ kind: 'writeFileRecord', records: [{ fileNumber, recordNumber, values: padded(octets, 0, 0) }] }];
  }
  const { register, words, number, fill } = image;
  const values = fill === undefined ? padded(octets, 0, 0) : padded(octets, 2 * words, fill);
  if (number === undefined) return [written(register, values)];
  const block = number.first + Math.floor(at / (2 * words));
  if (number.register + 1 !== register)
    return [{ kind: 'writeSingleRegister', address: number.register, value: block }, written(register, values)];
  const both = new Uint8Array(2 + values.length);
  putU16(both, 0, block);
  both.set(values, 2);
  return [written(number.register, both)];
}

/** Octets that a device holds of an image of so many at the most: what its last register, or its last block, is filled up to. */
export function mostHeld(image: ImagePlace, size: number): number {
  const unit = image.kind === 'registers' ? 2 * image.words : 2;
  return unit * Math.ceil(size / unit);
}

/** Reads back up to `length` octets from an even place on; asks for whole registers. */
export function readRequest(image: Files, at: number, length: number): Request {
  const recordLength = Math.min(Math.ceil(length / 2), MOST_READ, recordsLeft(at));
  return { kind: 'readFileRecord', references: [{ ...recordAt(image, at), recordLength }] };
}

export function readNumber({ table, register, type }: NumberPlace): Request {
  const kind = table === 'holding' ? 'readHoldingRegisters' : 'readInputRegisters';
  return { kind, address: register, quantity: wordsOf({ type }) };
}

export function writeNumber({ register, type, order }: NumberPlace, value: number): Request {
  const encoded = encodeValue({ type, order }, value);
  if (!encoded.ok) throw new RangeError(encoded.fault.message);
  return type === 'uint16'
    ? { kind: 'writeSingleRegister', address: register, value: registerAt(encoded.value, 0) }
    : written(register, encoded.value);
}

/** `undefined` where the loader has no such command. */
export function commandRequest(
  { command }: FirmwarePlace,
  name: 'start' | 'commit' | 'abort' | 'revert',
): Request | undefined {
  const value = command?.[name];
  return command === undefined || value === undefined
    ? undefined
    : { kind: 'writeSingleRegister', address: command.register, value };
}

function recordAt({ firstFile }: Files, at: number): { readonly fileNumber: number; readonly recordNumber: number } {
  const record = at / 2;
  return {
    fileNumber: firstFile + Math.floor(record / RECORDS_PER_FILE),
    recordNumber: record % RECORDS_PER_FILE,
  };
}

function recordsLeft(at: number): number {
  return RECORDS_PER_FILE - ((at / 2) % RECORDS_PER_FILE);
}

function written(address: number, values: Uint8Array): Request {
  return { kind: 'writeMultipleRegisters', address, quantity: values.length / 2, values };
}

/** Whole registers, `least` octets at the least. */
function padded(octets: Uint8Array, least: number, fill: number): Uint8Array {
  const length = Math.max(least, octets.length + (octets.length % 2));
  if (length === octets.length) return octets;
  const whole = new Uint8Array(length).fill(fill);
  whole.set(octets);
  return whole;
}
