// What a step of a firmware update is to this driver: what the gate judges, hands back once, and the steps' requests then carry out.

import type { FirmwareStep } from '../../src/contract/firmware.ts';
import type { IndexedDevice } from './address.ts';
import type { FirmwarePlace } from './firmware-address.ts';

export interface FirmwareChange {
  readonly device: IndexedDevice;
  readonly place: FirmwarePlace;
  readonly step: FirmwareStep;
}
