// What a verified command does, by the same road as the page and the API: their writer plans, has the gate judge and sends.
// Invariants: 1. of several writes all are permitted before the first is sent; 2. nothing is judged in the name of a
// command whose time is over; 3. who may not read a point does not learn whether it is there
// by reading it; a write of it is judged and recorded as every other, and its denial names nothing that may not be seen.

import type { RunningDriver } from '../contract/driver.ts';
import type { Caller, Gate } from '../contract/gate.ts';
import type { Jobs } from '../contract/jobs.ts';
import type { RowResult, WriteOrder, Writer } from '../contract/work.ts';
import { principalId, type TargetHandle } from '../model/ids.ts';
import { recordValue } from '../model/journal-row.ts';
import { fail, isNonEmpty, ok, type Result } from '../model/result.ts';
import { explain, formatExplanation } from '../policy/explain.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import type { Command, Operation } from './command-form.ts';
import { actOnJob, orderJob } from './command-jobs.ts';
import { type CommandSight, deniedTo } from './command-sight.ts';
import type { Done, WorkRefusal } from './work-answer.ts';
import { pointValue, rowOf, spanOf } from './write-rows.ts';

/** Executes a command whose signature, time and audience are right, by key `kid`. */
export type CommandWork = (command: Command, kid: string) => Promise<Result<Done, WorkRefusal>>;

interface WorkServices {
  readonly gate: Pick<Gate, 'reader' | 'countDeniedReads'>;
  /** Plans, judges and performs; undefined while the gateway starts. */
  readonly writer: () => Pick<Writer, 'write'> | undefined;
  /** Work on several devices; undefined while the gateway starts. */
  readonly jobs: () => Jobs | undefined;
  /** The running drivers by name. */
  readonly drivers: ReadonlyMap<string, Pick<RunningDriver, 'read'>>;
  /** In force at this moment. */
  readonly policy: () => PolicySnapshot | undefined;
  readonly now: () => number;
}

type Driver = Pick<RunningDriver, 'read'>;
const MOST_TEXT = 1_000;

export function commandWork(services: WorkServices): CommandWork {
  const { gate, jobs, policy } = services;
  const look = { gate, inventory: () => policy()?.inventory };
  const jobWork = { ...look, jobs };
  const write = (caller: Caller, order: WriteOrder) => perform(services, look, caller, order);
  return async (command, kid) => {
    const { operation } = command;
    const caller = callerOf(command, kid);
    switch (operation.op) {
      case 'write':
        return write(caller, { rows: [rowOf({ ...operation, value: pointValue(operation.value) })] });
      case 'release':
        return write(caller, { rows: [rowOf({ ...operation, value: null })] });
      case 'batch': {
        const rows = operation.writes.map((entry) => rowOf({ ...entry, value: pointValue(entry.value) }));
        return isNonEmpty(rows) ? write(caller, { rows, ...spanOf(operation) }) : ok({ steps: [] });
      }
      case 'read':
        return read(services, caller, operation.targets);
      case 'explain':
        return explainTo(services, command, operation);
      case 'job':
        return orderJob(jobWork, caller, operation);
      case 'job-act':
        return actOnJob(jobWork, caller, operation);
    }
  };
}

function callerOf({ sub, jti, exp }: Command, kid: string): Caller {
  return {
    principal: principalId(sub),
    channel: 'remote',
    proof: { kind: 'command', jti, key: kid },
    from: 'mqtt',
    peer: `mqtt ${sub}`,
    until: exp * 1000,
  };
}

async function perform(
  { writer }: WorkServices,
  look: CommandSight,
  caller: Caller,
  order: WriteOrder,
): Promise<Result<Done, WorkRefusal>> {
  const running = writer();
  if (!running) return fail({ code: 'unknown-target', text: 'the gateway is starting: no driver serves a point yet' });
  const result = await running.write(caller, order);
  switch (result.kind) {
    case 'faulty': {
      const faulty = result.rows.filter(({ fault }) => fault !== undefined);
      const text = faulty.map(({ point, fault }) => `\`${point}\`: ${fault}`).join('; ');
      const isUnknown = faulty.some(({ device }) => device === undefined);
      return fail({ code: isUnknown ? 'unknown-target' : 'not-writable', text: text.slice(0, MOST_TEXT) });
    }
    case 'denied': {
      const [denial] = result.denials;
      return fail(deniedTo(look, caller, denial));
    }
    case 'unrecorded':
      return fail({ code: 'not-durable', text: result.why });
    case 'carried-out':
      return ok({ steps: result.rows.map(stepOf) });
  }
}

