import { closeSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type JournalState, JournalUnavailable } from '../../src/contract/journal.ts';
import { type JournalOptions, openJournal } from '../../src/store/journal.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { catchWorkers, handTime, intent, outcome, refusal, smallLimits, temporaryFolder } from './store-rig.ts';

async function journalAt(options: Partial<JournalOptions> = {}) {
  const time = handTime();
  const file = options.file ?? join(temporaryFolder(), 'journal.sqlite');
  const limits = { ...smallLimits, ...options.limits };
  const journal = await openJournal({ ...options, file, limits, clock: time.clock, timers: time.timers });
  onTestFinished(() => journal.close());
  return { journal, file, time };
}

function recorded(file: string) {
  const reader = openJournalReader(file);
  const found = { verdict: reader.verify(), head: reader.head(), rows: reader.rows({ limit: 10_000 }) };
  reader.close();
  return found;
}

/** Counts the transactions in the write-ahead log: frames that carry the size of the database (SQLite file format, 4.1). */
function transactions(file: string): number {
  const handle = openSync(`${file}-wal`, 'r');
  const frame = Buffer.alloc(24);
  let count = 0;
  const size = statSync(`${file}-wal`).size;
  for (let at = 32; at < size; at += 24 + 4096) {
    readSync(handle, frame, 0, 24, at);
    if (frame.readUInt32BE(4) !== 0) count += 1;
  }
  closeSync(handle);
  return count;
}

const nextState = (journal: { onState(listener: (state: JournalState) => void): () => void }) =>
  new Promise<JournalState>((resolve) => {
    const stop = journal.onState((state) => {
      stop();
      resolve(state);
    });
  });

describe('append', () => {
  test('numbers rows from 1 in the order they were appended, and chains them', async () => {
    const { journal, file } = await journalAt();
    expect(journal.state()).toEqual({ writable: true });
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, n) => journal.append(intent(`d${n}`))));
    expect(receipts.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    const { verdict, head, rows } = recorded(file);
    expect(verdict).toEqual({ intact: true, rows: 100, head: receipts.at(-1)?.hash });
    expect(head).toEqual(receipts.at(-1));
    expect(rows.map(({ number, hash }) => ({ number, hash }))).toEqual(receipts);
    expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: 100 }, (_, n) => intent(`d${n}`)));
  });

  test('rows of one tick, and rows that came during a flush, share one', async () => {
    const { journal, file } = await journalAt();
    const before = transactions(file);
    const first = journal.append(intent('d0'));
    await new Promise(setImmediate);
    const during = Array.from({ length: 64 }, (_, n) => journal.append(intent(`d${n + 1}`)));
    await Promise.all([first, ...during]);
    expect(transactions(file) - before).toBe(2);
  });

  test('a row reads back as it was when it was appended', async () => {
    const { journal, file } = await journalAt();
    const row = { ...intent('d1') };
    const done = journal.append(row);
    row.operation = 'changed since';
    await done;
    expect(recorded(file).rows[0]?.row).toEqual(intent('d1'));
  });

  test("a row that JSON cannot hold is its writer's error, and nothing else's", async () => {
    const { journal } = await journalAt();
    await expect(journal.append({ kind: 'system', at: 1, event: 'x', detail: { n: 1n } })).rejects.toThrow(TypeError);
    expect(await journal.append(intent('d1'))).toMatchObject({ number: 1 });
  });

  test('beyond the queue rows are refused at once, and reserved rows have a share of their own', async () => {
    const { journal, file } = await journalAt();
    const rows = Array.from({ length: 4096 }, (_, n) => journal.append(outcome(`d${n}`)));
    await expect(journal.append(intent('late'))).rejects.toThrow(/the queue is full: 4096 rows wait/);
    expect(journal.state().writable).toBe(true);
    const reserved = journal.append(outcome('undo'), { reserved: true });
    expect(await reserved).toMatchObject({ number: 4097 });
    await Promise.all(rows);
    expect(recorded(file).verdict).toMatchObject({ intact: true, rows: 4097 });
  });
});

