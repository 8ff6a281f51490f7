// The cloud of a fleet: one connection that pushes one revision to every gateway, hears every report, keeps every journal,
// and after an outage sends again what the broker lost.

import { connectAsync, type MqttClient } from 'mqtt';
import { type BundlePart, describePart, splitBundle } from '../../simulators/cloud/bundle-parts.ts';
import { JournalChain } from '../../simulators/cloud/journal-chain.ts';
import { readGatewayKeys } from '../../simulators/cloud/reading.ts';
import {
  newSigningKey,
  rootPayload,
  type SigningKey,
  signCompact,
  signManifest,
  signRoot,
} from '../../simulators/cloud/signing.ts';
import { siteBundle } from '../cloud/site-bundle.ts';

interface Site {
  readonly id: string;
  readonly manifest: string;
  readonly parts: readonly BundlePart[];
  /** When it reported the revision in force. */
  reportedAt?: number;
  chain?: JournalChain;
  /** A batch that came before the key it is signed with. */
  early?: Buffer;
}

/** Publications on their way to the broker. */
const MOST_IN_FLIGHT = 512;

export class FleetCloud {
  readonly rootText: string;
  readonly revision = 1;
  readonly #policyKey: SigningKey = newSigningKey('policy-1');
  readonly #auditKey: SigningKey = newSigningKey('audit-1');
  readonly #sites = new Map<string, Site>();
  #client: MqttClient | undefined;
  #pushing = false;
  #reported = 0;
  #onReport: (count: number) => void = () => {};
  /** Messages that could not be believed: a fault of the gateway or of this program. */
  readonly disbelieved: string[] = [];

  constructor() {
    const root = ['root-1', 'root-2', 'root-3'].map(newSigningKey);
    const issuedAt = new Date().toISOString();
    this.rootText = signRoot(rootPayload({ issuedAt, root, policy: [this.#policyKey], audit: [this.#auditKey] }), root);
  }

  /** Signs what every gateway is to have in force. */
  prepare(gateways: readonly string[]): void {
    for (const id of gateways) {
      const { header, parts } = splitBundle(siteBundle({ revision: this.revision, gateway: id, points: 20 }));
      const payload = { ...header, epoch: 1, parts: parts.map(describePart) };
      this.#sites.set(id, { id, parts, manifest: signManifest(payload, this.#policyKey) });
    }
  }

  async connect(url: string): Promise<void> {
    const client = await connectAsync(url, { reconnectPeriod: 200, resubscribe: false, protocolVersion: 5 });
    this.#client = client;
    client.on('error', () => {});
    client.on('message', (topic, payload) => this.#receive(topic, payload));
    await this.#subscribe(client);
    client.on('connect', () => void this.#comeBack(client).catch(() => {}));
  }

  /** Sends the revision to all; resolves when the broker has everything, over an outage or not. */
  async push(): Promise<void> {
    this.#pushing = true;
    await this.#publishTo([...this.#sites.values()]);
  }

  reported(): number {
    return this.#reported;
  }

  onReport(listener: (count: number) => void): void {
    this.#onReport = listener;
  }

  /** When the first, the second … gateway reported, in order (`performance.now()`). */
  times(): readonly number[] {
    return [...this.#sites.values()].flatMap(({ reportedAt }) => reportedAt ?? []).sort((a, b) => a - b);
  }

  /** The last row that is kept of every gateway. */
  kept(gateway: string): { readonly number: number; readonly hash: string } {
    return this.#sites.get(gateway)?.chain?.at() ?? { number: 0, hash: '' };
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true);
  }

  async #subscribe(client: MqttClient): Promise<void> {
    const names = ['key', 'policy/reported', 'audit/batch'];
    await client.subscribeAsync(
      names.map((name) => `gatehouse/v1/+/${name}`),
      { qos: 1 },
    );
  }

  /** Those that wait first; then what the broker must keep for whoever comes later. */
  async #comeBack(client: MqttClient): Promise<void> {
    await this.#subscribe(client);
    if (!this.#pushing) return;
    const sites = [...this.#sites.values()];
    await this.#publishTo(sites.filter(({ reportedAt }) => reportedAt === undefined));
    await this.#publishTo(sites.filter(({ reportedAt }) => reportedAt !== undefined));
  }

  async #publishTo(sites: readonly Site[]): Promise<void> {
    const waiting = [...sites];
    const lane = async (): Promise<void> => {
      for (let site = waiting.shift(); site; site = waiting.shift()) await this.#publishSite(site);
    };
    await Promise.all(Array.from({ length: MOST_IN_FLIGHT / 4 }, lane));
  }

  async #publishSite({ id, parts, manifest }: Site): Promise<void> {
    const keep = { qos: 1, retain: true } as const;
    const chunks = parts.flatMap(({ sha256, chunks }) => chunks.map((chunk, index) => ({ sha256, chunk, index })));
    await Promise.all(
      chunks.map(({ sha256, chunk, index }) => this.#publish(`${id}/policy/parts/${sha256}/${index}`, chunk, keep)),
    );
    await this.#publish(`${id}/policy/desired`, manifest, keep);
  }

  async #publish(name: string, payload: string | Buffer, options: { qos: 1; retain: boolean }): Promise<void> {
    await this.#client?.publishAsync(`gatehouse/v1/${name}`, payload, options);
  }

  #receive(topic: string, payload: Buffer): void {
    const [, , id = '', ...rest] = topic.split('/');
    const site = this.#sites.get(id);
    if (!site || payload.length === 0) return;
    const name = rest.join('/');
    try {
      if (name === 'policy/reported') this.#seeReport(site, payload);
      else if (name === 'key') this.#seeKey(site, payload);
      else this.#keepRows(site, payload);
    } catch (error) {
      this.disbelieved.push(`${topic}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #seeReport(site: Site, payload: Buffer): void {
    const { revision, state } = JSON.parse(payload.toString()) as { revision: unknown; state: unknown };
    if (revision !== this.revision || state !== 'active' || site.reportedAt !== undefined) return;
    site.reportedAt = performance.now();
    this.#reported += 1;
    this.#onReport(this.#reported);
  }

  #seeKey(site: Site, payload: Buffer): void {
    site.chain ??= new JournalChain(site.id, readGatewayKeys(payload.toString(), site.id).signing);
    const { early } = site;
    delete site.early;
    if (early) this.#keepRows(site, early);
  }

  #keepRows(site: Site, payload: Buffer): void {
    const { id, chain } = site;
    if (!chain) {
      site.early = payload;
      return;
    }
    chain.take(payload);
    const { number, hash } = chain.at();
    if (number === 0) return;
    const ack = { format: 'gatehouse.ack/1', gateway: id, number, hash, issuedAt: new Date().toISOString() };
    const text = signCompact(ack, 'gatehouse.ack+jws', this.#auditKey);
    void this.#publish(`${id}/audit/ack`, text, { qos: 1, retain: false }).catch(() => {});
  }
}
