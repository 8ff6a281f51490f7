// Clauses 13 to 17 and 21: every service's request, ack and error, both directions; and what is wrong with them.

import { describe, expect, it } from 'vitest';
import {
  CONFIRMED_SERVICES,
  confirmedServiceName,
  decodeComplexAck,
  decodeConfirmedRequest,
  decodeServiceError,
  encodeConfirmedRequest,
} from '../../../../drivers/bacnet/wire/confirmed-service.ts';
import type { Service } from '../../../../drivers/bacnet/wire/frame.ts';
import {
  decodeUnconfirmedRequest,
  encodeUnconfirmedRequest,
  UNCONFIRMED_SERVICES,
} from '../../../../drivers/bacnet/wire/unconfirmed-service.ts';
import { encodeService } from './encode-service.ts';
import { hex, oid, show, text } from './octets.ts';
import { SERVICE_ROWS } from './service-rows.ts';

const DECODERS = {
  'confirmed-request': decodeConfirmedRequest,
  'unconfirmed-request': decodeUnconfirmedRequest,
  'complex-ack': decodeComplexAck,
  error: decodeServiceError,
};

function choiceOf({ kind, value }: Service): number {
  if ('choice' in value) return value.choice;
  const table: { readonly [name: string]: { readonly choice: number } } =
    kind === 'unconfirmed-request' ? UNCONFIRMED_SERVICES : CONFIRMED_SERVICES;
  return table[value.service]?.choice ?? -1;
}

describe('services both ways', () => {
  it.each(SERVICE_ROWS.map((row) => [`${row.clause} ${row.service.kind} ${row.service.value.service}`, row] as const))(
    '%s',
    (_name, { octets, service }) => {
      const choice = choiceOf(service);
      expect(DECODERS[service.kind](choice, hex(octets))).toEqual({ ok: true, value: service.value });
      expect(encodeService(service)).toMatchObject({ serviceChoice: choice });
      expect(show(encodeService(service).service)).toBe(octets.replaceAll(' ', ''));
    },
  );

  it('has a row for every request and every ack of the tables', () => {
    const seen = new Set(SERVICE_ROWS.map(({ service }) => `${service.kind} ${service.value.service}`));
    const wanted = [
      ...Object.keys(CONFIRMED_SERVICES).map((name) => `confirmed-request ${name}`),
      ...Object.keys(UNCONFIRMED_SERVICES).map((name) => `unconfirmed-request ${name}`),
      ...Object.entries(CONFIRMED_SERVICES)
        .filter(([, { ack }]) => ack !== undefined)
        .map(([name]) => `complex-ack ${name}`),
    ];
    expect(wanted.filter((name) => !seen.has(name))).toEqual([]);
  });

  it('names choices, and none where there is none', () => {
    expect([confirmedServiceName(15), confirmedServiceName(13)]).toEqual(['write-property', undefined]);
  });
});

