// Where the two halves of this driver meet. Transport (link, network, transactions, segmentation, devices) owns sockets and
// decides nothing; the road (classify, judge, lists, subscriptions, alarms) decides nothing about octets.
// 1. A request reaches the road whole, decoded and from a socket's own address. 2. Only the road sends to the plant.

import type { DriverServices, RunningDriver } from '../../src/contract/driver.ts';
import type { Peer } from '../../src/contract/gate.ts';
import type { DriverName } from '../../src/model/ids.ts';
import type { BacnetIndex } from './address.ts';
import type { BacnetSection } from './config.ts';
import type { ComplexAck, ConfirmedRequest, ServiceError } from './wire/confirmed-service.ts';
import type { NetworkPriority } from './wire/npdu.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

/** A station of a plant network: known by (network, MAC), never by instance alone. One object for as long as it is known. */
export interface PlantDevice {
  /** The network's name in the site's configuration, as policies address it. */
  readonly network: string;
  readonly networkNumber: number;
  /** Lower-case hex of its MAC on that network (B/IP: address and port, 6 octets; behind a plant router: its own). */
  readonly mac: string;
  /** Device instance, verified by reading Device:Object_Identifier from that MAC; `undefined` until then, or once it differs. */
  readonly instance: number | undefined;
  readonly maxApduLength: number;
  readonly segmentation: 'both' | 'transmit' | 'receive' | 'none';
  readonly vendorId: number | undefined;
}

/** Who is at the other end on the technicians' side: the socket's address, and the station behind it (a router's MAC). */
export interface NorthStation {
  readonly peer: Peer;
  /** Folding and matching key, `address:port`. */
  readonly key: string;
}

/** A confirmed request, from the north or from another plant network. */
export interface IncomingRequest {
  readonly from: NorthStation | PlantDevice;
  readonly to: PlantDevice;
  readonly request: ConfirmedRequest;
  /** Of the frame it came in; absent: normal. What is passed on as it is keeps it. */
  readonly priority?: NetworkPriority;
}

/** How a confirmed request ended. Reasons are the standard's numbers. `silence`: nothing is sent back. */
export type Answer =
  | { readonly kind: 'simple-ack' }
  | { readonly kind: 'complex-ack'; readonly ack: ComplexAck }
  | { readonly kind: 'error'; readonly error: ServiceError }
  | { readonly kind: 'reject'; readonly reason: number }
  | { readonly kind: 'abort'; readonly reason: number }
  | { readonly kind: 'silence' };

/** Takes the answer of one request. A callback, as reads come by ten thousand a second, and promises for each cost more than judging. */
export type Answered = (answer: Answer) => void;

/**
 * What a request to a plant device ended with; `no-answer` after the last try, `unreachable` where nothing was sent;
 * then `abort` is the standard's number for it (too long for the device, no segmentation).
 */
export type PlantAnswer =
  | Exclude<Answer, { kind: 'silence' }>
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'unreachable'; readonly why: string; readonly abort?: number };

/** Who waits in a lane, so that one peer's flood waits behind itself. `expire` is called instead of `run` where it waited too long. */
export interface InLane {
  readonly peer: string;
  expire(): void;
}

/** What a lane does when a read's turn comes: the turn ends with its promise or, where it gives none, with one call of `over`. */
export type ReadTurn = (over: () => void) => Promise<void> | undefined;

/** Work that waits for its place in a device's lane. `run` gets the turn; the lane goes on when its promise settles. */
export interface Lane {
  /** Up to `inFlight` of these at once, never beside a change. False where the lane is full. */
  read(run: ReadTurn, waiting?: InLane): boolean;
  /** Alone in the lane. False where the lane is full. */
  change(run: () => Promise<void>, waiting?: InLane): boolean;
}

export interface RequestOptions {
  readonly retry: boolean;
  readonly priority?: NetworkPriority;
}

