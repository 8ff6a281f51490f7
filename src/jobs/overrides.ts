// The override ledger: what somebody holds for a time, and giving it back when the time is up. Invariants: 1. an entry is
// durable before its change is sent; 2. it is released on time, also after a restart and whoever was revoked since;
// 3. only a slot that still holds what was written is given back, and who writes it since has it; 4. one release at a time for
// each entry.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Caller, Denial, Gate, SentFrame, UndoGate } from '../contract/gate.ts';
import type { Journal } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import { reason } from '../contract/reasons.ts';
import type { Shelf } from '../contract/shelf.ts';
import type { EarlyRelease, Override, OverrideState, Overrides, RowResult } from '../contract/work.ts';
import { type RecordedValue, recordedValue, recordValue } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';
import type { Ledger, OverrideId } from './batch-services.ts';
import { type PlantParts, reachPoint, retryAfterMs } from './plant.ts';
import { putBack } from './put-back.ts';
import { type OwnSlot, takerOf, takesOver } from './takeover.ts';
import type { WorkRecord } from './work-record.ts';

/** setTimeout counts in 31 bits. */
const LONGEST_TIMER_MS = 2_000_000_000;
/** A clock that is set meanwhile tells nobody: how often it is looked at. */
const LOOK_MS = 60_000;
const MOST_ENDED = 500;
/** Each try is a change in the record. */
const AFTER_REFUSAL_MS = 600_000;

interface OverrideServices extends PlantParts, WorkRecord {
  readonly gate: Gate & UndoGate;
  readonly journal: Pick<Journal, 'note'>;
  readonly shelf: Shelf;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  newId(kind: 'job' | 'override'): string;
}

interface Held {
  entry: Override;
  /** The change whose recorded old value is given back: of the first override, where one was put over another. */
  undoes: string;
  holds: PointValue;
  /** Releases that came to nothing, in this run. */
  tries: number;
  timer?: { cancel(): void };
  underWay?: Promise<void>;
}

export interface OverrideLedger extends Overrides, Ledger {
  /** Once the policy and the drivers are there: what came due meanwhile is released. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createOverrides(services: OverrideServices): OverrideLedger {
  const { gate, journal, shelf, clock, timers, log } = services;
  const open = new Map<string, Held>();
  const ended: Override[] = [];
  let stopped = false;

  for (const { body } of shelf.list('override')) {
    const held = fromText(body);
    if (isOpen(held.entry)) open.set(held.entry.id, held);
    else ended.push(held.entry);
  }

  const forget = gate.onFrame(overtake);

  /** Whoever writes a slot by their own tool holds it from then on, whatever they write. */
  function overtake(frame: SentFrame): void {
    for (const held of [...open.values()]) {
      if (held.entry.state !== 'pending' && takesOver(slotOf(held), frame, 'slot')) {
        void close(held, 'superseded', reason('by-change', { decision: frame.decision }));
      }
    }
  }

  /** What was sent before the entry stood, or while nobody listened. */
  async function overtakenMeanwhile(held: Held): Promise<boolean> {
    const taker = takerOf(services, slotOf(held), held.entry.decision, 'slot');
    if (taker !== undefined) await close(held, 'superseded', reason('by-change', { decision: taker }));
    return taker !== undefined;
  }

  async function save(held: Held): Promise<void> {
    const { entry } = held;
    await shelf.put('override', { id: entry.id, at: entry.since, body: toText(held) });
  }

  async function close(held: Held, state: OverrideState, why?: string): Promise<void> {
    held.timer?.cancel();
    // Superseded while its release was under way.
    if (!isOpen(held.entry)) return;
    const { why: _before, ...rest } = held.entry;
    held.entry = { ...rest, state, ...(why !== undefined && { why }) };
    open.delete(held.entry.id);
    ended.push(held.entry);
    const oldest = ended.length > MOST_ENDED ? ended.shift() : undefined;
    const { id, point, owner } = held.entry;
    const detail = { override: id, target: point, owner, state, ...(why !== undefined && { why }) };
    journal.note({ kind: 'system', at: clock.now(), event: 'override-ended', detail });
    await saveAfterwards(held);
    if (oldest) await shelf.remove('override', oldest.id).catch(() => {});
  }

  /** What has happened already is not undone by a disk that is full: after a restart the slot itself is looked at. */
  async function saveAfterwards(held: Held): Promise<void> {
    await save(held).catch((error: unknown) => {
      const { id } = held.entry;
      const why = String(error);
      log.write('error', 'override.not-saved', { override: id, why }, `override \`${id}\` could not be saved: ${why}`);
    });
  }

