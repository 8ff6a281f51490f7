// The verdict on an order, device by device, before anything starts. Invariants: 1. nothing is sent but reads, nothing recorded;
// 2. one device that may not, or cannot, stands against the whole; 3. what is previewed is what will be judged.

import type { FirmwareDriver, ImageSource } from '../contract/firmware.ts';
import type { Approver, Caller, Change, Denial, Effect } from '../contract/gate.ts';
import type { DeviceCheck, DifferenceRow, FirmwareOrder, JobCheck, JobOrder } from '../contract/jobs.ts';
import { reason, reasonOf } from '../contract/reasons.ts';
import type { RowCheck } from '../contract/work.ts';
import { type TargetHandle, targetId } from '../model/ids.ts';
import type { InventoryDevice } from '../model/point.ts';
import { isNonEmpty } from '../model/result.ts';
import { fitOf, type ImageFacts } from './firmware-fit.ts';
import type { JobBook } from './job-book.ts';
import { devicesOf, type KeptJob } from './job-record.ts';
import type { JobServices } from './job-services.ts';
import { MACHINE } from './machine.ts';
import { deviceOfPoint, faultsOf } from './order-faults.ts';
import { deviceBy, driverOf, reachDevice, reachPoint } from './plant.ts';
import {
  asksOf,
  copiedPoints,
  planWriting,
  type WritingOrder,
  type WritingPlan,
  writeOrderOf,
} from './writing-plan.ts';

export interface CheckedOrder {
  readonly check: JobCheck;
  /** What the gate was asked for each device. */
  readonly changes: ReadonlyMap<string, readonly Change<unknown>[]>;
  readonly image?: ImageFacts;
  readonly plan?: WritingPlan;
}

export interface CheckParts extends JobServices {
  readonly book: JobBook;
}

/** Devices that are asked at the same time. */
const AT_ONCE = 8;
/** Who asks is not kept waiting for longer than a job would wait for its devices. */
const LONGEST_MS = MACHINE.checking.withinMs;
/** Looks at an order while policies come and go. */
const MOST_LOOKS = 3;

/** `except`: a job whose own hold on its devices does not count, and under whose id it is judged. */
export async function checkOrder(
  parts: CheckParts,
  caller: Caller,
  order: JobOrder,
  except?: string,
): Promise<CheckedOrder> {
  for (let looks = 1; ; looks += 1) {
    const faults = faultsOf(parts, caller, order, except);
    if (faults.length > 0) return faulty(...faults);
    const view = parts.inventory();
    const checked = await inTime(
      parts,
      order.kind === 'firmware'
        ? checkFirmware(parts, caller, order, except)
        : checkWriting(parts, caller, order, except),
    );
    if (checked === undefined) {
      const found = `no answer of all within ${LONGEST_MS / 60_000} min`;
      return faulty({ path: 'devices', found, expected: 'devices that say how they stand' });
    }
    // What was asked stands in the inventory it was asked in: in another it would name other devices.
    if (parts.inventory() === view) return checked;
    if (looks === MOST_LOOKS) {
      const found = 'a policy that was replaced while the devices were asked';
      return faulty({ path: 'devices', found, expected: 'one that stays for as long; order it again' });
    }
  }
}

function inTime<T>({ timers }: CheckParts, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const late = timers.after(LONGEST_MS, () => resolve(undefined));
    work.then(resolve, reject).finally(() => late.cancel());
  });
}

function faulty(...faults: JobCheck['faults']): CheckedOrder {
  return { check: { faults, devices: [], approvals: 0, ok: false }, changes: new Map() };
}

function verdict(devices: readonly DeviceCheck[], approvals: number): JobCheck {
  const stands = devices.some(({ denial, fault }) => denial !== undefined || fault !== undefined);
  return { faults: [], devices, approvals, ok: devices.length > 0 && !stands };
}

