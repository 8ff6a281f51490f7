// Frames as people write them: octets in hex, spaces where they help the eye.

/** `00 6b` as octets. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`\`${text}\` is not hex octets`);
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The same octet `count` times, as hex. */
export function times(octet: string, count: number): string {
  return octet.repeat(count);
}
