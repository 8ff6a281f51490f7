// A location: what lies below it, its devices, and of each device the set points with their values: a tap from here.

import { useState } from 'preact/hooks';
import type { ApiDevice, ApiLocation, ApiPoint } from '../../http/schema-browse.ts';
import { ask, type Page, query } from '../api.ts';
import { useLive } from '../live.ts';
import { Busy, type Crumb, Crumbs, Fault, Heading, Value } from '../parts.tsx';
import { to } from '../route.ts';
import { useLoad } from '../store.ts';
import { t } from '../words.ts';

const AT_ONCE = 24;
const TILES = 4;

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
  const [most, setMost] = useState(AT_ONCE);
  const below = all.filter(({ parent }) => parent === here.id);
  const devices = useLoad(`devices ${here.id} ${most}`, (signal) =>
    ask<Page<ApiDevice>>(`devices${query({ location: here.id, limit: Math.min(most, 500) })}`, { signal }),
  );
  const [shown, setShown] = useState<readonly ApiDevice[]>([]);
  if (devices.data && devices.data.items !== shown) setShown(devices.data.items);
  const tiles = useLoad(`tiles ${here.id}`, async (signal) => {
    const of = (kind: string) =>
      ask<Page<ApiPoint>>(`points${query({ location: here.id, class: kind, limit: 200 })}`, { signal });
    const pages = await Promise.all([of('set-point'), of('sensor')]);
    // What has no unit is a name or a number, and nothing to watch.
    return pages.flatMap(({ items }) => items).filter((each) => each.class === 'set-point' || each.unit !== undefined);
  });
  const byDevice = new Map<string, ApiPoint[]>();
  for (const point of tiles.data ?? []) {
    const list = byDevice.get(point.device?.id ?? '') ?? [];
    if (list.length < TILES) list.push(point);
    byDevice.set(point.device?.id ?? '', list);
  }
  useLive(shown.flatMap((device) => byDevice.get(device.id)?.map((point) => point.id) ?? []));
  return (
    <>
      <Crumbs trail={trailTo(all, here.parent)} />
      <Heading title={here.name} lead={t('place.count', { n: here.devices })} />
      {below.length > 0 && (
        <section class="places" aria-label={t('place.locations')}>
          {below.map((each) => (
            <a key={each.id} class="place" href={to('place', each.id)}>
              <wa-icon name="building" />
              <span>
                <strong>{each.name}</strong>
                <small>{t('place.count', { n: each.devices })}</small>
              </span>
              <wa-icon name="chevron-right" />
            </a>
          ))}
        </section>
      )}
      {devices.fault && <Fault fault={devices.fault} again={devices.reload} />}
      {shown.length === 0 && devices.data && <p class="empty">{t('place.none')}</p>}
      <section class="devices" aria-label={t('place.devices')}>
        {shown.map((device) => (
          <DeviceCard key={device.id} device={device} points={byDevice.get(device.id) ?? []} />
        ))}
      </section>
      {devices.data?.next !== undefined && (
        <wa-button appearance="outlined" onClick={() => setMost(most * 2)}>
          {t('app.more')}
        </wa-button>
      )}
    </>
  );
}

function DeviceCard({ device, points }: { device: ApiDevice; points: readonly ApiPoint[] }) {
  const kind = [device.vendor, device.model].filter(Boolean).join(' ');
  return (
    <article class="card device-card">
      <a class="device-head" href={to('device', device.id)}>
        <span class="glyph">
          <wa-icon name="chip" />
        </span>
        <span>
          <strong>{device.name}</strong>
          <small>{kind || t('device.points', { n: device.points })}</small>
        </span>
        {device.protocol !== undefined && <span class="tag">{device.protocol}</span>}
        <wa-icon name="chevron-right" />
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
