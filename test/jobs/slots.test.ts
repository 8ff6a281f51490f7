// Writing and putting back in a priority array, on a device that is an array of slots: slot-exact, only what still holds.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Reading, RunningDriver } from '../../src/contract/driver.ts';
import type { Permit } from '../../src/contract/gate.ts';
import type { Shelf, ShelfDocument } from '../../src/contract/shelf.ts';
import type { WriteResult } from '../../src/contract/work.ts';
import { createFoundOverrides } from '../../src/http/found-overrides.ts';
import { createWriter } from '../../src/jobs/batch.ts';
import { createOverrides, type OverrideLedger } from '../../src/jobs/overrides.ts';
import { isSameValue } from '../../src/jobs/plant.ts';
import { restores } from '../../src/jobs/put-back.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { InventoryPoint, PointValue } from '../../src/model/point.ts';
import { ok } from '../../src/model/result.ts';
import { bundle, HOUR, Stage } from '../gate/stage.ts';

interface Write {
  readonly target: TargetHandle;
  readonly value: PointValue;
  readonly priority?: number;
}

/** Sixteen slots a point; the gate is asked as every driver asks it. */
class SlotDriver implements RunningDriver {
  readonly arrays = new Map<TargetHandle, PointValue[]>();
  readonly #stage: Stage;
  readonly failing = new Map<TargetHandle, Outcome>();
  lastWrites: readonly Write[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  array(target: TargetHandle): PointValue[] {
    const known = this.arrays.get(target) ?? Array.from({ length: 16 }, () => null);
    this.arrays.set(target, known);
    return known;
  }

  activate(): void {}
  status() {
    return { listening: [], lines: [], counters: {} };
  }
  async read(targets: readonly TargetHandle[]): Promise<readonly Reading[]> {
    return targets.map((target) => ({
      target,
      ok: true,
      value: this.array(target).find((value) => value !== null) ?? 0,
      at: this.#stage.time.now(),
    }));
  }
  async slots(target: TargetHandle): Promise<readonly PointValue[]> {
    return [...this.array(target)];
  }
  plan(writes: readonly [Write, ...Write[]]) {
    const [first, ...others] = writes;
    const effect = ({ target, value, priority }: Write) => ({
      target,
      asks: 'write' as const,
      value,
      ...(priority !== undefined && { priority }),
    });
    const what = { writes };
    return ok({ what, operation: 'WriteProperty', effects: [effect(first), ...others.map(effect)] as const });
  }
  async perform(permit: Permit<unknown>): Promise<Outcome> {
    const { gate } = this.#stage;
    const old = new Map(permit.readFirst.map((target) => [target, { value: this.array(target)[7] ?? null }]));
    const redeemed = await gate.redeem(permit, old);
    if (!redeemed.redeemed) return { kind: 'withdrawn', reason: redeemed.denial.reason };
    const { writes } = redeemed.change as { readonly writes: readonly Write[] };
    const [failure] = writes.flatMap(({ target }) => this.failing.get(target) ?? []);
    const outcome: Outcome = failure ?? { kind: 'acknowledged' };
    if (!failure) for (const { target, value, priority = 16 } of writes) this.array(target)[priority - 1] = value;
    gate.settle(permit, outcome);
    return outcome;
  }
  async stop(): Promise<void> {}
}

class MemoryShelf implements Shelf {
  readonly #kinds = new Map<string, Map<string, ShelfDocument>>();
  #of(kind: string): Map<string, ShelfDocument> {
    const known = this.#kinds.get(kind) ?? new Map<string, ShelfDocument>();
    this.#kinds.set(kind, known);
    return known;
  }
  async put(kind: string, document: ShelfDocument): Promise<void> {
    this.#of(kind).set(document.id, document);
  }
  async remove(kind: string, id: string): Promise<void> {
    this.#of(kind).delete(id);
  }
  async trim(): Promise<void> {}
  get(kind: string, id: string): ShelfDocument | undefined {
    return this.#of(kind).get(id);
  }
  list(kind: string): ShelfDocument[] {
    return [...this.#of(kind).values()];
  }
  async close(): Promise<void> {}
}

let stage: Stage;
let driver: SlotDriver;
let writer: ReturnType<typeof createWriter>;
let overrides: OverrideLedger;
let drivers: Map<string, RunningDriver>;

beforeEach(() => {
  const document = bundle() as {
    organizations: [{ devices: { address?: object }[]; roles: { priorities?: object }[] }];
  };
  for (const [n, device] of document.organizations[0].devices.entries()) device.address = { slots: { n } };
  stage = Stage.set({}, document);
  driver = new SlotDriver(stage);
  drivers = new Map([['slots', driver]]);
  let ids = 0;
  const services = {
    gate: stage.gate,
    journal: stage.journal,
    shelf: new MemoryShelf(),
    clock: stage.time,
    timers: stage.time,
    log: stage.log,
    drivers,
    inventory: () => stage.gate.policy()?.inventory,
    newId: (kind: string) => {
      ids += 1;
      return `${kind}-${ids}`;
    },
    intentOf: (decision: string) => stage.journal.rows('intent').find((row) => row.decision === decision),
  };
  overrides = createOverrides(services);
  writer = createWriter({ ...services, ledger: overrides });
});

const anna = () => stage.as('anna');
const slot = (id: string, priority = 8): PointValue => driver.array(stage.handle(id))[priority - 1] ?? null;
const statesOf = (result: WriteResult): unknown =>
  result.kind === 'carried-out' ? result.rows.map(({ point, state }) => [point, state]) : result;
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('a batch in priority arrays', () => {
  it('gives each slot its own earlier value, or NULL, where a later device fails', async () => {
    driver.array(stage.handle('vav/sp'))[7] = 17;
    driver.failing.set(stage.handle('chiller/sp'), { kind: 'refused-by-device', answer: 'write-access-denied' });
    const result = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20, priority: 8 },
        { point: 'vav/sp', value: 21, priority: 8 },
        { point: 'ahu/fan', value: 1, priority: 8 },
        { point: 'chiller/sp', value: 9, priority: 8 },
      ],
    });
    expect(statesOf(result)).toEqual([
      ['ahu/sp', 'put-back'],
      ['ahu/fan', 'put-back'],
      ['vav/sp', 'put-back'],
      ['chiller/sp', 'refused-by-device'],
    ]);
    expect([slot('ahu/sp'), slot('vav/sp'), slot('ahu/fan')]).toEqual([null, 17, null]);
  });

  it('has its old values durable before the first write', async () => {
    await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20, priority: 8 },
        { point: 'vav/sp', value: 21, priority: 8 },
      ],
    });
    const kinds = stage.journal.durable.map((row) => (row.kind === 'system' ? row.event : row.kind));
    expect(kinds[0]).toBe('batch-begun');
    expect(stage.journal.durable[0]).toMatchObject({
      detail: { rows: [{ target: 'ahu/sp', old: null, new: 20, priority: 8 }, { target: 'vav/sp' }] },
    });
  });

  it('sends nothing where that cannot be recorded', async () => {
    stage.journal.failing = new Error('disk full');
    const rows = [
      { point: 'ahu/sp', value: 20 },
      { point: 'vav/sp', value: 21 },
    ] as const;
    expect(await writer.write(anna(), { rows })).toMatchObject({ kind: 'unrecorded', why: 'disk full' });
    expect(driver.arrays.size).toBeLessThanOrEqual(2);
    expect(slot('ahu/sp', 16)).toBeNull();
  });

  it('names the row that stands twice, and the one nobody reaches', async () => {
    const result = await writer.write(anna(), {
      rows: [
        { point: 'ahu/sp', value: 20 },
        { point: 'ahu/sp', value: 21 },
        { point: 'nowhere', value: 1 },
      ],
    });
    expect(result).toMatchObject({
      kind: 'faulty',
      rows: [
        { point: 'ahu/sp' },
        { fault: 'the same slot stands in another row' },
        { fault: 'no point of the policy in force' },
      ],
    });
  });
});

