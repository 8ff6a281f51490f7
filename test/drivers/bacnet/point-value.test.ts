// Values as people and limits see them, and as properties take them.

import { describe, expect, test } from 'vitest';
import { datatypeOf, pointValueOf, writtenValue } from '../../../drivers/bacnet/point-value.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import type { Element } from '../../../simulators/bacnet/elements.ts';
import { objectRef } from '../../../simulators/bacnet/names.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import type { PointValue } from '../../../src/model/point.ts';
import { value } from './classify-stage.ts';

describe('read', () => {
  test.each<readonly [Element, PointValue | undefined]>([
    [app.null(), null],
    [app.boolean(false), false],
    [app.unsigned(0), 0],
    [app.unsigned(2n ** 60n), 2n ** 60n],
    [app.signed(-1), -1],
    [app.real(1.5), 1.5],
    [app.double(Number.NaN), Number.NaN],
    [app.enumerated(3), 3],
    [app.text('ä'), 'ä'],
    [app.bits([true]), undefined],
  ])('%#', (element, expected) => expect(pointValueOf(value(element))).toEqual(expected));
});

describe('written', () => {
  const written = (object: string, property: number, given: PointValue): string => {
    const made = writtenValue(objectRef(object), property, given);
    return typeof made === 'string' ? made : Buffer.from(made.octets).toString('hex');
  };

  test.each<readonly [string, number, PointValue, string]>([
    ['analog-value,1', P['present-value'], 21.5, '4441ac0000'],
    ['analog-value,1', P['present-value'], null, '00'],
    ['analog-value,1', P['high-limit'], 21n, '4441a80000'],
    ['analog-value,1', P['present-value'], 'x', 'a number'],
    ['analog-value,1', P['present-value'], true, 'a number'],
    ['binary-value,1', P['present-value'], true, '9101'],
    ['binary-value,1', P['present-value'], 1, '9101'],
    ['multi-state-value,1', P['present-value'], 3, '2103'],
    ['multi-state-value,1', P['present-value'], 1.5, 'a whole number'],
    ['multi-state-value,1', P['present-value'], -1, 'a number of at least 0'],
    ['46,1', P['present-value'], 1, '55083ff0000000000000'],
    ['45,1', P['present-value'], -1, '31ff'],
    ['48,1', P['present-value'], 2n ** 70n, 'a number of at most 64 bits'],
    ['40,1', P['present-value'], 'a', '720061'],
    ['40,1', P['present-value'], 1, 'a text'],
    ['analog-value,1', P['out-of-service'], true, '11'],
    ['analog-value,1', P['out-of-service'], 1, 'a boolean'],
    ['schedule,1', P['weekly-schedule'], 1, 'a property whose datatype is known'],
  ])('%s %i %s', (object, property, given, expected) => expect(written(object, property, given)).toBe(expected));

  test('a type without a present value of its own has none known', () => {
    expect(datatypeOf(objectRef('schedule,1'), P['present-value'])).toBeUndefined();
    expect(datatypeOf(objectRef('loop,1'), P.bias)).toBe('real');
  });
});
