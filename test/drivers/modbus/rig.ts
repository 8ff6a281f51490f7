// The driver between raw clients and the demo plant, with the real gate and policy: everybody has a tool session on a loopback address.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { driver } from '../../../drivers/modbus/driver.ts';
import { plantInventory, type RunningPlant, startPlant } from '../../../simulators/modbus/plant.ts';
import type { AddressIndex, RunningDriver } from '../../../src/contract/driver.ts';
import type { GateControl, SiteRules } from '../../../src/gate/options.ts';
import type { PolicySnapshot } from '../../../src/policy/rights.ts';
import { StageJournal, StageLog, snapshot } from '../../gate/stage.ts';
import { openGate, openSession, realTime, realTimers, siteBundle } from '../gate-stage.ts';

/** Loopback addresses the people work from; all but `nobody` have a tool session. */
export const people = {
  anna: '127.0.0.11',
  ben: '127.0.0.12',
  carla: '127.0.0.13',
  nobody: '127.0.0.66',
} as const;
export type Person = keyof typeof people;

const operate = ['point.read', 'point.write', 'device.view'];

/** Anna may do all, Ben may read and write set points and commands of the air handling unit but not its safety, Carla reads. */
export function rigBundle(
  changes: { revision?: number; grants?: readonly object[]; more?: object; plant?: object } = {},
): object {
  const { devices, points } = { ...plantInventory(), ...changes.plant };
  return siteBundle({
    devices,
    points,
    revision: changes.revision ?? 1,
    users: (['anna', 'ben', 'carla'] as const).map((id) => ({
      id,
      name: id,
      home: 'acme',
      certificates: [`CN=${id}`],
    })),
    more: changes.more,
    filters: [{ id: 'unsafe', expression: 'not safety' }],
    roles: [
      {
        id: 'admin',
        name: 'Admin',
        permissions: [
          ...operate,
          'alarm.view',
          'alarm.threshold',
          'device.configure',
          'device.control',
          'firmware.update',
          'engineering.modify',
        ],
      },
      { id: 'operator', name: 'Operator', permissions: operate, filters: ['unsafe'] },
      { id: 'viewer', name: 'Viewer', permissions: ['point.read', 'device.view'] },
    ],
    grants: changes.grants ?? [
      { to: 'user:anna', role: 'admin', at: 'hq' },
      { to: 'user:ben', role: 'operator', at: 'ahu1' },
      { to: 'user:carla', role: 'viewer', at: 'hq' },
    ],
  });
}