  function plan(held: Held, delayMs = held.entry.until - clock.now()): void {
    held.timer?.cancel();
    if (stopped) return;
    const longest = held.entry.state === 'active' ? LOOK_MS : LONGEST_TIMER_MS;
    const wait = Math.min(Math.max(0, delayMs), longest);
    held.timer = timers.after(wait, () => {
      if (held.entry.until > clock.now() && held.entry.state === 'active') plan(held);
      else void releaseNow(held);
    });
  }

  /** Never rejects; resolves when it was tried once. */
  function releaseNow(held: Held): Promise<void> {
    held.underWay ??= tryRelease(held)
      .catch((error: unknown) => wait(held, error instanceof Error ? error.message : String(error)))
      .finally(() => {
        delete held.underWay;
      });
    return held.underWay;
  }

  async function tryRelease(held: Held): Promise<void> {
    const intent = services.intentOf(held.undoes);
    if (!isOpen(held.entry)) return;
    if (intent === undefined) return close(held, 'left', reason('record-gone'));
    const { before, decision } = held.entry;
    const slot = { ...slotOf(held), decision, ...(before !== undefined && { before }) };
    const done = await putBack(services, 'release', slot, (change) => gate.undoRecorded(intent, change));
    if (done.kind === 'failed') return wait(held, done.why, done.refused);
    await close(held, done.kind === 'left' ? 'left' : 'released', 'why' in done ? done.why : undefined);
  }

  function wait(held: Held, why: string, refused?: true): void {
    if (held.entry.why !== why) {
      const { id, point } = held.entry;
      log.write('warn', 'override.waiting', { override: id, point, why }, `override of \`${point}\` waits: ${why}`);
    }
    held.entry = { ...held.entry, state: 'releasing', why };
    plan(held, refused ? AFTER_REFUSAL_MS : retryAfterMs(held.tries));
    held.tries += 1;
  }

  /** Somebody wrote the slot while the rest of the batch was under way: theirs gives back what was there before both. */
  async function putUnder(held: Held, above: Held, row: RowResult): Promise<void> {
    const { before } = above.entry;
    if (before !== undefined && isSameValue(before, row.readBack ?? row.wanted)) {
      const { before: _theirs, ...entry } = above.entry;
      above.undoes = held.undoes;
      above.entry = { ...entry, ...(row.old !== undefined && { before: row.old }) };
      await saveAfterwards(above);
    }
    await close(held, 'superseded', reason('by-override', { id: above.entry.id }));
  }

