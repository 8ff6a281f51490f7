// The record: search, page by page, and export with the same search.

import { useState } from 'preact/hooks';
import type { ApiJournalRow } from '../../http/schema-admin.ts';
import { ask, type Page, query } from '../api.ts';
import { Busy, Fault, More } from '../parts.tsx';
import { usePages } from '../store.ts';
import { shownMoment, t, word } from '../words.ts';
import { decisionOf, Effects, whatOf, whoOf } from './record-row.tsx';

const KINDS = ['intent', 'outcome', 'refusal', 'session', 'system'] as const;
const AT_ONCE = 50;

interface Wanted {
  readonly [key: string]: string | number | undefined;
}

function wantedOf(form: HTMLFormElement): Wanted {
  const given = new FormData(form);
  const text = (name: string): string | undefined => String(given.get(name) ?? '').trim() || undefined;
  const moment = (name: string): number | undefined => {
    const typed = text(name);
    return typed === undefined ? undefined : new Date(typed).getTime();
  };
  return {
    principal: text('principal'),
    target: text('target'),
    decision: text('decision'),
    kind: text('kind'),
    since: moment('since'),
    until: moment('until'),
  };
}

export function Journal() {
  const [wanted, setWanted] = useState<Wanted>({});
  const pages = usePages(`journal ${query(wanted)}`, (signal, cursor) =>
    ask<Page<ApiJournalRow>>(`journal${query({ ...wanted, limit: AT_ONCE, cursor })}`, { signal }),
  );

  return (
    <>
      <p class="quiet">{t('journal.lead')}</p>
      <form
        class="card filter"
        onSubmit={(event) => {
          event.preventDefault();
          setWanted(wantedOf(event.currentTarget));
          pages.reload();
        }}
      >
        <label>
          {t('journal.who')}
          <input name="principal" autocomplete="off" />
        </label>
        <label>
          {t('journal.target')}
          <input name="target" autocomplete="off" />
        </label>
        <label>
          {t('journal.kind')}
          <select name="kind">
            <option value="">{t('journal.kind.any')}</option>
            {KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {t(`journal.kind.${kind}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('journal.decision')}
          <input name="decision" autocomplete="off" />
        </label>
        <label class="whole">
          {t('journal.since')}
          <input name="since" type="datetime-local" />
        </label>
        <label class="whole">
          {t('journal.until')}
          <input name="until" type="datetime-local" />
        </label>
        <div class="actions">
          <wa-button variant="brand" type="submit">
            <wa-icon slot="start" name="search" />
            {t('journal.search')}
          </wa-button>
          <wa-button appearance="outlined" href={`/api/v1/journal/export${query(wanted)}`} download="journal.ndjson">
            <wa-icon slot="start" name="download" />
            {t('journal.export')}
          </wa-button>
        </div>
      </form>
      {pages.fault && <Fault fault={pages.fault} again={pages.reload} />}
      {!pages.items && !pages.fault && <Busy />}
      {pages.items?.length === 0 && <p class="empty">{t('journal.none')}</p>}
      <ol class="journal">
        {pages.items?.map(({ number, hash, row }) => (
          <li key={number} class={`card record ${row.kind}`}>
            <span class="record-number">{number}</span>
            <time dateTime={new Date(row.at).toISOString()}>{shownMoment(row.at)}</time>
            <strong class="record-who">{whoOf(row)}</strong>
            <span class={`tag ${row.kind === 'refusal' ? 'bad' : row.kind === 'intent' ? 'on' : ''}`}>
              {whatOf(row)}
            </span>
            <Effects row={row} />
            <details>
              <summary>{word('journal.kind', row.kind)}</summary>
              <p class="code">
                {decisionOf(row) !== undefined && `${t('journal.decision')} ${decisionOf(row)} · `}
                {t('journal.hash')} {hash}
              </p>
              <pre>{JSON.stringify(row, null, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
      <More pages={pages} />
    </>
  );
}
