// Commands that ask the running gateway over its local socket: status, sessions, explain.

import { isIP } from 'node:net';
import type { Command } from 'commander';
import type { ExplainBody, ExplainReply, OpenSessionBody, SessionReply, StatusReply } from '../daemon/control-api.ts';
import { describeFault } from '../model/fault.ts';
import { askDaemon, DEFAULT_SOCKET } from './control-client.ts';
import { badInput, EXIT, type Terminal } from './exit.ts';
import { parseDuration, parseMoment } from './moment.ts';
import { mustReadSite, shippedDrivers } from './site-file.ts';

export interface SocketOptions {
  readonly socket?: string;
  readonly config?: string;
}

/** --socket, then GATEHOUSE_SOCKET, then the configuration's (--config or GATEHOUSE_CONFIG), then the packaged place. */
export async function socketOf(options: SocketOptions): Promise<string> {
  if (options.socket) return options.socket;
  if (process.env.GATEHOUSE_SOCKET) return process.env.GATEHOUSE_SOCKET;
  const file = options.config ?? process.env.GATEHOUSE_CONFIG;
  if (!file) return DEFAULT_SOCKET;
  return (await mustReadSite(file)).control.socket ?? DEFAULT_SOCKET;
}

export function withSocket(command: Command): Command {
  return command
    .option('--socket <path>', `the daemon’s local socket (default ${DEFAULT_SOCKET})`)
    .option('--config <file>', 'take the socket from this configuration')
    .option('--json', 'print JSON');
}

interface Common extends SocketOptions {
  readonly json?: boolean;
}

export function addDaemonCommands(program: Command, terminal: Terminal): void {
  withSocket(program.command('status').description('what the running gateway says of itself')).action(
    async (options: Common) => {
      const status = await askDaemon<StatusReply>(await socketOf(options), 'GET', '/v1/status');
      terminal.out(options.json ? JSON.stringify(status) : describeStatus(status));
      terminal.setExit(status.ready ? EXIT.done : EXIT.failed);
    },
  );
  addExplain(program, terminal);
  addSessions(program, terminal);
}

function addExplain(program: Command, terminal: Terminal): void {
  withSocket(program.command('explain').description('who, what, where → the verdict with every rule'))
    .option('--bundle <file>', 'ask this bundle instead of the running gateway')
    .option('--principal <id>', 'a user or application; left out: a peer nobody knows')
    .requiredOption('--action <name>', 'such as `point.write`')
    .option('--targets <ids...>', 'locations, devices or points', [])
    .option('--channel <name>', 'local, tool, tls or remote')
    .option('--priority <n>', 'BACnet priority, 1 to 16')
    .option('--at <moment>', 'ISO instant or seconds since 1970 (default now)')
    .action(async (options: Common & ExplainOptions) => {
      const body = explainBody(options);
      const reply = options.bundle
        ? await explainFromFile(options.bundle, body)
        : await askDaemon<ExplainReply>(await socketOf(options), 'POST', '/v1/explain', body);
      terminal.out(options.json ? JSON.stringify(reply) : reply.text);
      terminal.setExit(reply.decision === 'permit' ? EXIT.done : EXIT.denied);
    });
}

interface ExplainOptions {
  readonly bundle?: string;
  readonly principal?: string;
  readonly action: string;
  readonly targets: readonly string[];
  readonly channel?: string;
  readonly priority?: string;
  readonly at?: string;
}

function explainBody(options: ExplainOptions): ExplainBody {
  const priority = options.priority === undefined ? undefined : Number(options.priority);
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 1 && priority <= 16)) {
    throw badInput(`got priority \`${options.priority}\`, expected a whole number from 1 to 16`);
  }
  const numeric = options.at !== undefined && /^-?\d+(\.\d+)?$/.test(options.at);
  const at = options.at === undefined ? undefined : parseMoment(numeric ? Number(options.at) : options.at);
  if (options.at !== undefined && at === undefined) {
    throw badInput(`got moment \`${options.at}\`, expected an ISO instant or seconds since 1970`);
  }
  return {
    principal: options.principal ?? null,
    action: options.action,
    targets: options.targets.flatMap((entry) => entry.split(',')).filter((entry) => entry !== ''),
    ...(options.channel === undefined ? {} : { channel: options.channel }),
    ...(priority === undefined ? {} : { priority }),
    ...(at === undefined ? {} : { at }),
  };
}

