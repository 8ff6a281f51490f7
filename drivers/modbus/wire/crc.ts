// CRC-16 of RTU frames (MODBUS over Serial Line V1.02, 2.5.1.2): polynomial 0xA001 reflected, start 0xFFFF.

const table = Uint16Array.from({ length: 256 }, (_, octet) => {
  let crc = octet;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** The CRC of the octets from `start` up to `end`; on the line its low octet comes first. `from`: that of what stands before them. */
export function crc16(bytes: Uint8Array, start = 0, end: number = bytes.length, from = 0xffff): number {
  let crc = from;
  for (const octet of bytes.subarray(start, end)) crc = (crc >>> 8) ^ Number(table[(crc ^ octet) & 0xff]);
  return crc;
}