describe('requests that are faults, with the Reject they are answered', () => {
  const rows: readonly (readonly [string, number, string, string])[] = [
    ['nothing', 12, '', 'missing-required-parameter'],
    ['another tag', 12, '1c00800001 0955', 'invalid-tag'],
    ['an application tag for a context tag', 12, 'c400800001 1955', 'invalid-tag'],
    ['a parameter too many', 12, '0c00800001 1955 2908 3901', 'too-many-arguments'],
    ['a closing tag behind all', 12, '0c00800001 1955 3f', 'invalid-tag'],
    ['a parameter of a service without any', 3, '0901', 'too-many-arguments'],
    ['an array index with a leading zero', 12, '0c00800001 1955 2a0008', 'invalid-parameter-data-type'],
    ['an array index of no octets', 12, '0c00800001 1955 28', 'invalid-parameter-data-type'],
    ['an array index of 40 bits', 12, '0c00800001 1955 2d050100000000', 'parameter-out-of-range'],
    ['a property identifier of 40 bits', 12, '0c00800001 1d050100000000', 'undefined-enumeration'],
    ['an object identifier of three octets', 12, '0b008000 1955', 'invalid-parameter-data-type'],
    ['no closing tag', 15, '0c00800001 1955 3e4443340000', 'missing-required-parameter'],
    ['another closing tag', 15, '0c00800001 1955 3e44433400004f', 'invalid-tag'],
    ['priority 0', 15, '0c00800001 1955 3e44433400003f 4900', 'parameter-out-of-range'],
    ['priority 17', 15, '0c00800001 1955 3e44433400003f 4911', 'parameter-out-of-range'],
    ['priority 63', 15, '0c00800001 1955 3e44433400003f 493f', 'parameter-out-of-range'],
    ['an extended-length tag inside the value', 15, '0c00800001 1955 3e4504433400003f', 'invalid-tag'],
    ['no specification', 16, '', 'missing-required-parameter'],
    ['an empty specification', 16, '0c00800001 1e1f', 'missing-required-parameter'],
    ['a specification and half of one', 16, '0c00800001 1e09552e002f1f 0c00800002', 'missing-required-parameter'],
    [
      'priority 17 in the second specification',
      16,
      '0c00800001 1e09552e002f1f 0c00800002 1e09552e002f39111f',
      'parameter-out-of-range',
    ],
    ['no reference', 14, '0c00800001 1e1f', 'missing-required-parameter'],
    ['a choice of neither', 10, '0e29010f', 'invalid-tag'],
    ['a choice of nothing', 10, '0e0f', 'missing-required-parameter'],
    ['an object type over 1023', 10, '0e0a04000f', 'undefined-enumeration'],
    ['record count and records differ', 7, 'c402800001 1e3100210262abcd1f', 'inconsistent-parameters'],
    ['a start position with a needless octet', 6, 'c402800001 0e320000211b0f', 'invalid-parameter-data-type'],
    ['a negative start with a needless octet', 6, 'c402800001 0e32ffff211b0f', 'invalid-parameter-data-type'],
    ['a start position of 40 bits', 6, 'c402800001 0e35050100000000211b0f', 'invalid-parameter-data-type'],
    ['a start position of no octets', 6, 'c402800001 0e30211b0f', 'invalid-parameter-data-type'],
    ['reinitialize state 8', 20, '0908', 'undefined-enumeration'],
    ['a password of no characters', 20, '0900 1900', 'parameter-out-of-range'],
    ['a password of 81 octets', 20, `0900 1d5200${'61'.repeat(81)}`, 'parameter-out-of-range'],
    ['a password without its character set', 20, '0900 18', 'invalid-parameter-data-type'],
    ['enable-disable 3', 17, '1903', 'undefined-enumeration'],
    ['a duration of 17 bits', 17, '0b010000 1901', 'parameter-out-of-range'],
    ['a Boolean of two octets', 5, '0912 1c00800001 2a0001', 'invalid-parameter-data-type'],
    ['a Boolean 2', 5, '0912 1c00800001 2902', 'invalid-parameter-data-type'],
    ['an increment that is no number', 28, '0912 1c00800001 4e09554f 5c7fc00000', 'parameter-out-of-range'],
    ['an increment of two octets', 28, '0912 1c00800001 4e09554f 5a0000', 'invalid-parameter-data-type'],
    ['priorities out of order', 4, '0900 4e090a19064f', 'inconsistent-parameters'],
    ['a time of two octets', 0, '0901 1c00800001 2903 3e0a0c1e3f 40 5e19105f', 'invalid-parameter-data-type'],
    ['a date of three octets', 26, '0c05000001 1983 7ea37e0b16b40c1e00ff31047f', 'invalid-parameter-data-type'],
    ['a tag cut off in a list', 22, '211d f9', 'invalid-tag'],
  ];
  it.each(rows)('%s', (_name, choice, octets, reason) => {
    const fault = { answer: { kind: 'reject', reason } };
    expect(decodeConfirmedRequest(choice, hex(octets))).toMatchObject({ ok: false, fault });
  });
});

