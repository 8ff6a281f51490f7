// What is done in each state of a firmware update. Invariants: 1. whatever changes the device is planned, judged in the starter's
// name and noted durably before it is performed; 2. activating is judged anew, and never runs for somebody who lost the right;
// 3. after every interruption the device is asked first.

import type { FirmwareStanding, FirmwareStep, ImageSource } from '../contract/firmware.ts';
import type { Change, Denial, Permit } from '../contract/gate.ts';
import { reason } from '../contract/reasons.ts';
import { targetId } from '../model/ids.ts';
import type { InventoryView } from '../model/point.ts';
import type { Next, Task, Work } from './device-run.ts';
import { type AtHand, createFirmwareDevice, type FirmwareDeviceParts, whyOf } from './firmware-device.ts';
import { fitOf } from './firmware-fit.ts';
import { createRollBack } from './firmware-roll-back.ts';
import { approversOf, callerOf, deviceIn, type Goal } from './job-record.ts';
import { MOST_FRUITLESS, POLL_MS, PROGRESS_MS } from './job-services.ts';
import { MACHINE, type WorkingState } from './machine.ts';

interface FirmwareParts extends FirmwareDeviceParts {
  /** The gate said no: the job pauses before the next device. */
  pauseJob(denial: Omit<Denial, 'decisionId'>): void;
}

type FirmwareState = Exclude<WorkingState, 'applying'>;
export interface FirmwareWork {
  readonly works: { readonly [State in FirmwareState]: Work };
  back(goal: Goal, why: string): Next;
  /**
   * Whether the starter could still do what is being done; `stop`: the device's transfer shall end at once. `isGone`: the policy
   * holds the device no more, or elsewhere, which says nothing of the others.
   */
  lookAgain():
    | { readonly denial: Omit<Denial, 'decisionId'>; readonly stop: boolean; readonly isGone?: true }
    | undefined;
  /** An interrupted transfer can go on where it was. */
  resumes(): boolean;
}

