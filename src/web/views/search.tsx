// What was found, by name or id, among what one may see.

import { useRef } from 'preact/hooks';
import type { ApiFound } from '../../http/schema-browse.ts';
import { ask, query } from '../api.ts';
import { Busy, Fault, Heading, Icon } from '../parts.tsx';
import { to } from '../route.ts';
import { useLoad } from '../store.ts';
import { t } from '../words.ts';

const ICONS = { location: 'building', device: 'chip', point: 'point' } as const;
const MOST = 50;
const ROUTES = { location: 'place', device: 'device', point: 'point' } as const;

const find = (q: string, signal: AbortSignal): Promise<{ items: readonly ApiFound[] }> =>
  ask(`search${query({ q, limit: MOST })}`, { signal });

export function Search({ q }: { q: string }) {
  const found = useLoad(q === '' ? undefined : `search ${q}`, (signal) => find(q, signal));
  // What was found stays while the next letters are looked for.
  const last = useRef<{ q: string; items: readonly ApiFound[] }>(undefined);
  if (found.data) last.current = { q, items: found.data.items };
  const shown = last.current;
  if (found.fault) return <Fault fault={found.fault} again={found.reload} />;
  if (!shown) return q === '' ? null : <Busy />;
  const { items } = shown;
  return (
    <>
      <div role="status">
        {items.length === 0 ? (
          <p class="empty">{t('search.none')}</p>
        ) : (
          <Heading
            title={t(items.length < MOST ? 'search.results' : 'search.first', { n: items.length, q: shown.q })}
          />
        )}
      </div>
      <ul class="rows card">
        {items.map((each) => (
          <li key={`${each.kind}${each.id}`}>
            <a class="row found" href={to(ROUTES[each.kind], each.id)}>
              <span class="glyph">
                <Icon name={ICONS[each.kind]} />
              </span>
              <span class="row-name">
                {each.name}
                <small>
                  {t(`search.${each.kind}`)}
                  {each.in && ` · ${each.in.name}`}
                </small>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
