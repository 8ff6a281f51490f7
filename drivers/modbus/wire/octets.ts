// Octets as Modbus lays them out (V1.1b3, 4.2): 16-bit items high octet first, coils packed low bit first.
// 1. Nothing here throws: an octet that is not there reads as 0. Callers check lengths before they read.

/** `bytes[at]`, or 0 where there is none. */
export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** The 16-bit item at octet `at`, high octet first. */
export function u16(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) << 8) | u8(bytes, at + 1);
}

/** Writes a 16-bit item at octet `at`, high octet first. */
export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Whether a number can stand in one octet. */
export function isU8(value: number): boolean {
  return (value & 0xff) === value;
}

/** Whether a number can stand in one 16-bit item. */
export function isU16(value: number): boolean {
  return (value & 0xffff) === value;
}

/** Whether both hold the same octets. */
export function sameOctets(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}

/** The octets `quantity` packed coils take. */
export function packedLength(quantity: number): number {
  return (quantity + 7) >>> 3;
}

/** Coil or discrete input number `index` (from 0) of a packed field. */
export function bitAt(values: Uint8Array, index: number): boolean {
  return ((u8(values, index >>> 3) >>> (index & 7)) & 1) === 1;
}

/** Coils as FC 1, 2 and 15 carry them; unused bits of the last octet are 0 (V1.1b3, 6.11). */
export function packBits(bits: readonly boolean[]): Uint8Array {
  const packed = new Uint8Array(packedLength(bits.length));
  for (const [index, bit] of bits.entries())
    if (bit) packed[index >>> 3] = u8(packed, index >>> 3) | (1 << (index & 7));
  return packed;
}

/** Register number `index` (from 0) of a register field. */
export function registerAt(values: Uint8Array, index: number): number {
  return u16(values, index * 2);
}

/** Registers as FC 16 and 23 carry them. Each is taken modulo 65536. */
export function packRegisters(registers: Iterable<number>): Uint8Array {
  const list = [...registers];
  const packed = new Uint8Array(list.length * 2);
  for (const [index, register] of list.entries()) putU16(packed, index * 2, register);
  return packed;
}

/** The bits of a packed field's last octet that lie past `quantity`. 0 where there are none or all are clear. */
export function paddingBits(values: Uint8Array, quantity: number): number {
  const used = quantity & 7;
  return used === 0 ? 0 : u8(values, values.length - 1) >>> used;
}
