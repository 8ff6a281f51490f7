// Reads the chain from a trusted place to its end. Invariants: 1. memory is constant; 2. no read transaction outlives
// one chunk, so that the writer's log can be emptied meanwhile; 3. what can be searched must agree with what is chained.

import type Database from 'better-sqlite3';
import type { JournalVerdict, Receipt } from '../contract/journal.ts';
import type { JournalRow } from '../model/journal-row.ts';
import { CHAIN_START, chainHash, columnsOf } from './chain.ts';

const CHUNK_ROWS = 512;

interface StoredColumns {
  readonly number: number;
  readonly hash: Buffer;
  readonly body: Buffer;
  readonly kind: string;
  readonly at: number;
  readonly decision: string | null;
  readonly principal: string | null;
}

/** The last row removed by retention; number 0 where none was. The chain starts from it. */
export function anchorOf(database: Database.Database): Receipt {
  const anchor = database.prepare<[], { number: number; hash: Buffer }>('SELECT number, hash FROM anchor').get();
  if (anchor === undefined) throw new Error('the anchor is missing');
  return { number: anchor.number, hash: anchor.hash.toString('hex') };
}

/** `rows` counts those read after `start`, whose hash is taken as true; absent: from the anchor. Never throws. */
export function verifyChain(database: Database.Database, start?: Receipt): JournalVerdict {
  let trusted = start ?? { number: 0, hash: CHAIN_START };
  let rows = 0;
  try {
    trusted = start ?? anchorOf(database);
    const chunk = database.prepare<[number], StoredColumns>(
      `SELECT number, hash, CAST(body AS BLOB) AS body, kind, at, decision, principal
       FROM row WHERE number > ? ORDER BY number LIMIT ${CHUNK_ROWS}`,
    );
    const target = database
      .prepare<[string, number], number>('SELECT 1 FROM row_target WHERE target = ? AND number = ?')
      .pluck();
    const hasTarget = (number: number, name: string) => target.get(name, number) !== undefined;
    for (;;) {
      const read = chunk.all(trusted.number);
      for (const row of read) {
        if (row.number !== trusted.number + 1) {
          const anchor = anchorOf(database);
          // Retention removed rows between two chunks.
          if (anchor.number > trusted.number) {
            trusted = anchor;
            break;
          }
          return broken(`row ${trusted.number + 1} is missing: the next one is ${row.number}`);
        }
        const hash = chainHash(trusted.hash, row.body);
        const stored = Buffer.from(row.hash).toString('hex');
        if (hash !== stored) return broken(`hash is \`${stored}\`, expected \`${hash}\``);
        const why = whyUnlikeBody(row, hasTarget);
        if (why !== undefined) return broken(why);
        trusted = { number: row.number, hash };
        rows += 1;
      }
      if (read.length === 0) return { intact: true, rows, head: trusted.hash };
    }
  } catch (thrown) {
    return broken(`cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }

  function broken(why: string): JournalVerdict {
    return { intact: false, firstBroken: trusted.number + 1, why };
  }
}

function whyUnlikeBody(row: StoredColumns, hasTarget: (number: number, name: string) => boolean): string | undefined {
  let columns: ReturnType<typeof columnsOf>;
  try {
    columns = columnsOf(JSON.parse(row.body.toString('utf8')) as JournalRow);
  } catch {
    return 'the body cannot be decoded';
  }
  for (const name of ['kind', 'at', 'decision', 'principal'] as const) {
    if (columns[name] !== row[name]) {
      return `column ${name} is \`${row[name]}\`, expected \`${columns[name]}\` as in the body`;
    }
  }
  const lost = columns.targets.find((target) => !hasTarget(row.number, target));
  return lost === undefined ? undefined : `target \`${lost}\` is in the body, but cannot be searched`;
}
