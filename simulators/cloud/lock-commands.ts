// `gatehouse-console lock | unlock | locks`: stop somebody now, on the fast road beside policy, on every gateway at once.

import type { Command } from 'commander';
import { type BrokerLine, jsonByGateway, type Message } from './broker-line.ts';
import type { LockEntry } from './console.ts';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { badInput, EXIT, parseDuration, type Terminal } from './console-exit.ts';
import { gatewaysOf } from './known-gateways.ts';
import type { Shape } from './setup-commands.ts';
import { signLocks } from './signing.ts';

/** A list that nobody renews must not bind for ever: the longest a gateway takes. */
const LONGEST_MS = 7 * 86_400_000;
const FILE = 'locks.json';

interface LockState {
  readonly revision: number;
  readonly locks: readonly LockEntry[];
}

interface LocksReport {
  readonly epoch: number | null;
  readonly revision: number | null;
  readonly state: 'active' | 'refused';
  readonly code: string | null;
}

interface LockWords extends CommonOptions {
  readonly why: string;
  readonly for?: string;
  readonly organization?: string;
  readonly group?: boolean;
  readonly role?: boolean;
  readonly action?: boolean;
  readonly wait: string;
}

export function addLockCommands(program: Command, terminal: Terminal, shape: Shape): void {
  shape(
    program
      .command('lock')
      .description('stop a person, group, role or action now, on every gateway')
      .argument('<principal>'),
  )
    .requiredOption('--why <text>', 'what those who are stopped read')
    .option('--for <time>', 'at most `7d`, which is also the default')
    .option('--organization <id>', 'only there; a lock on a person holds in every organization')
    .option('--group', 'the name is a group’s')
    .option('--role', 'the name is a role’s')
    .option('--action', 'the name is an action’s')
    .option('--wait <time>', 'how long to wait until gateways confirm', '10s')
    .action((name: string, options: LockWords) => lock(name, options, terminal));

  shape(
    program.command('unlock').description('lift the locks on a person, group, role or action').argument('<principal>'),
  )
    .option('--wait <time>', 'how long to wait until gateways confirm', '10s')
    .action((name: string, options: CommonOptions & { wait: string }) => unlock(name, options, terminal));

  shape(program.command('locks').description('what is locked by this console')).action((options: CommonOptions) => {
    const context = new ConsoleContext(options, terminal);
    const { locks } = stateOf(context);
    if (context.json) terminal.out(JSON.stringify(locks));
    else if (locks.length === 0) terminal.out('nothing is locked');
    for (const entry of context.json ? [] : locks)
      terminal.out(`${subjectOf(entry)} until ${entry.until}: ${entry.why}`);
  });
}

function stateOf(context: ConsoleContext): LockState {
  const { revision, locks } = context.folder.readJson<LockState>(FILE) ?? { revision: 0, locks: [] };
  return { revision, locks: locks.filter(({ until }) => Date.parse(until) > Date.now()) };
}

const subjectOf = ({ principal, group, role, action }: LockEntry): string =>
  principal ?? (group && `group ${group}`) ?? (role && `role ${role}`) ?? `action ${action}`;

const isAbout = ({ principal, group, role, action }: LockEntry, name: string): boolean =>
  [principal, group, role, action].includes(name);

async function lock(name: string, options: LockWords, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const kinds = (['group', 'role', 'action'] as const).filter((kind) => options[kind]);
  if (kinds.length > 1) throw badInput(`got --${kinds.join(' and --')}, expected one of them or none`);
  const lastsMs = options.for === undefined ? LONGEST_MS : parseDuration(options.for);
  if (lastsMs > LONGEST_MS) throw badInput(`got --for \`${options.for}\`, expected at most \`7d\``);
  const { revision, locks } = stateOf(context);
  const entry: LockEntry = {
    id: `${kinds[0] ?? 'principal'}-${revision + 1}`,
    why: options.why,
    [kinds[0] ?? 'principal']: name,
    ...(options.organization === undefined ? {} : { organization: options.organization }),
    until: new Date(Date.now() + lastsMs).toISOString(),
  };
  const kept = locks.filter((other) => !(isAbout(other, name) && other.organization === entry.organization));
  await send(
    context,
    { revision: revision + 1, locks: [...kept, entry] },
    options.wait,
    `${subjectOf(entry)} is locked until ${entry.until}`,
  );
}

async function unlock(name: string, options: CommonOptions & { wait: string }, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const { revision, locks } = stateOf(context);
  const kept = locks.filter((entry) => !isAbout(entry, name));
  if (kept.length === locks.length) throw badInput(`got \`${name}\`, on whom this console holds no lock`);
  await send(context, { revision: revision + 1, locks: kept }, options.wait, `${name} is unlocked`);
}

async function send(context: ConsoleContext, state: LockState, wait: string, text: string): Promise<void> {
  const key = context.key('locks');
  const { epoch } = context.settings;
  const waitMs = wait === '0' ? 0 : parseDuration(wait);
  await context.withBroker(async (line) => {
    const gateways = await gatewaysOf(context, line, [], true);
    // Kept first: a revision that was given out is never given out with another content.
    context.folder.writeJson(FILE, state);
    const confirmed = confirmations(line, { epoch, revision: state.revision }, gateways, waitMs);
    for (const gateway of gateways) {
      const issuedAt = new Date().toISOString();
      const payload = { format: 'gatehouse.locks/1', epoch, audience: [gateway], issuedAt, ...state };
      await line.publish(gateway, 'policy/locks', signLocks(payload, key), true);
    }
    const said = await confirmed;
    const refused = [...said].filter(([, report]) => report.state === 'refused').map(([gateway]) => gateway);
    const silent = gateways.filter((gateway) => !said.has(gateway));
    const inForce = gateways.length - refused.length - silent.length;
    context.tell(
      { revision: state.revision, locks: state.locks, gateways, inForce, refused, silent },
      [
        `${text}: in force on ${inForce} of ${gateways.length} gateways`,
        ...(refused.length > 0 ? [`refused by ${refused.join(', ')}`] : []),
        ...(silent.length > 0 ? [`not confirmed yet by ${silent.join(', ')}: they take it when they connect`] : []),
      ].join('\n'),
    );
    context.terminal.setExit(refused.length > 0 || (waitMs > 0 && silent.length > 0) ? EXIT.failed : EXIT.done);
  });
}

/** What gateways say about this list, as soon as all have, at the latest after `mostMs`. */
async function confirmations(
  line: BrokerLine,
  { epoch, revision }: { readonly epoch: number; readonly revision: number },
  gateways: readonly string[],
  mostMs: number,
): Promise<ReadonlyMap<string, LocksReport>> {
  const said = new Map<string, LocksReport>();
  if (mostMs === 0 || gateways.length === 0) return said;
  let complete: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const hear = (message: Message): void => {
    const report = jsonByGateway<LocksReport>([message], 'policy/locks/reported').get(message.gateway);
    if (report?.epoch !== epoch || report.revision !== revision) return;
    said.set(message.gateway, report);
    if (gateways.every((gateway) => said.has(gateway))) complete();
  };
  const stop = await line.listen('+', ['policy/locks/reported'], hear, 0);
  const timer = setTimeout(complete, mostMs);
  await all;
  clearTimeout(timer);
  await stop();
  return said;
}
