// What the record must say of an update, whatever was killed meanwhile: for every device and every step an intent with an outcome,
// and by its job the image and the versions.

import type { StoredRow } from '../../src/contract/journal.ts';
import type { ApiJob } from '../../src/http/schema-jobs.ts';
import type { IntentRow, OutcomeRow } from '../../src/model/journal-row.ts';

/** How a device stood when the update began. */
export interface RunBefore {
  readonly digest: string;
  readonly version: string | undefined;
  /** Of its boot loader so far. */
  readonly transfers: number;
  readonly starts: number;
}

/** `rows`: all since the update was ordered. */
export function faultsOfRecord(
  rows: readonly StoredRow[],
  job: ApiJob,
  before: ReadonlyMap<string, RunBefore>,
): string[] {
  const system = rows.flatMap(({ row }) => (row.kind === 'system' && row.detail?.job === job.id ? [row] : []));
  const intents = rows.flatMap(({ row }): IntentRow[] => (row.kind === 'intent' && row.job === job.id ? [row] : []));
  const outcomes = rows.flatMap(({ row }): OutcomeRow[] => (row.kind === 'outcome' ? [row] : []));
  const faults: string[] = [];
  for (const { decision, operation } of intents) {
    const found = outcomes.filter((row) => row.decision === decision);
    if (found.length !== 1) faults.push(`${operation} \`${decision}\` has ${found.length} outcomes`);
  }
  for (const { device, state } of job.devices) {
    const own = intents.filter(({ effects }) => effects.some(({ target }) => target === device.id));
    const steps = system.filter(({ event, detail }) => event === 'job-step' && detail?.target === device.id);
    const was = before.get(device.id);
    faults.push(
      ...chainFaults(steps.map(({ detail }) => [String(detail?.from), String(detail?.to)])).map(
        (fault) => `${device.id}: ${fault}`,
      ),
    );
    if (steps.at(-1)?.detail?.to !== state) faults.push(`${device.id} ended ${state}, and the record does not say so`);
    for (const { effects, operation, firmware } of own) {
      const isWhole = firmware?.image === job.image?.id && firmware?.newVersion === job.image?.version;
      if (!isWhole || firmware?.oldVersion !== was?.version)
        faults.push(
          `${device.id}: ${operation} on ${effects.length} targets says ${JSON.stringify(firmware)}, it ran ${was?.version}`,
        );
    }
    const operations = own.map(({ operation }) => operation);
    const isNew = state === 'done' && was?.version !== job.image?.version;
    if (isNew && !(operations.includes('atomic-write-file') && operations.includes('reinitialize-device')))
      faults.push(`${device.id} runs another image, and its intents are ${operations.join(', ')}`);
    if (state === 'rolled-back' && !operations.includes('write-property'))
      faults.push(`${device.id} was rolled back, and its intents are ${operations.join(', ')}`);
  }
  // Once more where the gateway was killed right after.
  const ends = system.filter(({ event }) => event === 'job-ended').map(({ detail }) => JSON.stringify(detail));
  if (new Set(ends).size !== 1) faults.push(`its end is recorded as ${ends.join(' and ')}`);
  return faults;
}

/** Each step begins where the one before led; or where it began, if that was recorded and a kill kept it from being done. */
function chainFaults(steps: readonly (readonly [string, string])[]): string[] {
  return steps.flatMap(([from], at) => {
    const [began, led] = steps[at - 1] ?? ['queued', 'queued'];
    return from === led || from === began ? [] : [`a step from ${from} follows one from ${began} to ${led}`];
  });
}
