// Opens one SQLite file for writing. Invariants: 1. a file that is not ours is left as it was; 2. a commit is on disk
// when it returns (WAL, synchronous=FULL, directory entry included); 3. migrations run forward only, each in one
// transaction; 4. nobody but the owner may read the file.

import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { Sqlite } from './sqlite.ts';
import { asStoreFault, StoreFault } from './store-fault.ts';

/** The shape of one kind of database: SQLite's `application_id`, and migrations, the first of which makes version 1. */
export interface Schema {
  readonly name: string;
  readonly applicationId: number;
  readonly migrations: readonly string[];
}

const BUSY_TIMEOUT_MS = 1000;
/** What the write-ahead log is cut back to after it grew beyond. */
const LOG_BYTES = 16 * 1024 * 1024;

/**
 * The open database, brought to the newest version of its schema; made if it does not exist.
 * @throws StoreFault `store-not-ours`, `store-too-new`, `store-corrupt`, `store-unavailable`
 */
export function openDatabase(file: string, schema: Schema): Database.Database {
  let database: Database.Database | undefined;
  try {
    makeFile(file);
    database = new Sqlite(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    database.pragma('trusted_schema = OFF');
    const version = versionOf(database, file, schema);
    makePrivate(file);
    const mode = database.pragma('journal_mode = WAL', { simple: true });
    if (mode !== 'wal') {
      throw new StoreFault('store-unavailable', `\`${file}\` got journal mode \`${mode}\`, expected \`wal\``);
    }
    database.pragma('synchronous = FULL');
    database.pragma(`journal_size_limit = ${LOG_BYTES}`);
    database.pragma('foreign_keys = ON');
    migrate(database, schema, version);
    return database;
  } catch (thrown) {
    database?.close();
    throw asStoreFault(thrown, file);
  }
}

/**
 * A connection that cannot write, beside the writer's.
 * @throws StoreFault as `openDatabase`; also for an older version, which only the writer can migrate
 */
export function openForReading(file: string, schema: Schema): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    database.pragma('trusted_schema = OFF');
    const version = versionOf(database, file, schema);
    if (version < schema.migrations.length) {
      const expected = schema.migrations.length;
      throw new StoreFault(
        'store-unavailable',
        `\`${file}\` has version ${version}, expected ${expected}: start the gateway once to bring it up to date`,
      );
    }
    return database;
  } catch (thrown) {
    database?.close();
    throw asStoreFault(thrown, file);
  }
}

/** Makes the names within a directory durable. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** 0 for a new, empty database. */
function versionOf(database: Database.Database, file: string, schema: Schema): number {
  const applicationId = database.pragma('application_id', { simple: true });
  const version = Number(database.pragma('user_version', { simple: true }));
  const objects = database.prepare<[], number>('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (applicationId === 0 && version === 0 && objects === 0) return 0;
  if (applicationId !== schema.applicationId) {
    throw new StoreFault(
      'store-not-ours',
      `\`${file}\` has application id \`${applicationId}\`, expected \`${schema.applicationId}\` (${schema.name})`,
    );
  }
  if (version > schema.migrations.length) {
    throw new StoreFault(
      'store-too-new',
      `\`${file}\` has version ${version}, expected at most ${schema.migrations.length}: a newer program wrote it`,
    );
  }
  return version;
}

function migrate(database: Database.Database, schema: Schema, from: number): void {
  for (const [index, statements] of schema.migrations.entries()) {
    if (index < from) continue;
    database
      .transaction(() => {
        database.exec(statements);
        database.pragma(`application_id = ${schema.applicationId}`);
        database.pragma(`user_version = ${index + 1}`);
      })
      .immediate();
  }
}

/** Once it is known to be ours; the files SQLite keeps beside it included. */
function makePrivate(file: string): void {
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(path, 0o600);
  }
}

/** SQLite gives its WAL and shared-memory files the mode of the database, so one file is enough. */
function makeFile(file: string): void {
  const directory = dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
  syncDirectory(directory);
}
