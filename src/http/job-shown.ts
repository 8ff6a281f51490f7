// Jobs as the API shows them to one asker.

import type { Approval, BatchOrder, DeviceState, Job, JobDevice, JobState } from '../contract/jobs.ts';
import type { Asker } from './asker.ts';
import type { Context } from './context.ts';
import { shownDenial } from './denial-shown.ts';
import { type JobSight, jobSight } from './job-sight.ts';
import { personName } from './person-name.ts';
import { reasonIn, saidOf } from './said.ts';
import type { ApiJob, ApiJobDevice, ApiJobSummary, JOB_ACTS } from './schema-jobs.ts';
import { shownValue } from './shown-value.ts';
import type { Sight } from './sight.ts';

interface Looking {
  readonly context: Context;
  readonly asker: Asker;
  readonly sight: Sight;
  readonly own: JobSight;
}

/** Who pauses and stops where no person does. */
const GATEWAY = 'gateway';
const ENDED: ReadonlySet<JobState> = new Set(['done', 'failed', 'aborted', 'refused']);
export const isEnded = ({ state }: Pick<Job, 'state'>): boolean => ENDED.has(state);

const OVER: ReadonlySet<DeviceState> = new Set(['done', 'rolled-back', 'failed', 'aborted', 'refused']);
/** Of a device: nothing more becomes of it. */
export const isOver = (state: DeviceState): boolean => OVER.has(state);

/** `undefined`: for this asker there is no such job. */
export function shownSummary(context: Context, asker: Asker, job: Job): ApiJobSummary | undefined {
  const looking = lookingAt(context, asker, job);
  return looking && summaryOf(looking, job);
}

/** `rows`: what was written on each device as well. */
export function shownJob(context: Context, asker: Asker, job: Job, rows: boolean): ApiJob | undefined {
  const looking = lookingAt(context, asker, job);
  if (!looking) return undefined;
  const { sight, own } = looking;
  const { order } = job;
  const devices = job.devices.filter(({ device }) => own.shows(device));
  const source = order.kind === 'configuration' ? placeOf(sight, order.source) : undefined;
  return {
    ...summaryOf(looking, job),
    partial: devices.length < job.devices.length,
    devices: devices.map((each) => deviceOf(looking, job, each, rows)),
    ...(order.window && { window: order.window }),
    ...(order.kind === 'firmware' && { rollout: order.rollout }),
    ...(source && { source }),
    ...(order.kind === 'configuration' && { classes: [...order.classes] }),
    ...(order.kind === 'alarm-thresholds' && {
      values: order.values.map(({ key, value }) => ({ key, value: shownValue(value) })),
    }),
    ...(order.kind === 'batch' && { rows: orderedRows(looking, order) }),
  };
}

/** As it was ordered, for whoever is to approve it. */
function orderedRows({ context, sight }: Looking, order: BatchOrder): NonNullable<ApiJob['rows']> {
  const { inventory } = sight.tree;
  const { live, options } = context;
  return order.rows.flatMap(({ point: id, value, overrideMs = order.overrideMs, ...row }) => {
    const handle = sight.point(id);
    const point = handle === undefined ? undefined : inventory.point(handle);
    const above = point && inventory.device(point.device);
    if (!point || !above) return [];
    const hasSlots = live.driverOf(above)?.driver.slots !== undefined;
    const priority = row.priority ?? (hasSlots ? order.priority : undefined);
    const usual = overrideMs === undefined ? options.writer.spanOf(id).usualMs : overrideMs;
    const lastsMs = value === null ? undefined : (usual ?? undefined);
    const device = placeOf(sight, above.id);
    return [
      {
        point: { id, name: point.name },
        value: shownValue(value),
        ...(device && { device }),
        ...(point.unit !== undefined && { unit: point.unit }),
        ...(point.limits?.step !== undefined && { step: point.limits.step }),
        ...(priority !== undefined && { priority }),
        ...(lastsMs !== undefined && { lastsMs }),
      },
    ];
  });
}

function lookingAt(context: Context, asker: Asker, job: Job): Looking | undefined {
  const sight = context.sights.of(asker.caller);
  const own = sight && jobSight(context, asker.caller, sight, job);
  return own && { context, asker, sight, own };
}

function summaryOf(looking: Looking, job: Job): ApiJobSummary {
  const { context, asker, own } = looking;
  const { id, order, state, revision, starter, startedAt, endedAt, paused, stopping, approvals } = job;
  const devices = job.devices.filter(({ device }) => own.shows(device));
  const counts: ApiJobSummary['counts'] = {};
  for (const each of devices) counts[each.state] = (counts[each.state] ?? 0) + 1;
  const starting = personOf(looking, starter.principal);
  const image = order.kind === 'firmware' ? context.options.images.get(order.image)?.manifest : undefined;
  return {
    id,
    kind: order.kind,
    state,
    revision,
    own: starter.principal === asker.caller.principal,
    startedAt,
    may: actsOf(looking, job),
    approvals: { needed: approvals.needed, given: approvals.given.map((each) => approvalOf(looking, each)) },
    counts,
    ...(starting !== undefined && { starter: starting }),
    ...(endedAt !== undefined && { endedAt }),
    ...(order.note !== undefined && { note: order.note }),
    ...(paused && { paused: haltOf(looking, job, paused) }),
    ...(stopping && { stopping: haltOf(looking, job, stopping) }),
    ...octetsOf(devices, image?.size),
    ...(order.kind === 'firmware' && {
      image: {
        id: order.image,
        ...(image && { vendor: image.vendor, model: image.model, version: image.version }),
      },
    }),
  };
}

