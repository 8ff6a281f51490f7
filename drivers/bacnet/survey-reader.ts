// Reads for a survey, one request at a time in the device's own lane of reads. 1. What a device cannot do is learnt once: no
// ReadPropertyMultiple, answers that do not fit. 2. A property that is not there, or may not be read, is absent.

import type { PlantAnswer, PlantDevice, PlantSide } from './seam.ts';
import type { AnyValue } from './wire/any-value.ts';
import { elementsOf } from './wire/any-value.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { ERROR_CLASSES } from './wire/names/error-class.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import { primitiveOf, primitiveOfElement } from './wire/primitive-value.ts';

/** A property of an object, or one element of it. */
export interface Wanted {
  readonly object: ObjectIdentifier;
  readonly property: number;
  readonly index?: number;
}

type Result = 'too-long' | 'not-served' | 'lost' | ReadonlyMap<Wanted, AnyValue>;

/** References in one ReadPropertyMultiple, to begin with; halved where the answer does not fit. */
const mostReferences = 24;
/** Waits for a turn longer than a tool's read would. */
const surveyPeer = 'survey';

/** The device stopped answering. */
export class LostDevice extends Error {}

export class SurveyReader {
  readonly device: PlantDevice;
  readonly #plant: PlantSide;
  #atOnce = mostReferences;
  #hasMultiple = true;
  requests = 0;

  constructor(device: PlantDevice, plant: PlantSide) {
    this.device = device;
    this.#plant = plant;
  }

  /** Whether it takes ReadPropertyMultiple, as far as is known. */
  get hasMultiple(): boolean {
    return this.#hasMultiple;
  }

  /** Values by what was wanted. Throws a LostDevice. */
  async read(all: readonly Wanted[]): Promise<ReadonlyMap<Wanted, AnyValue>> {
    const values = new Map<Wanted, AnyValue>();
    let at = 0;
    while (at < all.length) {
      const part = all.slice(at, at + (this.#hasMultiple ? this.#atOnce : 1));
      const [only] = part;
      if (only === undefined) break;
      const answer = this.#hasMultiple ? await this.#multiple(part) : await this.#single(only);
      if (answer === 'lost') throw new LostDevice(`device ${this.device.instance} stopped answering`);
      if (answer === 'not-served') {
        this.#hasMultiple = false;
        continue;
      }
      if (answer === 'too-long' && part.length > 1) {
        this.#atOnce = Math.max(1, part.length >> 1);
        continue;
      }
      if (typeof answer !== 'string') for (const [wanted, value] of answer) values.set(wanted, value);
      at += part.length;
    }
    return values;
  }

  /** Every object of the device, whole where it fits, else one by one. Throws a LostDevice. */
  async objects(
    instance: number,
    most: number,
  ): Promise<{ readonly objects: readonly ObjectIdentifier[]; readonly count: number }> {
    const object = { type: OBJECT_TYPES.device, instance };
    const property = P['object-list'];
    const whole = await this.#single({ object, property });
    if (whole === 'lost') throw new LostDevice(`device ${instance} stopped answering`);
    if (typeof whole !== 'string') {
      const [value] = whole.values();
      const objects = value === undefined ? [] : identifiersIn(value);
      if (objects.length > 0) return { objects: objects.slice(0, most), count: objects.length };
    }
    const length: Wanted = { object, property, index: 0 };
    const count = numberIn((await this.read([length])).get(length)) ?? 0;
    const wanted = Array.from(
      { length: Math.min(count, most) },
      (_, at): Wanted => ({ object, property, index: at + 1 }),
    );
    const values = await this.read(wanted);
    return { objects: wanted.flatMap((one) => identifiersIn(values.get(one))), count };
  }

  async #single(wanted: Wanted): Promise<Result> {
    const { object, property, index } = wanted;
    const parameters = {
      objectIdentifier: object,
      propertyIdentifier: property,
      ...(index !== undefined && { propertyArrayIndex: index }),
    };
    const answer = await this.#ask({ service: 'read-property', parameters });
    if (answer.kind !== 'complex-ack') return lackOf(answer, false);
    if (answer.ack.service !== 'read-property') return new Map();
    return new Map([[wanted, answer.ack.parameters.propertyValue]]);
  }

  async #multiple(part: readonly Wanted[]): Promise<Result> {
    const specifications: {
      objectIdentifier: ObjectIdentifier;
      listOfPropertyReferences: object[];
      wanted: Wanted[];
    }[] = [];
    for (const wanted of part) {
      const last = specifications.at(-1);
      const reference = {
        propertyIdentifier: wanted.property,
        ...(wanted.index !== undefined && { propertyArrayIndex: wanted.index }),
      };
      if (last !== undefined && isSame(last.objectIdentifier, wanted.object)) {
        last.listOfPropertyReferences.push(reference);
        last.wanted.push(wanted);
      } else
        specifications.push({
          objectIdentifier: wanted.object,
          listOfPropertyReferences: [reference],
          wanted: [wanted],
        });
    }
    const parameters = specifications.map(({ objectIdentifier, listOfPropertyReferences }) => ({
      objectIdentifier,
      listOfPropertyReferences,
    }));
    const answer = await this.#ask({ service: 'read-property-multiple', parameters } as ConfirmedRequest);
    if (answer.kind !== 'complex-ack') return lackOf(answer, true);
    const values = new Map<Wanted, AnyValue>();
    if (answer.ack.service !== 'read-property-multiple') return values;
    for (const { objectIdentifier, listOfResults } of answer.ack.parameters)
      for (const { propertyIdentifier, propertyArrayIndex, readResult } of listOfResults) {
        const wanted = part.find(
          ({ object, property, index }) =>
            isSame(object, objectIdentifier) && property === propertyIdentifier && index === propertyArrayIndex,
        );
        if (wanted !== undefined && readResult.choice === 'property-value') values.set(wanted, readResult.value);
      }
    return values;
  }

