// Taking back what an update began. Invariants: 1. the device is asked before and after; 2. what undoes belongs to what was
// permitted, whoever was revoked since; 3. how it ends is what the device says it runs.

import { reason } from '../contract/reasons.ts';
import type { Next, Task } from './device-run.ts';
import { type AtHand, type FirmwareDevice, type FirmwareDeviceParts, says, whyOf } from './firmware-device.ts';
import { callerOf, deviceIn } from './job-record.ts';
import { MOST_FRUITLESS, POLL_MS } from './job-services.ts';

/** How often a device that took something back is asked whether it is as before. */
const MOST_POLLS = 30;

export function createRollBack(
  { services, book, job, device: id }: FirmwareDeviceParts,
  { live, memory, version, reach, changeOf, judge, withDecision, ask }: FirmwareDevice,
): (task: Task) => Promise<Next> {
  const { gate } = services;
  let reverts = 0;
  let isReverted = false;

  async function rollBack(task: Task): Promise<Next> {
    const { goal = 'failed' } = memory();
    const { why = reason('rolled-back') } = deviceIn(live().job, id);
    let kept: string | undefined;
    for (let polls = 0; ; ) {
      const found = await ask(task, ({ state }) => state !== 'busy');
      if (found === undefined) {
        const at = reach();
        return { to: 'failed', why: at.ok ? why : at.fault };
      }
      const { standing } = found;
      const isNew = standing.state === 'running' && standing.version === version();
      if (isNew && memory().activated !== undefined) return { to: 'done', device: { newVersion: standing.version } };
      const path = found.firmware.path(found.device.handle);
      const { oldVersion } = deviceIn(live().job, id);
      const isAsBefore = standing.state === 'running' && !isNew && standing.version === oldVersion;
      // Where nothing is staged, to revert would bring back what ran before the old image.
      const isClean = isAsBefore && path?.hides !== true;
      if (path?.reverts === true && !isClean && !isReverted && reverts < MOST_FRUITLESS) {
        reverts += 1;
        const fault = await revert(found, task);
        isReverted = fault === undefined;
        if (fault === undefined) continue;
        kept = reason('not-taken-back', { why: fault });
        task.hinder(then(why, kept));
        await task.wait(POLL_MS);
        continue;
      }
      if (isClean || (isReverted && standing.state === 'running' && !isNew)) return { to: 'rolled-back', why };
      if (isAsBefore) return { to: goal, why: then(why, kept ?? reason('cannot-take-back')) };
      const isOld = standing.state === 'receiving' || standing.state === 'staged';
      if (isReverted && polls < MOST_POLLS) {
        polls += 1;
        task.hinder(then(why, says(standing)));
        await task.wait(POLL_MS);
        continue;
      }
      // Emptied, as it acknowledged; what it calls itself until its next start is its own affair.
      if (isReverted && isOld) return { to: 'rolled-back', why };
      return { to: isOld ? goal : 'failed', why: then(kept === undefined ? why : then(why, kept), says(standing)) };
    }
  }

  /** A text says why not. */
  async function revert(at: AtHand, task: Task): Promise<string | undefined> {
    const change = changeOf(at, { kind: 'revert' });
    if (!change.ok) return change.fault;
    const { sent } = memory();
    const intent = sent === undefined ? undefined : services.intentOf(sent);
    const isDenied = gate.preview(callerOf(live().job), change.value) !== undefined;
    // What undoes belongs to what was permitted.
    const judged = isDenied && intent ? gate.undoRecorded(intent, change.value) : judge(change.value);
    if (!judged.permitted) return judged.denial.text;
    const { permit } = judged;
    const noted = await book.amend(job, (kept) => ({
      ...kept,
      job: {
        ...kept.job,
        devices: kept.job.devices.map((each) => (each.device === id ? { ...each, ...withDecision(permit) } : each)),
      },
    }));
    if (!noted) {
      gate.abandon(permit, reason('gateway-stops'));
      return reason('gateway-stops');
    }
    const outcome = await at.firmware.perform(permit, { signal: task.signal, progress() {} });
    return outcome.kind === 'acknowledged' ? undefined : whyOf(outcome);
  }

  return rollBack;
}

const then = (first: string, second: string): string => reason('both', { first, second });
