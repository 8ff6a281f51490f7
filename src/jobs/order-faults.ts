// What is wrong with an order itself, before any device is asked. Invariant: an empty list, a device twice, an unknown device and
// one that another job works on are faults that name their place.

import type { Caller } from '../contract/gate.ts';
import type { JobCheck, JobOrder } from '../contract/jobs.ts';
import { describeFound } from '../model/fault.ts';
import type { JobBook } from './job-book.ts';
import { type JobServices, MOST_DEVICES, MOST_OPEN_JOBS, MOST_OPEN_JOBS_EACH } from './job-services.ts';
import { isEnded } from './machine.ts';
import { deviceBy } from './plant.ts';

type OrderFault = JobCheck['faults'][number];
type Parts = Pick<JobServices, 'inventory' | 'drivers' | 'images' | 'clock'> & { readonly book: JobBook };

const MOST_NOTE = 500;
/** ECMA-262, Time Values. */
const LAST_DATE_MS = 8.64e15;

/** Devices that jobs have, each with its job, but for those of `except`. */
function takenBy(book: JobBook, except: string | undefined): ReadonlyMap<string, string> {
  const taken = new Map<string, string>();
  for (const { job } of book.list()) {
    if (job.endedAt !== undefined || job.id === except) continue;
    for (const { device, state } of job.devices) if (!isEnded(state)) taken.set(device, job.id);
  }
  return taken;
}

export function faultsOf(parts: Parts, { principal }: Caller, order: JobOrder, except?: string): OrderFault[] {
  return [
    ...ofNumber(parts, principal ?? '', except),
    ...ofKind(parts, order),
    ...ofDevices(parts, order, except),
    ...ofWindow(parts, order),
    ...((order.note?.length ?? 0) > MOST_NOTE
      ? [fault('note', `${order.note?.length} characters`, `at most ${MOST_NOTE}`)]
      : []),
  ];
}

function ofNumber({ book }: Parts, principal: string, except: string | undefined): OrderFault[] {
  const open = book.list().flatMap(({ job }) => (job.endedAt === undefined && job.id !== except ? job.starter : []));
  const own = open.filter((starter) => starter.principal === principal).length;
  const tooMany = (found: string, most: number): OrderFault[] => [
    { ...fault('', found, `at most ${most - 1}`), code: 'too-many-jobs' },
  ];
  if (own >= MOST_OPEN_JOBS_EACH) return tooMany(`${own} jobs of your own that have not ended`, MOST_OPEN_JOBS_EACH);
  return open.length >= MOST_OPEN_JOBS ? tooMany(`${open.length} jobs that have not ended`, MOST_OPEN_JOBS) : [];
}

function ofKind({ images, inventory, drivers }: Parts, order: JobOrder): OrderFault[] {
  switch (order.kind) {
    case 'firmware': {
      const { canary: _canary, atOnce, stopAtFailedPercent } = order.rollout;
      const image = images.get(order.image);
      return [
        ...(image === undefined ? [fault('image', describeFound(order.image), 'an image that is kept here')] : []),
        ...(image && image.state !== 'ready'
          ? [fault('image', `${image.received} of ${image.manifest.size} octets`, 'a whole image')]
          : []),
        ...within('rollout.atOnce', atOnce, 32),
        ...within('rollout.stopAtFailedPercent', stopAtFailedPercent, 100),
      ];
    }
    case 'configuration': {
      const isKnown = deviceBy({ inventory, drivers }, order.source) !== undefined;
      return [
        ...(isKnown ? [] : [fault('source', describeFound(order.source), 'a device of the policy in force')]),
        ...(order.classes.length === 0 ? [fault('classes', 'an empty list', 'at least one class')] : []),
        ...order.devices.flatMap((device, at) =>
          device === order.source ? [fault(`devices.${at}`, 'the source', 'another device')] : [],
        ),
      ];
    }
    case 'alarm-thresholds': {
      const keys = order.values.map(({ key }) => key);
      return [
        ...(keys.length === 0 ? [fault('values', 'an empty list', 'at least one value')] : []),
        ...keys.flatMap((key, at) =>
          keys.indexOf(key) < at ? [fault(`values.${at}`, `\`${key}\` again`, 'each key once')] : [],
        ),
      ];
    }
    case 'batch':
      return order.rows.length === 0 ? [fault('rows', 'an empty list', 'at least one row')] : [];
  }
}

function ofDevices(parts: Parts, order: JobOrder, except: string | undefined): OrderFault[] {
  const places =
    order.kind === 'batch'
      ? order.rows.map(({ point }, at) => ({ path: `rows.${at}`, device: deviceOfPoint(parts, point), said: point }))
      : order.devices.map((said, at) => ({ path: `devices.${at}`, device: deviceBy(parts, said)?.id, said }));
  if (order.kind !== 'batch' && places.length === 0) return [fault('devices', 'an empty list', 'at least one device')];
  if (places.length > MOST_DEVICES) return [fault('devices', `${places.length}`, `at most ${MOST_DEVICES}`)];
  const what = order.kind === 'batch' ? 'point' : 'device';
  const taken = takenBy(parts.book, except);
  const seen = new Set<string>();
  return places.flatMap(({ path, device, said }): OrderFault[] => {
    if (device === undefined) return [fault(path, describeFound(said), `a ${what} of the policy in force`)];
    if (order.kind !== 'batch' && seen.has(device)) return [fault(path, `\`${device}\` again`, 'each device once')];
    seen.add(device);
    const other = taken.get(device);
    return other === undefined
      ? []
      : [fault(path, `\`${device}\` in job \`${other}\``, 'a device that no other job has')];
  });
}

export function deviceOfPoint({ inventory }: Pick<Parts, 'inventory'>, id: string): string | undefined {
  const view = inventory();
  const handle = view?.find(id);
  const point = handle === undefined ? undefined : view?.point(handle);
  return point === undefined ? undefined : view?.device(point.device)?.id;
}

function ofWindow({ clock }: Parts, { window }: JobOrder): OrderFault[] {
  if (window === undefined) return [];
  const { from, until } = window;
  const at = (ms: number): string => `\`${Math.abs(ms) <= LAST_DATE_MS ? new Date(ms).toISOString() : ms}\``;
  if (from !== undefined && until <= from) return [fault('window.until', at(until), `later than ${at(from)}`)];
  if (clock.sure() && until <= clock.now()) return [fault('window.until', at(until), `later than ${at(clock.now())}`)];
  return [];
}

function within(path: string, value: number, most: number): OrderFault[] {
  const fits = Number.isInteger(value) && value >= 1 && value <= most;
  return fits ? [] : [fault(path, describeFound(value), `a whole number from 1 to ${most}`)];
}

const fault = (path: string, found: string, expected: string): OrderFault => ({ path, found, expected });