  #ask(request: ConfirmedRequest): Promise<PlantAnswer> {
    const { device } = this;
    this.requests += 1;
    return new Promise((resolve) => {
      const busy = (): void => resolve({ kind: 'unreachable', why: 'its lane is full' });
      const run = async (): Promise<void> => resolve(await this.#plant.request(device, request, { retry: true }));
      if (!this.#plant.lane(device).read(run, { peer: surveyPeer, expire: busy })) busy();
    });
  }
}

/** What an answer that brings no value says of the device. */
function lackOf(answer: Exclude<PlantAnswer, { kind: 'complex-ack' }>, multiple: boolean): Result {
  switch (answer.kind) {
    case 'no-answer':
      return 'lost';
    case 'unreachable':
      return answer.abort === undefined ? 'lost' : 'too-long';
    case 'abort':
      return 'too-long';
    case 'reject':
      return multiple ? 'not-served' : new Map();
    case 'error':
      if (multiple && isOfServices(answer)) return 'not-served';
      // An Error for the whole: one of the references has something wrong that the others suffer from.
      return multiple ? 'too-long' : new Map();
    case 'simple-ack':
      return new Map();
  }
}

function isOfServices({ error }: Extract<PlantAnswer, { kind: 'error' }>): boolean {
  return error.service === 'read-property-multiple' && error.parameters.value.errorClass === ERROR_CLASSES.services;
}

function isSame(one: ObjectIdentifier, other: ObjectIdentifier): boolean {
  return one.type === other.type && one.instance === other.instance;
}

function identifiersIn(value: AnyValue | undefined): ObjectIdentifier[] {
  if (value === undefined) return [];
  return elementsOf(value).flatMap((element) => {
    const primitive = primitiveOfElement(element);
    return primitive?.type === 'object-identifier' ? [primitive.value] : [];
  });
}

export function numberIn(value: AnyValue | undefined): number | undefined {
  const primitive = value === undefined ? undefined : primitiveOf(value);
  switch (primitive?.type) {
    case 'unsigned':
    case 'signed':
    case 'enumerated':
    case 'real':
    case 'double':
      return Number.isFinite(Number(primitive.value)) ? Number(primitive.value) : undefined;
    default:
      return undefined;
  }
}
