// The change of one point: field, limits and step, one confirm; *done* only after the device confirmed and reads back.
// Invariants: 1. nothing is sent while anything moves or is typed; 2. what is typed never gives way to a live value;
// 3. a repeat after a lost answer is the same change.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiPointDetail } from '../../http/schema-browse.ts';
import type { ApiValue } from '../../http/schema-shared.ts';
import type { ApiOverride, ApiWriteResult } from '../../http/schema-work.ts';
import { ApiFault, ask, newKey, seg } from '../api.ts';
import { givenValue, isSwitch, limitsText } from '../given-value.ts';
import { useReading } from '../live.ts';
import { Fault } from '../parts.tsx';
import { numberOf, shownSpan, shownTime, shownValue, t } from '../words.ts';
import { Refusal } from './refusal.tsx';

const SPANS_MS = [900_000, 3_600_000, 7_200_000, 28_800_000, 86_400_000];
const USUAL_MS = 7_200_000;
const OPERATOR = 8;
type Answer = { readonly kind: 'result'; readonly result: ApiWriteResult; readonly until?: number };

export function ChangeForm({ point, reload }: { point: ApiPointDetail; reload: () => void }) {
  const reading = useReading(point.id, point.reading);
  const { limits, unit } = point;
  const [text, setText] = useState(() => startText(point));
  const [span, setSpan] = useState(point.undo && point.class === 'command' ? String(USUAL_MS) : 'stays');
  const [priority, setPriority] = useState(String(OPERATOR));
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [fault, setFault] = useState<ApiFault>();
  const key = useRef({ of: '', key: '' });
  const given = givenValue(point, text);
  const isSame =
    given.kind === 'value' && Object.is(numberOf(given.value) ?? given.value, numberOf(reading.value) ?? reading.value);
  const told = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (answer || fault) told.current?.focus();
  }, [answer, fault]);

  async function send(value: ApiValue): Promise<void> {
    const overrideMs = span === 'stays' ? undefined : Number(span);
    const body = {
      value,
      ...(point.slots && { priority: Number(priority) }),
      ...(overrideMs !== undefined && value !== null && { overrideMs }),
    };
    const of = JSON.stringify(body);
    if (key.current.of !== of) key.current = { of, key: newKey() };
    setBusy(true);
    setFault(undefined);
    setAnswer(undefined);
    try {
      const result = await ask<ApiWriteResult>(`points/${seg(point.id)}/write`, {
        method: 'POST',
        body,
        key: key.current.key,
      });
      const override = result.rows[0]?.override;
      const until = override === undefined ? undefined : await endOf(override);
      setAnswer({ kind: 'result', result, ...(until !== undefined && { until }) });
      key.current = { of: '', key: '' };
      reload();
    } catch (error) {
      const failed = error instanceof ApiFault ? error : new ApiFault({ type: '', title: String(error), status: 500 });
      // Only where no answer came may the same key be used again.
      if (failed.problem.status !== 0) key.current = { of: '', key: '' };
      setFault(failed);
    } finally {
      setBusy(false);
    }
  }

  const message = given.kind === 'fault' ? given.message : '';
  const isReady = given.kind === 'value' && !busy && !(isSame && span === 'stays' && !point.slots);
  return (
    <section class="card change" aria-labelledby="change-title">
      <h2 id="change-title">{t('change.title')}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && given.kind === 'value') void send(given.value);
        }}
      >
        <ValueField point={point} text={text} setText={setText} message={message} />
        {point.undo && (
          <wa-select
            label={t('change.howLong')}
            value={span}
            onchange={(event: Event) => setSpan((event.currentTarget as HTMLInputElement).value)}
          >
            <wa-option value="stays">{t('change.stays')}</wa-option>
            {SPANS_MS.map((ms) => (
              <wa-option key={ms} value={String(ms)}>
                {t('change.for', { time: shownSpan(ms) })}
              </wa-option>
            ))}
          </wa-select>
        )}
        {point.slots && (
          <wa-select
            label={t('change.priority')}
            value={priority}
            onchange={(event: Event) => setPriority((event.currentTarget as HTMLInputElement).value)}
          >
            {point.slots.map((slot) => (
              <wa-option key={slot.priority} value={String(slot.priority)}>
                {slot.priority} · {t(`slot.${slot.meaning}` as 'slot.available')}
              </wa-option>
            ))}
          </wa-select>
        )}
        <div class="confirm">
          <p class="from-to" aria-live="polite">
            {given.kind === 'value' && !isSame
              ? t('change.fromTo', {
                  from: shownValue(reading.value, unit, limits?.step),
                  to: shownValue(given.value, unit, limits?.step),
                })
              : given.kind === 'value' && !point.slots
                ? t('change.same')
                : '\u00a0'}
          </p>
          <wa-button class="go" variant="brand" type="submit" disabled={!isReady} loading={busy}>
            {t('change.confirm', { value: given.kind === 'value' ? shownValue(given.value, unit, limits?.step) : '…' })}
          </wa-button>
          {point.slots && (
            <wa-button appearance="outlined" disabled={busy} onClick={() => void send(null)}>
              {t('change.release')}
            </wa-button>
          )}
        </div>
      </form>
      <div ref={told} tabIndex={-1} class="told" aria-live="assertive">
        {answer && <Outcome point={point} answer={answer} />}
        {fault && <NotDone point={point} fault={fault} />}
      </div>
    </section>
  );
}