async function checkFirmware(
  parts: CheckParts,
  caller: Caller,
  order: FirmwareOrder,
  except: string | undefined,
): Promise<CheckedOrder> {
  const { gate, images } = parts;
  const opened = await images.open(order.image);
  if (!opened.ok) {
    return faulty({ path: 'image', found: opened.fault.text, expected: 'an image that may be sent' });
  }
  const { value: image } = opened;
  const facts = image.manifest;
  const changes = new Map<string, Change<unknown>[]>();
  let approvals = 0;
  const asked = await eachOf(order.devices, async (id): Promise<DeviceCheck> => {
    const reached = reachDevice(parts, id);
    if (typeof reached === 'string') return { device: id, fault: reached };
    const { device, driver } = reached;
    const { firmware } = driver;
    if (!firmware) return { device: id, fault: reason('no-firmware-driver') };
    const planned: Change<unknown>[] = [];
    let fault: string | undefined;
    for (const step of [{ kind: 'transfer', image, goesOn: false } as const, { kind: 'activate', image } as const]) {
      const change = firmware.plan(device.handle, step);
      if (change.ok) planned.push({ ...change.value, ...(except !== undefined && { job: except }) });
      else fault ??= change.fault;
    }
    changes.set(id, planned);
    for (const change of planned) approvals = Math.max(approvals, gate.approvalsFor(caller, change));
    const denial = firstDenial(parts, caller, planned);
    // What somebody may not do is not found out for them.
    if (denial) return { device: id, denial };
    if (fault !== undefined) return { device: id, fault };
    return { device: id, ...(await askDevice(parts, firmware, device, facts)) };
  });
  // They took their time to answer: the right may be gone, or the time of who asks.
  const devices = asked.map((each): DeviceCheck => {
    const denial = each.denial ?? firstDenial(parts, caller, changes.get(each.device) ?? []);
    return denial ? { device: each.device, denial } : each;
  });
  return { check: verdict(devices, approvals), changes, image: imageFacts(facts) };
}

async function askDevice(
  { versions }: CheckParts,
  firmware: FirmwareDriver,
  device: InventoryDevice,
  facts: ImageFacts,
): Promise<Pick<DeviceCheck, 'fault' | 'remark' | 'version'>> {
  const path = firmware.path(device.handle);
  if (path === undefined) return { fault: reason('no-firmware-way') };
  const standing = await firmware.standing(device.handle);
  if (!standing.ok) return { fault: standing.fault };
  // Where it cannot be kept now, the job keeps it before it sends anything.
  await versions.heard(device.id, standing.value);
  const last = versions.of(device.id);
  const version = standing.value.state === 'boot-loader' ? last : standing.value.version;
  const fit = fitOf(facts, device, standing.value, path, { sent: false, last });
  const fault = fit.kind === 'unfit' ? fit.why : fit.kind === 'busy' ? reason('activates') : undefined;
  const remark = fit.kind === 'fits' ? fit.remark : undefined;
  return {
    ...(version !== undefined && { version }),
    ...(fault !== undefined && { fault }),
    ...(remark !== undefined && { remark }),
  };
}

function imageFacts({ vendor, model, version, size, minimumVersion, permitsDowngrade }: ImageFacts): ImageFacts {
  return {
    vendor,
    model,
    version,
    size,
    ...(minimumVersion !== undefined && { minimumVersion }),
    ...(permitsDowngrade !== undefined && { permitsDowngrade }),
  };
}

async function checkWriting(
  parts: CheckParts,
  caller: Caller,
  order: WritingOrder,
  except: string | undefined,
): Promise<CheckedOrder> {
  const ids = devicesOf(order, (point) => deviceOfPoint(parts, point));
  const early = withoutReading(parts, caller, order, ids, except);
  if (early) return early;
  const plan = await planWriting(parts, order);
  const changes = new Map<string, readonly Change<unknown>[]>();
  let approvals = 0;
  const view = parts.inventory();
  const reader = parts.gate.reader(caller, 'point.read');
  const isShown = (point: string): boolean => {
    const handle = view?.find(point);
    return handle !== undefined && reader.permits(handle);
  };
  const checks = rowChecks(parts, caller, order, plan, except);
  const devices = ids.map((id): DeviceCheck => {
    const planned = plan.get(id) ?? { rows: [], fault: reason('no-device') };
    const change = changeOf(parts, order, id, planned.rows, except);
    if (change) {
      changes.set(id, [change]);
      approvals = Math.max(approvals, gateApprovals(parts, caller, change));
    }
    const own = checks.filter(({ device }) => device === id);
    const rows = planned.rows.map((given): DifferenceRow => {
      const { now: _now, ...hidden } = given;
      const row = isShown(given.point) ? given : hidden;
      const fault =
        row.fault ?? own.find(({ point, fault: found }) => point === row.point && found !== undefined)?.fault;
      return fault === undefined ? row : { ...row, fault: faultTold(fault, isShown) };
    });
    const denial =
      own.find((row) => row.denial !== undefined && stands(row.denial))?.denial ??
      (change && firstDenial(parts, caller, [change]));
    const fault = faultInRows(rows, isShown) ?? planned.fault;
    const unmatched = planned.unmatched?.filter(isShown) ?? [];
    return {
      device: id,
      rows,
      ...(denial && { denial }),
      ...(fault !== undefined && { fault }),
      ...(unmatched.length > 0 && { unmatched }),
    };
  });
  return { check: verdict(devices, approvals), changes, plan };
}