/** A raw client: frames as they are, answers as they come. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #waiting: (() => void)[] = [];
  #closed = false;
  #transaction = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replace(/\s/g, ''), 'hex') : bytes);
  }

  /** The next whole answer as hex without its transaction id, `closed` where the connection ended instead. */
  async answer(): Promise<string> {
    for (;;) {
      if (this.#received.length >= 6) {
        const end = 6 + this.#received.readUInt16BE(4);
        if (this.#received.length >= end) {
          const frame = this.#received.subarray(0, end);
          this.#received = this.#received.subarray(end);
          return frame.toString('hex');
        }
      }
      if (this.#closed) return 'closed';
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends one PDU (hex) to a unit and gives the PDU that answered it, as hex. */
  async ask(unit: number, pdu: string): Promise<string> {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    this.send(adu(this.#transaction, unit, pdu));
    const answer = await this.answer();
    return answer === 'closed' ? answer : answer.slice(14);
  }

  async end(): Promise<void> {
    if (this.#closed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** One MODBUS/TCP frame of a PDU in hex. */
export function adu(transaction: number, unit: number, pdu: string): Buffer {
  const body = Buffer.from(pdu.replace(/\s/g, ''), 'hex');
  const head = Buffer.alloc(7);
  head.writeUInt16BE(transaction, 0);
  head.writeUInt16BE(body.length + 1, 4);
  head.writeUInt8(unit, 6);
  return Buffer.concat([head, body]);
}

export interface RigOptions {
  readonly bundle?: object;
  readonly plant?: Parameters<typeof startPlant>[0];
  /** Changes to the section before it is parsed. */
  readonly section?: (section: Section) => object;
  readonly site?: Partial<SiteRules>;
}

export interface Section {
  readonly listen: readonly object[];
  readonly lines: { readonly [name: string]: object };
  readonly units: readonly object[];
}

export const AHU = 1;
export const CHILLER = 2;
export const METER1 = 11;
export const METER2 = 12;

export class Rig {
  readonly gate: GateControl;
  readonly journal = new StageJournal();
  readonly log = new StageLog();
  readonly plant: RunningPlant;
  readonly driver: RunningDriver;
  #snapshot: PolicySnapshot;
  #clients: RawClient[] = [];

  private constructor(parts: {
    gate: GateControl;
    journal: StageJournal;
    log: StageLog;
    plant: RunningPlant;
    driver: RunningDriver;
    snapshot: PolicySnapshot;
  }) {
    this.gate = parts.gate;
    this.journal = parts.journal;
    this.log = parts.log;
    this.plant = parts.plant;
    this.driver = parts.driver;
    this.#snapshot = parts.snapshot;
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const plant = await startPlant(options.plant);
    const current = snapshot(options.bundle ?? rigBundle());
    const { gate, journal, log } = openGate(current, options.site);
    for (const id of ['anna', 'ben', 'carla'] as const) await openSession(gate, id, people[id]);
    const section: Section = {
      listen: [{ name: 'north', address: '127.0.0.1', port: 0 }],
      lines: {
        ahu: { tcp: { host: '127.0.0.1', port: plant.lines.ahu.port }, timeoutMs: 300 },
        chiller: { tcp: { host: '127.0.0.1', port: plant.lines.chiller.port }, timeoutMs: 300 },
        meters: {
          rtuOverTcp: { host: '127.0.0.1', port: plant.lines.meters.port },
          timeoutMs: 200,
          turnaroundMs: 20,
        },
      },
      units: [
        { unit: AHU, device: 'ahu1' },
        { unit: CHILLER, device: 'chiller1' },
        { unit: METER1, device: 'meter1' },
        { unit: METER2, device: 'meter2' },
      ],
    };
    const parsed = parseSection(options.section?.(section) ?? section);
    const index = await compile(current);
    try {
      const running = await driver.start(parsed, index, { gate, log, clock: realTime, timers: realTimers });
      return new Rig({ gate, journal, log, plant, driver: running, snapshot: current });
    } catch (fault) {
      await plant.stop();
      throw fault;
    }
  }

  get port(): number {
    return this.portOf('north');
  }

  portOf(listener: string): number {
    return this.driver.status().listening.find(({ name }) => name === listener)?.port ?? 0;
  }

  async client(person: Person, listener = 'north'): Promise<RawClient> {
    const socket = connect({
      host: '127.0.0.1',
      port: this.portOf(listener),
      localAddress: people[person],
      noDelay: true,
    });
    const client = new RawClient(socket);
    this.#clients = [...this.#clients.filter(({ closed }) => !closed), client];
    await once(socket, 'connect');
    return client;
  }

  /** A tool session of this person on another address. */
  async claim(person: Person, address: string): Promise<void> {
    await openSession(this.gate, person, address);
  }

  /** Other rights over the same inventory. */
  regrant(grants: readonly object[], revision = 2): void {
    this.#snapshot = snapshot(rigBundle({ grants, revision }), this.#snapshot);
    this.gate.activate(this.#snapshot);
  }

  /** Refusals, outcomes and intents in the journal. */
  get rows(): StageJournal['rows'] {
    return this.journal.rows.bind(this.journal);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.end();
    await this.driver.stop();
    await this.gate.stop();
    await this.plant.stop();
  }
}

export async function compile(policy: PolicySnapshot): Promise<AddressIndex> {
  const compiled = await driver.compileAddresses(policy.inventory, async () => undefined);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.fault));
  return compiled.value.index;
}

export function parseSection(section: unknown): unknown {
  const schema = driver.configuration as { parse(input: unknown): unknown };
  return schema.parse(section);
}