describe('acks, errors and unconfirmed requests that are faults: dropped', () => {
  const drop = { kind: 'drop' };
  it.each([
    ['an ack cut off', 12, '0c00800001 1955'],
    ['two time stamps', 29, '0e 0c00800001 1903 2a0560 3e 1910 1910 3f 4900 5a05e0 6e210f210f21146f 0f 1900'],
    [
      'four time stamps',
      29,
      '0e 0c00800001 1903 2a0560 3e 1910 1910 1910 1910 3f 4900 5a05e0 6e210f210f21146f 0f 1900',
    ],
    ['bits without a count', 3, 'c400800001 9103 80'],
    ['more unused bits than there are', 3, 'c400800001 9103 8105'],
    ['a flag that is no Boolean', 6, '2100 0e3100600f'],
    ['record count and records differ', 6, '11 1e310e2103601f'],
  ])('%s', (_name, choice, octets) => {
    expect(decodeComplexAck(choice, hex(octets))).toMatchObject({ ok: false, fault: { answer: drop } });
  });

  it.each([0, 13, 15, 200])('an ack with parameters of service %d, which has none', (choice) => {
    const fault = { code: 'service-without-ack', answer: drop };
    expect(decodeComplexAck(choice, hex(''))).toMatchObject({ ok: false, fault });
  });

  it.each([
    ['a class alone', 15, '9102'],
    ['a class alone, of an unknown service', 200, '9102'],
    ['the killer of 810a000a010050810f0d', 15, '0d'],
    ['a form of its own, of a service that has none', 15, '0e910291280f 1901'],
  ])('%s', (_name, choice, octets) => {
    expect(decodeServiceError(choice, hex(octets))).toMatchObject({ ok: false, fault: { answer: drop } });
  });

  it.each([
    ['who-is with one limit', 8, '0903'],
    ['who-is with the other limit', 8, '1903'],
    ['who-is out of order', 8, '0904 1903'],
    ['who-is over 4194303', 8, '0900 1b400000'],
    ['who-has with one limit', 7, '0903 2c00800001'],
    ['who-has out of order', 7, '0904 1903 2c00800001'],
    ['i-am of something that is no device', 0, 'c400800001 2201e0 9101 2163'],
    ['i-am with segmentation 4', 0, 'c402000003 2201e0 9104 2163'],
    ['write-group to group 0', 10, '0900 1908 2e090c002f'],
    ['write-group at priority 0', 10, '0917 1900 2e090c002f'],
    ['write-group with no change', 10, '0917 1908 2e2f'],
    ['write-group with a change of no value', 10, '0917 1908 2e090c2f'],
  ])('%s', (_name, choice, octets) => {
    expect(decodeUnconfirmedRequest(choice, hex(octets))).toMatchObject({ ok: false, fault: { answer: drop } });
  });
});

describe('values no frame can carry are our own bug', () => {
  const av1 = oid(2, 1);
  const read =
    (parameters: { objectIdentifier: { type: number; instance: number }; propertyIdentifier: number }) => () =>
      encodeConfirmedRequest({ service: 'read-property', parameters });

  it.each([
    ['type 1024', read({ objectIdentifier: oid(1024, 1), propertyIdentifier: 85 })],
    ['instance 4194304', read({ objectIdentifier: oid(2, 4_194_304), propertyIdentifier: 85 })],
    ['a negative property', read({ objectIdentifier: av1, propertyIdentifier: -1 })],
    ['half a property', read({ objectIdentifier: av1, propertyIdentifier: 0.5 })],
    ['a property of 40 bits', read({ objectIdentifier: av1, propertyIdentifier: 2 ** 32 })],
    [
      'an empty list of specifications',
      () => encodeConfirmedRequest({ service: 'write-property-multiple', parameters: [] }),
    ],
    [
      'a start position of 33 bits',
      () =>
        encodeConfirmedRequest({
          service: 'atomic-read-file',
          parameters: {
            fileIdentifier: oid(10, 1),
            accessMethod: { choice: 'stream-access', value: { fileStartPosition: 2 ** 31, requestedOctetCount: 1 } },
          },
        }),
    ],
    [
      'an increment that is no number',
      () =>
        encodeConfirmedRequest({
          service: 'subscribe-cov-property',
          parameters: {
            subscriberProcessIdentifier: 1,
            monitoredObjectIdentifier: av1,
            monitoredPropertyIdentifier: { propertyIdentifier: 85 },
            covIncrement: Number.NaN,
          },
        }),
    ],
    [
      'eight unused bits',
      () =>
        encodeService({
          kind: 'complex-ack',
          value: {
            service: 'get-alarm-summary',
            parameters: [
              { objectIdentifier: av1, alarmState: 0, acknowledgedTransitions: { unusedBits: 8, octets: hex('00') } },
            ],
          },
        }),
    ],
    [
      'an empty password',
      () =>
        encodeConfirmedRequest({
          service: 'reinitialize-device',
          parameters: { reinitializedStateOfDevice: 0, password: text('') },
        }),
    ],
    [
      'one limit',
      () => encodeUnconfirmedRequest({ service: 'who-is', parameters: { deviceInstanceRangeLowLimit: 1 } }),
    ],
  ])('%s', (_name, encode) => {
    expect(encode).toThrow(RangeError);
  });
});
