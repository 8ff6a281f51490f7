// The confirmed services a simulated device carries out, by their service choice. What is not here is answered with Reject.

import { acknowledgeAlarm, getAlarmSummary, getEnrollmentSummary, getEventInformation } from './alarms.ts';
import { deviceCommunicationControl, lifeSafetyOperation, reinitializeDevice } from './control-services.ts';
import type { CovSubscriptions } from './cov.ts';
import type { Service } from './device-state.ts';
import { atomicReadFile, atomicWriteFile } from './file-services.ts';
import { CONFIRMED } from './names.ts';
import { readProperty, readPropertyMultiple, readRange } from './read-services.ts';
import {
  addListElement,
  createObject,
  deleteObject,
  privateTransfer,
  removeListElement,
  writeProperty,
  writePropertyMultiple,
} from './write-services.ts';

/** `restarted`: what the device does to come up again. */
export function confirmedServices(cov: CovSubscriptions, restarted: () => void): ReadonlyMap<number, Service> {
  return new Map<number, Service>([
    [CONFIRMED['acknowledge-alarm'], acknowledgeAlarm],
    [CONFIRMED['confirmed-cov-notification'], () => undefined],
    [CONFIRMED['confirmed-event-notification'], () => undefined],
    [CONFIRMED['get-alarm-summary'], getAlarmSummary],
    [CONFIRMED['get-enrollment-summary'], getEnrollmentSummary],
    [CONFIRMED['subscribe-cov'], cov.subscribe],
    [CONFIRMED['atomic-read-file'], atomicReadFile],
    [CONFIRMED['atomic-write-file'], atomicWriteFile],
    [CONFIRMED['add-list-element'], addListElement],
    [CONFIRMED['remove-list-element'], removeListElement],
    [CONFIRMED['create-object'], createObject],
    [CONFIRMED['delete-object'], deleteObject],
    [CONFIRMED['read-property'], readProperty],
    [CONFIRMED['read-property-multiple'], readPropertyMultiple],
    [CONFIRMED['write-property'], writeProperty],
    [CONFIRMED['write-property-multiple'], writePropertyMultiple],
    [CONFIRMED['device-communication-control'], deviceCommunicationControl],
    [CONFIRMED['confirmed-private-transfer'], privateTransfer],
    [CONFIRMED['reinitialize-device'], reinitializeDevice(restarted)],
    [CONFIRMED['read-range'], readRange],
    [CONFIRMED['life-safety-operation'], lifeSafetyOperation],
    [CONFIRMED['subscribe-cov-property'], cov.subscribeProperty],
    [CONFIRMED['get-event-information'], getEventInformation],
  ]);
}
