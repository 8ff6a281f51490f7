import { execFileSync, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { StoredRow } from '../../src/contract/journal.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { temporaryFolder } from './store-rig.ts';

interface Told {
  readonly number?: number;
  readonly hash?: string;
  readonly decision?: string;
  readonly kind?: string;
  readonly refused?: string;
  readonly state?: { readonly writable: boolean };
  readonly open?: readonly string[];
}

/** The appending program, its words as they come, and its death. */
function appender(file: string, run: string) {
  const program = fileURLToPath(new URL('./appender.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, file, run], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told: Told[] = [];
  const watchers = new Set<() => void>();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) told.push(JSON.parse(line) as Told);
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    pid: child.pid ?? 0,
    told,
    /** Resolves as soon as what was told satisfies `enough`. */
    until: (enough: (told: readonly Told[]) => boolean) =>
      new Promise<void>((resolve) => {
        const watcher = () => {
          if (!enough(told)) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function read(file: string): { verdict: unknown; rows: StoredRow[] } {
  const reader = openJournalReader(file);
  const found = { verdict: reader.verify(), rows: reader.rows({ limit: 1_000_000 }) };
  reader.close();
  return found;
}

const acknowledged = (told: readonly Told[]) => told.filter(({ number }) => number !== undefined);

test('killed at any instant: the journal verifies and has every acknowledged row', async () => {
  const file = join(temporaryFolder(), 'journal.sqlite');
  let open: string[] = [];
  let before = 0;
  for (let run = 0; run < 12; run += 1) {
    const child = appender(file, String(run));
    // The moment is random: some rows, then some microseconds into whatever the thread does just then.
    const rows = 1 + Math.floor(Math.random() * 60);
    await child.until((told) => acknowledged(told).length >= rows);
    await child.kill();

    const { verdict, rows: kept } = read(file);
    expect(verdict).toMatchObject({ intact: true, rows: kept.length });
    expect(kept.map(({ number }) => number)).toEqual(kept.map((_, index) => index + 1));
    expect(acknowledged(child.told).length).toBeGreaterThanOrEqual(rows);
    for (const { number = 0, hash, decision, kind } of acknowledged(child.told)) {
      expect(kept[number - 1]).toMatchObject({ number, hash, row: { decision, kind } });
      expect(number).toBeGreaterThan(before);
    }
    expect([...(child.told[0]?.open ?? [])].sort()).toEqual(open);
    const closed = new Set(kept.flatMap(({ row }) => (row.kind === 'outcome' ? [row.decision] : [])));
    open = kept.flatMap(({ row }) => (row.kind === 'intent' && !closed.has(row.decision) ? [row.decision] : [])).sort();
    before = kept.length;
  }
  expect(before).toBeGreaterThan(100);
});

test('a disk that takes no more bytes: changes are refused, what was begun is closed, and it is well again by itself', async () => {
  const file = join(temporaryFolder(), 'journal.sqlite');
  const child = appender(file, 'x');
  await child.until((told) => acknowledged(told).length >= 100);
  const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`]);
  limit(String(statSync(`${file}-wal`).size));
  await child.until((told) => told.some(({ state }) => state?.writable === false));
  await child.until((told) => told.filter(({ refused }) => refused !== undefined).length > 20);
  const refused = new Set(child.told.flatMap(({ refused, decision }) => (refused === undefined ? [] : [decision])));
  const during = acknowledged(child.told).length;
  limit('unlimited');
  await child.until((told) => told.some(({ state }) => state?.writable === true));
  await child.until((told) => acknowledged(told).length > during + 50);
  await child.kill();

  const { verdict, rows } = read(file);
  expect(verdict).toMatchObject({ intact: true });
  for (const { number = 0, hash, decision, kind } of acknowledged(child.told)) {
    expect(rows[number - 1]).toMatchObject({ number, hash, row: { decision, kind } });
  }
  // A refused change left no row, unless it was the outcome that found no room after its intent was acknowledged.
  const intents = new Set(acknowledged(child.told).map(({ decision }) => decision));
  const kept = new Set(rows.flatMap(({ row }) => ('decision' in row ? [row.decision] : [])));
  expect(
    [...refused].filter((decision) => decision !== undefined && kept.has(decision) && !intents.has(decision)),
  ).toEqual([]);
});
