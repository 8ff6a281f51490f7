// What the parts of the road stand on: the gate, both sides of the driver, and what the site says of applications and services.

import type { ActionName } from '../../src/model/action.ts';
import { type PrincipalId, principalId } from '../../src/model/ids.ts';
import type { PlantDevice, RoadServices } from './seam.ts';

export interface RoadParts extends RoadServices {
  readonly counted: RoadCounters;
  /** Which application of the policy a plant device is where it asks something itself. */
  applicationOf(device: PlantDevice): PrincipalId | undefined;
  /** The action a private service asks, where the site names it. */
  permits(vendor: number, service: number): ActionName | undefined;
}

export function roadParts(services: RoadServices): RoadParts {
  const { applications, privateServices, networks } = services.section;
  return {
    ...services,
    counted: newRoadCounters(),
    applicationOf(device) {
      const entry = applications.find(
        ({ network, networkNumber = networks[network]?.networkNumber, mac, instance }) =>
          network === device.network &&
          (mac === undefined || (mac === device.mac && networkNumber === device.networkNumber)) &&
          (instance === undefined || instance === device.instance),
      );
      return entry && principalId(entry.principal);
    },
    permits: (vendor, service) =>
      privateServices.find((entry) => entry.vendor === vendor && entry.service === service)?.action,
  };
}

type RoadCounters = ReturnType<typeof newRoadCounters>;

/** Counters by stable name, for /metrics. */
function newRoadCounters() {
  return {
    reads: 0,
    reads_refused: 0,
    changes: 0,
    refused: 0,
    busy: 0,
    lists_read: 0,
    subscriptions: 0,
    cov_notifications: 0,
    cov_withheld: 0,
    alarm_notifications: 0,
    alarms_withheld: 0,
    unconfirmed_dropped: 0,
  };
}
