// Who is signed in on the page, and who works with a tool; each can be ended.

import { useState } from 'preact/hooks';
import type { ApiWebSession } from '../../http/schema-sign-in.ts';
import type { ApiToolSession } from '../../http/schema-work.ts';
import { ApiFault, ask, seg } from '../api.ts';
import { Busy, Fault } from '../parts.tsx';
import { useEvery, useLoad, useNow } from '../store.ts';
import { shownAge, shownTime, t } from '../words.ts';
import { SessionCard } from './tool.tsx';

export function Sessions() {
  const now = useNow(5000);
  const page = useLoad('sessions', (signal) => ask<{ items: readonly ApiWebSession[] }>('sessions', { signal }));
  const tools = useLoad('tools', (signal) => ask<{ items: readonly ApiToolSession[] }>('tool-sessions', { signal }));
  const [fault, setFault] = useState<ApiFault>();
  useEvery(10_000, () => {
    page.reload();
    tools.reload();
  });

  async function end(id: string): Promise<void> {
    try {
      await ask(`sessions/${seg(id)}`, { method: 'DELETE' });
    } catch (error) {
      if (error instanceof ApiFault) setFault(error);
    }
    page.reload();
  }

  if (page.fault && !page.data) return <Fault fault={page.fault} again={page.reload} />;
  if (!page.data) return <Busy />;
  return (
    <>
      {fault && <Fault fault={fault} />}
      <section class="group">
        <h2>{t('sessions.page')}</h2>
        <ul class="ledger">
          {page.data.items.map(({ id, name, address, userAgent, since, lastSeen, current }) => (
            <li key={id} class="card web-session">
              <span class="glyph">
                <wa-icon name="user" />
              </span>
              <div>
                <strong>
                  {name} {current && <span class="tag on">{t('sessions.this')}</span>}
                </strong>
                <small>
                  {address} · {t('sessions.since', { time: shownTime(since) })} ·{' '}
                  {t('sessions.seen', { age: shownAge(lastSeen, now) })}
                </small>
                <small class="agent">{userAgent}</small>
              </div>
              <wa-button appearance="outlined" onClick={() => void end(id)}>
                {t('sessions.end')}
              </wa-button>
            </li>
          ))}
        </ul>
      </section>
      <section class="group">
        <h2>{t('sessions.tools')}</h2>
        {tools.data?.items.length === 0 && <p class="quiet">{t('sessions.none')}</p>}
        {tools.data?.items.map((each) => (
          <SessionCard key={each.id} session={each} reload={tools.reload} />
        ))}
      </section>
    </>
  );
}
