// The BACnet codec as a whole: total, canonical, and no segment order gives a message nobody sent.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyValue, anyValueOf, type Element, elementsOf } from '../../drivers/bacnet/wire/any-value.ts';
import { type Apdu, encodeApdu } from '../../drivers/bacnet/wire/apdu.ts';
import { encodeBvlc } from '../../drivers/bacnet/wire/bvlc.ts';
import { CONFIRMED_SERVICES } from '../../drivers/bacnet/wire/confirmed-service.ts';
import { decodeFrame, decodeService, type Frame } from '../../drivers/bacnet/wire/frame.ts';
import { encodeNpdu } from '../../drivers/bacnet/wire/npdu.ts';
import { elementOf, primitiveOfElement } from '../../drivers/bacnet/wire/primitive-value.ts';
import {
  beginReassembly,
  continueReassembly,
  type ReassemblyStep,
  type SegmentedApdu,
  splitApdu,
} from '../../drivers/bacnet/wire/segmentation.ts';
import { UNCONFIRMED_SERVICES } from '../../drivers/bacnet/wire/unconfirmed-service.ts';
import { decodeWhole, encodeWhole } from '../../drivers/bacnet/wire/whole.ts';
import { APDU_CORPUS } from '../drivers/bacnet/wire/apdu-corpus.ts';
import { encodeService } from '../drivers/bacnet/wire/encode-service.ts';
import { hex, show } from '../drivers/bacnet/wire/octets.ts';
import { SERVICE_ROWS } from '../drivers/bacnet/wire/service-rows.ts';

const RUNS = { numRuns: 3000 };

/** The frame written again from its innermost value outwards. */
function encodeFrame(frame: Frame): Uint8Array {
  const { bvlc, npdu, apdu, service } = frame;
  if (npdu === undefined || !('npdu' in bvlc)) return encodeBvlc(bvlc);
  if (apdu === undefined) return encodeBvlc({ ...bvlc, npdu: encodeNpdu(npdu) });
  const whole: Apdu = service === undefined ? apdu : { ...apdu, ...encodeService(service) };
  const inner = encodeNpdu({ ...npdu, payload: { kind: 'apdu', apdu: encodeApdu(whole) } });
  return encodeBvlc({ ...bvlc, npdu: inner });
}

function unicast(apdu: Uint8Array): Uint8Array {
  return encodeBvlc({ function: 'original-unicast-npdu', npdu: Uint8Array.of(1, 0, ...apdu) });
}

const CORPUS = APDU_CORPUS.map(unicast);

const mutation = fc.record({
  kind: fc.constantFrom('set', 'flip', 'insert', 'remove', 'cut', 'repeat', 'none'),
  at: fc.nat(),
  octet: fc.nat(255),
});

function mutate(octets: Uint8Array, { kind, at, octet }: { kind: string; at: number; octet: number }): Uint8Array {
  const list = [...octets];
  const place = at % (list.length + 1);
  switch (kind) {
    case 'set':
      list.splice(place, 1, octet);
      break;
    case 'flip':
      list.splice(place, 1, (list[place] ?? 0) ^ (1 << (octet & 7)));
      break;
    case 'insert':
      list.splice(place, 0, octet);
      break;
    case 'remove':
      list.splice(place, 1 + (octet & 3));
      break;
    case 'cut':
      list.length = place;
      break;
    case 'repeat':
      list.splice(place, 0, ...list.slice(place, place + (octet & 15)));
      break;
    default:
      break;
  }
  return Uint8Array.from(list);
}

/** The length field put right again, so that a mutation reaches the inner layers. */
function measured(datagram: Uint8Array): Uint8Array {
  const octets = datagram.slice();
  octets[2] = octets.length >> 8;
  octets[3] = octets.length & 0xff;
  return octets;
}

const mutated = fc
  .tuple(fc.constantFrom(...CORPUS), fc.array(mutation, { maxLength: 4 }))
  .map(([octets, mutations]) => measured(mutations.reduce(mutate, octets)));

const leaf: fc.Arbitrary<Element> = fc.oneof(
  fc.record({ kind: fc.constant('context' as const), number: fc.nat(254), octets: fc.uint8Array({ maxLength: 300 }) }),
  fc.constantFrom<Element>(
    { kind: 'application', number: 0, octets: hex('') },
    { kind: 'application', number: 1, octets: hex('01') },
    { kind: 'application', number: 4, octets: hex('7fa00001') },
    { kind: 'application', number: 8, octets: hex('07ff') },
  ),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => elementOf({ type: 'unsigned', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => elementOf({ type: 'signed', value })),
  fc.double().map((value) => elementOf({ type: 'double', value })),
  fc.uint8Array({ maxLength: 300 }).map((value) => elementOf({ type: 'octet-string', value })),
);

const tree = fc.letrec<{ element: Element }>((tie) => ({
  element: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constant('constructed' as const),
      number: fc.nat(254),
      elements: fc.array(tie('element'), { maxLength: 4 }),
    }),
  ),
})).element;

