// Before anything starts: a verdict for every device, what would change there, and who could if you may not.

import type { ApiJobCheck } from '../../http/schema-jobs.ts';
import { sentence } from '../sentence.ts';
import { shownValue, t } from '../words.ts';
import { Refusal } from './refusal.tsx';

interface CheckListProps {
  readonly check: ApiJobCheck;
  readonly action: string;
  /** Of the image, where it is one. */
  readonly version?: string | undefined;
}

export function CheckList({ check, action, version }: CheckListProps) {
  const { devices, faults, ok, approvals } = check;
  const good = devices.filter(({ denied, fault, rows }) => !stands(denied, fault, rows)).length;
  return (
    <section class="group checked" aria-label={t('job.verdicts')}>
      <h2>{t('job.verdicts')}</h2>
      <p class={ok ? 'note good' : 'note grave'} role="status">
        <wa-icon name={ok ? 'check' : 'warning'} />
        <span>
          {t(ok ? 'job.allPermitted' : 'job.notAll', { n: good, all: devices.length })}
          {approvals > 0 && ` ${t('job.needsApproval', { n: approvals })}`}
        </span>
      </p>
      {faults.map(({ path, message, reason }) => (
        <p key={path} class="why">
          {path !== '' && <code>{path}</code>} {sentence({ reason, text: message })}
        </p>
      ))}
      <ul class="ledger">
        {devices.map(({ device, denied, fault, remark, reason, version: old, rows, unmatched }) => (
          <li key={device.id} class={`card job-device ${stands(denied, fault, rows) ? 'bad' : 'on'}`}>
            <div class="job-device-head">
              <span class="row-name">
                {device.name}
                <small>{device.id}</small>
              </span>
              {version !== undefined && (
                <span class="versions">
                  {old ?? '?'} → <strong>{version}</strong>
                </span>
              )}
              <span class={`tag ${denied.length > 0 || fault !== undefined ? 'bad' : 'on'}`}>
                {t(`batch.verdict.${denied.length > 0 ? 'denied' : fault === undefined ? 'permitted' : 'faulty'}`)}
              </span>
            </div>
            {fault !== undefined && <p class="why">{sentence({ reason, text: fault })}</p>}
            {fault === undefined && remark !== undefined && <p class="warning">{sentence({ reason, text: remark })}</p>}
            {denied.length > 0 && (
              <Refusal
                title={t('refused.title')}
                action={action}
                denied={denied}
                names={{ [device.id]: device.name }}
              />
            )}
            {rows && <Differences rows={rows} />}
            {unmatched && (
              <p class="why">
                {t('job.unmatched')} <code>{unmatched.join(', ')}</code>
              </p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

type Checked = ApiJobCheck['devices'][number];

/** Whether something stands against it. */
const stands = (denied: Checked['denied'], fault: Checked['fault'], rows: Checked['rows']): boolean =>
  denied.length > 0 || fault !== undefined || rows?.some((row) => row.fault !== undefined) === true;

function Differences({ rows }: { rows: NonNullable<Checked['rows']> }) {
  const differing = rows.filter(({ differs, fault }) => differs || fault !== undefined);
  return (
    <details open={differing.length > 0 && differing.length <= 12}>
      <summary>{t('job.differences', { n: differing.length, all: rows.length })}</summary>
      <ul class="differences">
        {differing.map(({ point, now, wanted, fault, reason }) => (
          <li key={point}>
            <code>{point}</code>
            <span>
              {shownValue(now)} → <strong>{shownValue(wanted)}</strong>
            </span>
            {fault !== undefined && <span class="why">{sentence({ reason, text: fault })}</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}
