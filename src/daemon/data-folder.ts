// The gateway's folder: made if it is not there, and held by one gateway alone, because the record and the floor of policy
// have one writer. Invariant: the kernel drops the hold with the process, however that ends.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { StartFault } from '../contract/driver.ts';
import { Sqlite } from '../store/sqlite.ts';

interface HeldFolder {
  release(): void;
}

/** @throws StartFault where it cannot be made, or another gateway holds it */
export function holdDataFolder(folder: string): HeldFolder {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new StartFault('data-folder', `cannot make the data folder \`${folder}\`: ${(error as Error).message}`);
  }
  // Node has no file locks; an exclusive transaction that never ends is one.
  const lock = openLock(join(folder, 'lock.db'), folder);
  return { release: () => lock.close() };
}

function openLock(file: string, folder: string): Database.Database {
  try {
    const lock = new Sqlite(file, { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      lock.close();
      throw error;
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SQLITE_BUSY') {
      throw new StartFault('data-folder-in-use', `another gateway works in \`${folder}\`; stop it first`);
    }
    throw new StartFault('data-folder', `cannot work in \`${folder}\`: ${(error as Error).message}`, { cause: error });
  }
}
