// Three network namespaces, as a site is wired: workstation – gateway – plant, with real Ethernet broadcasts and link-layer
// addresses between them and no other path. Everything in them is a process of its own, and gone after `stop`.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withBacnet } from '../../simulators/demo/bacnet-part.ts';
import { GATEHOUSE, gatehouse } from '../../simulators/demo/gateway.ts';
import { startRig, until } from './daemon-rig.ts';
import { type ProgramResult, run } from './peers/program.ts';

const dist = (path: string): string => new URL(`../../dist/${path}`, import.meta.url).pathname;

export const WORKSTATION = '10.77.1.2';
const NORTH = '10.77.1.1';
const SOUTH = '10.77.2.1';
const PLANT = '10.77.2.21';
const PORT = 47_808;

const prefix = `gh${process.pid % 100_000}`;
const names = { workstation: `${prefix}w`, gateway: `${prefix}g`, plant: `${prefix}p` } as const;
type Place = keyof typeof names;

/** Empty where namespaces can be made here; else one sentence that says why not. */
export function whyNoNamespaces(): string {
  const probe = spawnSync('ip', ['netns', 'add', `${prefix}x`], { encoding: 'utf8' });
  if (probe.error) return 'network namespaces cannot be made here: `ip` is not installed';
  if (probe.status !== 0) return `network namespaces cannot be made here: ${probe.stderr.trim()}`;
  const pair = spawnSync(
    'ip',
    ['-n', `${prefix}x`, 'link', 'add', 'name', 'veth0', 'type', 'veth', 'peer', 'name', 'veth1'],
    {
      encoding: 'utf8',
    },
  );
  spawnSync('ip', ['netns', 'del', `${prefix}x`]);
  return pair.status === 0 ? '' : `network namespaces cannot be wired here: ${pair.stderr.trim()}`;
}

function ip(...words: string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`\`ip ${words.join(' ')}\`: ${stderr.trim()}`);
}

/** Both ends of a cable, each with its addresses. */
function wire(a: Place, aAddresses: readonly string[], b: Place, bAddresses: readonly string[]): void {
  const [one, other] = [`${prefix}${a[0]}${b[0]}`, `${prefix}${b[0]}${a[0]}`];
  ip('link', 'add', 'name', one, 'netns', names[a], 'type', 'veth', 'peer', 'name', other, 'netns', names[b]);
  for (const [place, device, addresses] of [
    [a, one, aAddresses],
    [b, other, bAddresses],
  ] as const) {
    for (const address of addresses) {
      const broadcast = address.replace(/\d+$/, '255');
      ip('-n', names[place], 'address', 'add', `${address}/24`, 'broadcast', broadcast, 'dev', device);
    }
    ip('-n', names[place], 'link', 'set', device, 'up');
  }
}

export interface Namespaces {
  readonly socket: string;
  /** Lines of the plant: one for each write that reached a device. */
  readonly plantLines: readonly string[];
  readonly gatewayLines: readonly string[];
  /** What `gatehouse status` said before there was a cable. */
  readonly beforeCables: string;
  /** The device of the workstation's end of the cable. */
  readonly workstationDevice: string;
  /** A program on the workstation. */
  onWorkstation(
    program: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): Promise<ProgramResult>;
  /** The demo's small tool on the workstation. */
  tool(...words: string[]): Promise<ProgramResult>;
  stop(): Promise<void>;
}

export async function startNamespaces(): Promise<Namespaces> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-netns-'));
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    for (const name of Object.values(names)) spawnSync('ip', ['netns', 'del', name]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await acceptPolicy(folder);
    for (const name of Object.values(names)) {
      ip('netns', 'add', name);
      // Where not even this is up, Linux lets a socket have any address.
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    const inside = (place: Place, words: readonly string[], lines: string[]): ChildProcess => {
      const child = spawn('ip', ['netns', 'exec', names[place], process.execPath, ...words], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) =>
          lines.push(
            ...chunk
              .toString()
              .split('\n')
              .filter((line) => line !== ''),
          ),
        );
      children.push(child);
      return child;
    };
    const plantLines: string[] = [];
    const gatewayLines: string[] = [];
    const plantWords = ['--host', PLANT, '--port', String(PORT), '--broadcast', '10.77.2.255'];
    // The gateway boots before its switches: it waits for its addresses, and needs no other start.
    inside('gateway', [GATEHOUSE, 'run', '--config', join(folder, 'gatehouse.yaml')], gatewayLines);
    const said = (what: string): number => gatewayLines.filter((line) => line.includes(what)).length;
    const orLines = (error: Error): never => {
      throw new Error(`${error.message}: ${gatewayLines.join('\n')}`);
    };
    await until('the gateway runs and waits', () => said('daemon.ready') === 1).catch(orLines);
    const beforeCables = (await gatehouse(['status', '--socket', join(folder, 'control.sock')])).stdout;
    wire('workstation', [WORKSTATION], 'gateway', [NORTH]);
    wire('plant', [PLANT, '10.77.2.22', '10.77.2.23'], 'gateway', [SOUTH]);
    // A cable is there a moment after its ends are up, and before that no program sees its addresses.
    const links = (): string => spawnSync('ip', ['-n', names.gateway, '-br', 'link'], { encoding: 'utf8' }).stdout;
    await until('both cables are there', () => links().match(/\bUP\b +[0-9a-f:]{17}/g)?.length === 2);
    inside('plant', [dist('simulators/bacnet/plant-main.js'), ...plantWords], plantLines);
    await until('the plant runs', () => plantLines.some((line) => line.startsWith('ready: ')));
    const open = (): number => said('listener.open') + said('http.listening') + said('health.listening');
    await until('the gateway listens', () => open() === 4).catch(orLines);
    const onWorkstation: Namespaces['onWorkstation'] = (program, args, environment = {}) => {
      const words = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      return run('ip', ['netns', 'exec', names.workstation, 'env', ...words, program, ...args]);
    };
    const from = ['--from', WORKSTATION, '--port', String(PORT), '--broadcast', '10.77.1.255'];
    return {
      socket: join(folder, 'control.sock'),
      plantLines,
      gatewayLines,
      beforeCables,
      workstationDevice: `${prefix}wg`,
      onWorkstation,
      tool: (...words) => onWorkstation(process.execPath, [dist('simulators/bacnet/tool.js'), ...from, ...words]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A gateway that has taken its policy from its cloud once goes on with it where there is no cloud. */
async function acceptPolicy(folder: string): Promise<void> {
  const rig = await startRig({ policy: false });
  try {
    const report = await rig.push([], withBacnet);
    if (report.state !== 'active') throw new Error(`the policy was not taken: ${JSON.stringify(report)}`);
    await rig.gateway().stop();
    await cp(rig.folder, folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  } finally {
    await rig.stop();
  }
  await writeFile(
    join(folder, 'gatehouse.yaml'),
    `format: gatehouse.site/1
gateway: demo
data: data
control: { socket: ${join(folder, 'control.sock')} }
log: { level: info, format: text }
clock: { trustSystem: true }
cloud: { url: "mqtt://127.0.0.1:1", rootFile: ${JSON.stringify(join(folder, 'root.json'))} }
drivers:
  bacnet:
    north: { networkNumber: 100, address: ${NORTH} }
    networks:
      plant: { networkNumber: 200, address: ${SOUTH} }
http: { address: ${NORTH} }
health: { address: ${NORTH} }
`,
  );
}
