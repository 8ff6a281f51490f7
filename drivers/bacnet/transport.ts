// What the parts of the transport share: time, counters, the road, and how a broken or spoofed frame is complained of.
// 1. Complaints are bounded for each sender and in all, so that nobody can flood the record; each is counted.

import type { Gate, Peer } from '../../src/contract/gate.ts';
import type { Log } from '../../src/contract/log.ts';
import type { DriverName } from '../../src/model/ids.ts';
import type { Counters } from './counters.ts';
import type { Deadlines } from './deadlines.ts';
import { type Endpoint, endpointKey } from './endpoint.ts';
import type { NorthStation, PlantDevice, Road } from './seam.ts';
import { SharedBucket } from './shared-bucket.ts';
import { TokenBucket } from './token-bucket.ts';
import { TurnEnd } from './turn-end.ts';

interface TransportServices {
  readonly driver: DriverName;
  readonly gate: Gate;
  readonly log: Log;
  readonly deadlines: Deadlines;
  readonly counters: Counters;
  road(): Road;
}

const complaintsPerSecond = 50;
const complaintsOfOnePerSecond = 2;
const faultsPerSecond = 1;

export class Transport {
  readonly gate: Gate;
  readonly log: Log;
  readonly deadlines: Deadlines;
  readonly counters: Counters;
  readonly turn: TurnEnd;
  readonly #driver: DriverName;
  readonly #road: () => Road;
  readonly #complaints: SharedBucket;
  readonly #ownFaults: TokenBucket;
  #lastNumber = 0;

  constructor(services: TransportServices) {
    this.gate = services.gate;
    this.log = services.log;
    this.deadlines = services.deadlines;
    this.counters = services.counters;
    this.turn = new TurnEnd((error) => this.ownFault(error));
    this.#driver = services.driver;
    this.#road = services.road;
    this.#complaints = new SharedBucket(complaintsPerSecond, complaintsOfOnePerSecond, this.deadlines.now());
    this.#ownFaults = new TokenBucket(faultsPerSecond, this.deadlines.now());
  }

  get road(): Road {
    return this.#road();
  }

  /** Unique among everything that is asked. */
  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  peerOf(listener: string, { address, port }: Endpoint): Peer {
    return { driver: this.#driver, listener, address, port };
  }

  /** Somebody of whom nothing more is known than an address. */
  strangerAt(listener: string, endpoint: Endpoint): NorthStation {
    return { peer: this.peerOf(listener, endpoint), key: endpointKey(endpoint) };
  }

  /** Records a frame that was no request. The caller has counted and dropped it. */
  complain(from: NorthStation | PlantDevice, operation: string, detail: string): void {
    const sender = 'peer' in from ? from.peer.address : `${from.networkNumber}:${from.mac}`;
    if (this.#complaints.take(sender, this.deadlines.now())) this.#road().refused(from, operation, detail);
  }

  /** A fault of our own: the frame is dropped, the gateway goes on. */
  ownFault(error: unknown): void {
    this.counters.own_faults += 1;
    if (!this.#ownFaults.take(this.deadlines.now())) return;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.write(
      'error',
      'bacnet.fault',
      { error: text },
      'a frame was dropped because of a fault of the gateway’s own',
    );
  }
}
