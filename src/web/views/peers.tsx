// Who was refused within a day and is nobody the policy knows.

import type { z } from 'zod';
import type { unknownPeerSchema } from '../../http/schema-admin.ts';
import { ask } from '../api.ts';
import { Busy, Fault } from '../parts.tsx';
import { useLoad, useNow } from '../store.ts';
import { shownAge, t } from '../words.ts';

type Peer = z.output<typeof unknownPeerSchema>;

export function Peers() {
  const peers = useLoad('peers', (signal) => ask<{ items: readonly Peer[] }>('unknown-peers', { signal }));
  const now = useNow(10_000);
  if (peers.fault) return <Fault fault={peers.fault} again={peers.reload} />;
  if (!peers.data) return <Busy />;
  return (
    <>
      <p class="quiet">{t('peers.lead')}</p>
      {peers.data.items.length === 0 && <p class="empty">{t('peers.none')}</p>}
      <ul class="ledger">
        {peers.data.items.map(({ from, count, last, operations }) => (
          <li key={from} class="card web-session">
            <span class="glyph">
              <wa-icon name="ghost" />
            </span>
            <div>
              <strong>
                <code>{from}</code>
              </strong>
              <small>{t('peers.times', { n: count, age: shownAge(last, now) })}</small>
              <small>{operations.join(', ')}</small>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
