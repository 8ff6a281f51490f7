// Where each device of a job stands: the states in their order, what leads from one to the next, and a dot for every device.

import type { ApiJob } from '../../http/schema-jobs.ts';
import { ASIDE, type DeviceState, ROADS, WAITING } from '../device-states.ts';
import { t } from '../words.ts';
import { toneOf } from '../work.ts';

/** More dots than these tell nobody more. */
const MOST_DOTS = 60;

export function Machine({ job }: { job: ApiJob }) {
  const needsApproval = job.approvals.needed > 0;
  const before = WAITING.filter((state) => (state === 'waiting-approval' ? needsApproval : job.window !== undefined));
  const stages = (states: readonly DeviceState[], kind: string) => (
    <ol class={`stages ${kind}`}>
      {states.map((state) => (
        <Stage key={state} state={state} job={job} />
      ))}
    </ol>
  );
  return (
    <section class="card machine" aria-label={t('job.machine')}>
      <h2>{t('job.machine')}</h2>
      {before.length > 0 && stages(before, 'before')}
      {stages(ROADS[job.kind], 'road')}
      {stages(ASIDE, 'aside')}
    </section>
  );
}

function Stage({ state, job }: { state: DeviceState; job: ApiJob }) {
  const here = job.devices.filter((each) => each.state === state);
  return (
    <li class={`stage ${toneOf(state)} ${here.length > 0 ? 'held' : ''}`}>
      <span class="stage-name">{t(`job.at.${state}`)}</span>
      <b>{here.length}</b>
      <span class="dots" aria-hidden="true">
        {here.slice(0, MOST_DOTS).map(({ device }) => (
          <i key={device.id} title={device.name} />
        ))}
      </span>
    </li>
  );
}
