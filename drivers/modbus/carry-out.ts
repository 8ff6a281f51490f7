// Permit ─► device: one permitted change in its lane turn: old values, redeem, send, settle.
// 1. Between redeeming and the first octet nothing is awaited. 2. Nothing is sent twice. 3. Every redemption is settled once.

import type { Performed } from '../../src/contract/driver.ts';
import type { Denial, Gate, OldValue, Permit } from '../../src/contract/gate.ts';
import { type Holds, objectionTo } from '../../src/contract/holds.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { PointValue } from '../../src/model/point.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import type { Answer, Line } from './line.ts';
import type { ModbusChange } from './modbus-change.ts';
import { type Ask, readEntries } from './point-reading.ts';
import { exceptionCodes } from './wire/fault.ts';
import type { Response } from './wire/response.ts';

/** What the one who asked is told. */
export type Carried =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'refused'; readonly denial: Denial }
  /** The device is gone, or the line; `sent` tells whether it may have been carried out. */
  | { readonly kind: 'failed'; readonly why: string; readonly sent: boolean }
  | { readonly kind: 'withdrawn'; readonly why: string }
  | { readonly kind: 'unanswered' };

interface CarryOut {
  readonly gate: Gate;
  readonly line: Line;
  readonly index: ModbusIndex;
  /** Whether handles of `index` still mean what they meant. */
  isCurrent(): boolean;
  /** Also what was acknowledged is read back: the gateway's own writes, whose asker is told no sooner. */
  readonly readsBack: boolean;
  /** Otherwise nothing is sent. */
  readonly holds?: Holds | undefined;
}

export function asker(line: Line): Ask {
  return (unitId, request) => new Promise((resolve) => line.exchange(unitId, request, false, resolve));
}

export function lineUp(line: Line): Promise<boolean> {
  return new Promise((resolve) => line.ready(resolve));
}

/** Runs in an exclusive lane turn. `tell` is called once, before a lost answer is followed up by a read-back. */
export async function carryOut(
  { gate, line, index, isCurrent, readsBack, holds = new Map() }: CarryOut,
  permit: Permit<ModbusChange>,
  devices: readonly IndexedDevice[],
  tell: (carried: Carried) => void,
): Promise<Performed> {
  const notSent = (why: string, carried: Carried): Performed => {
    gate.abandon(permit, why);
    tell(carried);
    return { outcome: { kind: 'not-sent', why } };
  };
  if (!(await lineUp(line))) {
    const why = downOf(line);
    return notSent(why, { kind: 'failed', why, sent: false });
  }
  const ask = asker(line);
  const old = await valuesOf(index, devices, [...new Set([...permit.readFirst, ...holds.keys()])], ask);
  await lineUp(line);
  if (!isCurrent()) return notSent('the inventory changed', { kind: 'withdrawn', why: 'the inventory changed' });
  const objection = objectionTo(holds, old);
  if (objection) {
    const { why, overtaken } = objection;
    return { ...notSent(why, { kind: 'withdrawn', why }), ...(overtaken && { overtaken }) };
  }
  const redemption = await gate.redeem(permit, old);
  if (!redemption.redeemed) {
    tell({ kind: 'refused', denial: redemption.denial });
    return { outcome: { kind: 'withdrawn', reason: redemption.denial.reason } };
  }
  const { change } = redemption;
  let outcome: Outcome = { kind: 'unknown', why: 'a fault of the gateway’s own came between' };
  let readBack: Map<TargetHandle, OldValue> | undefined;
  try {
    const answer = await send(line, change);
    outcome = outcomeOf(answer);
    tell(carriedOf(answer));
    const isLookedAt = outcome.kind === 'unknown' || (readsBack && outcome.kind === 'acknowledged');
    if (isLookedAt && !change.broadcast) readBack = await valuesOf(index, devices, pointsOf(index, change), ask);
  } finally {
    // Whatever went wrong, the record says what is known of it.
    gate.settle(permit, outcome, readBack && knownOf(readBack));
  }
  return { outcome, ...(readBack && { readBack }) };
}

