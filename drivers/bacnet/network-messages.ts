// What routers say to each other (clause 6.4), answered from the configuration alone. 1. Nothing a message says is believed:
// routes and numbers are the site's. 2. What would change a routing table is refused.

import type { NetworkMessage } from './wire/network-message.ts';
import { BROADCAST_NETWORK, encodeNpdu, type NpduDestination } from './wire/npdu.ts';

/** One side of the router. */
export interface RouterPort {
  readonly networkNumber: number;
  /** The networks that are reached through the gateway from here. */
  reaches(): readonly number[];
}

/** `answer`: to be sent as the question came, unicast or broadcast. `refused`: to be recorded. Neither: to be ignored. */
interface MessageVerdict {
  readonly answer?: NetworkMessage;
  readonly refused?: string;
}

const IGNORED: MessageVerdict = {};
const NO_ROUTES = 'routes come from the site’s configuration alone';
/** A table counts its entries in one octet (6.4.7). */
const MOST_ROUTES = 255;

/** `destination` as the NPDU had it: messages to everybody are for this router, too; those to one network are not. */
export function judgeNetworkMessage(
  message: NetworkMessage,
  port: RouterPort,
  destination?: NpduDestination,
): MessageVerdict {
  if (destination !== undefined && destination.network !== BROADCAST_NETWORK)
    return { refused: 'got a network message for another network' };
  switch (message.type) {
    // 6.4.1, 6.6.3.2
    case 'who-is-router-to-network': {
      const { network } = message;
      const reaches = port.reaches();
      const networks = network === undefined ? reaches : reaches.filter((number) => number === network);
      return networks.length === 0 ? IGNORED : { answer: { type: 'i-am-router-to-network', networks } };
    }
    // 6.4.19: one with a destination is not for the local network, and to be ignored.
    case 'what-is-network-number':
      if (destination !== undefined) return IGNORED;
      return { answer: { type: 'network-number-is', network: port.networkNumber, configured: true } };
    // 6.4.2: another router to what is reached through the gate would be a way round it.
    case 'i-am-router-to-network': {
      const reaches = port.reaches();
      const claimed = message.networks.filter((number) => reaches.includes(number) || number === port.networkNumber);
      if (claimed.length === 0) return IGNORED;
      return { refused: `got a router to network \`${claimed.join(', ')}\`, which is reached through the gateway` };
    }
    // 6.4.20
    case 'network-number-is':
      if (message.network === port.networkNumber || destination !== undefined) return IGNORED;
      return { refused: `got network number \`${message.network}\`, expected \`${port.networkNumber}\`` };
    // 6.4.7: a table without an entry asks for the router's own, and changes nothing.
    case 'initialize-routing-table': {
      if (message.ports.length > 0) return { refused: NO_ROUTES };
      const numbers = [port.networkNumber, ...port.reaches()].slice(0, MOST_ROUTES);
      const ports = numbers.map((network, at) => ({ network, portId: at + 1, info: NO_OCTETS }));
      return { answer: { type: 'initialize-routing-table-ack', ports } };
    }
    case 'establish-connection-to-network':
    case 'disconnect-connection-to-network':
      return { refused: NO_ROUTES };
    case 'proprietary':
      return { refused: `got a message of vendor \`${message.vendorId}\`, expected one of the standard’s` };
    case 'i-could-be-router-to-network':
    case 'reject-message-to-network':
    case 'router-busy-to-network':
    case 'router-available-to-network':
    case 'initialize-routing-table-ack':
      return IGNORED;
  }
}

/** A network message of the gateway's own, for its own network. */
export function networkFrame(message: NetworkMessage): Uint8Array {
  return encodeNpdu({ expectingReply: false, priority: 0, payload: { kind: 'network-message', message } });
}

/** In two parts, as a link sends it. */
export const NO_OCTETS = new Uint8Array(0);
