// Small parts that several views share: a live value, what went wrong, an empty list, more of a list.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ApiPoint, ApiPointDetail } from '../http/schema-browse.ts';
import type { ApiFault } from './api.ts';
import { streamOpen, useReading } from './live.ts';
import { sentence } from './sentence.ts';
import { type Pages, useNow } from './store.ts';
import { shownQuality, shownValue, t } from './words.ts';

/** Value, unit, quality and age of a point, as they are now. */
export function Value({ point, big = false }: { point: ApiPoint | ApiPointDetail; big?: boolean }) {
  const reading = useReading(point.id, point.reading);
  const isStreaming = streamOpen.use();
  const now = useNow(5000);
  const [amount, unit] = shownValue(reading.value, reading.value === null ? undefined : point.unit, point.step).split(
    '\u202f',
  );
  return (
    <span class={`value ${big ? 'big' : ''} ${reading.quality}`}>
      <span class="reading">
        <span class="amount">{amount}</span>
        {unit !== undefined && <span class="unit">{unit}</span>}
      </span>
      <span class="quality">
        <i aria-hidden="true" />
        {shownQuality(reading, isStreaming, now)}
      </span>
    </span>
  );
}

/** A symbol of the gateway's own sheet, light enough for every row of a long list. */
export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" aria-hidden="true">
      <use href={`/icons.svg#${name}`} />
    </svg>
  );
}

export function Fault({ fault, again }: { fault: ApiFault; again?: () => void }) {
  const { status, detail, title, reason, retryAfter, errors } = fault.problem;
  const told = sentence({ reason, text: detail ?? title });
  const text = status === 404 ? t('app.notFound') : status === 0 ? t('app.offline') : told;
  return (
    <div class="note grave" role="alert">
      <wa-icon name="warning" />
      <div>
        <strong>{t('app.fault')}</strong>
        <p>
          {text}
          {retryAfter !== undefined && ` (${retryAfter} s)`}
        </p>
        {errors?.map(({ path, message, reason: why }) => (
          <p key={path} class="why">
            {path !== '' && <code>{path}</code>} {sentence({ reason: why, text: message })}
          </p>
        ))}
        {again && (
          <wa-button appearance="outlined" onClick={again}>
            {t('app.again')}
          </wa-button>
        )}
      </div>
    </div>
  );
}

export function Heading({ title, lead, children }: { title: string; lead?: string; children?: ComponentChildren }) {
  return (
    <div class="heading">
      <div>
        <h1>{title}</h1>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {children}
    </div>
  );
}

export function Busy() {
  return (
    <p class="busy" role="status">
      <wa-spinner />
      <span>{t('app.loading')}</span>
    </p>
  );
}

/** The next page of the list before it, where there is one; whoever asked for it goes on at its first entry. */
export function More({ pages }: { pages: Pick<Pages<unknown>, 'hasMore' | 'busy' | 'more'> }) {
  const asked = useRef<{ readonly list: Element | null; readonly before: number }>(undefined);
  useEffect(() => {
    const { list, before } = asked.current ?? { list: null, before: 0 };
    const next = list?.children[before]?.querySelector<HTMLElement>('a, button, input, wa-button');
    if (!next || pages.busy) return;
    asked.current = undefined;
    next.focus({ preventScroll: true });
  });
  if (!pages.hasMore) return null;
  return (
    <wa-button
      class="more"
      appearance="outlined"
      loading={pages.busy}
      onClick={({ currentTarget }: MouseEvent) => {
        const list = currentTarget instanceof Element ? currentTarget.previousElementSibling : null;
        asked.current = { list, before: list?.children.length ?? 0 };
        pages.more();
      }}
    >
      {t('app.more')}
    </wa-button>
  );
}

export interface Crumb {
  readonly name: string;
  readonly href: string;
}

export function Crumbs({ trail }: { trail: readonly Crumb[] }) {
  if (trail.length === 0) return null;
  return (
    <nav class="crumbs" aria-label={t('place.locations')}>
      <ol>
        {trail.map(({ name, href }) => (
          <li key={href}>
            <a href={href}>{name}</a>
          </li>
        ))}
      </ol>
    </nav>
  );
}
