// The device of a firmware update as every step of it needs it: found anew each time, for the policy may have been replaced.
// Invariants: 1. what changes it is planned and judged in the starter's name, with who approved; 2. while something is done to it
// the job holds it.

import type { FirmwareDriver, FirmwareStanding, FirmwareStep, ImageSource } from '../contract/firmware.ts';
import type { Change, Judgement, Permit } from '../contract/gate.ts';
import { reason } from '../contract/reasons.ts';
import type { Outcome } from '../model/journal-row.ts';
import type { InventoryDevice } from '../model/point.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { Task } from './device-run.ts';
import type { JobBook, LiveJob } from './job-book.ts';
import { approversOf, callerOf, type DeviceMemory, deviceIn } from './job-record.ts';
import { type JobServices, POLL_MS } from './job-services.ts';
import { reachDevice } from './plant.ts';

export interface FirmwareDeviceParts {
  readonly services: JobServices;
  readonly book: JobBook;
  readonly job: string;
  readonly device: string;
}

export interface AtHand {
  readonly device: InventoryDevice;
  readonly firmware: FirmwareDriver;
}

interface Standing extends AtHand {
  readonly standing: FirmwareStanding;
  /** Whether the version it runs is remembered. */
  readonly kept: Result<void, string>;
}

export type FirmwareDevice = ReturnType<typeof createFirmwareDevice>;

export function createFirmwareDevice({ services, book, job, device: id }: FirmwareDeviceParts) {
  const { gate, images } = services;

  const live = (): LiveJob => {
    const found = book.get(job);
    if (found === undefined) throw new Error(`got job \`${job}\`, expected one that is known`);
    return found;
  };
  const memory = (): DeviceMemory => live().memory.devices[id] ?? {};
  const version = (): string | undefined => live().memory.image?.version;

  function reach(): Result<AtHand, string> {
    const reached = reachDevice(services, id);
    if (typeof reached === 'string') return fail(reached);
    const { firmware } = reached.driver;
    return firmware ? ok({ device: reached.device, firmware }) : fail(reason('no-firmware-driver'));
  }

  async function openImage(): Promise<Result<ImageSource, string>> {
    const { order } = live().job;
    if (order.kind !== 'firmware') return fail(reason('no-image-named'));
    const opened = await images.open(order.image);
    return opened.ok ? opened : fail(reason('image-not-sent', { why: opened.fault.text }));
  }

  /** With everything the gate goes by. */
  function changeOf({ device, firmware }: AtHand, step: FirmwareStep): Result<Change<unknown>, string> {
    const planned = firmware.plan(device.handle, step);
    if (!planned.ok) return planned;
    const { job: whole, memory: remembered } = live();
    const approvedBy = approversOf(whole);
    const { oldVersion } = deviceIn(whole, id);
    return ok({
      ...planned.value,
      job,
      ...(whole.order.kind === 'firmware' && {
        firmware: {
          image: whole.order.image,
          newVersion: remembered.image?.version ?? '',
          ...(oldVersion !== undefined && { oldVersion }),
        },
      }),
      ...(approvedBy.length > 0 && { approvedBy }),
      ...(step.kind === 'revert' && { reverts: true as const }),
    });
  }

  const judge = (change: Change<unknown>): Judgement<unknown> => gate.judge(callerOf(live().job), change);

  function hold({ device }: AtHand): Result<void, string> {
    return gate.holdDevice(callerOf(live().job), device.handle, job);
  }

  function withDecision(permit: Permit<unknown>): { readonly decisions: readonly Permit<unknown>['decisionId'][] } {
    return { decisions: [...deviceIn(live().job, id).decisions, permit.decisionId] };
  }

  /** What the device says, asked until it does or the time is up. */
  async function ask(task: Task, settled: (standing: FirmwareStanding) => boolean): Promise<Standing | undefined> {
    while (!task.signal.aborted) {
      const at = reach();
      // A device that left the policy does not come back by waiting for it.
      if (!at.ok) return undefined;
      const held = hold(at.value);
      const standing = held.ok ? await at.value.firmware.standing(at.value.device.handle) : held;
      if (standing.ok && settled(standing.value)) {
        return { ...at.value, standing: standing.value, kept: await services.versions.heard(id, standing.value) };
      }
      task.hinder(standing.ok ? says(standing.value) : standing.fault);
      await task.wait(POLL_MS);
    }
    return undefined;
  }

  return { live, memory, version, reach, openImage, changeOf, judge, hold, withDecision, ask };
}

/** For a person. */
export function says({ state, version }: FirmwareStanding): string {
  switch (state) {
    case 'running':
      return version === undefined ? reason('it-runs') : reason('it-runs-version', { version });
    case 'receiving':
      return version === undefined ? reason('holds-part') : reason('holds-part-with', { version });
    case 'staged':
      return version === undefined ? reason('holds-staged') : reason('holds-staged-with', { version });
    case 'busy':
      return reason('activates');
    case 'boot-loader':
      return reason('boot-loader');
  }
}

export function whyOf(outcome: Exclude<Outcome, { readonly kind: 'acknowledged' }>): string {
  if (outcome.kind === 'refused-by-device') return outcome.answer;
  return outcome.kind === 'withdrawn' ? outcome.reason : outcome.why;
}
