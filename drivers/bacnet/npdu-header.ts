// ─► bytes: what stands before an APDU (6.2). Written by the codec: once for each pair that talks, and anew for what has a
// priority.

import { encodeApdu } from './wire/apdu.ts';
import { encodeNpdu, type NetworkPriority, type NpduDestination, type NpduSource } from './wire/npdu.ts';
import { encodeUnconfirmedRequest, type UnconfirmedRequest } from './wire/unconfirmed-service.ts';

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

/** Header and APDU in one, as a broadcast takes them. */
export function joined(header: Uint8Array, apdu: Uint8Array): Uint8Array {
  const npdu = new Uint8Array(header.length + apdu.length);
  npdu.set(header, 0);
  npdu.set(apdu, header.length);
  return npdu;
}

/** An unconfirmed request as the APDU it goes in. */
export function unconfirmedApdu(request: UnconfirmedRequest): Uint8Array {
  return encodeApdu({ type: 'unconfirmed-request', ...encodeUnconfirmedRequest(request) });
}

/** The hop count of what the gateway itself begins (6.2.2). */
export const FIRST_HOP_COUNT = 255;
