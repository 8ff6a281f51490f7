// The record on its way to an auditor: as NDJSON, whole, or as CSV for a spreadsheet, one line for each effect.
// Invariant: no cell of the CSV can be taken for a formula.

import type { JournalQuery, JournalReader, StoredRow } from '../contract/journal.ts';
import type { JournalRow, RecordedEffect, RecordedValue, Who } from '../model/journal-row.ts';
import { canonicalJson } from './chain.ts';

const PAGE_ROWS = 500;

/** `limit` is of rows, not of lines; absent: to the end. The order is ascending. */
type ExportQuery = Omit<JournalQuery, 'limit' | 'newestFirst'> & { readonly limit?: number };

/** Lines with their line ends; in CSV the first one names the columns. Memory is constant: it reads page by page. */
export function* exportRows(
  reader: JournalReader,
  format: 'ndjson' | 'csv',
  query: ExportQuery = {},
): Generator<string, void, void> {
  if (format === 'csv') yield csvLine(columns);
  const { limit = Number.POSITIVE_INFINITY, ...filter } = query;
  let after = query.after ?? 0;
  let left = limit;
  while (left > 0) {
    const rows = reader.rows({ ...filter, after, limit: Math.min(PAGE_ROWS, left) });
    for (const stored of rows) {
      if (format === 'ndjson') yield `${canonicalJson(stored)}\n`;
      else for (const line of csvOf(stored)) yield csvLine(columns.map((column) => line[column]));
      after = stored.number;
    }
    if (rows.length === 0) return;
    left -= rows.length;
  }
}

const columns = [
  'number',
  'time',
  'kind',
  'event',
  'decision',
  'principal',
  'channel',
  'proof',
  'from',
  'operation',
  'target',
  'device',
  'action',
  'old',
  'new',
  'priority',
  'result',
  'because',
  'revision',
  'count',
  'detail',
  'hash',
] as const;

type Line = { readonly [column in (typeof columns)[number]]?: Cell };
type Cell = RecordedValue | undefined;

function csvOf({ number, hash, row }: StoredRow): Line[] {
  const line: Line = { number, hash, kind: row.kind, time: timeOf(row.at), ...ownCells(row) };
  const effects = effectsOf(row);
  return effects.length === 0 ? [line] : effects.map((effect) => ({ ...line, ...effect }));
}

function ownCells(row: JournalRow): Line {
  switch (row.kind) {
    case 'intent':
      return {
        ...whoCells(row.who),
        decision: row.decision,
        operation: row.operation,
        revision: row.revision,
        result: row.by,
        because: row.wouldDeny,
      };
    case 'outcome': {
      const { kind, ...rest } = row.outcome;
      return { decision: row.decision, result: kind, because: Object.values(rest).join(' '), count: row.count };
    }
    case 'refusal':
      return {
        ...whoCells(row.who),
        decision: row.decision,
        operation: row.operation,
        revision: row.revision,
        target: row.target,
        result: 'refused',
        because: row.reason,
        count: row.count,
        detail: row.detail,
      };
    case 'session':
      return { ...whoCells(row.who), event: row.event, principal: row.principal, from: row.address, because: row.why };
    case 'system':
      return { event: row.event, detail: canonicalJson(row.detail) };
  }
}

function whoCells({ principal, channel, proof, from }: Who): Line {
  return { principal, channel, proof: canonicalJson(proof), from };
}

function effectsOf(row: JournalRow): Line[] {
  if (row.kind === 'outcome') return (row.readBack ?? []).map(({ target, value }) => ({ target, new: value }));
  if (row.kind !== 'intent' && row.kind !== 'refusal') return [];
  return row.effects.map(effectCells);
}

function effectCells(effect: RecordedEffect): Line {
  const { target, device, action, old, oldUnknown, new: value, priority, grant, reason } = effect;
  const because = reason ?? grant;
  return {
    target,
    device,
    action,
    old: old ?? (oldUnknown === undefined ? undefined : `unknown: ${oldUnknown}`),
    new: value,
    priority,
    ...(because === undefined ? {} : { because }),
  };
}

function timeOf(at: number): string | number {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? at : time.toISOString();
}

/** RFC 4180. */
function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

function csvCell(cell: Cell): string {
  if (cell === undefined || cell === null) return '';
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell);
  const text = typeof cell === 'string' ? cell : 'integer' in cell ? cell.integer : cell.float;
  // A number is none of the texts a spreadsheet runs; anything else that begins like one is disarmed.
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  const armed = !isNumber && /^[\t\r\n]|^[\s\p{Cc}]*[=+\-@|\uff1d\uff0b\uff0d\uff20]/u.test(text);
  return `"${(armed ? `'${text}` : text).replaceAll('"', '""')}"`;
}
