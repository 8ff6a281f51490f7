// Permit ─► device: one permitted change in its lane turn: old values, redeem, send, settle.
// 1. Between redeeming and the first octet nothing is awaited. 2. Nothing is sent twice. 3. Every redemption is settled once.

import type { Performed } from '../../src/contract/driver.ts';
import type { Denial, Gate, OldValue, Permit } from '../../src/contract/gate.ts';
import { type Holds, objectionTo } from '../../src/contract/holds.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import type { PointValue } from '../../src/model/point.ts';
import type { BacnetIndex } from './address.ts';
import type { BacnetChange, Slot } from './bacnet-change.ts';
import { handleOfDevice } from './owners.ts';
import { askerOf, readSlots, wordsOf } from './read-slots.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from './seam.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';

/** What the one who asked is told. */
export type Carried =
  | { readonly kind: 'answered'; readonly answer: Exclude<PlantAnswer, { kind: 'no-answer' | 'unreachable' }> }
  | { readonly kind: 'refused'; readonly denial: Denial }
  /** No answer came, or nothing could be sent. `abort`: the standard's number for it, where there is one. */
  | { readonly kind: 'lost'; readonly abort?: number }
  /** Something changed meanwhile; it may be asked again. */
  | { readonly kind: 'withdrawn' };

interface CarryOut {
  readonly gate: Gate;
  readonly plant: PlantSide;
  readonly index: BacnetIndex | undefined;
  /** The station that the change was judged for, and the instance that it had then. */
  readonly to: PlantDevice;
  readonly instance: number | undefined;
  /** Whether what the change was judged by still is so. A text says what is not. */
  changedMeanwhile(): string | undefined;
  /** Also what was acknowledged is read back: the gateway's own writes, whose asker is told no sooner. */
  readonly readsBack: boolean;
  /** Otherwise nothing is sent. */
  readonly holds?: Holds | undefined;
}

const ANOTHER = 'the device is no longer the one it was';

type ConfirmedChange = Extract<BacnetChange, { kind: 'confirmed' }>;

/** Runs in a change's lane turn of the device. `slots`: where old values stand. `tell` is called once, before a lost answer is followed up by a read-back. */
export async function carryOut(
  { gate, plant, index, to, instance, changedMeanwhile, readsBack, holds = new Map() }: CarryOut,
  permit: Permit<BacnetChange>,
  slots: readonly Slot[],
  tell: (carried: Carried) => void,
): Promise<Performed> {
  const old = await oldValues(plant, index, [...new Set([...permit.readFirst, ...holds.keys()])], slots);
  const changedNow = (): string | undefined => (to.instance === instance ? changedMeanwhile() : ANOTHER);
  const changed = changedNow();
  const objection = changed === undefined ? objectionTo(holds, old) : { why: changed };
  if (objection) {
    const { why, overtaken } = objection;
    gate.abandon(permit, why);
    tell({ kind: 'withdrawn' });
    return { outcome: { kind: 'not-sent', why }, ...(overtaken && { overtaken }) };
  }
  const redemption = await gate.redeem(permit, old);
  if (!redemption.redeemed) {
    tell({ kind: 'refused', denial: redemption.denial });
    return { outcome: { kind: 'withdrawn', reason: redemption.denial.reason } };
  }
  // The intent took its time to the disk.
  const { change: judged } = redemption;
  const late = judged.kind === 'confirmed' && judged.to !== to ? ANOTHER : changedNow();
  if (late !== undefined) {
    const notSent: Outcome = { kind: 'not-sent', why: late };
    gate.settle(permit, notSent);
    tell({ kind: 'withdrawn' });
    return { outcome: notSent };
  }
  let outcome: Outcome = { kind: 'unknown', why: 'a fault of the gateway’s own came between' };
  let values: Map<TargetHandle, OldValue> | undefined;
  try {
    // What is sent is what was judged, as the gate hands it back.
    if (judged.kind !== 'confirmed') throw new RangeError('got an unconfirmed change, expected a confirmed one');
    const { answer, done } = await send(plant, judged, instance);
    outcome = outcomeOf(answer, done, judged);
    tell(carriedOf(answer));
    const isLookedAt = outcome.kind === 'unknown' || (readsBack && outcome.kind === 'acknowledged');
    values = isLookedAt ? await readBack(plant, index, judged) : undefined;
  } finally {
    // Whatever went wrong, the record says what is known of it.
    gate.settle(permit, outcome, values && knownOf(values));
  }
  return { outcome, ...(values && { readBack: values }) };
}

