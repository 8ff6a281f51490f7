// Network layer (clause 6.2): the second step of "bytes ─decode─►" and "bytes ◄─relay──".
// 1. Reserved control bits are faults; every octet of the header has one reading.
// 2. Who sent a frame is never taken from here on trust: source fields are values for the router to judge.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import { DROP, type WireFault, type WireFaultCode } from './fault.ts';
import { decodeNetworkMessage, encodeNetworkMessage, type NetworkMessage } from './network-message.ts';
import { wordAt } from './octet.ts';
import { TagWriter } from './writer.ts';

export const BROADCAST_NETWORK = 0xffff;

/** The longest MAC address of the standard's data links. */
const MAX_MAC_LENGTH = 7;

/** 0 normal, 1 urgent, 2 critical equipment, 3 life safety. */
export type NetworkPriority = 0 | 1 | 2 | 3;

/** `mac` empty: everybody on `network`. Network 65535: everybody everywhere. */
export interface NpduDestination {
  readonly network: number;
  readonly mac: Uint8Array;
  readonly hopCount: number;
}

export interface NpduSource {
  readonly network: number;
  readonly mac: Uint8Array;
}

/** `apdu` is a view of the frame and holds at least one octet. */
export interface Npdu {
  readonly expectingReply: boolean;
  readonly priority: NetworkPriority;
  readonly destination?: NpduDestination;
  readonly source?: NpduSource;
  readonly payload:
    | { readonly kind: 'apdu'; readonly apdu: Uint8Array }
    | { readonly kind: 'network-message'; readonly message: NetworkMessage };
}

const VERSION = 1;
const PRIORITIES: readonly NetworkPriority[] = [0, 1, 2, 3];

function fault(
  code: WireFaultCode,
  message: string,
  offset: number,
): { readonly ok: false; readonly fault: WireFault } {
  return fail({ code, message, offset, answer: DROP });
}

/** Every fault is to be dropped, but a network message's own (6.4.4). */
export function decodeNpdu(octets: Uint8Array): Result<Npdu, WireFault> {
  const control = octets[1];
  if (control === undefined)
    return fault('npdu-malformed', `got \`${octets.length}\` octets, expected at least \`2\``, 0);
  if (octets[0] !== VERSION) return fault('npdu-malformed', `got version \`${octets[0]}\`, expected \`1\``, 0);
  // 6.2.2: bits 6 and 4 are reserved and shall be zero.
  const priority = PRIORITIES[control & 0x03];
  if ((control & 0x50) !== 0 || priority === undefined)
    return fault('npdu-reserved', `got control \`${control}\`, expected reserved bits zero`, 1);

  let at = 2;
  let toNetwork: number | undefined;
  let toMac: Uint8Array | undefined;
  if ((control & 0x20) !== 0) {
    const length = octets[at + 2];
    if (length === undefined) return fault('npdu-malformed', 'got the end, expected a destination', at);
    toNetwork = wordAt(octets, at);
    if (toNetwork === 0) return fault('npdu-malformed', 'got destination network `0`, expected `1` to `65535`', at);
    if (length > MAX_MAC_LENGTH)
      return fault('npdu-malformed', `got a destination address of \`${length}\` octets`, at);
    if (toNetwork === BROADCAST_NETWORK && length > 0) {
      return fault('npdu-malformed', 'got an address on network `65535`, expected a broadcast', at);
    }
    toMac = octets.subarray(at + 3, at + 3 + length);
    at += 3 + length;
  }
  let source: NpduSource | undefined;
  if ((control & 0x08) !== 0) {
    const length = octets[at + 2];
    if (length === undefined)
      return fault('npdu-malformed', 'got the end, expected a source', Math.min(at, octets.length));
    const network = wordAt(octets, at);
    // 6.2.2: a source is one station of one network.
    if (network === 0 || network === BROADCAST_NETWORK || length === 0 || length > MAX_MAC_LENGTH) {
      return fault('npdu-malformed', `got source \`${network}\` with an address of \`${length}\` octets`, at);
    }
    source = { network, mac: octets.subarray(at + 3, at + 3 + length) };
    at += 3 + length;
  }
  let destination: NpduDestination | undefined;
  if (toNetwork !== undefined && toMac !== undefined) {
    const hopCount = octets[at];
    if (hopCount === undefined) return fault('npdu-malformed', 'got the end, expected a hop count', octets.length);
    destination = { network: toNetwork, mac: toMac, hopCount };
    at += 1;
  }
  if (at >= octets.length) return fault('npdu-malformed', 'got the end, expected a payload', octets.length);

  const rest = octets.subarray(at);
  let payload: Npdu['payload'];
  if ((control & 0x80) === 0) {
    payload = { kind: 'apdu', apdu: rest };
  } else {
    const message = decodeNetworkMessage(rest);
    if (!message.ok) return fail({ ...message.fault, offset: message.fault.offset + at });
    payload = { kind: 'network-message', message: message.value };
  }
  const expectingReply = (control & 0x04) !== 0;
  // One literal for each form: spreading costs more than all the rest of this.
  if (destination === undefined)
    return ok(
      source === undefined ? { expectingReply, priority, payload } : { expectingReply, priority, source, payload },
    );
  return ok(
    source === undefined
      ? { expectingReply, priority, destination, payload }
      : { expectingReply, priority, destination, source, payload },
  );
}

/** Throws a RangeError for networks, addresses or payloads no frame can carry. */
export function encodeNpdu(npdu: Npdu): Uint8Array {
  const { destination, source, payload } = npdu;
  const writer = new TagWriter();
  writer.octet(VERSION);
  writer.octet(
    (payload.kind === 'network-message' ? 0x80 : 0) |
      (destination === undefined ? 0 : 0x20) |
      (source === undefined ? 0 : 0x08) |
      (npdu.expectingReply ? 0x04 : 0) |
      npdu.priority,
  );
  if (destination !== undefined) {
    const { network, mac } = destination;
    if (network === 0 || mac.length > MAX_MAC_LENGTH || (network === BROADCAST_NETWORK && mac.length > 0)) {
      throw new RangeError(`got destination \`${network}\` with an address of \`${mac.length}\` octets`);
    }
    writeStation(writer, network, mac);
  }
  if (source !== undefined) {
    const { network, mac } = source;
    if (network === 0 || network === BROADCAST_NETWORK || mac.length === 0 || mac.length > MAX_MAC_LENGTH) {
      throw new RangeError(`got source \`${network}\` with an address of \`${mac.length}\` octets`);
    }
    writeStation(writer, network, mac);
  }
  if (destination !== undefined) writer.octet(destination.hopCount);
  if (payload.kind === 'apdu') {
    if (payload.apdu.length === 0) throw new RangeError('got an empty APDU, expected at least one octet');
    writer.octets(payload.apdu);
  } else {
    encodeNetworkMessage(writer, payload.message);
  }
  return writer.finish();
}

function writeStation(writer: TagWriter, network: number, mac: Uint8Array): void {
  writer.unsigned(network, 2);
  writer.octet(mac.length);
  writer.octets(mac);
}