describe('an override of a slot', () => {
  it('is relinquished on time, and the other slots stay', async () => {
    driver.array(stage.handle('ahu/sp'))[15] = 18;
    await writer.write(anna(), {
      rows: [{ point: 'ahu/sp', value: 22, priority: 8 }],
      until: stage.time.now() + 2 * HOUR,
    });
    expect([slot('ahu/sp'), slot('ahu/sp', 16)]).toEqual([22, 18]);
    stage.time.pass(2 * HOUR);
    await settled();
    expect([slot('ahu/sp'), slot('ahu/sp', 16)]).toEqual([null, 18]);
    expect(overrides.list()).toMatchObject([{ state: 'released' }]);
  });

  it('that somebody else has overwritten by then is left and said', async () => {
    await writer.write(anna(), { rows: [{ point: 'ahu/sp', value: 22, priority: 8 }], until: stage.time.now() + HOUR });
    driver.array(stage.handle('ahu/sp'))[7] = 15;
    stage.time.pass(HOUR);
    await settled();
    expect(slot('ahu/sp')).toBe(15);
    expect(overrides.list()).toMatchObject([{ state: 'left', why: 'it no longer holds what was written' }]);
  });
});

describe('an override from elsewhere', () => {
  it('is found on the device, with when it was first seen; the gateway’s own are not found again', async () => {
    driver.array(stage.handle('vav/sp'))[7] = 19;
    driver.array(stage.handle('chiller/sp'))[15] = 6;
    const found = createFoundOverrides({
      clock: stage.time,
      timers: stage.time,
      drivers,
      overrides,
      everyMs: HOUR,
      inventory: () => stage.gate.policy()?.inventory,
    });
    await writer.write(anna(), {
      rows: [{ point: 'ahu/sp', value: 22, priority: 8 }],
      until: stage.time.now() + 9 * HOUR,
    });
    stage.time.pass(HOUR);
    for (let point = 0; point < 20; point += 1) {
      await settled();
      stage.time.pass(200);
    }
    expect(found.list()).toMatchObject([{ id: 'found:vav/sp@8', point: 'vav/sp', priority: 8, value: 19 }]);
    found.stop();
  });
});

