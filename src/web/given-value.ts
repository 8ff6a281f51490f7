// What was typed → a value, or why it cannot be one: the same limits that the gateway will hold it to.

import type { ApiPointDetail } from '../http/schema-browse.ts';
import type { ApiValue } from '../http/schema-shared.ts';
import { shownLimit, t } from './words.ts';

type Given =
  | { readonly kind: 'value'; readonly value: ApiValue }
  | { readonly kind: 'empty' }
  | { readonly kind: 'fault'; readonly message: string };

/** A switch: two states, whatever the device calls them. */
export function isSwitch({ reading, unit, limits }: ApiPointDetail): boolean {
  return typeof reading.value === 'boolean' && unit === undefined && limits?.values === undefined;
}

const LEEWAY = 1e-6;

export function givenValue({ limits, reading }: ApiPointDetail, text: string): Given {
  const typed = text.trim();
  if (typed === '') return { kind: 'empty' };
  if (typeof reading.value === 'boolean') return { kind: 'value', value: typed === 'true' };
  if (typeof reading.value === 'string') return { kind: 'value', value: typed };
  const number = Number(typed.replace(',', '.'));
  if (!Number.isFinite(number)) return { kind: 'fault', message: t('change.faulty') };
  const { min, max, step } = limits ?? {};
  if (min !== undefined && number < min) return { kind: 'fault', message: t('change.below', { min: shownLimit(min) }) };
  if (max !== undefined && number > max) return { kind: 'fault', message: t('change.above', { max: shownLimit(max) }) };
  const steps = step === undefined ? 0 : (number - (min ?? 0)) / step;
  if (step !== undefined && Math.abs(steps - Math.round(steps)) > LEEWAY) {
    const message = t('change.offStep', { step: shownLimit(step), min: shownLimit(min ?? 0) });
    return { kind: 'fault', message };
  }
  return { kind: 'value', value: number };
}

/** `14 to 24 °C · in steps of 0.5 · at most 6 changes an hour`. */
export function limitsText({ limits, unit }: ApiPointDetail): string {
  if (!limits) return '';
  const { min, max, step, rate } = limits;
  return [
    ...(min !== undefined && max !== undefined
      ? [
          `${t('change.range', { min: shownLimit(min), max: shownLimit(max) })}${unit === undefined ? '' : `\u202f${unit}`}`,
        ]
      : []),
    ...(step !== undefined ? [t('change.step', { step: shownLimit(step) })] : []),
    ...(rate !== undefined ? [t('change.rate', { n: rate })] : []),
  ].join(' · ');
}
