// `gatehouse-console fleet status`: every gateway in one look, from what lies retained on the broker.

import type { Command } from 'commander';
import { jsonByGateway } from './broker-line.ts';
import type { StateMessage } from './console.ts';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { EXIT, type Terminal } from './console-exit.ts';
import { type PolicyStanding, standings } from './policy-commands.ts';
import type { Shape } from './setup-commands.ts';

interface FullState extends StateMessage {
  readonly upload?: {
    readonly state: string;
    readonly acked: number;
    readonly unsent: number;
    readonly why: string | null;
  } | null;
}

interface RootReport {
  readonly version: number;
  readonly state: string;
}

interface GatewayLine {
  readonly gateway: string;
  readonly status: 'online' | 'offline' | 'unknown';
  readonly version: string | null;
  readonly startedAt: string | null;
  readonly standing: PolicyStanding['standing'];
  readonly desired: PolicyStanding['desired'];
  readonly active: PolicyStanding['active'];
  readonly locks: number | null;
  readonly root: number | null;
  readonly upload: FullState['upload'];
}

export function addFleetCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const fleet = program.command('fleet').description('all gateways');
  shape(fleet.command('status').description('who is online, what is in force where, what is not uploaded yet')).action(
    (options: CommonOptions) => status(new ConsoleContext(options, terminal)),
  );
}

const NAMES = ['state', 'policy/desired', 'policy/reported', 'policy/locks/reported', 'root/reported'];

async function status(context: ConsoleContext): Promise<void> {
  const messages = await context.withBroker((line) => line.retained('+', NAMES));
  const gateways = [...new Set([...context.folder.gateways(), ...messages.map(({ gateway }) => gateway)])].sort();
  const states = jsonByGateway<FullState>(messages, 'state');
  const locks = jsonByGateway<{ readonly count?: number }>(messages, 'policy/locks/reported');
  const roots = jsonByGateway<RootReport>(messages, 'root/reported');
  const lines = standings(gateways, messages).map(({ gateway, standing, desired, active }): GatewayLine => {
    const state = states.get(gateway);
    return {
      gateway,
      status: state ? (state.status === 'online' ? 'online' : 'offline') : 'unknown',
      version: state?.version ?? null,
      startedAt: state?.startedAt ?? null,
      standing,
      desired,
      active,
      locks: locks.get(gateway)?.count ?? null,
      root: roots.get(gateway)?.version ?? null,
      upload: state?.upload ?? null,
    };
  });
  const online = lines.filter((line) => line.status === 'online').length;
  const inForce = lines.filter(({ standing }) => standing === 'in-force').length;
  const summary = { gateways: lines.length, online, inForce };
  if (context.json) context.terminal.out(JSON.stringify({ ...summary, lines }));
  else {
    for (const line of lines) context.terminal.out(describe(line));
    context.terminal.out(`${lines.length} gateways, ${online} online, desired policy in force on ${inForce}`);
  }
  context.terminal.setExit(online === lines.length && inForce === lines.length ? EXIT.done : EXIT.failed);
}

function describe({ gateway, status, version, standing, active, locks, root, upload }: GatewayLine): string {
  const words = [
    `${gateway}: ${status}`,
    ...(version === null ? [] : [`version ${version}`]),
    `policy ${standing}${active ? ` (${active.epoch}/${active.revision})` : ''}`,
    ...(locks ? [`${locks} locks`] : []),
    ...(root === null ? [] : [`root ${root}`]),
    ...(upload
      ? [`journal ${upload.state}, ${upload.unsent} rows unsent${upload.why === null ? '' : `: ${upload.why}`}`]
      : []),
  ];
  return words.join(', ');
}
