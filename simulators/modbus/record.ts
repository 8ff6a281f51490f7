// What a frame is that arrived at a simulated device.
// 1. A frame is recorded before it is carried out, whatever the device then does with it.
// 2. What is not a known read counts as a change or as `other`: nothing that could have changed something hides among the reads.

import type { FrameKind } from '../arrival-record.ts';
import type { RegisterBank } from './register-bank.ts';
import type { ModbusTable } from './values.ts';

export interface ArrivedFrame {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** `address:port` of the sender, or the path of the serial line. */
  readonly peer: string;
  readonly unit: number;
  /** The whole frame, header and CRC included. */
  readonly bytes: Buffer;
  /** `write` changes something (diagnostics other than echo and counters included); `other` is an unknown code or bytes that were no frame. */
  readonly kind: FrameKind;
  /** 0 where the bytes were no frame. */
  readonly functionCode: number;
  /** Points of this device that the write touches; empty for everything else. */
  readonly points: readonly string[];
  /** One line for a person: `write 4 holding registers from 100 (ahu1/sat-sp, ahu1/sat-hi)`. */
  readonly summary: string;
}

interface Description {
  readonly kind: FrameKind;
  readonly points: readonly string[];
  readonly summary: string;
}

const READS: ReadonlyMap<number, string> = new Map([
  [1, 'coils'],
  [2, 'discrete inputs'],
  [3, 'holding registers'],
  [4, 'input registers'],
  [7, 'exception status'],
  [11, 'comm event counter'],
  [12, 'comm event log'],
  [17, 'server id'],
  [20, 'file record'],
  [24, 'fifo queue'],
]);
/** Diagnostics that only ask: echo, registers and counters. */
const ASKING_DIAGNOSTICS = new Set([0, 2, 11, 12, 13, 14, 15, 16, 17, 18]);

/** What a request PDU is, in one line. `bank` names the points it touches. */
export function describeRequest(pdu: Buffer, bank: RegisterBank): Description {
  const code = pdu[0] ?? 0;
  const field = (at: number): number => (pdu.length >= at + 2 ? pdu.readUInt16BE(at) : 0);
  const read = (summary: string): Description => ({ kind: 'read', points: [], summary: `read ${summary}` });
  const write = (summary: string, points: readonly string[] = []): Description => ({
    kind: 'write',
    points,
    summary: points.length === 0 ? summary : `${summary} (${points.join(', ')})`,
  });
  const span = (table: ModbusTable, name: string, register: number, count: number): Description =>
    write(`write ${count} ${name} from ${register}`, bank.pointsIn(table, register, count));

  const readable = READS.get(code);
  if (readable !== undefined) return read(code <= 4 ? `${field(3)} ${readable} from ${field(1)}` : readable);
  switch (code) {
    case 5:
      return write(`write coil ${field(1)} = ${field(3) === 0 ? 'off' : 'on'}`, bank.pointsIn('coil', field(1), 1));
    case 6:
      return write(`write holding register ${field(1)} = ${field(3)}`, bank.pointsIn('holding', field(1), 1));
    case 8:
      return ASKING_DIAGNOSTICS.has(field(1)) ? read(`diagnostics ${field(1)}`) : write(`diagnostics ${field(1)}`);
    case 15:
      return span('coil', 'coils', field(1), field(3));
    case 16:
      return span('holding', 'holding registers', field(1), field(3));
    case 21:
      return write(`write file record, file ${field(3)} from record ${field(5)}`);
    case 22:
      return write(
        `mask write holding register ${field(1)} and ${hex(field(3))} or ${hex(field(5))}`,
        bank.pointsIn('holding', field(1), 1),
      );
    case 23:
      return span('holding', 'holding registers (with a read)', field(5), field(7));
    default:
      return code === 43 && pdu[1] === 14
        ? read('device identification')
        : { kind: 'other', points: [], summary: `unknown function code ${code}` };
  }
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}
