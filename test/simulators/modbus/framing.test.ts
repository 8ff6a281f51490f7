import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc16, requestLength, splitMbap, splitRtu, wrapMbap, wrapRtu } from '../../../simulators/modbus/framing.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const requests = [
  '01 0013 0025',
  '06 0001 0003',
  '07',
  '08 0000 a537',
  '0f 0013 000a 02 cd01',
  '10 0001 0002 04 000a 0102',
  '11',
  '14 0e 06 0004 0001 0002 06 0003 0009 0002',
  '15 0d 06 0004 0007 0003 06af 04be 100d',
  '16 0004 00f2 0025',
  '17 0003 0006 000e 0003 06 00ff 00ff 00ff',
  '18 04de',
  '2b 0e 01 00',
].map(hex);
const pdu = fc.constantFrom(...requests);

/** Feeds a stream in pieces, as sockets do. */
function fed<Frame>(
  split: (stream: Buffer) => { frames: readonly Frame[]; rest: Buffer; junk: Buffer },
  stream: Buffer,
  cuts: number[],
): Frame[] {
  const frames: Frame[] = [];
  let rest: Buffer = Buffer.alloc(0);
  const edges = [...new Set(cuts.map((cut) => cut % (stream.length + 1))), stream.length].sort((a, b) => a - b);
  let from = 0;
  for (const to of edges) {
    const result = split(Buffer.concat([rest, stream.subarray(from, to)]));
    expect(result.junk).toHaveLength(0);
    frames.push(...result.frames);
    rest = result.rest;
    from = to;
  }
  expect(rest).toHaveLength(0);
  return frames;
}

describe('framing', () => {
  test('the CRC of a known frame', () => {
    // Unit 2, function 7: 0x1241, low byte first on the line.
    expect(crc16(hex('02 07'))).toBe(0x1241);
    expect(wrapRtu(2, hex('07'))).toEqual(hex('02 07 41 12'));
  });

  test('the length of every request that the standard shows is known', () => {
    for (const request of requests) expect(requestLength(request)).toBe(request.length);
    expect(requestLength(hex('10 0001 0002'))).toBe('more');
    expect(requestLength(hex('2b 0d'))).toBe('unknown');
    expect(requestLength(hex('64'))).toBe('unknown');
  });

  test('however the stream is cut, the same frames come out', () => {
    const cuts = fc.array(fc.nat(4000), { maxLength: 20 });
    const units = fc.array(fc.tuple(pdu, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(units, cuts, (sent, edges) => {
        const tcp = Buffer.concat(sent.map(([request, unit], index) => wrapMbap(index, unit, request)));
        for (const framing of ['by-length', 'by-function'] as const) {
          const found = fed((stream) => splitMbap(stream, framing), tcp, edges);
          expect(found.map(({ unit, pdu: request, transaction }) => [request, unit, transaction])).toEqual(
            sent.map(([request, unit], index) => [request, unit, index]),
          );
          expect(Buffer.concat(found.map((frame) => frame.bytes))).toEqual(tcp);
        }
        const rtu = Buffer.concat(sent.map(([request, unit]) => wrapRtu(unit, request)));
        const heard = fed(splitRtu, rtu, edges);
        expect(heard.map(({ unit, pdu: request }) => [request, unit])).toEqual(sent);
      }),
      { numRuns: 200 },
    );
  });

  test('a careless device finds the request that a length field hides, a strict one does not', () => {
    const read = hex('03 0064 0002');
    const hidden = wrapMbap(2, 1, hex('06 0064 0001'));
    const smuggled = Buffer.concat([wrapMbap(1, 1, read), hidden]);
    smuggled.writeUInt16BE(1 + read.length + hidden.length, 4);
    expect(splitMbap(smuggled, 'by-length').frames).toHaveLength(1);
    expect(splitMbap(smuggled, 'by-function').frames.map((frame) => frame.pdu[0])).toEqual([3, 6]);
  });

  test.each([
    ['a protocol id that is not 0', '0001 0001 0006 01 03 0000 0001'],
    ['a length of 1', '0001 0000 0001 01 03'],
    ['a length over 254', '0001 0000 00ff 01 03'],
  ])('%s is junk from there on', (_what, bytes) => {
    const good = wrapMbap(1, 1, hex('07'));
    const split = splitMbap(Buffer.concat([good, hex(bytes)]), 'by-length');
    expect(split.frames).toHaveLength(1);
    expect(split.junk).toEqual(hex(bytes));
  });

  test('a wrong CRC is junk, an unknown code is found by its CRC', () => {
    const broken = wrapRtu(1, hex('03 0000 0001'));
    broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 1;
    expect(splitRtu(broken).junk).toEqual(broken);
    const vendor = wrapRtu(9, hex('65 01 02 03 04'));
    expect(splitRtu(vendor).frames.map((frame) => frame.pdu)).toEqual([hex('65 01 02 03 04')]);
  });
});
