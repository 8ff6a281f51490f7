// How long a change is to stand, and in which slot: an end by default, and "until changed again" only where somebody chooses it.

import { useState } from 'preact/hooks';
import { useNow } from '../store.ts';
import { shownSpan, shownTime, t, word } from '../words.ts';

const SPANS_MS = [900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000, 86_400_000];
const USUAL = '7200000';
/** BACnet's manual operator. */
const OPERATOR = 8;
/** As BACnet names them (clause 19.2.1); the others are free. */
const MEANINGS: { readonly [priority: number]: string } = {
  1: 'manual-life-safety',
  2: 'automatic-life-safety',
  5: 'critical-equipment',
  6: 'minimum-on-off',
  8: 'manual-operator',
};
const SLOTS = Array.from({ length: 16 }, (_, at) => at + 1);

/** `usual`: as the gateway does it for each kind of point; `stays`: until changed again; else ms. */
type Span = 'usual' | 'stays' | `${number}`;

interface Hold {
  /** As the API takes it: null stays, absent is usual. */
  readonly overrideMs?: number | null;
  readonly priority: number;
  /** As the fields show it. */
  readonly span: Span;
  setSpan(span: Span): void;
  setPriority(priority: number): void;
}

export function useHold(first: Span = USUAL): Hold {
  const [span, setSpan] = useState(first);
  const [priority, setPriority] = useState(OPERATOR);
  const overrideMs = span === 'usual' ? {} : { overrideMs: span === 'stays' ? null : Number(span) };
  return { span, setSpan, priority, setPriority, ...overrideMs };
}

const chosen = (event: Event): string => (event.currentTarget as HTMLInputElement).value;

interface HoldFieldsProps {
  readonly hold: Hold;
  /** It can be put back by itself. */
  readonly canEnd: boolean;
  readonly hasSlots: boolean;
  /** Several kinds of point: each may do as is usual for it. */
  readonly isMixed?: boolean;
}

export function HoldFields({ hold, canEnd, hasSlots, isMixed = false }: HoldFieldsProps) {
  const now = useNow(15_000);
  const ends =
    hold.span === 'usual'
      ? t('change.usualHint')
      : hold.span === 'stays'
        ? t('change.noEnd')
        : t('change.ends', { time: shownTime(now + Number(hold.span)) });
  return (
    <div class="hold">
      {canEnd ? (
        <wa-select
          label={t('change.howLong')}
          hint={ends}
          value={hold.span}
          onchange={(event: Event) => hold.setSpan(chosen(event) as Span)}
        >
          {isMixed && <wa-option value="usual">{t('change.usual')}</wa-option>}
          {SPANS_MS.map((ms) => (
            <wa-option key={ms} value={String(ms)}>
              {t('change.for', { time: shownSpan(ms) })}
            </wa-option>
          ))}
          <wa-option value="stays">{t('change.stays')}</wa-option>
        </wa-select>
      ) : (
        <p class="quiet">{t('change.cannotEnd')}</p>
      )}
      {hasSlots && (
        <wa-select
          label={t('change.priority')}
          hint={t('change.priorityHint')}
          value={String(hold.priority)}
          onchange={(event: Event) => hold.setPriority(Number(chosen(event)))}
        >
          {SLOTS.map((each) => (
            <wa-option key={each} value={String(each)}>
              {each} · {word('slot', MEANINGS[each] ?? 'available')}
            </wa-option>
          ))}
        </wa-select>
      )}
    </div>
  );
}
