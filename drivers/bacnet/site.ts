// What classifying needs to know of the site, as it is at that moment.

import type { ActionName } from '../../src/model/action.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { BacnetIndex } from './address.ts';
import type { KnownLists } from './moves.ts';
import type { PlantDevice } from './seam.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

export interface Site {
  readonly index: BacnetIndex | undefined;
  /** By the verified instance on a network. */
  find(network: string, instance: number): PlantDevice | undefined;
  /** The action a private service asks where the site names it; `undefined`: not named. */
  permits(vendor: number, service: number): ActionName | undefined;
  lists(device: PlantDevice, object: ObjectIdentifier): KnownLists | undefined;
  /** Whether whoever asks has a firmware transfer to the device under way. */
  inFirmwareTransfer(device: TargetHandle): boolean;
  /** Whether a restart of the device may put an image into use that came as raw frames. */
  mayHoldImage(device: TargetHandle): boolean;
}