describe('a journal that cannot be written', () => {
  test('refuses, says so, and is well again by itself', async () => {
    const { journal, file, time } = await journalAt();
    await journal.append(intent('d1'));
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const states: JournalState[] = [];
    journal.onState((state) => states.push(state));
    const refused = await journal.append(intent('d2')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JournalUnavailable);
    expect(refused).toMatchObject({ code: 'journal-unavailable', message: expect.stringMatching(/is locked/) });
    expect(journal.state()).toEqual({ writable: false, why: expect.stringMatching(/is locked/) });
    await expect(journal.append(intent('d3'))).rejects.toThrow(/is locked/);
    other.close();
    const well = nextState(journal);
    time.advance(1000);
    expect(await well).toEqual({ writable: true });
    expect(await journal.append(intent('d4'))).toMatchObject({ number: 2 });
    expect(states.map(({ writable }) => writable)).toEqual([false, true]);
    expect(recorded(file).verdict).toMatchObject({ intact: true, rows: 2 });
  });

  test('a full one takes the rows that close what was begun', async () => {
    const { journal, file } = await journalAt({ limits: { maxBytes: 300_000, reserveBytes: 170_000 } });
    let last = 0;
    await expect(
      (async () => {
        for (;;) last = (await journal.append(intent(`d${last}`))).number;
      })(),
    ).rejects.toThrow(JournalUnavailable);
    expect(last).toBeGreaterThan(20);
    expect(journal.state()).toEqual({ writable: false, why: expect.stringMatching(/^the journal is full/) });
    const closing = Array.from({ length: last }, (_, n) => journal.append(outcome(`d${n}`), { reserved: true }));
    expect((await Promise.all(closing)).map(({ number }) => number)).toEqual(closing.map((_, n) => last + 1 + n));
    expect(journal.state().writable).toBe(false);
    expect(await journal.prune(1e15, last * 2)).toBe(last * 2);
    expect(recorded(file).verdict).toMatchObject({ intact: true, rows: 0 });
  });

  test('at start it opens, refuses, and takes up the old chain when it can', async () => {
    const folder = join(temporaryFolder(), 'disk');
    const first = await journalAt({ file: join(folder, 'journal.sqlite') });
    await first.journal.append(intent('d1'));
    await first.journal.close();
    renameSync(folder, `${folder}-away`);
    writeFileSync(folder, 'in the way');
    const { journal, time } = await journalAt({ file: first.file });
    expect(journal.state()).toEqual({ writable: false, why: expect.stringMatching(/EEXIST|ENOTDIR/) });
    expect(journal.openIntents()).toEqual([]);
    await expect(journal.append(intent('d2'))).rejects.toThrow(JournalUnavailable);
    rmSync(folder);
    renameSync(`${folder}-away`, folder);
    const well = nextState(journal);
    time.advance(1000);
    expect(await well).toEqual({ writable: true });
    expect(journal.openIntents()).toMatchObject([{ number: 1, row: { decision: 'd1' } }]);
    expect(await journal.append(outcome('d1'))).toMatchObject({ number: 2 });
  });

  test('a disk that hangs is said after a while, and its rows are still answered', async () => {
    const { journal, file, time } = await journalAt({ stallMs: 300 });
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const row = journal.append(intent('d1'));
    await new Promise(setImmediate);
    const stalled = nextState(journal);
    time.advance(300);
    expect(await stalled).toEqual({ writable: false, why: 'a flush takes longer than 300 ms' });
    await expect(journal.append(intent('d2'))).rejects.toThrow('a flush takes longer than 300 ms');
    other.close();
    expect(await row).toMatchObject({ number: 1 });
    expect(journal.state()).toEqual({ writable: true });
  });
});

describe('a thread that ends', () => {
  test('with rows in hand: they are refused, and are not in the record of the next thread', async () => {
    const workers = catchWorkers();
    const { journal, file, time } = await journalAt();
    await journal.append(intent('d1'));
    const lost = Array.from({ length: 50 }, (_, n) => journal.append(intent(`lost${n}`)));
    await new Promise(setImmediate);
    await workers.at(-1)?.terminate();
    const answers = await Promise.allSettled(lost);
    const kept = answers.filter(({ status }) => status === 'fulfilled').length;
    expect(journal.state().writable).toBe(false);
    const well = nextState(journal);
    time.advance(1000);
    expect(await well).toEqual({ writable: true });
    expect(await journal.append(intent('d2'))).toMatchObject({ number: 2 + kept });
    const { verdict, rows } = recorded(file);
    expect(verdict).toMatchObject({ intact: true, rows: 2 + kept });
    expect(rows.at(-1)?.row).toEqual(intent('d2'));
    await journal.close();
  });

  test('while retention works: it says so', async () => {
    const workers = catchWorkers();
    const { journal } = await journalAt();
    await workers.at(-1)?.terminate();
    await expect(journal.prune(0, 0)).rejects.toMatchObject({ code: 'store-unavailable' });
    await expect(journal.append(intent('d1'))).rejects.toThrow(JournalUnavailable);
  });
});

