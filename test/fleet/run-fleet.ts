// One run of the fleet: everybody connects, one revision goes out, the broker is killed and comes back, everybody reports.

import { type ChildProcess, fork } from 'node:child_process';
import { FleetBroker } from './broker.ts';
import { FleetCloud } from './fleet-cloud.ts';
import type { FromProcess, JournalHead, ToProcess } from './gateway-process.ts';
import type { FleetOptions } from './options.ts';
import { TrafficCount } from './traffic.ts';

export interface FleetResult {
  readonly gateways: number;
  /** s until all were connected at first. */
  readonly connectedAfter: number;
  /** s from the push until so many had reported it in force; null: never. */
  readonly half: number | null;
  readonly most: number | null;
  readonly all: number | null;
  /** s from the push; null where the broker was not killed. */
  readonly brokerKilledAfter: number | null;
  readonly brokerBackAfter: number | null;
  /** From the push on, both ways, as the broker counts. */
  readonly messages: number;
  readonly bytes: number;
  readonly rowsWritten: number;
  readonly rowsKept: number;
  /** Gateways whose journal is not here to the last row, with the chain's hash. */
  readonly incomplete: readonly string[];
  readonly disbelieved: readonly string[];
}

/** Beyond the time that is asked for, so that a run that is too slow still says how slow. */
const PATIENCE = 3;

/** `program` is forked for every process of gateways, with the word `gateway-process`. */
export async function runFleet(
  options: FleetOptions,
  program: string,
  say: (text: string) => void,
): Promise<FleetResult> {
  const ids = Array.from({ length: options.gateways }, (_, index) => `site-${index + 1}`);
  const broker = await FleetBroker.start();
  const cloud = new FleetCloud();
  const processes: GatewayProcess[] = [];
  let traffic: TrafficCount | undefined;
  try {
    await cloud.connect(broker.url);
    traffic = await TrafficCount.start(broker.url);
    const connecting = performance.now();
    for (let index = 0; index < options.processes; index += 1) {
      const gateways = ids.filter((_id, place) => place % options.processes === index);
      const assignment = { url: broker.url, root: cloud.rootText, gateways, rows: options.rows };
      processes.push(new GatewayProcess(program, { is: 'begin', assignment }));
    }
    cloud.prepare(ids);
    const connected = (): number => processes.reduce((sum, { connected }) => sum + connected, 0);
    await until(
      () => connected() === ids.length,
      300_000,
      () => `${connected()} of ${ids.length} connected`,
    );
    const connectedAfter = seconds(connecting);
    say(`${ids.length} gateways connected after ${connectedAfter} s`);
    return { ...(await measure(options, broker, cloud, traffic, processes, say)), connectedAfter };
  } finally {
    for (const child of processes) child.stop();
    await traffic?.stop();
    await cloud.close();
    await broker.stop();
  }
}

async function measure(
  options: FleetOptions,
  broker: FleetBroker,
  cloud: FleetCloud,
  traffic: TrafficCount,
  processes: readonly GatewayProcess[],
  say: (text: string) => void,
): Promise<Omit<FleetResult, 'connectedAfter'>> {
  const { gateways, killAt, outageMs, withinMs } = options;
  const before = traffic.total();
  const began = performance.now();
  const pushed = cloud.push();
  let brokerKilledAfter: number | null = null;
  let brokerBackAfter: number | null = null;
  if (killAt < 1) {
    await until(
      () => cloud.reported() >= gateways * killAt,
      withinMs * PATIENCE,
      () => `${cloud.reported()} reported`,
    );
    await broker.kill();
    brokerKilledAfter = seconds(began);
    say(`broker killed after ${brokerKilledAfter} s: ${cloud.reported()} had reported`);
    await new Promise((resolve) => setTimeout(resolve, outageMs));
    await broker.again();
    brokerBackAfter = seconds(began);
    say(`broker back after ${brokerBackAfter} s`);
  }
  const ended = () => cloud.reported() === gateways || performance.now() - began > withinMs * PATIENCE;
  await until(ended, withinMs * PATIENCE + 1000, () => '');
  await pushed;
  const times = cloud.times();
  const at = (share: number): number | null => {
    const time = times[Math.ceil(gateways * share) - 1];
    return time === undefined ? null : Math.round(time - began) / 1000;
  };
  const heads = await journalsOf(processes, cloud, options);
  const after = traffic.total();
  const incomplete = heads.filter(({ gateway, number, hash }) => {
    const kept = cloud.kept(gateway);
    return number !== options.rows || kept.number !== number || (number > 0 && kept.hash !== hash);
  });
  return {
    gateways,
    half: at(0.5),
    most: at(0.99),
    all: at(1),
    brokerKilledAfter,
    brokerBackAfter,
    messages: after.messages - before.messages,
    bytes: after.bytes - before.bytes,
    rowsWritten: heads.reduce((sum, { number }) => sum + number, 0),
    rowsKept: heads.reduce((sum, { gateway }) => sum + cloud.kept(gateway).number, 0),
    incomplete: incomplete.map(({ gateway }) => gateway),
    disbelieved: cloud.disbelieved,
  };
}

/** Waits until every row is written and kept, as long as it goes on. */
async function journalsOf(
  processes: readonly GatewayProcess[],
  cloud: FleetCloud,
  { rows, gateways, withinMs }: FleetOptions,
): Promise<readonly JournalHead[]> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const heads = (await Promise.all(processes.map((child) => child.heads()))).flat();
    const kept = heads.filter(({ gateway, number }) => number === rows && cloud.kept(gateway).number === number).length;
    if (kept === gateways || performance.now() > deadline) return heads;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

class GatewayProcess {
  connected = 0;
  readonly #child: ChildProcess;
  #heads: (heads: readonly JournalHead[]) => void = () => {};

  constructor(program: string, begin: ToProcess) {
    this.#child = fork(program, ['gateway-process'], { execArgv: [] });
    this.#child.on('message', (message: FromProcess) => {
      if (message.is === 'connected') this.connected = message.count;
      else this.#heads(message.heads);
    });
    this.#child.send(begin);
  }

  heads(): Promise<readonly JournalHead[]> {
    return new Promise((resolve) => {
      this.#heads = resolve;
      this.#child.send({ is: 'heads' } satisfies ToProcess);
    });
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

function seconds(since: number): number {
  return Math.round(performance.now() - since) / 1000;
}

async function until(holds: () => boolean, mostMs: number, text: () => string): Promise<void> {
  const deadline = performance.now() + mostMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`gave up after ${mostMs / 1000} s: ${text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
