// MODBUS over Serial Line V1.02, 2.5.1: frames by their expected length, the CRC as the judge, silence as the rescue.

import { describe, expect, it } from 'vitest';
import { crc16 } from '../../../../drivers/modbus/wire/crc.ts';
import { decodeRequest } from '../../../../drivers/modbus/wire/decode-request.ts';
import { encodeRtuRequest, type RtuAdu, type RtuFault, RtuFramer } from '../../../../drivers/modbus/wire/rtu.ts';
import { expectedResponseLength } from '../../../../drivers/modbus/wire/rtu-length.ts';
import { hex, times, toHex } from './hex.ts';

function sealed(frame: string): Uint8Array {
  const body = hex(frame);
  const crc = crc16(body);
  return Uint8Array.from([...body, crc & 0xff, crc >>> 8]);
}

function asked(bytes: string) {
  const decoded = decodeRequest(hex(bytes));
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

function drain(framer: RtuFramer): (RtuAdu | RtuFault)[] {
  const events: (RtuAdu | RtuFault)[] = [];
  for (let event = framer.next(); event !== undefined; event = framer.next()) events.push(event);
  return events;
}

function pdu(event: RtuAdu | RtuFault | undefined): string {
  if (event?.kind !== 'adu') throw new Error(`expected an ADU, got ${event?.kind}`);
  return `${event.unitId}:${toHex(event.bytes.subarray(event.start, event.end))}`;
}

describe('crc', () => {
  it.each([
    ['02 07', 0x1241],
    ['31 32 33 34 35 36 37 38 39', 0x4b37],
    ['', 0xffff],
  ])('of %s', (bytes, crc) => {
    expect(crc16(hex(bytes))).toBe(crc);
  });

  it('of a part', () => {
    expect(crc16(hex('ff 02 07 ff'), 1, 3)).toBe(0x1241);
  });
});

describe('expected lengths of responses', () => {
  it.each([
    ['03 0000 0001', '11', 'more'],
    ['03 0000 0001', '11 83', 5],
    ['03 0000 0001', '11 04', 'silence'],
    ['03 0000 0001', '11 03', 'more'],
    ['03 0000 0001', '11 03 02', 7],
    ['01 0000 0001', '11 01 01', 6],
    ['05 0000 ff00', '11 05', 8],
    ['10 0000 0001 02 0000', '11 10', 8],
    ['0b', '11 0b', 8],
    ['07', '11 07', 5],
    ['08 0000 a537', '11 08', 8],
    ['08 0002 0000', '11 08', 8],
    ['08 0005 0000', '11 08', 'silence'],
    ['0c', '11 0c 08', 13],
    ['11', '11 11 03', 8],
    ['14 07 06 0001 0000 0001', '11 14 04', 9],
    ['15 09 06 0001 0000 0001 0000', '11 15 09', 14],
    ['16 0000 0000 0000', '11 16', 10],
    ['17 0000 0001 0000 0001 02 0000', '11 17 02', 7],
    ['18 0000', '11 18 00', 'more'],
    ['18 0000', '11 18 0006', 12],
    ['2b 0e 01 00', '11 2b 0e 01 01 00 00', 'more'],
    ['2b 0e 01 00', '11 2b 0e 01 01 00 00 02 00', 'more'],
    ['2b 0e 01 00', '11 2b 0e 01 01 00 00 02 00 01 41 01', 'more'],
    ['2b 0e 01 00', '11 2b 0e 01 01 00 00 02 00 01 41 01 00', 15],
    ['2b 0d 01', '11 2b', 'silence'],
    ['5a', '11 5a', 'silence'],
  ] as const)('to %s: %s', (request, bytes, length) => {
    expect(expectedResponseLength(asked(request), hex(bytes))).toBe(length);
  });
});

describe('framing', () => {
  it('gives frames that follow each other, cut anywhere', () => {
    const line = [...sealed('11 03 02 1234'), ...sealed('12 83 02')];
    const framer = new RtuFramer(asked('03 0000 0001'));
    const events = line.flatMap((octet) => {
      framer.push(Uint8Array.of(octet));
      return drain(framer);
    });
    expect(events.map(pdu)).toEqual(['17:03021234', '18:8302']);
    expect(framer.held).toBe(0);
  });

  it('gives the answer and the exception to one request', () => {
    const framer = new RtuFramer(asked('03 0000 0001'));
    framer.push(sealed('11 03 02 1234'));
    expect(drain(framer).map(pdu)).toEqual(['17:03021234']);
    framer.push(sealed('11 83 02'));
    expect(drain(framer).map(pdu)).toEqual(['17:8302']);
  });

  it('is deaf after a wrong crc until the line was silent', () => {
    const framer = new RtuFramer(asked('03 0000 0001'));
    const good = sealed('11 03 02 1234');
    const bad = Uint8Array.from(good);
    bad[6] = 0;
    framer.push(bad);
    expect(drain(framer)).toMatchObject([{ kind: 'fault', code: 'crc' }]);
    framer.push(good);
    expect(drain(framer)).toEqual([]);
    expect(framer.silence()).toBeUndefined();
    framer.push(good);
    expect(drain(framer).map(pdu)).toEqual(['17:03021234']);
  });

  it('ends a frame of unknown length by silence', () => {
    const framer = new RtuFramer(asked('5a 01'));
    framer.push(sealed('11 5a 0102'));
    expect(drain(framer)).toEqual([]);
    expect(pdu(framer.silence())).toBe('17:5a0102');
    expect(framer.held).toBe(0);
  });

  it.each(['11', '11 5a 01', '11 03 02 12'])('drops %s when the line falls silent', (cut) => {
    const framer = new RtuFramer(asked('03 0000 0001'));
    framer.push(hex(cut));
    expect(drain(framer)).toEqual([]);
    expect(framer.silence()).toMatchObject({ kind: 'fault', code: 'truncated' });
    expect(framer.silence()).toBeUndefined();
  });

  it.each(['11 03 ff', `11 5a ${times('00', 255)}`])('does not wait for more than an ADU', (start) => {
    const framer = new RtuFramer(asked('03 0000 0001'));
    framer.push(hex(start));
    expect(drain(framer)).toMatchObject([{ kind: 'fault', code: 'too-long' }]);
    expect(framer.held).toBe(0);
  });

  it('forgets a late answer when a new request begins', () => {
    const framer = new RtuFramer(asked('03 0000 0001'));
    framer.push(hex('11 03 02'));
    framer.reset();
    framer.push(sealed('11 03 02 1234'));
    expect(drain(framer).map(pdu)).toEqual(['17:03021234']);
  });
});

describe('writing', () => {
  it('puts the address before and the crc behind, low octet first', () => {
    const request = encodeRtuRequest(2, { kind: 'readExceptionStatus' });
    expect(request.ok && toHex(request.value)).toBe('02074112');
  });

  it('passes a fault on', () => {
    expect(encodeRtuRequest(1, { kind: 'readCoils', address: 0, quantity: 0 }).ok).toBe(false);
  });
});
