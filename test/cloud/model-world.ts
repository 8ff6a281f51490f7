// A gateway's cloud side with its disk, its clock and a broker that does what it likes: what the model test drives.
// The disk outlives the process; the process may die before or after any durable operation.

import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { type BundlePart, makePart } from '../../simulators/cloud/bundle-parts.ts';
import { signCompact } from '../../simulators/cloud/signing.ts';
import type { Command } from '../../src/cloud/command-form.ts';
import { Commands } from '../../src/cloud/commands.ts';
import { Locks } from '../../src/cloud/locks.ts';
import type { ManifestPayload } from '../../src/cloud/manifest.ts';
import type { TrustedRoot } from '../../src/cloud/root.ts';
import { Upload } from '../../src/cloud/upload.ts';
import type { Receipt, StoredRow } from '../../src/contract/journal.ts';
import { ok } from '../../src/model/result.ts';
import { CHAIN_START, canonicalJson, chainHash } from '../../src/store/chain.ts';
import { type CommandDisk, openMemoryCommands } from './memory-commands.ts';
import { Crash, MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { GATEWAY, KEYS, manifestOf, Road } from './road.ts';
import { START, VirtualTime } from './virtual-time.ts';

const instant = (ms: number) => new Date(ms).toISOString();

export const POLICIES = [1, 2, 3, 4, 5].map((revision) => {
  const parts = [makePart('rights', 'acme', { rights: revision }), makePart('rights', 'b', { rights: revision >> 1 })];
  return { revision, parts, manifest: manifestOf(revision, parts) };
});
export const LOCKS = [1, 2, 3].map((revision) => {
  const locks = [{ id: `l${revision}`, why: 'x', principal: 'ben', until: instant(START + 86_400_000) }];
  const payload = {
    format: 'gatehouse.locks/1',
    epoch: 1,
    revision,
    audience: [GATEWAY],
    issuedAt: instant(START - 1),
    locks,
  };
  return Buffer.from(signCompact(payload, 'gatehouse.locks+jws', KEYS.locks));
});
/** Good from two minutes to an hour; the last has the id of the first. */
export const COMMANDS = [2, 10, 30, 60, 60, 60].map((minutes, index) => {
  const jti = `c-${index % 5}`;
  const iat = START / 1000;
  const operation = { op: 'write', target: `p-${index}`, value: index };
  const payload = {
    format: 'gatehouse.command/1',
    jti,
    sub: 'anna',
    aud: GATEWAY,
    iat,
    exp: iat + minutes * 60,
    operation,
  };
  return { jti, text: Buffer.from(signCompact(payload, 'gatehouse.command+jws', KEYS.commands)) };
});

export function flipped(bytes: Buffer, at: number | undefined): Buffer {
  if (at === undefined) return bytes;
  const copy = Buffer.from(bytes);
  const index = at % copy.length;
  copy[index] = (copy[index] ?? 0) ^ (1 << (at % 8));
  return copy;
}

interface Process {
  readonly road: Road;
  readonly locks: Locks;
  readonly commands: Commands;
  readonly upload: Upload;
}

export class World {
  readonly disk = new MemoryDisk();
  readonly commandDisk: CommandDisk = new Map();
  readonly time = new VirtualTime();
  readonly executed: Command[] = [];
  crashes = 0;
  /** Rows of the journal that retention has left; `cloud` is what the cloud keeps. */
  journal: StoredRow[] = [];
  anchor: Receipt = { number: 0, hash: CHAIN_START };
  cloud: StoredRow[] = [];
  /** Batches the broker has taken and not handed on yet. */
  onTheWay: string[] = [];
  /** Durable operations until the process dies; undefined: it lives. */
  #doom: { left: number; readonly when: 'before' | 'after' } | undefined;
  #dead = false;
  #isOnline = false;
  #highest = { policy: 0, locks: 0, locksInForce: 0, cursor: 0 };
  #process: Process | undefined;
  readonly #root: TrustedRoot;
  readonly #mostRows: number;

  /** `mostRows` of a batch: few, so that there are many. */
  constructor(root: TrustedRoot, mostRows = 3) {
    this.#root = root;
    this.#mostRows = mostRows;
  }

  get process(): Process {
    if (!this.#process) throw new Error('the process has not started');
    return this.#process;
  }

  async boot(): Promise<void> {
    this.#dead = false;
    this.#doom = undefined;
    this.#isOnline = false;
    const operation = (when: 'before' | 'after'): void => {
      if (this.#doom?.when === when && this.#doom.left-- <= 0) this.#dead = true;
      if (this.#dead) throw new Crash();
    };
    const store = openMemoryStore(this.disk, operation);
    const road = new Road({ disk: this.disk, store, time: this.time }, this.#root);
    const trust = { root: () => this.#root, before: () => undefined };
    const common = { gateway: GATEWAY, trust, clock: road.clock, log: { write() {} }, store };
    const locks = new Locks({ ...common, setLocks: () => {} });
    const commands = new Commands({
      ...common,
      memory: openMemoryCommands(this.commandDisk, operation),
      policy: () => road.acceptance.active()?.manifest.payload as ManifestPayload | undefined,
      work: async (command) => {
        expect(road.clock.sure()).toBe(true);
        expect(road.clock.now()).toBeLessThan(command.exp * 1000);
        this.executed.push(command);
        this.append(`executed ${command.jti}`);
        return ok({});
      },
      record: (row) => this.append(JSON.stringify(row.detail)),
      send: async () => this.#isOnline,
    });
    await locks.loadStored();
    await road.acceptance.loadStored();
    await commands.load();
    const upload = new Upload({
      ...common,
      keys: { sign: (payload) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.x` },
      journal: {
        rows: ({ after = 0, limit }) =>
          this.journal.filter(({ number }) => number > after).slice(0, Math.min(limit, this.#mostRows)),
        head: () => this.journal.at(-1) ?? (this.anchor.number === 0 ? undefined : this.anchor),
        anchor: () => this.anchor,
      },
      timers: this.time,
      send: async (text) => {
        if (this.#isOnline) this.onTheWay.push(text);
        return this.#isOnline;
      },
      record: () => {},
      changed: () => {},
    });
    this.#process = { road, locks, commands, upload };
  }

  append(text: string): void {
    const row = { kind: 'system', at: START, event: 'x', detail: { text } } as const;
    const { number, hash } = this.journal.at(-1) ?? this.anchor;
    this.journal.push({ number: number + 1, hash: chainHash(hash, canonicalJson(row)), row });
  }

  doom(left: number, when: 'before' | 'after'): void {
    this.#doom = { left, when };
  }

  line(isUp: boolean): void {
    this.#isOnline = isUp;
    if (!isUp) return;
    this.process.upload.up();
    this.process.commands.up();
  }

  /** What the cloud makes of the oldest batch: it keeps what goes on from what it has. */
  deliverBatch(): void {
    const text = this.onTheWay.shift();
    if (text === undefined) return;
    const batch = JSON.parse(text) as { rows: StoredRow[] };
    for (const row of batch.rows) {
      const last = this.cloud.at(-1) ?? { number: 0, hash: CHAIN_START };
      if (row.number <= last.number) continue;
      expect(row.number).toBe(last.number + 1);
      expect(chainHash(last.hash, canonicalJson(row.row))).toBe(row.hash);
      this.cloud.push(row);
    }
  }

  /** An acknowledgement of a row the cloud keeps; `wrong` names a head that never was. */
  ack(back: number, wrong: boolean, flip: number | undefined): void {
    const row = this.cloud.at(-1 - back);
    if (!row && !wrong) return;
    const hash = wrong ? createHash('sha256').update(`${back}`).digest('hex') : row?.hash;
    const number = row?.number ?? 1;
    const payload = { format: 'gatehouse.ack/1', gateway: GATEWAY, number, hash, issuedAt: instant(START - 1) };
    this.process.upload.acknowledged(flipped(Buffer.from(signCompact(payload, 'gatehouse.ack+jws', KEYS.audit)), flip));
  }

  /** Retention: everything acknowledged goes. */
  prune(): void {
    const upTo = this.process.upload.cursor().number;
    const last = this.journal.filter(({ number }) => number <= upTo).at(-1);
    if (!last) return;
    this.anchor = { number: last.number, hash: last.hash };
    this.journal = this.journal.filter(({ number }) => number > upTo);
  }

  async settle(): Promise<void> {
    const { road, locks, commands, upload } = this.process;
    for (let turn = 0; turn < 3; turn += 1) await road.acceptance.idle();
    await locks.idle();
    await commands.idle();
    await upload.settled();
  }

  /** Gives the gateway every part it asks for. */
  async answerWanted(): Promise<void> {
    const { road } = this.process;
    const all: BundlePart[] = POLICIES.flatMap(({ parts }) => parts);
    road.send(all.filter(({ sha256 }) => road.wanted.includes(sha256)));
    await this.settle();
  }

  /** After every step; a process that died is started again. */
  async check(): Promise<void> {
    await this.settle();
    this.#invariants();
    if (!this.#dead) return;
    this.crashes += 1;
    await this.boot();
    this.#invariants();
  }

  #invariants(): void {
    const { road, locks, upload } = this.process;
    const floor = this.disk.policy?.revision ?? 0;
    expect(floor).toBeGreaterThanOrEqual(this.#highest.policy);
    const active = road.acceptance.active();
    if (!this.#dead) expect(active?.snapshot.revision ?? 0).toBe(floor);
    if (active) {
      const signed = POLICIES.find(({ revision }) => revision === active.snapshot.revision);
      expect(road.inForce()).toEqual(signed?.parts.map(({ bytes }) => JSON.parse(bytes.toString())));
    }
    for (const report of road.reports)
      if (report.state === 'active') expect(report.revision ?? 0).toBeLessThanOrEqual(floor);

    const stored = this.disk.settings.get('locks.floor');
    const locksFloor = stored === undefined ? 0 : (JSON.parse(stored) as { revision: number }).revision;
    expect(locksFloor).toBeGreaterThanOrEqual(this.#highest.locks);
    const locksInForce = locks.inForce()?.revision ?? 0;
    expect(locksInForce).toBeGreaterThanOrEqual(this.#highest.locksInForce);
    expect(locksInForce).toBeLessThanOrEqual(locksFloor);

    const orders = this.executed.map(({ operation }) => JSON.stringify(operation));
    expect(new Set(orders).size).toBe(orders.length);

    const cursor = upload.cursor().number;
    expect(cursor).toBeGreaterThanOrEqual(this.#highest.cursor);
    expect(cursor).toBeLessThanOrEqual(this.cloud.at(-1)?.number ?? 0);
    this.#highest = { policy: floor, locks: locksFloor, locksInForce, cursor };
  }
}
