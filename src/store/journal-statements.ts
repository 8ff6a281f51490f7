// The sentences the journal's writer says to SQLite, prepared once a connection.

import type Database from 'better-sqlite3';
import type { Receipt, StoredRow } from '../contract/journal.ts';
import type { JournalRow } from '../model/journal-row.ts';
import { columnsOf, type EncodedRow } from './chain.ts';
import { anchorOf } from './journal-verify.ts';

interface KeptRow extends Receipt {
  readonly body: string;
  readonly at: number;
}

export interface JournalStatements {
  /** The last row, or the anchor where there is none. */
  head(): Receipt;
  lastNumber(): number;
  hashOf(number: number): string | undefined;
  rowsAfter(number: number): KeptRow[];
  insert(receipt: Receipt, row: EncodedRow, noteCost: number | null): void;
  /** Takes back a row nobody was told about; an intent whose outcome it was is open again. */
  takeBack(row: KeptRow): void;
  openIntents(): StoredRow[];
  /** Removes the first rows, `atMost` of them, as long as retention may have them; gives how many. */
  prune(before: number, ackedUpTo: number, atMost: number): number;
  notes(): { readonly rows: number; readonly bytes: number };
  pagesInUse(): number;
  /** Writes a page without changing anything. */
  touch(): void;
}

interface HashedRow {
  readonly number: number;
  readonly hash: Buffer;
}

export function prepareJournal(database: Database.Database): JournalStatements {
  const last = database.prepare<[], HashedRow>('SELECT number, hash FROM row ORDER BY number DESC LIMIT 1');
  const lastNumber = database
    .prepare<[], number>('SELECT coalesce((SELECT max(number) FROM row), (SELECT number FROM anchor))')
    .pluck();
  const hashOf = database
    .prepare<[number, number], Buffer>(
      'SELECT hash FROM row WHERE number = ? UNION ALL SELECT hash FROM anchor WHERE number = ?',
    )
    .pluck();
  const after = database.prepare<[number, number], HashedRow & Omit<KeptRow, 'hash'>>(
    'SELECT number, hash, body, at FROM row WHERE number > ? ORDER BY number LIMIT ?',
  );
  const insertRow = database.prepare(
    'INSERT INTO row (number, hash, body, kind, at, decision, principal, note_cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertTarget = database.prepare('INSERT INTO row_target (target, number) VALUES (?, ?)');
  const openIntent = database.prepare('INSERT INTO open_intent (number, decision) VALUES (?, ?)');
  const closeIntent = database.prepare('DELETE FROM open_intent WHERE decision = ?');
  const reopenIntent = database.prepare(
    `INSERT INTO open_intent (number, decision) SELECT number, decision FROM row WHERE decision = ? AND kind = 'intent'`,
  );
  const deleteRow = database.prepare('DELETE FROM row WHERE number = ?');
  const deleteTarget = database.prepare('DELETE FROM row_target WHERE target = ? AND number = ?');
  const deleteIntent = database.prepare('DELETE FROM open_intent WHERE number = ?');
  const openIntents = database.prepare<[], HashedRow & { body: string }>(
    'SELECT row.number, row.hash, row.body FROM open_intent JOIN row USING (number) ORDER BY number',
  );
  const firstOpen = database.prepare<[], number | null>('SELECT min(number) FROM open_intent').pluck();
  const moveAnchor = database.prepare('UPDATE anchor SET number = ?, hash = ?');
  const notes = database.prepare<[], { rows: number; bytes: number }>(
    'SELECT count(*) AS rows, coalesce(sum(note_cost), 0) AS bytes FROM row WHERE note_cost IS NOT NULL',
  );
  const pages = database
    .prepare<[], number>('SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count')
    .pluck();
  const touch = database.prepare('UPDATE anchor SET number = number');

  const rowsAfter = (number: number, atMost: number): KeptRow[] =>
    after.all(number, atMost).map((row) => ({ ...row, hash: row.hash.toString('hex') }));
  const remove = ({ number, body }: KeptRow) => {
    const columns = columnsOf(JSON.parse(body) as JournalRow);
    for (const target of columns.targets) deleteTarget.run(target, number);
    deleteRow.run(number);
    return columns;
  };

  return {
    head() {
      const row = last.get();
      return row === undefined ? anchorOf(database) : { number: row.number, hash: row.hash.toString('hex') };
    },
    lastNumber: () => lastNumber.get() ?? 0,
    hashOf: (number) => hashOf.get(number, number)?.toString('hex'),
    rowsAfter: (number) => rowsAfter(number, -1),
    insert({ number, hash }, row, noteCost) {
      const { body, kind, at, decision, principal } = row;
      insertRow.run(number, Buffer.from(hash, 'hex'), body, kind, at, decision, principal, noteCost);
      for (const target of row.targets) insertTarget.run(target, number);
      if (kind === 'intent') openIntent.run(number, decision);
      if (kind === 'outcome') closeIntent.run(decision);
    },
    takeBack(row) {
      const { kind, decision } = remove(row);
      if (kind === 'intent') deleteIntent.run(row.number);
      if (kind === 'outcome') reopenIntent.run(decision);
    },
    openIntents: () =>
      openIntents.all().map(({ number, hash, body }) => ({
        number,
        hash: hash.toString('hex'),
        row: JSON.parse(body) as JournalRow,
      })),
    prune(before, ackedUpTo, atMost) {
      const stop = firstOpen.get() ?? Number.POSITIVE_INFINITY;
      const oldest = rowsAfter(0, atMost);
      const kept = oldest.findIndex((row) => row.number > ackedUpTo || row.at >= before || row.number >= stop);
      const removed = kept === -1 ? oldest : oldest.slice(0, kept);
      for (const row of removed) remove(row);
      const last = removed.at(-1);
      if (last !== undefined) moveAnchor.run(last.number, Buffer.from(last.hash, 'hex'));
      return removed.length;
    },
    notes: () => notes.get() ?? { rows: 0, bytes: 0 },
    pagesInUse: () => pages.get() ?? 0,
    touch: () => void touch.run(),
  };
}
