// The page's words in the reader's language, and values, times and ages as that language writes them.

import type { ApiReading } from '../http/schema-browse.ts';
import type { ApiValue } from '../http/schema-shared.ts';
import { de } from './messages/de.ts';
import { en, type MessageKey, type Messages } from './messages/en.ts';
import { createStore } from './store.ts';

const LANGUAGES: { readonly [language: string]: Messages } = { en, de };
export const LANGUAGE_NAMES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGE_NAMES;

function firstLanguage(): Language {
  const kept = localStorage.getItem('language');
  const wanted = [kept ?? '', ...navigator.languages].map((each) => each.slice(0, 2));
  return wanted.find((each): each is Language => each in LANGUAGE_NAMES) ?? 'en';
}

export const language = createStore<Language>(firstLanguage());

export function setLanguage(next: Language): void {
  localStorage.setItem('language', next);
  document.documentElement.lang = next;
  language.set(next);
}

export function t(key: MessageKey, values: { readonly [name: string]: string | number } = {}): string {
  const one = `${key}.one`;
  const wanted = values.n === 1 && one in en ? (one as MessageKey) : key;
  const text = LANGUAGES[language.get()]?.[wanted] ?? en[wanted];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** For words that come from the gateway's closed lists; what is not known is shown as it is. */
export function word(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return key in en ? t(key as MessageKey) : name;
}

/** What a value counts as: wrapped whole numbers and NaN included. */
export function numberOf(value: ApiValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  return Number('integer' in value ? value.integer : value.float);
}

const decimalsOf = (value: number): number => String(value).split('.')[1]?.length ?? 0;

/** With a step: as many decimals as that has. Without: as many as a person reads, and the same while it moves a little. */
export function shownNumber(value: number, step?: number): string {
  if (!Number.isFinite(value)) return String(value);
  const most = step === undefined ? digitsOf(value) : Math.max(decimalsOf(step), Math.min(decimalsOf(value), 3));
  const least = step === undefined ? (Number.isInteger(value) ? 0 : most) : decimalsOf(step);
  return value.toLocaleString(language.get(), { minimumFractionDigits: least, maximumFractionDigits: most });
}

function digitsOf(value: number): number {
  const size = Math.abs(value);
  return size >= 1000 ? 0 : size >= 10 ? 1 : 2;
}

/** A limit or a step, as it was written. */
export const shownLimit = (value: number): string => value.toLocaleString(language.get(), { maximumFractionDigits: 6 });

export function shownValue(value: ApiValue | undefined, unit?: string, step?: number): string {
  if (value === undefined) return '–';
  if (value === null) return t('value.none');
  if (typeof value === 'boolean') return t(value ? 'value.on' : 'value.off');
  if (typeof value === 'string') return value;
  // A whole number without a unit is a number of something: a serial, a date, a state.
  if (typeof value === 'number' && Number.isInteger(value) && unit === undefined) return String(value);
  const text =
    typeof value === 'object' && 'integer' in value
      ? BigInt(value.integer).toLocaleString(language.get())
      : shownNumber(numberOf(value) ?? Number.NaN, step);
  return unit === undefined ? text : `${text}\u202f${unit}`;
}

export function shownTime(at: number): string {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return new Date(at).toLocaleString(language.get(), {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(!isToday && { day: 'numeric', month: 'short' }),
  });
}

export function shownMoment(at: number): string {
  return new Date(at).toLocaleString(language.get(), { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

export function shownAge(at: number, now: number): string {
  const ms = Math.max(0, now - at);
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ['second', 1000];
  if (ms < 5000) return t('age.now');
  return new Intl.RelativeTimeFormat(language.get(), { numeric: 'always', style: 'short' }).format(
    -Math.floor(ms / size),
    unit,
  );
}

/** `2 h`, `1 h 5 min`, `40 s`. */
export function shownSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return unitText(seconds, 'second');
  const minutes = Math.round(seconds / 60);
  const parts = [
    [Math.floor(minutes / 1440), 'day'],
    [Math.floor((minutes % 1440) / 60), 'hour'],
    [minutes % 60, 'minute'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).slice(0, 2);
  return told.map(([count, unit]) => unitText(count, unit)).join(' ');
}

const SYMBOLS: { readonly [unit: string]: string } = { second: 's', minute: 'min', hour: 'h' };

/** Hours and below by their symbol, which is every language's; days have none. */
const unitText = (count: number, unit: string): string =>
  unit in SYMBOLS
    ? `${count.toLocaleString(language.get())}\u00a0${SYMBOLS[unit]}`
    : count.toLocaleString(language.get(), { style: 'unit', unit, unitDisplay: 'long' });

/** How good a value is and how old, in words. */
export function shownQuality(reading: ApiReading, isStreaming: boolean, now: number): string {
  const { quality, at } = reading;
  if (quality === 'never') return t(reading.why === undefined ? 'quality.never' : 'quality.silent');
  if (quality === 'bad') return t('quality.bad', { age: at === undefined ? '' : shownAge(at, now) });
  return isStreaming ? t('quality.live') : t('quality.good', { age: shownAge(at ?? now, now) });
}
