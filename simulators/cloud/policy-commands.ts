// `gatehouse-console policy push | status`: what gateways are to have in force, and what they have.

import type { Command } from 'commander';
import { type BrokerLine, jsonByGateway, type Message } from './broker-line.ts';
import type { ReportMessage, StateMessage } from './console.ts';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { EXIT, parseDuration, type Terminal, wholeNumber } from './console-exit.ts';
import { checkGateway } from './console-folder.ts';
import { checkPolicy } from './gatehouse-program.ts';
import { gatewaysOf } from './known-gateways.ts';
import { describeDifference } from './policy-difference.ts';
import { lastPushed, nextBundle, readPolicyFile } from './policy-file.ts';
import { type Preview, preview, pushBundle } from './policy-push.ts';
import type { Shape } from './setup-commands.ts';
import { describeChanged } from './what-if.ts';

interface PushWords extends CommonOptions {
  readonly dryRun?: boolean;
  readonly wait: string;
  readonly rows: string;
  readonly refreshWithin?: string;
}

export function addPolicyCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const policy = program.command('policy').description('what gateways have in force');

  shape(
    policy
      .command('push')
      .description('check, compare, sign and send a policy')
      .argument('<gateway>')
      .argument('<file>'),
  )
    .option('--dry-run', 'say what it would change, and send nothing')
    .option('--wait <time>', 'how long to wait for the gateway’s report; `0`: not at all', '30s')
    .option('--rows <n>', 'recorded writes that are asked again under the new policy', '1000')
    .option('--refresh-within <time>', 'the gateway warns when nothing newer came for so long, such as `1d`')
    .action((gateway: string, file: string, options: PushWords) => push(gateway, file, options, terminal));

  shape(
    policy
      .command('status')
      .description('desired against reported: who lags, who refused and why')
      .argument('[gateways...]'),
  )
    .option('--all', 'every gateway the broker or this console knows')
    .action((names: string[], options: CommonOptions & { all?: boolean }) => status(names, options, terminal));
}

async function push(name: string, file: string, options: PushWords, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const gateway = checkGateway(name);
  const verdict = await checkPolicy(file);
  if (!verdict.accepted) {
    for (const { path, found, expected } of verdict.faults)
      terminal.err(`${path}: found ${found}, expected ${expected}`);
    terminal.err(`refused: ${verdict.faults.length} faults; nothing was sent`);
    terminal.setExit(EXIT.badInput);
    return;
  }
  const given = await context.withBroker((line) => highestRevision(context, line, gateway));
  const bundle = nextBundle(readPolicyFile(file), given + 1);
  const seen = await preview(context, gateway, bundle, wholeNumber(options.rows, 0));
  if (!context.json)
    tellPreview(
      context,
      seen,
      verdict.notices.map(({ path, text }) => `notice ${path}: ${text}`),
    );
  if (options.dryRun) {
    if (context.json) terminal.out(JSON.stringify({ gateway, revision: bundle.revision, ...seen, sent: false }));
    else terminal.out('nothing was sent');
    return;
  }
  const waitMs = options.wait === '0' ? 0 : parseDuration(options.wait);
  const within = options.refreshWithin === undefined ? undefined : parseDuration(options.refreshWithin);
  const refreshBy = within === undefined ? {} : { refreshBy: new Date(Date.now() + within).toISOString() };
  const { report, ...pushed } = await pushBundle(context, gateway, bundle, { waitMs, ...refreshBy });
  if (context.json) terminal.out(JSON.stringify({ gateway, ...pushed, ...seen, sent: true, report: report ?? null }));
  else
    terminal.out(
      `revision ${pushed.revision} sent to \`${gateway}\`: ${pushed.messages} messages, ${pushed.bytes} bytes`,
    );
  if (!report) return;
  if (!context.json) terminal.out(describeReport(report));
  terminal.setExit(report.state === 'refused' ? EXIT.failed : EXIT.done);
}

function tellPreview(context: ConsoleContext, { difference, whatIf }: Preview, notices: readonly string[]): void {
  const { out } = context.terminal;
  for (const notice of notices) out(notice);
  if (!difference) out('nothing was pushed from here before: no difference to show');
  else if (difference.length === 0) out('no difference to what was pushed last');
  for (const entry of difference ?? []) out(describeDifference(entry));
  const { judged, changed } = whatIf;
  if (judged === 0) out('no recorded writes to ask again: `journal follow` brings them here');
  else out(`${judged} recorded writes asked again: ${changed.length} would be decided otherwise`);
  for (const entry of changed) out(`  ${describeChanged(entry)}`);
}

