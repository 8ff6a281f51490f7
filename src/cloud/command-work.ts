// What a verified command does, by the same road as any frame: planned by a driver, judged by the gate, performed with the
// Permit. Invariants: 1. of several writes all are permitted before the first is sent; 2. nothing is judged in the name of
// a command whose time is over.

import type { DriverStatus, PointWrite, RunningDriver } from '../contract/driver.ts';
import type { Caller, Change, Denial, Gate, Permit } from '../contract/gate.ts';
import { describeFault } from '../model/fault.ts';
import { principalId, type TargetHandle } from '../model/ids.ts';
import { type Outcome, recordValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import { explain, formatExplanation } from '../policy/explain.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import type { Command, CommandValue, Operation } from './command-form.ts';
import type { CommandRefusalCode } from './command-refusals.ts';
import type { CommandResult } from './result-form.ts';

type Done = Pick<Extract<CommandResult, { state: 'done' }>, 'steps' | 'readings' | 'explanation'>;
type DenialResult = NonNullable<Extract<CommandResult, { state: 'refused' }>['denial']>;

export interface WorkRefusal {
  readonly code: CommandRefusalCode;
  readonly text: string;
  readonly denial?: DenialResult;
}

/** Executes a command whose signature, time and audience are right, by key `kid`. */
export type CommandWork = (command: Command, kid: string) => Promise<Result<Done, WorkRefusal>>;

export interface WorkServices {
  readonly gate: Pick<Gate, 'judge' | 'abandon' | 'reader' | 'countDeniedReads'>;
  /** The running drivers by name. */
  readonly drivers: ReadonlyMap<string, Pick<RunningDriver, 'plan' | 'perform' | 'read'> & { status?(): DriverStatus }>;
  /** In force at this moment. */
  readonly policy: () => PolicySnapshot | undefined;
  readonly now: () => number;
}

type Driver = WorkServices['drivers'] extends ReadonlyMap<string, infer D> ? D : never;

interface Write {
  readonly target: string;
  readonly value: PointValue;
  readonly priority?: number | undefined;
}

/** The writes to one device, in order. */
interface Group {
  readonly device: TargetHandle;
  readonly driver: Driver;
  readonly writes: NonEmpty<PointWrite>;
  readonly targets: readonly string[];
}

export function commandWork(services: WorkServices): CommandWork {
  return async (command, kid) => {
    const { operation } = command;
    const caller = callerOf(command, kid);
    switch (operation.op) {
      case 'write':
        return write(services, caller, [{ ...operation, value: pointValue(operation.value) }]);
      case 'release':
        return write(services, caller, [{ ...operation, value: null }]);
      case 'batch':
        return write(
          services,
          caller,
          operation.writes.map((entry) => ({ ...entry, value: pointValue(entry.value) })),
        );
      case 'read':
        return read(services, caller, operation.targets);
      case 'explain':
        return explainTo(services, command, operation);
      case 'job':
        return fail({ code: 'job-unsupported', text: `got a job \`${operation.kind}\`` });
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

function pointValue(value: CommandValue): PointValue {
  return typeof value === 'object' ? BigInt(value.integer) : value;
}

async function write(
  services: WorkServices,
  caller: Caller,
  writes: readonly Write[],
): Promise<Result<Done, WorkRefusal>> {
  const { gate } = services;
  const groups = groupByDevice(services, writes);
  if (!groups.ok) return groups;
  const changes: { readonly group: Group; readonly change: Change<unknown> }[] = [];
  for (const group of groups.value) {
    const planned = group.driver.plan(group.writes);
    if (!planned.ok)
      return fail({ code: 'not-writable', text: planned.fault.map(describeFault).join('; ').slice(0, 1000) });
    changes.push({ group, change: planned.value });
  }
  const permitted: { readonly group: Group; readonly permit: Permit<unknown> }[] = [];
  for (const { group, change } of changes) {
    const judgement = gate.judge(caller, change);
    if (judgement.permitted) {
      permitted.push({ group, permit: judgement.permit });
      continue;
    }
    for (const { permit } of permitted) gate.abandon(permit, 'another write of the same command was denied');
    const { denial } = judgement;
    return fail({ code: 'denied', text: denial.text, denial: denialResult(denial) });
  }
  const steps: NonNullable<Done['steps']> = [];
  let failed = false;
  for (const { group, permit } of permitted) {
    const why = 'an earlier write of the same command did not succeed';
    if (failed) gate.abandon(permit, why);
    const outcome: Outcome = failed ? { kind: 'not-sent', why } : await group.driver.perform(permit);
    failed ||= outcome.kind !== 'acknowledged';
    steps.push({ decision: permit.decisionId, targets: [...group.targets], outcome });
  }
  return ok({ steps });
}

/** Neighbouring writes to one device go out as one change: its order of writes is the command's. */
function groupByDevice(services: WorkServices, writes: readonly Write[]): Result<readonly Group[], WorkRefusal> {
  const inventory = services.policy()?.inventory;
  const groups: { device: TargetHandle; driver: Driver; writes: PointWrite[]; targets: string[] }[] = [];
  for (const { target, value, priority } of writes) {
    const handle = inventory?.find(target);
    const point = handle === undefined ? undefined : inventory?.point(handle);
    const driver = point && driverOf(services, point.device);
    if (handle === undefined || !point || !driver) {
      return fail({
        code: 'unknown-target',
        text: `got \`${target}\`, expected a point of a device that a driver serves`,
      });
    }
    const entry: PointWrite = { target: handle, value, ...(priority === undefined ? {} : { priority }) };
    const last = groups.at(-1);
    if (last?.device === point.device) {
      last.writes.push(entry);
      last.targets.push(target);
    } else groups.push({ device: point.device, driver, writes: [entry], targets: [target] });
  }
  return ok(groups.flatMap((group) => (isNonEmpty(group.writes) ? [{ ...group, writes: group.writes }] : [])));
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
  return ok({
    explanation: {
      decision: decision.decision,
      ...(denied ? { reason: denied.reason } : {}),
      ...(denied?.target === undefined ? {} : { target: denied.target }),
      verdicts: decision.verdicts.map((verdict) => ({ ...verdict })),
      text: formatExplanation(explanation),
    },
  });
}

function denialResult({ decisionId, reason, target, verdicts }: Denial): DenialResult {
  return {
    decision: decisionId,
    reason,
    ...(target === undefined ? {} : { target }),
    verdicts: verdicts.map((verdict) => ({ ...verdict })),
  };
}
