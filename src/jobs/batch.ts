// Writing several points as one: plan, judge all, old values durable, then device after device; what failed half-way is put
// back. Invariants: 1. every row is permitted before anything is sent; 2. old values are durable before the first write;
// 3. a slot stands in one row, under the priority it is judged by; 4. what a restart cut off is `interrupted.ts`'s.

import type { Performed, PointWrite } from '../contract/driver.ts';
import type { Caller, Change, Denial, Effect, Permit } from '../contract/gate.ts';
import { reason } from '../contract/reasons.ts';
import type { RowCheck, RowResult, WriteOrder, WriteResult, WriteRow, Writer } from '../contract/work.ts';
import { describeFault } from '../model/fault.ts';
import type { DecisionId } from '../model/ids.ts';
import { type RecordedEffect, recordedValue, recordValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import { isNonEmpty, type NonEmpty } from '../model/result.ts';
import { isSameValue } from '../model/same-value.ts';
import type { BatchServices, OverrideId, PlannedRow } from './batch-services.ts';
import { createPutBackInterrupted } from './interrupted.ts';
import { deviceBy, type Reached, reachPoint, readSlot } from './plant.ts';
import { putBack } from './put-back.ts';
import { spanOf, usualSpan } from './spans.ts';

interface DeviceGroup {
  readonly rows: readonly PlannedRow[];
  readonly change: Change<unknown>;
}

interface Carried {
  readonly group: DeviceGroup;
  readonly permit: Permit<unknown>;
  readonly overrides: readonly OverrideId[];
  rows: readonly RowResult[];
}

export function createWriter(services: BatchServices): Writer & { putBackInterrupted(): Promise<void> } {
  const { gate, journal, shelf, clock, log, ledger } = services;
  /** Batches of this run. */
  const underWay = new Set<string>();
  const putBackInterrupted = createPutBackInterrupted(services, (job) => underWay.has(job));

  /** Rows by device, each one change; what cannot be planned says so in its row. */
  function plan(order: WriteOrder): { groups: DeviceGroup[]; checks: RowCheck[] } {
    const now = clock.now();
    const byDevice = new Map<string, PlannedRow[]>();
    const besides = askedBesides(order);
    if (typeof besides === 'string') {
      return { groups: [], checks: order.rows.map(({ point }) => ({ point, fault: besides, field: 'point' })) };
    }
    const checks: RowCheck[] = [];
    const seen = new Set<string>();
    /** How many of each point. */
    const slots = new Map<string, number>();
    for (const asked of order.rows) {
      const reached = reachPoint(services, asked.point);
      if (typeof reached === 'string') {
        checks.push({ point: asked.point, fault: reached, field: 'point' });
        continue;
      }
      const { device, driver, point } = reached;
      const given = withPriority(asked, order, reached);
      const alone = driver.plan([writeOf(point, given)]);
      // A command that names no priority goes to a slot all the same: the driver says to which.
      const priority = alone.ok
        ? alone.value.effects.find(({ target }) => target === point.handle)?.priority
        : given.priority;
      const row: WriteRow = { ...given, ...(priority !== undefined && { priority }) };
      const slot = `${row.point} @${row.priority ?? ''}`;
      const span = spanOf(point, row, order);
      const fault: Pick<RowCheck, 'fault' | 'field'> | undefined = seen.has(slot)
        ? { fault: reason('same-slot'), field: 'point' }
        : (faultOf(alone) ?? (span.ok ? undefined : { fault: span.fault, field: 'overrideMs' }));
      seen.add(slot);
      const lastsMs = span.ok ? span.value : undefined;
      checks.push({ point: row.point, device: device.id, ...fault, ...(lastsMs !== undefined && { lastsMs }) });
      if (fault !== undefined) continue;
      // Old values and read-backs go by the point: each of its slots is a change of its own.
      const others = slots.get(row.point) ?? 0;
      slots.set(row.point, others + 1);
      const group = `${device.id} #${others}`;
      byDevice.set(group, [
        ...(byDevice.get(group) ?? []),
        { row, reached, ...(lastsMs !== undefined && { until: now + lastsMs }) },
      ]);
    }
    if (checks.some(({ fault }) => fault !== undefined)) return { groups: [], checks };
    const groups: DeviceGroup[] = [];
    for (const planned of byDevice.values()) {
      const writes = planned.map(({ row, reached }) => writeOf(reached.point, row));
      const { driver, device } = planned[0]?.reached ?? {};
      const change = isNonEmpty(writes) ? driver?.plan(writes) : undefined;
      if (change?.ok)
        groups.push({ rows: planned, change: stepOf(order, change.value, device ? besides(device.id) : []) });
      else checks.push({ point: planned[0]?.row.point ?? '', fault: reason('not-planned'), ...faultOf(change) });
    }
    return { groups, checks };
  }

  /** The effects that stand behind those of the points in the change of a device; a text names a device nobody knows. */
  function askedBesides({ alsoAsks = [], rows }: WriteOrder): ((device: string) => readonly Effect[]) | string {
    const written = new Set<string | undefined>();
    for (const { point } of alsoAsks.length > 0 ? rows : []) {
      const reached = reachPoint(services, point);
      if (typeof reached !== 'string') written.add(reached.device.id);
    }
    const everywhere: Effect[] = [];
    const byDevice = new Map<string, Effect[]>();
    for (const { target, asks, with: of } of alsoAsks) {
      const device = deviceBy(services, target);
      if (device === undefined) return reason('not-a-device', { id: target });
      const effect = { target: device.handle, asks };
      if (of === undefined || !written.has(of)) everywhere.push(effect);
      else byDevice.set(of, [...(byDevice.get(of) ?? []), effect]);
    }
    return (device) => [...everywhere, ...(byDevice.get(device) ?? [])];
  }

  function judgeAll(caller: Caller, groups: readonly DeviceGroup[], job: string): Permit<unknown>[] | NonEmpty<Denial> {
    const permits: Permit<unknown>[] = [];
    const denials: Denial[] = [];
    for (const { change } of groups) {
      const judged = gate.judge(caller, { ...change, job });
      if (judged.permitted) permits.push(judged.permit);
      else denials.push(judged.denial);
    }
    if (!isNonEmpty(denials)) return permits;
    for (const permit of permits) gate.abandon(permit, 'another row of the batch was denied');
    return denials;
  }

  async function oldValues(groups: readonly DeviceGroup[]): Promise<ReadonlyMap<WriteRow, PointValue>> {
    const old = new Map<WriteRow, PointValue>();
    const rows = groups.flatMap((group) => group.rows);
    await Promise.all(
      rows.map(async ({ row, reached }) => {
        const reading = await readSlot(reached, row.priority);
        if ('value' in reading) old.set(row, reading.value);
      }),
    );
    return old;
  }

  /** One device: what became of it, and what each slot held afterwards. */
  async function carry(group: DeviceGroup, permit: Permit<unknown>): Promise<readonly RowResult[]> {
    const driver = group.rows[0]?.reached.driver;
    const performed: Performed = driver
      ? await driver.perform(permit)
      : { outcome: { kind: 'not-sent', why: reason('no-driver') } };
    const before = services.intentOf(permit.decisionId)?.effects ?? [];
    return group.rows.map((planned) => resultOf(planned, permit.decisionId, before, performed));
  }

  async function undoAll(carried: readonly Carried[]): Promise<void> {
    for (const one of [...carried].reverse()) {
      const rows: RowResult[] = [];
      for (const row of one.rows) rows.push(await undoRow(one, row));
      one.rows = rows;
      await ledger.dropped(one.overrides);
    }
  }

  async function undoRow({ group, permit }: Carried, row: RowResult): Promise<RowResult> {
    if (!wasWritten(row)) return row;
    const priority = group.rows.find((planned) => planned.row.point === row.point)?.row.priority;
    const slot = {
      point: row.point,
      // Where nobody knows whether it was carried out, another value is somebody else's.
      holds: row.state === 'unknown' ? row.wanted : (row.readBack ?? row.wanted),
      decision: row.decision,
      ...(row.old !== undefined && { before: row.old }),
      ...(priority !== undefined && { priority }),
    };
    // Where the outcome is unknown and the slot holds the old value, nothing has to be put back.
    if (row.state === 'unknown' && row.old !== undefined && row.readBack !== undefined) {
      if (isSameValue(row.old, row.readBack) && !isSameValue(row.wanted, row.readBack)) return row;
    }
    const done = await putBack(services, 'undo', slot, (change) => gate.undoPermit(permit, change));
    return done.kind === 'put-back'
      ? { ...row, state: 'put-back', readBack: done.value }
      : { ...row, state: 'left-written', why: done.why };
  }

  async function write(caller: Caller, order: WriteOrder): Promise<WriteResult> {
    const { groups, checks } = plan(order);
    if (checks.some(({ fault }) => fault !== undefined)) return { kind: 'faulty', rows: checks };
    const job = order.job ?? services.newId('job');
    const permits = judgeAll(caller, groups, job);
    if (isDenied(permits)) return { kind: 'denied', denials: permits };
    const isBatch = order.rows.length > 1;
    const carried: Carried[] = [];
    const opened: (readonly OverrideId[])[] = [];
    try {
      if (isBatch) await begin(caller, job, groups, permits, await oldValues(groups));
      for (const [at, { rows: planned }] of groups.entries()) {
        const decision = permits[at]?.decisionId;
        opened.push(decision ? await ledger.open(caller, decision, planned) : []);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      for (const permit of permits) gate.abandon(permit, why);
      for (const ids of opened) await ledger.dropped(ids).catch(() => {});
      if (isBatch) await close(job);
      return { kind: 'unrecorded', why };
    }
    /** Why nothing more is begun. */
    let ends: string | undefined;
    for (const [at, group] of groups.entries()) {
      const permit = permits[at];
      const overrides = opened[at] ?? [];
      if (permit === undefined) continue;
      if (order.signal?.aborted) ends ??= reason('batch-stopped');
      if (ends !== undefined) {
        gate.abandon(permit, ends);
        carried.push({ group, permit, overrides, rows: notSent(group, permit, ends) });
        continue;
      }
      const results = await carry(group, permit);
      carried.push({ group, permit, overrides, rows: withOverrides(results, overrides, group) });
      if (results.some(isFailure)) ends = reason('batch-failed');
      order.progress?.(carried.flatMap(({ rows }) => rows));
    }
    if (ends !== undefined && isBatch) await undoAll(carried);
    else await settleLedger(carried);
    if (isBatch) await end(job, carried);
    const results = carried.flatMap((one) => one.rows);
    return { kind: 'carried-out', job, ok: results.every(({ state }) => state === 'done'), rows: results };
  }

  async function settleLedger(carried: readonly Carried[]): Promise<void> {
    for (const { group, overrides, rows } of carried) {
      if (rows.some(wasWritten)) await ledger.begun(overrides, group.rows, rows);
      else await ledger.dropped(overrides);
    }
  }

  async function begin(
    caller: Caller,
    job: string,
    groups: readonly DeviceGroup[],
    permits: readonly Permit<unknown>[],
    old: ReadonlyMap<WriteRow, PointValue>,
  ): Promise<void> {
    const rows = groups.flatMap((group) =>
      group.rows.map(({ row }) => {
        const before = old.get(row);
        return {
          target: row.point,
          new: recordValue(row.value),
          ...(before === undefined ? { oldUnknown: 'not read' } : { old: recordValue(before) }),
          ...(row.priority !== undefined && { priority: row.priority }),
        };
      }),
    );
    const decisions = permits.map(({ decisionId }) => decisionId);
    const detail = { job, principal: caller.principal, from: caller.from, decisions, rows };
    underWay.add(job);
    await journal.append({ kind: 'system', ...stamp(), event: 'batch-begun', detail });
    await shelf.put('batch', { id: job, at: clock.now(), body: JSON.stringify({ decisions }) });
  }

  async function end(job: string, carried: readonly Carried[]): Promise<void> {
    const rows = carried.flatMap((one) =>
      one.rows.map(({ point, state, why }) => ({ target: point, state, ...(why !== undefined && { why }) })),
    );
    journal.note({ kind: 'system', ...stamp(), event: 'batch-ended', detail: { job, rows } });
    await close(job);
  }

  async function close(job: string): Promise<void> {
    underWay.delete(job);
    await shelf.remove('batch', job).catch((error: unknown) => {
      log.write('error', 'batch.not-closed', { job, why: String(error) }, `batch \`${job}\` could not be closed`);
    });
  }

  const stamp = () => ({ at: clock.now(), ...(!clock.sure() && { clockUnsure: true as const }) });

  return {
    check(caller, order) {
      const { checks } = plan(order);
      const besides = askedBesides(order);
      return order.rows.map((asked, at): RowCheck => {
        const check = checks[at] ?? { point: asked.point, fault: reason('not-planned') };
        const reached = reachPoint(services, asked.point);
        if (check.fault !== undefined || typeof reached === 'string') return check;
        const planned = reached.driver.plan([writeOf(reached.point, withPriority(asked, order, reached))]);
        const isPlanned = planned.ok && typeof besides !== 'string';
        const step = isPlanned ? stepOf(order, planned.value, besides(reached.device.id)) : undefined;
        const denial = step && gate.preview(caller, step);
        const approvals = step && denial?.reason === 'approval-required' ? gate.approvalsFor(caller, step) : undefined;
        return { ...check, ...(denial && { denial }), ...(approvals !== undefined && { approvals }) };
      });
    },
    write,
    spanOf(id) {
      const reached = reachPoint(services, id);
      if (typeof reached === 'string') return { mayEnd: false };
      return usualSpan(reached.point, reached.driver.slots !== undefined);
    },
    putBackInterrupted,
  };
}

/** The change of one device as the order wants it judged. The points stand first: drivers go by them. */
function stepOf<C>({ job, approvedBy }: WriteOrder, planned: Change<C>, besides: readonly Effect[]): Change<C> {
  const [first, ...others] = planned.effects;
  return {
    ...planned,
    effects: [first, ...others, ...besides],
    ...(job !== undefined && { job }),
    ...(approvedBy && { approvedBy }),
  };
}

/** Where a protocol has no priorities, one that was said of all rows is not meant. */
function withPriority(row: WriteRow, { priority }: WriteOrder, { driver }: Reached): WriteRow {
  const isMeant = row.priority === undefined && priority !== undefined && driver.slots !== undefined;
  return isMeant ? { ...row, priority } : row;
}

/** The device did not take it, as far as is known: the rest is not sent. A value it rounded is told, and stays. */
const isFailure = ({ state }: RowResult): boolean =>
  state === 'refused-by-device' || state === 'unknown' || state === 'not-sent' || state === 'withdrawn';
const wasWritten = ({ state }: RowResult): boolean =>
  state === 'done' || state === 'differs' || state === 'not-read-back' || state === 'unknown';

function writeOf({ handle }: Reached['point'], { value, priority }: WriteRow): PointWrite {
  return { target: handle, value, ...(priority !== undefined && { priority }) };
}

function resultOf(
  { row, reached }: PlannedRow,
  decision: DecisionId,
  before: readonly RecordedEffect[],
  { outcome, readBack }: Performed,
): RowResult {
  const effect = before.find(({ target, priority }) => target === row.point && priority === row.priority);
  const base = {
    point: row.point,
    device: reached.device.id,
    decision,
    wanted: row.value,
    ...(effect?.old !== undefined && { old: recordedValue(effect.old) }),
  };
  const now = readBack?.get(reached.point.handle) ?? { unknown: reason('not-read') };
  const read = 'value' in now ? { readBack: now.value } : {};
  switch (outcome.kind) {
    case 'refused-by-device':
      return { ...base, state: outcome.kind, why: outcome.answer };
    case 'not-sent':
      return { ...base, state: outcome.kind, why: outcome.why };
    case 'withdrawn':
      return { ...base, state: outcome.kind, why: outcome.reason };
    case 'unknown':
    case 'stopped':
      // Stopped half-way: a part of it may be there.
      return { ...base, ...read, state: 'unknown', why: outcome.why };
    case 'acknowledged':
      if ('unknown' in now) return { ...base, state: 'not-read-back', why: now.unknown };
      return { ...base, ...read, state: isSameValue(now.value, row.value) ? 'done' : 'differs' };
  }
}

function isDenied(judged: readonly Permit<unknown>[] | NonEmpty<Denial>): judged is NonEmpty<Denial> {
  const [first] = judged;
  return first !== undefined && 'reason' in first;
}

function faultOf(
  planned: ReturnType<Reached['driver']['plan']> | undefined,
): Required<Pick<RowCheck, 'fault' | 'field'>> | undefined {
  if (planned === undefined || planned.ok) return undefined;
  const [{ found, expected, path }] = planned.fault;
  const [, field] = /(?:^|\.)(value|priority)$/.exec(path) ?? [];
  if (field === undefined) return { fault: describeFault({ path, found, expected }), field: 'point' };
  return { fault: reason('got-expected', { found, expected }), field: field === 'value' ? 'value' : 'priority' };
}

function withOverrides(
  rows: readonly RowResult[],
  ids: readonly OverrideId[],
  { rows: planned }: DeviceGroup,
): RowResult[] {
  return rows.map((row, at) => {
    const [override, until] = [ids[at], planned[at]?.until];
    return override === undefined || until === undefined ? row : { ...row, override, until };
  });
}

function notSent({ rows }: DeviceGroup, { decisionId }: Permit<unknown>, why: string): RowResult[] {
  return rows.map(({ row, reached }) => ({
    point: row.point,
    device: reached.device.id,
    decision: decisionId,
    wanted: row.value,
    state: 'not-sent',
    why,
  }));
}
