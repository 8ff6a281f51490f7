// The cloud console: signs a bundle, pushes it in parts, keeps the broker tidy, and watches what gateways report.
// Invariant: chunks are on the broker before the manifest that names them, and go when no manifest names them.

import { createHash } from 'node:crypto';
import { Socket } from 'node:net';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { type BundleJson, type BundlePart, describePart, splitBundle } from './bundle-parts.ts';
import { type SigningKey, signLocks, signManifest } from './signing.ts';

export interface ReportMessage {
  readonly epoch: number | null;
  readonly revision: number | null;
  readonly manifestSha256: string | null;
  readonly state: string;
  readonly code: string | null;
  readonly faults: readonly { readonly path: string; readonly found: string; readonly expected: string }[];
  readonly notices: readonly { readonly path: string; readonly text: string }[];
  readonly at: string;
}

export interface StateMessage {
  readonly status: string;
  readonly startedAt: string;
  readonly version: string;
  readonly epoch: number | null;
  readonly revision: number | null;
}

type GatewayEvent =
  | { readonly kind: 'report'; readonly report: ReportMessage }
  | { readonly kind: 'state'; readonly state: StateMessage };

interface ConsoleOptions {
  readonly brokerUrl: string;
  readonly policyKey: SigningKey;
  /** Signs `policy/locks`; absent: `lock` rejects. */
  readonly locksKey?: SigningKey;
  /** Credentials and TLS of the console itself, as mqtt.js takes them. */
  readonly mqtt?: IClientOptions;
}

interface PushOptions {
  readonly epoch?: number;
  readonly refreshBy?: string;
  /** Secrets, already encrypted to the gateway; absent: the bundle's own are left out. */
  readonly credentials?: BundlePart;
  /**
   * For a console that has only just connected: waits until the broker has said which chunks it holds, or for so long,
   * so that only what it lacks is sent. Default 0.
   */
  readonly settleMs?: number;
}

export interface Pushed {
  readonly epoch: number;
  readonly revision: number;
  readonly manifestSha256: string;
  /** Payload bytes that were sent, and in how many messages. */
  readonly bytes: number;
  readonly messages: number;
}

/** One entry of `policy/locks`: a principal, group, role or action, until at most 7 days from now. */
export interface LockEntry {
  readonly id: string;
  readonly why: string;
  readonly organization?: string;
  readonly principal?: string;
  readonly group?: string;
  readonly role?: string;
  readonly action?: string;
  readonly from?: string;
  readonly until: string;
}

export interface CloudConsole {
  /** Signs and publishes; resolves when the broker has acknowledged everything. */
  push(gateway: string, bundle: BundleJson, options?: PushOptions): Promise<Pushed>;
  /** Signs and publishes the whole list of locks; an empty one lifts all. */
  lock(gateway: string, revision: number, locks: readonly LockEntry[], epoch?: number): Promise<void>;
  /** Hears of reports and states, the retained ones first; the function it gives ends that. */
  watch(gateway: string, listener: (event: GatewayEvent) => void): Promise<() => void>;
  /** The report about a manifest of this revision, whether in force or refused. Rejects after the time (default 30 s). */
  waitForReport(gateway: string, revision: number, timeoutMs?: number): Promise<ReportMessage>;
  /** Resolves when the gateway says so. */
  waitForStatus(gateway: string, status: 'online' | 'offline', timeoutMs?: number): Promise<StateMessage>;
  close(): Promise<void>;
}

export async function createConsole({
  brokerUrl,
  policyKey,
  locksKey,
  mqtt = {},
}: ConsoleOptions): Promise<CloudConsole> {
  const client = await connectAsync(brokerUrl, { ...mqtt, protocolVersion: 4, reconnectPeriod: 250 });
  client.on('error', () => {});
  sendAtOnce(client);
  client.on('connect', () => sendAtOnce(client));
  const sites = new Map<string, Site>();

  const siteOf = async (gateway: string): Promise<Site> => {
    const known = sites.get(gateway);
    if (known) return known;
    const site = new Site(client, gateway);
    sites.set(gateway, site);
    await client.subscribeAsync([site.topic('state'), site.topic('policy/reported'), site.topic('policy/parts/+/+')], {
      qos: 1,
    });
    return site;
  };
  client.on('connect', () => {
    for (const site of sites.values()) void site.restore().catch(() => {});
  });
  client.on('message', (topic, payload) => {
    const gateway = topic.split('/')[2] ?? '';
    sites.get(gateway)?.receive(topic, payload);
  });

  const waitFor = async <T>(
    gateway: string,
    timeoutMs: number,
    what: string,
    pick: (event: GatewayEvent) => T | undefined,
  ): Promise<T> => {
    const site = await siteOf(gateway);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`\`${gateway}\` did not report ${what} within ${timeoutMs} ms; last: ${site.summary()}`));
      }, timeoutMs);
      const stop = site.listen((event) => {
        const found = pick(event);
        if (found === undefined) return;
        clearTimeout(timer);
        queueMicrotask(() => stop());
        resolve(found);
      });
    });
  };

  return {
    async push(gateway, bundle, options = {}) {
      return (await siteOf(gateway)).push(bundle, policyKey, options);
    },
    async lock(gateway, revision, locks, epoch = 1) {
      if (!locksKey) throw new Error('got no key that signs locks, expected `locksKey`');
      const issuedAt = new Date().toISOString();
      const payload = { format: 'gatehouse.locks/1', epoch, revision, audience: [gateway], issuedAt, locks };
      const topic = `gatehouse/v1/${gateway}/policy/locks`;
      await client.publishAsync(topic, signLocks(payload, locksKey), { qos: 1, retain: true });
    },
    async watch(gateway, listener) {
      return (await siteOf(gateway)).listen(listener);
    },
    waitForReport: (gateway, revision, timeoutMs = 30_000) =>
      waitFor(gateway, timeoutMs, `revision ${revision}`, (event) =>
        event.kind === 'report' && event.report.revision === revision ? event.report : undefined,
      ),
    waitForStatus: (gateway, status, timeoutMs = 30_000) =>
      waitFor(gateway, timeoutMs, status, (event) =>
        event.kind === 'state' && event.state.status === status ? event.state : undefined,
      ),
    async close() {
      await client.endAsync(true);
    },
  };
}