  return {
    list: () => [...[...open.values()].map(({ entry }) => entry), ...[...ended].reverse()],
    get: (id) => open.get(id)?.entry ?? ended.find((entry) => entry.id === id),

    async open(caller, decision, rows) {
      const ids: OverrideId[] = [];
      for (const { row, reached, until } of rows) {
        if (until === undefined) {
          ids.push(undefined);
          continue;
        }
        const id = services.newId('override');
        const held: Held = {
          entry: {
            id,
            point: row.point,
            device: reached.device.id,
            owner: caller.principal ?? '',
            value: row.value,
            since: clock.now(),
            until,
            state: 'pending',
            decision,
            ...(row.priority !== undefined && { priority: row.priority }),
          },
          undoes: decision,
          holds: row.value,
          tries: 0,
        };
        await save(held);
        open.set(id, held);
        ids.push(id);
      }
      return ids;
    },

    async begun(ids, planned, rows: readonly RowResult[]) {
      for (const [at, row] of rows.entries()) {
        const id = ids[at];
        const held = id === undefined ? undefined : open.get(id);
        const priority = planned[at]?.row.priority;
        const below = [...open.values()].find(
          // One that is not written yet comes behind this one.
          ({ entry }) =>
            entry.id !== id && entry.state !== 'pending' && entry.point === row.point && entry.priority === priority,
        );
        const isOver = below !== undefined && services.isBefore(row.decision, below.entry.decision);
        if (held === undefined) {
          // Whether it was carried out is not known: then the slot itself is looked at in its time.
          const isTaken = below && !isOver && row.state !== 'unknown';
          if (isTaken) await close(below, 'superseded', reason('by-change', { decision: row.decision }));
          continue;
        }
        if (below && isOver) {
          await putUnder(held, below, row);
          continue;
        }
        // Put over another one that the slot still held: the release gives back what was there before both.
        const inherits = below !== undefined && row.old !== undefined && isSameValue(row.old, below.holds);
        const before = inherits ? below.entry.before : row.old;
        held.undoes = inherits ? below.undoes : held.undoes;
        held.holds = row.readBack ?? row.wanted;
        held.entry = { ...held.entry, state: 'active', ...(before !== undefined && { before }) };
        await saveAfterwards(held);
        if (below) await close(below, 'superseded', reason('by-override', { id: held.entry.id }));
        if (!(await overtakenMeanwhile(held))) plan(held);
      }
    },

    async dropped(ids) {
      const known = ids.filter((id) => id !== undefined);
      for (const id of known) {
        open.get(id)?.timer?.cancel();
        open.delete(id);
      }
      for (const id of known) await shelf.remove('override', id);
    },

    idsOf: (decision) => [...open.values()].flatMap(({ entry }) => (entry.decision === decision ? [entry.id] : [])),

    async release(caller: Caller, id: string): Promise<EarlyRelease> {
      const held = open.get(id);
      if (held === undefined) return { kind: 'unknown' };
      if (caller.principal !== held.entry.owner) {
        const denial = objection(caller, held);
        if (denial) return { kind: 'denied', denial: { ...denial, decisionId: refused(caller, held.entry, denial) } };
      }
      const { point, owner } = held.entry;
      const detail = { override: id, target: point, owner, by: caller.principal, from: caller.from };
      journal.note({ kind: 'system', at: clock.now(), event: 'override-release-asked', detail });
      // Before it is written there is nothing to give back: it ends as soon as it stands.
      if (held.entry.state === 'pending') held.entry = { ...held.entry, until: clock.now() };
      else await releaseNow(held);
      const { entry } = held;
      return { kind: entry.state === 'released' ? 'released' : isOpen(entry) ? 'waiting' : 'left', override: entry };
    },

    async start() {
      for (const held of [...open.values()]) {
        // Died between the entry and the change: what was never recorded was never sent.
        const intent = services.intentOf(held.entry.decision);
        if (held.entry.state === 'pending') {
          if (intent === undefined) {
            open.delete(held.entry.id);
            await shelf.remove('override', held.entry.id);
            continue;
          }
          const old = intent.effects.find(({ target }) => target === held.entry.point)?.old;
          held.entry = { ...held.entry, state: 'active', ...(old !== undefined && { before: recordedValue(old) }) };
          await saveAfterwards(held);
        }
        if (!(await overtakenMeanwhile(held))) plan(held);
      }
    },

    async stop() {
      stopped = true;
      forget();
      for (const { timer } of open.values()) timer?.cancel();
      await Promise.all([...open.values()].map(({ underWay }) => underWay));
    },
  };

  function refused(caller: Caller, { id, point }: Override, { reason, text }: ReturnType<typeof unreachable>) {
    const reached = reachPoint(services, point);
    return gate.refuse(caller, {
      operation: 'release-override',
      reason,
      detail: `override \`${id}\`: ${text}`,
      ...(typeof reached !== 'string' && { target: reached.point.handle }),
    });
  }

  function objection(caller: Caller, { entry }: Held): Omit<Denial, 'decisionId'> | undefined {
    const reached = reachPoint(services, entry.point);
    if (typeof reached === 'string') return unreachable(reached);
    const { priority, before } = entry;
    const value = priority === undefined ? (before ?? entry.value) : null;
    const write = { target: reached.point.handle, value, ...(priority !== undefined && { priority }) };
    const planned = reached.driver.plan([write]);
    return planned.ok ? gate.preview(caller, planned.value) : unreachable('it cannot be written');
  }
}

const unreachable = (text: string): Omit<Denial, 'decisionId'> => ({ reason: 'unknown-point', verdicts: [], text });

const slotOf = ({ entry: { point, priority }, holds }: Held): OwnSlot => ({
  point,
  holds,
  ...(priority !== undefined && { priority }),
});

const isOpen = ({ state }: Override): boolean => state === 'pending' || state === 'active' || state === 'releasing';

interface Stored extends Omit<Override, 'value' | 'before'> {
  readonly undoes: string;
  readonly holds: RecordedValue;
  readonly value: RecordedValue;
  readonly before?: RecordedValue;
}

function toText({ entry, undoes, holds }: Held): string {
  const { value, before, ...rest } = entry;
  return JSON.stringify({
    ...rest,
    undoes,
    holds: recordValue(holds),
    value: recordValue(value),
    ...(before !== undefined && { before: recordValue(before) }),
  });
}

function fromText(body: string): Held {
  const { undoes, holds, value, before, ...rest } = JSON.parse(body) as Stored;
  return {
    entry: { ...rest, value: recordedValue(value), ...(before !== undefined && { before: recordedValue(before) }) },
    undoes,
    holds: recordedValue(holds),
    tries: 0,
  };
}
