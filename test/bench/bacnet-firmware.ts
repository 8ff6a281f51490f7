// A 2 MiB image to 20 simulated BACnet devices, 4 at a time: through the gateway's firmware steps, and by a bare client loop to the
// same devices; meanwhile a tool reads through the gateway, and while nothing is transferred. Batch by batch in turns, so that
// whatever else the machine does hits all of them. `--devices N`, `--device-processes N`, `--rounds N`, `--mib N`; `--segmented`:
// devices that take segments; `--real-time`: devices that take their time over each piece. It prints and judges nothing.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { AT_ONCE, DEVICE_PROCESSES, DEVICES, OCTETS, type Order, ROUNDS, roles } from './bacnet-firmware-roles.ts';

const LEAST_IDLE_MS = 1000;
const READ_SHARES = [0.5, 0.9, 0.99];
const MIB = 1_048_576;

interface Transferred {
  readonly ms: number;
  readonly memory: readonly number[];
}

interface Reads {
  readonly updated: readonly number[];
  readonly other: readonly number[];
}

const KINDS = ['idle', 'loop', 'gateway'] as const;
type Kind = (typeof KINDS)[number];

/** What was seen in one round while one of them was at work. */
class Seen {
  ms = 0;
  readonly updated: number[] = [];
  readonly other: number[] = [];
  readonly memory: number[] = [];
  /** µs by process. */
  readonly cpu = new Map<string, number>();
}

const percentile = (times: readonly number[], share: number): number =>
  [...times].sort((one, other) => one - other)[Math.floor(times.length * share)] ?? Number.NaN;
const median = (values: readonly number[]): number => percentile(values, 0.5);

async function told<T>(child: ChildProcess | undefined, order: Order): Promise<T> {
  if (child === undefined) throw new Error('no such process');
  child.send(order);
  const [answer] = await once(child, 'message');
  return answer as T;
}

class Bench {
  readonly #children: ReadonlyMap<string, ChildProcess>;
  readonly #rounds: { readonly [K in Kind]: Seen }[] = [];
  #idleMs = LEAST_IDLE_MS;

  constructor(children: ReadonlyMap<string, ChildProcess>) {
    this.#children = children;
  }

  async round(): Promise<void> {
    const seen = { idle: new Seen(), loop: new Seen(), gateway: new Seen() };
    for (let first = 0, turn = 0; first < DEVICES; first += AT_ONCE, turn += 1)
      for (let at = 0; at < KINDS.length; at += 1) {
        const kind = KINDS[(at + turn) % KINDS.length] ?? 'idle';
        await this.#slice(kind, seen[kind], first);
      }
    this.#rounds.push(seen);
    const { loop, gateway } = seen;
    const rate = ({ ms }: Seen): string => `${((DEVICES * OCTETS) / MIB / (ms / 1000)).toFixed(1)} MiB/s`;
    const [begin, most, end] = [gateway.memory[0], Math.max(...gateway.memory), gateway.memory.at(-1)].map((rss = 0) =>
      (rss / MIB).toFixed(0),
    );
    const resident = `resident ${begin} MiB, at most ${most}, in the end ${end}`;
    const ratio = (loop.ms / gateway.ms).toFixed(2);
    console.log(
      `round ${this.#rounds.length}: loop ${rate(loop)}, gateway ${rate(gateway)}, ratio ${ratio}; ${resident}`,
    );
  }

  /** One batch, or as long nothing, and the reads meanwhile. */
  async #slice(kind: Kind, seen: Seen, first: number): Promise<void> {
    const tool = this.#children.get('tool');
    const before = await this.#cpu();
    tool?.send({ kind: 'read' } satisfies Order);
    if (kind === 'idle') {
      await new Promise((resolve) => setTimeout(resolve, this.#idleMs));
      seen.ms += this.#idleMs;
    } else {
      const { ms, memory } = await told<Transferred>(this.#children.get(kind), { kind: 'transfer', first });
      seen.ms += ms;
      seen.memory.push(...memory);
      this.#idleMs = Math.max(LEAST_IDLE_MS, ms);
    }
    const { updated, other } = await told<Reads>(tool, { kind: 'stop reading' });
    seen.updated.push(...updated);
    seen.other.push(...other);
    for (const [name, used] of await this.#cpu())
      seen.cpu.set(name, (seen.cpu.get(name) ?? 0) + used - (before.get(name) ?? 0));
  }

  /** By process, in µs since it began. */
  async #cpu(): Promise<ReadonlyMap<string, number>> {
    const used = new Map<string, number>();
    for (const [name, child] of this.#children) {
      const { user, system } = await told<NodeJS.CpuUsage>(child, { kind: 'cpu' });
      used.set(name, user + system);
    }
    return used;
  }

  summary(): void {
    for (const kind of KINDS) {
      const busy = [...this.#children.keys()].map((name) => {
        const share = median(this.#rounds.map((round) => (round[kind].cpu.get(name) ?? 0) / 1000 / round[kind].ms));
        return `${name} ${(100 * share).toFixed(0)} %`;
      });
      console.log(`${kind}, of one core: ${busy.join(', ')}`);
    }
    console.log(`median ratio ${median(this.#rounds.map(({ loop, gateway }) => loop.ms / gateway.ms)).toFixed(2)}`);
    for (const of of ['updated', 'other'] as const)
      for (const share of READ_SHARES) {
        const [idle = 0, loop = 0, gateway = 0] = KINDS.map((kind) =>
          median(this.#rounds.map((round) => percentile(round[kind][of], share))),
        );
        const times = (gateway / idle).toFixed(2);
        const spans = `idle ${idle.toFixed(2)} ms, beside transfers ${gateway.toFixed(2)} ms (${times} of idle)`;
        const bare = `beside the loop's ${loop.toFixed(2)} ms (${(loop / idle).toFixed(2)})`;
        console.log(`reads of ${of} devices, median of p${share * 100}: ${spans}, ${bare}`);
      }
  }
}

async function main(): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const children = new Map<string, ChildProcess>();
  const devices = Array.from({ length: DEVICE_PROCESSES }, (_, at) => [`devices ${at + 1}`, 'devices', at] as const);
  const all = [...devices, ...['other', 'loop', 'gateway', 'tool'].map((role) => [role, role, 0] as const)];
  try {
    for (const [name, role, share] of all) {
      const child = fork(file, [role, '--share', String(share), ...process.argv.slice(2)]);
      children.set(name, child);
      await once(child, 'message');
    }
    const bench = new Bench(children);
    for (let round = 0; round < ROUNDS; round += 1) await bench.round();
    bench.summary();
  } finally {
    for (const child of children.values()) child.kill();
  }
}

const role = roles[process.argv[2] ?? ''];
if (role === undefined) await main();
else {
  process.on('disconnect', () => process.exit());
  process.on('message', ({ kind }: Order) => {
    if (kind === 'cpu') process.send?.(process.cpuUsage());
  });
  await role();
  process.send?.('ready');
}