function downOf(line: Line): string {
  const { why } = line.health();
  return why ?? `line \`${line.name}\` is down`;
}

/** Every request in turn; the first that is not acknowledged ends it. */
async function send(line: Line, change: ModbusChange): Promise<Answer> {
  const [device] = change.devices;
  let last: Answer = { kind: 'down', why: 'nothing was sent' };
  for (const [number, request] of change.requests.entries()) {
    const answer = await new Promise<Answer>((resolve) => {
      if (change.broadcast) line.broadcast(request, resolve);
      else line.exchange(device.unit, request, true, resolve);
    });
    const isFine = answer.kind === 'unanswered' || (answer.kind === 'response' && answer.response.kind !== 'exception');
    if (!isFine && number > 0)
      return {
        kind: 'lost',
        why: `${number} of ${change.requests.length} requests were carried out, then ${wordsOf(answer)}`,
      };
    last = answer;
    if (!isFine) return last;
    if (number + 1 < change.requests.length) await lineUp(line);
  }
  return last;
}

function wordsOf(answer: Answer): string {
  if (answer.kind === 'response')
    return answer.response.kind === 'exception' ? `exception ${answer.response.exceptionCode}` : 'acknowledged';
  return answer.kind === 'unanswered' ? 'sent; this has no answer' : answer.why;
}

function outcomeOf(answer: Answer): Outcome {
  switch (answer.kind) {
    case 'response':
      if (answer.response.kind !== 'exception') return { kind: 'acknowledged' };
      // 05: accepted, and it takes long; what becomes of it nobody has said.
      return answer.response.exceptionCode === exceptionCodes.acknowledge
        ? { kind: 'unknown', why: 'the device answered exception 5: accepted, still at work' }
        : { kind: 'refused-by-device', answer: wordsOf(answer) };
    case 'down':
      return { kind: 'not-sent', why: answer.why };
    case 'lost':
      return { kind: 'unknown', why: answer.why };
    case 'unanswered':
      return { kind: 'unknown', why: 'sent; this has no answer' };
  }
}

function carriedOf(answer: Answer): Carried {
  switch (answer.kind) {
    case 'response':
      return answer;
    case 'unanswered':
      return answer;
    case 'down':
      return { kind: 'failed', why: answer.why, sent: false };
    case 'lost':
      return { kind: 'failed', why: answer.why, sent: true };
  }
}

async function valuesOf(
  index: ModbusIndex,
  devices: readonly IndexedDevice[],
  handles: readonly TargetHandle[],
  ask: Ask,
): Promise<Map<TargetHandle, OldValue>> {
  const old = new Map<TargetHandle, OldValue>();
  for (const device of devices) {
    const entries = handles.flatMap((handle) => {
      const entry = index.entryOf(handle);
      return entry !== undefined && isOf(device, entry) ? [entry] : [];
    });
    if (entries.length === 0) continue;
    for (const [entry, value] of await readEntries(index, device, entries, ask)) old.set(index.handleOf(entry), value);
  }
  for (const handle of handles) if (!old.has(handle)) old.set(handle, { unknown: 'no register of this line' });
  return old;
}

/** Entries of a device are one stretch of the index. */
function isOf(device: IndexedDevice, entry: number): boolean {
  return entry >= (device.from[0] ?? 0) && entry < (device.from.at(-1) ?? 0);
}

function pointsOf(index: ModbusIndex, { points }: ModbusChange): readonly TargetHandle[] {
  return points.filter((handle) => index.entryOf(handle) !== undefined);
}

function knownOf(values: ReadonlyMap<TargetHandle, OldValue>): Map<TargetHandle, PointValue> {
  return new Map([...values].flatMap(([handle, read]) => ('value' in read ? [[handle, read.value] as const] : [])));
}
