// The frame around every view: where one is, search, warnings, who one is. Only the view inside it changes.

import { Fragment } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { batch } from './batch-rows.ts';
import { to, useRoute } from './route.ts';
import { SearchField } from './search-field.tsx';
import { health, lookAtHealth, may, reached, session, useMe } from './session.ts';
import { useEvery } from './store.ts';
import { Admin } from './views/admin.tsx';
import { Batch } from './views/batch.tsx';
import { Confirm } from './views/confirm.tsx';
import { Device } from './views/device.tsx';
import { JobView } from './views/job.tsx';
import { JOB_RIGHTS, Jobs } from './views/jobs.tsx';
import { Me } from './views/me.tsx';
import { OverrideLedger } from './views/overrides.tsx';
import { Place } from './views/place.tsx';
import { Search } from './views/search.tsx';
import { SignIn } from './views/sign-in.tsx';
import { OwnTool } from './views/tool.tsx';
import { language, t } from './words.ts';

const HEALTH_MS = 20_000;
const ADMIN_RIGHTS = ['audit.read', 'admin.manage', 'user.manage'];

export function App() {
  const standing = session.use();
  const words = language.use();
  if (location.pathname === '/confirm') return <Confirm key={words} />;
  if (standing.kind === 'looking') return <div class="looking" aria-hidden="true" />;
  if (standing.kind === 'out') return <SignIn key={words} over={standing.over} />;
  return <Frame key={words} />;
}

function Frame() {
  const { path, query } = useRoute();
  const main = useRef<HTMLElement>(null);
  const place = path.join('/');
  const before = useRef(place);
  useEvery(HEALTH_MS, () => void lookAtHealth());
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    // Whoever is still typing what they look for stays in the field; the results tell of themselves.
    if (place === 'search') return;
    // Whoever does not see the screen hears where they are now.
    main.current?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }, [place]);
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {t('app.skip')}
      </button>
      <Navigation at={path[0] ?? ''} />
      <div class="column">
        <header class="top">
          <a class="brand-small" href="#/" aria-label="Gatehouse">
            <img src="/mark.svg" alt="" width="32" height="32" />
          </a>
          <SearchField initial={path[0] === 'search' ? (query.get('q') ?? '') : ''} />
          <MeSmall isHere={path[0] === 'me'} />
        </header>
        <Warnings />
        <main id="content" ref={main} tabIndex={-1}>
          <View path={path} query={query} />
        </main>
      </div>
    </div>
  );
}

/** Where the navigation has no room for it. */
function MeSmall({ isHere }: { isHere: boolean }) {
  const { name } = useMe();
  return (
    <a class="me-small" href={to('me')} aria-label={name} aria-current={isHere ? 'page' : undefined}>
      <wa-icon name="user" />
    </a>
  );
}

function View({ path, query }: { path: readonly string[]; query: URLSearchParams }) {
  const me = useMe();
  const [kind = '', id = ''] = path;
  switch (kind) {
    case '':
      return <Place id={me.home?.id} />;
    case 'place':
      return <Place id={id} />;
    case 'device':
      return <Device id={id} />;
    case 'point':
      return <Device point={id} />;
    case 'search':
      return <Search q={query.get('q') ?? ''} />;
    case 'overrides':
      return <OverrideLedger tab={id} />;
    case 'batch':
      return <Batch />;
    case 'jobs':
      return <Jobs tab={id} kind={path[2] ?? ''} />;
    case 'job':
      return <JobView key={id} id={id} />;
    case 'tool':
      return <OwnTool />;
    case 'admin':
      return <Admin tab={id} />;
    case 'me':
      return <Me />;
    default:
      return <p class="empty">{t('app.notFound')}</p>;
  }
}

function Navigation({ at }: { at: string }) {
  const me = useMe();
  const chosen = batch.use().length;
  const isAdmin = ADMIN_RIGHTS.some((right) => may(me, right));
  const entries = [
    { to: '#/', icon: 'home', name: t('nav.plant'), on: ['', 'place', 'device', 'point', 'search'] },
    { to: to('overrides'), icon: 'clock', name: t('nav.overrides'), on: ['overrides'] },
    { to: to('batch'), icon: 'layers', name: t('nav.batch'), on: ['batch'], count: chosen },
    ...(JOB_RIGHTS.some((right) => may(me, right))
      ? [{ to: to('jobs'), icon: 'tasks', name: t('nav.jobs'), on: ['jobs', 'job'] }]
      : []),
    { to: to('tool'), icon: 'tool', name: t('nav.tool'), on: ['tool'] },
    ...(isAdmin ? [{ to: to('admin'), icon: 'shield', name: t('nav.admin'), on: ['admin'] }] : []),
    { to: to('me'), icon: 'user', name: me.name, on: ['me'], apart: true },
  ];
  return (
    <nav class="rail" aria-label={t('nav.main')}>
      <a class="brand" href="#/" aria-label="Gatehouse">
        <img src="/mark.svg" alt="" width="36" height="36" />
        <span>Gatehouse</span>
      </a>
      <ul>
        {entries.map(({ to: href, icon, name, on, count, apart }) => (
          <li key={href} class={apart ? 'apart' : ''}>
            <a href={href} aria-current={on.includes(at) ? 'page' : undefined}>
              <wa-icon name={icon} />
              <span>{name}</span>
              {count ? <b class="count">{count}</b> : <Fragment />}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Warnings() {
  const isReached = reached.use();
  const warnings = health.use()?.warnings ?? [];
  return (
    <div class="warnings" role="status">
      {!isReached && (
        <p class="warning grave">
          <wa-icon name="plug" />
          {t('app.offline')}
        </p>
      )}
      {warnings.map((warning) => (
        <p key={warning} class={warning === 'observing' || warning === 'clock-unsure' ? 'warning' : 'warning grave'}>
          <wa-icon name="warning" />
          {t(`warn.${warning}`)}
        </p>
      ))}
    </div>
  );
}
