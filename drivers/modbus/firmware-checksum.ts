// image ─► the checksum its device asks for, over exactly its octets, piece by piece.

import type { ImageSource } from '../../src/contract/firmware.ts';
import type { ChecksumKind } from './firmware-address.ts';
import { crc16 } from './wire/crc.ts';

const PIECE = 65_536;

const crcTable = Uint32Array.from({ length: 256 }, (_, octet) => {
  let crc = octet;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** The checksum over what came before, then over more octets. */
const growing: Readonly<Record<ChecksumKind, { readonly of: number; more(sum: number, octets: Uint8Array): number }>> =
  {
    crc32: {
      of: 0,
      more(sum, octets) {
        let crc = ~sum;
        for (const octet of octets) crc = (crc >>> 8) ^ Number(crcTable[(crc ^ octet) & 0xff]);
        return ~crc >>> 0;
      },
    },
    crc16: { of: 0xffff, more: (sum, octets) => crc16(octets, 0, octets.length, sum) },
    sum32: { of: 0, more: (sum, octets) => octets.reduce((total, octet) => (total + octet) >>> 0, sum) },
  };

/** CRC-32 as in Ethernet and zip, CRC-16 as in RTU frames, or the sum of all octets. Rejects where the image cannot be read. */
export async function checksumOf(kind: ChecksumKind, image: ImageSource): Promise<number> {
  const { of, more } = growing[kind];
  let sum = of;
  for (let at = 0; at < image.size; at += PIECE) {
    const length = Math.min(PIECE, image.size - at);
    const octets = await image.read(at, length);
    if (octets.length !== length) throw new Error(`the image ends before octet ${at + length}`);
    sum = more(sum, octets);
  }
  return sum;
}
