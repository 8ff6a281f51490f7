// The line to the broker: one attempt after another, with jittered back-off. Invariants: 1. an attempt is a client of its
// own, so nothing of a broken one lives on; 2. what is kept published is sent again on every connection, the latest only;
// 3. of no packet more than the bound is read; 4. a broker that cannot speak MQTT 5 is spoken to in 3.1.1.

import { type IClientOptions, type IConnackPacket, MqttClient } from 'mqtt';
import type { Timers } from '../contract/clock.ts';
import type { Log } from '../contract/log.ts';
import { type BrokerSettings, openSocket, parseBrokerUrl, readCredentials } from './broker-address.ts';
import { MAX_MESSAGE_BYTES } from './manifest.ts';
import { guardPackets } from './packet-guard.ts';

/** A payload, its topic and what MQTT 5 adds to a packet. */
const MOST_PACKET_BYTES = MAX_MESSAGE_BYTES + 16_384;
/** AWS IoT Core takes no more of them in one packet, the other large brokers more. */
const MOST_FILTERS = 8;
const SESSION_SECONDS = 7 * 86_400;
const STOP_MS = 2_000;
/** A connection that stood this long starts the back-off anew. */
const STOOD_MS = 10_000;

export interface ConnectionTiming {
  /** The first pause is up to this long; every further one up to twice as much. */
  readonly firstMs: number;
  readonly mostMs: number;
  readonly connectMs: number;
  readonly keepaliveSeconds: number;
}

export const USUAL_TIMING: ConnectionTiming = {
  firstMs: 1_000,
  mostMs: 60_000,
  connectMs: 15_000,
  keepaliveSeconds: 30,
};

interface ConnectionOptions {
  readonly settings: BrokerSettings;
  readonly clientId: string;
  readonly timing: ConnectionTiming;
  readonly timers: Timers;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Published by the broker, retained, when this end is gone without a word. */
  readonly will: { readonly topic: string; readonly payload: string };
  /** Filters of every connection. */
  readonly subscriptions: readonly string[];
  readonly message: (topic: string, payload: Uint8Array) => void;
  /** The line is up and everything is subscribed to. */
  readonly connected?: () => void;
}

export type LinkState =
  | { readonly is: 'connecting' }
  | { readonly is: 'connected'; readonly mqtt: '5' | '3.1.1' }
  | { readonly is: 'waiting'; readonly why: string }
  | { readonly is: 'stopped' };

interface KeptMessage {
  payload: string;
  sent: boolean;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #address: ReturnType<typeof parseBrokerUrl>;
  /** Retained messages of this end by topic; the latest only. */
  readonly #kept = new Map<string, KeptMessage>();
  #extra: readonly string[] = [];
  #client: MqttClient | undefined;
  #state: LinkState = { is: 'connecting' };
  #mqtt5 = true;
  #failures = 0;
  #retry: { cancel(): void } | undefined;
  #stood: { cancel(): void } | undefined;
  #publishing = false;
  #idle: (() => void) | undefined;
  /** Messages that the broker has not confirmed yet. */
  readonly #unconfirmed = new Set<(confirmed: boolean) => void>();

