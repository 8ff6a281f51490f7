// BACnet's sixteen priority slots in plain words: who holds the point, since when, and which one is in force.

import type { ApiSlot } from '../../http/schema-browse.ts';
import { shownTime, shownValue, t, word } from '../words.ts';

interface SlotsProps {
  readonly slots: readonly ApiSlot[];
  readonly unit?: string | undefined;
  readonly step?: number | undefined;
}

export function Slots({ slots, unit, step }: SlotsProps) {
  const held = slots.filter(({ value }) => value !== null);
  const [first] = held;
  return (
    <section class="card">
      <h2>{t('slots.title')}</h2>
      <p class="quiet">{t('slots.lead')}</p>
      <ol class="slots">
        {held.map((slot) => (
          <li key={slot.priority} value={slot.priority} class={slot === first ? 'in-force' : ''}>
            <span class="slot-number">{slot.priority}</span>
            <span>
              <strong>{word('slot', slot.meaning)}</strong>
              <span>{told(slot, unit, step)}</span>
            </span>
            {slot === first && <span class="tag on">{t('slots.active')}</span>}
          </li>
        ))}
      </ol>
      <p class="quiet">{t('slots.empty', { n: slots.length - held.length })}</p>
    </section>
  );
}

function told({ value, since, by }: ApiSlot, unit: string | undefined, step: number | undefined): string {
  const shown = shownValue(value, unit, step);
  if (since === undefined) return t('slots.unknown', { value: shown });
  const time = shownTime(since);
  return by === undefined
    ? t('slots.sinceOnly', { value: shown, time })
    : t('slots.since', { value: shown, time, who: by });
}
