// Values of points, asked of a device by the gateway itself: old values, read-backs, the page.
// 1. Of a commandable object the slot of the priority is read, and the present value where there is no such slot.
// 2. What the device did not answer is unknown, never guessed. 3. Only what was asked is taken from an answer.

import type { OldValue } from '../../src/contract/gate.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { PointValue } from '../../src/model/point.ts';
import type { Slot } from './bacnet-change.ts';
import { PRESENT_VALUE } from './owners.ts';
import { pointValueOf } from './point-value.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from './seam.ts';
import type { AnyValue } from './wire/any-value.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';
import { errorCodeName } from './wire/names/error-code.ts';
import { OBJECT_TYPES as T } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';

/** Asks one device; in whichever lane turn the caller has. */
type Ask = (request: ConfirmedRequest) => Promise<PlantAnswer>;

export function askerOf(plant: PlantSide, device: PlantDevice): Ask {
  return (request) => plant.request(device, request, { retry: true });
}

/** Types that never have a priority array (clause 12). */
const NEVER_COMMANDED: ReadonlySet<number> = new Set([
  T['analog-input'],
  T['binary-input'],
  T['multi-state-input'],
  T.loop,
  T.schedule,
  T.calendar,
  T.command,
  T.device,
  T.file,
  T['notification-class'],
  T.program,
  T['trend-log'],
  T.accumulator,
  T['pulse-converter'],
  T['life-safety-point'],
  T['life-safety-zone'],
]);

const MOST_REFERENCES = 40;

type Read = { readonly value: AnyValue } | { readonly unknown: string };

/** What stands in these slots, by target. */
export async function readSlots(ask: Ask, slots: readonly Slot[]): Promise<Map<TargetHandle, OldValue>> {
  const wanted = slots.map((slot) => ({ slot, references: referencesOf(slot) }));
  const values = await readReferences(
    ask,
    wanted.flatMap(({ references }) => references),
  );
  return new Map(
    wanted.map(({ slot, references }) => {
      const reads = references.map((reference) => values.get(keyOf(reference)));
      return [slot.target, oldValueOf(reads.find((read) => read && 'value' in read) ?? reads.at(-1))];
    }),
  );
}

/** The command slots of an object, from priority 1 to 16; `undefined` where it has none or did not answer. */
export async function readPriorityArray(ask: Ask, object: Slot['object']): Promise<readonly PointValue[] | undefined> {
  const references = Array.from(
    { length: 16 },
    (_, at): ObjectPropertyReference => ({
      objectIdentifier: object,
      propertyIdentifier: P['priority-array'],
      propertyArrayIndex: at + 1,
    }),
  );
  const values = await readReferences(ask, references);
  const slots = references.map((reference) => oldValueOf(values.get(keyOf(reference))));
  return slots.every((slot) => 'value' in slot) ? slots.map(({ value }) => value) : undefined;
}

function referencesOf({ object, property, index, priority }: Slot): readonly ObjectPropertyReference[] {
  const plain: ObjectPropertyReference = {
    objectIdentifier: object,
    propertyIdentifier: property,
    ...(index !== undefined && { propertyArrayIndex: index }),
  };
  if (property !== PRESENT_VALUE || priority === undefined || NEVER_COMMANDED.has(object.type)) return [plain];
  const slot = { objectIdentifier: object, propertyIdentifier: P['priority-array'], propertyArrayIndex: priority };
  return [slot, plain];
}

function oldValueOf(read: Read | undefined): OldValue {
  if (read === undefined) return { unknown: 'it was not read' };
  if ('unknown' in read) return read;
  const value = pointValueOf(read.value);
  return value === undefined ? { unknown: 'a value without a plain form' } : { value };
}

function keyOf({ objectIdentifier, propertyIdentifier, propertyArrayIndex }: ObjectPropertyReference): string {
  return `${objectIdentifier.type},${objectIdentifier.instance} ${propertyIdentifier} ${propertyArrayIndex ?? ''}`;
}