function stepOf({ point, decision, old, readBack, until, ...row }: RowResult): NonNullable<Done['steps']>[number] {
  return {
    decision,
    targets: [point],
    outcome: outcomeOf(row),
    ...(old === undefined ? {} : { old: recordValue(old) }),
    ...(readBack === undefined ? {} : { readBack: recordValue(readBack) }),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  };
}

function outcomeOf({
  state,
  why = '',
}: Pick<RowResult, 'state' | 'why'>): NonNullable<Done['steps']>[number]['outcome'] {
  switch (state) {
    case 'done':
    case 'not-read-back':
      return { kind: 'acknowledged' };
    case 'refused-by-device':
      return { kind: state, answer: why };
    case 'withdrawn':
      return { kind: state, reason: why };
    case 'differs':
      return { kind: state };
    case 'unknown':
    case 'not-sent':
    case 'put-back':
    case 'left-written':
      return { kind: state, why };
  }
}

/** The first running driver that the device has an address of. */
function driverOf({ policy, drivers }: WorkServices, device: TargetHandle): Driver | undefined {
  const address = policy()?.inventory.device(device)?.address ?? {};
  for (const name of Object.keys(address)) {
    const driver = drivers.get(name);
    if (driver) return driver;
  }
  return undefined;
}

async function read(
  services: WorkServices,
  caller: Caller,
  targets: readonly string[],
): Promise<Result<Done, WorkRefusal>> {
  const { gate, policy } = services;
  const inventory = policy()?.inventory;
  const reader = gate.reader(caller, 'point.read');
  const asked = new Map<Driver, TargetHandle[]>();
  const names = new Map<TargetHandle, string>();
  const answers = new Map<string, NonNullable<Done['readings']>[number]>();
  let denied = 0;
  for (const target of new Set(targets)) {
    const handle = inventory?.find(target);
    const point = handle === undefined ? undefined : inventory?.point(handle);
    const driver = point && driverOf(services, point.device);
    // Whether it is there is said to those only who may read it.
    if (handle === undefined || !reader.permits(handle)) {
      denied += 1;
      answers.set(target, { target, ok: false, why: 'denied' });
    } else if (!driver) answers.set(target, { target, ok: false, why: 'no driver serves it' });
    else {
      names.set(handle, target);
      asked.set(driver, [...(asked.get(driver) ?? []), handle]);
    }
  }
  if (denied > 0) gate.countDeniedReads(caller, denied);
  const readings = await Promise.all([...asked].map(([driver, handles]) => driver.read(handles)));
  for (const reading of readings.flat()) {
    const target = names.get(reading.target);
    if (target === undefined) continue;
    answers.set(
      target,
      reading.ok
        ? { target, ok: true, value: recordValue(reading.value), at: new Date(reading.at).toISOString() }
        : { target, ok: false, why: reading.why },
    );
  }
  return ok({ readings: [...new Set(targets)].flatMap((target) => answers.get(target) ?? []) });
}

function explainTo(
  { policy, now }: WorkServices,
  { sub }: Command,
  { action, targets, priority }: Extract<Operation, { op: 'explain' }>,
): Result<Done, WorkRefusal> {
  const snapshot = policy();
  if (!snapshot) return fail({ code: 'no-policy', text: 'no policy is in force' });
  const request = { principal: sub, action, targets, channel: 'remote', at: now() };
  const explanation = explain(snapshot, { ...request, ...(priority === undefined ? {} : { priority }) });
  const { decision } = explanation;
  const denied = decision.decision === 'deny' ? decision : undefined;
  const approvals = decision.decision === 'permit' ? decision.approvals : 0;
  return ok({
    explanation: {
      decision: decision.decision,
      ...(denied ? { reason: denied.reason } : {}),
      ...(denied?.target === undefined ? {} : { target: denied.target }),
      ...(approvals > 0 ? { approvals } : {}),
      verdicts: decision.verdicts.map((verdict) => ({ ...verdict })),
      text: formatExplanation(explanation),
    },
  });
}
