// The override ledger: what is held, by whom, until when, and what it goes back to; also what was found on devices.

import { useState } from 'preact/hooks';
import type { ApiPointDetail } from '../../http/schema-browse.ts';
import type { ApiOverride } from '../../http/schema-work.ts';
import { ApiFault, ask, newKey, type Page, seg } from '../api.ts';
import { Busy, Fault, Heading } from '../parts.tsx';
import { to } from '../route.ts';
import { useEvery, useLoad, useNow } from '../store.ts';
import { shownMoment, shownSpan, shownTime, shownValue, t } from '../words.ts';

const AGAIN_MS = 5000;
const OPEN = ['pending', 'active', 'releasing'];
const load = (signal: AbortSignal): Promise<Page<ApiOverride>> => ask('overrides?limit=500', { signal });

export function OverrideLedger() {
  const ledger = useLoad('overrides', load);
  useEvery(AGAIN_MS, ledger.reload);
  const items = ledger.data?.items ?? [];
  const open = items.filter(({ state }) => OPEN.includes(state));
  const ended = items.filter(({ state }) => !OPEN.includes(state));
  return (
    <>
      <Heading title={t('over.title')} lead={t('over.lead')} />
      {ledger.fault && <Fault fault={ledger.fault} again={ledger.reload} />}
      {!ledger.data && !ledger.fault && <Busy />}
      {ledger.data && open.length === 0 && (
        <p class="empty">
          <wa-icon name="clock" />
          {t('over.none')}
        </p>
      )}
      {open.length > 0 && (
        <section class="group">
          <h2>{t('over.open')}</h2>
          <ul class="ledger">
            {open.map((entry) => (
              <Entry key={entry.id} entry={entry} reload={ledger.reload} />
            ))}
          </ul>
        </section>
      )}
      {ended.length > 0 && (
        <section class="group">
          <h2>{t('over.ended')}</h2>
          <ul class="ledger ended">
            {ended.map((entry) => (
              <Entry key={entry.id} entry={entry} reload={ledger.reload} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Those of one point, on its own page. */
export function OverridesOf({ point, reload }: { point: ApiPointDetail; reload: () => void }) {
  const ledger = useLoad(`overrides ${point.overrides.join()}`, load);
  const own = ledger.data?.items.filter(({ id }) => point.overrides.includes(id)) ?? [];
  return (
    <ul class="ledger">
      {own.map((entry) => (
        <Entry key={entry.id} entry={entry} reload={reload} isOnPoint />
      ))}
    </ul>
  );
}

function Entry({ entry, reload, isOnPoint = false }: { entry: ApiOverride; reload: () => void; isOnPoint?: boolean }) {
  const now = useNow(1000);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<ApiFault>();
  const { point, device, value, before, owner, own, origin, priority, until, state, why } = entry;
  const isOpen = OPEN.includes(state);

  async function release(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      await ask<ApiOverride>(`overrides/${seg(entry.id)}/release`, { method: 'POST', key: newKey() });
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(false);
    reload();
  }

  return (
    <li class={`card override ${isOpen ? 'open' : ''}`}>
      <div class="override-main">
        {isOnPoint ? (
          <strong>{t('over.title')}</strong>
        ) : (
          <a href={to('point', point.id)}>
            <strong>{point.name}</strong>
          </a>
        )}
        <small>
          {!isOnPoint && device && `${device.name} · `}
          {origin === 'found'
            ? t('over.found')
            : t('over.by', { who: own ? t('over.you') : (owner ?? t('last.someone')) })}
          {priority !== undefined && ` · ${t('change.priority')} ${priority}`}
        </small>
        {why !== undefined && <small class="why">{why}</small>}
      </div>
      <div class="override-value">
        <strong>{shownValue(value)}</strong>
        {before !== undefined && <small>{t('over.back', { value: shownValue(before) })}</small>}
      </div>
      <div class="override-time" title={until === undefined ? '' : shownMoment(until)}>
        <span class={`tag ${isOpen ? 'amber' : ''}`}>{t(`over.state.${state}`)}</span>
        <small>{endText(until, isOpen, now)}</small>
      </div>
      {isOpen && (
        <wa-button appearance="outlined" loading={busy} onClick={() => void release()}>
          {t('over.release')}
        </wa-button>
      )}
      {fault && <Fault fault={fault} />}
    </li>
  );
}

function endText(until: number | undefined, isOpen: boolean, now: number): string {
  if (until === undefined) return t('over.endless');
  return isOpen && until > now ? t('over.left', { time: shownSpan(until - now) }) : shownTime(until);
}
