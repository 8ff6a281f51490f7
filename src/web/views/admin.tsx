// What administrators of the site see; each part only for who holds its right, as the gateway decides again for each.

import { Heading } from '../parts.tsx';
import { to } from '../route.ts';
import { may, useMe } from '../session.ts';
import { t } from '../words.ts';
import { Explain } from './explain.tsx';
import { Journal } from './journal.tsx';
import { Peers } from './peers.tsx';
import { Sessions } from './sessions.tsx';
import { StandingView } from './standing.tsx';

const TABS = [
  { id: 'journal', right: 'audit.read', View: Journal },
  { id: 'sessions', right: 'user.manage', View: Sessions },
  { id: 'standing', right: 'admin.manage', View: StandingView },
  { id: 'explain', right: 'audit.read', View: Explain },
  { id: 'peers', right: 'audit.read', View: Peers },
] as const;

export function Admin({ tab }: { tab: string }) {
  const me = useMe();
  const tabs = TABS.filter(({ right }) => may(me, right));
  const shown = tabs.find(({ id }) => id === tab) ?? tabs[0];
  if (!shown) return <p class="empty">{t('admin.none')}</p>;
  return (
    <>
      <Heading title={t('admin.title')} />
      <nav class="tabs" aria-label={t('admin.title')}>
        {tabs.map(({ id }) => (
          <a key={id} href={to('admin', id)} aria-current={id === shown.id ? 'page' : undefined}>
            {t(`admin.${id}`)}
          </a>
        ))}
      </nav>
      <shown.View />
    </>
  );
}
