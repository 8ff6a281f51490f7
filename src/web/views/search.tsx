// What was found, by name or id, among what one may see.

import type { ApiFound } from '../../http/schema-browse.ts';
import { ask, query } from '../api.ts';
import { Busy, Fault, Heading } from '../parts.tsx';
import { to } from '../route.ts';
import { useLoad } from '../store.ts';
import { t } from '../words.ts';

const ICONS = { location: 'building', device: 'chip', point: 'point' } as const;
const MOST = 50;
const ROUTES = { location: 'place', device: 'device', point: 'point' } as const;

export const find = (q: string, signal: AbortSignal): Promise<{ items: readonly ApiFound[] }> =>
  ask(`search${query({ q, limit: MOST })}`, { signal });

export function Search({ q }: { q: string }) {
  const found = useLoad(q === '' ? undefined : `search ${q}`, (signal) => find(q, signal));
  if (found.fault) return <Fault fault={found.fault} again={found.reload} />;
  if (!found.data) return q === '' ? null : <Busy />;
  const { items } = found.data;
  if (items.length === 0) return <p class="empty">{t('search.none')}</p>;
  return (
    <>
      <Heading title={t(items.length < MOST ? 'search.results' : 'search.first', { n: items.length, q })} />
      <ul class="rows card">
        {items.map((each) => (
          <li key={`${each.kind}${each.id}`}>
            <a class="row found" href={to(ROUTES[each.kind], each.id)}>
              <span class="glyph">
                <wa-icon name={ICONS[each.kind]} />
              </span>
              <span class="row-name">
                {each.name}
                <small>
                  {t(`search.${each.kind}`)}
                  {each.in && ` · ${each.in.name}`}
                </small>
              </span>
              <wa-icon name="chevron-right" />
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
