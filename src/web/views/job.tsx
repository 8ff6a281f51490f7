// One job: how it stands as a whole, where each device stands, and what may be done about it.

import { useState } from 'preact/hooks';
import type { ApiJob, ApiJobDevice } from '../../http/schema-jobs.ts';
import { ask, seg } from '../api.ts';
import { Busy, Crumbs, Fault } from '../parts.tsx';
import { to } from '../route.ts';
import { clause, sentence } from '../sentence.ts';
import { useLoad, useNow } from '../store.ts';
import { shownMoment, shownSpan, shownTime, shownValue, t } from '../words.ts';
import { countOf, hasEnded, isOver, shownProgress, toneOf, useWork } from '../work.ts';
import { Approvals, JobActs } from './job-acts.tsx';
import { JobProgress, titleOf } from './job-parts.tsx';
import { Machine } from './machine.tsx';
import { Refusal } from './refusal.tsx';

export function JobView({ id }: { id: string }) {
  const loaded = useLoad(`job ${id}`, (signal) => ask<ApiJob>(`jobs/${seg(id)}`, { signal }));
  const [heard, setHeard] = useState<ApiJob>();
  const [gone, setGone] = useState(false);
  const take = (job: ApiJob): void => {
    setHeard(job);
    // The stream leaves out what was written: the whole is asked for once it is all over.
    if (isOver(job)) loaded.reload();
  };
  useWork(
    {
      job: (job) => 'devices' in job && job.id === id && take(job),
      gone: () => setGone(true),
    },
    id,
  );
  if (gone || (loaded.fault && !loaded.data)) {
    return loaded.fault && !gone ? (
      <Fault fault={loaded.fault} again={loaded.reload} />
    ) : (
      <p class="empty">{t('app.notFound')}</p>
    );
  }
  const job = newerOf(loaded.data, heard?.id === id ? heard : undefined);
  if (!job) return <Busy />;
  return <Shown job={job} took={take} />;
}

/** What was heard last, with what only the answer says. Octets come along without a new revision. */
function newerOf(answered: ApiJob | undefined, heard: ApiJob | undefined): ApiJob | undefined {
  if (!answered || !heard || heard.revision < answered.revision) return answered ?? heard;
  const rows = new Map(answered.devices.map((each) => [each.device.id, each.rows]));
  return {
    ...heard,
    devices: heard.devices.map((each) => {
      const known = each.rows ?? rows.get(each.device.id);
      return known ? { ...each, rows: known } : each;
    }),
  };
}

function Shown({ job, took }: { job: ApiJob; took: (job: ApiJob) => void }) {
  const { starter, own, startedAt, endedAt, note, paused, stopping, partial } = job;
  const halted = paused ?? stopping;
  return (
    <>
      <Crumbs trail={[{ name: t('nav.jobs'), href: to('jobs') }]} />
      <div class="heading">
        <div>
          <p class="kicker">{t(`job.kind.${job.kind}`)}</p>
          <h1>{titleOf(job)}</h1>
          <p>
            {t('job.by', { who: own ? t('over.you') : (starter ?? t('over.someone')), time: shownMoment(startedAt) })}
            {endedAt !== undefined && ` · ${t('job.endedAt', { time: shownMoment(endedAt) })}`}
          </p>
        </div>
        <span class={`tag big ${toneOf(job.state)}`}>{t(`job.state.${job.state}`)}</span>
      </div>
      {note !== undefined && <q>{note}</q>}
      {halted && (
        <p class="warning" role="status">
          {halted.by === undefined
            ? t(paused ? 'job.halted' : 'job.stopping')
            : t(paused ? 'job.pausedBy' : 'job.stoppingBy', { who: halted.by })}
          {halted.why !== '' && `: ${clause({ reason: halted.reason, text: halted.why })}`}
        </p>
      )}
      <JobProgress job={job} isLarge />
      <Ordered job={job} />
      <JobActs job={job} took={took} />
      <Approvals job={job} />
      <Machine job={job} />
      <section class="group">
        <h2>{t('place.count', { n: job.devices.length })}</h2>
        {partial && <p class="quiet">{t('job.partial')}</p>}
        <ul class="ledger">
          {[...job.devices].sort(byInterest).map((each) => (
            <DeviceRow key={each.device.id} each={each} wanted={job.image?.version} />
          ))}
        </ul>
      </section>
      <p class="code">{job.id}</p>
      <p class="visually-hidden" role="status">
        {t('job.spoken', { n: countOf(job, hasEnded), all: job.devices.length, state: t(`job.state.${job.state}`) })}
      </p>
    </>
  );
}

