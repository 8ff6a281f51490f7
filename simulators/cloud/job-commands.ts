// `gatehouse-console job`: work on several devices as signed commands, followed by what the gateway says of it.

import type { Command } from 'commander';
import type { BrokerLine, Message } from './broker-line.ts';
import { ConsoleContext } from './console-context.ts';
import { badInput, EXIT, type ExitCode, type Terminal, wholeNumber } from './console-exit.ts';
import { checkGateway } from './console-folder.ts';
import { readPolicyFile as readDocument } from './policy-file.ts';
import { type CommandWords, command, type Result, refusalText } from './remote-commands.ts';
import type { Shape } from './setup-commands.ts';

interface OrderWords extends CommandWords {
  readonly dryRun?: boolean;
  readonly follow?: boolean;
}

interface UpdateWords extends OrderWords {
  readonly image: string;
  readonly device: readonly string[];
  readonly atOnce: string;
  readonly canary: boolean;
  readonly stopAt: string;
  readonly from?: string;
  readonly until?: string;
  readonly note?: string;
}

/** What the console looks at in `jobs/{id}`. */
interface Progress {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly revision: number;
  readonly endedAt?: string;
  readonly done: number;
  readonly total: number;
  readonly counts: { readonly [state: string]: number };
  readonly devices: readonly {
    readonly device: string;
    readonly state: string;
    readonly octets?: number;
    readonly size?: number;
    readonly reason?: string;
    readonly why?: string;
  }[];
}

interface JobResult extends Result {
  readonly job?: { readonly id: string; readonly state: string };
  readonly check?: {
    readonly ok: boolean;
    readonly approvals: number;
    readonly faults: readonly { readonly path: string; readonly found: string; readonly expected: string }[];
    readonly devices: readonly {
      readonly device: string;
      readonly reason?: string;
      readonly fault?: string;
      readonly version?: string;
      readonly rows?: readonly { readonly differs: boolean }[];
    }[];
  };
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function addJobCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const job = program.command('job').description('work on several devices of one gateway, in a person’s name');
  const signed = (each: Command): Command =>
    shape(each)
      .requiredOption('--as <user>', 'in whose name: a user or application of the policy')
      .option('--for <time>', 'how long the command is good and waited for, at most `1h`', '60s')
      .option('--min-revision <n>', 'only under this revision of the policy or a later one');
  const ordering = (each: Command): Command =>
    signed(each)
      .option('--dry-run', 'say what would become of each device; nothing is begun')
      .option('--follow', 'say how it goes on, to its end');

  ordering(job.command('start').description('order work as a file says it').argument('<gateway>'))
    .argument('<order>', 'JSON or YAML: {kind: firmware | configuration | alarm-thresholds | batch, …}')
    .action((gateway: string, file: string, options: OrderWords) =>
      start(gateway, readDocument(file), options, terminal),
    );

  ordering(job.command('firmware').description('update devices').argument('<gateway>'))
    .requiredOption('--image <sha256>', 'an image the gateway holds')
    .requiredOption('--device <id>', 'a device; again for each', collect, [])
    .option('--at-once <n>', 'how many at a time', '4')
    .option('--no-canary', 'all alike from the beginning')
    .option('--stop-at <percent>', 'begin no further device once so many have failed', '20')
    .option('--from <instant>', 'begin no device before')
    .option('--until <instant>', 'begin no device after')
    .option('--note <text>', 'why')
    .action((gateway: string, options: UpdateWords) => start(gateway, firmwareOrder(options), options, terminal));

  for (const act of ['pause', 'resume', 'abort', 'retry', 'approve', 'refuse'] as const) {
    signed(job.command(act).description(`${act} a job`).argument('<gateway>').argument('<job>'))
      .option('--why <text>', 'for the record')
      .action((gateway: string, id: string, options: OrderWords & { why?: string }) =>
        actOn(
          gateway,
          { op: 'job-act', job: id, act, ...(options.why !== undefined && { why: options.why }) },
          options,
          terminal,
        ),
      );
  }

  shape(job.command('follow').description('say how jobs go on: one to its end, or all').argument('<gateway>'))
    .argument('[job]')
    .action((gateway: string, id: string | undefined, options: CommandWords) =>
      followAll(gateway, id, options, terminal),
    );
}

function firmwareOrder({ image, device, atOnce, canary, stopAt, from, until, note }: UpdateWords): object {
  if (from !== undefined && until === undefined) throw badInput('got --from without --until, expected both');
  return {
    kind: 'firmware',
    image,
    devices: device,
    rollout: { canary, atOnce: wholeNumber(atOnce), stopAtFailedPercent: wholeNumber(stopAt) },
    ...(until !== undefined && { window: { ...(from !== undefined && { from }), until } }),
    ...(note !== undefined && { note }),
  };
}

