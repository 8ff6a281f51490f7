// What the door counts, for /metrics. Names are stable.

const NAMES = [
  'changes_permitted',
  'changes_redeemed',
  'changes_refused',
  'changes_withdrawn',
  'changes_observed',
  'changes_never_gated',
  'changes_standing',
  'reads_denied',
  'reads_observed',
  'refusals_folded',
  'log_lines_withheld',
  'rows_lost',
] as const;

export type Counters = { [Name in (typeof NAMES)[number]]: number };

export function createCounters(): Counters {
  return Object.fromEntries(NAMES.map((name) => [name, 0])) as Counters;
}
