// A device of priority arrays, and a shelf in memory: what jobs are tested against.

import type { Performed, Reading, RunningDriver } from '../../src/contract/driver.ts';
import type { Permit } from '../../src/contract/gate.ts';
import { type Holds, objectionTo } from '../../src/contract/holds.ts';
import type { Shelf, ShelfDocument } from '../../src/contract/shelf.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { PointValue } from '../../src/model/point.ts';
import { ok } from '../../src/model/result.ts';
import type { Stage } from '../gate/stage.ts';

interface Write {
  readonly target: TargetHandle;
  readonly value: PointValue;
  readonly priority?: number;
}

/** Sixteen slots a point; the gate is asked as every driver asks it. */
export class SlotDriver implements RunningDriver {
  readonly arrays = new Map<TargetHandle, PointValue[]>();
  readonly #stage: Stage;
  readonly failing = new Map<TargetHandle, Outcome>();
  /** Between the last look at a slot and the turn of a change. */
  beforeTurn: () => void = () => {};

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
    const effect = ({ target, value, priority = 16 }: Write) => ({ target, asks: 'write' as const, value, priority });
    const what = { writes };
    return ok({ what, operation: 'WriteProperty', effects: [effect(first), ...others.map(effect)] as const });
  }
  async perform(permit: Permit<unknown>, holds: Holds = new Map()): Promise<Performed> {
    const { gate } = this.#stage;
    this.beforeTurn();
    const priorityOf = (target: TargetHandle) => permit.effects.find((each) => each.target === target)?.priority ?? 16;
    const old = new Map(
      permit.readFirst.map((target) => [target, { value: this.array(target)[priorityOf(target) - 1] ?? null }]),
    );
    const now = new Map([...holds.keys()].map((at) => [at, { value: this.array(at)[priorityOf(at) - 1] ?? null }]));
    const objection = objectionTo(holds, now);
    if (objection) {
      gate.abandon(permit, objection.why);
      return { outcome: { kind: 'not-sent', why: objection.why }, overtaken: true };
    }
    const redeemed = await gate.redeem(permit, old);
    if (!redeemed.redeemed) return { outcome: { kind: 'withdrawn', reason: redeemed.denial.reason } };
    const { writes } = redeemed.change as { readonly writes: readonly Write[] };
    const [failure] = writes.flatMap(({ target }) => this.failing.get(target) ?? []);
    const outcome: Outcome = failure ?? { kind: 'acknowledged' };
    if (!failure) for (const { target, value, priority = 16 } of writes) this.array(target)[priority - 1] = value;
    if (failure) gate.settle(permit, outcome);
    if (failure) return { outcome };
    const after = writes.map(
      ({ target, priority = 16 }) => [target, this.array(target)[priority - 1] ?? null] as const,
    );
    gate.settle(permit, outcome, new Map(after));
    return { outcome, readBack: new Map(after.map(([target, value]) => [target, { value }])) };
  }
  async stop(): Promise<void> {}
}

export class MemoryShelf implements Shelf {
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
  get(kind: string, id: string): ShelfDocument | undefined {
    return this.#of(kind).get(id);
  }
  list(kind: string): ShelfDocument[] {
    return [...this.#of(kind).values()];
  }
  async close(): Promise<void> {}
}
