// Who sees which job, and how much of it: the list, one job and the live stream obey this one decision. Invariants: 1. devices that
// may not be viewed are left out; 2. without a device to see there is no job, but for its starter; 3. names as everywhere else.

import type { Caller } from '../contract/gate.ts';
import type { Job, JobOrder } from '../contract/jobs.ts';
import { ACTION_OF_WRITING, type ActionName } from '../model/action.ts';
import { seesOthers } from '../policy/ask-whom.ts';
import { decide } from '../policy/decide.ts';
import { ownerOf } from '../policy/rights.ts';
import { askedBy, mayIn } from './asker.ts';
import type { Context } from './context.ts';
import type { Sight } from './sight.ts';

export interface JobSight {
  /** `starter`, `peer`: the same right on every device, so may act on it; `reader`: looks on. */
  readonly as: 'starter' | 'peer' | 'reader';
  /** A device of it that is shown. */
  shows(device: string): boolean;
  /** Other persons by name. */
  readonly names: boolean;
}

/** What each device of an order asks of who starts, approves or stops it. */
function asksOf(order: JobOrder, sight: Sight): ReadonlyMap<ActionName, readonly string[]> {
  const asks = new Map<ActionName, readonly string[]>();
  switch (order.kind) {
    case 'firmware':
      return asks.set('firmware.update', order.devices);
    case 'configuration':
      asks.set('device.configure', [order.source, ...order.devices]);
      for (const each of order.classes) asks.set(ACTION_OF_WRITING[each], [order.source, ...order.devices]);
      return asks;
    case 'alarm-thresholds':
      return asks.set('alarm.threshold', order.devices);
    case 'batch': {
      const { inventory } = sight.tree;
      for (const { point } of order.rows) {
        const handle = inventory.find(point);
        const action = ACTION_OF_WRITING[(handle !== undefined && inventory.point(handle)?.class) || 'sensor'];
        asks.set(action, [...(asks.get(action) ?? []), point]);
      }
      return asks;
    }
  }
}

/** More than jobs are kept: those of jobs that were forgotten go with the rest. */
const MOST_KEPT = 500;
/** Kept as long as the sight of its asker: rights do not change within it, and of a job only who started it, by a retry. */
const kept = new WeakMap<Sight, Map<string, JobSight | undefined>>();

/** `undefined`: for this asker there is no such job. */
export function jobSight(context: Context, caller: Caller, sight: Sight, job: Job): JobSight | undefined {
  const known = kept.get(sight) ?? new Map<string, JobSight | undefined>();
  kept.set(sight, known);
  const key = `${job.id} ${job.starter.principal}`;
  if (known.size > MOST_KEPT) known.clear();
  if (!known.has(key)) known.set(key, look(context, caller, sight, job));
  return known.get(key);
}

function look({ options }: Context, caller: Caller, sight: Sight, job: Job): JobSight | undefined {
  const { snapshot } = sight;
  const { clock } = options;
  const asked = askedBy(caller, clock);
  const may = (action: string, targets: readonly string[]): boolean =>
    decide(snapshot, { ...asked, action, targets }).decision === 'permit';
  const isOwn = job.starter.principal === caller.principal;
  const isPeer = [...asksOf(job.order, sight)].every(([action, targets]) => may(action, targets));
  const isRead = (device: string): boolean =>
    isOwn || isPeer || (job.order.kind === 'configuration' && may('deviceConfig.read', [device]));
  const shown = new Set(
    job.devices.flatMap(({ device }) => (sight.device(device) !== undefined && isRead(device) ? [device] : [])),
  );
  const [first] = shown;
  if (first === undefined && !isOwn) return undefined;
  const handle = first === undefined ? undefined : sight.device(first);
  const owner = handle === undefined ? undefined : ownerOf(snapshot.rights, handle);
  return {
    as: isOwn ? 'starter' : isPeer ? 'peer' : 'reader',
    shows: (device) => shown.has(device),
    names:
      seesOthers(snapshot, { ...asked, action: 'device.view', targets: [] }, first) ||
      (owner !== undefined && mayIn(snapshot, caller, clock, 'audit.read', owner)),
  };
}
