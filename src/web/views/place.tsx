// A location: what lies below it, its devices, and of each device the set points with their values: a tap from here.

import { useEffect } from 'preact/hooks';
import type { ApiDevice, ApiLocation, ApiPoint } from '../../http/schema-browse.ts';
import { ask, type Page, query } from '../api.ts';
import { useLive } from '../live.ts';
import { Busy, type Crumb, Crumbs, Fault, Heading, Icon, More, Value } from '../parts.tsx';
import { to } from '../route.ts';
import { foretell, useLoad, usePages } from '../store.ts';
import { t } from '../words.ts';

const AT_ONCE = 24;
const TILES = 4;
const MOST_TILES = 100;
const KINDS = ['set-point', 'sensor'];

export function Place({ id }: { id?: string | undefined }) {
  const locations = useLoad('locations', (signal) => ask<Page<ApiLocation>>('locations?limit=500', { signal }));
  const all = locations.data?.items ?? [];
  const here = all.find((each) => each.id === id) ?? all.find((each) => each.parent === undefined);
  if (locations.fault) return <Fault fault={locations.fault} again={locations.reload} />;
  if (!locations.data) return <Busy />;
  if (!here) return <p class="empty">{t('place.none')}</p>;
  if (id !== undefined && here.id !== id) return <p class="empty">{t('app.notFound')}</p>;
  return <Inside key={here.id} here={here} all={all} />;
}

export function trailTo(all: readonly ApiLocation[], id: string | undefined): Crumb[] {
  const trail: Crumb[] = [];
  for (let at = all.find((each) => each.id === id); at; at = all.find((each) => each.id === at?.parent)) {
    trail.unshift({ name: at.name, href: to('place', at.id) });
    if (trail.length > all.length) break;
  }
  return trail;
}

function Inside({ here, all }: { here: ApiLocation; all: readonly ApiLocation[] }) {
  const below = all.filter(({ parent }) => parent === here.id);
  const devices = usePages(`devices ${here.id}`, (signal, cursor) =>
    ask<Page<ApiDevice>>(`devices${query({ location: here.id, limit: AT_ONCE, cursor })}`, { signal }),
  );
  const shown = devices.items ?? [];
  useEffect(() => {
    for (const each of shown) foretell(`device ${each.id}`, each);
  }, [devices.items]);
  const byDevice = useTiles(here, shown);
  useLive(shown.flatMap((device) => byDevice.get(device.id)?.map((point) => point.id) ?? []));
  return (
    <>
      <Crumbs trail={trailTo(all, here.parent)} />
      <Heading title={here.name} lead={t('place.count', { n: here.devices })} />
      {below.length > 0 && (
        <section class="places" aria-label={t('place.locations')}>
          {below.map((each) => (
            <a key={each.id} class="place" href={to('place', each.id)}>
              <Icon name="building" />
              <span>
                <strong>{each.name}</strong>
                <small>{t('place.count', { n: each.devices })}</small>
              </span>
            </a>
          ))}
        </section>
      )}
      {devices.fault && <Fault fault={devices.fault} again={devices.reload} />}
      {devices.items?.length === 0 && <p class="empty">{t('place.none')}</p>}
      <section class="devices" aria-label={t('place.devices')}>
        {shown.map((device) => (
          <DeviceCard key={device.id} device={device} points={byDevice.get(device.id) ?? []} />
        ))}
      </section>
      <More pages={devices} />
    </>
  );
}

/** Of each device shown the first few points worth a look: set points, then what has a unit. */
function useTiles(here: ApiLocation, shown: readonly ApiDevice[]): ReadonlyMap<string, readonly ApiPoint[]> {
  const of = (kind: string, where: object, limit: number, signal: AbortSignal) =>
    ask<Page<ApiPoint>>(`points${query({ ...where, class: kind, limit })}`, { signal });
  const common = useLoad(`tiles ${here.id}`, (signal) =>
    Promise.all(KINDS.map((kind) => of(kind, { location: here.id }, MOST_TILES, signal))),
  );
  const covered = new Set(common.data?.flatMap(({ items }) => items.map(({ device }) => device?.id)));
  const isCut = common.data?.some(({ next }) => next !== undefined) === true;
  const missing = isCut ? shown.filter(({ id, points }) => points > 0 && !covered.has(id)).map(({ id }) => id) : [];
  // Where a place holds more than one answer does, the devices it did not reach are asked one by one.
  const rest = useLoad(missing.length === 0 ? undefined : `tiles of ${missing.join()}`, (signal) =>
    Promise.all(missing.flatMap((device) => KINDS.map((kind) => of(kind, { device }, TILES, signal)))),
  );
  const byDevice = new Map<string, ApiPoint[]>();
  for (const point of [...(common.data ?? []), ...(rest.data ?? [])].flatMap(({ items }) => items)) {
    const list = byDevice.get(point.device?.id ?? '') ?? [];
    byDevice.set(point.device?.id ?? '', list);
    // What has no unit is a name or a number, and nothing to watch.
    if (list.length < TILES && (point.class === 'set-point' || point.unit !== undefined)) list.push(point);
  }
  return byDevice;
}

function DeviceCard({ device, points }: { device: ApiDevice; points: readonly ApiPoint[] }) {
  const kind = [device.vendor, device.model].filter(Boolean).join(' ');
  return (
    <article class="card device-card">
      <a class="device-head" href={to('device', device.id)}>
        <span class="glyph">
          <Icon name="chip" />
        </span>
        <span>
          <strong>{device.name}</strong>
          <small>{kind || t('device.points', { n: device.points })}</small>
        </span>
        {device.protocol !== undefined && <span class="tag">{device.protocol}</span>}
      </a>
      {points.length > 0 && (
        <ul class="tiles">
          {points.map((point) => (
            <li key={point.id}>
              <a class={`tile ${point.class}`} href={to('point', point.id)}>
                <span class="tile-name">{point.name}</span>
                <Value point={point} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}
