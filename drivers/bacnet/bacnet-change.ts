// What a BACnet change is to this driver: the immutable thing the gate judges, hands back once, and the lane then sends.

import type { FirmwareStep } from '../../src/contract/firmware.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { NonEmpty } from '../../src/model/result.ts';
import type { FirmwarePlace } from './firmware-address.ts';
import type { PlantDevice } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

/** What a change writes for a target with a value: where its old value stands and where it is read back. */
export interface Slot {
  readonly target: TargetHandle;
  readonly device: TargetHandle;
  readonly object: ObjectIdentifier;
  readonly property: number;
  readonly index?: number;
  /** Of a commandable property: which slot of its priority array. */
  readonly priority?: number;
}

export type BacnetChange =
  | {
      readonly kind: 'confirmed';
      readonly to: PlantDevice;
      /** Sent one after the other in one lane turn; a request of a peer is always one. */
      readonly requests: NonEmpty<ConfirmedRequest>;
      readonly slots: readonly Slot[];
    }
  | {
      /** Nobody answers it: one device, or every device of plant networks. */
      readonly kind: 'unconfirmed';
      readonly to: PlantDevice | readonly string[];
      readonly request: UnconfirmedRequest;
    }
  | {
      /** One step of a firmware update, whatever number of requests it takes. */
      readonly kind: 'firmware';
      readonly to: PlantDevice;
      readonly place: FirmwarePlace;
      readonly step: FirmwareStep;
    };
