// Asking that a device stands elsewhere: from the device's own view, and all requests in a list. The gateway moves nothing by
// itself: a request waits until a policy has the device there, or until it is withdrawn.

import { useState } from 'preact/hooks';
import type { ApiDevice, ApiLocation } from '../../http/schema-browse.ts';
import type { ApiMove } from '../../http/schema-jobs.ts';
import { ApiFault, ask, newKey, type Page, query, seg } from '../api.ts';
import { Busy, Fault, More } from '../parts.tsx';
import { to } from '../route.ts';
import { useEvery, useLoad, usePages } from '../store.ts';
import { shownMoment, t } from '../words.ts';
import { Refusal } from './refusal.tsx';

const AGAIN_MS = 15_000;
const AT_ONCE = 50;
const TONES = { open: 'amber', fulfilled: 'on', withdrawn: '' } as const;

export function Moves() {
  const pages = usePages('moves', (signal, cursor) =>
    ask<Page<ApiMove>>(`moves${query({ limit: AT_ONCE, cursor })}`, { signal }),
  );
  useEvery(AGAIN_MS, pages.reload);
  if (pages.fault && !pages.items) return <Fault fault={pages.fault} again={pages.reload} />;
  if (!pages.items) return <Busy />;
  return (
    <>
      <p class="quiet">{t('move.lead')}</p>
      {pages.items.length === 0 && (
        <p class="empty">
          <wa-icon name="building" />
          {t('move.none')}
        </p>
      )}
      <MoveList moves={pages.items} changed={pages.reload} />
      <More pages={pages} />
    </>
  );
}

/** On a device's own view: what is asked for already, and a form to ask. */
export function MoveDevice({ device }: { device: ApiDevice }) {
  const open = useLoad('open moves', (signal) => ask<Page<ApiMove>>('moves?open=true&limit=500', { signal }));
  useEvery(AGAIN_MS, open.reload);
  const own = open.data?.items.filter((move) => move.device.id === device.id) ?? [];
  return (
    <section class="group move" aria-label={t('move.title')}>
      <MoveList moves={own} changed={open.reload} />
      <AskToMove device={device} asked={open.reload} />
    </section>
  );
}

function AskToMove({ device, asked }: { device: ApiDevice; asked: () => void }) {
  const locations = useLoad('locations', (signal) => ask<Page<ApiLocation>>('locations?limit=500', { signal }));
  const [place, setPlace] = useState('');
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<ApiFault>();
  const all = locations.data?.items ?? [];
  const names = Object.fromEntries([[device.id, device.name], ...all.map(({ id, name }) => [id, name])]);

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    if (place === '' || busy) return;
    setBusy(true);
    setFault(undefined);
    try {
      const body = { device: device.id, to: place, ...(note.trim() !== '' && { note: note.trim() }) };
      await ask<ApiMove>('moves', { method: 'POST', body, key: newKey() });
      setPlace('');
      setNote('');
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(false);
    asked();
  }

  return (
    <details class="card add-image">
      <summary>{t('move.ask')}</summary>
      <form onSubmit={(event) => void send(event)}>
        <p class="quiet">{t('move.lead')}</p>
        <div class="claim-fields">
          <label>
            {t('move.to')}
            <select value={place} required onChange={({ currentTarget }) => setPlace(currentTarget.value)}>
              <option value="">{t('job.choose')}</option>
              {all
                .filter(({ id }) => id !== device.location?.id)
                .map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
            </select>
          </label>
          <label>
            {t('job.note')}
            <input
              maxLength={500}
              value={note}
              autocomplete="off"
              onInput={({ currentTarget }) => setNote(currentTarget.value)}
            />
          </label>
        </div>
        <div class="actions">
          <wa-button variant="brand" appearance="outlined" type="submit" disabled={place === ''} loading={busy}>
            <wa-icon slot="start" name="send" />
            {t('move.send')}
          </wa-button>
        </div>
      </form>
      {fault && <NotMoved fault={fault} names={names} />}
    </details>
  );
}

function MoveList({ moves, changed }: { moves: readonly ApiMove[]; changed: () => void }) {
  if (moves.length === 0) return null;
  return (
    <ul class="ledger">
      {moves.map((move) => (
        <Entry key={move.id} move={move} changed={changed} />
      ))}
    </ul>
  );
}

function Entry({ move, changed }: { move: ApiMove; changed: () => void }) {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<ApiFault>();
  const { id, device, from, to: goal, state, requestedAt, endedAt, by, own, note, why } = move;
  const time = shownMoment(requestedAt);

  async function withdraw(): Promise<void> {
    setBusy(true);
    setFault(undefined);
    try {
      await ask<ApiMove>(`moves/${seg(id)}/withdraw`, { method: 'POST', key: newKey() });
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    setBusy(false);
    changed();
  }

  return (
    <li class={`card override ${state === 'open' ? 'open' : ''}`}>
      <div class="override-main">
        <a href={to('device', device.id)}>
          <strong>{device.name}</strong>
        </a>
        <small>
          {t('job.by', { who: own ? t('over.you') : (by ?? t('over.someone')), time })}
          {note !== undefined && ` · ${note}`}
        </small>
        {why !== undefined && <small class="why">{why}</small>}
      </div>
      <span class="versions">
        {from?.name ?? '?'} → <strong>{goal.name}</strong>
      </span>
      <div class="override-time">
        <span class={`tag ${TONES[state]}`}>{t(`move.state.${state}`)}</span>
        {endedAt !== undefined && <small>{shownMoment(endedAt)}</small>}
      </div>
      {state === 'open' && (
        <wa-button appearance="outlined" loading={busy} onClick={() => void withdraw()}>
          {t('move.withdraw')}
        </wa-button>
      )}
      {fault && <NotMoved fault={fault} names={{ [device.id]: device.name, [goal.id]: goal.name }} />}
    </li>
  );
}

function NotMoved({ fault, names }: { fault: ApiFault; names: { readonly [id: string]: string } }) {
  const { problem } = fault;
  if (!problem.denied) return <Fault fault={fault} />;
  return (
    <Refusal title={t('refused.title')} action="device.move" denied={problem.denied} problem={problem} names={names} />
  );
}
