// Network layer messages (clause 6.4): what routers say to each other.
// 1. Security messages are refused; a type not listed is answered "unknown" as 6.4.4 has it.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import { type AnswerHint, DROP, type WireFault, type WireFaultCode } from './fault.ts';
import { octetAt, wordAt } from './octet.ts';
import type { TagWriter } from './writer.ts';

/** One entry of a routing table. `info` is at most 255 octets. */
interface RoutingTablePort {
  readonly network: number;
  readonly portId: number;
  readonly info: Uint8Array;
}

/** Why a message could not be routed (6.4.4). */
export const NETWORK_REJECT_REASONS = {
  other: 0,
  'not-directly-connected': 1,
  'router-busy': 2,
  'unknown-network-message': 3,
  'message-too-long': 4,
  'security-error': 5,
  'addressing-error': 6,
} as const;

/** `network` absent: all of them. `ports` absent in an ack: it carries no table at all. */
export type NetworkMessage =
  | { readonly type: 'who-is-router-to-network'; readonly network?: number }
  | { readonly type: 'i-am-router-to-network'; readonly networks: readonly number[] }
  | { readonly type: 'i-could-be-router-to-network'; readonly network: number; readonly performanceIndex: number }
  | { readonly type: 'reject-message-to-network'; readonly reason: number; readonly network: number }
  | { readonly type: 'router-busy-to-network'; readonly networks: readonly number[] }
  | { readonly type: 'router-available-to-network'; readonly networks: readonly number[] }
  | { readonly type: 'initialize-routing-table'; readonly ports: readonly RoutingTablePort[] }
  | { readonly type: 'initialize-routing-table-ack'; readonly ports?: readonly RoutingTablePort[] }
  | { readonly type: 'establish-connection-to-network'; readonly network: number; readonly terminationMinutes: number }
  | { readonly type: 'disconnect-connection-to-network'; readonly network: number }
  | { readonly type: 'what-is-network-number' }
  | { readonly type: 'network-number-is'; readonly network: number; readonly configured: boolean }
  | { readonly type: 'proprietary'; readonly code: number; readonly vendorId: number; readonly octets: Uint8Array };

const NETWORK_MESSAGE_TYPES = {
  'who-is-router-to-network': 0x00,
  'i-am-router-to-network': 0x01,
  'i-could-be-router-to-network': 0x02,
  'reject-message-to-network': 0x03,
  'router-busy-to-network': 0x04,
  'router-available-to-network': 0x05,
  'initialize-routing-table': 0x06,
  'initialize-routing-table-ack': 0x07,
  'establish-connection-to-network': 0x08,
  'disconnect-connection-to-network': 0x09,
  'what-is-network-number': 0x12,
  'network-number-is': 0x13,
} as const satisfies Record<Exclude<NetworkMessage['type'], 'proprietary'>, number>;

/** Challenge-Request to Set-Master-Key: withdrawn network security, refused here. */
const FIRST_SECURITY = 0x0a;
const LAST_SECURITY = 0x11;
const FIRST_PROPRIETARY = 0x80;
const UNKNOWN: AnswerHint = {
  kind: 'reject-message-to-network',
  reason: NETWORK_REJECT_REASONS['unknown-network-message'],
};

type Faulty = { readonly ok: false; readonly fault: WireFault };

function fault(code: WireFaultCode, message: string, answer: AnswerHint = DROP): Faulty {
  return fail({ code, message, offset: 0, answer });
}

