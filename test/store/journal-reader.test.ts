import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JournalReader } from '../../src/contract/journal.ts';
import type { JournalRow } from '../../src/model/journal-row.ts';
import { CHAIN_START, encodeRow } from '../../src/store/chain.ts';
import { JournalCore } from '../../src/store/journal-core.ts';
import { exportRows } from '../../src/store/journal-export.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { verifyChain } from '../../src/store/journal-verify.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { intent, outcome, refusal, smallLimits, temporaryFolder } from './store-rig.ts';

function journalOf(rows: readonly JournalRow[]): string {
  const file = join(temporaryFolder(), 'journal.sqlite');
  const core = new JournalCore({ file, limits: smallLimits });
  core.probe();
  const { why } = core.write(rows.map((row) => ({ row: encodeRow(row), space: 'change' })));
  expect(why).toBeUndefined();
  core.close();
  return file;
}

function reading<T>(file: string, read: (reader: JournalReader) => T): T {
  const reader = openJournalReader(file);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

const rows: readonly JournalRow[] = [
  intent('d1', ['a', 'b'], 10),
  outcome('d1', 20),
  refusal('d2', 'x', 30),
  {
    kind: 'session',
    at: 40,
    event: 'opened',
    session: 's1',
    principal: 'anna',
    address: '127.0.0.1',
    who: intent('').who,
  },
  intent('d3', ['b', 'c'], 25),
  { kind: 'system', at: 50, event: 'started', detail: { version: '1' } },
];

describe('rows', () => {
  const file = () => journalOf(rows);
  test.each([
    ['all', {}, [1, 2, 3, 4, 5, 6]],
    ['newest first', { newestFirst: true, limit: 2 }, [6, 5]],
    ['a window', { after: 1, before: 5 }, [2, 3, 4]],
    ['a kind', { kind: 'intent' }, [1, 5]],
    ['a principal', { principal: 'anna' }, [1, 4, 5]],
    ['any target, not only the first', { target: 'b' }, [1, 5]],
    ['a target, newest first, after', { target: 'b', newestFirst: true, after: 1 }, [5]],
    ['a decision', { decision: 'd1' }, [1, 2]],
    ['a time: since inclusive, until exclusive', { since: 20, until: 30 }, [2, 5]],
    ['several at once', { kind: 'intent', target: 'b', since: 11 }, [5]],
    ['nothing', { principal: "anna' OR 1=1" }, []],
  ] as const)('of %s', (_name, query, numbers) => {
    const found = reading(file(), (reader) => reader.rows({ limit: 10, ...query }));
    expect(found.map(({ number }) => number)).toEqual(numbers);
    for (const { number, row } of found) expect(row).toEqual(rows[number - 1]);
  });
});

describe('verify', () => {
  test('an intact journal, across chunks, and an empty one', () => {
    const many = Array.from({ length: 1500 }, (_, index) => intent(`d${index}`));
    reading(journalOf(many), (reader) => {
      expect(reader.verify()).toEqual({ intact: true, rows: 1500, head: reader.head()?.hash });
    });
    reading(journalOf([]), (reader) => {
      expect(reader.verify()).toMatchObject({ intact: true, rows: 0 });
      expect(reader.head()).toBeUndefined();
    });
  });

  test.each([
    [
      'a changed body',
      `UPDATE row SET body = replace(body, 'anna', 'benn') WHERE number = 3 OR number = 5`,
      5,
      /hash is/,
    ],
    ['a changed hash', `UPDATE row SET hash = zeroblob(32) WHERE number = 2`, 2, /hash is/],
    ['a removed row', 'DELETE FROM row WHERE number = 4', 4, /row 4 is missing: the next one is 5/],
    ['a removed start', 'DELETE FROM row WHERE number < 3', 1, /row 1 is missing/],
    [
      'a hidden principal',
      `UPDATE row SET principal = 'x' WHERE number = 4`,
      4,
      /column principal is `x`, expected `anna`/,
    ],
    ['a hidden decision', 'UPDATE row SET decision = NULL WHERE number = 2', 2, /column decision/],
    ['a shifted time', 'UPDATE row SET at = 1 WHERE number = 6', 6, /column at/],
    ['a hidden kind', `UPDATE row SET kind = 'system' WHERE number = 1`, 1, /column kind/],
    ['a hidden target', `DELETE FROM row_target WHERE number = 5 AND target = 'c'`, 5, /target `c`/],
    ['bytes that are no UTF-8', `UPDATE row SET body = CAST(x'7bff7d' AS TEXT) WHERE number = 3`, 3, /hash is/],
    ['a lost anchor', 'DELETE FROM anchor', 1, /the anchor is missing/],
  ] as const)('names %s', (_name, damage, firstBroken, why) => {
    const file = journalOf(rows);
    new Sqlite(file).exec(`DROP TRIGGER row_never_changes; ${damage}`).close();
    const verdict = reading(file, (reader) => reader.verify());
    expect(verdict).toEqual({ intact: false, firstBroken, why: expect.stringMatching(why) });
  });

  test('names a row whose chained bytes are no row', () => {
    const file = join(temporaryFolder(), 'journal.sqlite');
    const core = new JournalCore({ file, limits: smallLimits });
    core.probe();
    const good = encodeRow(intent('d1'));
    core.write([good, { ...good, body: '{' }].map((row) => ({ row, space: 'change' })));
    core.close();
    reading(file, (reader) => {
      expect(reader.verify()).toEqual({ intact: false, firstBroken: 2, why: 'the body cannot be decoded' });
      expect(() => reader.rows({ limit: 5 })).toThrow(expect.objectContaining({ code: 'store-corrupt' }));
    });
  });

  test('goes on from the anchor where retention overtook it', () => {
    const file = journalOf(Array.from({ length: 20 }, (_, index) => refusal(`r${index}`)));
    const core = new JournalCore({ file, limits: smallLimits });
    core.probe();
    expect(core.prune(1e15, 12, 100)).toBe(12);
    core.close();
    const database = new Sqlite(file, { readonly: true });
    const beforeRetention = { number: 0, hash: CHAIN_START };
    expect(verifyChain(database, beforeRetention)).toMatchObject({ intact: true, rows: 8 });
    database.close();
  });

  test('a page that the disk lost: named by reading, and not continued by the writer', () => {
    const file = journalOf(Array.from({ length: 2000 }, (_, index) => intent(`d${index}`)));
    const handle = openSync(file, 'r+');
    for (let at = 40 * 4096; at < 400 * 4096; at += 4096) writeSync(handle, Buffer.alloc(4096, 0xa5), 0, 4096, at);
    closeSync(handle);
    expect(reading(file, (reader) => reader.verify())).toEqual({
      intact: false,
      firstBroken: expect.any(Number),
      why: expect.stringMatching(/^cannot be read: /),
    });
    const core = new JournalCore({ file, limits: smallLimits });
    expect(core.probe()).toMatch(/corrupt|broken/);
    core.close();
  });

  test('a row is never changed by accident', () => {
    const database = new Sqlite(journalOf(rows));
    expect(() => database.exec('UPDATE row SET at = 0')).toThrow('a journal row is never changed');
    database.close();
  });
});

describe('export', () => {
  const text = (file: string, format: 'ndjson' | 'csv', query = {}) =>
    reading(file, (reader) => [...exportRows(reader, format, query)]);

  test('NDJSON has every row whole, page after page', () => {
    const many = Array.from({ length: 1203 }, (_, index) => intent(`d${index}`));
    const lines = text(journalOf(many), 'ndjson');
    expect(lines.map((line) => JSON.parse(line).row)).toEqual(many);
    expect(lines.map((line) => JSON.parse(line).number)).toEqual(many.map((_, index) => index + 1));
    expect(text(journalOf(many), 'ndjson', { limit: 7, after: 3 })).toEqual(lines.slice(3, 10));
  });

  test('CSV has a line for each effect', () => {
    const lines = text(journalOf(rows), 'csv');
    expect(lines[0]).toMatch(/^"number","time","kind",/);
    expect(lines.slice(1).map((line) => line.split(',')[0])).toEqual(['1', '1', '2', '3', '4', '5', '5', '6']);
    expect(lines[1]).toContain('"a",,"point.write",20,21.5');
    expect(lines.every((line) => line.endsWith('\r\n'))).toBe(true);
  });

  test.each([
    ['=1+1', `"'=1+1"`],
    ['+1+1', `"'+1+1"`],
    ['-2+3', `"'-2+3"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\t=1', `"'\t=1"`],
    ['\r\n=1', `"'\r\n=1"`],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
    ['\uff1d1', `"'\uff1d1"`],
    ['-5', '"-5"'],
    ['a "b", c', '"a ""b"", c"'],
  ])('CSV disarms `%s`', (detail, cell) => {
    const [, line] = text(journalOf([refusal('d1', detail)]), 'csv');
    expect(line).toContain(`,${cell},`);
  });

  test('CSV writes wrapped and unknown values', () => {
    const effect = { target: 't', action: 'point.write' };
    const row: JournalRow = {
      ...intent('d1'),
      effects: [
        { ...effect, oldUnknown: 'timeout', new: { integer: '-9007199254740993' } },
        { ...effect, old: { float: '-Infinity' }, new: null },
        { ...effect, old: true, new: -5 },
      ],
    };
    const lines = text(journalOf([row]), 'csv').join('');
    expect(lines).toContain('"unknown: timeout","-9007199254740993"');
    expect(lines).toContain(`"'-Infinity",,`);
    expect(lines).toContain('true,-5');
  });
});