/** The first of a point that is shown; that of another is not named. */
function faultInRows(rows: readonly DifferenceRow[], isShown: (point: string) => boolean): string | undefined {
  const broken = rows.filter(({ fault }) => fault !== undefined);
  const shown = broken.find(({ point }) => isShown(point));
  if (shown) return reason('of-point', { point: shown.point, why: shown.fault ?? '' });
  return broken.length > 0 ? reason('of-unseen-point') : undefined;
}

/** Without the point of another device that a unit is held to, where that is not shown. */
function faultTold(fault: string, isShown: (point: string) => boolean): string {
  const { code, data } = reasonOf(fault) ?? {};
  if (code !== 'other-unit-than' || isShown(String(data?.point))) return fault;
  return reason('other-unit-elsewhere', { got: String(data?.got) });
}

/** Who may not on one of the devices learns of none what it holds. */
function withoutReading(
  parts: CheckParts,
  caller: Caller,
  order: WritingOrder,
  ids: readonly string[],
  except: string | undefined,
): CheckedOrder | undefined {
  const changes = new Map<string, readonly Change<unknown>[]>();
  const devices = ids.map((id): DeviceCheck => {
    const change = changeOf(parts, order, id, [], except);
    if (change) changes.set(id, [change]);
    const denial = change && firstDenial(parts, caller, [change]);
    return { device: id, ...(denial && { denial }) };
  });
  return devices.some(({ denial }) => denial !== undefined) ? { check: verdict(devices, 0), changes } : undefined;
}

const gateApprovals = ({ gate }: CheckParts, caller: Caller, change: Change<unknown>): number =>
  gate.approvalsFor(caller, change);

function rowChecks(
  { writer }: CheckParts,
  caller: Caller,
  order: WritingOrder,
  plan: WritingPlan,
  except: string | undefined,
): readonly RowCheck[] {
  const write = writeOrderOf(order, plan);
  return write === undefined ? [] : writer.check(caller, { ...write, ...(except !== undefined && { job: except }) });
}

/** All that one device's part of the job asks; for the verdict and the record alone, it is never sent. */
function changeOf(
  plant: CheckParts,
  order: WritingOrder,
  id: string,
  rows: readonly Pick<DifferenceRow, 'point' | 'wanted' | 'differs'>[],
  except: string | undefined,
): Change<unknown> | undefined {
  const besides = asksOf(order, id).flatMap(({ target, asks }): Effect[] => {
    const handle = deviceBy(plant, target)?.handle;
    return handle === undefined ? [] : [{ target: handle, asks }];
  });
  // What is copied is shown: it is read in the name of who asks.
  const isFirst = order.kind === 'configuration' && order.devices[0] === id;
  const reads = isFirst ? copiedPoints(plant, order) : [];
  besides.push(...reads.map(({ handle }): Effect => ({ target: handle, asks: 'point.read' })));
  const writes = rows.flatMap((row) => (row.differs ? effectsOf(plant, order, row) : []));
  const effects = [...besides, ...writes];
  const job = except === undefined ? {} : { job: except };
  return isNonEmpty(effects) ? { what: undefined, operation: OPERATIONS[order.kind], effects, ...job } : undefined;
}