describe('what is put back', () => {
  const point = (more: Partial<InventoryPoint>): InventoryPoint =>
    ({ class: 'set-point', undo: true, ...more }) as InventoryPoint;

  it('is the old value, NULL in a slot, or nothing', () => {
    const slotted = { point: 'p', holds: 1, priority: 8 };
    const plain = { point: 'p', holds: 1 };
    expect(restores(point({}), { ...plain, before: 5 })).toEqual({ value: 5 });
    expect(restores(point({}), plain)).toBe('the value before is not known');
    expect(restores(point({ class: 'command', undo: false }), { ...plain, before: 5 })).toContain('does not permit');
    expect(restores(point({}), { ...slotted, before: 5 })).toEqual({ value: 5 });
    expect(restores(point({}), slotted)).toEqual({ value: null });
    expect(restores(point({ class: 'command', undo: false }), { ...slotted, before: 5 })).toEqual({ value: null });
  });

  it('is looked for as registers hold it', () => {
    expect(isSameValue(24.1, Math.fround(24.1))).toBe(true);
    expect(isSameValue(5n, 5)).toBe(true);
    expect(isSameValue(Number.NaN, Number.NaN)).toBe(true);
    expect(isSameValue(5n, 6n)).toBe(false);
    expect(isSameValue(true, 1)).toBe(false);
    expect(isSameValue(null, 0)).toBe(false);
    expect(isSameValue(24.1, 24.2)).toBe(false);
  });
});
