// Choosing devices: found by name, ticked one by one, all of a page at once.

import { useState } from 'preact/hooks';
import type { ApiDevice } from '../../http/schema-browse.ts';
import { ask, type Page, query } from '../api.ts';
import { Busy, Fault, More } from '../parts.tsx';
import { usePages } from '../store.ts';
import { t } from '../words.ts';

const AT_ONCE = 100;

interface DevicePickerProps {
  readonly label: string;
  readonly chosen: readonly string[];
  /** Not offered. */
  readonly without?: string;
  /** Only devices that this is true of, where there are any. */
  fits?(device: ApiDevice): boolean;
  setChosen(chosen: readonly string[]): void;
}

export function DevicePicker({ label, chosen, without, fits, setChosen }: DevicePickerProps) {
  const [text, setText] = useState('');
  const pages = usePages('pick devices', (signal, cursor) =>
    ask<Page<ApiDevice>>(`devices${query({ limit: AT_ONCE, cursor })}`, { signal }),
  );
  if (pages.fault && !pages.items) return <Fault fault={pages.fault} again={pages.reload} />;
  if (!pages.items) return <Busy />;
  const all = pages.items.filter(({ id }) => id !== without);
  const fitting = fits ? all.filter(fits) : all;
  const words = text.toLowerCase().split(/\s+/);
  const shown = (fitting.length > 0 ? fitting : all).filter(({ name, id, model = '' }) =>
    words.every((word) => `${name} ${id} ${model}`.toLowerCase().includes(word)),
  );
  const isAll = shown.length > 0 && shown.every(({ id }) => chosen.includes(id));
  const ids = shown.map(({ id }) => id);
  return (
    <fieldset class="picker">
      <legend>{label}</legend>
      <div class="picker-head">
        <label>
          {t('job.findDevice')}
          <input value={text} autocomplete="off" onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        <wa-button
          appearance="outlined"
          onClick={() =>
            setChosen(isAll ? chosen.filter((id) => !ids.includes(id)) : [...new Set([...chosen, ...ids])])
          }
        >
          {t(isAll ? 'job.chooseNone' : 'job.chooseAll', { n: shown.length })}
        </wa-button>
      </div>
      <ul class="ticks">
        {shown.map(({ id, name, vendor, model }) => (
          <li key={id}>
            <label class="tick">
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                onChange={({ currentTarget }) =>
                  setChosen(currentTarget.checked ? [...chosen, id] : chosen.filter((each) => each !== id))
                }
              />
              <span class="row-name">
                {name}
                <small>{[vendor, model].filter(Boolean).join(' ') || id}</small>
              </span>
            </label>
          </li>
        ))}
      </ul>
      <More pages={pages} />
    </fieldset>
  );
}