/** The plant side, as the road sees it. */
export interface PlantSide {
  devices(): Iterable<PlantDevice>;
  /** By the verified instance on a network. */
  find(network: string, instance: number): PlantDevice | undefined;
  lane(device: PlantDevice): Lane;
  /** Sends under an own invoke id, segmented as the device needs. `retry: false` for changes: never sent twice. */
  request(device: PlantDevice, request: ConfirmedRequest, options: RequestOptions): Promise<PlantAnswer>;
  /** A read, sent again while no answer comes. `answered` is called once, perhaps before this returns; never where this throws. */
  read(device: PlantDevice, request: ConfirmedRequest, answered: (answer: PlantAnswer) => void): void;
  /** Runs it soon, behind what the rest of this turn of the loop sends to the plant: devices work while the gateway does. */
  afterSends(run: () => void): void;
  /**
   * To one device, or as a broadcast on one plant network by its name. `from`: the device of another network that says it;
   * absent: the gateway. False where nothing was sent.
   */
  unconfirmed(
    to: PlantDevice | string,
    request: UnconfirmedRequest,
    from?: PlantDevice,
    priority?: NetworkPriority,
  ): boolean;
  /** Verified instance changed or gone: subscriptions, lists and rights that hang on it must be looked at. */
  onDevice(listener: (device: PlantDevice) => void): void;
  /** Reads the device's identity again now: after a change of its Device object, a restart or a restore. */
  verify(device: PlantDevice): void;
}

/** The technicians' side, as the road sees it. Everything appears to come from `from`, behind its network number. */
export interface NorthSide {
  unconfirmed(
    to: NorthStation | 'broadcast',
    from: PlantDevice,
    request: UnconfirmedRequest,
    priority?: NetworkPriority,
  ): void;
  /** Confirmed notifications on behalf of a plant device. */
  request(
    to: NorthStation,
    from: PlantDevice,
    request: ConfirmedRequest,
    priority?: NetworkPriority,
  ): Promise<PlantAnswer>;
  stations(): Iterable<NorthStation>;
}

/** A confirmed request of a plant device to the technicians' side: to one station there by its address, or to the gateway itself. */
export interface IncomingNotification {
  readonly from: PlantDevice;
  readonly to: NorthStation | 'gateway';
  readonly request: ConfirmedRequest;
  readonly priority?: NetworkPriority;
}

/** One device; everything on one plant network, by its name, or on all; or `north`: every station of the technicians' side. */
export type Destination = PlantDevice | { readonly network: string | 'all' } | 'north';

/** What transport hands to the road. None of these may throw. */
export interface Road {
  /** `answered` is called once, perhaps before this returns. */
  confirmed(incoming: IncomingRequest, answered: Answered): void;
  unconfirmed(
    from: NorthStation | PlantDevice,
    to: Destination,
    request: UnconfirmedRequest,
    priority?: NetworkPriority,
  ): void;
  /** A frame that was no request: malformed, spoofed, refused by the link or network layer. Counted and recorded. */
  refused(from: NorthStation | PlantDevice, operation: string, detail: string): void;
  /** Absent: such requests are answered with Reject `unrecognized-service`. What is for the gateway unconfirmed comes by `unconfirmed`. */
  notification?(incoming: IncomingNotification): Promise<Answer>;
  /** An unconfirmed request of a plant device to one station of the technicians' side, by its address. Absent: dropped. */
  unconfirmedNorth?(from: PlantDevice, to: NorthStation, request: UnconfirmedRequest, priority?: NetworkPriority): void;
  /**
   * Whether a retry (same peer, invoke id, device and bytes, at most 3 s after the answer) may have that answer again.
   * Asked only where no other change went through the device's lane since. Absent: it may.
   */
  mayRepeat?(incoming: IncomingRequest): boolean;
}

/** What a road is made of: `createRoad(services)` of `road.ts`. */
export interface RoadServices extends DriverServices {
  readonly driver: DriverName;
  readonly section: BacnetSection;
  readonly plant: PlantSide;
  readonly north: NorthSide;
  /** Of the policy in force; `undefined` before the first. */
  index(): BacnetIndex | undefined;
}

/** A road, with what the gateway itself asks of it. */
export interface RunningRoad
  extends Road,
    Pick<RunningDriver, 'read' | 'plan' | 'perform' | 'slots' | 'watch' | 'firmware' | 'alarms'> {
  /** Called after `index` has changed, in the same tick. */
  activated(): void;
  /** By stable name, for /metrics. */
  counters(): { readonly [name: string]: number };
  stop(): void;
}
