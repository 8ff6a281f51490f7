// Times as people and requests write them. Invariant: a day that the calendar lacks is no instant.

import { badInput } from './exit.ts';

const SPAN = /^(\d+[smhd])+$/;
const ISO_INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** `30m`, `2h`, `45s`, `1d`, `1h30m` → milliseconds. */
export function parseDuration(text: string): number {
  const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  if (!SPAN.test(text)) throw badInput(`got duration \`${text}\`, expected one such as \`30m\` or \`1h30m\``);
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhd])/g)) total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  if (total <= 0) throw badInput(`got duration \`${text}\`, expected more than zero`);
  return total;
}

/** An ISO instant, or a time from now such as `8h`; ms since 1970. */
export function momentToCome(text: string): number {
  return SPAN.test(text) ? Date.now() + parseDuration(text) : instant(text, 'a time from now such as `8h`');
}

/** An ISO instant, or a time ago such as `2h`; ms since 1970. */
export function momentPast(text: string): number {
  return SPAN.test(text) ? Date.now() - parseDuration(text) : instant(text, 'a time ago such as `2h`');
}

function instant(text: string, otherwise: string): number {
  const moment = parseMoment(text);
  if (moment === undefined) throw badInput(`got moment \`${text}\`, expected an ISO instant, or ${otherwise}`);
  return moment;
}

/** Seconds since 1970 or an ISO instant → ms since 1970; `undefined` where it is neither. */
export function parseMoment(at: unknown): number | undefined {
  if (typeof at === 'number') return Number.isFinite(at) ? at * 1000 : undefined;
  if (typeof at !== 'string' || !ISO_INSTANT.test(at)) return undefined;
  const moment = Date.parse(at);
  // Date.parse takes 30 February for 2 March.
  const day = Date.parse(at.slice(0, 10));
  if (Number.isNaN(moment) || Number.isNaN(day)) return undefined;
  return new Date(day).toISOString().startsWith(at.slice(0, 10)) ? moment : undefined;
}
