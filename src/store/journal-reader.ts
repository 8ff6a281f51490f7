// Reads the record beside its writer: for the command line, the page and the upload. It never writes and never blocks.

import type Database from 'better-sqlite3';
import type { JournalQuery, JournalReader, StoredRow } from '../contract/journal.ts';
import type { JournalRow } from '../model/journal-row.ts';
import { openForReading } from './database.ts';
import { journalSchema } from './journal-schema.ts';
import { anchorOf, verifyChain } from './journal-verify.ts';
import { StoreFault } from './store-fault.ts';

interface ReadRow {
  readonly number: number;
  readonly hash: Buffer;
  readonly body: string;
}

/**
 * `rows` throws StoreFault `store-corrupt` for a row that cannot be decoded; `verify` never throws.
 * @throws StoreFault `store-not-ours`, `store-too-new`, `store-unavailable`
 */
export function openJournalReader(file: string): JournalReader {
  const database = openForReading(file, journalSchema);
  const prepared = new Map<string, Database.Statement<Parameters, ReadRow>>();
  const head = database.prepare<[], { number: number; hash: Buffer }>(
    'SELECT number, hash FROM row ORDER BY number DESC LIMIT 1',
  );
  return {
    rows(query) {
      const { sql, parameters } = select(query);
      const statement = prepared.get(sql) ?? database.prepare<Parameters, ReadRow>(sql);
      prepared.set(sql, statement);
      return statement.all(parameters).map((row) => stored(row, file));
    },
    head() {
      const row = head.get();
      if (row !== undefined) return { number: row.number, hash: row.hash.toString('hex') };
      const anchor = anchorOf(database);
      return anchor.number === 0 ? undefined : anchor;
    },
    anchor: () => anchorOf(database),
    verify: () => verifyChain(database),
    close: () => void database.close(),
  };
}

type Parameters = { readonly [name: string]: string | number };

/** For each part of a query its condition, `:name` standing for the asked value. */
const conditions = {
  after: 'row.number > :after',
  before: 'row.number < :before',
  kind: 'row.kind = :kind',
  principal: 'row.principal = :principal',
  target: 'row_target.target = :target',
  decision: 'row.decision = :decision',
  since: 'row.at >= :since',
  until: 'row.at < :until',
} as const satisfies Record<keyof Omit<JournalQuery, 'limit' | 'newestFirst'>, string>;

function select(query: JournalQuery): { readonly sql: string; readonly parameters: Parameters } {
  const parameters: Record<string, string | number> = { limit: query.limit };
  const wanted: string[] = [];
  for (const [name, condition] of Object.entries(conditions)) {
    const value = query[name as keyof typeof conditions];
    if (value === undefined) continue;
    parameters[name] = value;
    wanted.push(condition);
  }
  // CROSS JOIN keeps the order of the tables: the few rows of one target first.
  const from = query.target === undefined ? 'row' : 'row_target CROSS JOIN row USING (number)';
  const where = wanted.length === 0 ? '' : ` WHERE ${wanted.join(' AND ')}`;
  const order = query.newestFirst === true ? 'DESC' : 'ASC';
  const sql = `SELECT row.number, row.hash, row.body FROM ${from}${where} ORDER BY row.number ${order} LIMIT :limit`;
  return { sql, parameters };
}

function stored({ number, hash, body }: ReadRow, file: string): StoredRow {
  try {
    return { number, hash: hash.toString('hex'), row: JSON.parse(body) as JournalRow };
  } catch (cause) {
    throw new StoreFault('store-corrupt', `row ${number} of \`${file}\` cannot be decoded`, { cause });
  }
}
