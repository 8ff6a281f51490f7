// bytes ─► who asks: a station of the technicians' side by its address, a plant device by the application the site says it is.

import type { Caller, Gate, Peer } from '../../src/contract/gate.ts';
import type { DriverName, PrincipalId } from '../../src/model/ids.ts';
import type { NorthStation, PlantDevice } from './seam.ts';

export type Station = NorthStation | PlantDevice;

export function isNorth(station: Station): station is NorthStation {
  return 'peer' in station;
}

/** What tells two stations apart. Of the plant by the network’s number: behind one router two networks may have the same MACs. */
export function stationKey(station: Station): string {
  return isNorth(station) ? station.key : `${station.networkNumber}/${station.mac}`;
}

/** Who takes turns with whom: another port of the same address is not another peer. */
export function turnKey(station: Station): string {
  return isNorth(station) ? station.peer.address : stationKey(station);
}

interface CallerServices {
  readonly gate: Gate;
  readonly driver: DriverName;
  /** Which application of the policy a plant device is (network and MAC, never the instance alone). */
  applicationOf(device: PlantDevice): PrincipalId | undefined;
}

export class Callers {
  readonly #services: CallerServices;
  readonly #peers = new WeakMap<PlantDevice, Peer>();
  /** Kept for each caller of the gate's, so that what the gate remembers of a caller stays useful. */
  readonly #applications = new WeakMap<Caller, Caller>();

  constructor(services: CallerServices) {
    this.#services = services;
  }

  /** Who it is in this tick. */
  callerOf(station: Station): Caller {
    const { gate } = this.#services;
    if (isNorth(station)) return gate.callerOf(station.peer);
    const caller = gate.callerOf(this.#peerOf(station));
    const principal = this.#services.applicationOf(station);
    if (principal === undefined) return caller;
    const known = this.#applications.get(caller);
    if (known?.principal === principal) return known;
    const application: Caller = {
      ...caller,
      principal,
      proof: { kind: 'application-address', address: stationKey(station) },
    };
    this.#applications.set(caller, application);
    return application;
  }

  #peerOf(device: PlantDevice): Peer {
    let peer = this.#peers.get(device);
    if (peer === undefined) {
      // A plant network's name and MAC are no IP address, so no entry for an address of the technicians' side can match.
      peer = { driver: this.#services.driver, listener: device.network, address: stationKey(device), port: 0 };
      this.#peers.set(device, peer);
    }
    return peer;
  }
}
