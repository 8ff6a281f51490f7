// ReadPropertyMultiple, element by element: what may not be read is answered here, the rest goes on, and both come back in order.
// 1. Nothing that may not be read is asked of the device, and nothing that may not be read comes back, whatever it answers.

import { isDeviceObject } from './owners.ts';
import { READ_DENIED } from './refuse.ts';
import { isSeveral } from './showing.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { ReadPropertyMultipleAck, ReadPropertyMultipleRequest } from './wire/services/object-access.ts';

export type Permits = (object: ObjectIdentifier, property: number, index?: number) => boolean;

type Specification = ReadPropertyMultipleRequest[number];
type Reference = Specification['listOfPropertyReferences'][number];
type AccessResult = ReadPropertyMultipleAck[number];
type Result = AccessResult['listOfResults'][number];

interface Part {
  readonly object: ObjectIdentifier;
  readonly references: readonly { readonly reference: Reference; readonly denied: boolean }[];
}

interface SplitRead {
  /** What goes on to the device; empty: nothing. */
  readonly forwarded: ReadPropertyMultipleRequest;
  readonly denied: number;
  readonly parts: readonly Part[];
}

export function splitRead(request: ReadPropertyMultipleRequest, permits: Permits): SplitRead {
  let denied = 0;
  const forwarded: Specification[] = [];
  const parts = request.map(({ objectIdentifier: object, listOfPropertyReferences }): Part => {
    const references = listOfPropertyReferences.map((reference) => {
      const isDenied = !permits(object, reference.propertyIdentifier, reference.propertyArrayIndex);
      if (isDenied) denied += 1;
      return { reference, denied: isDenied };
    });
    const kept = references.flatMap((one) => (one.denied ? [] : [one.reference]));
    if (kept.length > 0) forwarded.push({ objectIdentifier: object, listOfPropertyReferences: kept });
    return { object, references };
  });
  return { forwarded, denied, parts };
}

function deniedResult({ propertyIdentifier, propertyArrayIndex }: Omit<Result, 'readResult'>): Result {
  return {
    propertyIdentifier,
    ...(propertyArrayIndex !== undefined && { propertyArrayIndex }),
    readResult: { choice: 'property-access-error', value: READ_DENIED },
  };
}

/** The whole answer; `undefined` where the device's is not one to what it was asked. `ack` absent: it was asked nothing. */
export function mergeRead(
  { parts, forwarded }: SplitRead,
  ack: ReadPropertyMultipleAck | undefined,
  permits: Permits,
): ReadPropertyMultipleAck | undefined {
  if ((ack?.length ?? 0) !== forwarded.length) return undefined;
  const answers = (ack ?? []).values();
  const merged: AccessResult[] = [];
  for (const { object, references } of parts) {
    if (references.every(({ denied }) => denied)) {
      const listOfResults = references.map(({ reference }) => deniedResult(reference));
      merged.push({ objectIdentifier: object, listOfResults });
      continue;
    }
    const answer: AccessResult | undefined = answers.next().value;
    if (answer === undefined || !isAnswerTo(answer.objectIdentifier, object)) return undefined;
    const listOfResults = mergedResults(references, answer.listOfResults);
    if (listOfResults === undefined) return undefined;
    merged.push({
      objectIdentifier: answer.objectIdentifier,
      listOfResults: listOfResults.map((result) => filtered(result, answer.objectIdentifier, permits)),
    });
  }
  return merged;
}

/** The wildcard instance is answered with the device's own (15.7). */
function isAnswerTo(answered: ObjectIdentifier, asked: ObjectIdentifier): boolean {
  const isSame = answered.type === asked.type && answered.instance === asked.instance;
  return isSame || (isDeviceObject(answered) && isDeviceObject(asked));
}

function filtered(result: Result, object: ObjectIdentifier, permits: Permits): Result {
  if (result.readResult.choice === 'property-access-error') return result;
  const { propertyIdentifier, propertyArrayIndex } = result;
  return permits(object, propertyIdentifier, propertyArrayIndex) ? result : deniedResult(result);
}

/** Results in the order of the references; one that stands for several takes what the others leave. */
function mergedResults(references: Part['references'], results: readonly Result[]): readonly Result[] | undefined {
  const merged: Result[] = [];
  const asked = references.filter(({ denied }) => !denied);
  let spare = results.length - asked.filter(({ reference }) => !isSeveral(reference.propertyIdentifier)).length;
  if (spare < 0) return undefined;
  let at = 0;
  for (const [place, { reference, denied }] of references.entries()) {
    if (denied) {
      merged.push(deniedResult(reference));
      continue;
    }
    if (isSeveral(reference.propertyIdentifier)) {
      const isLast = !references
        .slice(place + 1)
        .some((later) => !later.denied && isSeveral(later.reference.propertyIdentifier));
      // Of two that stand for several nobody can tell where one ends: the first takes all but the other's one.
      const count = isLast ? spare : Math.max(0, spare - 1);
      merged.push(...results.slice(at, at + count));
      at += count;
      spare -= count;
      continue;
    }
    const result = results[at];
    if (result === undefined || result.propertyIdentifier !== reference.propertyIdentifier) return undefined;
    merged.push(result);
    at += 1;
  }
  return at === results.length ? merged : undefined;
}
