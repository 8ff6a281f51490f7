// device ─► answer: whether an ack speaks of what was asked. A late or forged one for other objects is no answer.

import type { ComplexAck, ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

interface Reference {
  readonly objectIdentifier: ObjectIdentifier;
  readonly propertyIdentifier: number;
  readonly propertyArrayIndex?: number | undefined;
}

/** True as well for services whose acks say nothing of what they answer. */
export function isFitting(request: ConfirmedRequest, ack: ComplexAck): boolean {
  if (request.service !== ack.service) return false;
  switch (ack.service) {
    case 'read-property':
      return request.service === ack.service && isSame(request.parameters, ack.parameters);
    case 'read-range':
      return request.service === ack.service && isSame(request.parameters, ack.parameters);
    case 'read-property-multiple': {
      if (request.service !== ack.service) return false;
      const asked = request.parameters;
      return (
        ack.parameters.length === asked.length &&
        ack.parameters.every(({ objectIdentifier }, at) => {
          const object = asked[at]?.objectIdentifier;
          return object !== undefined && isObject(object, objectIdentifier);
        })
      );
    }
    default:
      return true;
  }
}

function isSame(one: Reference, other: Reference): boolean {
  return (
    isObject(one.objectIdentifier, other.objectIdentifier) &&
    one.propertyIdentifier === other.propertyIdentifier &&
    one.propertyArrayIndex === other.propertyArrayIndex
  );
}

/** A device asked by the wildcard instance answers with its own (12.11). */
const DEVICE = 8;
const WILDCARD = 4_194_303;

function isObject(asked: ObjectIdentifier, answered: ObjectIdentifier): boolean {
  if (asked.type !== answered.type) return false;
  return asked.instance === answered.instance || (asked.type === DEVICE && asked.instance === WILDCARD);
}
