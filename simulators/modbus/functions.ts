// What a device does with one request PDU: every public function code of the Modbus Application Protocol V1.1b3, chapter 6.
// 1. A write is carried out whole or not at all.
// 2. Quantity, byte count and length are checked before the address, as the state diagrams of chapter 6 have it.

import type { RegisterBank } from './register-bank.ts';
import type { ModbusTable } from './values.ts';

/** Exception codes a device answers with (chapter 7). */
export const EXCEPTION = {
  illegalFunction: 1,
  illegalDataAddress: 2,
  illegalDataValue: 3,
  serverDeviceFailure: 4,
  serverDeviceBusy: 6,
  gatewayPathUnavailable: 0x0a,
  gatewayTargetFailed: 0x0b,
} as const;

/** What a device has beside its registers. Counters wrap at 16 bits. */
export interface DeviceState {
  readonly bank: RegisterBank;
  /** File number to its records (16-bit words), for function codes 20 and 21. */
  readonly files: Map<number, number[]>;
  /** FIFO pointer address to the words waiting, for function code 24. */
  readonly queues: Map<number, number[]>;
  /** Device identification objects by id, for function code 43/14. */
  readonly identification: ReadonlyMap<number, string>;
  /** Eight status coils, for function code 7. */
  exceptionStatus: number;
  /** Set by function code 8/4: nothing is carried out or answered until 8/1. */
  listenOnly: boolean;
  /** Communication restarts asked by 8/1. */
  restarts: number;
  /** Successful requests, for function codes 11 and 12. */
  eventCount: number;
  /** Requests seen, for function codes 8/11, 8/14 and 12. */
  messageCount: number;
  /** Exceptions answered, for function code 8/13. */
  exceptionCount: number;
}

/** A response PDU, an exception code, or no answer at all. */
export type Execution = Buffer | number | 'no-answer';

type Execute = (pdu: Buffer, state: DeviceState) => Execution;

function word(pdu: Buffer, at: number): number {
  return pdu.readUInt16BE(at);
}

function words(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 2) }, (_word, index) => word(bytes, index * 2));
}

