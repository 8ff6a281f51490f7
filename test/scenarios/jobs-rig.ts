// A site of devices with boot loaders for work on several of them: plant, broker and console here, where nothing is ever killed,
// and the gateway as a process of its own, asked over HTTPS as a page or a program does. Nothing of it knows a test runner.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BootLoader, BootLoaderOptions } from '../../simulators/bacnet/boot-loader.ts';
import { FIRMWARE_MODEL, type FirmwarePlant, startFirmwarePlant } from '../../simulators/bacnet/firmware-plant.ts';
import { alarmProperties, pointObject } from '../../simulators/bacnet/object-kinds.ts';
import { VENDOR } from '../../simulators/bacnet/plant.ts';
import { startBroker } from '../../simulators/cloud/broker.ts';
import { type CloudConsole, createConsole, type ReportMessage } from '../../simulators/cloud/console.ts';
import { credentialsPart, encryptSecrets } from '../../simulators/cloud/credentials-part.ts';
import { hashPassword } from '../../simulators/cloud/password.ts';
import { newSigningKey, rootPayload, type SigningKey, signCompact, signRoot } from '../../simulators/cloud/signing.ts';
import {
  type CommandResult,
  GATEHOUSE,
  gatehouse,
  type RunningGateway,
  startGateway,
} from '../../simulators/demo/gateway.ts';
import { digestOf } from '../../simulators/firmware-image.ts';
import { openGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import type { JournalReader, StoredRow } from '../../src/contract/journal.ts';
import type { ApiImage, ApiJob } from '../../src/http/schema-jobs.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { jobsBundle, PEOPLE, SITE, type Who } from './jobs-policy.ts';

export const PASSWORD = 'a long enough password';
const TOKEN = 'robot-0123456789abcdef0123456789abcdef';
const NORTH_NETWORK = 100;
export const PLANT_NETWORK = 200;

interface JobsRigOptions {
  readonly count: number;
  readonly loader?: (index: number) => Partial<BootLoaderOptions>;
  /** More of a device in the policy: `onRevoke`. */
  readonly device?: (id: string) => object;
  /** How long a device may take to run a new image; default 30. */
  readonly confirmSeconds?: number;
  /** The gateway's program; default the one that was built. */
  readonly program?: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** Empty where the answer was no JSON. */
  readonly body: { readonly [key: string]: unknown };
}

export interface ImageWords {
  readonly version: string;
  readonly size?: number;
  readonly model?: string;
  readonly minimumVersion?: string;
  readonly permitsDowngrade?: boolean;
}

export class JobsRig {
  readonly folder: string;
  readonly plant: FirmwarePlant;
  readonly brokerUrl: string;
  readonly commandsKey: SigningKey;
  readonly imageKey: SigningKey;
  readonly #options: JobsRigOptions;
  readonly #console: CloudConsole;
  readonly #configFile: string;
  readonly #singles: ReadonlySet<string>;
  readonly #closers: (() => Promise<unknown>)[];
  readonly #cookies = new Map<Who, string>();
  #agent = new Agent({ keepAlive: true });
  #gateway: RunningGateway | undefined;
  #reader: JournalReader | undefined;
  #revision = 0;

  private constructor(
    parts: Pick<JobsRig, 'folder' | 'plant' | 'brokerUrl' | 'commandsKey' | 'imageKey'>,
    console: CloudConsole,
    options: JobsRigOptions,
    singles: ReadonlySet<string>,
    closers: (() => Promise<unknown>)[],
  ) {
    this.folder = parts.folder;
    this.plant = parts.plant;
    this.brokerUrl = parts.brokerUrl;
    this.commandsKey = parts.commandsKey;
    this.imageKey = parts.imageKey;
    this.#console = console;
    this.#options = options;
    this.#configFile = join(parts.folder, 'gatehouse.yaml');
    this.#singles = singles;
    this.#closers = closers;
  }

  /** With the policy in force. */
  static async start(options: JobsRigOptions): Promise<JobsRig> {
    const closers: (() => Promise<unknown>)[] = [];
    try {
      return await JobsRig.#open(options, closers);
    } catch (error) {
      for (const close of closers.splice(0).reverse()) await close();
      throw error;
    }
  }

  static async #open(options: JobsRigOptions, closers: (() => Promise<unknown>)[]): Promise<JobsRig> {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-jobs-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const net = `127.${1 + (process.pid % 250)}.210`;
    const singles = new Set<string>();
    const plant = await startFirmwarePlant({
      count: options.count,
      device: { keptFrames: 4000 },
      hostBase: `${net}.1`,
      loader: (index) => {
        const loader = options.loader?.(index) ?? {};
        if (loader.banks === 'single') singles.add(`fw${index + 1}`);
        return loader;
      },
    });
    closers.push(() => plant.stop());
    for (const { state } of plant.devices.values()) {
      const extra = alarmProperties({ low: 10, high: 28, deadband: 1, notificationClass: 1 });
      state.add(pointObject('analog-input,1', 'Temperature', 21, { extra }));
      state.add(pointObject('analog-value,2', 'Gain', 1, { min: 0, max: 100 }));
    }
    const broker = await startBroker();
    closers.push(() => broker.close());
    const root = [newSigningKey('root-1'), newSigningKey('root-2')];
    const [policyKey, commandsKey] = [newSigningKey('policy-1'), newSigningKey('commands-1')];
    const payload = rootPayload({
      issuedAt: new Date().toISOString(),
      root,
      policy: [policyKey],
      commands: [commandsKey],
    });
    await writeFile(join(folder, 'root.json'), signRoot(payload, root));
    const console = await createConsole({ brokerUrl: broker.url, policyKey });
    closers.push(() => console.close());
    const rig = new JobsRig(
      { folder, plant, brokerUrl: broker.url, commandsKey, imageKey: newSigningKey('vendor-1') },
      console,
      options,
      singles,
      closers,
    );
    await writeFile(rig.#configFile, rig.#configuration(net));
    await rig.launch();
    closers.push(async () => {
      rig.#agent.destroy();
      rig.#reader?.close();
      await rig.#gateway?.stop();
    });
    const report = await rig.push();
    if (report.state !== 'active') throw new Error(`the policy was not taken: ${JSON.stringify(report)}`);
    return rig;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  get gateway(): RunningGateway {
    if (this.#gateway === undefined) throw new Error('the gateway does not run');
    return this.#gateway;
  }

  get ids(): readonly string[] {
    return [...this.plant.devices.keys()];
  }

  isSingle = (id: string): boolean => this.#singles.has(id);

  loader = (id: string): BootLoader => this.plant.device(id).loader;

  /** Starts the gateway, or starts it again after it ended or was killed. */
  async launch(): Promise<void> {
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4 });
    this.#cookies.clear();
    this.#gateway = await startGateway(this.#configFile, () => {}, process.env, this.#options.program);
  }

  /** Starts it and does not wait until it is ready. */
  launchOnly(): { kill(): Promise<void> } {
    const program = this.#options.program ?? GATEHOUSE;
    const child = spawn(process.execPath, [program, 'run', '--config', this.#configFile], { stdio: 'ignore' });
    const ended = once(child, 'close');
    return {
      async kill() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** Pushes the next revision, without the grants of some; it is in force, or refused, when this resolves. */
  async push(without: readonly Who[] = []): Promise<ReportMessage> {
    this.#revision += 1;
    const { encryption } = JSON.parse(readFileSync(join(this.data, 'gateway-keys.json'), 'utf8')) as {
      encryption: { kty: 'OKP'; crv: 'X25519'; x: string };
    };
    const kid = openGatewayKeys(this.data, Date.now()).encryptionKid;
    const password = await hashPassword(PASSWORD, 11);
    const secrets = {
      users: PEOPLE.map((id) => ({ id, password })),
      applications: [{ id: 'robot', tokens: [`sha256:${createHash('sha256').update(TOKEN).digest('hex')}`] }],
    };
    const jwe = await encryptSecrets(secrets, { encryption: { ...encryption, kid } } as Parameters<
      typeof encryptSecrets
    >[1]);
    const bundle = jobsBundle({
      revision: this.#revision,
      imageKey: this.imageKey,
      without,
      inventory: this.plant.inventory('hq'),
      confirmSeconds: this.#options.confirmSeconds ?? 30,
      device: (id) => ({ staging: !this.isSingle(id), more: this.#options.device?.(id) ?? {} }),
    });
    await this.#console.push(SITE, bundle, { credentials: credentialsPart(jwe) });
    return this.#console.waitForReport(SITE, this.#revision);
  }

  /** Asks the API in somebody's name, signed in where that is needed. */
  async ask(who: Who, method: string, path: string, body?: unknown, headers: object = {}): Promise<Answer> {
    if (who === 'robot') return this.#send(method, path, body, { authorization: `Bearer ${TOKEN}`, ...headers });
    let cookie = this.#cookies.get(who);
    if (cookie === undefined) {
      const signedIn = await this.#send('POST', '/api/v1/sign-in', { login: who, password: PASSWORD }, OWN_PAGE);
      cookie = signedIn.cookie;
      if (cookie === undefined) throw new Error(`${who} cannot sign in: ${signedIn.status} ${signedIn.text}`);
      this.#cookies.set(who, cookie);
    }
    return this.#send(method, path, body, { ...OWN_PAGE, cookie, ...headers });
  }

  #send(method: string, path: string, body: unknown, headers: object): Promise<Answer & { cookie?: string }> {
    const isOctets = body instanceof Uint8Array;
    const type = isOctets ? 'application/octet-stream' : 'application/json';
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: this.gateway.ports.get('http'),
          path,
          method,
          agent: this.#agent,
          ca: readFileSync(join(this.data, 'http.pem')),
          timeout: 60_000,
          headers: { 'user-agent': 'rig', ...(body !== undefined && { 'content-type': type }), ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const isJson = /json/.test(response.headers['content-type'] ?? '') && text !== '';
            const [set] = response.headers['set-cookie'] ?? [];
            const cookie = set?.split(';')[0];
            resolve({
              status: response.statusCode ?? 0,
              text,
              body: isJson ? JSON.parse(text) : {},
              ...(cookie !== undefined && { cookie }),
            });
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer in a minute')));
      asked.on('error', reject);
      asked.end(body === undefined || isOctets ? body : JSON.stringify(body));
    });
  }

  image({ version, size = 60_000, model = FIRMWARE_MODEL }: ImageWords): Buffer {
    return Buffer.concat([this.plant.image(version, size), Buffer.from(model === FIRMWARE_MODEL ? '' : model)]);
  }

  manifest(image: Uint8Array, words: ImageWords, change: object = {}, key = this.imageKey): string {
    const { version, model = FIRMWARE_MODEL, minimumVersion, permitsDowngrade } = words;
    const manifest = {
      format: 'gatehouse.image/1',
      vendor: VENDOR,
      model,
      version,
      size: image.length,
      sha256: digestOf(Buffer.from(image)),
      ...(minimumVersion !== undefined && { minimumVersion }),
      ...(permitsDowngrade !== undefined && { permitsDowngrade }),
      ...change,
    };
    return signCompact(manifest, 'gatehouse.image+jws', key);
  }

  /** Announced and uploaded; gives its id. */
  async upload(image: Buffer, words: ImageWords, who: Who = 'robot'): Promise<string> {
    const announced = await this.ask(who, 'POST', '/api/v1/images', { manifest: this.manifest(image, words) });
    if (announced.status !== 201) throw new Error(`${announced.status} ${announced.text}`);
    const { id, state } = announced.body as ApiImage;
    if (state === 'ready') return id;
    const sent = await this.ask(who, 'PUT', `/api/v1/images/${id}/content`, image, { 'upload-offset': '0' });
    if (sent.body.state !== 'ready') throw new Error(`${sent.status} ${sent.text}`);
    return id;
  }

  /** Starts a firmware update; throws what the gateway said where it did not begin. */
  async update(who: Who, image: string, devices: readonly string[], rollout: object = {}): Promise<string> {
    const order = {
      kind: 'firmware',
      image,
      devices,
      rollout: { canary: false, stopAtFailedPercent: 100, ...rollout },
    };
    const started = await this.ask(who, 'POST', '/api/v1/jobs', order);
    if (started.status !== 201) throw new Error(`${started.status} ${started.text}`);
    return String(started.body.id);
  }

  act = (who: Who, job: string, act: string, body?: object): Promise<Answer> =>
    this.ask(who, 'POST', `/api/v1/jobs/${job}/${act}`, body);

  async job(id: string, who: Who = 'robot'): Promise<ApiJob> {
    const { status, text, body } = await this.ask(who, 'GET', `/api/v1/jobs/${id}`);
    if (status !== 200) throw new Error(`${status} ${text}`);
    return body as unknown as ApiJob;
  }

  /** Asked every 20 ms until it is as wanted; throws with how it stands after the time. */
  async until(id: string, wanted: (job: ApiJob) => boolean, mostMs = 60_000, who: Who = 'robot'): Promise<ApiJob> {
    const deadline = Date.now() + mostMs;
    for (;;) {
      const job = await this.job(id, who);
      if (wanted(job)) return job;
      if (Date.now() > deadline) throw new Error(`job not as wanted within ${mostMs} ms: ${JSON.stringify(job)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  ended(id: string, mostMs = 90_000): Promise<ApiJob> {
    return this.until(id, ({ endedAt }) => endedAt !== undefined, mostMs);
  }

  /** `gatehouse … --url …` in the robot's name. */
  async command(...words: string[]): Promise<CommandResult> {
    const token = join(this.folder, 'token');
    await writeFile(token, TOKEN);
    const url = `https://127.0.0.1:${this.gateway.ports.get('http')}`;
    return gatehouse([...words, '--url', url, '--token-file', token, '--ca', join(this.data, 'http.pem')]);
  }

  rows(query: { readonly after?: number; readonly kind?: StoredRow['row']['kind'] } = {}): readonly StoredRow[] {
    this.#reader ??= openJournalReader(join(this.data, 'journal.db'));
    const rows: StoredRow[] = [];
    for (let after = query.after ?? 0; ; ) {
      const page = this.#reader.rows({ ...query, after, limit: 1000 });
      rows.push(...page);
      after = page.at(-1)?.number ?? after;
      if (page.length < 1000) return rows;
    }
  }

  /** How many requests that change something have reached a device. */
  written = (id: string): number => this.plant.device(id).record.writesSeen();

  async stop(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  #configuration(net: string): string {
    return `format: gatehouse.site/1
gateway: ${SITE}
data: data
cloud: { url: ${this.brokerUrl}, rootFile: root.json }
control: { socket: ${JSON.stringify(join(this.folder, 'control.sock'))} }
http: { address: 127.0.0.1, port: 0, sampleSeconds: 0 }
log: { format: text }
images: { maxBytes: 16777216 }
attribution: { sharedNetworks: [127.0.0.0/8] }
clock: { trustSystem: true }
drivers:
  bacnet:
    north: { networkNumber: ${NORTH_NETWORK}, address: ${net}.251, port: 0 }
    networks:
      plant: { networkNumber: ${PLANT_NETWORK}, address: ${net}.250, port: ${this.plant.port}, timeoutMs: 300 }
`;
  }
}

const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };
