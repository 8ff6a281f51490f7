// When a job may begin, in which order, and when it stops by itself.

import type { ApiJobOrder } from '../../http/schema-jobs.ts';
import { t } from '../words.ts';

export interface Terms {
  readonly canary: boolean;
  readonly atOnce: string;
  readonly stopAt: string;
  /** As the browser writes a local time; empty: at once, or without an end. */
  readonly from: string;
  readonly until: string;
  readonly note: string;
}

export const USUAL_TERMS: Terms = { canary: true, atOnce: '4', stopAt: '20', from: '', until: '', note: '' };

type Firmware = Extract<ApiJobOrder, { kind: 'firmware' }>;

export function termsOf(terms: Terms, kind: string): Partial<Pick<Firmware, 'rollout' | 'window' | 'note'>> {
  const { canary, atOnce, stopAt, from, until, note } = terms;
  const moment = (text: string): number => new Date(text).getTime();
  return {
    ...(kind === 'firmware' && {
      rollout: { canary, atOnce: Number(atOnce), stopAtFailedPercent: Number(stopAt) },
    }),
    ...(until !== '' && { window: { until: moment(until), ...(from !== '' && { from: moment(from) }) } }),
    ...(note.trim() !== '' && { note: note.trim() }),
  };
}

interface TermsProps {
  readonly terms: Terms;
  setTerms(terms: Terms): void;
}

export function RolloutFields({ terms, setTerms }: TermsProps) {
  return (
    <fieldset class="picker">
      <legend>{t('job.rollout')}</legend>
      <div class="claim-fields rollout">
        <label class="tick">
          <input
            type="checkbox"
            checked={terms.canary}
            onChange={({ currentTarget }) => setTerms({ ...terms, canary: currentTarget.checked })}
          />
          <span class="row-name">{t('job.canary')}</span>
        </label>
        <label>
          {t('job.atOnce')}
          <input
            type="number"
            min="1"
            max="32"
            value={terms.atOnce}
            onInput={({ currentTarget }) => setTerms({ ...terms, atOnce: currentTarget.value })}
          />
        </label>
        <label>
          {t('job.stopAt')}
          <input
            type="number"
            min="1"
            max="100"
            value={terms.stopAt}
            onInput={({ currentTarget }) => setTerms({ ...terms, stopAt: currentTarget.value })}
          />
        </label>
      </div>
    </fieldset>
  );
}

export function TermsFields({ terms, setTerms }: TermsProps) {
  return (
    <details class="terms">
      <summary>{t('job.terms')}</summary>
      <div class="claim-fields">
        <label>
          {t('job.windowFrom')}
          <input
            type="datetime-local"
            value={terms.from}
            onInput={({ currentTarget }) => setTerms({ ...terms, from: currentTarget.value })}
          />
        </label>
        <label>
          {t('job.windowUntil')}
          <input
            type="datetime-local"
            value={terms.until}
            required={terms.from !== ''}
            onInput={({ currentTarget }) => setTerms({ ...terms, until: currentTarget.value })}
          />
        </label>
        <label>
          {t('job.note')}
          <input
            maxLength={500}
            value={terms.note}
            onInput={({ currentTarget }) => setTerms({ ...terms, note: currentTarget.value })}
          />
        </label>
      </div>
    </details>
  );
}
