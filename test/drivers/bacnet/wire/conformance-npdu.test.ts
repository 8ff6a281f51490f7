// Clause 6: the network layer and its messages.

import { describe, expect, it } from 'vitest';
import type { NetworkMessage } from '../../../../drivers/bacnet/wire/network-message.ts';
import { decodeNpdu, encodeNpdu, type Npdu } from '../../../../drivers/bacnet/wire/npdu.ts';
import { hex, show } from './octets.ts';

const apdu = { kind: 'apdu', apdu: hex('1008') } as const;
const plain = { expectingReply: false, priority: 0 } as const;

describe('6.2 headers', () => {
  const rows: readonly (readonly [string, string, Npdu])[] = [
    ['plain', '0100 1008', { ...plain, payload: apdu }],
    ['expecting a reply, life safety', '0107 1008', { expectingReply: true, priority: 3, payload: apdu }],
    [
      'a broadcast to all networks',
      '0120 ffff00ff 1008',
      { ...plain, destination: { network: 65_535, mac: hex(''), hopCount: 255 }, payload: apdu },
    ],
    [
      'a station of network 2001',
      '0124 07d106c0a8010abac0fe 1008',
      {
        expectingReply: true,
        priority: 0,
        destination: { network: 2001, mac: hex('c0a8010abac0'), hopCount: 254 },
        payload: apdu,
      },
    ],
    [
      'from a station of network 5',
      '0108 00050107 1008',
      { ...plain, source: { network: 5, mac: hex('07') }, payload: apdu },
    ],
    [
      'both',
      '0129 000101 0a 00050107 00 1008',
      {
        expectingReply: false,
        priority: 1,
        destination: { network: 1, mac: hex('0a'), hopCount: 0 },
        source: { network: 5, mac: hex('07') },
        payload: apdu,
      },
    ],
  ];
  it.each(rows)('%s', (_name, text, npdu) => {
    expect(decodeNpdu(hex(text))).toEqual({ ok: true, value: npdu });
    expect(show(encodeNpdu(npdu))).toBe(text.replaceAll(' ', ''));
  });
});

describe('6.2 faults, all to be dropped', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'npdu-malformed'],
    ['no control', '01', 'npdu-malformed'],
    ['version 2', '02001008', 'npdu-malformed'],
    ['reserved bit 6', '01401008', 'npdu-reserved'],
    ['reserved bit 4', '01101008', 'npdu-reserved'],
    ['destination cut off', '0120ffff', 'npdu-malformed'],
    ['destination network 0', '0120000000ff1008', 'npdu-malformed'],
    ['a station on network 65535', '0120ffff0101ff1008', 'npdu-malformed'],
    ['a destination address of 8 octets', '01200001080102030405060708ff1008', 'npdu-malformed'],
    ['destination address cut off', '0120000106c0a8', 'npdu-malformed'],
    ['destination address cut off, and a source to come', '0128000107c0a8', 'npdu-malformed'],
    ['no hop count', '0120000100', 'npdu-malformed'],
    ['source cut off', '01080005', 'npdu-malformed'],
    ['source network 0', '01080000010a1008', 'npdu-malformed'],
    ['source network 65535', '0108ffff010a1008', 'npdu-malformed'],
    ['source broadcast', '0108000500 1008', 'npdu-malformed'],
    ['a source address of 8 octets', '01080005080102030405060708 1008', 'npdu-malformed'],
    ['source address cut off', '0108000506c0', 'npdu-malformed'],
    ['nothing inside', '0100', 'npdu-malformed'],
    ['no message type', '0180', 'npdu-malformed'],
  ];
  it.each(rows)('%s', (_name, text, code) => {
    const decoded = decodeNpdu(hex(text));
    expect(decoded).toMatchObject({ ok: false, fault: { code, answer: { kind: 'drop' } } });
    expect(!decoded.ok && decoded.fault.offset <= hex(text).length).toBe(true);
  });

  const unsendable: readonly (readonly [string, Npdu])[] = [
    ['destination network 0', { ...plain, destination: { network: 0, mac: hex(''), hopCount: 1 }, payload: apdu }],
    ['a station on 65535', { ...plain, destination: { network: 65_535, mac: hex('01'), hopCount: 1 }, payload: apdu }],
    ['a long address', { ...plain, destination: { network: 1, mac: new Uint8Array(8), hopCount: 1 }, payload: apdu }],
    ['source network 0', { ...plain, source: { network: 0, mac: hex('01') }, payload: apdu }],
    ['source network 65535', { ...plain, source: { network: 65_535, mac: hex('01') }, payload: apdu }],
    ['source broadcast', { ...plain, source: { network: 1, mac: hex('') }, payload: apdu }],
    ['a long source', { ...plain, source: { network: 1, mac: new Uint8Array(8) }, payload: apdu }],
    ['no APDU', { ...plain, payload: { kind: 'apdu', apdu: hex('') } }],
  ];
  it.each(unsendable)('does not send %s', (_name, npdu) => {
    expect(() => encodeNpdu(npdu)).toThrow(RangeError);
  });
});

