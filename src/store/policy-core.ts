// The policy store's writer, synchronous. Invariants: 1. a commit is one transaction, and refuses what is not above the
// floor; 2. bytes are kept only under the hash they have; 3. parts go only when a commit no longer names them; 4. a part is
// on disk when a commit that names it is: both lie in one write-ahead log, in their order, so one flush is enough.

import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { RememberedCommand } from '../contract/command-memory.ts';
import type { PolicyFloor } from '../contract/policy-store.ts';
import { openDatabase } from './database.ts';
import { policySchema } from './policy-schema.ts';
import { asStoreFault, errorCode, StoreFault } from './store-fault.ts';

export interface PolicyCommit extends PolicyFloor {
  readonly manifest: string;
  readonly partHashes: readonly string[];
}

interface PolicyCore {
  /** @throws StoreFault `policy-part-mismatch` */
  putPart(hash: string, bytes: Uint8Array): void;
  /** @throws StoreFault `policy-below-floor`, `policy-equivocation`, `policy-part-missing`, `policy-part-mismatch` */
  commit(policy: PolicyCommit): void;
  /** After a commit, when nobody waits any more. */
  tidy(): void;
  putRoot(bytes: string): void;
  putSetting(key: string, value: string): void;
  /** @throws StoreFault `command-known` */
  beginCommand(command: Omit<RememberedCommand, 'result'>): void;
  endCommand(id: string, result: string): void;
  forgetCommands(at: number): void;
  close(): void;
}

export const SELECT_FLOOR = 'SELECT epoch, revision, manifest_sha256 AS manifestSha256 FROM policy';

/** @throws StoreFault as `openDatabase` */
export function openPolicyCore(file: string): PolicyCore {
  const database = openDatabase(file, policySchema);
  const floor = database.prepare<[], PolicyFloor>(SELECT_FLOOR);
  const hasPart = database.prepare<[string], number>('SELECT 1 FROM part WHERE sha256 = ?').pluck();
  const putPart = database.prepare(
    'INSERT INTO part (sha256, bytes) VALUES (?, ?) ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes',
  );
  const isNamed = database.prepare<[string], number>('SELECT 1 FROM policy_part WHERE sha256 = ?').pluck();
  const putPolicy = database.prepare(
    `INSERT INTO policy (one, epoch, revision, manifest_sha256, manifest) VALUES (1, ?, ?, ?, ?)
     ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, revision = excluded.revision,
       manifest_sha256 = excluded.manifest_sha256, manifest = excluded.manifest`,
  );
  const forgetNames = database.prepare('DELETE FROM policy_part');
  const namePart = database.prepare('INSERT OR IGNORE INTO policy_part (sha256) VALUES (?)');
  const dropUnnamed = database.prepare('DELETE FROM part WHERE sha256 NOT IN (SELECT sha256 FROM policy_part)');
  const putRoot = database.prepare(
    'INSERT INTO root (one, bytes) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET bytes = excluded.bytes',
  );
  const putSetting = database.prepare(
    'INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );

  const beginCommand = database.prepare(
    'INSERT INTO command (id, sha256, until) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
  );
  const endCommand = database.prepare('UPDATE command SET result = ? WHERE id = ?');
  const forgetCommands = database.prepare('DELETE FROM command WHERE until <= ? AND result IS NOT NULL');

  const commit = database.transaction((policy: PolicyCommit) => {
    refuseBelow(floor.get(), policy);
    const missing = policy.partHashes.find((hash) => hasPart.get(hash) === undefined);
    if (missing !== undefined) {
      throw new StoreFault('policy-part-missing', `part \`${missing}\` is not here, expected before the commit`);
    }
    putPolicy.run(policy.epoch, policy.revision, policy.manifestSha256, policy.manifest);
    forgetNames.run();
    for (const hash of policy.partHashes) namePart.run(hash);
    dropUnnamed.run();
  });

  const guarded = (work: () => void) => {
    try {
      work();
    } catch (thrown) {
      throw asStoreFault(thrown, file);
    }
  };
  return {
    putPart: (hash, bytes) =>
      guarded(() => {
        const found = createHash('sha256').update(bytes).digest('hex');
        if (found !== hash) throw new StoreFault('policy-part-mismatch', `got hash \`${found}\`, expected \`${hash}\``);
        // The bytes of the policy in force are mended: no commit follows that would flush them.
        if (isNamed.get(hash) !== undefined) putPart.run(hash, bytes);
        else withoutFlush(database, () => putPart.run(hash, bytes));
      }),
    commit: (policy) => guarded(() => commit.immediate(policy)),
    tidy: () => emptyLog(database),
    putRoot: (bytes) => guarded(() => void putRoot.run(wellFormed(bytes))),
    putSetting: (key, value) => guarded(() => void putSetting.run(wellFormed(key), wellFormed(value))),
    beginCommand: ({ id, sha256, until }) =>
      guarded(() => {
        if (beginCommand.run(wellFormed(id), sha256, until).changes === 0) {
          throw new StoreFault('command-known', `got command \`${id}\` again, expected each once`);
        }
      }),
    endCommand: (id, result) => guarded(() => void endCommand.run(wellFormed(result), wellFormed(id))),
    forgetCommands: (at) => guarded(() => void forgetCommands.run(Math.floor(at))),
    close: () => void database.close(),
  };
}

function refuseBelow(floor: PolicyFloor | undefined, policy: PolicyCommit): void {
  if (floor === undefined || policy.epoch > floor.epoch) return;
  if (policy.epoch === floor.epoch && policy.revision > floor.revision) return;
  const got = `(epoch ${policy.epoch}, revision ${policy.revision})`;
  const same = policy.epoch === floor.epoch && policy.revision === floor.revision;
  if (same && policy.manifestSha256 !== floor.manifestSha256) {
    throw new StoreFault(
      'policy-equivocation',
      `got manifest \`${policy.manifestSha256}\` for ${got}, expected \`${floor.manifestSha256}\``,
    );
  }
  throw new StoreFault(
    'policy-below-floor',
    `got ${got}, expected above (epoch ${floor.epoch}, revision ${floor.revision})`,
  );
}

/** What is written is flushed by the next commit, and not in between. */
function withoutFlush(database: Database.Database, write: () => void): void {
  database.pragma('synchronous = NORMAL');
  try {
    write();
  } finally {
    database.pragma('synchronous = FULL');
  }
}

/** Parts are megabytes: the write-ahead log is not left at their size. The commit stands whether or not this succeeds. */
function emptyLog(database: Database.Database): void {
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch (thrown) {
    if (errorCode(thrown) === '') throw thrown;
  }
}

/** A lone surrogate has no UTF-8 form, so that other bytes than the given ones would come back. */
function wellFormed(text: string): string {
  if (Buffer.from(text, 'utf8').toString('utf8') !== text) {
    throw new TypeError('got a text with a lone surrogate, expected one that has a UTF-8 form');
  }
  return text;
}
