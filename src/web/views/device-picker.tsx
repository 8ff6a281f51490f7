// Choosing devices: found by name among all there are, ticked one by one, all that are shown at once.

import { useRef, useState } from 'preact/hooks';
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
  /** At first these alone are offered. */
  readonly model?: string;
  setChosen(chosen: readonly string[]): void;
}

export function DevicePicker({ label, chosen, without, model, setChosen }: DevicePickerProps) {
  const [text, setText] = useState('');
  const [isAnyModel, setAnyModel] = useState(false);
  const q = text.trim();
  const only = isAnyModel ? undefined : model;
  const pages = usePages(`pick ${only ?? ''} ${q}`, (signal, cursor) =>
    ask<Page<ApiDevice>>(`devices${query({ q, model: only, limit: AT_ONCE, cursor })}`, { signal }),
  );
  // What is there stays while the next letters are looked for.
  const last = useRef<readonly ApiDevice[]>(undefined);
  if (pages.items) last.current = pages.items;
  if (pages.fault && !last.current) return <Fault fault={pages.fault} again={pages.reload} />;
  if (!last.current) return <Busy />;
  const shown = last.current.filter(({ id }) => id !== without);
  const ids = shown.map(({ id }) => id);
  const isAll = ids.length > 0 && ids.every((id) => chosen.includes(id));
  return (
    <fieldset class="picker">
      <legend>{label}</legend>
      <div class="picker-head">
        <label>
          {t('job.findDevice')}
          <input value={text} autocomplete="off" onInput={({ currentTarget }) => setText(currentTarget.value)} />
        </label>
        {model !== undefined && (
          <label class="tick">
            <input
              type="checkbox"
              checked={!isAnyModel}
              onChange={({ currentTarget }) => setAnyModel(!currentTarget.checked)}
            />
            <span>{t('job.onlyModel', { model })}</span>
          </label>
        )}
        <wa-button
          appearance="outlined"
          disabled={ids.length === 0}
          onClick={() =>
            setChosen(isAll ? chosen.filter((id) => !ids.includes(id)) : [...new Set([...chosen, ...ids])])
          }
        >
          {t(isAll ? 'job.chooseNone' : 'job.chooseAll', { n: ids.length })}
        </wa-button>
      </div>
      <p class="quiet" role="status">
        {ids.length === 0 ? t('job.noDevice') : t('job.chosen', { n: chosen.length })}
      </p>
      <ul class="ticks">
        {shown.map(({ id, name, vendor, model: own }) => (
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
                <small>{[vendor, own].filter(Boolean).join(' ') || id}</small>
              </span>
            </label>
          </li>
        ))}
      </ul>
      <More pages={pages} />
    </fieldset>
  );
}
