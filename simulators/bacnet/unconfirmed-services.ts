// The unconfirmed services a simulated device carries out: who is there, what time it is, what was heard, values for groups.

import { synchronizeTime } from './control-services.ts';
import type { DeviceState } from './device-state.ts';
import { iHave, inRange } from './discovery.ts';
import type { FanOut } from './fan-out.ts';
import { UNCONFIRMED, unconfirmedName } from './names.ts';
import type { Parameters } from './parameters.ts';
import { nameOf, type Peer } from './peer.ts';

interface UnconfirmedHost {
  readonly state: DeviceState;
  readonly fanOut: FanOut;
  /** Notifications that came, one line each. */
  readonly heard: string[];
  /** The device's I-Am as it is now. */
  readonly iAm: Buffer;
}

/** Gives back what the device says to it, if anything. */
export function carryOutUnconfirmed(
  { state, fanOut, heard, iAm }: UnconfirmedHost,
  service: number,
  parameters: Parameters,
  peer: Peer,
): { readonly service: number; readonly payload: Buffer } | undefined {
  switch (service) {
    case UNCONFIRMED['i-am']:
      state.bind(parameters.applicationObject().instance, peer);
      return undefined;
    case UNCONFIRMED['unconfirmed-cov-notification']:
    case UNCONFIRMED['unconfirmed-event-notification']:
      heard.push(`${unconfirmedName(service)} from ${nameOf(peer)}`);
      return undefined;
    case UNCONFIRMED['time-synchronization']:
    case UNCONFIRMED['utc-time-synchronization']:
      synchronizeTime(state, parameters);
      return undefined;
    case UNCONFIRMED['who-is']:
      return inRange(parameters, state.instance) ? { service: UNCONFIRMED['i-am'], payload: iAm } : undefined;
    case UNCONFIRMED['who-has']: {
      const has = inRange(parameters, state.instance) ? iHave(state, parameters) : undefined;
      return has && { service: UNCONFIRMED['i-have'], payload: has };
    }
    case UNCONFIRMED['write-group']:
      fanOut.writeGroup(parameters);
      return undefined;
    default:
      return undefined;
  }
}
