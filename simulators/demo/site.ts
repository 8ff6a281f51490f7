// The whole demo site: broker, cloud console, plant, and the gateway in front. Started whole or not at all; `stop` leaves
// no process, port or timer behind.

import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type RunningBacnetPlant, startPlant as startBacnetPlant } from '../bacnet/plant.ts';
import { type RunningBroker, startBroker } from '../cloud/broker.ts';
import { type CloudConsole, createConsole, type ReportMessage } from '../cloud/console.ts';
import { imageJwk } from '../cloud/image-commands.ts';
import { type RunningPlant, startPlant } from '../modbus/plant.ts';
import { withBacnet } from './bacnet-part.ts';
import { demoCredentials } from './credentials.ts';
import { gatehouse, type RunningGateway, startGateway } from './gateway.ts';
import { gatewayConfig } from './gateway-config.ts';
import { type DemoImage, writeImages } from './images.ts';
import { type DemoKeys, openKeys } from './keys.ts';
import { DemoFault, type DemoPorts } from './options.ts';
import { type DemoLock, demoBundle, GATEWAY } from './policy.ts';
import type { DemoTerminal } from './terminal.ts';

export interface DemoSite {
  readonly folder: string;
  readonly configFile: string;
  readonly socket: string;
  /** Folder of the journal and the policy. */
  readonly data: string;
  /** Folder of the site CA and the certificates it issued. */
  readonly certificates: string;
  /** Signed, each for one device. */
  readonly images: readonly DemoImage[];
  readonly plant: RunningPlant;
  readonly bacnet: RunningBacnetPlant;
  readonly console: CloudConsole;
  readonly broker: RunningBroker;
  /** The gateway as it runs now. */
  gateway(): RunningGateway;
  /** Signs and pushes the next revision; resolves with the gateway's report about it. */
  push(locks?: readonly DemoLock[]): Promise<ReportMessage>;
  /** Starts the gateway again after it was ended or killed. */
  restartGateway(): Promise<void>;
  /** Ends the broker as a lost line to the cloud would. */
  loseCloud(): Promise<void>;
  restoreCloud(): Promise<void>;
  stop(): Promise<void>;
}

interface SiteOptions {
  readonly folder: string;
  readonly ports: DemoPorts;
  /** How much of their real time the devices take to erase, activate and restart. Default 1. */
  readonly timeScale?: number;
}

/** Throws a DemoFault with one sentence where something hinders it. */
export async function startSite(options: SiteOptions, terminal: DemoTerminal): Promise<DemoSite> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    return await open(options, terminal, closers);
  } catch (error) {
    for (const close of closers.reverse()) await close();
    throw error;
  }
}