/** Every request in turn; the first that is not acknowledged ends it. `done`: how many were. */
async function send(
  plant: PlantSide,
  { to, requests }: ConfirmedChange,
  instance: number | undefined,
): Promise<{ readonly answer: PlantAnswer; readonly done: number }> {
  let answer: PlantAnswer = { kind: 'unreachable', why: 'nothing was sent' };
  for (const [done, request] of requests.entries()) {
    if (to.instance !== instance) return { answer: { kind: 'unreachable', why: ANOTHER }, done };
    answer = await plant.request(to, request, { retry: false });
    if (answer.kind !== 'simple-ack' && answer.kind !== 'complex-ack') return { answer, done };
  }
  return { answer, done: requests.length };
}

/** Aborts that say nothing of whether it was carried out. */
const IN_DOUBT: readonly number[] = [ABORT_REASONS['application-exceeded-reply-time'], ABORT_REASONS['tsm-timeout']];

/** Of one request that is all there is to a change. */
export function outcomeOfAnswer(answer: PlantAnswer): Outcome {
  const words = wordsOf(answer);
  switch (answer.kind) {
    case 'simple-ack':
    case 'complex-ack':
      return { kind: 'acknowledged' };
    case 'unreachable':
      return { kind: 'not-sent', why: words };
    case 'no-answer':
      return { kind: 'unknown', why: words };
    case 'abort':
      return IN_DOUBT.includes(answer.reason)
        ? { kind: 'unknown', why: words }
        : { kind: 'refused-by-device', answer: words };
    default:
      return { kind: 'refused-by-device', answer: words };
  }
}

function outcomeOf(answer: PlantAnswer, done: number, { requests }: ConfirmedChange): Outcome {
  if (done === requests.length) return { kind: 'acknowledged' };
  const words = wordsOf(answer);
  if (done > 0)
    return { kind: 'unknown', why: `${done} of ${requests.length} requests were carried out, then ${words}` };
  // 15.10: what stands before the first failed write has been carried out.
  const isPartial = requests[0].service === 'write-property-multiple' && answer.kind !== 'reject';
  const outcome = outcomeOfAnswer(answer);
  if (!isPartial || outcome.kind !== 'refused-by-device') return outcome;
  const why = answer.kind === 'abort' ? words : `the device answered ${words}; what stood before it may be written`;
  return { kind: 'unknown', why };
}

function carriedOf(answer: PlantAnswer): Carried {
  if (answer.kind === 'no-answer') return { kind: 'lost' };
  if (answer.kind === 'unreachable')
    return { kind: 'lost', ...(answer.abort !== undefined && { abort: answer.abort }) };
  return { kind: 'answered', answer };
}

async function oldValues(
  plant: PlantSide,
  index: BacnetIndex | undefined,
  handles: readonly TargetHandle[],
  slots: readonly Slot[],
): Promise<Map<TargetHandle, OldValue>> {
  const old = new Map<TargetHandle, OldValue>();
  const wanted = slots.filter(({ target }) => handles.includes(target));
  const byDevice = new Map<TargetHandle, Slot[]>();
  for (const slot of wanted) byDevice.set(slot.device, [...(byDevice.get(slot.device) ?? []), slot]);
  for (const [handle, own] of byDevice) {
    const device = plantDeviceOf(plant, index, handle);
    if (device === undefined) continue;
    for (const [target, value] of await readSlots(askerOf(plant, device), own)) old.set(target, value);
  }
  for (const handle of handles) if (!old.has(handle)) old.set(handle, { unknown: 'its device is not there' });
  return old;
}

/** The station that is an inventory's device now. */
export function plantDeviceOf(
  plant: PlantSide,
  index: BacnetIndex | undefined,
  handle: TargetHandle,
): PlantDevice | undefined {
  const place = index?.device(handle);
  return place && plant.find(place.network, place.instance);
}

async function readBack(
  plant: PlantSide,
  index: BacnetIndex | undefined,
  { to, slots }: ConfirmedChange,
): Promise<Map<TargetHandle, OldValue> | undefined> {
  const own = slots.filter(({ device }) => device === handleOfDevice(index, to));
  if (own.length === 0) return undefined;
  return readSlots(askerOf(plant, to), own);
}

function knownOf(values: ReadonlyMap<TargetHandle, OldValue>): Map<TargetHandle, PointValue> {
  return new Map([...values].flatMap(([handle, read]) => ('value' in read ? [[handle, read.value] as const] : [])));
}
