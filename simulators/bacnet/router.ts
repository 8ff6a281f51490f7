// A plant router between two B/IP networks (clause 6): what names the other side goes there under the sender's number and MAC.
// 1. It looks at no APDU. 2. `stop` leaves no socket behind.

import { type DatagramPort, openPort } from './datagram-port.ts';
import {
  BVLC,
  decodeBvlc,
  decodeNpdu,
  type Endpoint,
  EVERY_NETWORK,
  encodeBvlc,
  encodeNpdu,
  endpointOf,
  macOf,
} from './framing.ts';

interface RouterSide {
  readonly network: number;
  readonly host: string;
  /** Default 0: chosen by the system. */
  readonly port?: number;
}

interface OpenSide {
  readonly network: number;
  readonly port: DatagramPort;
}

export class SimulatedRouter {
  readonly #sides: OpenSide[] = [];

  /** Opens both sides or fails. */
  static async start(sides: readonly [RouterSide, RouterSide]): Promise<SimulatedRouter> {
    const router = new SimulatedRouter();
    try {
      for (const [at, { network, host, port = 0 }] of sides.entries()) {
        const arrived = (bytes: Buffer, from: Endpoint): void => router.#arrived(at, bytes, from);
        router.#sides.push({ network, port: await openPort({ host, port, arrived }) });
      }
    } catch (fault) {
      await router.stop();
      throw fault;
    }
    return router;
  }

  /** Where it stands on each of its networks. */
  get endpoints(): readonly Endpoint[] {
    return this.#sides.map(({ port }) => port.endpoint);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sides.map(({ port }) => port.stop()));
  }

  #arrived(at: number, bytes: Buffer, from: Endpoint): void {
    const [here, there] = [this.#sides[at], this.#sides[1 - at]];
    const npdu = decodeNpdu(decodeBvlc(bytes)?.payload ?? Buffer.alloc(0));
    if (here === undefined || there === undefined || npdu === undefined) return;
    const { destination, hops = 0, source: _none, ...rest } = npdu;
    if (destination === undefined || hops < 2) return;
    const source = { network: here.network, mac: macOf(from) };
    if (destination.network === EVERY_NETWORK)
      there.port.broadcast(encodeBvlc(BVLC.broadcast, encodeNpdu({ ...rest, source, destination, hops: hops - 1 })));
    else if (destination.network === there.network && destination.mac.length === 6)
      there.port.send(encodeBvlc(BVLC.unicast, encodeNpdu({ ...rest, source })), endpointOf(destination.mac));
  }
}
