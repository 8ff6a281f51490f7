// Annex J: BACnet virtual link control. Rows: octets, value; or octets, fault.

import { describe, expect, it } from 'vitest';
import { type Bvlc, decodeBvlc, encodeBvlc, type IpEndpoint } from '../../../../drivers/bacnet/wire/bvlc.ts';
import { hex, show } from './octets.ts';

const peer: IpEndpoint = { address: [192, 168, 1, 10], port: 47_808 };
const npdu = hex('01001008');

describe('J.2 functions', () => {
  const rows: readonly (readonly [string, string, Bvlc])[] = [
    ['J.2.1 result', '810000060000', { function: 'result', result: 'successful-completion' }],
    ['J.2.1 result', '810000060030', { function: 'result', result: 'register-foreign-device-nak' }],
    ['J.2.2 write-BDT, empty', '81010004', { function: 'write-broadcast-distribution-table', entries: [] }],
    [
      'J.2.2 write-BDT',
      '8101000e c0a8010abac0ffffff00',
      { function: 'write-broadcast-distribution-table', entries: [{ ...peer, mask: [255, 255, 255, 0] }] },
    ],
    ['J.2.3 read-BDT', '81020004', { function: 'read-broadcast-distribution-table' }],
    [
      'J.2.4 read-BDT-ack',
      '81030018 c0a8010abac0ffffffff c0a8010abac0ffffffff',
      {
        function: 'read-broadcast-distribution-table-ack',
        entries: [
          { ...peer, mask: [255, 255, 255, 255] },
          { ...peer, mask: [255, 255, 255, 255] },
        ],
      },
    ],
    ['J.2.5 forwarded-NPDU', '8104000e c0a8010abac0 01001008', { function: 'forwarded-npdu', origin: peer, npdu }],
    ['J.2.6 register', '81050006003c', { function: 'register-foreign-device', timeToLive: 60 }],
    ['J.2.7 read-FDT', '81060004', { function: 'read-foreign-device-table' }],
    [
      'J.2.8 read-FDT-ack',
      '8107000e c0a8010abac0003c005a',
      { function: 'read-foreign-device-table-ack', entries: [{ ...peer, timeToLive: 60, remaining: 90 }] },
    ],
    ['J.2.9 delete-FDT', '8108000a c0a8010abac0', { function: 'delete-foreign-device-table-entry', entry: peer }],
    ['J.2.10 distribute', '81090008 01001008', { function: 'distribute-broadcast-to-network', npdu }],
    ['J.2.11 unicast', '810a0008 01001008', { function: 'original-unicast-npdu', npdu }],
    ['J.2.12 broadcast', '810b0008 01001008', { function: 'original-broadcast-npdu', npdu }],
  ];
  it.each(rows)('%s', (_name, text, bvlc) => {
    expect(decodeBvlc(hex(text))).toEqual({ ok: true, value: bvlc });
    expect(show(encodeBvlc(bvlc))).toBe(text.replaceAll(' ', ''));
  });
});

describe('J.2 faults, all to be dropped', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'bvlc-malformed'],
    ['half a header', '810a00', 'bvlc-malformed'],
    ['another type', '820a0008 01001008', 'bvlc-malformed'],
    ['length beyond the datagram', '810a0009 01001008', 'bvlc-length'],
    ['octets behind the length', '810a0008 01001008 00', 'bvlc-length'],
    ['a result with no code', '81000004', 'bvlc-length'],
    ['an unknown result code', '810000060001', 'bvlc-malformed'],
    ['write-BDT with half an entry', '81010009 c0a8010aba', 'bvlc-length'],
    ['read-BDT with octets', '8102000500', 'bvlc-length'],
    ['read-BDT-ack with half an entry', '81030009 c0a8010aba', 'bvlc-length'],
    ['forwarded without an NPDU', '8104000a c0a8010abac0', 'bvlc-length'],
    ['register with no time', '81050004', 'bvlc-length'],
    ['read-FDT with octets', '8106000500', 'bvlc-length'],
    ['read-FDT-ack with half an entry', '81070009 c0a8010aba', 'bvlc-length'],
    ['delete-FDT with no entry', '81080004', 'bvlc-length'],
    ['distribute without an NPDU', '81090004', 'bvlc-length'],
    ['unicast without an NPDU', '810a000501', 'bvlc-length'],
    ['broadcast without an NPDU', '810b0004', 'bvlc-length'],
    ['secure BVLL', '810c000801001008', 'bvlc-secured'],
    ['function 13', '810d0004', 'bvlc-function-unknown'],
    ['an NPDU of 1498 octets', `810a05de${'00'.repeat(1498)}`, 'bvlc-length'],
  ];
  it.each(rows)('%s', (_name, text, code) => {
    expect(decodeBvlc(hex(text))).toMatchObject({ ok: false, fault: { code, answer: { kind: 'drop' } } });
  });

  it('does not send an NPDU that is too long, or none', () => {
    for (const length of [1, 1498]) {
      const bvlc: Bvlc = { function: 'original-unicast-npdu', npdu: new Uint8Array(length) };
      expect(() => encodeBvlc(bvlc)).toThrow(RangeError);
    }
  });
});
