// What a property of an object is for, and with it the action that writing it asks (PROTOCOLS.md, the service table).
// 1. A property that no row names asks `engineering.modify`.

import type { ActionName } from '../../src/model/action.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';

/** Limits, dead band, delays, notification class, event enable and whatever else decides when an alarm is raised (clauses 12 and 13). */
const ALARM_THRESHOLDS: ReadonlySet<number> = new Set([
  P['high-limit'],
  P['low-limit'],
  P.deadband,
  P['limit-enable'],
  P['time-delay'],
  P['time-delay-normal'],
  P['notification-class'],
  P['event-enable'],
  P['event-parameters'],
  P['event-detection-enable'],
  P['event-algorithm-inhibit'],
  P['event-algorithm-inhibit-ref'],
  P['event-message-texts-config'],
  P['notify-type'],
  P['ack-required'],
  P.priority,
  P['alarm-value'],
  P['alarm-values'],
  P['fault-values'],
  P['fault-high-limit'],
  P['fault-low-limit'],
  P['fault-parameters'],
  P['life-safety-alarm-values'],
  P['masked-alarm-values'],
  P['error-limit'],
  P['low-diff-limit'],
  P['notification-threshold'],
  P['reliability-evaluation-inhibit'],
]);

const PARAMETERS: ReadonlySet<number> = new Set([
  P['out-of-service'],
  P['relinquish-default'],
  P.units,
  P['cov-increment'],
  P['min-pres-value'],
  P['max-pres-value'],
]);

/** What is done with a life-safety object in service; its other properties ask their own action as well. */
const LIFE_SAFETY_OPERATING: ReadonlySet<number> = new Set([
  P['present-value'],
  P.mode,
  P.silenced,
  P['tracking-value'],
  P['operation-expected'],
]);

/** The action that writing a property without a point of its own asks. */
export function actionOfProperty(property: number): ActionName {
  if (ALARM_THRESHOLDS.has(property)) return 'alarm.threshold';
  return PARAMETERS.has(property) ? 'device.configure' : 'engineering.modify';
}

export function isLifeSafety(type: number | undefined): boolean {
  return type === OBJECT_TYPES['life-safety-point'] || type === OBJECT_TYPES['life-safety-zone'];
}

export function isLifeSafetyOperation(property: number): boolean {
  return LIFE_SAFETY_OPERATING.has(property);
}

/** Properties whose writing is engineering of the whole device, whatever else the inventory says of them. */
const OF_THE_DEVICE: ReadonlySet<number> = new Set([
  // Rights hang on an object's identity: renumbering would move them.
  P['object-identifier'],
  P['recipient-list'],
  P['restart-notification-recipients'],
  P['time-synchronization-recipients'],
  P['utc-time-synchronization-recipients'],
  P['covu-recipients'],
  P['subscribed-recipients'],
  P['audit-notification-recipient'],
]);

export function isOfTheDevice(type: number, property: number): boolean {
  return type === OBJECT_TYPES['network-port'] || OF_THE_DEVICE.has(property);
}
