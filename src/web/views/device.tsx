// A device and its points by what they are for; beside them, where there is room, the point that was opened.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiDevice, ApiLocation, ApiPoint, ApiPointDetail } from '../../http/schema-browse.ts';
import { ask, type Page, query, seg } from '../api.ts';
import { useLive } from '../live.ts';
import { Busy, Crumbs, Fault, More, Value } from '../parts.tsx';
import { to } from '../route.ts';
import { may, useMe } from '../session.ts';
import { type Loaded, useLoad, usePages } from '../store.ts';
import { t } from '../words.ts';
import { MoveDevice } from './moves.tsx';
import { trailTo } from './place.tsx';
import { Point } from './point.tsx';

/** A device with more points is shown kind by kind. */
const WHOLE = 60;
const AT_ONCE = 25;
const ORDER = ['set-point', 'command', 'sensor', 'alarm-limit', 'parameter', 'firmware'] as const;

/** `id`: the device itself; `point`: the device of that point, with the point opened. */
export function Device({ id, point }: { id?: string; point?: string }) {
  const me = useMe();
  const opened = useLoad(point && `point ${point}`, (signal) =>
    ask<ApiPointDetail>(`points/${seg(point ?? '')}`, { signal }),
  );
  const last = useRef<string>(undefined);
  // While the next point loads, the list beside it stays.
  const deviceId = id ?? opened.data?.device?.id ?? last.current;
  last.current = deviceId;
  const device = useLoad(deviceId && `device ${deviceId}`, (signal) =>
    ask<ApiDevice>(`devices/${seg(deviceId ?? '')}`, { signal }),
  );
  const isKnownLarge = (device.data?.points ?? 0) > WHOLE;
  const points = useLoad(isKnownLarge ? undefined : deviceId && `points ${deviceId}`, (signal) =>
    ask<Page<ApiPoint>>(`points${query({ device: deviceId, limit: WHOLE })}`, { signal }),
  );
  const locations = useLoad('locations', (signal) => ask<Page<ApiLocation>>('locations?limit=500', { signal }));
  const listed = points.data?.items ?? [];
  const isLarge = isKnownLarge || points.data?.next !== undefined;
  const [further, setFurther] = useState<{ readonly [kind: string]: readonly string[] }>({});
  const shown = isLarge ? ORDER.flatMap((kind) => further[kind] ?? []) : listed.map((each) => each.id);
  useLive([...(point === undefined ? [] : [point]), ...shown]);
  if (opened.fault && !opened.data) return <Fault fault={opened.fault} again={opened.reload} />;
  if (device.fault) return <Fault fault={device.fault} again={device.reload} />;
  const trail = [
    ...trailTo(locations.data?.items ?? [], device.data?.location?.id),
    ...(point !== undefined && device.data ? [{ name: device.data.name, href: to('device', device.data.id) }] : []),
  ];
  return (
    <div class={point === undefined ? 'device' : 'device with-point'}>
      <div class="device-list">
        <Crumbs trail={trail} />
        {device.data ? <DeviceHead device={device.data} isTitle={point === undefined} /> : <Busy />}
        {ORDER.map((kind) =>
          isLarge ? (
            <LargeGroup
              key={`${deviceId} ${kind}`}
              kind={kind}
              device={deviceId ?? ''}
              open={point}
              showing={(ids) => setFurther((before) => ({ ...before, [kind]: ids }))}
            />
          ) : (
            <Group key={kind} kind={kind} points={listed.filter((each) => each.class === kind)} open={point} />
          ),
        )}
        {point === undefined && device.data && may(me, 'device.move') && <MoveDevice device={device.data} />}
      </div>
      {point !== undefined && <Opened key={point} opened={opened} trail={trail} />}
    </div>
  );
}

function Opened({ opened, trail }: { opened: Loaded<ApiPointDetail>; trail: Parameters<typeof Crumbs>[0]['trail'] }) {
  return (
    <div class="device-point">
      <div class="only-narrow">
        <Crumbs trail={trail} />
      </div>
      {opened.data ? <Point point={opened.data} reload={opened.reload} /> : <Busy />}
    </div>
  );
}

function DeviceHead({ device, isTitle }: { device: ApiDevice; isTitle: boolean }) {
  const kind = [device.vendor, device.model].filter(Boolean).join(' ');
  return (
    <div class="heading">
      <div>
        {isTitle ? <h1>{device.name}</h1> : <h2 class="as-title">{device.name}</h2>}
        <p>
          {kind}
          {kind !== '' && ' · '}
          {device.protocol ?? t('device.unreachable')} · {t('device.points', { n: device.points })}
        </p>
      </div>
    </div>
  );
}

type Kind = (typeof ORDER)[number];

interface LargeGroupProps {
  readonly kind: Kind;
  readonly device: string;
  readonly open: string | undefined;
  showing(ids: readonly string[]): void;
}

/** Of a device with more points than one answer holds: each kind by its own pages, so that set points come first all the same. */
function LargeGroup({ kind, device, open, showing }: LargeGroupProps) {
  const pages = usePages(`points ${device} ${kind}`, (signal, cursor) =>
    ask<Page<ApiPoint>>(`points${query({ device, class: kind, limit: AT_ONCE, cursor })}`, { signal }),
  );
  const points = pages.items ?? [];
  const ids = points.map(({ id }) => id).join();
  useEffect(() => showing(points.map(({ id }) => id)), [ids]);
  return (
    <Group kind={kind} points={points} open={open}>
      <More pages={pages} />
    </Group>
  );
}

interface GroupProps {
  readonly kind: Kind;
  readonly points: readonly ApiPoint[];
  readonly open?: string | undefined;
  readonly children?: ComponentChildren;
}

function Group({ kind, points, open, children }: GroupProps) {
  if (points.length === 0) return null;
  return (
    <section class="group">
      <h2>{t(`class.${kind}`)}</h2>
      <ul class="rows card">
        {points.map((point) => (
          <li key={point.id}>
            <a class="row" href={to('point', point.id)} aria-current={open === point.id ? 'true' : undefined}>
              <span class="row-name">{point.name}</span>
              {point.class !== 'firmware' && <Value point={point} />}
            </a>
          </li>
        ))}
      </ul>
      {children}
    </section>
  );
}
