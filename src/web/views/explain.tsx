// Who, what, where → the verdict with every rule that had a say.

import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { explanationSchema } from '../../http/schema-admin.ts';
import { ApiFault, ask } from '../api.ts';
import { Fault } from '../parts.tsx';
import { useLoad } from '../store.ts';
import { t, word } from '../words.ts';

type Explanation = z.output<typeof explanationSchema>;
const CHANNELS = ['local', 'tool', 'tls', 'remote'] as const;

export function Explain() {
  const actions = useLoad('actions', (signal) => ask<{ items: readonly { name: string }[] }>('actions', { signal }));
  const [answer, setAnswer] = useState<Explanation>();
  const [fault, setFault] = useState<ApiFault>();

  async function submit(form: HTMLFormElement): Promise<void> {
    const given = new FormData(form);
    const text = (name: string): string => String(given.get(name) ?? '').trim();
    setFault(undefined);
    setAnswer(undefined);
    try {
      const body = {
        action: text('action'),
        targets: text('targets')
          .split(/[\s,]+/)
          .filter((each) => each !== ''),
        channel: text('channel'),
        ...(text('principal') !== '' && { principal: text('principal') }),
        ...(text('priority') !== '' && { priority: Number(text('priority')) }),
      };
      setAnswer(await ask<Explanation>('explain', { method: 'POST', body }));
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
  }

  return (
    <>
      <p class="quiet">{t('explain.lead')}</p>
      <form
        class="card filter"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label class="whole">
          {t('explain.who')}
          <input name="principal" autocomplete="off" placeholder={t('explain.whoHint')} />
        </label>
        <label class="whole">
          {t('explain.action')}
          <select name="action">
            {actions.data?.items.map(({ name }) => (
              <option key={name} value={name} selected={name === 'point.write'}>
                {word('action', name) === name ? name : `${word('action', name)} · ${name}`}
              </option>
            ))}
          </select>
        </label>
        <label class="wide whole">
          {t('explain.targets')}
          <input name="targets" autocomplete="off" placeholder="ahu1/sat-sp, …" aria-describedby="targets-hint" />
          <small id="targets-hint">{t('explain.targetsHint')}</small>
        </label>
        <label>
          {t('explain.channel')}
          <select name="channel">
            {CHANNELS.map((channel) => (
              <option key={channel} value={channel}>
                {t(`channel.${channel}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('explain.priority')}
          <input name="priority" type="number" min="1" max="16" />
        </label>
        <div class="actions">
          <wa-button variant="brand" type="submit">
            {t('explain.go')}
          </wa-button>
        </div>
      </form>
      <div aria-live="polite">
        {fault && <Fault fault={fault} />}
        {answer && <Verdict answer={answer} />}
      </div>
    </>
  );
}

function Verdict({ answer }: { answer: Explanation }) {
  const isPermit = answer.decision === 'permit';
  return (
    <section class="card explanation">
      <h2>
        <span class={`tag ${isPermit ? 'on' : 'bad'}`}>{t(isPermit ? 'explain.permit' : 'explain.deny')}</span>{' '}
        {answer.reason !== undefined && word('reason', answer.reason)}
      </h2>
      <pre>{answer.text}</pre>
      <p class="code">{t('refused.revision', { n: answer.policyRevision })}</p>
    </section>
  );
}
