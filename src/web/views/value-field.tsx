// The field for a new value: a choice, a text, or a number with its limits and step shown. Invariant: nothing is ever sent from here.

import type { ApiPointDetail } from '../../http/schema-browse.ts';
import { isSwitch, limitsText } from '../given-value.ts';
import { shownLimit, shownValue, t } from '../words.ts';

interface ValueFieldProps {
  readonly point: ApiPointDetail;
  readonly text: string;
  /** What is wrong with the text; empty: nothing. */
  readonly message: string;
  readonly hasSlider?: boolean;
  /** In a list, where the label is for those who do not see the row. */
  readonly rowLabel?: string;
  setText(text: string): void;
}

const typedOf = (event: Event): string => String((event.currentTarget as HTMLInputElement).value ?? '');

export function ValueField({ point, text, message, hasSlider = false, rowLabel, setText }: ValueFieldProps) {
  const { limits, unit, reading } = point;
  const choices = limits?.values ?? (isSwitch(point) ? [true, false] : undefined);
  const bare = rowLabel === undefined ? '' : 'bare';
  if (choices) {
    return (
      <wa-radio-group
        label={rowLabel ?? t('change.new')}
        class={bare}
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
        label={rowLabel ?? t('change.new')}
        class={bare}
        value={text}
        maxlength={1024}
        oninput={(event: Event) => setText(typedOf(event))}
      />
    );
  }
  const label = rowLabel ?? `${t('change.new')}${unit === undefined ? '' : ` (${unit})`}`;
  return (
    <div class="number-field">
      <wa-number-input
        label={label}
        value={text}
        hint={message === '' ? limitsText(point) : message}
        class={`${bare} ${message === '' ? '' : 'faulty'}`}
        inputmode="decimal"
        {...(limits?.min !== undefined && { min: limits.min })}
        {...(limits?.max !== undefined && { max: limits.max })}
        step={limits?.step ?? 'any'}
        aria-invalid={message !== ''}
        oninput={(event: Event) => setText(typedOf(event))}
      />
      {hasSlider && limits?.min !== undefined && limits.max !== undefined && (
        <div class="slider">
          <span aria-hidden="true">{shownLimit(limits.min)}</span>
          <input
            type="range"
            aria-label={t('change.slider')}
            value={Number(text) || limits.min}
            min={limits.min}
            max={limits.max}
            step={limits.step ?? (limits.max - limits.min) / 100}
            aria-valuetext={shownValue(Number(text), unit, limits.step)}
            onInput={(event: Event) => setText(typedOf(event))}
          />
          <span aria-hidden="true">{shownLimit(limits.max)}</span>
        </div>
      )}
    </div>
  );
}
