// Jobs and images as they change, by one stream for the view that shows them, and their figures in words.

import { useEffect, useRef } from 'preact/hooks';
import type { ApiImage, ApiJob, ApiJobSummary } from '../http/schema-jobs.ts';
import { query } from './api.ts';
import { type DeviceState, ENDED } from './device-states.ts';
import { followStream } from './stream.ts';
import { language, shownSpan, t } from './words.ts';

interface WorkHeard {
  /** Of the job that was named: with its devices, but without what was written. */
  job?(job: ApiJobSummary | ApiJob): void;
  image?(image: ApiImage): void;
  /** It was cut off, and is heard again. */
  again?(): void;
  gone?(what: { readonly kind: 'job' | 'image'; readonly id: string }): void;
}

/** `job`: this one with its devices; absent: every job and image. */
export function useWork(heard: WorkHeard, job?: string): void {
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(() => {
    let wasOpen = false;
    return followStream(
      `live${query({ work: job === undefined ? 'true' : undefined, job })}`,
      {
        job: (data) => latest.current.job?.(data as ApiJob),
        image: (data) => latest.current.image?.(data as ApiImage),
        gone: (data) => latest.current.gone?.(data as { kind: 'job' | 'image'; id: string }),
      },
      (isOpen) => {
        if (isOpen && wasOpen) latest.current.again?.();
        wasOpen ||= isOpen;
      },
    );
  }, [job]);
}

export const hasEnded = (state: DeviceState): boolean => ENDED.includes(state);
export const isOver = ({ state }: Pick<ApiJobSummary, 'state'>): boolean => ENDED.includes(state as DeviceState);

/** Green where it is as ordered, red where it is not, amber where it waits. */
export function toneOf(state: ApiJobSummary['state'] | DeviceState): string {
  if (state === 'done') return 'on';
  if (['failed', 'refused', 'rolling-back', 'rolled-back'].includes(state)) return 'bad';
  return ['waiting-approval', 'waiting-window', 'paused', 'aborted'].includes(state) ? 'amber' : '';
}

export const countOf = ({ counts }: ApiJobSummary, wanted: (state: DeviceState) => boolean): number =>
  Object.entries(counts).reduce((sum, [state, n]) => sum + (wanted(state as DeviceState) ? (n ?? 0) : 0), 0);

const KIB = 1024;

export function shownOctets(octets: number): string {
  const [size, unit] = octets < KIB * KIB ? [octets / KIB, 'KiB'] : [octets / KIB / KIB, 'MiB'];
  return `${size.toLocaleString(language.get(), { maximumFractionDigits: size < 10 ? 1 : 0 })}\u00a0${unit}`;
}

interface Progress {
  readonly sent: number;
  readonly total: number;
  readonly perSecond: number;
}

/** `1.2 MiB of 2 MiB · 85 KiB/s · 10 s left`. */
export function shownProgress({ sent, total, perSecond }: Progress): string {
  const parts = [t('job.octets', { sent: shownOctets(sent), total: shownOctets(total) })];
  if (perSecond > 0 && sent < total) {
    parts.push(`${shownOctets(perSecond)}/s`, t('over.left', { time: shownSpan(((total - sent) / perSecond) * 1000) }));
  }
  return parts.join(' · ');
}
