// Updates of simulated devices while the gateway is killed again and again: what every device runs in the end, and what the
// record says of it. Invariants: 1. every draw comes from the seed; 2. devices, broker and console are never killed; 3. an update
// that has ended is judged at once, by what the devices themselves would run.

import { digestOf } from '../../simulators/firmware-image.ts';
import type { ApiJob } from '../../src/http/schema-jobs.ts';
import type { JobsRig } from '../scenarios/jobs-rig.ts';
import { type Draws, drawsFrom } from './draws.ts';
import { faultsOfRecord, type RunBefore } from './record.ts';

interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Octets of an image. */
  readonly size: number;
  readonly log: (line: string) => void;
}

interface KillReport {
  kills: number;
  updates: number;
  /** In which states devices stood when the gateway was killed. */
  readonly states: Map<string, number>;
  /** How devices ended. */
  readonly ends: Map<string, number>;
  old: number;
  fresh: number;
  readonly faults: string[];
}

/** What else befalls an update. */
const KINDS = ['plain', 'plain', 'plain', 'damaged', 'aborted', 'lossy'] as const;
type Kind = (typeof KINDS)[number];

/** Kill as soon as a device enters this state. */
const STEPS = [
  'checking',
  'transferring',
  'transferring',
  'verifying',
  'activating',
  'activating',
  'confirming',
  'rolling-back',
  'done',
  'rolled-back',
] as const;

const LATEST_MS = 1500;
const MOST_KILLS_EACH = 9;
const ENDS_WITHIN_MS = 90_000;

export async function killUpdates(rig: JobsRig, options: KillOptions): Promise<KillReport> {
  const draws = drawsFrom(options.seed);
  const report: KillReport = {
    kills: 0,
    updates: 0,
    states: new Map(),
    ends: new Map(),
    old: 0,
    fresh: 0,
    faults: [],
  };
  // The seed may have aborted all of them.
  while (report.kills < options.kills || !report.ends.has('done')) await oneUpdate(rig, options, draws, report);
  return report;
}

async function oneUpdate(rig: JobsRig, options: KillOptions, draws: Draws, report: KillReport): Promise<void> {
  const { kills, size, log } = options;
  report.updates += 1;
  const isBack = report.updates % 2 === 0;
  const words = isBack ? ({ version: '1.5.0', permitsDowngrade: true } as const) : ({ version: '2.0.0' } as const);
  const image = rig.image({ ...words, size });
  const id = await rig.upload(image, words);
  const kind = draws.oneOf(KINDS);
  const duals = rig.ids.filter((each) => !rig.isSingle(each));
  // Half an image in the only bank is no end: those devices are left to come to theirs.
  const devices = kind === 'aborted' ? duals : rig.ids;
  const head = rig.rows().at(-1)?.number ?? 0;
  const before = new Map(devices.map((each): [string, RunBefore] => [each, beforeOf(rig, each)]));
  misbehave(rig, kind, duals, draws);
  const rollout = { atOnce: 1 + draws.below(4), canary: draws.below(3) === 0 };
  const order = (): Promise<string> => rig.update('robot', id, devices, rollout);
  const job = draws.below(5) === 0 ? await cutOff(rig, order, draws, report) : await order();
  let isAborted = false;
  for (let left = 1 + draws.below(MOST_KILLS_EACH); left > 0 && report.kills < kills; left -= 1) {
    if (kind === 'aborted' && !isAborted && draws.below(2) === 0) {
      isAborted = true;
      await pause(draws.below(LATEST_MS));
      // The gateway may be killed while it does so, and the job may have ended.
      void rig.act('robot', job, 'abort', { why: 'the seed says so' }).catch(() => undefined);
    }
    const isTakenBack = kind === 'damaged' || isAborted;
    const step = isTakenBack && draws.below(2) === 0 ? 'rolling-back' : draws.oneOf(STEPS);
    if (!(await moment(rig, job, head, draws, step))) break;
    if (draws.below(8) === 0) await rig.gateway.stop();
    else {
      await rig.gateway.kill();
      report.kills += 1;
    }
    const standing = standingOf(rig, job, head);
    for (const state of standing.values()) count(report.states, state);
    if (draws.below(12) === 0) await killAgainWhileStarting(rig, draws, report, standing);
    await rig.launch();
    if ((await rig.job(job)).endedAt !== undefined) break;
  }
  const ended = await rig.ended(job, ENDS_WITHIN_MS);
  for (const each of devices) rig.loader(each).recover();
  const faults = [
    ...faultsOfDevices(rig, ended, before, image, report),
    ...faultsOfRecord(rig.rows({ after: head }), ended, before),
  ];
  for (const fault of faults) report.faults.push(`update ${report.updates} (${kind}): ${fault}`);
  const held = await heldAfter(rig, ended);
  if (held !== undefined) report.faults.push(`update ${report.updates}: ${held}`);
  const states = ended.devices.map(({ state, why }) => (state === 'done' ? state : `${state} (${why})`)).join(' ');
  log(`update ${report.updates} to ${words.version} (${kind}): ${states}; ${report.kills} kills so far`);
}

