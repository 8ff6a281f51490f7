// Whole frames: real ones, and the ones that end or hang other readers.

import { describe, expect, it } from 'vitest';
import { decodeFrame } from '../../../../drivers/bacnet/wire/frame.ts';
import { hex, oid, value } from './octets.ts';

describe('whole frames', () => {
  it('reads a WriteProperty from the link to the value', () => {
    expect(decodeFrame(hex('810a001a01040275010f0c0080000119553e44433400003f4908'))).toMatchObject({
      ok: true,
      value: {
        bvlc: { function: 'original-unicast-npdu' },
        npdu: { expectingReply: true },
        apdu: { type: 'confirmed-request', invokeId: 1, maxApduLength: 1476 },
        service: {
          kind: 'confirmed-request',
          value: {
            service: 'write-property',
            parameters: {
              objectIdentifier: oid(2, 1),
              propertyIdentifier: 85,
              propertyValue: value('4443340000'),
              priority: 8,
            },
          },
        },
      },
    });
  });

  it.each([
    ['a BVLC function without an NPDU', '81050006003c', ['bvlc']],
    ['a network message', '810b000701 8000', ['bvlc', 'npdu']],
    ['an APDU without a service', '810a0009 0100 20010f', ['bvlc', 'npdu', 'apdu']],
    ['a segment of a request', '810a000c 0104 080001000110', ['bvlc', 'npdu', 'apdu']],
    ['a segment of an ack', '810a000b 0100 380100010e', ['bvlc', 'npdu', 'apdu']],
    ['who-is', '810b0008 0100 1008', ['bvlc', 'npdu', 'apdu', 'service']],
    ['an error', '810a000d 0100 50010f 91029128', ['bvlc', 'npdu', 'apdu', 'service']],
  ])('stops where there is no more: %s', (_name, text, layers) => {
    const frame = decodeFrame(hex(text));
    expect(frame.ok && Object.keys(frame.value)).toEqual(layers);
  });

  it.each([
    ['810a000a010050810f0d ends node-bacnet', '810a000a010050810f0d', 'service', 'tag-malformed', undefined],
    ['810a000b0100420100d801 ends node-bacnet', '810a000b0100420100d801', 'apdu', 'apci-malformed', undefined],
    [
      '810a001501040005060a… hangs node-bacnet',
      '810a001501040005060a0e1c008000070f1e09552e',
      'service',
      'parameter-missing',
      6,
    ],
    ['a length beyond the datagram', '810a00ff010050810f0d', 'bvlc', 'bvlc-length', undefined],
    ['a reserved bit of the network layer', '810a0008 01401008', 'npdu', 'npdu-reserved', undefined],
    ['a non-minimal tag in a read', '810a0012 0104 0005010c 0d0400800001 1955', 'service', 'tag-not-canonical', 1],
    ['an ack of a service without one', '810a0009 0100 30010f', 'service', 'service-without-ack', undefined],
    ['a who-is with half a range', '810b000a 0100 1008 0903', 'service', 'parameters-inconsistent', undefined],
  ])('%s', (_name, text, layer, code, invokeId) => {
    const decoded = decodeFrame(hex(text));
    expect(decoded).toMatchObject({ ok: false, fault: { layer, code } });
    expect(!decoded.ok && decoded.fault.invokeId).toBe(invokeId);
  });
});
