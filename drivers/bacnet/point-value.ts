// AnyValue ⇄ the value that limits judge and people see. A view: what travels on is always the octets of the AnyValue.
// 1. What is no number, Boolean, text or NULL has no view, so that no limit can be met by it.

import type { PointValue } from '../../src/model/point.ts';
import type { AnyValue } from './wire/any-value.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import { characterStringOf, primitiveOf, textOf, valueOfPrimitive } from './wire/primitive-value.ts';

/** `undefined` where the value is none that a limit could be compared with. */
export function pointValueOf(value: AnyValue): PointValue | undefined {
  const primitive = primitiveOf(value);
  switch (primitive?.type) {
    case 'null':
      return null;
    case 'boolean':
    case 'unsigned':
    case 'signed':
    case 'real':
    case 'double':
    case 'enumerated':
      return primitive.value;
    case 'character-string':
      return textOf(primitive.value);
    default:
      return undefined;
  }
}

type Numeric = 'real' | 'double' | 'unsigned' | 'signed' | 'enumerated';
type Datatype = Numeric | 'boolean' | 'character-string';

const present: { readonly [type: number]: Datatype } = {
  [OBJECT_TYPES['analog-input']]: 'real',
  [OBJECT_TYPES['analog-output']]: 'real',
  [OBJECT_TYPES['analog-value']]: 'real',
  [OBJECT_TYPES['binary-input']]: 'enumerated',
  [OBJECT_TYPES['binary-output']]: 'enumerated',
  [OBJECT_TYPES['binary-value']]: 'enumerated',
  [OBJECT_TYPES['binary-lighting-output']]: 'enumerated',
  [OBJECT_TYPES['multi-state-input']]: 'unsigned',
  [OBJECT_TYPES['multi-state-output']]: 'unsigned',
  [OBJECT_TYPES['multi-state-value']]: 'unsigned',
  [OBJECT_TYPES['lighting-output']]: 'real',
  [OBJECT_TYPES['large-analog-value']]: 'double',
  [OBJECT_TYPES['integer-value']]: 'signed',
  [OBJECT_TYPES['positive-integer-value']]: 'unsigned',
  [OBJECT_TYPES['characterstring-value']]: 'character-string',
  [OBJECT_TYPES['access-door']]: 'enumerated',
  [OBJECT_TYPES.command]: 'unsigned',
  [OBJECT_TYPES.loop]: 'real',
};

const P = PROPERTY_IDENTIFIERS;
const likePresent: ReadonlySet<number> = new Set([
  P['present-value'],
  P['relinquish-default'],
  P['high-limit'],
  P['low-limit'],
  P.deadband,
  P['cov-increment'],
  P['min-pres-value'],
  P['max-pres-value'],
  P['alarm-value'],
  P['fault-high-limit'],
  P['fault-low-limit'],
  P.setpoint,
]);

const fixed: { readonly [property: number]: Datatype } = {
  [P['out-of-service']]: 'boolean',
  [P.units]: 'enumerated',
  [P['time-delay']]: 'unsigned',
  [P['time-delay-normal']]: 'unsigned',
  [P['notification-class']]: 'unsigned',
  [P['notify-type']]: 'enumerated',
  [P['event-detection-enable']]: 'boolean',
  [P['event-algorithm-inhibit']]: 'boolean',
  [P['reliability-evaluation-inhibit']]: 'boolean',
  [P.description]: 'character-string',
  [P['object-name']]: 'character-string',
  [P['error-limit']]: 'real',
  [P['proportional-constant']]: 'real',
  [P['integral-constant']]: 'real',
  [P['derivative-constant']]: 'real',
  [P.bias]: 'real',
  [P['maximum-output']]: 'real',
  [P['minimum-output']]: 'real',
};

/** The datatype the standard gives a property (clause 12); `undefined` where it is not known here. */
export function datatypeOf({ type }: ObjectIdentifier, property: number): Datatype | undefined {
  return likePresent.has(property) ? present[type] : fixed[property];
}

/** The value as its property takes it; a text says what was expected. */
export function writtenValue(object: ObjectIdentifier, property: number, value: PointValue): AnyValue | string {
  if (value === null) return valueOfPrimitive({ type: 'null' });
  const type = datatypeOf(object, property);
  switch (type) {
    case undefined:
      return 'a property whose datatype is known';
    case 'boolean':
      return typeof value === 'boolean' ? valueOfPrimitive({ type, value }) : 'a boolean';
    case 'character-string':
      return typeof value === 'string' ? valueOfPrimitive({ type, value: characterStringOf(value) }) : 'a text';
    default:
      return written(type, value);
  }
}

function written(type: Numeric, value: Exclude<PointValue, null>): AnyValue | string {
  // Active and inactive are 1 and 0 (clause 21, BACnetBinaryPV).
  const number = typeof value === 'boolean' && type === 'enumerated' ? Number(value) : value;
  if (typeof number !== 'number' && typeof number !== 'bigint') return 'a number';
  if (type === 'real' || type === 'double') return valueOfPrimitive({ type, value: Number(number) });
  if (typeof number === 'number' && !Number.isSafeInteger(number)) return 'a whole number';
  if (type !== 'signed' && number < 0) return 'a number of at least 0';
  try {
    return valueOfPrimitive(type === 'enumerated' ? { type, value: Number(number) } : { type, value: number });
  } catch {
    return 'a number of at most 64 bits';
  }
}