function bytesOf(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function readBits(table: ModbusTable): Execute {
  return (pdu, { bank }) => {
    if (pdu.length !== 5) return EXCEPTION.illegalDataValue;
    const quantity = word(pdu, 3);
    if (quantity < 1 || quantity > 2000) return EXCEPTION.illegalDataValue;
    const bits = bank.read(table, word(pdu, 1), quantity);
    if (bits === undefined) return EXCEPTION.illegalDataAddress;
    const packed = Buffer.alloc(Math.ceil(quantity / 8));
    for (const [index, bit] of bits.entries()) {
      if (bit !== 0) packed.writeUInt8(packed.readUInt8(index >> 3) | (1 << (index & 7)), index >> 3);
    }
    return Buffer.concat([Buffer.from([pdu.readUInt8(0), packed.length]), packed]);
  };
}

function readRegisters(table: ModbusTable): Execute {
  return (pdu, { bank }) => {
    if (pdu.length !== 5) return EXCEPTION.illegalDataValue;
    const quantity = word(pdu, 3);
    if (quantity < 1 || quantity > 125) return EXCEPTION.illegalDataValue;
    const values = bank.read(table, word(pdu, 1), quantity);
    if (values === undefined) return EXCEPTION.illegalDataAddress;
    return Buffer.concat([Buffer.from([pdu.readUInt8(0), quantity * 2]), bytesOf(values)]);
  };
}

const writeSingleCoil: Execute = (pdu, { bank }) => {
  if (pdu.length !== 5) return EXCEPTION.illegalDataValue;
  const value = word(pdu, 3);
  if (value !== 0 && value !== 0xff00) return EXCEPTION.illegalDataValue;
  return bank.write('coil', word(pdu, 1), [value === 0 ? 0 : 1]) ? pdu : EXCEPTION.illegalDataAddress;
};

const writeSingleRegister: Execute = (pdu, { bank }) => {
  if (pdu.length !== 5) return EXCEPTION.illegalDataValue;
  return bank.write('holding', word(pdu, 1), [word(pdu, 3)]) ? pdu : EXCEPTION.illegalDataAddress;
};

const writeMultipleCoils: Execute = (pdu, { bank }) => {
  if (pdu.length < 7) return EXCEPTION.illegalDataValue;
  const quantity = word(pdu, 3);
  const count = pdu.readUInt8(5);
  if (quantity < 1 || quantity > 1968 || count !== Math.ceil(quantity / 8) || pdu.length !== 6 + count) {
    return EXCEPTION.illegalDataValue;
  }
  const bits = Array.from({ length: quantity }, (_bit, index) => (pdu.readUInt8(6 + (index >> 3)) >> (index & 7)) & 1);
  return bank.write('coil', word(pdu, 1), bits) ? pdu.subarray(0, 5) : EXCEPTION.illegalDataAddress;
};

const writeMultipleRegisters: Execute = (pdu, { bank }) => {
  if (pdu.length < 8) return EXCEPTION.illegalDataValue;
  const quantity = word(pdu, 3);
  const count = pdu.readUInt8(5);
  if (quantity < 1 || quantity > 123 || count !== quantity * 2 || pdu.length !== 6 + count) {
    return EXCEPTION.illegalDataValue;
  }
  const written = bank.write('holding', word(pdu, 1), words(pdu.subarray(6)));
  return written ? pdu.subarray(0, 5) : EXCEPTION.illegalDataAddress;
};

const maskWriteRegister: Execute = (pdu, { bank }) => {
  if (pdu.length !== 7) return EXCEPTION.illegalDataValue;
  const [current] = bank.read('holding', word(pdu, 1), 1) ?? [];
  if (current === undefined) return EXCEPTION.illegalDataAddress;
  const and = word(pdu, 3);
  const next = (current & and) | (word(pdu, 5) & ~and & 0xffff);
  return bank.write('holding', word(pdu, 1), [next]) ? pdu : EXCEPTION.illegalDataAddress;
};

const readWriteRegisters: Execute = (pdu, { bank }) => {
  if (pdu.length < 12) return EXCEPTION.illegalDataValue;
  const readQuantity = word(pdu, 3);
  const writeQuantity = word(pdu, 7);
  const count = pdu.readUInt8(9);
  if (readQuantity < 1 || readQuantity > 125 || writeQuantity < 1 || writeQuantity > 121) {
    return EXCEPTION.illegalDataValue;
  }
  if (count !== writeQuantity * 2 || pdu.length !== 10 + count) return EXCEPTION.illegalDataValue;
  if (bank.read('holding', word(pdu, 1), readQuantity) === undefined) return EXCEPTION.illegalDataAddress;
  if (!bank.write('holding', word(pdu, 5), words(pdu.subarray(10)))) return EXCEPTION.illegalDataAddress;
  const values = bank.read('holding', word(pdu, 1), readQuantity) ?? [];
  return Buffer.concat([Buffer.from([23, readQuantity * 2]), bytesOf(values)]);
};

const diagnostics: Execute = (pdu, state) => {
  if (pdu.length < 5) return EXCEPTION.illegalDataValue;
  const answer = (value: number): Buffer => Buffer.concat([pdu.subarray(0, 3), bytesOf([value & 0xffff])]);
  switch (word(pdu, 1)) {
    case 0:
      return pdu;
    case 1: {
      const wasListening = state.listenOnly;
      state.listenOnly = false;
      state.restarts += 1;
      clearCounters(state);
      return wasListening ? 'no-answer' : pdu;
    }
    case 2:
      return answer(0);
    case 4:
      state.listenOnly = true;
      return 'no-answer';
    case 10:
      clearCounters(state);
      return pdu;
    case 11:
    case 14:
      return answer(state.messageCount);
    case 13:
      return answer(state.exceptionCount);
    case 12:
    case 15:
    case 16:
    case 17:
    case 18:
      return answer(0);
    case 20:
      return pdu;
    default:
      return EXCEPTION.illegalFunction;
  }
};

function clearCounters(state: DeviceState): void {
  state.eventCount = 0;
  state.messageCount = 0;
  state.exceptionCount = 0;
}

const commEventLog: Execute = (_pdu, state) =>
  Buffer.concat([Buffer.from([12, 6]), bytesOf([0, state.eventCount & 0xffff, state.messageCount & 0xffff])]);

const reportServerId: Execute = (_pdu, { identification }) => {
  const id = Buffer.from(identification.get(1) ?? '', 'latin1');
  return Buffer.concat([Buffer.from([17, id.length + 1]), id, Buffer.from([0xff])]);
};

interface FileSpan {
  readonly records: number[];
  readonly from: number;
  readonly count: number;
}

function fileSpan(pdu: Buffer, at: number, files: ReadonlyMap<number, number[]>): FileSpan | number {
  if (at + 7 > pdu.length) return EXCEPTION.illegalDataValue;
  const records = files.get(word(pdu, at + 1));
  const from = word(pdu, at + 3);
  const count = word(pdu, at + 5);
  if (pdu.readUInt8(at) !== 6 || records === undefined || from > 9999) return EXCEPTION.illegalDataAddress;
  return from + count > records.length ? EXCEPTION.illegalDataAddress : { records, from, count };
}

const readFileRecord: Execute = (pdu, { files }) => {
  const size = pdu[1] ?? 0;
  if (size < 7 || size > 245 || size % 7 !== 0 || pdu.length !== 2 + size) return EXCEPTION.illegalDataValue;
  const parts: Buffer[] = [];
  for (let at = 2; at < pdu.length; at += 7) {
    const span = fileSpan(pdu, at, files);
    if (typeof span === 'number') return span;
    const data = bytesOf(span.records.slice(span.from, span.from + span.count));
    parts.push(Buffer.from([data.length + 1, 6]), data);
  }
  const body = Buffer.concat(parts);
  if (body.length > 245) return EXCEPTION.illegalDataValue;
  return Buffer.concat([Buffer.from([20, body.length]), body]);
};

const writeFileRecord: Execute = (pdu, { files }) => {
  const size = pdu[1] ?? 0;
  if (size < 9 || size > 251 || pdu.length !== 2 + size) return EXCEPTION.illegalDataValue;
  const writes: { span: FileSpan; values: number[] }[] = [];
  for (let at = 2; at < pdu.length; ) {
    const span = fileSpan(pdu, at, files);
    if (typeof span === 'number') return span;
    const end = at + 7 + span.count * 2;
    if (end > pdu.length) return EXCEPTION.illegalDataValue;
    writes.push({ span, values: words(pdu.subarray(at + 7, end)) });
    at = end;
  }
  for (const { span, values } of writes) span.records.splice(span.from, span.count, ...values);
  return pdu;
};

const readFifoQueue: Execute = (pdu, { queues }) => {
  if (pdu.length !== 3) return EXCEPTION.illegalDataValue;
  const queue = queues.get(word(pdu, 1));
  if (queue === undefined) return EXCEPTION.illegalDataAddress;
  if (queue.length > 31) return EXCEPTION.illegalDataValue;
  return Buffer.concat([Buffer.from([24]), bytesOf([queue.length * 2 + 2, queue.length, ...queue])]);
};

const readDeviceIdentification: Execute = (pdu, { identification }) => {
  if (pdu.length < 2 || pdu.readUInt8(1) !== 14) return EXCEPTION.illegalFunction;
  const [, , access = 0, first = 0] = pdu;
  if (pdu.length !== 4 || access < 1 || access > 4) return EXCEPTION.illegalDataValue;
  const individual = access === 4;
  if (individual && !identification.has(first)) return EXCEPTION.illegalDataAddress;
  const from = identification.has(first) ? first : 0;
  const last = individual ? first : access === 1 ? 2 : 6;
  const chosen = [...identification].filter(([id]) => id >= from && id <= last);
  const objects = chosen.map(([id, text]) =>
    Buffer.concat([Buffer.from([id, text.length]), Buffer.from(text, 'latin1')]),
  );
  return Buffer.concat([Buffer.from([43, 14, access, 0x82, 0, 0, objects.length]), ...objects]);
};

const FUNCTIONS: ReadonlyMap<number, Execute> = new Map([
  [1, readBits('coil')],
  [2, readBits('discrete')],
  [3, readRegisters('holding')],
  [4, readRegisters('input')],
  [5, writeSingleCoil],
  [6, writeSingleRegister],
  [7, (_pdu, state) => Buffer.from([7, state.exceptionStatus])],
  [8, diagnostics],
  [11, (_pdu, state) => Buffer.concat([Buffer.from([11]), bytesOf([0, state.eventCount & 0xffff])])],
  [12, commEventLog],
  [15, writeMultipleCoils],
  [16, writeMultipleRegisters],
  [17, reportServerId],
  [20, readFileRecord],
  [21, writeFileRecord],
  [22, maskWriteRegister],
  [23, readWriteRegisters],
  [24, readFifoQueue],
  [43, readDeviceIdentification],
]);

/** Carries out one request. Listen-only devices answer and do nothing but for 8/1. An exception is answered as its code, never thrown. */
export function execute(pdu: Buffer, state: DeviceState): Execution {
  const code = pdu.readUInt8(0);
  const restarts = code === 8 && pdu.length >= 3 && word(pdu, 1) === 1;
  if (state.listenOnly && !restarts) return 'no-answer';
  state.messageCount += 1;
  const result = FUNCTIONS.get(code)?.(pdu, state) ?? EXCEPTION.illegalFunction;
  if (typeof result === 'number') state.exceptionCount += 1;
  else if (code !== 11 && code !== 12) state.eventCount += 1;
  return result;
}

/** The response PDU of an exception. */
export function exceptionPdu(functionCode: number, exception: number): Buffer {
  return Buffer.from([functionCode | 0x80, exception]);
}
