// Mosquitto sized for a fleet, which can be killed as a machine that loses power is, and comes back on its port.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../simulators/free-port.ts';
import { type RunningProgram, start } from '../scenarios/peers/program.ts';

/** What a broker for many gateways must be told, beside where to listen (README, Brokers). */
const FOR_MANY = [
  'max_connections -1',
  // The console hears of every gateway at once: nothing of that may be dropped.
  'max_queued_messages 0',
  'max_inflight_messages 0',
  'max_packet_size 131072',
  'set_tcp_nodelay true',
  'sys_interval 1',
  'persistence false',
];

export class FleetBroker {
  readonly port: number;
  readonly #folder: string;
  #running: RunningProgram;

  private constructor(port: number, folder: string, running: RunningProgram) {
    this.port = port;
    this.#folder = folder;
    this.#running = running;
  }

  static async start(): Promise<FleetBroker> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-fleet-'));
    const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'log_type information', 'log_type error'];
    await writeFile(
      join(folder, 'mosquitto.conf'),
      `${[...lines, 'connection_messages false', ...FOR_MANY].join('\n')}\n`,
    );
    try {
      return new FleetBroker(port, folder, await FleetBroker.#run(folder));
    } catch (fault) {
      await rm(folder, { recursive: true, force: true });
      throw fault;
    }
  }

  static #run(folder: string): Promise<RunningProgram> {
    return start('mosquitto', ['-c', join(folder, 'mosquitto.conf')], (output) => output.includes(' running'));
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Everything it kept is gone: retained messages, sessions, queues. */
  async kill(): Promise<void> {
    await this.#running.kill();
  }

  async again(): Promise<void> {
    this.#running = await FleetBroker.#run(this.#folder);
  }

  async stop(): Promise<void> {
    await this.#running.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