async function readReferences(ask: Ask, references: readonly ObjectPropertyReference[]): Promise<Map<string, Read>> {
  const found = new Map<string, Read>();
  for (let at = 0; at < references.length; at += MOST_REFERENCES) {
    const some = references.slice(at, at + MOST_REFERENCES);
    const lost = (await readTogether(ask, some, found)) ?? (await readSingly(ask, some, found));
    if (lost === undefined) continue;
    // A device that does not answer is not asked for the rest.
    for (const reference of references.slice(at)) {
      if (!found.has(keyOf(reference))) found.set(keyOf(reference), { unknown: lost });
    }
    break;
  }
  return found;
}

/** By one ReadPropertyMultiple. A text: the device is not there. What it does not answer so is left to single reads. */
async function readTogether(
  ask: Ask,
  references: readonly ObjectPropertyReference[],
  found: Map<string, Read>,
): Promise<string | undefined> {
  if (references.length < 2) return undefined;
  const parameters = references.map(({ objectIdentifier, ...reference }) => ({
    objectIdentifier,
    listOfPropertyReferences: [reference],
  }));
  const answer = await ask({ service: 'read-property-multiple', parameters });
  if (answer.kind === 'no-answer' || answer.kind === 'unreachable') return wordsOf(answer);
  if (answer.kind !== 'complex-ack' || answer.ack.service !== 'read-property-multiple') return undefined;
  const asked = new Set(references.map(keyOf));
  for (const { objectIdentifier, listOfResults } of answer.ack.parameters) {
    for (const { propertyIdentifier, propertyArrayIndex, readResult } of listOfResults) {
      const key = keyOf({
        objectIdentifier,
        propertyIdentifier,
        ...(propertyArrayIndex !== undefined && { propertyArrayIndex }),
      });
      if (!asked.has(key)) continue;
      found.set(
        key,
        readResult.choice === 'property-value'
          ? { value: readResult.value }
          : { unknown: `the device answered ${errorWords(readResult.value.errorCode)}` },
      );
    }
  }
  return undefined;
}

async function readSingly(
  ask: Ask,
  references: readonly ObjectPropertyReference[],
  found: Map<string, Read>,
): Promise<string | undefined> {
  for (const reference of references) {
    const key = keyOf(reference);
    if (found.has(key)) continue;
    const answer = await ask({ service: 'read-property', parameters: reference });
    if (answer.kind === 'no-answer' || answer.kind === 'unreachable') return wordsOf(answer);
    const isOwn =
      answer.kind === 'complex-ack' && answer.ack.service === 'read-property' && keyOf(answer.ack.parameters) === key;
    if (isOwn && answer.kind === 'complex-ack' && answer.ack.service === 'read-property') {
      found.set(key, { value: answer.ack.parameters.propertyValue });
    } else found.set(key, { unknown: `the device answered ${wordsOf(answer)}` });
  }
  return undefined;
}

function errorWords(code: number): string {
  return errorCodeName(code) ?? `error code ${code}`;
}

/** What a device answered, for people and rows. */
export function wordsOf(answer: PlantAnswer): string {
  switch (answer.kind) {
    case 'simple-ack':
    case 'complex-ack':
      return 'acknowledged';
    case 'error': {
      const value = errorValueOf(answer.error.parameters);
      return value === undefined ? 'error' : `error ${value.errorClass}/${errorWords(value.errorCode)}`;
    }
    case 'reject':
      return `reject ${answer.reason}`;
    case 'abort':
      return `abort ${answer.reason}`;
    case 'no-answer':
      return 'the device did not answer';
    case 'unreachable':
      return answer.why;
  }
}

type ErrorParameters = Extract<PlantAnswer, { kind: 'error' }>['error']['parameters'];

function errorValueOf(
  parameters: ErrorParameters,
): { readonly errorClass: number; readonly errorCode: number } | undefined {
  const { value } = parameters;
  if ('errorCode' in value) return value;
  if ('errorType' in value) return value.errorType;
  return 'errorCode' in value.value ? value.value : value.value.errorType;
}
