// Where pieces of an image go, octet by octet, and the checksums over it: known values, and a naive reading beside.

import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImagePlace } from '../../../drivers/modbus/firmware-address.ts';
import {
  pieceLength,
  readRequest,
  sizeFault,
  writeNumber,
  writeRequests,
} from '../../../drivers/modbus/firmware-blocks.ts';
import { checksumOf } from '../../../drivers/modbus/firmware-checksum.ts';
import { encodeRequest } from '../../../drivers/modbus/wire/encode-request.ts';
import type { Request } from '../../../drivers/modbus/wire/request.ts';
import { sourceOf } from './firmware-rig.ts';

const octets = (text: string): Buffer => Buffer.from(text, 'hex');

function hex(request: Request): string {
  const encoded = encodeRequest(request);
  return encoded.ok ? encoded.value.toString('hex') : encoded.fault.message;
}

const files = { kind: 'file-record', firstFile: 4, words: 121 } as const;
const blocks = { kind: 'registers', register: 0x0200, words: 2 } as const;

describe('a piece', () => {
  it.each<[name: string, image: ImagePlace, at: number, piece: string, requests: string[]]>([
    ['a record', files, 0, '1122', ['15090600040000000' + '11122']],
    ['an odd octet at the end', files, 4, '112233', ['150b0600040002000' + '211223300']],
    ['the last record of a file', files, 19_998, '1122', ['150906000' + '4270f00011122']],
    ['the first record of the next', files, 20_000, '1122', ['1509060005000000011122']],
    ['a block without a number', blocks, 8, '11223344', ['10020000020411223344']],
    [
      'a block with its number before it',
      { ...blocks, number: { register: 0x01ff, first: 0 } },
      8,
      '11223344',
      ['1001ff000306000211223344'],
    ],
    [
      'a block whose number is elsewhere, counted from 1',
      { ...blocks, number: { register: 0x0100, first: 1 } },
      8,
      '11223344',
      ['0601000003', '10020000020411223344'],
    ],
    ['a short last block', blocks, 8, '11', ['1002000001021100']],
    ['a last block that is filled up', { ...blocks, fill: 255 }, 8, '11', ['100200000204' + '11ffffff']],
  ])('%s', (_name, image, at, piece, requests) => {
    expect(writeRequests(image, at, octets(piece)).map(hex)).toEqual(requests);
  });

  it('never goes over the end of a file, of a block, or of the image', () => {
    expect(pieceLength(files, 0, 1000)).toBe(242);
    expect(pieceLength(files, 0, 7)).toBe(7);
    expect(pieceLength(files, 19_990, 100_000)).toBe(10);
    expect(pieceLength({ ...blocks, number: { register: 0, first: 0 } }, 6, 1000)).toBe(2);
    expect(pieceLength(blocks, 6, 1000)).toBe(4);
    expect(hex(readRequest(files, 19_990, 100_000))).toBe('140706000' + '4270b0005');
    expect(hex(readRequest(files, 0, 3))).toBe('14070600040000' + '0002');
  });

  it('of any image and any loader: every octet goes to one place, in order', () => {
    const place = fc.record({ words: fc.integer({ min: 1, max: 121 }), size: fc.integer({ min: 1, max: 30_000 }) });
    fc.assert(
      fc.property(place, ({ words, size }) => {
        const image = Buffer.from(Array.from({ length: size }, (_octet, at) => at % 251));
        const held = Buffer.alloc(size + 1);
        for (let at = 0; at < size; ) {
          const length = pieceLength({ ...files, words }, at, size);
          const [request] = writeRequests({ ...files, words }, at, image.subarray(at, at + length));
          if (request?.kind !== 'writeFileRecord') throw new Error('expected one write of a file record');
          for (const { fileNumber, recordNumber, values } of request.records)
            Buffer.from(values).copy(held, 2 * ((fileNumber - 4) * 10_000 + recordNumber));
          at += length;
        }
        return held.subarray(0, size).equals(image);
      }),
      { numRuns: 50 },
    );
  });

  it('has no place in what is too small', () => {
    expect(sizeFault(files, 0)).toBe('the image is empty');
    expect(sizeFault({ ...files, firstFile: 65_535 }, 20_000)).toBeUndefined();
    expect(sizeFault({ ...files, firstFile: 65_535 }, 20_001)).toBe(
      'its files would end at `65536`, expected 65535 at the most',
    );
    expect(sizeFault({ ...blocks, number: { register: 0, first: 1 } }, 4 * 65_536)).toMatch(/expected 65535/);
    expect(sizeFault(blocks, 2 ** 32 - 1)).toBeUndefined();
  });

  it('a number goes into one register or two, in their order', () => {
    const at = { table: 'holding', register: 0x10, order: 'CDAB' } as const;
    expect(hex(writeNumber({ ...at, type: 'uint32' }, 0x01020304))).toBe('1000100002' + '0403040102');
    expect(hex(writeNumber({ ...at, type: 'uint16' }, 0x0102))).toBe('0600100102');
    expect(hex(writeNumber({ ...at, order: 'BADC', type: 'uint16' }, 0x0102))).toBe('0600100201');
    expect(() => writeNumber({ ...at, type: 'uint16' }, 65_536)).toThrow(RangeError);
  });
});

describe('a checksum', () => {
  const text = Buffer.from('123456789');

  it.each([
    ['crc32', 0xcbf43926],
    ['crc16', 0x4b37],
    ['sum32', 477],
  ] as const)('%s of the check string', async (kind, sum) => {
    expect(await checksumOf(kind, sourceOf(text))).toBe(sum);
  });

  it('is over exactly the image, however large', async () => {
    const image = Buffer.from(Array.from({ length: 200_001 }, (_octet, at) => (at * 7) % 256));
    expect(await checksumOf('crc32', sourceOf(image))).toBe(crc32(image));
    expect(await checksumOf('sum32', sourceOf(image))).toBe(image.reduce((sum, octet) => sum + octet, 0));
    await expect(checksumOf('crc32', { ...sourceOf(image), size: 200_002 })).rejects.toThrow('ends before octet');
  });
});