/** As its driver says them: under which priority, and what else a write of the point moves. */
function effectsOf(
  plant: CheckParts,
  order: WritingOrder,
  { point: id, wanted: value }: Pick<DifferenceRow, 'point' | 'wanted'>,
): readonly Effect[] {
  const reached = reachPoint(plant, id);
  if (typeof reached === 'string') {
    const target = plant.inventory()?.find(id);
    return target === undefined ? [] : [{ target, asks: 'write', value }];
  }
  const { point, driver } = reached;
  const row = order.kind === 'batch' ? order.rows.find((each) => each.point === id) : undefined;
  const whole = order.kind === 'batch' && driver.slots !== undefined ? order.priority : undefined;
  const priority = row?.priority ?? whole;
  const write = { target: point.handle, value, ...(priority !== undefined && { priority }) };
  const planned = driver.plan([write]);
  return planned.ok ? planned.value.effects : [{ ...write, asks: 'write' }];
}

const OPERATIONS = {
  configuration: 'copy configuration',
  'alarm-thresholds': 'change alarm thresholds',
  batch: 'write batch',
} as const satisfies Record<WritingOrder['kind'], string>;

/** The first that somebody may not; waiting for others to approve is none. */
function firstDenial(
  { gate }: Pick<CheckParts, 'gate'>,
  caller: Caller,
  changes: readonly Change<unknown>[],
): Omit<Denial, 'decisionId'> | undefined {
  for (const change of changes) {
    const denial = gate.preview(caller, change);
    if (denial && stands(denial)) return denial;
  }
  return undefined;
}

/** That others must approve is no denial here: the job waits for them. */
const stands = ({ reason }: Pick<Denial, 'reason'>): boolean => reason !== 'approval-required';

/**
 * What stands against somebody who acts on a whole job: the right on everything that it names, as far as that can be said without
 * asking the devices. On what the policy holds no more nobody has a right.
 */
export function jobDenial(
  parts: CheckParts,
  caller: Caller,
  { job, memory }: KeptJob,
  { image, approvedBy }: { readonly image?: ImageSource; readonly approvedBy?: readonly Approver[] } = {},
): Omit<Denial, 'decisionId'> | undefined {
  const { order } = job;
  const points = job.devices.flatMap(({ device }) => memory.devices[device]?.wanted ?? []).map(({ point }) => point);
  const source = order.kind === 'configuration' ? [order.source] : [];
  const named = [...source, ...job.devices.map(({ device }) => device), ...points];
  const gone = named.find((id) => parts.inventory()?.find(id) === undefined);
  if (gone !== undefined) {
    const text = reason('not-in-policy', { id: gone });
    return { reason: 'unknown-target', target: targetId(gone), verdicts: [], text };
  }
  const changes = job.devices.flatMap(({ device: id }): Change<unknown>[] => {
    if (order.kind === 'firmware') return stepsOf(parts, id, job.id, image);
    const rows = (memory.devices[id]?.wanted ?? []).map((row) => ({ ...row, wanted: row.value }));
    const change = changeOf(parts, order, id, rows, job.id);
    return change ? [change] : [];
  });
  return firstDenial(parts, caller, approvedBy ? changes.map((change) => ({ ...change, approvedBy })) : changes);
}

function stepsOf(parts: CheckParts, id: string, job: string, image: ImageSource | undefined): Change<unknown>[] {
  const device = deviceBy(parts, id);
  if (device === undefined) return [];
  const { handle } = device;
  const whole = { what: undefined, operation: 'firmware update', effects: [firmwareOf(handle)], job } as const;
  const firmware = driverOf(parts.drivers, device)?.firmware;
  if (image === undefined || firmware === undefined) return [whole];
  const steps = [{ kind: 'transfer', image, goesOn: false } as const, { kind: 'activate', image } as const];
  return steps.map((step) => {
    const planned = firmware.plan(handle, step);
    return planned.ok ? { ...planned.value, job } : whole;
  });
}

const firmwareOf = (target: TargetHandle): Effect => ({ target, asks: 'firmware.update' });

async function eachOf<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  async function worker(): Promise<void> {
    for (let at = next; at < list.length; at = next) {
      next += 1;
      const one = list[at];
      if (one !== undefined) results[at] = await work(one);
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, worker));
  return results;
}
