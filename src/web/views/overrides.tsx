// The override ledger: what is held, by whom, until when, and what it goes back to; also what was found on devices.

import { useEffect, useState } from 'preact/hooks';
import type { ApiPointDetail } from '../../http/schema-browse.ts';
import type { ApiOverride } from '../../http/schema-work.ts';
import { ApiFault, ask, newKey, type Page, query, seg } from '../api.ts';
import { Busy, Fault, Heading, More } from '../parts.tsx';
import { to } from '../route.ts';
import { sentence } from '../sentence.ts';
import { may, useMe } from '../session.ts';
import { useEvery, useLoad, useNow, usePages } from '../store.ts';
import { shownMoment, shownSpan, shownTime, shownValue, t } from '../words.ts';
import { Alarms } from './alarms.tsx';

const AGAIN_MS = 5000;
const AT_ONCE = 50;
const OPEN = ['pending', 'active', 'releasing'];

export function OverrideLedger({ tab }: { tab: string }) {
  const me = useMe();
  // What is released leaves one list for the other: both look again.
  const [turn, setTurn] = useState(0);
  const released = (): void => setTurn((count) => count + 1);
  return (
    <>
      <Heading
        title={t(tab === 'alarms' ? 'alarm.title' : 'over.title')}
        lead={t(tab === 'alarms' ? 'alarm.lead' : 'over.lead')}
      />
      {may(me, 'alarm.view') && (
        <nav class="tabs" aria-label={t('over.title')}>
          <a href={to('overrides')} aria-current={tab === '' ? 'page' : undefined}>
            {t('over.title')}
          </a>
          <a href={to('overrides', 'alarms')} aria-current={tab === 'alarms' ? 'page' : undefined}>
            {t('alarm.title')}
          </a>
        </nav>
      )}
      {tab === 'alarms' ? (
        <Alarms />
      ) : (
        <>
          <Ledger isOpen title={t('over.open')} none={t('over.none')} turn={turn} released={released} />
          <Ledger isOpen={false} title={t('over.ended')} turn={turn} released={released} />
        </>
      )}
    </>
  );
}

interface LedgerProps {
  readonly isOpen: boolean;
  readonly title: string;
  readonly none?: string;
  readonly turn: number;
  released(): void;
}

/** Open ones with those found on devices, or the ones that ended. */
function Ledger({ isOpen, title, none, turn, released }: LedgerProps) {
  const ledger = usePages(`overrides ${isOpen}`, (signal, cursor) =>
    ask<Page<ApiOverride>>(`overrides${query({ open: String(isOpen), limit: AT_ONCE, cursor })}`, { signal }),
  );
  useEvery(AGAIN_MS, ledger.reload);
  useEffect(() => {
    if (turn > 0) ledger.reload();
  }, [turn]);
  const { items, fault, reload } = ledger;
  if (fault && !items) return <Fault fault={fault} again={reload} />;
  if (!items) return <Busy />;
  if (items.length === 0) {
    return none === undefined ? null : (
      <p class="empty">
        <wa-icon name="clock" />
        {none}
      </p>
    );
  }
  return (
    <section class="group">
      <h2>{title}</h2>
      <ul class={isOpen ? 'ledger' : 'ledger ended'}>
        {items.map((entry) => (
          <Entry key={entry.id} entry={entry} reload={released} />
        ))}
      </ul>
      <More pages={ledger} />
    </section>
  );
}

/** Those of one point, on its own page. */
export function OverridesOf({ point, reload }: { point: ApiPointDetail; reload: () => void }) {
  const ledger = useLoad(`overrides of ${point.overrides.join()}`, (signal) =>
    ask<Page<ApiOverride>>('overrides?open=true&limit=500', { signal }),
  );
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
  const { unit, step, point, device, value, before, owner, own, origin, priority, until, state, why, reason } = entry;
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
    <li class={`card override kept ${isOpen ? 'open' : ''}`}>
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
            : t('over.by', { who: own ? t('over.you') : (owner ?? t('over.someone')) })}
          {priority !== undefined && ` · ${t('change.priority')} ${priority}`}
        </small>
        {why !== undefined && <small class="why">{sentence({ reason, text: why })}</small>}
      </div>
      <div class="override-value">
        <strong>{shownValue(value, unit, step)}</strong>
        {before !== undefined && <small>{t('over.back', { value: shownValue(before, unit, step) })}</small>}
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
