// The writes of a command as the writer and the jobs take them.

import type { WriteRow } from '../contract/work.ts';
import type { PointValue } from '../model/point.ts';
import type { CommandValue } from './write-form.ts';

interface Span {
  readonly priority?: number | undefined;
  readonly overrideMs?: number | null | undefined;
}

export const spanOf = ({ priority, overrideMs }: Span): Pick<WriteRow, 'priority' | 'overrideMs'> => ({
  ...(priority === undefined ? {} : { priority }),
  ...(overrideMs === undefined ? {} : { overrideMs }),
});

export function rowOf(write: Span & { readonly target: string; readonly value: PointValue }): WriteRow {
  return { point: write.target, value: write.value, ...spanOf(write) };
}

export function pointValue(value: CommandValue): PointValue {
  return typeof value === 'object' ? BigInt(value.integer) : value;
}