/** What a person has to know who is asked for their word. */
function Ordered({ job: { source, values, rows, window, startedAt } }: { job: ApiJob }) {
  if (!source && !values && !rows && !window) return null;
  return (
    <section class="card">
      <h2>{t('job.ordered')}</h2>
      {source && <p>{t('job.from', { name: source.name })}</p>}
      {values?.map(({ key, value }) => (
        <p key={key}>
          <code>{key}</code> → <strong>{shownValue(value)}</strong>
        </p>
      ))}
      {rows && (
        <ul class="ordered">
          {rows.map(({ point, device, value, unit, step, priority, lastsMs }) => (
            <li key={`${point.id} ${priority ?? ''}`}>
              <span class="row-name">
                <a class="target" href={to('point', point.id)}>
                  {point.name}
                </a>
                <small>{device?.name}</small>
              </span>
              <strong>{shownValue(value, value === null ? undefined : unit, step)}</strong>
              <small>
                {lastsMs === undefined ? t('batch.stays') : t('change.for', { time: shownSpan(lastsMs) })}
                {priority !== undefined && ` · ${t('job.priority', { n: priority })}`}
              </small>
            </li>
          ))}
        </ul>
      )}
      {window && (
        <p>{t('job.window', { from: shownTime(window.from ?? startedAt), until: shownTime(window.until) })}</p>
      )}
    </section>
  );
}

/** What works, then what went wrong, what waits, what is done; each in the order of the job. */
const byInterest = (a: ApiJobDevice, b: ApiJobDevice): number => interestOf(a) - interestOf(b);

function interestOf({ state }: ApiJobDevice): number {
  if (state === 'done') return 3;
  if (hasEnded(state) || state === 'rolling-back') return 1;
  return ['queued', 'waiting-approval', 'waiting-window'].includes(state) ? 2 : 0;
}

/** `wanted`: the version that was ordered, until the device says one. */
function DeviceRow({ each, wanted }: { each: ApiJobDevice; wanted: string | undefined }) {
  const now = useNow(15_000);
  const {
    device,
    state,
    deadline,
    tries,
    oldVersion,
    newVersion = wanted,
    progress,
    why,
    reason,
    denied,
    rows,
    decisions,
  } = each;
  const isSending = progress !== undefined && state === 'transferring';
  const names = { [device.id]: device.name };
  return (
    <li class={`card job-device ${toneOf(state)}`}>
      <div class="job-device-head">
        <span class="row-name">
          <a class="target" href={to('device', device.id)}>
            {device.name}
          </a>
        </span>
        {newVersion !== undefined && (
          <span class="versions">
            {oldVersion ?? '?'} → <strong>{newVersion}</strong>
          </span>
        )}
        <span class={`tag ${toneOf(state)}`}>{t(`job.at.${state}`)}</span>
      </div>
      {progress && progress.total > 0 && !hasEnded(state) && (
        <wa-progress-bar
          value={Math.round((progress.octets / progress.total) * 100)}
          label={t('job.progressOf', { name: device.name })}
        />
      )}
      <small class="terse">
        {isSending && shownProgress({ ...progress, sent: progress.octets })}
        {!isSending && deadline !== undefined && deadline > now && t('job.until', { time: shownTime(deadline) })}
        {tries > 1 && ` · ${t('job.tries', { n: tries })}`}
      </small>
      {why !== undefined && <p class="why">{sentence({ reason, text: why })}</p>}
      {denied.length > 0 && (
        <Refusal title={t('refused.title')} action="firmware.update" denied={denied} names={names} />
      )}
      {(rows?.length ?? 0) + decisions.length > 0 && (
        <details>
          <summary>{rows ? t('job.rows', { n: rows.length }) : t('job.decisions', { n: decisions.length })}</summary>
          <ul class="differences">
            {rows?.map((row) => (
              <li key={row.point}>
                <code>{row.point}</code>
                <span>
                  {shownValue(row.old)} → <strong>{shownValue(row.readBack ?? row.wanted)}</strong>
                </span>
                <span class={`tag ${row.state === 'done' ? 'on' : 'bad'}`}>{t(`row.${row.state}`)}</span>
              </li>
            ))}
          </ul>
          <p class="code">
            {t('refused.id')} {decisions.join(', ')}
          </p>
        </details>
      )}
    </li>
  );
}