async function start(name: string, order: object, options: OrderWords, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const gateway = checkGateway(name);
  const operation = { op: 'job', order, ...(options.dryRun && { dryRun: true }) };
  await context.withBroker(async (line) => {
    // Listened to before it is sent, so that nothing is missed.
    const heard = await hear(line, gateway, context.terminal);
    const result = await command<JobResult>(context, line, gateway, operation, options);
    const id = result.job?.id;
    const isFollowed = options.follow === true && id !== undefined;
    if (!isFollowed || !context.json) tell(context, result);
    terminal.setExit(exitOf(result));
    if (isFollowed) terminal.setExit(await heard.toEnd(id, context));
    await heard.stop();
  });
}

async function actOn(name: string, operation: object, options: OrderWords, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const gateway = checkGateway(name);
  const result = await context.withBroker((line) => command<JobResult>(context, line, gateway, operation, options));
  tell(context, result);
  terminal.setExit(exitOf(result));
}

async function followAll(
  name: string,
  id: string | undefined,
  options: CommandWords,
  terminal: Terminal,
): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const gateway = checkGateway(name);
  await context.withBroker(async (line) => {
    const heard = await hear(line, gateway, terminal);
    terminal.setExit(await heard.toEnd(id, context));
    await heard.stop();
  });
}

interface Hearing {
  /** Says every change until the job has ended; without one, until the person has enough. */
  toEnd(id: string | undefined, context: ConsoleContext): Promise<ExitCode>;
  stop(): Promise<void>;
}

async function hear(line: BrokerLine, gateway: string, { interrupted }: Terminal): Promise<Hearing> {
  const latest = new Map<string, Progress>();
  let told: (progress: Progress) => void = () => {};
  const stop = await line.listen(gateway, ['jobs/+'], ({ name, payload }: Message) => {
    if (!name.startsWith('jobs/') || payload.length === 0) return;
    const progress = JSON.parse(payload.toString('utf8')) as Progress;
    // It is said at least once, and a broker may say it late.
    if ((latest.get(progress.id)?.revision ?? -1) > progress.revision) return;
    latest.set(progress.id, progress);
    told(progress);
  });
  return {
    stop,
    toEnd: (id, context) =>
      new Promise((resolve) => {
        told = (progress) => {
          if (id !== undefined && progress.id !== id) return;
          context.tell(progress, describeProgress(progress));
          if (id !== undefined && progress.endedAt !== undefined) resolve(exitOfState(progress.state));
        };
        for (const progress of latest.values()) told(progress);
        void interrupted.then(() => resolve(EXIT.done));
      }),
  };
}

function exitOfState(state: string): ExitCode {
  if (state === 'done') return EXIT.done;
  return state === 'refused' ? EXIT.denied : EXIT.failed;
}

function describeProgress({ id, kind, state, done, total, devices }: Progress): string {
  const under = devices
    .filter(({ octets, size }) => octets !== undefined && size !== undefined && size > 0)
    .filter((device) => device.state === 'transferring')
    .map(({ device, octets = 0, size = 1 }) => `${device} ${Math.floor((100 * octets) / size)} %`);
  const wrong = devices
    .filter(({ reason, why }) => reason !== undefined || why !== undefined)
    .map(({ device, state: each, reason, why }) => `${device} ${each}: ${why ?? reason}`);
  return [`${id}: ${kind} ${state}, ${done} of ${total} ended`, ...under, ...wrong].join('; ');
}

function tell(context: ConsoleContext, result: JobResult): void {
  const { out, err } = context.terminal;
  if (context.json) {
    out(JSON.stringify(result));
    return;
  }
  const { state, code, text, denial, job, check } = result;
  if (state === 'refused') err(refusalText({ code, text, denial }));
  if (job) out(`${job.id}: ${job.state}`);
  if (!check) return;
  for (const { path, found, expected } of check.faults) out(`${path}: found ${found}, expected ${expected}`);
  for (const { device, reason, fault, version, rows = [] } of check.devices) {
    const differing = rows.filter(({ differs }) => differs).length;
    const verdict =
      reason !== undefined ? `denied: ${reason}` : fault !== undefined ? `impossible: ${fault}` : 'permitted';
    const more = [version && `runs ${version}`, rows.length > 0 && `${differing} of ${rows.length} values differ`];
    out([`${device}: ${verdict}`, ...more.filter((each) => typeof each === 'string' && each !== '')].join(', '));
  }
  if (check.approvals > 0) out(`${check.approvals} other persons must approve`);
  out(check.ok ? 'nothing stands against it; nothing was begun' : 'it would not be started');
}

function exitOf({ state, code, check }: JobResult): ExitCode {
  if (state === 'refused') return code === 'denied' ? EXIT.denied : EXIT.failed;
  if (check === undefined || check.ok) return EXIT.done;
  if (check.faults.length > 0) return EXIT.badInput;
  return check.devices.some(({ reason }) => reason !== undefined) ? EXIT.denied : EXIT.failed;
}
