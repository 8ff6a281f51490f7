import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDatabase, openForReading, type Schema } from '../../src/store/database.ts';
import { openJournal } from '../../src/store/journal.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { journalSchema } from '../../src/store/journal-schema.ts';
import { policySchema } from '../../src/store/policy-schema.ts';
import { openPolicyStore } from '../../src/store/policy-store.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { intent, smallLimits, temporaryFolder } from './store-rig.ts';

const schema: Schema = {
  name: 'test',
  applicationId: 77,
  migrations: [
    'CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)',
    'ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1',
    'CREATE TABLE b AS SELECT x + y AS z FROM a',
  ],
};
const upTo = (count: number): Schema => ({ ...schema, migrations: schema.migrations.slice(0, count) });

describe('migrations', () => {
  test.each([0, 1, 2, 3])('bring version %i up to the newest, and run once', (version) => {
    const file = join(temporaryFolder(), 'a.sqlite');
    if (version > 0) openDatabase(file, upTo(version)).close();
    openDatabase(file, schema).close();
    const database = openDatabase(file, schema);
    expect(database.pragma('user_version', { simple: true })).toBe(3);
    expect(database.prepare('SELECT z FROM b').pluck().all()).toEqual([3]);
    database.close();
  });

  test('that fail leave the version they started from', () => {
    const file = join(temporaryFolder(), 'a.sqlite');
    openDatabase(file, upTo(1)).close();
    const broken = { ...schema, migrations: [schema.migrations[0] ?? '', 'CREATE TABLE b (x); SELECT nothing'] };
    expect(() => openDatabase(file, broken)).toThrow(/syntax error/);
    const database = openDatabase(file, upTo(1));
    expect(database.prepare(`SELECT name FROM sqlite_schema`).pluck().all()).toEqual(['a']);
    database.close();
  });
});

describe('a file that is not to be opened', () => {
  test('of a newer program is refused and left alone', () => {
    const file = join(temporaryFolder(), 'a.sqlite');
    openDatabase(file, schema).close();
    const before = readFileSync(file);
    const refused = expect.objectContaining({ code: 'store-too-new', message: expect.stringMatching(/has version 3/) });
    expect(() => openDatabase(file, upTo(2))).toThrow(refused);
    expect(() => openForReading(file, upTo(2))).toThrow(refused);
    expect(readFileSync(file)).toEqual(before);
  });

  test.each([
    ['of another kind', (file: string) => openDatabase(file, { ...schema, applicationId: 78 }).close()],
    ['of somebody else', (file: string) => void new Sqlite(file).exec('CREATE TABLE x (y)').close()],
    ['that is no database', (file: string) => writeFileSync(file, 'dear diary, '.repeat(1000))],
  ])('%s is refused and left alone', (_name, make) => {
    const file = join(temporaryFolder(), 'a.sqlite');
    make(file);
    chmodSync(file, 0o640);
    const before = readFileSync(file);
    expect(() => openDatabase(file, schema)).toThrow(expect.objectContaining({ code: 'store-not-ours' }));
    expect(() => openForReading(file, schema)).toThrow(expect.objectContaining({ code: 'store-not-ours' }));
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readFileSync(file)).toEqual(before);
  });

  test('that is not there, or older, is not made or migrated by a reader', () => {
    const file = join(temporaryFolder(), 'a.sqlite');
    expect(() => openForReading(file, schema)).toThrow(expect.objectContaining({ code: 'store-unavailable' }));
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
    openDatabase(file, upTo(1)).close();
    expect(() => openForReading(file, schema)).toThrow(/has version 1, expected 3/);
  });
});

test('files are for their owner alone, also where they were not before', () => {
  const folder = join(temporaryFolder(), 'new');
  const file = join(folder, 'a.sqlite');
  openDatabase(file, schema).close();
  chmodSync(file, 0o664);
  const database = openDatabase(file, schema);
  database.exec('INSERT INTO b VALUES (9)');
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(file + suffix).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(database.pragma('synchronous', { simple: true })).toBe(2);
  database.close();
});

/** Databases as earlier versions of the program left them, kept as SQL. */
describe('databases of earlier versions', () => {
  const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.sql`, import.meta.url), 'utf8');

  test.each(journalSchema.migrations.map((_, index) => index + 1))(
    'a journal of version %i goes on',
    async (version) => {
      const file = join(temporaryFolder(), 'journal.sqlite');
      new Sqlite(file).exec(fixture(`journal-v${version}`)).close();
      const journal = await openJournal({ file, limits: smallLimits });
      expect(journal.openIntents().map(({ row }) => row)).toMatchObject([{ decision: 'd2' }]);
      expect(await journal.append(intent('d9'))).toMatchObject({ number: 6 });
      await journal.close();
      const reader = openJournalReader(file);
      expect(reader.verify()).toMatchObject({ intact: true, rows: 5 });
      expect(reader.rows({ limit: 9, target: 'ahu1/sat-sp' }).map(({ number }) => number)).toEqual([2, 4, 5, 6]);
      reader.close();
    },
  );

  test.each(policySchema.migrations.map((_, index) => index + 1))(
    'a policy store of version %i goes on',
    async (version) => {
      const file = join(temporaryFolder(), 'policy.sqlite');
      new Sqlite(file).exec(fixture(`policy-v${version}`)).close();
      const store = await openPolicyStore(file);
      expect(store.current()).toEqual({
        epoch: 1,
        revision: 4,
        manifestSha256: 'm4',
        manifest: 'e.y.J',
        parts: new Map([['2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', Buffer.from('hello')]]),
      });
      expect(store.root()).toBe('{"root":1}');
      expect(store.setting('clock.floor')).toBe('1700000000000');
      await store.close();
    },
  );
});
