// "Use my own tool": a claim of the address one works from, where to point the tool, and what it just did.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { ApiClaimed, ApiToolSession, pointAtSchema } from '../../http/schema-work.ts';
import { ApiFault, ask, seg } from '../api.ts';
import { Busy, Fault, Heading } from '../parts.tsx';
import { useEvery, useLoad, useNow } from '../store.ts';
import { shownSpan, shownTime, t, word } from '../words.ts';
import { DevicePicker } from './device-picker.tsx';
import { ToolLog } from './tool-log.tsx';

type PointAt = z.output<typeof pointAtSchema>;
interface Sessions {
  readonly items: readonly ApiToolSession[];
  readonly pointAt: PointAt;
}

const AGAIN_MS = 5000;
const MINUTES = [30, 60, 120, 240, 480];

export function OwnTool() {
  const sessions = useLoad('tool-sessions', (signal) => ask<Sessions>('tool-sessions', { signal }));
  useEvery(AGAIN_MS, sessions.reload);
  if (sessions.fault && !sessions.data) return <Fault fault={sessions.fault} again={sessions.reload} />;
  if (!sessions.data) return <Busy />;
  const { items, pointAt } = sessions.data;
  const own = items.filter((each) => each.own);
  const others = items.filter((each) => !each.own);
  const isHere = own.some(({ address }) => address === pointAt.yourAddress);
  return (
    <>
      <Heading title={t('tool.title')} lead={t('tool.lead')} />
      {own.map((each) => (
        <OwnSession key={each.id} session={each} reload={sessions.reload} />
      ))}
      {!isHere && <Claim pointAt={pointAt} reload={sessions.reload} />}
      <Where pointAt={pointAt} />
      {others.length > 0 && (
        <section class="group">
          <h2>{t('tool.others')}</h2>
          {others.map((each) => (
            <SessionCard key={each.id} session={each} reload={sessions.reload} />
          ))}
        </section>
      )}
    </>
  );
}

function Claim({ pointAt, reload }: { pointAt: PointAt; reload: () => void }) {
  const [minutes, setMinutes] = useState('120');
  const [isElsewhere, setElsewhere] = useState(false);
  const [address, setAddress] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [isPicking, setPicking] = useState(false);
  const [confirm, setConfirm] = useState<ApiClaimed['confirm']>();
  const [fault, setFault] = useState<ApiFault>();
  const [busy, setBusy] = useState(false);

  async function claim(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      const body = {
        minutes: Number(minutes),
        ...(isElsewhere && { address: address.trim() }),
        ...(chosen.length > 0 && { devices: chosen }),
      };
      setConfirm((await ask<ApiClaimed>('tool-sessions', { method: 'POST', body })).confirm);
      reload();
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(false);
  }

  return (
    <section class="card claim">
      <p class="from">
        <wa-icon name="plug" />
        {t('tool.from', { address: pointAt.yourAddress })}
      </p>
      <div class="claim-fields">
        <wa-select
          label={t('tool.minutes')}
          value={minutes}
          onchange={(event: Event) => setMinutes(String((event.currentTarget as HTMLInputElement).value))}
        >
          {MINUTES.map((each) => (
            <wa-option key={each} value={String(each)}>
              {shownSpan(each * 60_000)}
            </wa-option>
          ))}
        </wa-select>
        {isElsewhere && (
          <wa-input
            label={t('tool.address')}
            value={address}
            autocomplete="off"
            oninput={(event: Event) => setAddress(String((event.currentTarget as HTMLInputElement).value))}
          />
        )}
      </div>
      <details class="terms" onToggle={({ currentTarget }) => setPicking(currentTarget.open)}>
        <summary>
          {t('job.devices')}: {chosen.length === 0 ? t('tool.all') : t('job.chosen', { n: chosen.length })}
        </summary>
        <p class="quiet">{t('tool.devicesHint')}</p>
        {isPicking && <DevicePicker label={t('tool.devices')} chosen={chosen} setChosen={setChosen} />}
      </details>
      {fault && <ClaimFault fault={fault} />}
      {confirm && <ConfirmElsewhere confirm={confirm} />}
      <div class="actions">
        <wa-button
          class="go"
          variant="brand"
          loading={busy}
          disabled={isElsewhere && address.trim() === ''}
          onClick={() => void claim()}
        >
          {isElsewhere ? t('tool.confirmTitle') : t('tool.claim')}
        </wa-button>
        {!isElsewhere && (
          <wa-button appearance="plain" onClick={() => setElsewhere(true)}>
            {t('tool.other')}
          </wa-button>
        )}
      </div>
    </section>
  );
}

