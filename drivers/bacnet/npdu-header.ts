// ─► bytes: what stands before an APDU (6.2). Written by the codec, once for each pair that talks.

import { encodeNpdu, type NetworkPriority, type NpduDestination, type NpduSource } from './wire/npdu.ts';

interface NpduEnds {
  readonly source?: NpduSource;
  readonly destination?: NpduDestination;
  readonly priority?: NetworkPriority;
}

const APDU = Uint8Array.of(0);

/** The octets of the header alone. */
export function npduHeader(expectingReply: boolean, { source, destination, priority = 0 }: NpduEnds): Uint8Array {
  const whole = encodeNpdu({
    expectingReply,
    priority,
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
    payload: { kind: 'apdu', apdu: APDU },
  });
  return whole.subarray(0, whole.length - APDU.length);
}

/** The hop count of what the gateway itself begins (6.2.2). */
export const FIRST_HOP_COUNT = 255;
