// What the record costs: durable rows a second, the wait for one, and how long the event loop stands still meanwhile,
// beside better-sqlite3 used plainly on the same disk, in turns within one run. It prints and judges nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { IntentRow } from '../../src/model/journal-row.ts';
import { canonicalJson } from '../../src/store/chain.ts';
import { openJournal } from '../../src/store/journal.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { Sqlite } from '../../src/store/sqlite.ts';

const ROUNDS = 5;
const ROUND_MS = Number(process.env.BENCH_ROUND_MS ?? 600);
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));

interface Figures {
  rows: number;
  ms: number;
  readonly waits: number[];
  /** p99 and longest delay of the event loop of each round, ms. */
  readonly loop: { readonly p99: number; readonly max: number }[];
}
type Contender = (row: IntentRow) => Promise<void>;

const who = {
  principal: 'anna',
  channel: 'tool',
  proof: { kind: 'tool-session', session: 's1' },
  from: '192.0.2.7:50112',
  driver: 'modbus',
} as const;

function rowOf(n: number): IntentRow {
  return {
    kind: 'intent',
    at: Date.now(),
    decision: `01J${n.toString(36).padStart(10, '0')}`,
    who,
    operation: 'writeSingleRegister',
    effects: [
      { target: `ahu${n % 500}/sat-sp`, device: 'ahu1', action: 'point.write', old: 20, new: 21.5, grant: 'g1' },
    ],
    revision: 7,
    by: 'permit',
  };
}

/** One commit and one flush for each row, on the event loop. */
function plain(name: string): { readonly append: Contender; close(): void } {
  const database = new Sqlite(join(folder, `${name}.sqlite`));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE row (number INTEGER PRIMARY KEY, body TEXT)');
  const insert = database.prepare('INSERT INTO row (body) VALUES (?)');
  return {
    append: async (row) => void insert.run(canonicalJson(row)),
    close: () => void database.close(),
  };
}

/** As `plain`, but the rows of one turn of the event loop share a commit: what one would write without a thread. */
function plainGrouped(name: string): { readonly append: Contender; close(): void } {
  const database = new Sqlite(join(folder, `${name}.sqlite`));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE row (number INTEGER PRIMARY KEY, body TEXT)');
  const insert = database.prepare('INSERT INTO row (body) VALUES (?)');
  const commit = database.transaction((bodies: readonly string[]) => {
    for (const body of bodies) insert.run(body);
  });
  let queue: { readonly body: string; readonly done: () => void }[] = [];
  return {
    append: (row) =>
      new Promise<void>((done) => {
        if (queue.push({ body: canonicalJson(row), done }) > 1) return;
        setImmediate(() => {
          const batch = queue;
          queue = [];
          commit(batch.map(({ body }) => body));
          for (const { done } of batch) done();
        });
      }),
    close: () => void database.close(),
  };
}

let made = 0;

async function round(append: Contender, inFlight: number, figures: Figures): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const start = performance.now();
  delay.enable();
  const lane = async () => {
    while (performance.now() - start < ROUND_MS) {
      const before = performance.now();
      made += 1;
      await append(rowOf(made));
      figures.waits.push(performance.now() - before);
      figures.rows += 1;
      // A gateway comes back to its sockets between two changes.
      await new Promise(setImmediate);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  delay.disable();
  figures.ms += performance.now() - start;
  // The histogram's own tick of 1 ms is part of every sample.
  figures.loop.push({ p99: delay.percentile(99) / 1e6 - 1, max: delay.max / 1e6 - 1 });
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

const journalFile = join(folder, 'journal.sqlite');
const journal = await openJournal({ file: journalFile });
const single = plain('plain');
const grouped = plainGrouped('grouped');
const contenders: readonly (readonly [string, Contender])[] = [
  ['journal (thread, chain, indexes)', async (row) => void (await journal.append(row))],
  ['better-sqlite3, a commit a row', single.append],
  ['better-sqlite3, a commit a turn', grouped.append],
];

for (const inFlight of [1, 64]) {
  const figures = contenders.map((): Figures => ({ rows: 0, ms: 0, waits: [], loop: [] }));
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    for (const [index, [, append]] of contenders.entries()) {
      const own = figures[index];
      if (own !== undefined) await round(append, inFlight, own);
    }
  }
  const rate = (own: Figures | undefined) => (own === undefined ? Number.NaN : own.rows / (own.ms / 1000));
  console.log(`\n${inFlight} in flight`);
  console.table(
    Object.fromEntries(
      contenders.map(([name], index) => {
        const own = figures[index];
        const waits = (own?.waits ?? []).sort((a, b) => a - b);
        const p99s = (own?.loop ?? []).map(({ p99 }) => p99).sort((a, b) => a - b);
        return [
          name,
          {
            'rows/s': Math.round(rate(own)),
            'against plain': Number((rate(own) / rate(figures[1])).toFixed(2)),
            'wait p50 ms': Number(at(waits, 0.5).toFixed(2)),
            'wait p99 ms': Number(at(waits, 0.99).toFixed(2)),
            'loop delay p99 ms': Number(at(p99s, 0.5).toFixed(2)),
            'loop delay max ms': Number(Math.max(...(own?.loop ?? []).map(({ max }) => max)).toFixed(2)),
          },
        ];
      }),
    ),
  );
}

await journal.close();
single.close();
grouped.close();
const reader = openJournalReader(journalFile);
const start = performance.now();
const verdict = reader.verify();
const seconds = (performance.now() - start) / 1000;
if (!verdict.intact) throw new Error(`row ${verdict.firstBroken}: ${verdict.why}`);
console.log(`\nverify: ${verdict.rows} rows in ${seconds.toFixed(2)} s, ${Math.round(verdict.rows / seconds)} rows/s`);
reader.close();
rmSync(folder, { recursive: true, force: true });
