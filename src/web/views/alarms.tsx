// Alarms as the devices report them now; who may, acknowledges one, and hears what the device said to it.

import { useState } from 'preact/hooks';
import type { ApiAcknowledged, ApiAlarm, ApiAlarms } from '../../http/schema-jobs.ts';
import { ApiFault, ask, newKey, query } from '../api.ts';
import { Busy, Fault } from '../parts.tsx';
import { to } from '../route.ts';
import { useEvery, useLoad } from '../store.ts';
import { shownMoment, t, word } from '../words.ts';
import { RefusalOrFault } from './refusal.tsx';

const AGAIN_MS = 15_000;
const AT_ONCE = 100;
const MOST_PAGES = 5;

export function Alarms() {
  const alarms = useLoad('alarms', allAlarms);
  useEvery(AGAIN_MS, alarms.reload);
  if (alarms.fault && !alarms.data) return <Fault fault={alarms.fault} again={alarms.reload} />;
  if (!alarms.data) return <Busy />;
  const { items, unreachable, next } = alarms.data;
  return (
    <>
      {items.length === 0 && (
        <p class="empty">
          <wa-icon name="check" />
          {t('alarm.none')}
        </p>
      )}
      <ul class="ledger">
        {items.map((each) => (
          <Entry key={`${each.device.id} ${each.key}`} alarm={each} reload={alarms.reload} />
        ))}
      </ul>
      {next !== undefined && <p class="quiet">{t('alarm.more', { n: items.length })}</p>}
      {unreachable.length > 0 && (
        <section class="group">
          <h2>{t('alarm.unreachable')}</h2>
          <ul class="card plain">
            {unreachable.map(({ device, why }) => (
              <li key={device.id}>
                {device.name}: <small>{why}</small>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** A page ends when asking the devices took long: the next ones are asked for, up to a bound. */
async function allAlarms(signal: AbortSignal): Promise<ApiAlarms> {
  const all: ApiAlarms = { items: [], unreachable: [] };
  let next: string | undefined;
  for (let count = 0; count < MOST_PAGES && (count === 0 || next !== undefined); count += 1) {
    const page = await ask<ApiAlarms>(`alarms${query({ limit: AT_ONCE, cursor: next })}`, { signal });
    all.items.push(...page.items);
    all.unreachable.push(...page.unreachable);
    next = page.next;
  }
  return { ...all, ...(next !== undefined && { next }) };
}

function Entry({ alarm, reload }: { alarm: ApiAlarm; reload: () => void }) {
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<ApiAcknowledged>();
  const [fault, setFault] = useState<ApiFault>();
  const { device, point, key, state, since, acknowledged, mayAcknowledge } = alarm;
  const isNormal = state === 'normal';

  async function acknowledge(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      const body = { device: device.id, key };
      setAnswer(await ask<ApiAcknowledged>('alarms/acknowledge', { method: 'POST', body, key: newKey() }));
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(false);
    reload();
  }

  return (
    <li class={`card override alarm ${acknowledged ? '' : 'open'}`}>
      <div class="override-main">
        <a href={point ? to('point', point.id) : to('device', device.id)}>
          <strong>{point?.name ?? key}</strong>
        </a>
        <small>
          {device.name}
          {since !== undefined && ` · ${t('sessions.since', { time: shownMoment(since) })}`}
        </small>
        {answer && answer.state !== 'done' && <small class="why">{answer.why ?? t(`row.${answer.state}`)}</small>}
      </div>
      <span class={`tag ${isNormal ? 'amber' : 'bad'}`}>{word('alarm.state', state)}</span>
      <span class={`tag ${acknowledged ? 'on' : ''}`}>{t(acknowledged ? 'alarm.acknowledged' : 'alarm.open')}</span>
      {!acknowledged && mayAcknowledge && (
        <wa-button appearance="outlined" loading={busy} onClick={() => void acknowledge()}>
          {t('alarm.acknowledge')}
        </wa-button>
      )}
      {fault && (
        <RefusalOrFault
          fault={fault}
          title={t('refused.title')}
          action="alarm.acknowledge"
          names={{ [device.id]: device.name }}
        />
      )}
    </li>
  );
}
