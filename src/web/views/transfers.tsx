// Which devices are held for a transfer, by whom, and ending one: for whoever waits while somebody's tool holds a device.

import { useState } from 'preact/hooks';
import type { ApiTransfer } from '../../http/schema-jobs.ts';
import { ApiFault, ask, seg } from '../api.ts';
import { Busy, Fault } from '../parts.tsx';
import { to } from '../route.ts';
import { useEvery, useLoad } from '../store.ts';
import { shownMoment, t } from '../words.ts';
import { RefusalOrFault } from './refusal.tsx';

const AGAIN_MS = 3000;

export function Transfers() {
  const held = useLoad('transfers', (signal) => ask<{ items: readonly ApiTransfer[] }>('transfers', { signal }));
  useEvery(AGAIN_MS, held.reload);
  if (held.fault && !held.data) return <Fault fault={held.fault} again={held.reload} />;
  if (!held.data) return <Busy />;
  const { items } = held.data;
  return (
    <>
      <p class="quiet">{t('transfer.lead')}</p>
      {items.length === 0 && (
        <p class="empty">
          <wa-icon name="check" />
          {t('transfer.none')}
        </p>
      )}
      <ul class="ledger">
        {items.map((each) => (
          <Entry key={each.device.id} transfer={each} reload={held.reload} />
        ))}
      </ul>
    </>
  );
}

function Entry({ transfer, reload }: { transfer: ApiTransfer; reload: () => void }) {
  const [isAsked, setAsked] = useState(false);
  const [why, setWhy] = useState('');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<ApiFault>();
  const { device, by, job, holder, own, since, mayEnd } = transfer;

  async function end(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      await ask<ApiTransfer>(`transfers/${seg(device.id)}/end`, { method: 'POST', body: { why } });
    } catch (error) {
      // It may have ended by itself meanwhile.
      if (error instanceof ApiFault && error.problem.status !== 404) setFault(error);
    }
    setBusy(false);
    setAsked(false);
    reload();
  }

  return (
    <li class="card override open">
      <div class="override-main">
        <a href={to('device', device.id)}>
          <strong>{device.name}</strong>
        </a>
        <small>
          {t('job.by', { who: own ? t('over.you') : (holder ?? t('over.someone')), time: shownMoment(since) })}
        </small>
      </div>
      {job === undefined ? (
        <span class="tag">{t(`transfer.by.${by}`)}</span>
      ) : (
        <a class="target" href={to('job', job)}>
          {t('transfer.by.job')}
        </a>
      )}
      {mayEnd && !isAsked && (
        <wa-button variant="danger" appearance="outlined" onClick={() => setAsked(true)}>
          <wa-icon slot="start" name="stop" />
          {t('transfer.end')}
        </wa-button>
      )}
      {isAsked && (
        <div class="answer across">
          <p class="why">{t('transfer.torn')}</p>
          <label>
            {t('job.why')}
            <input value={why} maxLength={500} onInput={({ currentTarget }) => setWhy(currentTarget.value)} />
          </label>
          <div class="actions">
            <wa-button variant="danger" loading={busy} onClick={() => void end()}>
              {t('transfer.endNow')}
            </wa-button>
            <wa-button appearance="plain" onClick={() => setAsked(false)}>
              {t('job.goOn')}
            </wa-button>
          </div>
        </div>
      )}
      {fault && (
        <RefusalOrFault
          fault={fault}
          title={t('refused.title')}
          action="device.control"
          names={{ [device.id]: device.name }}
        />
      )}
    </li>
  );
}
