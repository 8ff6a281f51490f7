// Octets by position. Beyond the end they are 0, so that no reading can throw; lengths are checked where they matter.

export function octetAt(octets: Uint8Array, at: number): number {
  return octets[at] ?? 0;
}

/** Two octets, the most significant first. */
export function wordAt(octets: Uint8Array, at: number): number {
  return (octetAt(octets, at) << 8) | octetAt(octets, at + 1);
}
