// The page's side whole: the Modbus plant, the real driver, gate, record and shelf, and the API in front, in one process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driver as modbus } from '../../drivers/modbus/driver.ts';
import { type RunningPlant, startPlant } from '../../simulators/modbus/plant.ts';
import { openImageManifest } from '../../src/cloud/image-signature.ts';
import type { DriverServices, RunningDriver } from '../../src/contract/driver.ts';
import type { Shelf } from '../../src/contract/shelf.ts';
import { createGate } from '../../src/gate/gate.ts';
import type { GateControl } from '../../src/gate/options.ts';
import type { App, Context } from '../../src/http/context.ts';
import type { HttpSettings, ProviderSettings, Remark } from '../../src/http/options.ts';
import { selfSigned } from '../../src/http/self-signed.ts';
import { buildHttp } from '../../src/http/server.ts';
import type { TlsFiles } from '../../src/http/tls-files.ts';
import { createWriter } from '../../src/jobs/batch.ts';
import { createJobs, type RunningJobs } from '../../src/jobs/create-jobs.ts';
import { createOverrides, type OverrideLedger } from '../../src/jobs/overrides.ts';
import { createWorkRecord } from '../../src/jobs/work-record.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import { type ImageStore, openImageStore } from '../../src/store/image-store.ts';
import { type JournalStore, openJournal } from '../../src/store/journal.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import { openOverrideShelf } from '../../src/store/override-shelf.ts';
import { realTime, realTimers } from '../drivers/gate-stage.ts';
import { compile, parseSection } from '../drivers/modbus/rig.ts';
import { StageLog, snapshot } from '../gate/stage.ts';
import { PASSWORD, type SiteChanges, siteBundle, TOKEN } from './site-bundle.ts';

/** Time of the wall and of the stopwatch, which a test can set forward. */
export class ShiftedTime {
  shift = 0;
  now = (): number => Date.now() + this.shift;
  monotonic = (): number => performance.now() + this.shift;
  sure = (): boolean => true;
}

interface HttpRigOptions {
  readonly remarks?: readonly Remark[];
  readonly settings?: Partial<HttpSettings>;
  readonly providers?: readonly ProviderSettings[];
  readonly changes?: SiteChanges;
  /** Folder of the built page. */
  readonly pages?: string;
  /** More drivers, by name; they end with the rig. */
  readonly drivers?: (
    services: DriverServices,
    current: PolicySnapshot,
    policy: () => PolicySnapshot | undefined,
  ) => Promise<Iterable<[string, RunningDriver]>>;
}

/** JSON whose shape the test knows: looked into by key, compared as a whole. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Answer {
  readonly status: number;
  readonly body: { readonly [key: string]: Json };
  readonly items: readonly { readonly [key: string]: Json }[];
  readonly headers: { readonly [name: string]: string | string[] | number | undefined };
  readonly text: string;
}

interface AskOptions {
  readonly body?: unknown;
  readonly headers?: { readonly [name: string]: string };
  readonly from?: string;
}

/** One browser, or one program with a token. */
export interface Client {
  ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, options?: AskOptions): Promise<Answer>;
  /** The cookie as a browser would send it; empty before signing in. */
  readonly cookie: string;
}

export interface HttpRig {
  readonly time: ShiftedTime;
  readonly log: StageLog;
  readonly plant: RunningPlant;
  readonly gate: GateControl;
  readonly journal: JournalStore;
  readonly overrides: OverrideLedger;
  readonly shelf: Shelf;
  readonly jobs: RunningJobs;
  readonly images: ImageStore;
  readonly context: Context;
  readonly app: App;
  /** Method and path of every route that was registered. */
  readonly routes: readonly (readonly [string, string])[];
  readonly bundle: object;
  /** Other certificate files from now on. */
  renew(files: Partial<TlsFiles>): boolean;
  client(headers?: { readonly [name: string]: string }): Client;
  /** Signed in. */
  as(person: string): Promise<Client>;
  withToken(): Client;
  /** Listens on a port of 127.0.0.1 chosen by the system. */
  listen(): Promise<number>;
  activate(changes: SiteChanges): Promise<void>;
  /** Everything but the plant and the folder ends, and begins anew on the same files. */
  restart(): Promise<HttpRig>;
  stop(): Promise<void>;
}

export async function startHttpRig(options: HttpRigOptions = {}): Promise<HttpRig> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-http-'));
  const plant = await startPlant();
  return open(folder, plant, options, new ShiftedTime());
}