/** Those that have not begun count with what they are to get; those that ended without a transfer do not. */
function octetsOf(devices: readonly JobDevice[], size = 0): Pick<ApiJobSummary, 'octets'> {
  const octets = { sent: 0, total: 0, perSecond: 0 };
  for (const { state, progress } of devices) {
    if (!progress) {
      if (!isOver(state)) octets.total += size;
      continue;
    }
    octets.sent += progress.octets;
    octets.total += progress.total;
    if (state === 'transferring') octets.perSecond += progress.perSecond;
  }
  return octets.total > 0 ? { octets } : {};
}

function deviceOf(looking: Looking, job: Job, device: JobDevice, withRows: boolean): ApiJobDevice {
  const { context, asker, sight, own } = looking;
  const { state, since, deadline, tries, oldVersion, newVersion, progress, rows, decisions, denial } = device;
  const why = device.why === undefined ? '' : told(looking, job, device.why);
  const { caller } = asker;
  const denied = denial ? shownDenial(denial, { sight, caller, clock: context.options.clock }) : [];
  return {
    device: placeOf(sight, device.device) ?? { id: device.device, name: device.device },
    state,
    since,
    tries,
    decisions: [...decisions],
    // Whom to ask is said to who was denied.
    denied: own.as === 'starter' ? denied : denied.map(({ askWhom: _others, ...row }) => row),
    ...(deadline !== undefined && { deadline }),
    ...(oldVersion !== undefined && { oldVersion }),
    ...(newVersion !== undefined && { newVersion }),
    ...(progress && { progress }),
    ...(why !== '' && { why, ...reasonIn(why) }),
    ...(withRows &&
      rows && {
        rows: rows.flatMap((row) =>
          sight.point(row.point) === undefined
            ? []
            : [
                {
                  point: row.point,
                  state: row.state,
                  decisionId: row.decision,
                  wanted: shownValue(row.wanted),
                  ...(row.old !== undefined && { old: shownValue(row.old) }),
                  ...(row.readBack !== undefined && { readBack: shownValue(row.readBack) }),
                  ...(row.why !== undefined && { why: row.why, ...reasonIn(row.why) }),
                },
              ],
        ),
      }),
  };
}

function placeOf(sight: Sight, id: string): { id: string; name: string } | undefined {
  const handle = sight.device(id);
  return handle === undefined ? undefined : { id, name: sight.tree.inventory.nameOf(handle) };
}

/** By name where it may be told. */
function personOf({ context, asker, own }: Looking, principal: string): string | undefined {
  if (principal !== asker.caller.principal && !own.names) return undefined;
  return personName(context, principal);
}

/** A sentence may name any device, value or person: who only looks on reads none, and nobody what is not for them. */
function told({ asker, own, sight }: Looking, { starter, approvals, paused, stopping }: Job, whole: string): string {
  if (own.as === 'reader') return '';
  const text = saidOf(whole, sight.tree.inventory, sight.sees);
  if (own.names) return text;
  const people = [starter.principal, ...approvals.given.map(({ by }) => by.principal), paused?.by, stopping?.by];
  return people.reduce<string>(
    (sentence, id) =>
      id === undefined || id === '' || id === asker.caller.principal ? sentence : sentence.replaceAll(id, 'somebody'),
    text,
  );
}

function haltOf(looking: Looking, job: Job, { by, why }: { readonly by: string; readonly why: string }) {
  const person = personOf(looking, by);
  const text = told(looking, job, why);
  // A person's own words are nobody's to translate.
  return { why: text, ...(by === GATEWAY && reasonIn(text)), ...(person !== undefined && { by: person }) };
}

function approvalOf(looking: Looking, { by, verdict, comment, at }: Approval) {
  const person = personOf(looking, by.principal);
  return {
    own: by.principal === looking.asker.caller.principal,
    verdict,
    comment: looking.own.as === 'reader' ? '' : comment,
    at,
    ...(person !== undefined && { by: person }),
  };
}

function actsOf({ asker, own }: Looking, job: Job): (typeof JOB_ACTS)[number][] {
  if (own.as === 'reader') return [];
  const over = isEnded(job);
  const again = job.devices.some(({ state }) => state === 'failed' || state === 'aborted' || state === 'rolled-back');
  const waits = job.devices.some(({ state }) => state === 'waiting-approval');
  const answered = job.approvals.given.some(({ by }) => by.principal === asker.caller.principal);
  return [
    ...(!over && job.state !== 'paused' ? (['pause'] as const) : []),
    ...(job.state === 'paused' ? (['resume'] as const) : []),
    ...(over ? [] : (['abort'] as const)),
    ...(over && again ? (['retry'] as const) : []),
    ...(waits && own.as === 'peer' && !answered ? (['approve'] as const) : []),
  ];
}
