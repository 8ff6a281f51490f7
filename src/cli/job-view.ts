// Jobs as lines for a person: what would become of each device, how one stands, how it ended.

import type { ApiJob, ApiJobCheck, ApiJobDevice, ApiJobSummary } from '../http/schema-jobs.ts';
import { describeDenied } from './api-client.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { momentText, octetsText, secondsText, textTable } from './text-table.ts';

export function describeCheck({ ok, approvals, faults, devices }: ApiJobCheck): string[] {
  const table = textTable(
    ['device', 'verdict', 'runs', 'why'],
    devices.map(({ device, denied, fault, remark, version, rows = [] }) => {
      const verdict = denied.length > 0 ? 'denied' : fault !== undefined ? 'impossible' : 'permitted';
      const differing = rows.filter(({ differs }) => differs).length;
      const [first] = denied;
      const why =
        first === undefined
          ? (fault ?? remark ?? (rows.length > 0 ? `${differing} of ${rows.length} values differ` : ''))
          : `${first.reason}${first.needed === undefined ? '' : `, needs ${first.needed}`}`;
      return [device.id, verdict, version ?? '', why];
    }),
  );
  const values = textTable(
    ['  point', 'now', 'wanted', ''],
    devices.flatMap(({ rows = [] }) =>
      rows.map(({ point, now, wanted, differs, fault }) => [
        `  ${point}`,
        now === undefined ? '?' : valueText(now),
        valueText(wanted),
        fault ?? (differs ? 'differs' : ''),
      ]),
    ),
  );
  return [
    ...faults.map(({ path, message }) => `${path}: ${message}`),
    ...table,
    ...values,
    ...devices.flatMap(({ device, unmatched = [] }) =>
      unmatched.map((point) => `  ${point} has no partner on ${device.id}`),
    ),
    ...(approvals > 0 ? [`${approvals} other ${approvals === 1 ? 'person' : 'persons'} must approve`] : []),
    ok ? 'nothing stands against it; nothing was sent' : 'it would not be started',
  ];
}

export function exitOfCheck({ ok, faults, devices }: ApiJobCheck): ExitCode {
  if (ok) return EXIT.done;
  if (faults.length > 0) return EXIT.badInput;
  return devices.some(({ denied }) => denied.length > 0) ? EXIT.denied : EXIT.failed;
}

export function describeJob(job: ApiJob): string[] {
  const { id, kind, state, starter, startedAt, endedAt, paused, stopping, approvals, devices } = job;
  const who = starter === undefined ? '' : ` by ${starter}`;
  const end = endedAt === undefined ? '' : `, ended ${momentText(endedAt)}`;
  return [
    `${id}: ${kind}, ${state}; started${who} ${momentText(startedAt)}${end}`,
    ...(paused ? [`paused${paused.by === undefined ? '' : ` by ${paused.by}`}: ${paused.why}`] : []),
    ...(stopping ? [`no further device${stopping.by === undefined ? '' : ` (${stopping.by})`}: ${stopping.why}`] : []),
    ...(approvals.needed > 0 ? [`approvals: ${approvals.given.length} of ${approvals.needed}`] : []),
    ...approvals.given.map(({ by = 'somebody', verdict, comment }) => `  ${verdict} by ${by}: ${comment}`),
    ...textTable(
      ['device', 'state', 'from', 'to', 'progress', 'why'],
      devices.map((device) => [
        device.device.id,
        device.state,
        device.oldVersion ?? '',
        device.newVersion ?? '',
        progressOf(device),
        whyOf(device),
      ]),
    ),
    ...devices.flatMap(({ denied }) => describeDenied(denied)),
    ...textTable(
      ['  point', 'state', 'before', 'wanted', 'now'],
      devices.flatMap(({ rows = [] }) =>
        rows.map(({ point, state: became, old, wanted, readBack }) => [
          `  ${point}`,
          became,
          old === undefined ? '' : valueText(old),
          valueText(wanted),
          readBack === undefined ? '' : valueText(readBack),
        ]),
      ),
    ),
  ];
}

const whyOf = ({ why, denied }: ApiJobDevice): string => why ?? denied[0]?.reason ?? '';

function progressOf({ state, progress }: ApiJobDevice): string {
  if (!progress || progress.total === 0) return '';
  const percent = `${Math.floor((100 * progress.octets) / progress.total)} %`;
  if (state !== 'transferring') return percent;
  const left = (progress.total - progress.octets) / progress.perSecond;
  return `${percent}, ${octetsText(progress.perSecond)}/s, ${secondsText(left)} left`;
}

/** One line, for while it goes on. */
export function progressLine({ state, counts, octets }: ApiJobSummary): string {
  const states = Object.entries(counts).map(([each, count]) => `${count} ${each}`);
  const sent =
    octets === undefined
      ? []
      : [
          `${Math.floor((100 * octets.sent) / octets.total)} % sent`,
          ...(octets.perSecond > 0
            ? [
                `${octetsText(octets.perSecond)}/s`,
                `${secondsText((octets.total - octets.sent) / octets.perSecond)} left`,
              ]
            : []),
        ];
  return `${state}: ${[...states, ...sent].join(', ')}`;
}

export function describeJobs(jobs: readonly ApiJobSummary[]): string[] {
  return textTable(
    ['job', 'kind', 'state', 'started', 'by', 'devices'],
    jobs.map(({ id, kind, state, startedAt, starter, counts }) => [
      id,
      kind,
      state,
      momentText(startedAt),
      starter ?? '',
      Object.entries(counts)
        .map(([each, count]) => `${count} ${each}`)
        .join(', '),
    ]),
  );
}

export function exitOfJob({ state }: Pick<ApiJobSummary, 'state'>): ExitCode {
  if (state === 'failed' || state === 'aborted') return EXIT.failed;
  return state === 'refused' ? EXIT.denied : EXIT.done;
}

function valueText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return String((value as { integer?: string; float?: string }).integer ?? (value as { float?: string }).float);
}
