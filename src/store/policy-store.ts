// Policy between boots ("persist, then swap"): a thread writes, and what is committed is read here.
// Invariant: what a promise here said is done is what the next read gives.

import type { CommandMemory, RememberedCommand } from '../contract/command-memory.ts';
import type { PolicyFloor, PolicyStore } from '../contract/policy-store.ts';
import { openForReading } from './database.ts';
import { SELECT_FLOOR } from './policy-core.ts';
import { policySchema } from './policy-schema.ts';
import type { PolicyOrder } from './policy-worker.ts';
import { RestingLine, type ThreadAnswer } from './resting-line.ts';
import type { ThreadData } from './thread-orders.ts';
import { WorkerLine } from './worker-line.ts';

/**
 * The store in `file`, made if there is none. Its promises reject with a `StoreFault`: `policy-below-floor`,
 * `policy-equivocation`, `policy-part-missing`, `policy-part-mismatch`, `command-known`, `store-unavailable`, `store-corrupt`;
 * then nothing of what was asked is kept.
 * @throws StoreFault `store-not-ours`, `store-too-new`, `store-corrupt`, `store-unavailable`
 */
export async function openPolicyStore(file: string): Promise<PolicyStore & CommandMemory> {
  const data: ThreadData = { file };
  const start = () => new WorkerLine<PolicyOrder, ThreadAnswer>('policy-worker', data);
  const line = new RestingLine<PolicyOrder>(file, start, { kind: 'close' });
  try {
    await line.order({ kind: 'open' });
    return storeOver(file, line);
  } catch (fault) {
    await line.close();
    throw fault;
  }
}

function storeOver(file: string, line: RestingLine<PolicyOrder>): PolicyStore & CommandMemory {
  const order = (what: PolicyOrder) => line.order(what);
  const database = openForReading(file, policySchema);
  const floor = database.prepare<[], PolicyFloor>(SELECT_FLOOR);
  const hasPart = database.prepare<[string], number>('SELECT 1 FROM part WHERE sha256 = ?').pluck();
  const part = database.prepare<[string], Buffer>('SELECT bytes FROM part WHERE sha256 = ?').pluck();
  const policy = database.prepare<[], PolicyFloor & { manifest: string }>(
    'SELECT epoch, revision, manifest_sha256 AS manifestSha256, manifest FROM policy',
  );
  const parts = database.prepare<[], { sha256: string; bytes: Buffer }>(
    'SELECT sha256, bytes FROM policy_part JOIN part USING (sha256) ORDER BY sha256',
  );
  const root = database.prepare<[], string>('SELECT bytes FROM root').pluck();
  const setting = database.prepare<[string], string>('SELECT value FROM setting WHERE key = ?').pluck();
  const columns = 'SELECT id, sha256, until, result FROM command';
  const command = database.prepare<[string], RememberedCommand>(`${columns} WHERE id = ?`);
  const underWay = database.prepare<[], RememberedCommand>(`${columns} WHERE result IS NULL ORDER BY id`);
  const commandCount = database.prepare<[], number>('SELECT count(*) FROM command').pluck();
  const current = database.transaction(() => {
    const found = policy.get();
    if (found === undefined) return undefined;
    return { ...found, parts: new Map(parts.all().map(({ sha256, bytes }) => [sha256, bytes])) };
  });
  let closed: Promise<void> | undefined;
  return {
    floor: () => floor.get(),
    missing: (hashes) => hashes.filter((hash) => hasPart.get(hash) === undefined),
    part: (hash) => part.get(hash),
    putPart: (hash, bytes) => order({ kind: 'put-part', hash, bytes }),
    commit: (next) => order({ kind: 'commit', policy: next }),
    current: () => current(),
    root: () => root.get(),
    putRoot: (bytes) => order({ kind: 'put-root', bytes }),
    setting: (key) => setting.get(key),
    putSetting: (key, value) => order({ kind: 'put-setting', key, value }),
    command: (id) => command.get(id),
    commandCount: () => commandCount.get() ?? 0,
    commandsUnderWay: () => underWay.all(),
    beginCommand: (begun) => order({ kind: 'begin-command', command: begun }),
    endCommand: (id, result) => order({ kind: 'end-command', id, result }),
    forgetCommands: (at) => order({ kind: 'forget-commands', at }),
    close() {
      if (closed === undefined) database.close();
      closed ??= line.close();
      return closed;
    },
  };
}
