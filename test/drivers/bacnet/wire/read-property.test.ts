// ReadProperty by position against the described codecs: the same values, the same octets, and never more than they take.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeApdu, encodeApdu } from '../../../../drivers/bacnet/wire/apdu.ts';
import {
  type ComplexAck,
  type ConfirmedRequest,
  decodeComplexAck,
  decodeConfirmedRequest,
  encodeConfirmedRequest,
  writeComplexAck,
} from '../../../../drivers/bacnet/wire/confirmed-service.ts';
import { encodeAck, encodeRequest } from '../../../../drivers/bacnet/wire/message.ts';
import { decodeNpdu } from '../../../../drivers/bacnet/wire/npdu.ts';
import { decodeReadPropertyAckFrame, decodeReadPropertyFrame } from '../../../../drivers/bacnet/wire/read-property.ts';
import { TagWriter } from '../../../../drivers/bacnet/wire/writer.ts';
import { hex, show, value } from './octets.ts';

type Request = Extract<ConfirmedRequest, { service: 'read-property' }>;
type Ack = Extract<ComplexAck, { service: 'read-property' }>;

const REQUEST = '01 24 0014 06 7f090501bb26 ff 02750c0c';
const ACK = '01 00 300c0c';

/** What the described codecs make of it, in the form of the one by position. */
function described(npdu: Uint8Array) {
  const network = decodeNpdu(npdu);
  if (!network.ok || network.value.payload.kind !== 'apdu') return undefined;
  const { source, destination, expectingReply, payload } = network.value;
  const apdu = decodeApdu(payload.apdu);
  if (!apdu.ok || source !== undefined || !('segment' in apdu.value ? apdu.value.segment === undefined : true))
    return undefined;
  if (apdu.value.type === 'confirmed-request' && destination !== undefined && expectingReply) {
    const request = decodeConfirmedRequest(apdu.value.serviceChoice, apdu.value.service);
    if (!request.ok) return undefined;
    const mac = destination.mac.reduce((number, octet) => number * 256 + octet, 0);
    const { network: number, hopCount } = destination;
    return { network: number, mac, hopCount, apdu: apdu.value, request: request.value };
  }
  if (apdu.value.type === 'complex-ack' && destination === undefined) {
    const ack = decodeComplexAck(apdu.value.serviceChoice, apdu.value.service);
    return ack.ok ? { invokeId: apdu.value.invokeId, ack: ack.value } : undefined;
  }
  return undefined;
}

const number32 = fc.oneof(fc.nat(300), fc.nat(70_000), fc.nat(0x1_000_000), fc.integer({ min: 0, max: 0xffff_ffff }));
const reference = fc.record(
  {
    objectIdentifier: fc.record({ type: fc.nat(1023), instance: fc.nat(4_194_303) }),
    propertyIdentifier: number32,
    propertyArrayIndex: number32,
  },
  { requiredKeys: ['objectIdentifier', 'propertyIdentifier'] },
);
const values = fc.constantFrom(
  '',
  '00',
  '10',
  '11',
  '12',
  '2105',
  '2205c4',
  '31ff',
  '4442280000',
  '44428000',
  '5508400921fb54442d18',
  '60',
  '7100',
  '7506004f4b4f4b4f',
  '820400',
  '8109',
  '9101',
  'a47c0b16ff',
  'b40c000000',
  'c402000001',
  'd100',
  '0901',
  '2e21053f',
  '21052106',
);
const request = reference.map((parameters): Request => ({ service: 'read-property', parameters }));

function requestFrame(service: Uint8Array): Uint8Array {
  return Uint8Array.of(...hex(REQUEST), ...service);
}

/** One octet other than it was, one more or one less. */
const damaged = (octets: Uint8Array) =>
  fc
    .tuple(fc.nat(octets.length), fc.nat(255), fc.constantFrom('change', 'cut', 'insert', 'none'))
    .map(([at, octet, how]) => {
      const list = [...octets];
      if (how === 'change') list[at] = octet;
      else if (how === 'cut') list.splice(at, 1);
      else if (how === 'insert') list.splice(at, 0, octet);
      return Uint8Array.from(list);
    });