  /** @throws StartFault `cloud-settings` for an address or a file that is wrong already. */
  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#address = parseBrokerUrl(options.settings.url);
    readCredentials(options.settings);
    if (options.settings.passwordFile && !this.#address.tls) {
      const text = 'the broker’s password travels readable: expected `mqtts://`';
      options.log.write('warn', 'cloud.password-readable', { url: options.settings.url }, text);
    }
  }

  start(): void {
    this.#attempt();
  }

  state(): LinkState {
    return this.#state;
  }

  /** Keeps this as the retained message of the topic: now, and again on every connection. */
  keep(topic: string, payload: string): void {
    this.#kept.set(topic, { payload, sent: false });
    this.#flush();
  }

  /**
   * Publishes once, not retained: true when the broker has it; false where there is no line, it went, or the broker said no.
   * `correlation` only repeats what the payload says.
   */
  send(topic: string, payload: string, correlation?: string): Promise<boolean> {
    const client = this.#state.is === 'connected' ? this.#client : undefined;
    if (!client) return Promise.resolve(false);
    const named = this.#mqtt5 && correlation !== undefined;
    return new Promise((resolve) => {
      this.#unconfirmed.add(resolve);
      const options = {
        qos: 1,
        ...(named ? { properties: { correlationData: Buffer.from(correlation) } } : {}),
      } as const;
      client.publish(topic, payload, options, (error) => {
        this.#unconfirmed.delete(resolve);
        resolve(!error);
      });
    });
  }

  /** Filters beside the fixed ones. A filter that is named again is subscribed again: retained messages come anew. */
  subscribeAlso(filters: readonly string[]): void {
    const client = this.#state.is === 'connected' ? this.#client : undefined;
    const over = this.#extra.filter((filter) => !filters.includes(filter));
    this.#extra = [...filters];
    if (!client) return;
    for (const some of inPackets(over)) client.unsubscribe(some, () => {});
    this.#subscribe(client, filters);
  }

  /** Publishes what is kept, says goodbye, and does not come back. */
  async stop(): Promise<void> {
    this.#retry?.cancel();
    this.#stood?.cancel();
    if (this.#state.is === 'connected') {
      await this.#within(STOP_MS, (done) => {
        this.#idle = done;
        this.#flush();
      });
    }
    this.#retry?.cancel();
    const client = this.#client;
    const said = this.#state.is === 'connected' && !this.#publishing;
    this.#client = undefined;
    this.#state = { is: 'stopped' };
    if (!client) return;
    await this.#within(STOP_MS, (done) => client.end(!said, {}, done));
    abandon(client);
    this.#giveUp();
  }

  #within(mostMs: number, work: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const late = this.#options.timers.after(mostMs, resolve);
      work(() => {
        late.cancel();
        resolve();
      });
    });
  }

  #attempt(): void {
    const { settings, timing, clientId, will, log } = this.#options;
    this.#state = { is: 'connecting' };
    let client: MqttClient;
    try {
      const credentials = readCredentials(settings);
      const options: IClientOptions = {
        clientId,
        clean: false,
        resubscribe: false,
        reconnectPeriod: 0,
        connectTimeout: timing.connectMs,
        keepalive: timing.keepaliveSeconds,
        timerVariant: 'native',
        protocolVersion: this.#mqtt5 ? 5 : 4,
        will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true },
        ...(credentials.username === undefined ? {} : { username: credentials.username }),
        ...(credentials.password === undefined ? {} : { password: credentials.password }),
        ...(this.#mqtt5
          ? { properties: { sessionExpiryInterval: SESSION_SECONDS, maximumPacketSize: MOST_PACKET_BYTES } }
          : {}),
      };
      client = new MqttClient(() => {
        const socket = guardPackets(openSocket(this.#address, credentials), MOST_PACKET_BYTES);
        socket.on('error', (error) => this.#failed(client, error));
        return socket;
      }, options);
    } catch (error) {
      this.#wait(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#client = client;
    client.on('connect', (packet) => this.#connected(client, packet));
    client.on('message', (topic, payload) => {
      if (this.#client === client) this.#options.message(topic, payload);
    });
    client.on('error', (error) => this.#failed(client, error));
    client.on('disconnect', ({ reasonCode }) =>
      this.#failed(client, new Error(`the broker said goodbye (reason ${reasonCode ?? 0})`)),
    );
    client.on('close', () => this.#failed(client, new Error('the connection was closed')));
    log.write('debug', 'cloud.connecting', { url: settings.url }, `connecting to \`${settings.url}\``);
  }

  #connected(client: MqttClient, { sessionPresent }: IConnackPacket): void {
    if (this.#client !== client) return;
    const { log, timers, settings, subscriptions } = this.#options;
    const mqtt = this.#mqtt5 ? '5' : '3.1.1';
    this.#state = { is: 'connected', mqtt };
    this.#stood = timers.after(STOOD_MS, () => {
      this.#failures = 0;
    });
    const text = `connected to \`${settings.url}\` by MQTT ${mqtt}`;
    log.write('info', 'cloud.connected', { url: settings.url, mqtt, sessionPresent }, text);
    this.#subscribe(client, [...subscriptions, ...this.#extra]);
    this.#publishing = false;
    for (const message of this.#kept.values()) message.sent = false;
    this.#flush();
    this.#options.connected?.();
  }

  #subscribe(client: MqttClient, filters: readonly string[]): void {
    for (const some of inPackets(filters)) {
      client.subscribe(some, { qos: 1 }, (error, granted) => {
        const denied = granted?.filter(({ qos }) => qos > 2).map(({ topic }) => topic) ?? [];
        if (!error && denied.length === 0) return;
        const what = denied.length > 0 ? `\`${denied.join('`, `')}\`` : (error?.message ?? '');
        this.#failed(client, new Error(`the broker denied a subscription: ${what}`));
      });
    }
  }

  /** One kept message at a time, so that a slow broker gets the latest of each and never a backlog. */
  #flush(): void {
    const client = this.#client;
    if (!client || this.#state.is !== 'connected' || this.#publishing) return;
    const next = [...this.#kept].find(([, message]) => !message.sent);
    if (!next) {
      this.#idle?.();
      return;
    }
    const [topic, message] = next;
    message.sent = true;
    this.#publishing = true;
    client.publish(topic, message.payload, { qos: 1, retain: true }, (error) => {
      if (this.#client !== client) return;
      this.#publishing = false;
      if (!error) this.#flush();
      else if (typeof (error as { code?: unknown }).code === 'number') {
        // The broker's own no (MQTT 5): policy still comes down, so the line stays.
        const text = `the broker denied \`${topic}\`: ${error.message}`;
        this.#options.log.write('error', 'cloud.publish-denied', { topic, why: error.message }, text);
        this.#flush();
      } else this.#failed(client, error);
    });
  }

  #failed(client: MqttClient, error: Error): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#stood?.cancel();
    abandon(client);
    this.#giveUp();
    // 1: CONNACK of MQTT 3.1.1, 132: of MQTT 5: this version is not spoken here.
    const code = (error as { code?: unknown }).code;
    if (this.#mqtt5 && (code === 1 || code === 132)) {
      this.#mqtt5 = false;
      this.#attempt();
      return;
    }
    const wasConnected = this.#state.is === 'connected';
    const { log, settings } = this.#options;
    const fields = { url: settings.url, why: error.message };
    if (wasConnected) log.write('warn', 'cloud.lost', fields, `lost \`${settings.url}\`: ${error.message}`);
    else log.write('warn', 'cloud.unreachable', fields, `could not reach \`${settings.url}\`: ${error.message}`);
    this.#wait(error.message);
    this.#idle?.();
  }

  #giveUp(): void {
    const waiting = [...this.#unconfirmed];
    this.#unconfirmed.clear();
    for (const resolve of waiting) resolve(false);
  }

  #wait(why: string): void {
    const { timing, random, timers } = this.#options;
    this.#state = { is: 'waiting', why };
    const most = Math.min(timing.mostMs, timing.firstMs * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    // Never below a tenth: a broker that comes back must not be met by everybody at once, nor by one in a tight loop.
    this.#retry = timers.after(Math.ceil(most * (0.1 + 0.9 * random())), () => this.#attempt());
  }
}

function inPackets(filters: readonly string[]): string[][] {
  const packets = Math.ceil(filters.length / MOST_FILTERS);
  return Array.from({ length: packets }, (_, index) => filters.slice(index * MOST_FILTERS, (index + 1) * MOST_FILTERS));
}

/** Our own listeners look at whose turn it is; the library's must stay, or its timers outlive the connection. */
function abandon(client: MqttClient): void {
  client.on('error', () => {});
  client.end(true);
}
