// The jobs: those under way as they go, those that ended; and the ways to a new one.

import { useState } from 'preact/hooks';
import type { ApiJobSummary } from '../../http/schema-jobs.ts';
import { ask, type Page, query } from '../api.ts';
import { Busy, Fault, Heading, Icon, More } from '../parts.tsx';
import { to } from '../route.ts';
import { may, useMe } from '../session.ts';
import { usePages } from '../store.ts';
import { shownMoment, t } from '../words.ts';
import { isOver, toneOf, useWork } from '../work.ts';
import { JobOrder } from './job-order.tsx';
import { JobProgress, titleOf } from './job-parts.tsx';
import { Moves } from './moves.tsx';
import { Transfers } from './transfers.tsx';
import { Updates } from './updates.tsx';

const AT_ONCE = 20;
const ICONS = { firmware: 'chip', configuration: 'layers', 'alarm-thresholds': 'warning', batch: 'layers' } as const;
const NEW = [
  { kind: 'configuration', right: 'device.configure' },
  { kind: 'alarm-thresholds', right: 'alarm.threshold' },
] as const;
/** Whoever holds one of these may see jobs. */
export const JOB_RIGHTS = [
  'firmware.update',
  'device.configure',
  'deviceConfig.read',
  'alarm.threshold',
  'point.write',
  'device.move',
];

const TABS = [
  { tab: '', name: 'job.all', View: JobList },
  { tab: 'updates', name: 'job.updates', right: 'firmware.update', View: Updates },
  { tab: 'moves', name: 'move.title', right: 'device.move', View: Moves },
  { tab: 'transfers', name: 'transfer.title', View: Transfers },
] as const;

export function Jobs({ tab, kind }: { tab: string; kind: string }) {
  const me = useMe();
  if (tab === 'new') return <JobOrder kind={kind} />;
  const tabs = TABS.filter((each) => !('right' in each) || may(me, each.right));
  const { View } = tabs.find((each) => each.tab === tab) ?? TABS[0];
  return (
    <>
      <Heading title={t('nav.jobs')} lead={t('job.lead')} />
      {tabs.length > 1 && (
        <nav class="tabs" aria-label={t('nav.jobs')}>
          {tabs.map((each) => (
            <a
              key={each.tab}
              href={each.tab === '' ? to('jobs') : to('jobs', each.tab)}
              aria-current={each.View === View ? 'page' : undefined}
            >
              {t(each.name)}
            </a>
          ))}
        </nav>
      )}
      <View />
    </>
  );
}

function JobList() {
  const me = useMe();
  const pages = usePages('jobs', (signal, cursor) =>
    ask<Page<ApiJobSummary>>(`jobs${query({ limit: AT_ONCE, cursor })}`, { signal }),
  );
  const [heard, setHeard] = useState<ReadonlyMap<string, ApiJobSummary | undefined>>(new Map());
  useWork({
    job(job) {
      if (!pages.items?.some(({ id }) => id === job.id)) pages.reload();
      setHeard((before) => new Map(before).set(job.id, job));
    },
    gone: ({ id }) => setHeard((before) => new Map(before).set(id, undefined)),
    // What ended while nothing was heard is not told again.
    again: pages.reload,
  });
  const items = (pages.items ?? []).flatMap((each) => (heard.has(each.id) ? newer(each, heard.get(each.id)) : each));
  const [open, ended] = [items.filter((each) => !isOver(each)), items.filter(isOver)];
  const ways = NEW.filter(({ right }) => may(me, right));
  return (
    <>
      {ways.length > 0 && (
        <div class="actions">
          {ways.map(({ kind }) => (
            <wa-button key={kind} appearance="outlined" href={to('jobs', 'new', kind)}>
              <wa-icon slot="start" name="plus" />
              {t(`job.new.${kind}`)}
            </wa-button>
          ))}
        </div>
      )}
      {pages.fault && <Fault fault={pages.fault} again={pages.reload} />}
      {!pages.items && !pages.fault && <Busy />}
      {pages.items?.length === 0 && (
        <p class="empty">
          <wa-icon name="layers" />
          {t('job.none')}
        </p>
      )}
      <JobGroup title={t('job.open')} jobs={open} />
      <JobGroup title={t('over.ended')} jobs={ended} />
      <More pages={pages} />
    </>
  );
}

/** Empty: it is not to be seen any more. */
function newer(listed: ApiJobSummary, heard: ApiJobSummary | undefined): ApiJobSummary | [] {
  return heard && heard.revision < listed.revision ? listed : (heard ?? []);
}

function JobGroup({ title, jobs }: { title: string; jobs: readonly ApiJobSummary[] }) {
  if (jobs.length === 0) return null;
  return (
    <section class="group">
      <h2>{title}</h2>
      <ul class="ledger">
        {jobs.map((job) => (
          <li key={job.id} class="card job-card">
            <a href={to('job', job.id)}>
              <span class="glyph">
                <Icon name={ICONS[job.kind]} />
              </span>
              <span class="row-name">
                {titleOf(job)}
                {job.note !== undefined && <q>{job.note}</q>}
                <small>
                  {t(`job.kind.${job.kind}`)} ·{' '}
                  {t('job.by', {
                    who: job.own ? t('over.you') : (job.starter ?? t('over.someone')),
                    time: shownMoment(job.startedAt),
                  })}
                </small>
              </span>
              <span class={`tag ${toneOf(job.state)}`}>{t(`job.state.${job.state}`)}</span>
              <JobProgress job={job} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
