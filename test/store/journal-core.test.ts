import { cpSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { JournalRow } from '../../src/model/journal-row.ts';
import { encodeRow } from '../../src/store/chain.ts';
import { type Inheritance, JournalCore } from '../../src/store/journal-core.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import type { JournalLimits, Space } from '../../src/store/journal-space.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { intent, outcome, refusal, smallLimits, temporaryFolder } from './store-rig.ts';

interface Setting {
  readonly file?: string;
  readonly limits?: Partial<JournalLimits>;
  readonly inherited?: Inheritance;
  readonly diskFreeBytes?: () => number;
}

function coreOf({ file = join(temporaryFolder(), 'journal.sqlite'), limits, ...rest }: Setting = {}) {
  const core = new JournalCore({ file, limits: { ...smallLimits, ...limits }, ...rest });
  onTestFinished(() => core.close());
  return { core, file };
}

const write = (core: JournalCore, ...rows: readonly (readonly [JournalRow, Space])[]) =>
  core.write(rows.map(([row, space]) => ({ row: encodeRow(row), space })));

function recorded(file: string) {
  const reader = openJournalReader(file);
  const found = { verdict: reader.verify(), rows: reader.rows({ limit: 10_000 }) };
  reader.close();
  return found;
}
const decisions = (file: string) => recorded(file).rows.map(({ row }) => 'decision' in row && row.decision);

describe('space', () => {
  test('changes end where the reserve begins, reserved rows at the size permitted', () => {
    const { core, file } = coreOf({ limits: { maxBytes: 400_000, reserveBytes: 100_000 } });
    expect(core.probe()).toBeUndefined();
    const fill = (space: Space) => {
      for (let index = 0; ; index += 1) {
        const { answers, why } = write(core, [intent(`${space}${index}`), space]);
        if (typeof answers[0] === 'string') return { index, answer: answers[0], why };
      }
    };
    const changes = fill('change');
    expect(changes.answer).toMatch(/^the journal is full: \d+ bytes, expected at most 300000$/);
    expect(changes.why).toBe(changes.answer);
    expect(core.probe()).toMatch(/^the journal is full/);
    expect(write(core, [refusal('n'), 'note']).answers[0]).toMatch(/^the journal is full/);
    const reserved = fill('reserve');
    expect(reserved.index).toBeGreaterThan(50);
    expect(reserved.answer).toMatch(/expected at most 400000$/);
    expect(core.probe()).toMatch(/^the journal is full/);
    core.close();
    expect(statSync(file).size).toBeLessThanOrEqual(400_000 + 6 * 4096);
    expect(recorded(file).verdict).toMatchObject({ intact: true, rows: changes.index + reserved.index });
  });

  test('notes have a quota of their own, in rows and in bytes, that survives a start', () => {
    const limits = { noteRows: 3 };
    const { core, file } = coreOf({ limits });
    core.probe();
    const notes = (count: number) => Array.from({ length: count }, (_, n) => [refusal(`n${n}`), 'note'] as const);
    const first = write(core, ...notes(2), [intent('d1'), 'change'], ...notes(2));
    expect(first.answers.map((answer) => typeof answer)).toEqual(['object', 'object', 'object', 'object', 'string']);
    expect(first.why).toBeUndefined();
    core.close();
    const second = coreOf({ file, limits: { noteRows: 4 } }).core;
    second.probe();
    expect(write(second, ...notes(2)).answers.map((answer) => typeof answer)).toEqual(['object', 'string']);
    second.close();
    const third = coreOf({ file, limits: { noteBytes: encodeRow(refusal('n0')).cost * 5 } }).core;
    third.probe();
    expect(write(third, ...notes(2)).answers.map((answer) => typeof answer)).toEqual(['object', 'string']);
    expect(write(third, [intent('d2'), 'change']).answers[0]).toMatchObject({ number: 7 });
  });

  test('a disk that others fill stops changes before it is full, and the reserve is not given up for that', () => {
    let free = 1e9;
    const { core, file } = coreOf({ diskFreeBytes: () => free });
    core.probe();
    free = smallLimits.minFreeBytes;
    const answer = write(core, [intent('d1'), 'change'], [outcome('d0'), 'reserve'], [refusal('r'), 'note']);
    expect(answer.answers[0]).toMatch(/^the disk has \d+ bytes free, expected at least 1048576$/);
    expect(answer.answers[1]).toMatchObject({ number: 1 });
    expect(answer.answers[2]).toMatch(/^the disk has/);
    expect(answer.why).toBe(answer.answers[0]);
    expect(core.probe()).toMatch(/^the disk has 1048576 bytes free/);
    free = 0;
    expect(core.probe()).toMatch(/^the disk has 0 bytes free/);
    expect(statSync(`${file}-reserve`).size).toBe(smallLimits.reserveBytes);
    free = 1e9;
    expect(core.probe()).toBeUndefined();
  });

  test('without room for the reserve no change is recorded', () => {
    let free = smallLimits.minFreeBytes + 1000;
    const { core } = coreOf({ diskFreeBytes: () => free });
    expect(core.probe()).toMatch(/no room for the reserve/);
    expect(write(core, [intent('d1'), 'change']).answers[0]).toMatch(/no room for the reserve/);
    free = 1e9;
    expect(core.probe()).toBeUndefined();
  });
});

describe('a file that is not as it was left', () => {
  test('locked by another: refused, and well again when it is free', () => {
    const { core, file } = coreOf();
    core.probe();
    write(core, [intent('d1'), 'change']);
    const other = new Sqlite(file);
    other.exec('BEGIN IMMEDIATE');
    const locked = write(core, [intent('d2'), 'change']);
    expect(locked.answers[0]).toMatch(/database is locked/);
    expect(locked.why).toBe(locked.answers[0]);
    other.close();
    expect(core.probe()).toBeUndefined();
    expect(write(core, [intent('d3'), 'change']).answers[0]).toMatchObject({ number: 2 });
    expect(decisions(file)).toEqual(['d1', 'd3']);
  });

  test('removed, even to an empty one: no new chain is begun behind the back of the old', () => {
    const { core, file } = coreOf();
    core.probe();
    write(core, [intent('d1'), 'change']);
    for (const name of readdirSync(dirname(file)))
      renameSync(join(dirname(file), name), join(dirname(file), `x${name}`));
    expect(write(core, [intent('d2'), 'change']).answers[0]).toMatch(/was removed or replaced/);
    expect(core.probe()).toMatch(/lost row 1, which was acknowledged/);
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    for (const suffix of ['', '-wal', '-shm']) {
      const kept = join(dirname(file), `xjournal.sqlite${suffix}`);
      if (statSync(kept, { throwIfNoEntry: false })) renameSync(kept, file + suffix);
    }
    expect(core.probe()).toBeUndefined();
    expect(write(core, [intent('d3'), 'change']).answers[0]).toMatchObject({ number: 2 });
  });

  test('written by another process: stopped until a start', () => {
    const { core, file } = coreOf();
    core.probe();
    write(core, [intent('d1'), 'change']);
    const other = coreOf({ file }).core;
    other.probe();
    write(other, [intent('d2'), 'change']);
    expect(write(core, [intent('d3'), 'change']).answers[0]).toMatch(/is written by another process/);
    expect(core.probe()).toMatch(/row 2 of .* was written by another process/);
    expect(decisions(file)).toEqual(['d1', 'd2']);
  });

  test('broken near its end: it is not continued', () => {
    const { core, file } = coreOf();
    core.probe();
    write(core, [intent('d1'), 'change'], [intent('d2'), 'change']);
    core.close();
    new Sqlite(file).exec(`DROP TRIGGER row_never_changes; UPDATE row SET body = '{}' WHERE number = 2`).close();
    const again = coreOf({ file }).core;
    expect(again.probe()).toMatch(/row 2 of .* is broken: hash is/);
    expect(write(again, [intent('d3'), 'reserve']).answers[0]).toMatch(/is broken/);
  });

  test('of another program: said by a fault, since no waiting mends it', () => {
    const file = join(temporaryFolder(), 'journal.sqlite');
    new Sqlite(file).exec('CREATE TABLE x (y)').close();
    const { core } = coreOf({ file });
    expect(() => core.probe()).toThrow(expect.objectContaining({ code: 'store-not-ours' }));
  });
});

describe('rows nobody was told about', () => {
  /** A flush that failed after its frames were written: on disk, but refused. */
  function unanswered(rows: readonly JournalRow[], known: readonly JournalRow[] = rows) {
    const { core, file } = coreOf();
    core.probe();
    const [head] = write(core, [intent('d1', ['a']), 'change']).answers;
    if (typeof head !== 'object') throw new Error('the first row was refused');
    write(core, ...rows.map((row) => [row, 'change'] as const));
    core.close();
    const inherited = { head, unanswered: known.map((row) => encodeRow(row).body) };
    return coreOf({ file, inherited });
  }

  test('are taken back, whole', () => {
    const { core, file } = unanswered([outcome('d1'), intent('d2', ['a', 'b'])]);
    expect(core.probe()).toBeUndefined();
    expect(decisions(file)).toEqual(['d1']);
    const database = new Sqlite(file, { readonly: true });
    expect(database.prepare('SELECT target, number FROM row_target').raw().all()).toEqual([['a', 1]]);
    expect(database.prepare('SELECT number, decision FROM open_intent').raw().all()).toEqual([[1, 'd1']]);
    database.close();
    expect(write(core, [intent('d3'), 'change']).answers[0]).toMatchObject({ number: 2 });
    expect(recorded(file).verdict).toMatchObject({ intact: true, rows: 2 });
  });

  test('are left where one of them is not ours', () => {
    const { core, file } = unanswered([intent('d2'), intent('d3')], [intent('d2')]);
    expect(core.probe()).toMatch(/row 3 of .* was written by another process/);
    expect(decisions(file)).toEqual(['d1', 'd2', 'd3']);
  });
});

describe('retention', () => {
  test('removes a prefix that is old and acknowledged, and the chain goes on from its end', () => {
    const { core, file } = coreOf();
    core.probe();
    const rows = Array.from(
      { length: 10 },
      (_, n) => [refusal(`r${n}`, 'x', n * 10), n < 5 ? 'note' : 'change'] as const,
    );
    write(core, ...rows);
    expect(core.prune(1000, 0, 100)).toBe(0);
    expect(core.prune(0, 10, 100)).toBe(0);
    expect(core.prune(1000, 3, 100)).toBe(3);
    expect(core.prune(50, 10, 1)).toBe(1);
    expect(core.prune(50, 10, 100)).toBe(1);
    expect(core.prune(50, 10, 100)).toBe(0);
    expect(recorded(file)).toMatchObject({ verdict: { intact: true, rows: 5 }, rows: [{ number: 6 }, {}, {}, {}, {}] });
    expect(core.prune(1000, 10, 100)).toBe(5);
    const reader = openJournalReader(file);
    expect(reader.head()).toEqual(core.head());
    expect(reader.verify()).toMatchObject({ intact: true, rows: 0 });
    reader.close();
    core.close();
    const again = coreOf({ file }).core;
    expect(again.probe()).toBeUndefined();
    expect(write(again, [refusal('r10'), 'note']).answers[0]).toMatchObject({ number: 11 });
    const database = new Sqlite(file, { readonly: true });
    expect(database.prepare('SELECT number FROM row_target').pluck().all()).toEqual([11]);
    database.close();
  });

  test('gives back the quota of notes', () => {
    const { core } = coreOf({ limits: { noteRows: 1 } });
    core.probe();
    write(core, [refusal('r1'), 'note']);
    expect(typeof write(core, [refusal('r2'), 'note']).answers[0]).toBe('string');
    core.prune(1e12, 1, 10);
    expect(typeof write(core, [refusal('r3'), 'note']).answers[0]).toBe('object');
  });

  test('stops at an intent whose outcome is not known', () => {
    const { core } = coreOf();
    core.probe();
    write(core, [refusal('r1'), 'note'], [intent('d1'), 'change'], [refusal('r2'), 'note']);
    expect(core.prune(1e12, 3, 10)).toBe(1);
    write(core, [outcome('d1'), 'reserve']);
    expect(core.prune(1e12, 4, 10)).toBe(3);
  });
});

test('what a row is charged is no less than what it takes', () => {
  const { core, file } = coreOf();
  core.probe();
  const rows = Array.from({ length: 600 }, (_, n) => [
    intent(`decision-${n}`, [`p${n}`, `q${n % 7}`]),
    outcome(`decision-${n}`),
  ]);
  const before = statSync(file).size;
  for (const pair of rows) write(core, ...pair.map((row) => [row, 'change'] as const));
  core.close();
  const charged = rows.flat().reduce((sum, row) => sum + encodeRow(row).cost, 0);
  expect(statSync(file).size - before).toBeLessThanOrEqual(charged);
  expect(charged).toBeLessThan(2 * statSync(file).size);
});

test('a start after a crash finds the intents without an outcome', () => {
  const { core, file } = coreOf();
  core.probe();
  expect(core.openIntents()).toEqual([]);
  write(core, [intent('d1'), 'change'], [intent('d2'), 'change'], [outcome('d1'), 'reserve'], [intent('d3'), 'change']);
  const crashed = join(temporaryFolder(), 'journal.sqlite');
  for (const suffix of ['', '-wal']) cpSync(file + suffix, crashed + suffix);
  const again = coreOf({ file: crashed }).core;
  again.probe();
  expect(again.openIntents()).toMatchObject([
    { number: 2, row: intent('d2') },
    { number: 4, row: intent('d3') },
  ]);
  write(again, [outcome('d2'), 'reserve'], [outcome('d3'), 'reserve']);
  again.close();
  const third = coreOf({ file: crashed }).core;
  third.probe();
  expect(third.openIntents()).toEqual([]);
});
