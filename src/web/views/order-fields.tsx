// What is copied from where; which alarm limits get which value.

import { useEffect, useState } from 'preact/hooks';
import type { ApiDevice, ApiPoint } from '../../http/schema-browse.ts';
import { ask, type Page, query } from '../api.ts';
import { useLoad } from '../store.ts';
import { shownValue, t } from '../words.ts';
import { OneDevice } from './device-picker.tsx';

const CLASSES = ['parameter', 'alarm-limit', 'set-point'] as const;

/** What is ordered, without devices and terms; undefined: not said yet. */
export type Subject =
  | { readonly kind: 'configuration'; readonly source: string; readonly classes: readonly string[] }
  | { readonly kind: 'alarm-thresholds'; readonly values: readonly { key: string; value: number }[] };

interface SubjectProps {
  setSubject(subject: Subject | undefined): void;
}

export function ConfigurationFields({ setSubject }: SubjectProps) {
  const [source, setSource] = useState<ApiDevice>();
  const [classes, setClasses] = useState<readonly string[]>(['parameter']);
  useEffect(() => {
    setSubject(source && classes.length > 0 ? { kind: 'configuration', source: source.id, classes } : undefined);
  }, [source, classes]);
  return (
    <>
      <OneDevice label={t('job.copyFrom')} chosen={source} setChosen={setSource} />
      <fieldset class="picker">
        <legend>{t('job.copyWhat')}</legend>
        <div class="ticks short">
          {CLASSES.map((each) => (
            <label key={each} class="tick">
              <input
                type="checkbox"
                checked={classes.includes(each)}
                onChange={({ currentTarget }) =>
                  setClasses(currentTarget.checked ? [...classes, each] : classes.filter((one) => one !== each))
                }
              />
              <span class="row-name">{t(`class.${each}`)}</span>
            </label>
          ))}
        </div>
      </fieldset>
    </>
  );
}

/** The limits of the device that was chosen first; every other must have them, too. */
export function ThresholdFields({ device, setSubject }: SubjectProps & { device: string | undefined }) {
  const limits = useLoad(device && `limits ${device}`, (signal) =>
    ask<Page<ApiPoint>>(`points${query({ device, class: 'alarm-limit', limit: 200 })}`, { signal }),
  );
  const [typed, setTyped] = useState<{ readonly [key: string]: string }>({});
  const points = device === undefined ? [] : (limits.data?.items ?? []);
  const keyOf = ({ id }: ApiPoint): string => (id.startsWith(`${device}/`) ? id.slice(`${device}/`.length) : id);
  const values = points.flatMap((point) => {
    const text = (typed[keyOf(point)] ?? '').trim().replace(',', '.');
    return text === '' || !Number.isFinite(Number(text)) ? [] : [{ key: keyOf(point), value: Number(text) }];
  });
  const said = JSON.stringify(values);
  useEffect(() => {
    setSubject(values.length === 0 ? undefined : { kind: 'alarm-thresholds', values });
  }, [said]);
  if (device === undefined) return <p class="quiet">{t('job.limitsFirst')}</p>;
  return (
    <fieldset class="picker">
      <legend>{t('job.limits')}</legend>
      {limits.data && points.length === 0 && <p class="quiet">{t('job.noLimits')}</p>}
      <div class="claim-fields">
        {points.map((point) => (
          <label key={point.id}>
            {`${point.name}${point.unit === undefined ? '' : ` (${point.unit})`}`}
            <input
              inputMode="decimal"
              autocomplete="off"
              value={typed[keyOf(point)] ?? ''}
              placeholder={t('job.unchanged', { value: shownValue(point.reading.value, undefined, point.step) })}
              onInput={({ currentTarget }) => setTyped({ ...typed, [keyOf(point)]: currentTarget.value })}
            />
          </label>
        ))}
      </div>
    </fieldset>
  );
}
