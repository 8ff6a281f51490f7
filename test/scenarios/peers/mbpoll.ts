// mbpoll, the Modbus tool most technicians have: one request a call, 0-based addresses.

import { type ProgramResult, run } from './program.ts';

interface MbpollTarget {
  readonly host: string;
  readonly port: number;
  /** Default 1. */
  readonly unit?: number;
}

interface MbpollSpan {
  readonly table: 'coil' | 'discrete' | 'input' | 'holding';
  readonly register: number;
  /** Values, not registers; default 1. */
  readonly count?: number;
  /** Default 16-bit. `float` and `int` take two registers a value. */
  readonly as?: 'float' | 'int' | 'hex';
  /** Most significant word first (ABCD); mbpoll's own default is CDAB. */
  readonly bigEndian?: boolean;
}

const TYPE = { coil: '0', discrete: '1', input: '3', holding: '4' } as const;

function options(target: MbpollTarget, span: MbpollSpan): string[] {
  const type = TYPE[span.table] + (span.as === undefined ? '' : `:${span.as}`);
  const order = span.bigEndian ? ['-B'] : [];
  return [
    '-m',
    'tcp',
    '-p',
    String(target.port),
    '-a',
    String(target.unit ?? 1),
    '-0',
    '-r',
    String(span.register),
    '-t',
    type,
    '-o',
    '10',
    ...order,
  ];
}

interface MbpollReading extends ProgramResult {
  /** The values it printed, in order; empty where it failed. */
  readonly values: readonly number[];
}

/** One read. `code` is not 0 where the device answered an exception or not at all; `stderr` has mbpoll's words. */
export async function mbpollRead(target: MbpollTarget, span: MbpollSpan): Promise<MbpollReading> {
  const result = await run('mbpoll', [...options(target, span), '-c', String(span.count ?? 1), '-1', target.host]);
  const values = [...result.stdout.matchAll(/^\[\d+\]:\s+(\S+)/gm)].map((match) => Number(match[1]));
  return { ...result, values };
}

/** One write: a coil by function code 5, several by 15, a register by 6, several by 16. */
export function mbpollWrite(target: MbpollTarget, span: MbpollSpan, values: readonly number[]): Promise<ProgramResult> {
  return run('mbpoll', [...options(target, span), '-1', target.host, '--', ...values.map(String)]);
}