async function explainFromFile(file: string, body: ExplainBody): Promise<ExplainReply> {
  const { readBundle } = await import('./bundle-file.ts');
  const { explain } = await import('../policy/explain.ts');
  const { explainReply } = await import('../daemon/explain-reply.ts');
  const bundle = await readBundle(file, await shippedDrivers());
  if (!bundle.ok) throw badInput(bundle.fault.map(describeFault).join('\n'));
  return explainReply(explain(bundle.value.snapshot, { ...body, at: body.at ?? Date.now() }));
}

function addSessions(program: Command, terminal: Terminal): void {
  const session = program.command('session').description('bind a person to the address of their tool');

  withSocket(session.command('open').description('claim an address for a person, for a time'))
    .requiredOption('--as <principal>', 'the person’s id')
    .requiredOption('--from <address>', 'the address their tool works from')
    .requiredOption('--for <duration>', 'such as `30m`')
    .option('--devices <ids...>', 'only these devices')
    .action(async (options: Common & { as: string; from: string; for: string; devices?: string[] }) => {
      const body: OpenSessionBody = {
        principal: options.as,
        address: options.from,
        forMs: parseDuration(options.for),
        ...(options.devices ? { devices: options.devices.flatMap((entry) => entry.split(',')) } : {}),
      };
      const reply = await askDaemon<SessionReply>(await socketOf(options), 'POST', '/v1/sessions', body);
      terminal.out(
        options.json
          ? JSON.stringify(reply)
          : `session ${reply.id}: ${reply.principal} from ${reply.address} until ${new Date(reply.until).toISOString()}`,
      );
    });

  withSocket(session.command('list').description('open sessions')).action(async (options: Common) => {
    const replies = await askDaemon<SessionReply[]>(await socketOf(options), 'GET', '/v1/sessions');
    if (options.json) terminal.out(JSON.stringify(replies));
    else if (replies.length === 0) terminal.out('no open session');
    for (const reply of options.json ? [] : replies) {
      const devices = reply.devices ? ` devices ${reply.devices.join(', ')}` : '';
      terminal.out(
        `${reply.id}  ${reply.principal}  ${reply.address}  until ${new Date(reply.until).toISOString()}${devices}`,
      );
    }
  });

  withSocket(session.command('end').description('end a session').argument('<id-or-address>')).action(
    async (which: string, options: Common) => {
      const socket = await socketOf(options);
      const id = isIP(which) === 0 ? which : await sessionAt(which, socket);
      await askDaemon(socket, 'DELETE', `/v1/sessions/${encodeURIComponent(id)}`);
      terminal.out(options.json ? JSON.stringify({ ended: id }) : `ended ${id}`);
    },
  );
}

async function sessionAt(address: string, socket: string): Promise<string> {
  const open = await askDaemon<SessionReply[]>(socket, 'GET', '/v1/sessions');
  const found = open.find((session) => session.address === address);
  if (!found)
    throw badInput(`got address \`${address}\`, expected one with an open session (\`gatehouse session list\`)`);
  return found.id;
}

function describeStatus(status: StatusReply): string {
  const policy = status.policy
    ? `revision ${status.policy.revision}, ${status.policy.mode}, ${status.policy.devices} devices, ${status.policy.points} points`
    : 'none: every change is refused';
  const lines = [
    `gateway   ${status.gateway} ${status.version}, ${status.ready ? 'ready' : 'not ready'}`,
    `policy    ${policy}`,
    `journal   ${status.journal.writable ? 'writable' : `NOT WRITABLE: ${status.journal.why}`}${status.journal.head ? `, ${status.journal.head.number} rows` : ''}`,
    `cloud     ${status.cloud ? status.cloud.state : 'not configured'}`,
    `clock     ${new Date(status.now).toISOString()}${status.clockSure ? '' : ' (unsure)'}`,
    `sessions  ${status.sessions}`,
  ];
  for (const [name, driver] of Object.entries(status.drivers)) {
    for (const port of driver.listening) {
      lines.push(`listening ${name} ${port.name} on ${port.address}:${port.port} (${port.transport})`);
    }
    for (const line of driver.lines) {
      lines.push(`line      ${name} ${line.name}: ${line.state}${line.why ? ` (${line.why})` : ''}`);
    }
  }
  for (const remark of status.remarks) lines.push(`remark    ${remark}`);
  return lines.join('\n');
}
