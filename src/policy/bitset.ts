// Sets of small integers as 32-bit words. Lengths are fixed when a set is made; bits beyond the length stay 0.

/** An empty set that can hold 0 … `length - 1`. */
export function makeBits(length: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array((length + 31) >>> 5);
}

/** Whether `index` is in the set; outside its length: false. */
export function hasBit(bits: Uint32Array, index: number): boolean {
  return (((bits[index >>> 5] as number) >>> (index & 31)) & 1) === 1;
}

export function setBit(bits: Uint32Array, index: number): void {
  const word = index >>> 5;
  bits[word] = (bits[word] as number) | (1 << (index & 31));
}

/** Puts every integer of `first` … `last` (both included) in; nothing where `last < first`. */
export function setRange(bits: Uint32Array, first: number, last: number): void {
  if (last < first) return;
  const from = first >>> 5;
  const to = last >>> 5;
  const head = -1 << (first & 31);
  const tail = -1 >>> (31 - (last & 31));
  if (from === to) {
    bits[from] = (bits[from] as number) | (head & tail);
    return;
  }
  bits[from] = (bits[from] as number) | head;
  bits.fill(0xffffffff, from + 1, to);
  bits[to] = (bits[to] as number) | tail;
}

/** Takes every integer of `first` … `last` (both included) out; nothing where `last < first`. */
export function clearRange(bits: Uint32Array, first: number, last: number): void {
  if (last < first) return;
  const from = first >>> 5;
  const to = last >>> 5;
  const head = -1 << (first & 31);
  const tail = -1 >>> (31 - (last & 31));
  if (from === to) {
    bits[from] = (bits[from] as number) & ~(head & tail);
    return;
  }
  bits[from] = (bits[from] as number) & ~head;
  bits.fill(0, from + 1, to);
  bits[to] = (bits[to] as number) & ~tail;
}

/** Keeps in `bits` what is in `other` too. Both of one length. */
export function intersect(bits: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] as number) & (other[word] as number);
}

/** Adds `other` to `bits`. Both of one length. */
export function unite(bits: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] as number) | (other[word] as number);
}

/** Takes `other` out of `bits`. Both of one length. */
export function subtract(bits: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < bits.length; word += 1) bits[word] = (bits[word] as number) & ~(other[word] as number);
}
