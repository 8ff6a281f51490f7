import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Apdu, apduCodeOf, apduLengthOf, decodeApdu, encodeApdu } from '../../../simulators/bacnet/apci.ts';
import { type Element, encodeElements, parseElements, TagFault } from '../../../simulators/bacnet/elements.ts';
import {
  decodeBvlc,
  decodeNpdu,
  encodeBvlc,
  encodeNpdu,
  endpointOf,
  macOf,
} from '../../../simulators/bacnet/framing.ts';
import { objectRef } from '../../../simulators/bacnet/names.ts';
import { app, ctx, decoded, octetsOf, shown, within } from '../../../simulators/bacnet/values.ts';
import { ANNEX_F } from '../../captures/bacnet-annex-f.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('annex F', () => {
  test('every example is read to its end and written back as it was', () => {
    for (const [name, octets] of ANNEX_F) {
      const apdu = decodeApdu(hex(octets));
      if (apdu === undefined) throw new Error(`${name} is no APDU`);
      const segment = 'segment' in apdu && apdu.segment !== undefined;
      const whole: Apdu =
        'payload' in apdu && !segment ? { ...apdu, payload: encodeElements(parseElements(apdu.payload)) } : apdu;
      expect([name, encodeApdu(whole).toString('hex')]).toEqual([name, octets]);
    }
    expect(ANNEX_F.length).toBeGreaterThan(50);
  });
});

describe('tagged data', () => {
  const octets = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const primitive: fc.Arbitrary<Element> = fc.oneof(
    fc.record({ kind: fc.constant('context' as const), tag: fc.integer({ min: 0, max: 254 }), octets }),
    fc.record({ kind: fc.constant('application' as const), tag: fc.integer({ min: 2, max: 12 }), octets }),
    fc.boolean().map(app.boolean),
  );
  const { element } = fc.letrec<{ element: Element }>((tie) => ({
    element: fc.oneof(
      { maxDepth: 4 },
      primitive,
      fc.record({
        kind: fc.constant('constructed' as const),
        tag: fc.integer({ min: 0, max: 254 }),
        items: fc.array(tie('element'), { maxLength: 4 }),
      }),
    ),
  }));

  test('what is written is read as it was', () => {
    fc.assert(
      fc.property(fc.array(element, { maxLength: 5 }), (items) => {
        expect(parseElements(encodeElements(items))).toEqual(items);
      }),
      { numRuns: 300 },
    );
  });

  test('any octets are read or are a tag fault, and never more', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          parseElements(Buffer.from(bytes));
        } catch (fault) {
          expect(fault).toBeInstanceOf(TagFault);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each(['1f', '1e', '0c0000', 'f9', '2e3f', '5d', `${'0e'.repeat(18)}${'0f'.repeat(18)}`])(
    '`%s` is a tag fault',
    (text) => {
      expect(() => parseElements(hex(text))).toThrow(TagFault);
    },
  );

  test('long forms of short lengths are read, as devices in the field read them', () => {
    expect(parseElements(hex('0d 04 00800001'))).toEqual([ctx.object(0, { type: 2, instance: 1 })]);
    expect(parseElements(hex('0d fe 0004 00800001'))).toEqual([ctx.object(0, { type: 2, instance: 1 })]);
    expect(parseElements(hex('0d ff 00000004 00800001'))).toEqual([ctx.object(0, { type: 2, instance: 1 })]);
  });
});

describe('values', () => {
  test('integers take the fewest octets', () => {
    expect([0, 255, 256, 4_294_967_295].map((value) => octetsOf.unsigned(value).toString('hex'))).toEqual([
      '00',
      'ff',
      '0100',
      'ffffffff',
    ]);
    expect([0, -1, 127, 128, -129, 8_388_608].map((value) => octetsOf.signed(value).toString('hex'))).toEqual([
      '00',
      'ff',
      '7f',
      '0080',
      'ff7f',
      '00800000',
    ]);
    fc.assert(
      fc.property(fc.integer(), (value) => decoded.signed(octetsOf.signed(value)) === value),
      { numRuns: 200 },
    );
  });

  test('bits, times and objects go there and back', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (bits) => {
        expect(decoded.bits(octetsOf.bits(bits))).toEqual(bits);
      }),
      { numRuns: 100 },
    );
    const at = new Date(Date.UTC(2026, 10, 22, 7, 8, 9, 120));
    expect(decoded.instant(octetsOf.date(at), octetsOf.time(at))).toEqual(at);
    expect(octetsOf.date(at).toString('hex')).toBe('7e0b1607');
    expect(decoded.instant(Buffer.alloc(4, 0xff), octetsOf.time(at))).toBeUndefined();
    expect(decoded.object(octetsOf.object({ type: 1023, instance: 4_194_302 }))).toEqual({
      type: 1023,
      instance: 4_194_302,
    });
  });

  test('are shown for a person', () => {
    const value = [app.real(21.5), app.null(), app.text('hall'), app.boolean(true), app.double(2), app.signed(-3)];
    expect(shown([...value, within(1, ctx.unsigned(0, 7))])).toBe('21.5 null "hall" 1 2 -3 [1]{[0]07}');
    expect(objectRef('schedule,4')).toEqual({ type: 17, instance: 4 });
    expect(objectRef('130,4' as 'schedule,4')).toEqual({ type: 130, instance: 4 });
    expect(() => objectRef('nothing,1' as 'schedule,1')).toThrow(/`nothing,1` is no object/);
  });
});

describe('headers', () => {
  test('a routed NPDU goes there and back', () => {
    const npdu = {
      expectingReply: true,
      priority: 2,
      destination: { network: 2, mac: hex('0a') },
      source: { network: 65_534, mac: hex('7f000015bac0') },
      hops: 17,
      payload: hex('1008'),
    };
    expect(decodeNpdu(encodeNpdu(npdu))).toEqual(npdu);
    const message = { expectingReply: false, priority: 0, message: 1, payload: hex('0007') };
    expect(decodeNpdu(encodeNpdu(message))).toEqual(message);
    for (const broken of ['', '01', '0200ff', '0120', '01200001', '0120000106aa', '0180', '0108000103']) {
      expect(decodeNpdu(hex(broken))).toBeUndefined();
    }
  });

  test('a forwarded frame carries its origin; lengths are exact', () => {
    const origin = { host: '10.1.2.3', port: 47_809 };
    expect(decodeBvlc(encodeBvlc(4, hex('0100'), origin))).toEqual({ function: 4, origin, payload: hex('0100') });
    expect(endpointOf(macOf(origin))).toEqual(origin);
    for (const broken of ['81', '810a0005', '810a0004ff', '820a0004', '8104000500'])
      expect(decodeBvlc(hex(broken))).toBeUndefined();
  });

  test('sizes are coded downwards', () => {
    expect([49, 50, 205, 206, 480, 1475, 1476, 5000].map(apduCodeOf)).toEqual([0, 0, 1, 2, 3, 4, 5, 5]);
    expect([0, 2, 5, 9].map(apduLengthOf)).toEqual([50, 206, 1476, 1476]);
    for (const broken of [
      '',
      '00',
      '0005',
      '08050100',
      '10',
      '20',
      '2001',
      '30',
      '3801',
      '4001',
      '50',
      '60',
      '70',
      '80',
      'f0',
    ]) {
      expect(decodeApdu(hex(broken))).toBeUndefined();
    }
  });
});