async function open(folder: string, plant: RunningPlant, options: HttpRigOptions, time: ShiftedTime): Promise<HttpRig> {
  const log = new StageLog();
  const journal = await openJournal({ file: join(folder, 'journal.db'), clock: time });
  const reader = openJournalReader(join(folder, 'journal.db'));
  const shelf = await openOverrideShelf(join(folder, 'overrides.db'));
  const prefix = Math.random().toString(36).slice(2, 8);
  let ids = 0;
  const newId = (kind: string): string => {
    ids += 1;
    return `${kind}-${prefix}-${ids}`;
  };
  const gate = createGate({
    journal,
    log,
    clock: time,
    timers: realTimers,
    links: { lookup: () => undefined },
    newId,
    site: { applicationAddresses: [], sharedNetworks: ['127.0.0.0/8'], neverGated: { peers: [], targets: [] } },
  });
  let bundle = await siteBundle(options.changes);
  let current: PolicySnapshot = snapshot(bundle);
  gate.activate(current);
  const section = parseSection({
    listen: [{ name: 'north', address: '127.0.0.1', port: 0 }],
    lines: {
      ahu: { tcp: { host: '127.0.0.1', port: plant.lines.ahu.port }, timeoutMs: 300 },
      chiller: { tcp: { host: '127.0.0.1', port: plant.lines.chiller.port }, timeoutMs: 300 },
      meters: { rtuOverTcp: { host: '127.0.0.1', port: plant.lines.meters.port }, timeoutMs: 200, turnaroundMs: 20 },
    },
    units: [
      { unit: 1, device: 'ahu1' },
      { unit: 2, device: 'chiller1' },
    ],
  });
  const services = { gate, log, clock: realTime, timers: realTimers };
  const running = await modbus.start(section, await compile(current), services);
  const drivers = new Map<string, RunningDriver>([
    ['modbus', running],
    ...((await options.drivers?.(services, current, () => gate.policy())) ?? []),
  ]);
  const job = {
    gate,
    journal,
    shelf,
    clock: time,
    timers: realTimers,
    log,
    drivers,
    newId,
    inventory: () => gate.policy()?.inventory,
    ...createWorkRecord(reader),
  };
  const overrides = createOverrides(job);
  const writer = createWriter({ ...job, ledger: overrides });
  await writer.putBackInterrupted();
  await overrides.start();
  const images = await openImageStore({
    ...services,
    folder: join(folder, 'images'),
    maxBytes: 8 * 1024 * 1024,
    verify: (jws) => openImageManifest(jws, gate.policy()?.header.keys?.images ?? []),
    usedBy: (image) => jobs.usingImage(image),
    fetching: { hosts: ['127.0.0.1:1'] },
  });
  const jobs: RunningJobs = createJobs({ ...job, images, writer });
  await jobs.takeUp();
  const pair = await selfSigned(folder, ['gateway.test'], Date.now());
  const { app, context, routes, close, renew } = await buildHttp({
    gate,
    journal,
    reader,
    shelf,
    clock: time,
    timers: realTimers,
    log,
    drivers,
    writer,
    overrides,
    jobs,
    images,
    ...(options.pages !== undefined && { pages: options.pages }),
    settings: {
      address: '127.0.0.1',
      port: 0,
      ...pair,
      providers: options.providers ?? [],
      sampleMs: 0,
      pollMs: 50,
      ...options.settings,
    },
    standing: () => ({
      gateway: 'rig',
      version: '0',
      startedAt: 0,
      now: time.now(),
      clockSure: true,
      ready: true,
      remarks: options.remarks ?? [],
      policy: { revision: current.header.revision, mode: 'enforce', devices: 1, points: 1 },
      journal: journal.state(),
      cloud: undefined,
      drivers: { modbus: running.status() },
    }),
  });

  async function shut(): Promise<void> {
    await close();
    await jobs.stop();
    await images.close();
    await overrides.stop();
    for (const driver of drivers.values()) await driver.stop();
    await gate.stop();
    await shelf.close();
    reader.close();
    await journal.close();
  }

  function client(more: { readonly [name: string]: string } = {}): Client {
    let cookie = '';
    return {
      get cookie() {
        return cookie;
      },
      async ask(method, path, { body, headers = {}, from = '127.0.0.1' } = {}) {
        const response = await app.inject({
          method,
          url: path,
          remoteAddress: from,
          headers: {
            host: 'gateway.test',
            'user-agent': 'rig',
            'sec-fetch-site': 'same-origin',
            ...(cookie !== '' && { cookie }),
            ...more,
            ...headers,
          },
          ...(body !== undefined && { payload: body as object }),
        });
        for (const { name, value } of response.cookies) cookie = value === '' ? '' : `${name}=${value}`;
        const isJson = /json/.test(String(response.headers['content-type'])) && response.body !== '';
        const parsed = isJson && !/ndjson/.test(String(response.headers['content-type'])) ? response.json() : {};
        return {
          status: response.statusCode,
          body: parsed,
          items: parsed?.items ?? [],
          headers: response.headers,
          text: response.body,
        };
      },
    };
  }

  return {
    time,
    log,
    plant,
    gate,
    journal,
    overrides,
    shelf,
    jobs,
    images,
    context,
    app,
    routes,
    get bundle() {
      return bundle;
    },
    renew: (files) => renew({ ...pair, ...options.settings, ...files }),
    client,
    async as(person) {
      const browser = client();
      const { status, text } = await browser.ask('POST', '/api/v1/sign-in', {
        body: { login: `${person}@acme.example`, password: PASSWORD },
      });
      if (status !== 200) throw new Error(`${person}: ${status} ${text}`);
      return browser;
    },
    withToken: () => client({ authorization: `Bearer ${TOKEN}` }),
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 });
      const bound = app.server.address();
      return typeof bound === 'object' && bound ? bound.port : 0;
    },
    async activate(changes) {
      bundle = await siteBundle(changes);
      current = snapshot(bundle, current);
      gate.activate(current);
    },
    async restart() {
      await shut();
      return open(folder, plant, options, time);
    },
    async stop() {
      await shut();
      await plant.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