function startText({ reading, limits }: ApiPointDetail): string {
  if (typeof reading.value === 'boolean') return String(reading.value);
  if (typeof reading.value === 'string') return reading.value;
  const value = numberOf(reading.value);
  if (value === undefined) return '';
  const digits = String(limits?.step ?? 0.001).split('.')[1]?.length ?? 0;
  return String(Number(value.toFixed(digits)));
}

/** When an override goes back, as the gateway has it. */
async function endOf(override: string): Promise<number | undefined> {
  const { items } = await ask<{ items: readonly ApiOverride[] }>('overrides?open=true&limit=500').catch(() => ({
    items: [],
  }));
  return items.find(({ id }) => id === override)?.until;
}

interface FieldProps {
  readonly point: ApiPointDetail;
  readonly text: string;
  readonly message: string;
  setText(text: string): void;
}

const typedOf = (event: Event): string => String((event.currentTarget as HTMLInputElement).value ?? '');

function ValueField({ point, text, setText, message }: FieldProps) {
  const { limits, unit, reading } = point;
  const choices = limits?.values ?? (isSwitch(point) ? [true, false] : undefined);
  if (choices) {
    return (
      <wa-radio-group
        label={t('change.new')}
        orientation="horizontal"
        value={text}
        onchange={(event: Event) => setText(typedOf(event))}
      >
        {choices.map((choice) => (
          <wa-radio key={String(choice)} appearance="button" value={String(choice)}>
            {shownValue(choice, unit)}
          </wa-radio>
        ))}
      </wa-radio-group>
    );
  }
  if (typeof reading.value === 'string') {
    return (
      <wa-input
        label={t('change.new')}
        value={text}
        maxlength={1024}
        oninput={(event: Event) => setText(typedOf(event))}
      />
    );
  }
  const hasRange = limits?.min !== undefined && limits.max !== undefined;
  const label = `${t('change.new')}${unit === undefined ? '' : ` (${unit})`}`;
  return (
    <div class="number-field">
      <wa-number-input
        label={label}
        value={text}
        hint={message === '' ? limitsText(point) : message}
        class={message === '' ? '' : 'faulty'}
        inputmode="decimal"
        {...(limits?.min !== undefined && { min: limits.min })}
        {...(limits?.max !== undefined && { max: limits.max })}
        step={limits?.step ?? 'any'}
        aria-invalid={message !== ''}
        oninput={(event: Event) => setText(typedOf(event))}
      />
      {hasRange && (
        <label class="slider">
          <span>{t('change.slider')}</span>
          <input
            type="range"
            value={Number(text) || limits.min || 0}
            min={limits.min ?? 0}
            max={limits.max ?? 0}
            step={limits.step ?? ((limits.max ?? 0) - (limits.min ?? 0)) / 100}
            aria-valuetext={shownValue(Number(text), unit, limits.step)}
            onInput={(event: Event) => setText(typedOf(event))}
          />
        </label>
      )}
    </div>
  );
}

function Outcome({ point, answer }: { point: ApiPointDetail; answer: Answer }) {
  const [row] = answer.result.rows;
  if (!row) return null;
  const isDone = row.state === 'done';
  const value = shownValue(row.readBack ?? row.wanted, point.unit, point.limits?.step);
  return (
    <div class={isDone ? 'note good' : 'note grave'}>
      <wa-icon name={isDone ? 'check' : 'warning'} />
      <div>
        <strong>{t(`done.${row.state}`, { value })}</strong>
        {answer.until !== undefined && <p>{t('done.override', { time: shownTime(answer.until) })}</p>}
        {row.why !== undefined && <p>{row.why}</p>}
        <p class="code">
          {t('refused.id')} {row.decisionId}
        </p>
      </div>
    </div>
  );
}

function NotDone({ point, fault }: { point: ApiPointDetail; fault: ApiFault }) {
  const { problem } = fault;
  if (!problem.denied) return <Fault fault={fault} />;
  return (
    <Refusal
      title={t('refused.title')}
      action={point.write.action}
      name={point.name}
      problem={problem}
      denied={problem.denied}
    />
  );
}