test('retention that finds the disk locked says so, and the state with it', async () => {
  const { journal, file } = await journalAt();
  await journal.append(refusal('r1'));
  const other = new Sqlite(file);
  other.exec('BEGIN IMMEDIATE');
  await expect(journal.prune(1e15, 1)).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(journal.state().writable).toBe(false);
  other.close();
});

describe('notes', () => {
  test('are in their place among the rows', async () => {
    const { journal, file } = await journalAt();
    journal.note(refusal('r1'));
    await journal.append(intent('d1'));
    journal.note(refusal('r2'));
    await journal.close();
    expect(recorded(file).rows.map(({ row }) => row)).toEqual([refusal('r1'), intent('d1'), refusal('r2')]);
  });

  test('beyond their quota are counted, and the record says so once an hour', async () => {
    const { journal, file, time } = await journalAt({ limits: { noteRows: 2 } });
    for (const name of ['r1', 'r2', 'r3', 'r4']) journal.note(refusal(name));
    await journal.append(intent('d1'));
    expect(journal.notesLost()).toBe(2);
    expect(journal.state()).toEqual({ writable: true });
    const since = time.clock.now();
    time.advance(5);
    await journal.append(outcome('d1'));
    journal.note(refusal('r5'));
    await journal.append(intent('d2'));
    await journal.append(outcome('d2'));
    time.advance(3_600_000);
    await journal.append(intent('d3'));
    await journal.close();
    const told = recorded(file).rows.flatMap(({ row }) => (row.kind === 'system' ? [row] : []));
    expect(told).toEqual([
      { kind: 'system', event: 'notes-lost', at: since + 5, detail: { count: 2, since } },
      { kind: 'system', event: 'notes-lost', at: since + 3_600_005, detail: { count: 1, since: since + 5 } },
    ]);
  });

  test('while it cannot be written are lost, counted and told of at the end', async () => {
    const { journal, file, time } = await journalAt();
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    await journal.append(intent('d1')).catch(() => {});
    journal.note(refusal('r1'));
    other.close();
    const well = nextState(journal);
    time.advance(1000);
    await well;
    expect(journal.notesLost()).toBe(1);
    await journal.close();
    expect(recorded(file).rows).toMatchObject([{ number: 1, row: { event: 'notes-lost', detail: { count: 1 } } }]);
  });

  test('that JSON cannot hold are lost too', async () => {
    const { journal } = await journalAt();
    expect(() => journal.note({ kind: 'system', at: 1, event: 'x', detail: { n: 1n } })).not.toThrow();
    expect(journal.notesLost()).toBe(1);
  });
});

test('close flushes what is queued, then refuses', async () => {
  const { journal, file } = await journalAt();
  const rows = Array.from({ length: 10 }, (_, n) => journal.append(intent(`d${n}`)));
  const closed = journal.close();
  await expect(journal.append(intent('late'))).rejects.toThrow('the journal is closed');
  journal.note(refusal('late'));
  await closed;
  expect(await Promise.all(rows)).toHaveLength(10);
  expect(recorded(file).verdict).toMatchObject({ intact: true, rows: 10 });
  await expect(journal.append(intent('later'), { reserved: true })).rejects.toThrow(JournalUnavailable);
});

test('a listener that went is not told', async () => {
  const { journal, file } = await journalAt();
  const listener = vi.fn();
  journal.onState(listener)();
  const other = new Sqlite(file);
  other.exec('BEGIN IMMEDIATE');
  await journal.append(intent('d1')).catch(() => {});
  other.close();
  expect(listener).not.toHaveBeenCalled();
});

test('a file that is not ours is refused with a fault', async () => {
  const file = join(temporaryFolder(), 'journal.sqlite');
  new Sqlite(file).exec('CREATE TABLE x (y)').close();
  await expect(openJournal({ file })).rejects.toMatchObject({ code: 'store-not-ours' });
});
