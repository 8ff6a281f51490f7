// A whole site for scenarios: plant, broker, console and the compiled gateway as a child process, in a folder of its own.
// What the demo brings up, with the places where a scenario turns the screws.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '../../simulators/cloud/broker.ts';
import type { BundleJson } from '../../simulators/cloud/bundle-parts.ts';
import { type CloudConsole, createConsole, type ReportMessage } from '../../simulators/cloud/console.ts';
import { type CommandResult, gatehouse, type RunningGateway, startGateway } from '../../simulators/demo/gateway.ts';
import { gatewayConfig } from '../../simulators/demo/gateway-config.ts';
import { openKeys } from '../../simulators/demo/keys.ts';
import { type DemoLock, demoBundle, GATEWAY } from '../../simulators/demo/policy.ts';
import { type PlantOptions, type RunningPlant, startPlant } from '../../simulators/modbus/plant.ts';

export interface RigOptions {
  /** A broker of somebody else; default the embedded one. */
  readonly brokerUrl?: string;
  /** Changes the configuration's text before the gateway reads it. */
  readonly configure?: (yaml: string) => string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly plant?: PlantOptions;
  /** Default true: revision 1 is in force when the rig is given. */
  readonly policy?: boolean;
}

export interface Rig {
  readonly folder: string;
  readonly configFile: string;
  readonly data: string;
  readonly socket: string;
  readonly plant: RunningPlant;
  readonly console: CloudConsole;
  gateway(): RunningGateway;
  port(listener: 'plant' | 'meters'): number;
  /** Pushes the demo's policy under the next revision; `change` may alter it. */
  push(locks?: readonly DemoLock[], change?: (bundle: BundleJson) => BundleJson): Promise<ReportMessage>;
  /** After the gateway ended or was killed. */
  restart(): Promise<RunningGateway>;
  /** `gatehouse …` with --socket of this rig. */
  ask(...words: string[]): Promise<CommandResult>;
  /** `gatehouse journal … --data` of this rig. */
  journal(...words: string[]): Promise<CommandResult>;
  /** Rows of the journal, oldest first. */
  rows(): Promise<readonly Row[]>;
  health(path: string): Promise<{ readonly status: number; readonly text: string }>;
  stop(): Promise<void>;
}

/** A row as `journal tail --json` prints it. */
export interface Row {
  readonly number: number;
  readonly hash: string;
  readonly row: { readonly kind: string; readonly [key: string]: unknown };
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-rig-'));
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await open(folder, options, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function open(
  folder: string,
  options: RigOptions,
  closers: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Rig> {
  const keys = openKeys(folder);
  const embedded = options.brokerUrl === undefined ? await startBroker() : undefined;
  if (embedded) closers.push(() => embedded.close());
  const brokerUrl = options.brokerUrl ?? embedded?.url ?? '';
  const plant = await startPlant(options.plant);
  closers.push(() => plant.stop());
  const configFile = join(folder, 'gatehouse.yaml');
  const [socket, data] = [join(folder, 'control.sock'), join(folder, 'data')];
  const ports = { modbus: 0, meters: 0, secure: 0, health: 0 };
  const text = gatewayConfig({ rootFile: keys.rootFile, socket, brokerUrl, plant: plant.lines, ports });
  await writeFile(configFile, options.configure?.(text) ?? text);
  const launch = (): Promise<RunningGateway> => startGateway(configFile, () => {}, options.environment);
  let gateway = await launch();
  closers.push(() => gateway.stop());
  const console = await createConsole({ brokerUrl, policyKey: keys.policyKey });
  closers.push(() => console.close());
  const rig: Rig = {
    folder,
    configFile,
    data,
    socket,
    plant,
    console,
    gateway: () => gateway,
    port: (listener) => gateway.ports.get(listener) ?? 0,
    async push(locks = [], change = (bundle) => bundle) {
      const revision = keys.nextRevision();
      await console.push(GATEWAY, change(demoBundle(revision, locks)));
      return console.waitForReport(GATEWAY, revision);
    },
    async restart() {
      gateway = await launch();
      return gateway;
    },
    ask: (...words) => gatehouse([...words, '--socket', socket]),
    journal: (...words) => gatehouse(['journal', ...words, '--data', data]),
    async rows() {
      const { stdout } = await gatehouse(['journal', 'tail', '-n', '100000', '--json', '--data', data]);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row);
    },
    async health(path) {
      const response = await fetch(`http://127.0.0.1:${gateway.ports.get('health')}${path}`);
      return { status: response.status, text: await response.text() };
    },
    stop,
  };
  if (options.policy !== false) {
    const report = await rig.push();
    if (report.state !== 'active') throw new Error(`the policy was not taken: ${JSON.stringify(report)}`);
  }
  return rig;
}

/** Asks every 50 ms until it holds; throws after the time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, mostMs = 30_000): Promise<void> {
  const deadline = Date.now() + mostMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`within ${mostMs} ms it did not come about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