async function open(
  options: SiteOptions,
  terminal: DemoTerminal,
  closers: (() => Promise<unknown>)[],
): Promise<DemoSite> {
  const folder = resolve(options.folder);
  const { timeScale = 1 } = options;
  const { ports } = options;
  await checkPorts(ports);
  const keys = openFolder(folder);
  const certificates = join(folder, 'certificates');
  await makeCertificates(certificates);
  const images = writeImages(join(folder, 'images'), keys.imageKey);

  let broker = await startBroker(ports.broker);
  closers.push(() => broker.close());
  const plant = await startPlant({
    tickMs: 1000,
    timeScale,
    log: (line, frame) =>
      terminal.line(speakerOf(line), `${line.slice(line.indexOf(': ') + 2)}${unitText(frame.unit)}`),
  });
  closers.push(() => plant.stop());
  let receiving: string | undefined;
  const bacnet = await startBacnetPlant({
    tickMs: 1000,
    timeScale,
    log: (line, { service }) => {
      // Of an image that comes in a thousand pieces the first one is told.
      const goesOn = service === 'atomic-write-file' && receiving === speakerOf(line);
      receiving = service === 'atomic-write-file' ? speakerOf(line) : undefined;
      if (!goesOn) terminal.line(speakerOf(line), line.slice(line.indexOf(': ') + 2));
    },
  });
  closers.push(() => bacnet.stop());
  const configFile = join(folder, 'gatehouse.yaml');
  const socket = socketIn(folder);
  const rootFile = keys.rootFile;
  writeFileSync(
    configFile,
    gatewayConfig({
      rootFile,
      socket,
      brokerUrl: broker.url,
      plant: plant.lines,
      ports,
      certificates,
      bacnet: { port: ports.bacnet, plantPort: bacnet.addresses.ahu2.port },
    }),
  );
  const launch = (): Promise<RunningGateway> => startGateway(configFile, (line) => terminal.line('gateway', line));
  let gateway = await launch();
  closers.push(() => gateway.stop());
  const console = await createConsole({ brokerUrl: broker.url, policyKey: keys.policyKey });
  closers.push(() => console.close());

  return {
    folder,
    configFile,
    socket,
    data: join(folder, 'data'),
    certificates,
    images,
    plant,
    bacnet,
    console,
    get broker() {
      return broker;
    },
    gateway: () => gateway,
    async push(locks = []) {
      const revision = keys.nextRevision();
      const credentials = await demoCredentials(broker.url);
      const bundle = { ...withBacnet(demoBundle(revision, locks)), keys: { images: [imageJwk(keys.imageKey)] } };
      const { bytes, messages } = await console.push(GATEWAY, bundle, { credentials });
      terminal.line('cloud', `pushed revision ${revision}: ${messages} messages, ${bytes} bytes`);
      const report = await console.waitForReport(GATEWAY, revision);
      terminal.line('cloud', `the gateway reports revision ${revision} ${report.state}`);
      return report;
    },
    async restartGateway() {
      gateway = await launch();
    },
    loseCloud: () => broker.close(),
    async restoreCloud() {
      broker = await startBroker(broker.port);
    },
    async stop() {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

function speakerOf(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(': ')));
}

function unitText(unit: number): string {
  return unit === 0 ? ' (broadcast)' : '';
}

function openFolder(folder: string): DemoKeys {
  try {
    mkdirSync(folder, { recursive: true });
    return openKeys(folder);
  } catch (error) {
    throw new DemoFault(`cannot use the folder \`${folder}\`: ${error instanceof Error ? error.message : error}`);
  }
}

/** The path of a unix socket has room for 107 bytes; a checkout far down a tree gets one elsewhere. */
function socketIn(folder: string): string {
  const path = join(folder, 'control.sock');
  if (Buffer.byteLength(path) <= 107) return path;
  return join(tmpdir(), `gatehouse-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}.sock`);
}

/** The site's own CA, the gateway's certificate and Carla's: made once, with the gateway's own command line. */
async function makeCertificates(folder: string): Promise<void> {
  if (existsSync(join(folder, 'carla.pem'))) return;
  const commands = [
    ['ca', '--ca', folder, '--name', 'Demo site CA'],
    ['server', 'gateway', '--ca', folder, '--host', '127.0.0.1', 'localhost', '--out', folder],
    ['issue', 'carla', '--role', 'chief', '--ca', folder, '--out', folder],
  ];
  for (const words of commands) {
    const { code, stderr } = await gatehouse(['cert', ...words]);
    if (code !== 0) throw new DemoFault(`\`gatehouse cert ${words[0]}\` failed: ${stderr.trim()}`);
  }
}

/** Every port is asked for before anything is started, so that one that is in use is one sentence and not half a site. */
async function checkPorts(ports: DemoPorts): Promise<void> {
  const checked = Object.entries(ports).map(async ([name, port]) => {
    const why = await (name === 'bacnet' ? tryUdpPort(port) : tryPort(port));
    if (why !== undefined) {
      throw new DemoFault(`port ${port} of 127.0.0.1 ${why}: choose another one with --${name}-port`);
    }
  });
  await Promise.all(checked);
}

function tryUdpPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => resolve(whyNot(error)));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(undefined)));
  });
}

function tryPort(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(whyNot(error)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

function whyNot(error: NodeJS.ErrnoException): string {
  return error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.message})`;
}
