// One process of the fleet: the real sync code of many gateways on real time, each with a store and a journal in memory.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClock, systemSource } from '../../src/cloud/clock.ts';
import { type RunningCloud, startCloud } from '../../src/cloud/cloud.ts';
import { type GatewayKeys, openGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import { openRoot, type TrustedRoot } from '../../src/cloud/root.ts';
import type { JournalRow } from '../../src/model/journal-row.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { compileInProcess, selfTestPolicy } from '../cloud/compile-in-process.ts';
import { realTimers } from '../cloud/gateway.ts';
import { MemoryDisk, openMemoryStore } from '../cloud/memory-policy-store.ts';
import { MemoryJournal } from './memory-journal.ts';

interface Assignment {
  readonly url: string;
  readonly root: string;
  readonly gateways: readonly string[];
  /** Journal rows of each; half of them are there at the start, the rest are written in portions. */
  readonly rows: number;
}

export type ToProcess = { readonly is: 'begin'; readonly assignment: Assignment } | { readonly is: 'heads' };

export interface JournalHead {
  readonly gateway: string;
  readonly number: number;
  readonly hash: string;
}

export type FromProcess =
  | { readonly is: 'connected'; readonly count: number }
  | { readonly is: 'heads'; readonly heads: readonly JournalHead[] };

interface Gateway {
  readonly id: string;
  readonly cloud: RunningCloud<PolicySnapshot>;
  readonly journal: MemoryJournal;
}

/** Gateways that connect at the same moment: a site's own power-up is not the storm that is measured. */
const STARTING_AT_ONCE = 50;
/** A quarter of a gateway's rows is written every so often. */
const PORTION_MS = 5_000;

function rowOf(gateway: string, number: number): JournalRow {
  return { kind: 'system', at: Date.now(), event: 'fleet.row', detail: { gateway, number } };
}

/** One pair for all gateways of a process: making keys is not what is measured. */
function processKeys(): GatewayKeys {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-fleet-keys-'));
  try {
    return openGatewayKeys(folder, Date.now());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startGateway(
  id: string,
  { url, rows }: Assignment,
  root: TrustedRoot,
  keys: GatewayKeys,
): Promise<Gateway> {
  const store = openMemoryStore(new MemoryDisk());
  const journal = new MemoryJournal();
  for (let number = 1; number <= Math.ceil(rows / 2); number += 1) journal.append(rowOf(id, number));
  const cloud = await startCloud<PolicySnapshot>({
    gateway: id,
    root,
    store,
    clock: openClock(store, systemSource(true)),
    timers: realTimers,
    log: { write: () => {} },
    compile: compileInProcess,
    selfTest: selfTestPolicy,
    activate: () => {},
    torn: (error) => {
      throw error;
    },
    setLocks: () => {},
    keys,
    journal,
    broker: { url },
    version: '0.0.0-fleet',
  });
  return { id, cloud, journal };
}

const isConnected = ({ cloud }: Gateway): boolean => cloud.status().link.is === 'connected';

/** Waits for its assignment, runs it, and leaves when told. */
export function runGatewayProcess(): void {
  const say = (message: FromProcess): void => void process.send?.(message);
  const gateways: Gateway[] = [];
  let writing: NodeJS.Timeout | undefined;

  const begin = async (given: Assignment): Promise<void> => {
    const root = await openRoot(given.root);
    if (!root.ok) throw new Error(JSON.stringify(root.fault));
    const keys = processKeys();
    setInterval(() => say({ is: 'connected', count: gateways.filter(isConnected).length }), 250);
    for (let next = 0; next < given.gateways.length; next += STARTING_AT_ONCE) {
      const batch = given.gateways.slice(next, next + STARTING_AT_ONCE);
      gateways.push(...(await Promise.all(batch.map((id) => startGateway(id, given, root.value, keys)))));
      while (gateways.filter(isConnected).length < gateways.length - 2 * STARTING_AT_ONCE) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    writing = setInterval(() => writeRows(given), PORTION_MS);
  };

  const writeRows = ({ rows }: Assignment): void => {
    for (const { id, journal } of gateways) {
      const written = journal.head()?.number ?? 0;
      const until = Math.min(rows, written + Math.ceil(rows / 4));
      for (let number = written + 1; number <= until; number += 1) journal.append(rowOf(id, number));
    }
    if (gateways.every(({ journal }) => (journal.head()?.number ?? 0) >= rows)) clearInterval(writing);
  };

  const tellHeads = (): void => {
    const heads = gateways.map(({ id, journal }) => {
      const { number = 0, hash = '' } = journal.head() ?? {};
      return { gateway: id, number, hash };
    });
    say({ is: 'heads', heads });
  };

  process.on('message', (message: ToProcess) => {
    if (message.is === 'begin') void begin(message.assignment);
    else tellHeads();
  });
  // The parent is gone: so is the fleet.
  process.on('disconnect', () => process.exit());
}
