// The standard's enumerations: one number a name, read both ways; a sample of each against what everybody knows.

import { describe, expect, it } from 'vitest';
import { ABORT_REASONS, abortReasonName } from '../../../../drivers/bacnet/wire/names/abort-reason.ts';
import { ENGINEERING_UNITS, engineeringUnitName } from '../../../../drivers/bacnet/wire/names/engineering-unit.ts';
import { ERROR_CLASSES, errorClassName } from '../../../../drivers/bacnet/wire/names/error-class.ts';
import { ERROR_CODES, errorCodeName } from '../../../../drivers/bacnet/wire/names/error-code.ts';
import { OBJECT_TYPES, objectTypeName } from '../../../../drivers/bacnet/wire/names/object-type.ts';
import {
  PROPERTY_IDENTIFIERS,
  propertyIdentifierName,
} from '../../../../drivers/bacnet/wire/names/property-identifier.ts';
import { REJECT_REASONS, rejectReasonName } from '../../../../drivers/bacnet/wire/names/reject-reason.ts';

const TABLES: readonly (readonly [
  string,
  { readonly [name: string]: number },
  (number: number) => string | undefined,
])[] = [
  ['abort reasons', ABORT_REASONS, abortReasonName],
  ['engineering units', ENGINEERING_UNITS, engineeringUnitName],
  ['error classes', ERROR_CLASSES, errorClassName],
  ['error codes', ERROR_CODES, errorCodeName],
  ['object types', OBJECT_TYPES, objectTypeName],
  ['property identifiers', PROPERTY_IDENTIFIERS, propertyIdentifierName],
  ['reject reasons', REJECT_REASONS, rejectReasonName],
];

describe('names', () => {
  it.each(TABLES)('%s are read both ways, a name a number', (_name, table, nameOf) => {
    const numbers = Object.values(table);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const [name, number] of Object.entries(table)) expect(nameOf(number)).toBe(name);
    expect(nameOf(4_000_000)).toBeUndefined();
  });

  it('has the numbers a site meets every day', () => {
    expect(OBJECT_TYPES).toMatchObject({
      'analog-value': 2,
      device: 8,
      file: 10,
      'life-safety-point': 21,
      channel: 53,
    });
    expect(PROPERTY_IDENTIFIERS).toMatchObject({ 'object-name': 77, 'present-value': 85, 'priority-array': 87 });
    expect(ENGINEERING_UNITS).toMatchObject({ 'degrees-celsius': 62, 'no-units': 95, percent: 98 });
    expect(ERROR_CLASSES).toMatchObject({ device: 0, object: 1, property: 2, services: 5 });
    expect(ERROR_CODES).toMatchObject({
      'service-request-denied': 29,
      'write-access-denied': 40,
      'value-out-of-range': 37,
    });
    expect(REJECT_REASONS).toMatchObject({ 'invalid-tag': 4, 'unrecognized-service': 9 });
    expect(ABORT_REASONS).toMatchObject({ 'segmentation-not-supported': 4, 'tsm-timeout': 10 });
  });
});