function describeReport({ state, revision, code, faults }: ReportMessage): string {
  if (state !== 'refused') return `in force: revision ${revision} is ${state}`;
  const named = faults.map(({ path, found, expected }) => `  ${path}: found ${found}, expected ${expected}`);
  return [`refused: \`${code}\`; what was in force still is`, ...named].join('\n');
}

interface Header {
  readonly epoch: number;
  readonly revision: number;
}

/** What a manifest on the broker says of itself; it is not verified, only shown. */
function headerOf(message: Message | undefined): Header | undefined {
  if (!message) return undefined;
  try {
    const payload = message.payload.toString('utf8').split('.')[1] ?? '';
    const { epoch, revision } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Partial<Header>;
    return typeof epoch === 'number' && typeof revision === 'number' ? { epoch, revision } : undefined;
  } catch {
    return undefined;
  }
}

/** Of what this console sent, what lies on the broker and what the gateway reports; 0: nothing yet. */
async function highestRevision(context: ConsoleContext, line: BrokerLine, gateway: string): Promise<number> {
  const messages = await line.retained(gateway, ['policy/desired', 'policy/reported', 'state']);
  const { epoch } = context.settings;
  const desired = headerOf(messages.find(({ name }) => name === 'policy/desired'));
  const reported = jsonByGateway<ReportMessage>(messages, 'policy/reported').get(gateway);
  const state = jsonByGateway<StateMessage>(messages, 'state').get(gateway);
  const ofEpoch = [desired, reported, state].map((said) => (said?.epoch === epoch ? (said.revision ?? 0) : 0));
  return Math.max(0, Number(lastPushed(context, gateway)?.revision ?? 0), ...ofEpoch);
}

export interface PolicyStanding {
  readonly gateway: string;
  readonly desired: Header | null;
  readonly reported: ReportMessage | null;
  readonly active: Header | null;
  readonly online: boolean;
  /** `in-force`, or why not. */
  readonly standing: 'in-force' | 'stale' | 'expired' | 'refused' | 'lags' | 'none';
}

function standingOf({ desired, reported, active }: Omit<PolicyStanding, 'standing'>): PolicyStanding['standing'] {
  if (!desired) return 'none';
  const same = (said: Partial<Record<keyof Header, number | null>> | null) =>
    said?.epoch === desired.epoch && said.revision === desired.revision;
  if (reported?.state === 'refused' && (same(reported) || reported.revision === null)) return 'refused';
  if (!same(active) && !(same(reported) && reported?.state !== 'refused')) return 'lags';
  return reported?.state === 'stale' || reported?.state === 'expired' ? reported.state : 'in-force';
}

/** How every gateway stands, from what lies on the broker. */
export function standings(gateways: readonly string[], messages: readonly Message[]): readonly PolicyStanding[] {
  const reports = jsonByGateway<ReportMessage>(messages, 'policy/reported');
  const states = jsonByGateway<StateMessage>(messages, 'state');
  const manifests = new Map(messages.filter(({ name }) => name === 'policy/desired').map((m) => [m.gateway, m]));
  return gateways.map((gateway) => {
    const state = states.get(gateway);
    const active =
      state?.epoch != null && state.revision !== null ? { epoch: state.epoch, revision: state.revision } : null;
    const said = {
      gateway,
      desired: headerOf(manifests.get(gateway)) ?? null,
      reported: reports.get(gateway) ?? null,
      active,
      online: state?.status === 'online',
    };
    return { ...said, standing: standingOf(said) };
  });
}

async function status(names: readonly string[], options: CommonOptions & { all?: boolean }, terminal: Terminal) {
  const context = new ConsoleContext(options, terminal);
  const all = await context.withBroker(async (line) => {
    const gateways = await gatewaysOf(context, line, names, options.all);
    const topic = names.length === 1 ? (gateways[0] ?? '+') : '+';
    return standings(gateways, await line.retained(topic, ['policy/desired', 'policy/reported', 'state']));
  });
  if (context.json) terminal.out(JSON.stringify(all));
  for (const entry of context.json ? [] : all) terminal.out(describeStanding(entry));
  terminal.setExit(all.every(({ standing }) => standing === 'in-force') ? EXIT.done : EXIT.failed);
}

function describeStanding({ gateway, desired, reported, active, online, standing }: PolicyStanding): string {
  const wanted = desired ? `desired ${desired.epoch}/${desired.revision}` : 'nothing desired';
  const has = active ? `active ${active.epoch}/${active.revision}` : 'nothing active';
  const head = `${gateway}: ${standing}, ${wanted}, ${has}, ${online ? 'online' : 'offline'}`;
  if (standing !== 'refused' || !reported) return head;
  const faults = reported.faults.map(({ path, found, expected }) => `  ${path}: found ${found}, expected ${expected}`);
  return [`${head}, \`${reported.code}\` at ${reported.at}`, ...faults].join('\n');
}
