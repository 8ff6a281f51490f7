// Part of a job: batches that the last run left half-way. Whatever of them still holds is put back from the record.
// Invariants: 1. only what was written, or may have been; 2. what a device does not let happen now is tried again, and said;
// 3. an override that belongs to such a batch ends with it.

import type { UndoGate } from '../contract/gate.ts';
import type { RowState } from '../contract/work.ts';
import { recordedValue } from '../model/journal-row.ts';
import type { BatchServices } from './batch-services.ts';
import { retryAfterMs } from './plant.ts';
import { putBack } from './put-back.ts';

interface InterruptedRow {
  readonly target: string;
  readonly priority?: number;
  readonly state: RowState;
  readonly why?: string;
  /** It could not be put back yet. */
  readonly waits?: true;
}

/** Never rejects; what cannot be put back yet is tried again. `isUnderWay`: a batch of this run. */
export function createPutBackInterrupted(
  services: BatchServices,
  isUnderWay: (job: string) => boolean,
): () => Promise<void> {
  const { journal, shelf, clock, timers, log, ledger } = services;
  const gate: UndoGate = services.gate;
  /** Of which it was said already that they wait. */
  const waiting = new Set<string>();
  let tries = 0;

  async function rowsOf(decision: string): Promise<InterruptedRow[]> {
    const intent = services.intentOf(decision);
    // Without an intent row nothing was sent.
    if (intent === undefined) return [];
    const record = services.outcomeOf(decision);
    const outcome = record?.outcome.kind ?? 'unknown';
    const rows: InterruptedRow[] = [];
    for (const effect of intent.effects) {
      if (effect.new === undefined) continue;
      const place = { target: effect.target, ...(effect.priority !== undefined && { priority: effect.priority }) };
      if (outcome !== 'acknowledged' && outcome !== 'unknown' && outcome !== 'stopped') {
        rows.push({ ...place, state: outcome });
        continue;
      }
      const after = record?.readBack?.find(({ target }) => target === effect.target)?.value;
      const slot = {
        point: effect.target,
        // Where nobody knows whether it was carried out, another value is somebody else's.
        holds: recordedValue(outcome === 'acknowledged' && after !== undefined ? after : effect.new),
        decision,
        ...(effect.old !== undefined && { before: recordedValue(effect.old) }),
        ...(effect.priority !== undefined && { priority: effect.priority }),
      };
      const done = await putBack(services, 'undo', slot, (change) => gate.undoRecorded(intent, change));
      rows.push(
        done.kind === 'put-back'
          ? { ...place, state: 'put-back' }
          : { ...place, state: 'left-written', why: done.why, ...(done.kind === 'failed' && { waits: true as const }) },
      );
    }
    return rows;
  }

  const note = (event: string, job: string, rows: readonly InterruptedRow[]): void => {
    const stamp = { at: clock.now(), ...(!clock.sure() && { clockUnsure: true as const }) };
    journal.note({ kind: 'system', ...stamp, event, detail: { job, rows, interrupted: true } });
  };

  /** False where something of it waits. */
  async function putBackJob(job: string, decisions: readonly string[]): Promise<boolean> {
    const rows: InterruptedRow[] = [];
    for (const decision of [...decisions].reverse()) rows.push(...(await rowsOf(decision)));
    if (rows.some(({ waits }) => waits)) {
      if (!waiting.has(job)) note('batch-waits', job, rows);
      waiting.add(job);
      return false;
    }
    note('batch-ended', job, rows);
    await shelf.remove('batch', job);
    return true;
  }

  return async function run() {
    let isWhole = true;
    for (const { id, body } of shelf.list('batch').filter((document) => !isUnderWay(document.id))) {
      try {
        const { decisions } = JSON.parse(body) as { readonly decisions: readonly string[] };
        await ledger.dropped(decisions.flatMap((decision) => ledger.idsOf(decision)));
        isWhole = (await putBackJob(id, decisions)) && isWhole;
      } catch (error) {
        isWhole = false;
        log.write(
          'error',
          'batch.not-closed',
          { job: id, why: String(error) },
          `batch \`${id}\` could not be put back`,
        );
      }
    }
    if (isWhole) return;
    timers.after(retryAfterMs(tries), () => void run());
    tries += 1;
  };
}
