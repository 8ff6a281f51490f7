// A folder of its own for each test, rows to write, and time that the test moves.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { onTestFinished, vi } from 'vitest';
import type { Clock, Timers } from '../../src/contract/clock.ts';
import type { IntentRow, OutcomeRow, RefusalRow } from '../../src/model/journal-row.ts';
import type { JournalLimits } from '../../src/store/journal-space.ts';

const MiB = 1024 * 1024;

export const smallLimits: JournalLimits = {
  maxBytes: 64 * MiB,
  reserveBytes: 64 * 1024,
  noteBytes: MiB,
  noteRows: 1000,
  minFreeBytes: MiB,
};

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function intent(decision: string, targets: readonly string[] = ['ahu1/sat-sp'], at = 1_000): IntentRow {
  return {
    kind: 'intent',
    at,
    decision,
    who: {
      principal: 'anna',
      channel: 'tool',
      proof: { kind: 'tool-session', session: 's1' },
      from: '127.0.0.1:5000',
      driver: 'modbus',
    },
    operation: 'writeSingleRegister',
    effects: targets.map((target) => ({ target, action: 'point.write', old: 20, new: 21.5, grant: 'g1' })),
    revision: 7,
    by: 'permit',
  };
}

export function outcome(decision: string, at = 1_001): OutcomeRow {
  return { kind: 'outcome', at, decision, outcome: { kind: 'acknowledged' } };
}

export function refusal(decision: string, detail = 'exception 01', at = 1_002): RefusalRow {
  return {
    kind: 'refusal',
    at,
    decision,
    who: { principal: 'ben', proof: { kind: 'none' }, from: '127.0.0.1:5001' },
    operation: 'writeSingleRegister',
    reason: 'no-permission',
    target: 'ahu1/sat-sp',
    effects: [],
    detail,
    count: 1,
  };
}

/** Time that stands still until `advance`, which runs what became due, in order. */
export function handTime(): { readonly clock: Clock; readonly timers: Timers; advance(ms: number): void } {
  let now = 0;
  let due: { at: number; run: () => void }[] = [];
  return {
    clock: { now: () => 1_700_000_000_000 + now, monotonic: () => now, sure: () => true },
    timers: {
      after(delayMs, run) {
        const timer = { at: now + delayMs, run };
        due.push(timer);
        return {
          cancel() {
            due = due.filter((other) => other !== timer);
          },
        };
      },
    },
    advance(ms) {
      now += ms;
      const ripe = due.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      due = due.filter(({ at }) => at > now);
      for (const { run } of ripe) run();
    },
  };
}

/** The threads that take an order from now on, caught as they do. */
export function catchWorkers(): Worker[] {
  const caught: Worker[] = [];
  const original = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...order) {
    caught.push(this);
    original.apply(this, order);
  });
  onTestFinished(() => spy.mockRestore());
  return caught;
}
