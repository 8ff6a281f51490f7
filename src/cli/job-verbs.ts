// `… status|pause|resume|abort|retry|approve|refuse`, and starting work: looked at first where that is asked, followed to its end.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ApiJob, ApiJobCheck, ApiJobOrder, ApiJobSummary } from '../http/schema-jobs.ts';
import { type Api, type ApiOptions, withApi, withGateway } from './api-client.ts';
import { badInput, EXIT, type Terminal } from './exit.ts';
import { describeCheck, describeJob, describeJobs, exitOfCheck, exitOfJob, progressLine } from './job-view.ts';
import { momentToCome } from './moment.ts';

const EVERY_MS = 1000;
const ENDED: ReadonlySet<ApiJob['state']> = new Set(['done', 'failed', 'aborted', 'refused']);

export interface StartWords extends ApiOptions {
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly from?: string;
  readonly until?: string;
  readonly note?: string;
}

/** What every command takes that starts a job. `from`: how the beginning of its window is called there. */
export function withStart(command: Command, { from = '--from' }: { readonly from?: string } = {}): Command {
  return withApi(
    command
      .option(`${from} <moment>`, 'begin no device before: an ISO instant, or a time from now such as `8h`')
      .option('--until <moment>', 'begin no device after: an ISO instant, or a time from now')
      .option('--note <text>', 'why, for those who see the job')
      .option('--dry-run', 'say what would become of each device; nothing is sent')
      .option('--wait', 'follow it to its end'),
  );
}

export function baseOf({
  from,
  until,
  note,
}: Pick<StartWords, 'from' | 'until' | 'note'>): Pick<ApiJobOrder, 'window' | 'note'> {
  if (from !== undefined && until === undefined) throw badInput('got a beginning without --until, expected both');
  return {
    ...(until !== undefined && {
      window: { until: momentToCome(until), ...(from !== undefined && { from: momentToCome(from) }) },
    }),
    ...(note !== undefined && { note }),
  };
}

/** Starts it, or says what would become of it. */
export async function startJob(
  order: ApiJobOrder,
  options: Omit<StartWords, 'from'>,
  terminal: Terminal,
): Promise<void> {
  await withGateway(options, terminal, async (api) => {
    if (options.dryRun) {
      const check = await api.ask<ApiJobCheck>('POST', '/api/v1/jobs/check', order);
      tell(terminal, options, check, describeCheck(check));
      terminal.setExit(exitOfCheck(check));
      return;
    }
    const key = { 'idempotency-key': randomUUID() };
    const started = await api.ask<ApiJob>('POST', '/api/v1/jobs', order, key);
    if (!options.wait) {
      tell(terminal, options, started, [`${started.id}: ${started.state}`]);
      return;
    }
    if (!options.json) terminal.out(started.id);
    await follow(api, started.id, options, terminal);
  });
}

async function follow(api: Api, id: string, options: ApiOptions, terminal: Terminal): Promise<void> {
  const path = `/api/v1/jobs/${encodeURIComponent(id)}`;
  for (;;) {
    const job = await api.ask<ApiJob>('GET', path);
    terminal.progress?.(progressLine(job));
    if (ENDED.has(job.state)) {
      terminal.progress?.('');
      tell(terminal, options, job, describeJob(job));
      terminal.setExit(exitOfJob(job));
      return;
    }
    await sleep(EVERY_MS);
  }
}

/** `firmware status …`, `job status …`; of the kind where one is given. */
export function addJobVerbs(group: Command, terminal: Terminal, kind?: ApiJob['kind']): void {
  withApi(group.command('status').description('one job, or those that are known').argument('[job]'))
    .option('--all', 'those that have ended, too')
    .option('--wait', 'follow it to its end')
    .action((id: string | undefined, options: ApiOptions & { all?: boolean; wait?: boolean }) =>
      withGateway(options, terminal, async (api) => {
        if (id === undefined) return list(api, kind, options, terminal);
        if (options.wait) return follow(api, id, options, terminal);
        const job = await api.ask<ApiJob>('GET', `/api/v1/jobs/${encodeURIComponent(id)}`);
        tell(terminal, options, job, describeJob(job));
        terminal.setExit(ENDED.has(job.state) ? exitOfJob(job) : EXIT.done);
      }),
    );
  const acts = {
    pause: ['begin no further device; a transfer stops at a safe point', 'pause'],
    resume: ['go on with a paused job', 'resume'],
    abort: ['end it: sending stops, what can be rolled back is', 'abort'],
    retry: ['queue again what failed, in your name', 'retry'],
    approve: ['approve a job of somebody else', 'approval'],
    refuse: ['refuse a job of somebody else', 'approval'],
  } as const;
  for (const [name, [description, route]] of Object.entries(acts)) {
    const command = withApi(group.command(name).description(description).argument('<job>'));
    if (name !== 'resume' && name !== 'retry') command.option('--why <text>', 'for the record');
    command.action((id: string, options: ApiOptions & { why?: string }) =>
      withGateway(options, terminal, async (api) => {
        const { why = '' } = options;
        const path = `/api/v1/jobs/${encodeURIComponent(id)}/${route}`;
        const verdict = name === 'approve' ? 'approved' : 'refused';
        const bodies = { pause: { why }, abort: { why }, approval: { verdict, comment: why } };
        const body = route === 'resume' || route === 'retry' ? undefined : bodies[route];
        const job = await api.ask<ApiJob>('POST', path, body);
        tell(terminal, options, job, describeJob(job));
      }),
    );
  }
}

async function list(
  api: Api,
  kind: ApiJob['kind'] | undefined,
  options: ApiOptions & { readonly all?: boolean },
  terminal: Terminal,
): Promise<void> {
  const query = `${options.all ? '' : '&ended=false'}${kind === undefined ? '' : `&kind=${kind}`}`;
  const jobs = await everyPage<ApiJobSummary>(api, `/api/v1/jobs?limit=100${query}`);
  tell(terminal, options, jobs, jobs.length === 0 ? ['no jobs'] : describeJobs(jobs));
}

/** Every item of a list, whatever its pages. */
export async function everyPage<T>(api: Api, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor = '';
  do {
    const page = await api.ask<{ items: T[]; next?: string }>('GET', `${path}${cursor}`);
    items.push(...page.items);
    cursor = page.next === undefined ? '' : `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor !== '');
  return items;
}

/** Lines for a person, or JSON. */
export function tell(terminal: Terminal, { json }: ApiOptions, value: unknown, lines: readonly string[]): void {
  if (json) terminal.out(JSON.stringify(value));
  else for (const line of lines) terminal.out(line);
}
