// A station of a plant network: known by (network, MAC). 1. `instance` is set by verification alone, and cleared when it fails.
// 2. Where frames go is fixed with the MAC: nothing a frame says moves a device.

import { type AskCounters, Asking, type AskSettings } from './asking.ts';
import type { Deadlines } from './deadlines.ts';
import { type Endpoint, hexOf } from './endpoint.ts';
import { DeviceLane, type LaneLimits } from './lane.ts';
import type { SendTime } from './link.ts';
import { FIRST_HOP_COUNT, npduHeader } from './npdu-header.ts';
import type { PlantDevice } from './seam.ts';
import type { Asker, Served, Target } from './served.ts';
import { SlotTable } from './slot-table.ts';
import type { NetworkPriority, NpduDestination, NpduSource } from './wire/npdu.ts';

/** Where a station is: on the wire itself, or behind a router of the configuration. */
export interface DevicePlace {
  readonly network: string;
  readonly networkNumber: number;
  readonly mac: Uint8Array;
  /** Its own address, or the router's. */
  readonly via: Endpoint;
  readonly isRouted: boolean;
}

interface DeviceServices {
  readonly number: number;
  readonly lane: LaneLimits;
  readonly ask: AskSettings;
  readonly deadlines: Deadlines;
  readonly counters: AskCounters;
  transmit(via: Endpoint, header: Uint8Array, apdu: Uint8Array, when: SendTime): void;
}

/** What an I-Am says of its sender, and verification reads. */
export interface Capabilities {
  readonly maxApduLength: number;
  readonly segmentation: PlantDevice['segmentation'];
  readonly vendorId: number | undefined;
}

/** In the order of BACnetSegmentation. */
export const SEGMENTATIONS: readonly PlantDevice['segmentation'][] = ['both', 'transmit', 'receive', 'none'];

export class KnownDevice implements PlantDevice, Asker, Target {
  readonly network: string;
  readonly networkNumber: number;
  readonly mac: string;
  readonly via: Endpoint;
  readonly number: number;
  readonly lane: DeviceLane;
  readonly asking: Asking;
  /** As the source of what appears on another network. */
  readonly source: NpduSource;
  /** What a frame to it needs where a router stands between. */
  readonly destination: NpduDestination | undefined;
  /** Headers of frames that appear to come from it, without and with a reply expected. */
  readonly #from: readonly [Uint8Array, Uint8Array];
  readonly served = new SlotTable<Served>();
  underWay = 0;
  readonly share = { underWay: 0, octets: 0 };
  instance: number | undefined;
  maxApduLength = 50;
  segmentation: PlantDevice['segmentation'] = 'none';
  vendorId: number | undefined;

  constructor(place: DevicePlace, services: DeviceServices) {
    this.network = place.network;
    this.networkNumber = place.networkNumber;
    this.mac = hexOf(place.mac);
    this.via = place.via;
    this.number = services.number;
    this.lane = new DeviceLane(services.lane, services.deadlines);
    this.source = { network: place.networkNumber, mac: place.mac.slice() };
    this.destination = place.isRouted ? { ...this.source, hopCount: FIRST_HOP_COUNT } : undefined;
    this.#from = [npduHeader(false, { source: this.source }), npduHeader(true, { source: this.source })];
    const ends = this.destination === undefined ? {} : { destination: this.destination };
    const plain = npduHeader(false, ends);
    const expecting = npduHeader(true, ends);
    const { via } = place;
    const device = this;
    this.asking = new Asking(
      {
        get maxApduLength() {
          return device.maxApduLength;
        },
        get segmentation() {
          return device.segmentation;
        },
        transmit: (apdu, expectingReply, when, priority) => {
          const usual = expectingReply ? expecting : plain;
          const header = priority > 0 ? npduHeader(expectingReply, { ...ends, priority }) : usual;
          services.transmit(via, header, apdu, when);
        },
      },
      services.ask,
      services.deadlines,
      services.counters,
    );
  }

  /** What it takes its share by: its IP address without the port, behind a router its own MAC. */
  get address(): string {
    return this.destination === undefined ? this.via.address : `${this.networkNumber}:${this.mac}`;
  }

  get changes(): number {
    return this.lane.changes;
  }

  headerFrom(expectingReply: boolean, priority: NetworkPriority = 0): Uint8Array {
    if (priority > 0) return npduHeader(expectingReply, { source: this.source, priority });
    return this.#from[expectingReply ? 1 : 0];
  }

  can(capabilities: Capabilities): void {
    this.maxApduLength = capabilities.maxApduLength;
    this.segmentation = capabilities.segmentation;
    this.vendorId = capabilities.vendorId;
  }
}

/** Every PlantDevice there is came from a network of the plant. */
export function known(device: PlantDevice): KnownDevice {
  return device as KnownDevice;
}
