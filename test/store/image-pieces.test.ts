// Pieces of an image: the right octets whatever is asked, few reads, few pieces in memory.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inPieces, PieceDigests } from '../../src/store/image-pieces.ts';
import { imageBytes } from './image-rig.ts';

const octets = imageBytes(1_000_003);

function digestsOf(lengths: readonly number[] = [octets.length]): readonly string[] {
  const digests = new PieceDigests();
  let at = 0;
  for (const length of lengths) {
    digests.take(octets.subarray(at, at + length));
    at += length;
  }
  digests.take(octets.subarray(at));
  return digests.end();
}

function source(fails: () => boolean = () => false) {
  const asked: [offset: number, length: number][] = [];
  const readFile = async (offset: number, length: number) => {
    asked.push([offset, length]);
    if (fails()) throw new Error('no disk');
    return octets.subarray(offset, offset + length);
  };
  return { asked, read: inPieces(readFile, octets.length, digestsOf()) };
}

describe('an image in pieces', () => {
  it('gives the very octets of the file', async () => {
    const { read } = source();
    const range = fc.tuple(fc.nat(1_000_100), fc.nat(200_000));
    await fc.assert(
      fc.asyncProperty(range, async ([offset, length]) => {
        const got = await read(offset, length);
        expect(Buffer.compare(got, octets.subarray(offset, offset + length))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('is read once from one end to the other by several who go along', async () => {
    const { read, asked } = source();
    for (let offset = 0; offset < octets.length; offset += 1000) {
      await Promise.all([read(offset, 1000), read(offset, 1000), read(Math.max(0, offset - 30_000), 1000)]);
    }
    expect(asked).toHaveLength(Math.ceil(octets.length / 65_536));
    expect(asked.at(-1)).toEqual([983_040, 16_963]);
  });

  it('is read again where few pieces were kept, and after a fault', async () => {
    let isBroken = true;
    const { read, asked } = source(() => isBroken);
    await expect(read(0, 10)).rejects.toThrow('no disk');
    isBroken = false;
    expect(await read(0, 10)).toHaveLength(10);
    for (let number = 1; number <= 8; number += 1) await read(number * 65_536, 1);
    await read(0, 1);
    expect(asked.filter(([offset]) => offset === 0)).toHaveLength(3);
  });

  it('gives octets that nobody else holds', async () => {
    const { read } = source();
    (await read(0, 4)).fill(0);
    expect([...(await read(0, 4))]).toEqual([...octets.subarray(0, 4)]);
  });

  it('has the digests of its pieces, however its octets come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200_000), { maxLength: 8 }), (lengths) => {
        expect(digestsOf(lengths)).toEqual(digestsOf());
      }),
      { numRuns: 30 },
    );
    expect(digestsOf()).toHaveLength(16);
    expect(new PieceDigests().end()).toEqual([]);
  });
});
