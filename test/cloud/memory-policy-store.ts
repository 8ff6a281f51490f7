// A PolicyStore on a disk that lives in memory: what is on the disk outlives the store, so that a test can crash and boot.

import type { PolicyStore, StoredPolicy } from '../../src/contract/policy-store.ts';

interface Commit {
  readonly epoch: number;
  readonly revision: number;
  readonly manifestSha256: string;
  readonly manifest: string;
  readonly partHashes: readonly string[];
}

export class MemoryDisk {
  policy: Commit | undefined;
  readonly parts = new Map<string, Uint8Array>();
  readonly settings = new Map<string, string>();
  root: string | undefined;
}

export class Crash extends Error {}

/** Does what lasts; `fail` is asked before and after it. */
export function durably<Operation>(fail: (when: 'before' | 'after', operation: Operation) => void) {
  return async (operation: Operation, run: () => void): Promise<void> => {
    await Promise.resolve();
    fail('before', operation);
    run();
    await Promise.resolve();
    fail('after', operation);
  };
}

/**
 * `fail` is asked before every durable operation and after it; throwing there is a disk that fails (`before`) or a
 * process that dies (`after`: the operation is done, nobody hears of it).
 */
export function openMemoryStore(
  disk: MemoryDisk,
  fail: (when: 'before' | 'after', operation: 'putPart' | 'commit' | 'putSetting' | 'putRoot') => void = () => {},
): PolicyStore {
  const durable = durably(fail);
  return {
    floor: () => disk.policy,
    missing: (hashes) => hashes.filter((hash) => !disk.parts.has(hash)),
    part: (hash) => disk.parts.get(hash),
    putPart: (hash, bytes) => durable('putPart', () => void disk.parts.set(hash, bytes)),
    commit: (policy) =>
      durable('commit', () => {
        const floor = disk.policy;
        const above =
          !floor || policy.epoch > floor.epoch || (policy.epoch === floor.epoch && policy.revision > floor.revision);
        if (!above) throw new Error('got a policy that is not above the floor');
        const lacking = policy.partHashes.filter((hash) => !disk.parts.has(hash));
        if (lacking.length > 0) throw new Error(`got a policy without part \`${lacking[0]}\``);
        disk.policy = policy;
        for (const hash of disk.parts.keys()) if (!policy.partHashes.includes(hash)) disk.parts.delete(hash);
      }),
    current(): StoredPolicy | undefined {
      if (!disk.policy) return undefined;
      const { partHashes, ...policy } = disk.policy;
      const parts = new Map<string, Uint8Array>();
      for (const hash of partHashes) {
        const bytes = disk.parts.get(hash);
        if (bytes) parts.set(hash, bytes);
      }
      return { ...policy, parts };
    },
    root: () => disk.root,
    putRoot: (bytes) =>
      durable('putRoot', () => {
        disk.root = bytes;
      }),
    setting: (key) => disk.settings.get(key),
    putSetting: (key, value) => durable('putSetting', () => void disk.settings.set(key, value)),
    close: async () => {},
  };
}