/** `octets` from the message type on, at least one. */
export function decodeNetworkMessage(octets: Uint8Array): Result<NetworkMessage, WireFault> {
  const type = octetAt(octets, 0);
  const body = octets.length - 1;
  const word = (at: number): number => wordAt(octets, at);
  const octet = (at: number): number => octetAt(octets, at);
  const malformed = (): Faulty =>
    fault('network-message-malformed', `got network message \`${type}\` with \`${body}\` octets it cannot have`);
  const station = (at: number): number | undefined => {
    const network = word(at);
    return network === 0 || network === 0xffff ? undefined : network;
  };
  const stations = (): readonly number[] | undefined => {
    if (body % 2 !== 0) return undefined;
    const networks: number[] = [];
    for (let at = 1; at < octets.length; at += 2) {
      const network = station(at);
      if (network === undefined) return undefined;
      networks.push(network);
    }
    return networks;
  };

  switch (type) {
    // 6.4.1
    case NETWORK_MESSAGE_TYPES['who-is-router-to-network']: {
      if (body === 0) return ok({ type: 'who-is-router-to-network' });
      const network = body === 2 ? station(1) : undefined;
      return network === undefined ? malformed() : ok({ type: 'who-is-router-to-network', network });
    }
    // 6.4.2: at least one network, or there is nothing to say.
    case NETWORK_MESSAGE_TYPES['i-am-router-to-network']: {
      const networks = stations();
      if (networks === undefined || networks.length === 0) return malformed();
      return ok({ type: 'i-am-router-to-network', networks });
    }
    // 6.4.3
    case NETWORK_MESSAGE_TYPES['i-could-be-router-to-network']: {
      const network = body === 3 ? station(1) : undefined;
      if (network === undefined) return malformed();
      return ok({ type: 'i-could-be-router-to-network', network, performanceIndex: octet(3) });
    }
    // 6.4.4: the network may be any, since it may be the one that was wrong.
    case NETWORK_MESSAGE_TYPES['reject-message-to-network']:
      if (body !== 3) return malformed();
      return ok({ type: 'reject-message-to-network', reason: octet(1), network: word(2) });
    // 6.4.5
    case NETWORK_MESSAGE_TYPES['router-busy-to-network']: {
      const networks = stations();
      return networks === undefined ? malformed() : ok({ type: 'router-busy-to-network', networks });
    }
    // 6.4.6
    case NETWORK_MESSAGE_TYPES['router-available-to-network']: {
      const networks = stations();
      return networks === undefined ? malformed() : ok({ type: 'router-available-to-network', networks });
    }
    // 6.4.7
    case NETWORK_MESSAGE_TYPES['initialize-routing-table']: {
      const ports = portsOf(octets);
      return ports === undefined ? malformed() : ok({ type: 'initialize-routing-table', ports });
    }
    // 6.4.8
    case NETWORK_MESSAGE_TYPES['initialize-routing-table-ack']: {
      if (body === 0) return ok({ type: 'initialize-routing-table-ack' });
      const ports = portsOf(octets);
      return ports === undefined ? malformed() : ok({ type: 'initialize-routing-table-ack', ports });
    }
    // 6.4.9
    case NETWORK_MESSAGE_TYPES['establish-connection-to-network']: {
      const network = body === 3 ? station(1) : undefined;
      if (network === undefined) return malformed();
      return ok({ type: 'establish-connection-to-network', network, terminationMinutes: octet(3) });
    }
    // 6.4.10
    case NETWORK_MESSAGE_TYPES['disconnect-connection-to-network']: {
      const network = body === 2 ? station(1) : undefined;
      return network === undefined ? malformed() : ok({ type: 'disconnect-connection-to-network', network });
    }
    // 6.4.19
    case NETWORK_MESSAGE_TYPES['what-is-network-number']:
      return body === 0 ? ok({ type: 'what-is-network-number' }) : malformed();
    // 6.4.20
    case NETWORK_MESSAGE_TYPES['network-number-is']: {
      const network = body === 3 && octet(3) < 2 ? station(1) : undefined;
      return network === undefined
        ? malformed()
        : ok({ type: 'network-number-is', network, configured: octet(3) === 1 });
    }
    default:
      if (type >= FIRST_PROPRIETARY) {
        if (body < 2) return malformed();
        return ok({ type: 'proprietary', code: type, vendorId: word(1), octets: octets.subarray(3) });
      }
      if (type >= FIRST_SECURITY && type <= LAST_SECURITY) {
        return fault('network-message-refused', `got security message \`${type}\`, expected none`, UNKNOWN);
      }
      return fault('network-message-unknown', `got unknown network message \`${type}\``, UNKNOWN);
  }
}

function portsOf(octets: Uint8Array): readonly RoutingTablePort[] | undefined {
  const count = octets[1];
  if (count === undefined) return undefined;
  const ports: RoutingTablePort[] = [];
  let at = 2;
  for (let index = 0; index < count; index += 1) {
    const portId = octets[at + 2];
    const length = octets[at + 3];
    if (portId === undefined || length === undefined || at + 4 + length > octets.length) return undefined;
    ports.push({ network: wordAt(octets, at), portId, info: octets.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return at === octets.length ? ports : undefined;
}

/** Writes the message from its type on. Throws a RangeError for a number no frame can carry. */
export function encodeNetworkMessage(writer: TagWriter, message: NetworkMessage): void {
  if (message.type === 'proprietary') {
    if (message.code < FIRST_PROPRIETARY) throw new RangeError(`got \`${message.code}\`, expected \`128\` to \`255\``);
    writer.octet(message.code);
    writer.unsigned(message.vendorId, 2);
    writer.octets(message.octets);
    return;
  }
  writer.octet(NETWORK_MESSAGE_TYPES[message.type]);
  switch (message.type) {
    case 'who-is-router-to-network':
      if (message.network !== undefined) writer.unsigned(message.network, 2);
      return;
    case 'i-am-router-to-network':
    case 'router-busy-to-network':
    case 'router-available-to-network':
      for (const network of message.networks) writer.unsigned(network, 2);
      return;
    case 'i-could-be-router-to-network':
      writer.unsigned(message.network, 2);
      writer.octet(message.performanceIndex);
      return;
    case 'reject-message-to-network':
      writer.octet(message.reason);
      writer.unsigned(message.network, 2);
      return;
    case 'initialize-routing-table':
    case 'initialize-routing-table-ack':
      if (message.ports === undefined) return;
      writer.octet(message.ports.length);
      for (const { network, portId, info } of message.ports) {
        writer.unsigned(network, 2);
        writer.octet(portId);
        writer.octet(info.length);
        writer.octets(info);
      }
      return;
    case 'establish-connection-to-network':
      writer.unsigned(message.network, 2);
      writer.octet(message.terminationMinutes);
      return;
    case 'disconnect-connection-to-network':
      writer.unsigned(message.network, 2);
      return;
    case 'what-is-network-number':
      return;
    case 'network-number-is':
      writer.unsigned(message.network, 2);
      writer.octet(message.configured ? 1 : 0);
      return;
  }
}