describe('ReadProperty by position', () => {
  it('reads every request in its usual form as the codecs do', () => {
    fc.assert(
      fc.property(request, (one) => {
        const npdu = requestFrame(encodeConfirmedRequest(one).service);
        const read = decodeReadPropertyFrame(npdu);
        expect(read?.request).toEqual(one);
        expect(read).toEqual(described(npdu));
      }),
    );
  });

  it('takes nothing that the codecs read otherwise or refuse', () => {
    const frames = fc.oneof(
      request.chain((one) => damaged(requestFrame(encodeConfirmedRequest(one).service))),
      fc.tuple(reference, values, fc.nat(255)).chain(([parameters, text]) => {
        const head = encodeConfirmedRequest({ service: 'read-property', parameters }).service;
        return damaged(Uint8Array.of(...hex(ACK), ...head, 0x3e, ...hex(text), 0x3f));
      }),
    );
    fc.assert(
      fc.property(frames, (npdu) => {
        for (const read of [decodeReadPropertyFrame(npdu), decodeReadPropertyAckFrame(npdu)])
          if (read !== undefined) expect(read).toEqual(described(npdu));
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['00', '10', '11', '2105', '4442280000', '60', '7100', '9101', 'a47c0b16ff', 'c402000001'])(
    'reads and writes an ack of one short value %s',
    (text) => {
      const parameters: Ack['parameters'] = {
        objectIdentifier: { type: 2, instance: 7 },
        propertyIdentifier: 85,
        propertyValue: value(text),
      };
      for (const one of [parameters, { ...parameters, propertyArrayIndex: 300 }]) {
        const ack: Ack = { service: 'read-property', parameters: one };
        const writer = new TagWriter();
        writeComplexAck(writer, ack);
        const service = writer.finish();
        expect(decodeReadPropertyAckFrame(Uint8Array.of(...hex(ACK), ...service))).toEqual({ invokeId: 12, ack });
        expect(show(encodeAck({ type: 'complex-ack', invokeId: 9, serviceChoice: 12 }, ack))).toBe(
          show(encodeApdu({ type: 'complex-ack', invokeId: 9, serviceChoice: 12, service })),
        );
      }
    },
  );

  it.each([
    ['no value', ''],
    ['several values', '21052106'],
    ['a long string', '7506004f4b4f4b4f'],
    ['a bit string', '820400'],
    ['a constructed value', '2e21052f'],
  ])('leaves %s to the codecs', (_name, text) => {
    const npdu = hex(`${ACK} 0c00800007 1955 3e${text}3f`);
    expect(decodeReadPropertyAckFrame(npdu)).toBeUndefined();
    expect(described(npdu)).toBeDefined();
  });

  it.each([
    ['a source', '01 2c 0014 06 7f090501bb26 0005 01 02 ff 02750c0c 0c00800007 1955'],
    ['no reply expected', '01 20 0014 06 7f090501bb26 ff 02750c0c 0c00800007 1955'],
    ['a reserved bit of the network layer', '01 34 0014 06 7f090501bb26 ff 02750c0c 0c00800007 1955'],
    ['a broadcast to every network', '01 24 ffff 06 7f090501bb26 ff 02750c0c 0c00800007 1955'],
    ['network 0', '01 24 0000 06 7f090501bb26 ff 02750c0c 0c00800007 1955'],
    ['another length of MAC', '01 24 0014 05 7f0905bb26 ff 02750c0c 0c00800007 1955'],
    ['a segment', '01 24 0014 06 7f090501bb26 ff 08750c00010c 0c00800007 1955'],
    ['a reserved bit of the APDU', '01 24 0014 06 7f090501bb26 ff 03750c0c 0c00800007 1955'],
    ['a reserved length', '01 24 0014 06 7f090501bb26 ff 02760c0c 0c00800007 1955'],
    ['reserved segments', '01 24 0014 06 7f090501bb26 ff 02f50c0c 0c00800007 1955'],
    ['another service', '01 24 0014 06 7f090501bb26 ff 02750c0e 0c00800007 1955'],
    ['a property of two octets for one', `${REQUEST} 0c00800007 1a0055`],
    ['an index of none', `${REQUEST} 0c00800007 1955 28`],
    ['one octet too many', `${REQUEST} 0c00800007 1955 290100`],
    ['an object that ends early', `${REQUEST} 0c0080`],
    ['nothing of the service', REQUEST],
    ['nothing at all', ''],
  ])('takes no request with %s', (_name, text) => {
    expect(decodeReadPropertyFrame(hex(text))).toBeUndefined();
  });

  it('writes every request as the codecs do', () => {
    fc.assert(
      fc.property(request, fc.nat(255), fc.boolean(), (one, invokeId, segmentedResponseAccepted) => {
        const header = {
          type: 'confirmed-request',
          invokeId,
          serviceChoice: 12,
          segmentedResponseAccepted,
          maxSegments: 16,
          maxApduLength: 480,
        } as const;
        const octets = encodeApdu({ ...header, ...encodeConfirmedRequest(one) });
        expect(show(encodeRequest(header, one))).toBe(show(octets));
      }),
    );
  });

  it.each([
    { objectIdentifier: { type: 1024, instance: 1 }, propertyIdentifier: 85 },
    { objectIdentifier: { type: 2, instance: 4_194_304 }, propertyIdentifier: 85 },
    { objectIdentifier: { type: 2, instance: 1.5 }, propertyIdentifier: 85 },
    { objectIdentifier: { type: 2, instance: 1 }, propertyIdentifier: -1 },
    { objectIdentifier: { type: 2, instance: 1 }, propertyIdentifier: 85, propertyArrayIndex: 0x1_0000_0000 },
  ])('throws for what no frame can carry: %o', (parameters) => {
    const header = { type: 'complex-ack', invokeId: 1, serviceChoice: 12 } as const;
    const ack: Ack = { service: 'read-property', parameters: { ...parameters, propertyValue: value('2105') } };
    expect(() => encodeAck(header, ack)).toThrow(RangeError);
    const plain = { segmentedResponseAccepted: true, maxSegments: 'unspecified', maxApduLength: 50 } as const;
    expect(() =>
      encodeRequest({ ...header, ...plain, type: 'confirmed-request' }, { service: 'read-property', parameters }),
    ).toThrow(RangeError);
  });
});
