// What a command comes to, whichever operation it asked for.

import type { Denial } from '../contract/gate.ts';
import type { CommandRefusalCode } from './command-refusals.ts';
import type { CommandResult } from './result-form.ts';

export type Done = Pick<
  Extract<CommandResult, { state: 'done' }>,
  'steps' | 'readings' | 'explanation' | 'job' | 'check'
>;
type DenialResult = NonNullable<Extract<CommandResult, { state: 'refused' }>['denial']>;

export interface WorkRefusal {
  readonly code: CommandRefusalCode;
  readonly text: string;
  readonly denial?: DenialResult;
}

/** Of an act on a job nothing was recorded that a decision could be named by. */
export function denialResult(denial: Omit<Denial, 'decisionId'> & { readonly decisionId?: string }): DenialResult {
  const { decisionId = '', reason, target, verdicts } = denial;
  return {
    decision: decisionId,
    reason,
    ...(target === undefined ? {} : { target }),
    verdicts: verdicts.map((verdict) => ({ ...verdict })),
  };
}
