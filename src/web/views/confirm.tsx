// `/confirm#code`, opened on the machine a tool runs on: nobody is signed in there; the machine itself is the proof.

import { useState } from 'preact/hooks';
import { ApiFault, ask } from '../api.ts';
import { Fault } from '../parts.tsx';
import { t } from '../words.ts';

export function Confirm() {
  const [state, setState] = useState<'open' | 'busy' | 'done'>('open');
  const [fault, setFault] = useState<ApiFault>();

  async function confirm(): Promise<void> {
    setState('busy');
    setFault(undefined);
    try {
      await ask('tool-sessions/confirm', { method: 'POST', body: { code: location.hash.slice(1) } });
      setState('done');
    } catch (error) {
      setState('open');
      if (error instanceof ApiFault) setFault(error);
    }
  }

  return (
    <main class="confirm-page">
      <section class="card">
        <h1>{t('tool.confirmHere')}</h1>
        <p>{t('tool.confirmText')}</p>
        {fault && <Fault fault={fault} />}
        {state === 'done' ? (
          <p class="note good" role="status">
            <wa-icon name="check" />
            {t('tool.confirmed')}
          </p>
        ) : (
          <wa-button variant="brand" loading={state === 'busy'} onClick={() => void confirm()}>
            {t('tool.confirm')}
          </wa-button>
        )}
      </section>
    </main>
  );
}