export function createFirmwareWork(parts: FirmwareParts): FirmwareWork {
  const { services, book, job, device: id, pauseJob } = parts;
  const { gate, clock, timers } = services;
  const firmwareDevice = createFirmwareDevice(parts);
  const { live, memory, reach, openImage, changeOf, judge, hold, withDecision, ask, version } = firmwareDevice;
  let fruitless = 0;
  /** What the transfer asked, in the inventory it was planned for: handles mean nothing in another. */
  let asked:
    | {
        readonly inventory: InventoryView | undefined;
        readonly effects: Change<unknown>['effects'];
        readonly address: string;
      }
    | undefined;

  const isSent = (): boolean => memory().sent !== undefined;
  /** Where nothing went out, a device waits for whoever may go on with it. */
  function back(goal: Goal, why: string): Next {
    if (isSent()) return { to: 'rolling-back', why, goal };
    return { to: goal === 'refused' ? 'queued' : goal, why };
  }

  /** Where `ask` came to nothing: stopped, which the run knows better, or out of reach for good. */
  const unasked = (): Next => {
    const at = reach();
    return back('failed', at.ok ? reason('not-asked') : at.fault);
  };

  async function check(task: Task): Promise<Next> {
    const found = await ask(task, ({ state }) => state !== 'busy');
    if (found === undefined) return unasked();
    const path = found.firmware.path(found.device.handle);
    if (path === undefined) return back('failed', reason('no-firmware-way'));
    if (!found.kept.ok) return back('failed', found.kept.fault);
    const facts = live().memory.image;
    const image = await openImage();
    if (!image.ok || facts === undefined) return back('failed', image.ok ? reason('image-unknown') : image.fault);
    const { standing } = found;
    const isRescue = standing.state === 'boot-loader';
    const known = deviceIn(live().job, id).oldVersion;
    const last = services.versions.of(id) ?? known;
    const fit = fitOf(facts, found.device, standing, path, { sent: isSent(), last });
    const oldVersion = known ?? (isRescue ? last : standing.version);
    const device = { ...(oldVersion !== undefined && { oldVersion }) };
    const confirmMs = { confirmMs: path.confirmMs };
    switch (fit.kind) {
      case 'busy':
        return { to: 'failed', why: reason('busy') };
      case 'unfit':
        return back('failed', fit.why);
      case 'runs-it':
        return { to: 'done', device: { ...device, newVersion: facts.version } };
      case 'staged':
        return { to: 'verifying', device, memory: confirmMs };
      case 'fits':
        return begin(
          found,
          { kind: 'transfer', image: image.value, goesOn: fit.goesOn },
          { ...device, ...(fit.remark !== undefined && { why: fit.remark }) },
          confirmMs,
        );
    }
  }

  function begin(at: AtHand, step: FirmwareStep, device: object, memoryToo: object): Next {
    const change = changeOf(at, step);
    if (!change.ok) return back('failed', change.fault);
    const address = addressOf(at.device);
    asked = { inventory: services.inventory(), effects: change.value.effects, address };
    const judged = judge(change.value);
    if (!judged.permitted) {
      pauseJob(judged.denial);
      return { ...back('refused', judged.denial.text), device: { ...device, denial: judged.denial } };
    }
    const { permit } = judged;
    const tries = deviceIn(live().job, id).tries + 1;
    return {
      to: 'transferring',
      permit,
      device: { ...device, ...withDecision(permit), tries },
      memory: { ...memoryToo, sent: memory().sent ?? permit.decisionId },
    };
  }

  async function transfer(task: Task): Promise<Next> {
    const at = reach();
    const { permit } = task;
    if (permit === undefined) return { to: 'checking' };
    if (!at.ok) {
      gate.abandon(permit, at.fault);
      return back('failed', at.fault);
    }
    const meter = createMeter();
    const stalls = new AbortController();
    const stop = () => stalls.abort();
    task.signal.addEventListener('abort', stop, { once: true });
    // From where it goes on is found out first, and may take its time.
    let stall: { cancel(): void } | undefined;
    let first: number | undefined;
    let last = 0;
    const outcome = await at.value.firmware.perform(permit, {
      signal: stalls.signal,
      progress(octets) {
        if (first === undefined || octets > last) {
          stall?.cancel();
          stall = timers.after(MACHINE.transferring.stallMs, stop);
        }
        first ??= octets;
        last = octets;
        meter(octets);
      },
    });
    stall?.cancel();
    task.signal.removeEventListener('abort', stop);
    if (outcome.kind === 'acknowledged') return { to: 'verifying' };
    if (outcome.kind === 'withdrawn') return withdrawn(permit, outcome.reason);
    const why = whyOf(outcome);
    if (outcome.kind === 'refused-by-device') return back('failed', reason('device-refused', { why }));
    fruitless = last > (first ?? 0) ? 1 : fruitless + 1;
    if (fruitless >= MOST_FRUITLESS) return back('failed', reason('no-further', { why }));
    task.hinder(why);
    await task.wait(POLL_MS);
    return { to: 'checking', why };
  }

  /** Nothing of this step was sent. */
  function withdrawn({ decisionId }: Permit<unknown>, denial: string): Next {
    const why = reason('withdrawn', { reason: denial });
    pauseIfDenied();
    return { to: 'queued', why, memory: memory().sent === decisionId ? { sent: undefined } : {} };
  }

  function createMeter(): (octets: number) => void {
    const total = live().memory.image?.size ?? 0;
    let [since, from] = [clock.monotonic(), -1];
    return (octets) => {
      const now = clock.monotonic();
      if (from < 0) from = octets;
      const passed = now - since;
      if (passed < PROGRESS_MS && octets < total) return;
      const perSecond = passed > 0 ? Math.round(((octets - from) * 1000) / passed) : 0;
      [since, from] = [now, octets];
      book.progress(job, id, { octets, total, perSecond });
    };
  }

  async function verify(task: Task): Promise<Next> {
    const image = await openImage();
    if (!image.ok) return back('failed', image.fault);
    let why: string = reason('not-read-back');
    for (let tries = 0; tries < MOST_FRUITLESS && !task.signal.aborted; tries += 1) {
      const at = reach();
      if (!at.ok) return back('failed', at.fault);
      const held = hold(at.value);
      const watch = { signal: task.signal, progress() {} };
      const same = held.ok ? await at.value.firmware.verify(at.value.device.handle, image.value, watch) : held;
      if (same.ok) return activation(at.value, image.value);
      why = same.fault;
      task.hinder(why);
      await task.wait(POLL_MS);
    }
    return back('failed', why);
  }

  function activation(at: AtHand, image: ImageSource): Next {
    const change = changeOf(at, { kind: 'activate', image });
    if (!change.ok) return back('failed', change.fault);
    const judged = judge(change.value);
    if (!judged.permitted) {
      pauseJob(judged.denial);
      return { ...back('refused', judged.denial.text), device: { denial: judged.denial } };
    }
    const { permit } = judged;
    return { to: 'activating', permit, device: withDecision(permit), memory: { activated: permit.decisionId } };
  }

  async function activate(task: Task): Promise<Next> {
    const { permit } = task;
    if (permit === undefined) return { to: 'confirming' };
    const at = reach();
    if (!at.ok) {
      gate.abandon(permit, at.fault);
      return back('failed', at.fault);
    }
    const outcome = await at.value.firmware.perform(permit, { signal: task.signal, progress() {} });
    switch (outcome.kind) {
      // Whether it was told or not: the device says what it runs.
      case 'acknowledged':
      case 'unknown':
      case 'stopped':
        return { to: 'confirming' };
      case 'refused-by-device':
      case 'not-sent':
        return {
          ...back('failed', reason('not-activated', { why: whyOf(outcome) })),
          memory: { activated: undefined },
        };
      case 'withdrawn':
        pauseIfDenied();
        return {
          ...back('refused', reason('not-activated', { why: reason('withdrawn', outcome) })),
          memory: { activated: undefined },
        };
    }
  }

  async function confirm(task: Task): Promise<Next> {
    const runs = ({ state, version: says }: FirmwareStanding) => state === 'running' && says === version();
    const found = await ask(task, runs);
    return found ? { to: 'done', device: { newVersion: found.standing.version } } : unasked();
  }

  function lookAgain(): ReturnType<FirmwareWork['lookAgain']> {
    const at = reach();
    const isElsewhere = at.ok && asked !== undefined && addressOf(at.value.device) !== asked.address;
    if (!at.ok || isElsewhere) {
      const text = at.ok ? reason('moved-away') : at.fault;
      return {
        denial: { reason: 'unknown-target', target: targetId(id), verdicts: [], text },
        stop: true,
        isGone: true,
      };
    }
    return lookAtRight(at.value);
  }

  function lookAtRight({ device }: AtHand): ReturnType<FirmwareWork['lookAgain']> {
    const approvedBy = approversOf(live().job);
    const approved = approvedBy.length > 0 ? { approvedBy } : {};
    const whole = asked?.inventory === services.inventory() ? asked?.effects : undefined;
    const effects = whole ?? ([{ target: device.handle, asks: 'firmware.update' }] as const);
    // Without the transfer that it is a part of: what the device wants finished may be denied all the same.
    const what = { what: undefined, operation: 'firmware update', effects, job, ...approved };
    const denial = gate.preview(callerOf(live().job), what);
    if (denial === undefined) return undefined;
    return { denial, stop: device.onRevoke === 'stop' || denial.reason === 'transfer-in-progress' };
  }

  /** After a step was withdrawn: the job pauses where that was for want of the right. */
  function pauseIfDenied(): void {
    const found = lookAgain();
    if (found && !found.isGone) pauseJob(found.denial);
  }

  return {
    works: {
      checking: check,
      transferring: transfer,
      verifying: verify,
      activating: activate,
      confirming: confirm,
      'rolling-back': createRollBack(parts, firmwareDevice),
    },
    back,
    lookAgain,
    resumes() {
      const at = reach();
      return at.ok && at.value.firmware.path(at.value.device.handle)?.resumes === true;
    },
  };
}

const addressOf = ({ address }: AtHand['device']): string => JSON.stringify(address ?? {});
