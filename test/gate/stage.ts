// A gate on a stage: the real policy kernel, and a clock, timers, journal, log and link layer that the test moves by hand.

import type { Clock, Timers } from '../../src/contract/clock.ts';
import type { Caller, Change, Effect, Peer, Permit } from '../../src/contract/gate.ts';
import { type Journal, type JournalState, JournalUnavailable } from '../../src/contract/journal.ts';
import type { Log, LogLevel } from '../../src/contract/log.ts';
import { createGate } from '../../src/gate/gate.ts';
import type { GateControl, LinkEntry, SiteRules } from '../../src/gate/options.ts';
import { driverName, principalId, type TargetHandle } from '../../src/model/ids.ts';
import type { JournalRow, Who } from '../../src/model/journal-row.ts';
import type { NonEmpty } from '../../src/model/result.ts';
import { parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';

export const START = Date.parse('2026-11-22T08:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export class StageTime implements Clock, Timers {
  wall = START;
  ticks = 0;
  isSure = true;
  /** How much too early timers fire, once. */
  earlyMs = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.ticks;
  }

  sure(): boolean {
    return this.isSure;
  }

  get pending(): number {
    return this.#timers.size;
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { at: this.ticks + delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Lets time pass; timers run in order, unless they are late. */
  pass(ms: number, timersRun = true): void {
    const end = this.ticks + ms;
    while (timersRun) {
      const due = [...this.#timers].filter(({ at }) => at - this.earlyMs <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      const fires = Math.max(this.ticks, due.at - this.earlyMs);
      this.earlyMs = 0;
      this.wall += fires - this.ticks;
      this.ticks = fires;
      this.#timers.delete(due);
      due.run();
    }
    this.wall += end - this.ticks;
    this.ticks = end;
  }
}

/** Durability is the test's: rows wait until `flush`, unless `auto`. */
export class StageJournal implements Journal {
  auto = true;
  current: JournalState = { writable: true };
  /** Appends are refused although the state says writable. */
  failing: Error | string | undefined;
  readonly durable: JournalRow[] = [];
  readonly notes: JournalRow[] = [];
  readonly reserved: JournalRow[] = [];
  readonly #waiting: {
    readonly row: JournalRow;
    readonly done: () => void;
    readonly failed: (cause: unknown) => void;
  }[] = [];
  readonly #listeners = new Set<(state: JournalState) => void>();

  append(row: JournalRow, options?: { readonly reserved?: boolean }) {
    if (options?.reserved) this.reserved.push(row);
    if (this.failing !== undefined) return Promise.reject(this.failing);
    if (!this.current.writable) return Promise.reject(new JournalUnavailable(this.current.why));
    if (this.auto) {
      this.durable.push(row);
      return Promise.resolve({ number: this.durable.length, hash: '' });
    }
    return new Promise<{ number: number; hash: string }>((resolve, reject) => {
      this.#waiting.push({
        row,
        done: () => resolve({ number: this.durable.push(row), hash: '' }),
        failed: reject,
      });
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  flush(): void {
    for (const { done } of this.#waiting.splice(0)) done();
  }

  drop(): void {
    for (const { failed } of this.#waiting.splice(0)) failed(new JournalUnavailable('disk full'));
  }

  note(row: JournalRow): void {
    this.notes.push(row);
  }

  state(): JournalState {
    return this.current;
  }

  setState(state: JournalState): void {
    this.current = state;
    for (const listener of this.#listeners) listener(state);
  }

  onState(listener: (state: JournalState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {}

  rows<Kind extends JournalRow['kind']>(kind: Kind): Extract<JournalRow, { kind: Kind }>[] {
    return [...this.durable, ...this.notes].filter(
      (row): row is Extract<JournalRow, { kind: Kind }> => row.kind === kind,
    );
  }
}

export class StageLog implements Log {
  readonly lines: {
    readonly level: LogLevel;
    readonly event: string;
    readonly text: string;
    readonly fields: object;
  }[] = [];

  write(level: LogLevel, event: string, fields: { readonly [key: string]: unknown }, text: string): void {
    this.lines.push({ level, event, fields, text });
  }

  of(event: string): string[] {
    return this.lines.filter((line) => line.event === event).map(({ text }) => text);
  }
}

interface Overrides {
  readonly [key: string]: unknown;
}

/** Anna may do everything at the site, Ben may read, `bms` and `optimizer` are applications that write set points. */
export function bundle(header: Overrides = {}, organization: Overrides = {}): object {
  const operate = [
    'point.read',
    'point.write',
    'device.view',
    'device.configure',
    'alarm.view',
    'alarm.threshold',
    'alarm.acknowledge',
  ];
  return {
    format: 'gatehouse.policy/1',
    revision: 7,
    audience: ['site-12'],
    issuedAt: new Date(START).toISOString(),
    users: [
      { id: 'anna', name: 'Anna', home: 'acme', certificates: ['CN=anna, O=Acme'] },
      { id: 'ben', name: 'Ben', home: 'acme', certificates: ['sha256:BE'] },
      { id: 'carl', name: 'Carl', home: 'acme', disabled: true, certificates: ['CN=carl'] },
      { id: 'dora', name: 'Dora', home: 'acme', certificates: ['CN=shared,O=Acme'] },
      { id: 'emil', name: 'Emil', home: 'acme', certificates: ['CN=shared, O=Acme'] },
    ],
    applications: [
      { id: 'bms', name: 'Supervisory station', home: 'acme' },
      { id: 'optimizer', name: 'Optimizer', home: 'acme' },
    ],
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        refusedByTool: [],
        locations: [
          { id: 'root', name: 'Acme', kind: 'organization' },
          { id: 'hq', name: 'HQ', parent: 'root', kind: 'site' },
        ],
        devices: [
          { id: 'ahu', name: 'AHU', location: 'hq', firmware: { raw: 'permit' } },
          { id: 'vav', name: 'VAV', location: 'hq', onRevoke: 'finish', firmware: { raw: 'permit' } },
          { id: 'chiller', name: 'Chiller', location: 'hq' },
        ],
        points: [
          {
            id: 'ahu/sp',
            name: 'Set point',
            device: 'ahu',
            class: 'set-point',
            limits: { min: 14, max: 24, step: 0.5 },
          },
          { id: 'ahu/fan', name: 'Fan', device: 'ahu', class: 'command', readBeforeWrite: false },
          { id: 'ahu/kp', name: 'Gain', device: 'ahu', class: 'parameter' },
          { id: 'ahu/hi', name: 'High limit', device: 'ahu', class: 'alarm-limit' },
          { id: 'ahu/fw', name: 'Firmware', device: 'ahu', class: 'firmware' },
          { id: 'ahu/t', name: 'Temperature', device: 'ahu', class: 'sensor' },
          { id: 'ahu/slow', name: 'Slow', device: 'ahu', class: 'set-point', limits: { rate: 2 } },
          { id: 'ahu/sched', name: 'Schedule', device: 'ahu', class: 'set-point', involves: ['vav/sp'] },
          { id: 'vav/sp', name: 'Flow', device: 'vav', class: 'set-point' },
          { id: 'vav/fw', name: 'Firmware', device: 'vav', class: 'firmware' },
          { id: 'vav/kp', name: 'Gain', device: 'vav', class: 'parameter' },
          { id: 'chiller/fw', name: 'Firmware', device: 'chiller', class: 'firmware' },
          { id: 'chiller/sp', name: 'Set point', device: 'chiller', class: 'set-point' },
        ],
        roles: [
          {
            id: 'admin',
            name: 'Admin',
            permissions: [...operate, 'device.control', 'firmware.update', 'engineering.modify'],
          },
          { id: 'operator', name: 'Operator', permissions: operate },
          { id: 'manager', name: 'Manager', permissions: ['org.view'] },
          { id: 'viewer', name: 'Viewer', permissions: ['point.read', 'device.view'] },
        ],
        grants: [
          { to: 'user:anna', role: 'admin', at: 'hq' },
          { to: 'user:ben', role: 'viewer', at: 'hq' },
          { to: 'user:ben', role: 'manager', at: 'root' },
          { to: 'user:dora', role: 'admin', at: 'hq' },
          { to: 'user:emil', role: 'operator', at: 'ahu' },
          { to: 'application:bms', role: 'operator', at: 'hq' },
          { to: 'application:optimizer', role: 'operator', at: 'hq' },
        ],
        ...organization,
      },
    ],
    ...header,
  };
}

export function snapshot(document: object = bundle(), inventoryOf?: PolicySnapshot): PolicySnapshot {
  const parsed = parseBundle(document);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault));
  const inventory = inventoryOf?.inventory ?? compileInventory(parsed.value.document.organizations);
  return snapshotOf(inventory, compileRights(inventory, parsed.value.document), headerOf(parsed.value.document));
}

export const ADMINISTRATOR: Who = {
  principal: null,
  proof: { kind: 'box-administrator', uid: 0 },
  from: '/run/gatehouse/control',
};

export class Stage {
  readonly time = new StageTime();
  readonly journal = new StageJournal();
  readonly log = new StageLog();
  readonly links = new Map<string, LinkEntry>();
  readonly gate: GateControl;
  #ids = 0;

  constructor(site: Partial<SiteRules> = {}) {
    this.gate = createGate({
      journal: this.journal,
      log: this.log,
      clock: this.time,
      timers: this.time,
      links: { lookup: (address) => this.links.get(address) },
      newId: (kind) => {
        this.#ids += 1;
        return `${kind}-${this.#ids}`;
      },
      site: {
        applicationAddresses: [{ address: '192.0.2.50', principal: principalId('bms') }],
        sharedNetworks: ['127.0.0.0/8'],
        neverGated: { peers: ['192.0.2.99'], targets: [] },
        ...site,
      },
    });
  }

  /** A stage whose policy is in force. */
  static set(site: Partial<SiteRules> = {}, document: object = bundle()): Stage {
    const stage = new Stage(site);
    stage.gate.activate(snapshot(document));
    return stage;
  }

  peer(address: string, certificate?: Peer['certificate']): Peer {
    return {
      driver: driverName('modbus'),
      listener: 'north',
      address,
      port: 40_000,
      ...(certificate && { certificate }),
    };
  }

  /** Who writes from their own page. */
  as(principal: string | null, more: Partial<Caller> = {}): Caller {
    return {
      principal: principal === null ? null : principalId(principal),
      channel: 'local',
      proof: principal === null ? { kind: 'none' } : { kind: 'sign-in', session: 's' },
      from: 'page',
      peer: `page of ${principal}`,
      ...more,
    };
  }

  async session(principal: string, address: string, more: object = {}): Promise<Caller> {
    const opened = await this.gate.openSession({
      principal: principalId(principal),
      address,
      forMs: HOUR,
      by: ADMINISTRATOR,
      ...more,
    });
    if (!opened.ok) throw new Error(opened.fault.text);
    return this.gate.callerOf(this.peer(address));
  }

  handle(id: string): TargetHandle {
    const handle = this.gate.policy()?.inventory.find(id);
    if (handle === undefined) throw new Error(`no \`${id}\``);
    return handle;
  }

  effect(id: string, value?: Effect['value'], more: Partial<Effect> = {}): Effect {
    return { target: this.handle(id), asks: 'write', ...(value !== undefined && { value }), ...more };
  }

  change(effects: NonEmpty<Effect>, more: Partial<Change<string>> = {}): Change<string> {
    return { what: 'frame', operation: 'writeMultipleRegisters', effects, ...more };
  }

  write(id: string, value: Effect['value'] = 19, more: Partial<Change<string>> = {}): Change<string> {
    return this.change([this.effect(id, value)], more);
  }

  permit<C>(caller: Caller, change: Change<C>): Permit<C> {
    const judged = this.gate.judge(caller, change);
    if (!judged.permitted) throw new Error(`denied ${judged.denial.reason}: ${judged.denial.text}`);
    return judged.permit;
  }

  reason(caller: Caller, change: Change<unknown>): string {
    const judged = this.gate.judge(caller, change);
    return judged.permitted ? 'permit' : judged.denial.reason;
  }

  /** Judge, redeem, settle: the reason of the denial, or `sent`. */
  async send(caller: Caller, change: Change<unknown>): Promise<string> {
    const judged = this.gate.judge(caller, change);
    if (!judged.permitted) return judged.denial.reason;
    const redeemed = await this.gate.redeem(judged.permit, new Map());
    if (!redeemed.redeemed) return redeemed.denial.reason;
    this.gate.settle(judged.permit, { kind: 'acknowledged' });
    return 'sent';
  }
}
