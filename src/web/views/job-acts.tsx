// What may be done about a job: pause, go on, abort with a reason, try again; and the second person's word, with a comment.

import { useState } from 'preact/hooks';
import type { ApiJob } from '../../http/schema-jobs.ts';
import { ApiFault, ask, newKey, seg } from '../api.ts';
import { shownMoment, t } from '../words.ts';
import { RefusalOrFault } from './refusal.tsx';

type Asked = 'abort' | 'approve';

export function JobActs({ job, took }: { job: ApiJob; took: (job: ApiJob) => void }) {
  const [asked, setAsked] = useState<Asked>();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState<string>();
  const [fault, setFault] = useState<ApiFault>();

  async function act(path: string, body?: object): Promise<void> {
    setBusy(path);
    setFault(undefined);
    try {
      took(await ask<ApiJob>(`jobs/${seg(job.id)}/${path}`, { method: 'POST', key: newKey(), ...(body && { body }) }));
      setAsked(undefined);
      setText('');
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(undefined);
  }

  const may = (what: ApiJob['may'][number]): boolean => job.may.includes(what);
  const button = (path: 'pause' | 'resume' | 'retry', icon: string, body?: object) =>
    may(path) && (
      <wa-button appearance="outlined" loading={busy === path} onClick={() => void act(path, body)}>
        <wa-icon slot="start" name={icon} />
        {t(`job.${path}`)}
      </wa-button>
    );
  return (
    <>
      {may('approve') && (
        <Answer
          title={t('job.approveTitle', { n: job.devices.length })}
          text={text}
          setText={setText}
          label={t('job.comment')}
        >
          <wa-button
            class="go"
            variant="brand"
            loading={busy === 'approval'}
            onClick={() => void act('approval', { verdict: 'approved', comment: text })}
          >
            <wa-icon slot="start" name="check" />
            {t('job.approve')}
          </wa-button>
          <wa-button
            variant="danger"
            appearance="outlined"
            disabled={busy === 'approval'}
            onClick={() => void act('approval', { verdict: 'refused', comment: text })}
          >
            {t('job.refuse')}
          </wa-button>
        </Answer>
      )}
      {asked === 'abort' && (
        <Answer title={t('job.abortTitle')} text={text} setText={setText} label={t('job.why')}>
          <wa-button
            class="go"
            variant="danger"
            loading={busy === 'abort'}
            onClick={() => void act('abort', { why: text })}
          >
            {t('job.abortNow')}
          </wa-button>
          <wa-button appearance="plain" onClick={() => setAsked(undefined)}>
            {t('job.goOn')}
          </wa-button>
        </Answer>
      )}
      <div class="actions">
        {button('pause', 'pause', {})}
        {button('resume', 'play')}
        {button('retry', 'repeat')}
        {may('abort') && asked !== 'abort' && (
          <wa-button variant="danger" appearance="outlined" onClick={() => setAsked('abort')}>
            <wa-icon slot="start" name="stop" />
            {t('job.abort')}
          </wa-button>
        )}
      </div>
      {fault && <RefusalOrFault fault={fault} title={t('refused.title')} action="firmware.update" />}
    </>
  );
}

interface AnswerProps {
  readonly title: string;
  readonly label: string;
  readonly text: string;
  readonly children: preact.ComponentChildren;
  setText(text: string): void;
}

function Answer({ title, label, text, children, setText }: AnswerProps) {
  return (
    <section class="card answer" aria-label={title}>
      <h2>{title}</h2>
      <label>
        {label}
        <input value={text} maxLength={500} onInput={({ currentTarget }) => setText(currentTarget.value)} />
      </label>
      <div class="actions">{children}</div>
    </section>
  );
}

/** Who has approved or refused so far. */
export function Approvals({ job }: { job: ApiJob }) {
  const { needed, given } = job.approvals;
  if (needed === 0) return null;
  return (
    <section class="card">
      <h2>{t('job.approvals', { n: given.filter(({ verdict }) => verdict === 'approved').length, needed })}</h2>
      {given.length === 0 && <p class="quiet">{t('job.noApproval')}</p>}
      <ul class="approvals">
        {given.map(({ by, own, verdict, comment, at }) => (
          <li key={at}>
            <span class={`tag ${verdict === 'approved' ? 'on' : 'bad'}`}>{t(`job.${verdict}`)}</span>
            <strong>{own ? t('job.you') : (by ?? t('last.someone'))}</strong>
            <span>{comment}</span>
            <time dateTime={new Date(at).toISOString()}>{shownMoment(at)}</time>
          </li>
        ))}
      </ul>
    </section>
  );
}
