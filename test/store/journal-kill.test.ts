import { execFileSync, spawn } from 'node:child_process';
import { closeSync, cpSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
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
  /** Of what was put right: whether the reserve was there still. */
  readonly reserved?: boolean;
  readonly refused?: string;
  readonly state?: { readonly writable: boolean };
  readonly open?: readonly string[];
}

/** The appending program, its words as they come, and its death. */
function appender(file: string, run: string, before: readonly string[] = []) {
  const program = fileURLToPath(new URL('./appender.mjs', import.meta.url));
  const [command = '', ...words] = [...before, process.execPath, program, file, run];
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] });
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
      new Promise<void>((resolve, reject) => {
        void ended.then(() => reject(new Error('the child ended')));
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

test('a disk that takes no more bytes: changes are refused, and it is well again by itself', async () => {
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
    expect(rows[number - 1]).toMatchObject({ number, hash, row: { kind, ...(decision && { decision }) } });
  }
  // A refused change left no row, unless it was the outcome that found no room after its intent was acknowledged.
  const intents = new Set(acknowledged(child.told).map(({ decision }) => decision));
  const kept = new Set(rows.flatMap(({ row }) => ('decision' in row ? [row.decision] : [])));
  expect(
    [...refused].filter((decision) => decision !== undefined && kept.has(decision) && !intents.has(decision)),
  ).toEqual([]);
});

test('a disk that another program fills: what was begun is closed from the reserve, then it is taken anew', async () => {
  const folder = temporaryFolder();
  // A small disk of its own, seen by this child and, by way of /proc, by the test.
  const mount = 'mount -t tmpfs -o size=12m none "$0" && exec "$@"';
  const child = appender(join(folder, 'journal.sqlite'), 'x', ['unshare', '-rm', 'sh', '-c', mount, folder]);
  await child.until((told) => acknowledged(told).length >= 100);
  const seen = join('/proc', String(child.pid), 'root', folder);
  const reserve = () => statSync(join(seen, 'journal.sqlite-reserve'), { throwIfNoEntry: false })?.size;
  expect(reserve()).toBe(1024 * 1024);

  // Or it might give up its reserve to what fills the disk still.
  process.kill(child.pid, 'SIGSTOP');
  const filler = openSync(join(seen, 'filler'), 'w');
  expect(() => {
    for (;;) writeSync(filler, Buffer.alloc(4096));
  }).toThrow(/ENOSPC/);
  closeSync(filler);
  process.kill(child.pid, 'SIGCONT');
  await child.until((told) => told.filter(({ reserved }) => reserved === false).length > 20);
  expect(reserve()).toBe(undefined);
  expect(child.told.findLast(({ state }) => state !== undefined)?.state?.writable).toBe(false);

  rmSync(join(seen, 'filler'));
  await child.until((told) => told.findLast(({ state }) => state !== undefined)?.state?.writable === true);
  expect(reserve()).toBe(1024 * 1024);
  const told = acknowledged(child.told);
  // Stopped in its tracks and copied: what a kill at this instant would leave. The disk itself goes with the child.
  process.kill(child.pid, 'SIGSTOP');
  const copy = join(temporaryFolder(), 'journal.sqlite');
  for (const suffix of ['', '-wal']) cpSync(join(seen, `journal.sqlite${suffix}`), copy + suffix);
  const { verdict, rows } = read(copy);
  expect(verdict).toMatchObject({ intact: true });
  for (const { number = 0, hash, kind } of told)
    expect(rows[number - 1]).toMatchObject({ number, hash, row: { kind } });
  await child.kill();
});
