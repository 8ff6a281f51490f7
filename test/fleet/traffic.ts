// What went through the broker, by its own count ($SYS), over as many lives as it had.

import { connectAsync, type MqttClient } from 'mqtt';

interface Traffic {
  /** MQTT packets, both ways. */
  readonly messages: number;
  readonly bytes: number;
}

const COUNTERS = ['messages/received', 'messages/sent', 'bytes/received', 'bytes/sent'] as const;

/** The broker says its counts once a second: what happened in the last second of a life that was cut short is missing. */
export class TrafficCount {
  readonly #client: MqttClient;
  readonly #before = new Map<string, number>();
  readonly #now = new Map<string, number>();

  private constructor(client: MqttClient) {
    this.#client = client;
    const topics = COUNTERS.map((name) => `$SYS/broker/${name}`);
    client.on('error', () => {});
    client.on('message', (topic, payload) => this.#see(topic, Number(payload.toString())));
    client.on('connect', () => void client.subscribeAsync(topics).catch(() => {}));
  }

  static async start(url: string): Promise<TrafficCount> {
    const client = await connectAsync(url, { reconnectPeriod: 200, protocolVersion: 5 });
    const count = new TrafficCount(client);
    await client.subscribeAsync(COUNTERS.map((name) => `$SYS/broker/${name}`));
    return count;
  }

  total(): Traffic {
    const sum = (what: string): number =>
      [this.#before, this.#now].reduce(
        (all, counts) => all + [...counts].reduce((some, [topic, n]) => some + (topic.includes(what) ? n : 0), 0),
        0,
      );
    return { messages: sum('/messages/'), bytes: sum('/bytes/') };
  }

  async stop(): Promise<void> {
    await this.#client.endAsync(true);
  }

  /** A count that falls is one of a new life. */
  #see(topic: string, value: number): void {
    const last = this.#now.get(topic) ?? 0;
    if (value < last) this.#before.set(topic, (this.#before.get(topic) ?? 0) + last);
    this.#now.set(topic, value);
  }
}
