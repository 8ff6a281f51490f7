// A job in a line: what it is about, and how far it is.

import type { ApiJobSummary } from '../../http/schema-jobs.ts';
import { t } from '../words.ts';
import { countOf, hasEnded, isOver, shownProgress } from '../work.ts';

/** What it is about, in a line. */
export function titleOf({ kind, image, counts }: ApiJobSummary): string {
  const n = Object.values(counts).reduce((sum: number, each) => sum + (each ?? 0), 0);
  if (kind === 'firmware') {
    const what = [image?.model, image?.version].filter(Boolean).join(' ') || (image?.id ?? '').slice(0, 12);
    return t('job.title.firmware', { what, n });
  }
  return t(`job.title.${kind}`, { n });
}

export function JobProgress({ job, isLarge = false }: { job: ApiJobSummary; isLarge?: boolean }) {
  const all = countOf(job, () => true);
  const ended = countOf(job, hasEnded);
  const done = countOf(job, (state) => state === 'done');
  const bad = countOf(job, (state) => hasEnded(state) && state !== 'done');
  const share = job.octets ? job.octets.sent / job.octets.total : all === 0 ? 0 : ended / all;
  return (
    <span class={`job-progress ${isLarge ? 'large' : ''}`}>
      {!isOver(job) && <wa-progress-bar value={Math.round(share * 100)} label={titleOf(job)} />}
      <small>
        {t('job.doneOf', { n: done, all })}
        {bad > 0 && ` · ${t('job.badOf', { n: bad })}`}
        {job.octets && !isOver(job) && ` · ${shownProgress(job.octets)}`}
      </small>
    </span>
  );
}