function ClaimFault({ fault }: { fault: ApiFault }) {
  const reason = fault.problem.denied?.[0]?.reason;
  if (reason === undefined) return <Fault fault={fault} />;
  return (
    <div class="note grave" role="alert">
      <wa-icon name="lock" />
      <div>
        <strong>{word('reason', reason)}</strong>
        <p>{fault.problem.detail}</p>
      </div>
    </div>
  );
}

function ConfirmElsewhere({ confirm }: { confirm: NonNullable<ApiClaimed['confirm']> }) {
  const now = useNow(1000);
  const url = `${location.origin}${confirm.path}`;
  return (
    <div class="note" role="status">
      <wa-icon name="plug" />
      <div>
        <p>{t('tool.confirmLead', { address: confirm.address, left: shownSpan(confirm.until - now) })}</p>
        <p class="copy-line">
          <code>{url}</code>
          <wa-copy-button value={url} />
        </p>
      </div>
    </div>
  );
}

function Where({ pointAt }: { pointAt: PointAt }) {
  // A listener on every address is reached where the page is reached.
  const hostOf = (address: string): string => (/^(0\.0\.0\.0|::)$/.test(address) ? location.hostname : address);
  return (
    <section class="group">
      <h2>{t('tool.pointAt')}</h2>
      <ul class="listeners">
        {pointAt.listeners.map(({ driver, name, address, port, transport }) => (
          <li key={`${driver}${name}`} class="card listener">
            <span>
              <strong>
                {driver} · {name}
              </strong>
              <small>{transport.toUpperCase()}</small>
            </span>
            <code>
              {hostOf(address)}:{port}
            </code>
            <wa-copy-button value={`${hostOf(address)}:${port}`} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function OwnSession({ session, reload }: { session: ApiToolSession; reload: () => void }) {
  return (
    <SessionCard session={session} reload={reload}>
      <ToolLog id={session.id} ended={reload} />
    </SessionCard>
  );
}

export function SessionCard({
  session,
  reload,
  children,
}: {
  session: ApiToolSession;
  reload: () => void;
  children?: ComponentChildren;
}) {
  const now = useNow(1000);
  const [fault, setFault] = useState<ApiFault>();
  const { id, address, owner, own, until, devices, shared, contestedAt } = session;

  async function end(): Promise<void> {
    try {
      await ask(`tool-sessions/${seg(id)}`, { method: 'DELETE' });
    } catch (error) {
      if (error instanceof ApiFault && error.problem.status !== 404) setFault(error);
    }
    reload();
  }

  return (
    <section class={`card tool-session ${own ? 'own' : ''}`}>
      <div class="tool-head">
        <span class="glyph">
          <wa-icon name="tool" />
        </span>
        <div>
          <h2>{own ? t('tool.yours') : owner}</h2>
          <p>
            <code>{address}</code> · {t('tool.until', { time: shownTime(until), left: shownSpan(until - now) })}
          </p>
          <p class="quiet">{devices ? devices.join(', ') : t('tool.all')}</p>
        </div>
        <wa-button variant="danger" appearance="outlined" onClick={() => void end()}>
          {t('tool.end')}
        </wa-button>
      </div>
      {contestedAt !== undefined && (
        <p class="warning grave" role="alert">
          {t('tool.contested', { time: shownTime(contestedAt) })}
        </p>
      )}
      {shared && <p class="quiet">{t('tool.shared')}</p>}
      {fault && <Fault fault={fault} />}
      {children}
    </section>
  );
}
