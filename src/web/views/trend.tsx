// The last day of a point: mean, and the band between lowest and highest, as the gateway has read them.

import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { ApiPointDetail, ApiTrend } from '../../http/schema-browse.ts';
import { ask, seg } from '../api.ts';
import { appearance } from '../appearance.ts';
import { useEvery, useLoad } from '../store.ts';
import { language, shownNumber, t } from '../words.ts';

const AGAIN_MS = 60_000;
const HEIGHT = 190;
const DAY_S = 86_400;

export function Trend({ point }: { point: ApiPointDetail }) {
  const trend = useLoad(`trend ${point.id}`, (signal) => ask<ApiTrend>(`points/${seg(point.id)}/trend`, { signal }));
  useEvery(AGAIN_MS, trend.reload);
  const place = useRef<HTMLDivElement>(null);
  const look = appearance.use();
  const samples = trend.data?.samples;
  useEffect(() => {
    const box = place.current;
    if (!box || !samples || samples.length === 0) return;
    let plot: uPlot | undefined;
    let over = false;
    let observer: ResizeObserver | undefined;
    // Loaded when there is something to draw: it is no part of the first load.
    void import('uplot').then(({ default: Plot }) => {
      if (over) return;
      plot = new Plot(optionsFor(box.clientWidth, look), dataOf(samples), box);
      observer = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT }));
      observer.observe(box);
    });
    return () => {
      over = true;
      observer?.disconnect();
      plot?.destroy();
    };
  }, [samples, look]);
  if (trend.fault?.problem.status === 403) return null;
  return (
    <section class="card trend">
      <h2>{t('trend.title')}</h2>
      {samples?.length === 0 && <p class="quiet">{t('trend.none')}</p>}
      {samples && samples.length > 0 && (
        <div class="chart" ref={place} role="img" aria-label={spoken(point, samples)} />
      )}
    </section>
  );
}

function spoken({ name, unit }: ApiPointDetail, samples: ApiTrend['samples']): string {
  const number = (value: number): string => `${shownNumber(value)}${unit === undefined ? '' : ` ${unit}`}`;
  return t('trend.label', {
    name,
    n: samples.length,
    min: number(Math.min(...samples.map(({ min }) => min))),
    max: number(Math.max(...samples.map(({ max }) => max))),
    last: number(samples.at(-1)?.mean ?? Number.NaN),
  });
}

function dataOf(samples: ApiTrend['samples']): uPlot.AlignedData {
  return [
    samples.map(({ at }) => at / 1000),
    samples.map(({ mean }) => mean),
    samples.map(({ max }) => max),
    samples.map(({ min }) => min),
  ];
}

function optionsFor(width: number, _look: string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  };
  const now = Date.now() / 1000;
  return {
    width,
    height: HEIGHT,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 8 } },
    scales: {
      x: { time: true, range: (_plot, min) => [Math.max(now - DAY_S, Math.min(min, now - 1800)), now] },
      y: { range: (_plot, min, max) => [min - room(min, max), max + room(min, max)] },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 28,
        values: (_plot, ticks) =>
          ticks.map((tick) =>
            new Date(tick * 1000).toLocaleTimeString(language.get(), {
              hour: '2-digit',
              minute: '2-digit',
              hourCycle: 'h23',
            }),
          ),
      },
      { ...axis, size: 56, values: (_plot, ticks) => ticks.map((tick) => shownNumber(tick)) },
    ],
    series: [
      {},
      { stroke: colour('--brand'), width: 2, points: { size: 5 } },
      { stroke: 'transparent', width: 0, points: { show: false } },
      { stroke: 'transparent', width: 0, points: { show: false } },
    ],
    bands: [{ series: [2, 3], fill: `color-mix(in srgb, ${colour('--brand')} 18%, transparent)` }],
  };
}

/** Above and below the line; a flat one stands in the middle. */
const room = (min: number, max: number): number => (max - min) * 0.15 || Math.max(1, Math.abs(max) * 0.05);
