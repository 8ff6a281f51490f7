// The BACnet half of the demo: its devices in the policy and its networks in the gateway's configuration.

import { plantInventory } from '../bacnet/plant.ts';
import type { BundleJson } from '../cloud/bundle-parts.ts';

/** The number behind which tools find the plant. */
export const PLANT_NETWORK_NUMBER = 200;
const NORTH_NETWORK_NUMBER = 100;
/** The gateway's own address on the plant's network; the devices are at 127.0.1.21 and up. */
const PLANT_SIDE = '127.0.1.1';

export interface BacnetPlaces {
  /** Of the gateway's side for tools; 0 is chosen by the system. */
  readonly port: number;
  /** Of every device of the plant. */
  readonly plantPort: number;
}

interface InventoryRows {
  readonly devices: readonly object[];
  readonly points: readonly object[];
}

/** Puts the plant's devices and points beside the others; roles and grants reach them where they stand. */
export function withBacnet(bundle: BundleJson): BundleJson {
  const { devices, points } = plantInventory('hq');
  const organizations = bundle.organizations as readonly InventoryRows[];
  return {
    ...bundle,
    organizations: organizations.map((organization) => ({
      ...organization,
      devices: [...organization.devices, ...devices],
      points: [...organization.points, ...points],
    })),
  };
}

/** The section under `drivers:`. */
export function bacnetSection({ port, plantPort }: BacnetPlaces): string {
  return `  bacnet:
    # Tools find a router here, and the plant behind its network number.
    north: { networkNumber: ${NORTH_NETWORK_NUMBER}, address: 127.0.0.1, port: ${port} }
    networks:
      plant: { networkNumber: ${PLANT_NETWORK_NUMBER}, address: ${PLANT_SIDE}, port: ${plantPort} }
`;
}