function misbehave(rig: JobsRig, kind: Kind, duals: readonly string[], draws: Draws): void {
  if (kind === 'damaged') rig.loader(draws.oneOf(duals)).fail({ kind: 'damage', at: draws.below(20) });
  if (kind === 'lossy')
    for (const id of rig.ids) rig.loader(id).fail({ kind: 'lose-answers', every: 7 + draws.below(9) });
}

/** Killed while the order is on its way: there is a job then, or there is none and it is ordered again. */
async function cutOff(rig: JobsRig, order: () => Promise<string>, draws: Draws, report: KillReport): Promise<string> {
  const answered = order().catch(() => undefined);
  await pause(draws.below(60));
  await rig.gateway.kill();
  report.kills += 1;
  count(report.states, 'ordered');
  await rig.launch();
  const known = await answered;
  const { items } = (await rig.ask('robot', 'GET', '/api/v1/jobs?ended=false')).body as { items: { id: string }[] };
  return known ?? items[0]?.id ?? order();
}

/** Waits: for a time, or until a device enters a state. False: the job ended meanwhile, and that is not the moment. */
async function moment(rig: JobsRig, job: string, head: number, draws: Draws, to: string): Promise<boolean> {
  if (draws.below(2) === 0) {
    await pause(draws.below(LATEST_MS));
    const rows = rig.rows({ after: head, kind: 'system' });
    return !rows.some(({ row }) => row.kind === 'system' && row.event === 'job-ended' && row.detail.job === job);
  }
  let seen = rig.rows({ after: head }).at(-1)?.number ?? head;
  for (const end = Date.now() + 2 * LATEST_MS; Date.now() < end; await pause(2)) {
    for (const { number, row } of rig.rows({ after: seen, kind: 'system' })) {
      seen = number;
      if (row.kind !== 'system' || row.detail?.job !== job) continue;
      if (row.event === 'job-ended' || (row.event === 'job-step' && row.detail.to === to)) return true;
    }
  }
  return true;
}

/** Once more before it is ready. */
async function killAgainWhileStarting(
  rig: JobsRig,
  draws: Draws,
  report: KillReport,
  standing: ReadonlyMap<string, string>,
): Promise<void> {
  const launched = rig.launchOnly();
  await pause(100 + draws.below(600));
  await launched.kill();
  report.kills += 1;
  for (const state of standing.values()) count(report.states, state);
}

/** The last state of each device that the record knows. */
function standingOf(rig: JobsRig, job: string, head: number): Map<string, string> {
  const states = new Map<string, string>();
  for (const { row } of rig.rows({ after: head, kind: 'system' })) {
    if (row.kind !== 'system' || row.event !== 'job-step' || row.detail?.job !== job) continue;
    states.set(String(row.detail.target), String(row.detail.to));
  }
  return states;
}

function beforeOf(rig: JobsRig, id: string): RunBefore {
  const { digest, version } = rig.loader(id).wouldRun;
  return { digest, version, transfers: rig.loader(id).transfers.length, starts: rig.loader(id).history.length };
}

function faultsOfDevices(
  rig: JobsRig,
  job: ApiJob,
  before: ReadonlyMap<string, RunBefore>,
  image: Buffer,
  report: KillReport,
): string[] {
  const fresh = digestOf(image);
  return job.devices.flatMap(({ device, state, why }) => {
    const { wouldRun, isBricked } = rig.loader(device.id);
    const old = before.get(device.id)?.digest;
    count(report.ends, state);
    if (wouldRun.digest === fresh) report.fresh += 1;
    else report.old += 1;
    const expected = state === 'done' ? [fresh] : [old];
    const text = `${device.id} ended ${state} (${why ?? ''})`;
    if (isBricked) return [`${text}, and only its boot loader runs`];
    if (wouldRun.digest !== fresh && wouldRun.digest !== old) return [`${text}, torn`];
    return expected.includes(wouldRun.digest) ? [] : [`${text}, and runs ${wouldRun.version ?? 'something torn'}`];
  });
}

/** Nobody holds a device any more: a job that is to change each of them is refused by none. */
async function heldAfter(rig: JobsRig, { devices }: ApiJob): Promise<string | undefined> {
  const order = {
    kind: 'configuration',
    source: devices[0]?.device.id,
    devices: devices.slice(1).map(({ device }) => device.id),
    classes: ['parameter'],
  };
  const { body, text } = await rig.ask('robot', 'POST', '/api/v1/jobs/check', order);
  return body.ok === true ? undefined : `a device is held still, or does not work: ${text}`;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
