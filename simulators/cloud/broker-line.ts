// The console's line to the broker: settings → one connection, what lies retained there, and waiting for an answer.

import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { badInput, failed, messageOf } from './console-exit.ts';
import type { BrokerSettings } from './console-folder.ts';

/** No message for so long: what was retained has come. */
const QUIET_MS = 400;
const CONNECT_MS = 10_000;

/** What mqtt.js takes. Relative files are of `folder`. */
export function mqttOptions(settings: BrokerSettings, folder: string): IClientOptions {
  const { url, username, passwordFile, caFile, certificateFile, keyFile } = settings;
  if (!URL.canParse(url) || !['mqtt:', 'mqtts:'].includes(new URL(url).protocol)) {
    throw badInput(`got broker \`${url}\`, expected \`mqtts://host:port\``);
  }
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw badInput('got one of `certificateFile` and `keyFile`, expected both or none');
  }
  const read = (file: string): Buffer => {
    try {
      return readFileSync(isAbsolute(file) ? file : join(folder, file));
    } catch (error) {
      throw badInput(`could not read \`${file}\`: ${messageOf(error)}`);
    }
  };
  return {
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined
      ? {}
      : {
          password: read(passwordFile)
            .toString('utf8')
            .replace(/\r?\n$/, ''),
        }),
    ...(caFile === undefined ? {} : { ca: read(caFile) }),
    ...(certificateFile === undefined ? {} : { cert: read(certificateFile) }),
    ...(keyFile === undefined ? {} : { key: read(keyFile) }),
    // Spoken by every broker; nothing the console does needs more.
    protocolVersion: 4,
    connectTimeout: CONNECT_MS,
    reconnectPeriod: 1000,
  };
}

export interface Message {
  readonly gateway: string;
  /** Under `gatehouse/v1/{gateway}/`. */
  readonly name: string;
  readonly payload: Buffer;
}

type Listener = (message: Message) => void;

export class BrokerLine {
  readonly #client: MqttClient;
  readonly #listeners = new Set<Listener>();

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('error', () => {});
    client.on('message', (topic, payload) => {
      const [, , gateway = '', ...rest] = topic.split('/');
      for (const listener of [...this.#listeners]) listener({ gateway, name: rest.join('/'), payload });
    });
  }

  static async open(settings: BrokerSettings, folder: string): Promise<BrokerLine> {
    const options = mqttOptions(settings, folder);
    try {
      return new BrokerLine(await connectAsync(settings.url, options, false));
    } catch (error) {
      throw failed(`could not connect to \`${settings.url}\`: ${messageOf(error)}`, error);
    }
  }

  /**
   * Hears of these topics from now on, what is retained first; the function it gives ends that. `+` is every gateway.
   * A topic is listened to once at a time: the broker tells what is retained to a new subscription only.
   */
  async listen(
    gateway: string,
    names: readonly string[],
    listener: Listener,
    qos: 0 | 1 = 1,
  ): Promise<() => Promise<void>> {
    this.#listeners.add(listener);
    const filters = names.map((name) => `gatehouse/v1/${gateway}/${name}`);
    try {
      const granted = await this.#client.subscribeAsync(filters, { qos });
      const denied = granted.filter(({ qos }) => qos > 2);
      if (denied.length > 0) throw new Error(`the broker denied \`${denied.map(({ topic }) => topic).join('`, `')}\``);
    } catch (error) {
      throw failed(messageOf(error), error);
    }
    return async () => {
      this.#listeners.delete(listener);
      await this.#client.unsubscribeAsync(filters).catch(() => {});
    };
  }

  /** What lies retained under these topics, newest of each. */
  async retained(gateway: string, names: readonly string[]): Promise<readonly Message[]> {
    const found = new Map<string, Message>();
    let last = performance.now();
    const hear = (message: Message): void => {
      last = performance.now();
      if (message.payload.length > 0) found.set(`${message.gateway}/${message.name}`, message);
    };
    // QoS 0: a broker queues only so many messages of QoS 1 for one listener (Mosquitto: 1000) and drops the rest.
    const stop = await this.listen(gateway, names, hear, 0);
    last = performance.now();
    while (performance.now() - last < QUIET_MS) await new Promise((resolve) => setTimeout(resolve, 50));
    await stop();
    return [...found.values()];
  }

  async publish(gateway: string, name: string, payload: string | Buffer, retain: boolean): Promise<void> {
    try {
      await this.#client.publishAsync(`gatehouse/v1/${gateway}/${name}`, payload, { qos: 1, retain });
    } catch (error) {
      throw failed(`could not publish \`${name}\` for \`${gateway}\`: ${messageOf(error)}`, error);
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync();
  }
}

/** Retained JSON of one topic by gateway; what is not JSON is left out. */
export function jsonByGateway<T>(messages: readonly Message[], name: string): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const message of messages) {
    if (message.name !== name) continue;
    try {
      found.set(message.gateway, JSON.parse(message.payload.toString('utf8')) as T);
    } catch {
      // A broker that carries nonsense is not the console's to judge.
    }
  }
  return found;
}
