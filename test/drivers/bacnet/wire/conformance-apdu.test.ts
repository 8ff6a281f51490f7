// Clause 20.1: application layer headers.

import { describe, expect, it } from 'vitest';
import { type Apdu, decodeApdu, encodeApdu } from '../../../../drivers/bacnet/wire/apdu.ts';
import { hex, show } from './octets.ts';

const request = {
  type: 'confirmed-request',
  invokeId: 1,
  serviceChoice: 12,
  segmentedResponseAccepted: false,
  maxSegments: 'unspecified',
  maxApduLength: 50,
  service: hex('00'),
} as const;

describe('20.1 headers', () => {
  const rows: readonly (readonly [string, string, Apdu])[] = [
    ['20.1.2', '0000010c00', request],
    [
      '20.1.2 maxima',
      '0275010c00',
      { ...request, segmentedResponseAccepted: true, maxSegments: 'more-than-64', maxApduLength: 1476 },
    ],
    [
      '20.1.2 first segment',
      '0c440100100c00',
      {
        ...request,
        maxSegments: 16,
        maxApduLength: 1024,
        segment: { moreFollows: true, sequenceNumber: 0, proposedWindowSize: 16 },
      },
    ],
    [
      '20.1.2 last segment',
      '080001ff7f0c00',
      { ...request, segment: { moreFollows: false, sequenceNumber: 255, proposedWindowSize: 127 } },
    ],
    ['20.1.3', '1008', { type: 'unconfirmed-request', serviceChoice: 8, service: hex('') }],
    ['20.1.4', '20010f', { type: 'simple-ack', invokeId: 1, serviceChoice: 15 }],
    ['20.1.5', '30010c00', { type: 'complex-ack', invokeId: 1, serviceChoice: 12, service: hex('00') }],
    [
      '20.1.5 segment',
      '3c0100010c00',
      {
        type: 'complex-ack',
        invokeId: 1,
        serviceChoice: 12,
        segment: { moreFollows: true, sequenceNumber: 0, proposedWindowSize: 1 },
        service: hex('00'),
      },
    ],
    [
      '20.1.6',
      '40010501',
      {
        type: 'segment-ack',
        negative: false,
        server: false,
        invokeId: 1,
        sequenceNumber: 5,
        actualWindowSize: 1,
      },
    ],
    [
      '20.1.6 negative, by the server',
      '4301057f',
      { type: 'segment-ack', negative: true, server: true, invokeId: 1, sequenceNumber: 5, actualWindowSize: 127 },
    ],
    ['20.1.7', '50010f91029128', { type: 'error', invokeId: 1, serviceChoice: 15, service: hex('91029128') }],
    ['20.1.8', '600109', { type: 'reject', invokeId: 1, reason: 9 }],
    ['20.1.9', '700104', { type: 'abort', server: false, invokeId: 1, reason: 4 }],
    ['20.1.9 by the server, a vendor', '7101c8', { type: 'abort', server: true, invokeId: 1, reason: 200 }],
  ];
  it.each(rows)('%s', (_name, text, apdu) => {
    expect(decodeApdu(hex(text))).toEqual({ ok: true, value: apdu });
    expect(show(encodeApdu(apdu))).toBe(text);
  });
});

describe('20.1 faults', () => {
  const abort = (reason: string) => ({ kind: 'abort', reason });
  const drop = { kind: 'drop' };
  const rows: readonly (readonly [string, string, string, object])[] = [
    ['nothing', '', 'apci-malformed', drop],
    ['PDU type 8', '80', 'apci-malformed', drop],
    ['request without an invoke id', '0000', 'apci-malformed', drop],
    ['request with reserved bit 0', '0100010c', 'apci-reserved', abort('other')],
    ['request with reserved bit 7', '0080010c', 'apci-reserved', abort('other')],
    ['request with max-APDU code 6', '0006010c', 'apci-reserved', abort('other')],
    ['request without a service', '000001', 'apci-malformed', abort('other')],
    ['more-follows without a segment', '0400010c', 'apci-malformed', abort('other')],
    ['segment cut off', '0800010001', 'apci-malformed', abort('other')],
    ['window 0', '08000100000c', 'apci-window', abort('window-size-out-of-range')],
    ['window 128', '08000100800c', 'apci-window', abort('window-size-out-of-range')],
    ['unconfirmed with reserved bits', '1108', 'apci-reserved', drop],
    ['unconfirmed without a service', '10', 'apci-malformed', drop],
    ['simple ack with reserved bits', '21010f', 'apci-reserved', drop],
    ['simple ack cut off', '2001', 'apci-malformed', drop],
    ['simple ack with more', '20010f00', 'apci-malformed', drop],
    ['complex ack without an invoke id', '30', 'apci-malformed', drop],
    ['complex ack with reserved bits', '31010c', 'apci-reserved', drop],
    ['complex ack, more-follows without a segment', '34010c', 'apci-malformed', drop],
    ['complex ack, window 0', '380100000c', 'apci-window', drop],
    ['segment ack with reserved bits', '44010501', 'apci-reserved', drop],
    ['segment ack cut off', '400105', 'apci-malformed', drop],
    ['segment ack with more', '4001050100', 'apci-malformed', drop],
    ['segment ack, window 0', '40010500', 'apci-window', drop],
    ['error with reserved bits', '51010f', 'apci-reserved', drop],
    ['error cut off', '5001', 'apci-malformed', drop],
    ['reject with reserved bits', '610109', 'apci-reserved', drop],
    ['reject cut off', '6001', 'apci-malformed', drop],
    ['reject with more', '60010900', 'apci-malformed', drop],
    ['abort with reserved bits', '720104', 'apci-reserved', drop],
    ['abort cut off', '7001', 'apci-malformed', drop],
    ['abort with more', '70010400', 'apci-malformed', drop],
  ];
  it.each(rows)('%s', (_name, text, code, answer) => {
    const decoded = decodeApdu(hex(text));
    expect(decoded).toMatchObject({ ok: false, fault: { code, answer } });
    expect(!decoded.ok && decoded.fault.invokeId).toBe('reason' in answer ? 1 : undefined);
  });

  it('does not send a window no peer could accept', () => {
    const segment = { moreFollows: true, sequenceNumber: 0, proposedWindowSize: 0 };
    expect(() => encodeApdu({ ...request, segment })).toThrow(RangeError);
  });
});
