// Octets by position. Beyond the end they are 0, so that no reading can throw; lengths are checked where they matter.

export function octetAt(octets: Uint8Array, at: number): number {
  return octets[at] ?? 0;
}

/** Two octets, the most significant first. */
export function wordAt(octets: Uint8Array, at: number): number {
  return (octetAt(octets, at) << 8) | octetAt(octets, at + 1);
}

/** Below it a loop is quicker than `set`. */
const shortOctets = 64;

/** Writes `from` into `to`, from `at` on; it must have room there. */
export function copyOctets(from: Uint8Array, to: Uint8Array, at: number): void {
  if (from.length > shortOctets) to.set(from, at);
  else for (let octet = 0; octet < from.length; octet += 1) to[at + octet] = octetAt(from, octet);
}
