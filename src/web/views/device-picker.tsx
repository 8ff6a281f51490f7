// Choosing devices: found by name among all there are, page by page, ticked one by one or all that are shown at once; or one alone.

import { useRef, useState } from 'preact/hooks';
import type { ApiDevice } from '../../http/schema-browse.ts';
import { ask, type Page, query } from '../api.ts';
import { Busy, Fault, More } from '../parts.tsx';
import { usePages } from '../store.ts';
import { t } from '../words.ts';

const AT_ONCE = 100;

interface PickerProps {
  readonly label: string;
  /** Not offered. */
  readonly without?: string;
  /** At first these alone are offered. */
  readonly model?: string;
}

interface DevicePickerProps extends PickerProps {
  readonly chosen: readonly string[];
  setChosen(chosen: readonly string[]): void;
}

export function DevicePicker({ chosen, setChosen, ...more }: DevicePickerProps) {
  return (
    <Picker
      {...more}
      summary={t('job.chosen', { n: chosen.length })}
      isChosen={(id) => chosen.includes(id)}
      choose={({ id }, isOn) => setChosen(isOn ? [...chosen, id] : chosen.filter((each) => each !== id))}
      chooseAll={(ids, isOn) =>
        setChosen(isOn ? [...new Set([...chosen, ...ids])] : chosen.filter((id) => !ids.includes(id)))
      }
    />
  );
}

interface OneDeviceProps extends PickerProps {
  readonly chosen: ApiDevice | undefined;
  setChosen(chosen: ApiDevice): void;
}

/** Once one is chosen the others are out of the way. */
export function OneDevice({ chosen, setChosen, ...more }: OneDeviceProps) {
  const [isOpen, setOpen] = useState(true);
  if (chosen && !isOpen) {
    return (
      <fieldset class="picker">
        <legend>{more.label}</legend>
        <div class="picked">
          <DeviceName device={chosen} />
          <wa-button appearance="outlined" onClick={() => setOpen(true)}>
            {t('job.chooseOther')}
          </wa-button>
        </div>
      </fieldset>
    );
  }
  return (
    <Picker
      {...more}
      isChosen={(id) => chosen?.id === id}
      choose={(device) => {
        setChosen(device);
        setOpen(false);
      }}
    />
  );
}

interface ListProps extends PickerProps {
  readonly summary?: string;
  isChosen(id: string): boolean;
  choose(device: ApiDevice, isOn: boolean): void;
  /** Absent: one alone is chosen. */
  chooseAll?(ids: readonly string[], isOn: boolean): void;
}

function Picker({ label, without, model, summary, isChosen, choose, chooseAll }: ListProps) {
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
  const isAll = ids.length > 0 && ids.every(isChosen);
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
        {chooseAll && (
          <wa-button appearance="outlined" disabled={ids.length === 0} onClick={() => chooseAll(ids, !isAll)}>
            {t(isAll ? 'job.chooseNone' : 'job.chooseAll', { n: ids.length })}
          </wa-button>
        )}
      </div>
      <p class="quiet" role="status">
        {ids.length === 0 ? t('job.noDevice') : summary}
        {pages.hasMore && ` ${t('job.moreDevices', { n: ids.length })}`}
      </p>
      <ul class="ticks">
        {shown.map((device) => (
          <li key={device.id}>
            {chooseAll ? (
              <label class="tick">
                <input
                  type="checkbox"
                  checked={isChosen(device.id)}
                  onChange={({ currentTarget }) => choose(device, currentTarget.checked)}
                />
                <DeviceName device={device} />
              </label>
            ) : (
              <button
                type="button"
                class="tick"
                aria-pressed={isChosen(device.id)}
                onClick={() => choose(device, true)}
              >
                <DeviceName device={device} />
              </button>
            )}
          </li>
        ))}
      </ul>
      <More pages={pages} />
    </fieldset>
  );
}

function DeviceName({ device: { id, name, vendor, model, location } }: { device: ApiDevice }) {
  const kind = [vendor, model].filter(Boolean).join(' ');
  return (
    <span class="row-name">
      {name}
      <small>{[kind, location?.name].filter(Boolean).join(' · ') || id}</small>
    </span>
  );
}