describe('6.4 network layer messages', () => {
  const rows: readonly (readonly [string, string, NetworkMessage])[] = [
    ['6.4.1 all networks', '00', { type: 'who-is-router-to-network' }],
    ['6.4.1 one network', '0007d1', { type: 'who-is-router-to-network', network: 2001 }],
    ['6.4.2', '01000107d1', { type: 'i-am-router-to-network', networks: [1, 2001] }],
    ['6.4.3', '02000105', { type: 'i-could-be-router-to-network', network: 1, performanceIndex: 5 }],
    ['6.4.4', '03010005', { type: 'reject-message-to-network', reason: 1, network: 5 }],
    ['6.4.4 of a network that cannot be', '03060000', { type: 'reject-message-to-network', reason: 6, network: 0 }],
    ['6.4.5 all', '04', { type: 'router-busy-to-network', networks: [] }],
    ['6.4.5', '040001', { type: 'router-busy-to-network', networks: [1] }],
    ['6.4.6', '050001', { type: 'router-available-to-network', networks: [1] }],
    ['6.4.7 a query', '0600', { type: 'initialize-routing-table', ports: [] }],
    [
      '6.4.7 two ports',
      '06020001010000020202abcd',
      {
        type: 'initialize-routing-table',
        ports: [
          { network: 1, portId: 1, info: hex('') },
          { network: 2, portId: 2, info: hex('abcd') },
        ],
      },
    ],
    ['6.4.8 nothing to say', '07', { type: 'initialize-routing-table-ack' }],
    [
      '6.4.8',
      '070100010100',
      { type: 'initialize-routing-table-ack', ports: [{ network: 1, portId: 1, info: hex('') }] },
    ],
    ['6.4.9', '08000105', { type: 'establish-connection-to-network', network: 1, terminationMinutes: 5 }],
    ['6.4.10', '090001', { type: 'disconnect-connection-to-network', network: 1 }],
    ['6.4.19', '12', { type: 'what-is-network-number' }],
    ['6.4.20 configured', '1307d101', { type: 'network-number-is', network: 2001, configured: true }],
    ['6.4.20 learned', '1307d100', { type: 'network-number-is', network: 2001, configured: false }],
    ['proprietary', '80000fab', { type: 'proprietary', code: 128, vendorId: 15, octets: hex('ab') }],
  ];
  it.each(rows)('%s', (_name, text, message) => {
    const npdu: Npdu = { ...plain, payload: { kind: 'network-message', message } };
    expect(decodeNpdu(hex(`0180${text}`))).toEqual({ ok: true, value: npdu });
    expect(show(encodeNpdu(npdu))).toBe(`0180${text}`);
  });

  it.each([
    ['6.4.1 half a network', '0007'],
    ['6.4.1 network 0', '000000'],
    ['6.4.1 network 65535', '00ffff'],
    ['6.4.2 no network', '01'],
    ['6.4.2 half a network', '0100'],
    ['6.4.2 network 0', '010000'],
    ['6.4.3', '020001'],
    ['6.4.3 network 0', '02000001'],
    ['6.4.4', '0301'],
    ['6.4.5', '0400'],
    ['6.4.6', '0500'],
    ['6.4.7 no count', '06'],
    ['6.4.7 a port cut off', '06010001'],
    ['6.4.7 a port without its length', '0601000101'],
    ['6.4.7 information cut off', '060100010105ab'],
    ['6.4.7 octets behind the ports', '0600ff'],
    ['6.4.8 octets behind the ports', '0700ff'],
    ['6.4.9', '080001'],
    ['6.4.10', '09'],
    ['6.4.19 with octets', '1200'],
    ['6.4.20', '1307d1'],
    ['6.4.20 flag 2', '1307d102'],
    ['6.4.20 network 0', '13000001'],
    ['proprietary without a vendor', '8000'],
  ])('%s is malformed', (_name, text) => {
    const fault = { code: 'network-message-malformed', answer: { kind: 'drop' }, offset: 2 };
    expect(decodeNpdu(hex(`0180${text}`))).toMatchObject({ ok: false, fault });
  });

  it.each([
    ['challenge request', '0a', 'network-message-refused'],
    ['set master key', '11', 'network-message-refused'],
    ['14', '14', 'network-message-unknown'],
    ['7f', '7f', 'network-message-unknown'],
  ])('%s is answered with reject-message-to-network 3', (_name, text, code) => {
    const answer = { kind: 'reject-message-to-network', reason: 3 };
    expect(decodeNpdu(hex(`0180${text}`))).toMatchObject({ ok: false, fault: { code, answer } });
  });

  it('does not send a proprietary message under a number of the standard', () => {
    const message: NetworkMessage = { type: 'proprietary', code: 5, vendorId: 1, octets: hex('') };
    expect(() => encodeNpdu({ ...plain, payload: { kind: 'network-message', message } })).toThrow(RangeError);
  });
});