describe('any octets', () => {
  it('decode to a value or a fault, and what decodes is written back as it was', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: mutated }, { weight: 1, arbitrary: fc.uint8Array() }), (octets) => {
        const decoded = decodeFrame(octets);
        if (!decoded.ok) {
          expect(decoded.fault.offset).toBeLessThanOrEqual(octets.length);
          return;
        }
        accepted += 1;
        expect(show(encodeFrame(decoded.value))).toBe(show(octets));
      }),
      { numRuns: 8000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it('as parameters of any service of any kind decode to a value or a fault', () => {
    const kinds = fc.constantFrom('confirmed-request', 'unconfirmed-request', 'complex-ack', 'error');
    const parameters = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.array(tree, { maxLength: 6 }).map((elements) => anyValueOf(elements).octets),
      fc.constantFrom(...SERVICE_ROWS.map(({ octets }) => hex(octets))),
    );
    fc.assert(
      fc.property(kinds, fc.nat(40), parameters, (type, serviceChoice, service) => {
        const apdu: Apdu =
          type === 'confirmed-request'
            ? {
                type,
                invokeId: 1,
                serviceChoice,
                segmentedResponseAccepted: false,
                maxSegments: 2,
                maxApduLength: 50,
                service,
              }
            : type === 'unconfirmed-request'
              ? { type, serviceChoice, service }
              : { type: type === 'error' ? 'error' : 'complex-ack', invokeId: 1, serviceChoice, service };
        const decoded = decodeService(apdu);
        if (decoded?.ok !== true) return;
        expect(show(encodeService(decoded.value).service)).toBe(show(service));
        expect(encodeService(decoded.value).serviceChoice).toBe(serviceChoice);
      }),
      RUNS,
    );
  });

  it('has a corpus that touches every service', () => {
    const seen = new Set(
      CORPUS.map((octets) => decodeFrame(octets)).map((frame) => frame.ok && frame.value.service?.value.service),
    );
    const wanted = [...Object.keys(CONFIRMED_SERVICES), ...Object.keys(UNCONFIRMED_SERVICES)];
    expect(wanted.filter((name) => !([...seen] as unknown[]).includes(name))).toEqual([]);
  });
});

describe('tag trees', () => {
  it('are written and read as they were, and their octets survive', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), (elements) => {
        const value = anyValueOf(elements);
        expect(elementsOf(value)).toEqual(elements);
        const decoded = decodeWhole(anyValue, value.octets);
        expect(decoded.ok && show(encodeWhole(anyValue, decoded.value))).toBe(show(value.octets));
      }),
      { numRuns: 1000 },
    );
  });

  it('give primitives that give the same element again', () => {
    fc.assert(
      fc.property(leaf, (element) => {
        const primitive = primitiveOfElement(element);
        // A NaN's payload is not part of its view: the octets of the value keep it.
        if (primitive === undefined || ('value' in primitive && Number.isNaN(primitive.value))) return;
        expect(elementOf(primitive)).toEqual(element);
      }),
      RUNS,
    );
  });
});

describe('segments', () => {
  it('in any order, lost or doubled, give the message that was sent or none', () => {
    const delivery = fc.array(fc.record({ skip: fc.integer({ min: -3, max: 3 }) }), { maxLength: 80 });
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 900 }),
        fc.integer({ min: 1, max: 8 }),
        delivery,
        (length, window, hops) => {
          const service = Uint8Array.from({ length }, (_, index) => (index * 7) % 256);
          const apdu: SegmentedApdu = { type: 'complex-ack', invokeId: 9, serviceChoice: 14, service };
          const cut = splitApdu(apdu, { maxApduLength: 50, maxSegments: 64, proposedWindowSize: window });
          if (!cut.ok) throw new Error(cut.fault);
          const segments = cut.value;
          let step: ReassemblyStep = beginReassembly(segments[0], { windowSize: 4, octets: 1000, segments: 64 });
          let at = 0;
          // Whatever was lost or doubled before, a sender that then goes on from the last one acknowledged ends it.
          const wanderings = hops.map(({ skip }) => skip);
          while (step.kind === 'await') {
            const skip = wanderings.shift();
            const next: number = skip === undefined ? step.state.parts.length : at + skip;
            at = Math.max(0, Math.min(segments.length - 1, next));
            const segment = segments[at];
            if (segment === undefined) throw new Error('no such segment');
            step = continueReassembly(step.state, segment);
          }
          expect(step).toMatchObject({ kind: 'complete', apdu: { service } });
        },
      ),
      { numRuns: 500 },
    );
  });
});
