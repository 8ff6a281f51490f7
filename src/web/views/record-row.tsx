// A row of the record in one line. The API gives rows as they are uploaded; what is read here is looked at before it is shown.

import type { ApiJournalRow } from '../../http/schema-admin.ts';
import type { ApiValue } from '../../http/schema-shared.ts';
import { shownMoment, shownValue, t, word } from '../words.ts';

export type Row = ApiJournalRow['row'];

interface Effect {
  readonly target: string;
  readonly old?: ApiValue;
  readonly new?: ApiValue;
  readonly reason?: string;
  readonly priority?: number;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const recordOf = (value: unknown): { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null ? (value as { [key: string]: unknown }) : {};

export function whoOf(row: Row): string {
  const who = recordOf(row.who);
  return textOf(who.principal) ?? textOf(row.principal) ?? textOf(who.from)?.replace(/:\d+$/, '') ?? '';
}

const effectsOf = (row: Row): readonly Effect[] => (Array.isArray(row.effects) ? (row.effects as Effect[]) : []);

export const decisionOf = (row: Row): string | undefined => textOf(row.decision);

/** What happened, without who and when. */
export function whatOf(row: Row): string {
  switch (row.kind) {
    case 'intent':
      return t('log.permit');
    case 'refusal': {
      const reason = word('reason', textOf(row.reason) ?? '');
      const count = typeof row.count === 'number' && row.count > 1 ? ` (${t('journal.times', { n: row.count })})` : '';
      return `${t('log.refusal')}: ${reason}${count}`;
    }
    case 'outcome':
      return word('log.outcome', textOf(recordOf(row.outcome).kind) ?? '');
    case 'session':
      return [word('log.session', textOf(row.event) ?? ''), textOf(row.address)].filter(Boolean).join(' · ');
    default:
      return textOf(row.event) ?? row.kind;
  }
}

export function RowText({ row }: { row: Row }) {
  return (
    <>
      <time dateTime={new Date(row.at).toISOString()}>{shownMoment(row.at)}</time>
      <span class={`tag ${row.kind === 'refusal' ? 'bad' : row.kind === 'intent' ? 'on' : ''}`}>{whatOf(row)}</span>
      <Effects row={row} />
    </>
  );
}

export function Effects({ row }: { row: Row }) {
  const readBack = Array.isArray(row.readBack) ? (row.readBack as { target: string; value: ApiValue }[]) : [];
  return (
    <span class="effects">
      {effectsOf(row).map(({ target, old, new: wanted, priority }) => (
        <span key={target}>
          <code>{target}</code>{' '}
          {wanted !== undefined && (
            <>
              {old !== undefined && `${shownValue(old)} → `}
              <strong>{shownValue(wanted)}</strong>
            </>
          )}
          {priority !== undefined && ` @${priority}`}
        </span>
      ))}
      {readBack.map(({ target, value }) => (
        <span key={target}>
          <code>{target}</code> = {shownValue(value)}
        </span>
      ))}
    </span>
  );
}