/** A small last packet must not wait for the acknowledgement of the one before it. */
function sendAtOnce({ stream }: MqttClient): void {
  if (stream instanceof Socket) stream.setNoDelay(true);
}

/** One gateway as the console sees it. */
class Site {
  readonly #client: MqttClient;
  readonly #gateway: string;
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly #latest = new Map<GatewayEvent['kind'], GatewayEvent>();
  /** Retained chunks on the broker, by hash. */
  readonly #onBroker = new Map<string, Set<string>>();
  #last: { readonly manifest: string; readonly parts: readonly BundlePart[] } | undefined;
  /** Hashes that the last manifest names; undefined before the first push of this console. */
  #named: ReadonlySet<string> | undefined;

  constructor(client: MqttClient, gateway: string) {
    this.#client = client;
    this.#gateway = gateway;
  }

  topic(name: string): string {
    return `gatehouse/v1/${this.#gateway}/${name}`;
  }

  summary(): string {
    return JSON.stringify([...this.#latest.values()]).slice(0, 1000);
  }

  listen(listener: (event: GatewayEvent) => void): () => void {
    this.#listeners.add(listener);
    for (const event of this.#latest.values()) listener(event);
    return () => this.#listeners.delete(listener);
  }

  receive(topic: string, payload: Buffer): void {
    const name = topic.slice(this.topic('').length);
    if (name.startsWith('policy/parts/')) {
      if (payload.length > 0) this.#seeChunk(name.split('/')[2] ?? '', topic);
      return;
    }
    if (payload.length === 0) return;
    const message = JSON.parse(payload.toString()) as unknown;
    const event: GatewayEvent =
      name === 'state'
        ? { kind: 'state', state: message as StateMessage }
        : { kind: 'report', report: message as ReportMessage };
    this.#latest.set(event.kind, event);
    for (const listener of [...this.#listeners]) listener(event);
  }

  async push(bundle: BundleJson, key: SigningKey, options: PushOptions): Promise<Pushed> {
    const { epoch = 1, refreshBy, credentials, settleMs = 0 } = options;
    const { header, parts: readable } = splitBundle(bundle);
    const parts = [...readable, ...(credentials ? [credentials] : [])];
    await this.#settled(parts, settleMs);
    const manifest = signManifest(
      { ...header, epoch, ...(refreshBy === undefined ? {} : { refreshBy }), parts: parts.map(describePart) },
      key,
    );
    const named = new Set(parts.map(({ sha256 }) => sha256));
    this.#named = new Set([...(this.#named ?? []), ...named]);
    this.#last = { manifest, parts };
    const lacking = await this.#publish(manifest, parts);
    this.#named = named;
    await this.#tidy();
    const chunks = lacking.flatMap((part) => part.chunks);
    return {
      epoch,
      revision: Number(bundle.revision),
      manifestSha256: createHash('sha256').update(manifest).digest('hex'),
      bytes: chunks.reduce((sum, chunk) => sum + chunk.length, manifest.length),
      messages: chunks.length + 1,
    };
  }

  async #settled(parts: readonly BundlePart[], mostMs: number): Promise<void> {
    const lacks = () => parts.some(({ sha256, chunks }) => (this.#onBroker.get(sha256)?.size ?? 0) < chunks.length);
    const deadline = performance.now() + mostMs;
    while (lacks() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 25));
  }

  /** After a reconnect: the broker may have lost what it kept. */
  async restore(): Promise<void> {
    this.#onBroker.clear();
    if (this.#last) await this.#publish(this.#last.manifest, this.#last.parts);
  }

  /** Chunks that are not on the broker, then the manifest. Gives the parts that were sent. */
  async #publish(manifest: string, parts: readonly BundlePart[]): Promise<readonly BundlePart[]> {
    const lacking = parts.filter(({ sha256, chunks }) => (this.#onBroker.get(sha256)?.size ?? 0) < chunks.length);
    await Promise.all(lacking.map((part) => this.#publishChunks(part)));
    await this.#client.publishAsync(this.topic('policy/desired'), manifest, { qos: 1, retain: true });
    return lacking;
  }

  async #publishChunks({ sha256, chunks }: BundlePart): Promise<void> {
    await Promise.all(
      chunks.map((chunk, index) =>
        this.#client.publishAsync(this.topic(`policy/parts/${sha256}/${index}`), chunk, { qos: 1, retain: true }),
      ),
    );
  }

  #seeChunk(hash: string, topic: string): void {
    const topics = this.#onBroker.get(hash) ?? new Set();
    this.#onBroker.set(hash, topics.add(topic));
    if (this.#named && !this.#named.has(hash)) void this.#tidy().catch(() => {});
  }

  /** An empty retained message takes a retained one away. */
  async #tidy(): Promise<void> {
    const over = [...this.#onBroker].filter(([hash]) => this.#named?.has(hash) === false);
    for (const [hash] of over) this.#onBroker.delete(hash);
    const topics = over.flatMap(([, held]) => [...held]);
    await Promise.all(topics.map((topic) => this.#client.publishAsync(topic, '', { qos: 1, retain: true })));
  }
}
