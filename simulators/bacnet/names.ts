// The numbers the standard gives to object types, properties, services, errors and units, as far as the plant uses them.

import type { ObjectRef } from './values.ts';

export const OBJECT_TYPE = {
  'analog-input': 0,
  'analog-output': 1,
  'analog-value': 2,
  'binary-input': 3,
  'binary-output': 4,
  'binary-value': 5,
  calendar: 6,
  command: 7,
  device: 8,
  'event-enrollment': 9,
  file: 10,
  group: 11,
  loop: 12,
  'multi-state-input': 13,
  'multi-state-output': 14,
  'notification-class': 15,
  program: 16,
  schedule: 17,
  averaging: 18,
  'multi-state-value': 19,
  'trend-log': 20,
  'life-safety-point': 21,
  'life-safety-zone': 22,
  channel: 53,
  'network-port': 56,
} as const;
export type ObjectTypeName = keyof typeof OBJECT_TYPE;

export const PROPERTY = {
  'acked-transitions': 0,
  'ack-required': 1,
  action: 2,
  'active-text': 4,
  all: 8,
  'all-writes-successful': 9,
  'apdu-segment-timeout': 10,
  'apdu-timeout': 11,
  'application-software-version': 12,
  archive: 13,
  'notification-class': 17,
  'controlled-variable-reference': 19,
  'cov-increment': 22,
  'date-list': 23,
  deadband: 25,
  description: 28,
  'device-address-binding': 30,
  'effective-period': 32,
  'event-enable': 35,
  'event-state': 36,
  'exception-schedule': 38,
  'file-access-method': 41,
  'file-size': 42,
  'file-type': 43,
  'firmware-revision': 44,
  'high-limit': 45,
  'inactive-text': 46,
  'in-process': 47,
  'limit-enable': 52,
  'list-of-group-members': 53,
  'list-of-object-property-references': 54,
  'local-date': 56,
  'local-time': 57,
  location: 58,
  'low-limit': 59,
  'manipulated-variable-reference': 60,
  'max-apdu-length-accepted': 62,
  'max-pres-value': 65,
  'min-pres-value': 69,
  'model-name': 70,
  'modification-date': 71,
  'notify-type': 72,
  'number-of-apdu-retries': 73,
  'number-of-states': 74,
  'object-identifier': 75,
  'object-list': 76,
  'object-name': 77,
  'object-type': 79,
  optional: 80,
  'out-of-service': 81,
  polarity: 84,
  'present-value': 85,
  priority: 86,
  'priority-array': 87,
  'priority-for-writing': 88,
  'proportional-constant': 93,
  'protocol-object-types-supported': 96,
  'protocol-services-supported': 97,
  'protocol-version': 98,
  'read-only': 99,
  'recipient-list': 102,
  reliability: 103,
  'relinquish-default': 104,
  required: 105,
  'segmentation-supported': 107,
  setpoint: 108,
  'setpoint-reference': 109,
  'state-text': 110,
  'status-flags': 111,
  'system-status': 112,
  'time-delay': 113,
  'time-synchronization-recipients': 116,
  units: 117,
  'update-interval': 118,
  'utc-offset': 119,
  'vendor-identifier': 120,
  'vendor-name': 121,
  'weekly-schedule': 123,
  'buffer-size': 126,
  'event-time-stamps': 130,
  'log-buffer': 131,
  'log-device-object-property': 132,
  enable: 133,
  'log-interval': 134,
  'protocol-revision': 139,
  'record-count': 141,
  'stop-when-full': 144,
  'total-record-count': 145,
  'active-cov-subscriptions': 152,
  'backup-failure-timeout': 153,
  'configuration-files': 154,
  'database-revision': 155,
  'last-restore-time': 157,
  mode: 160,
  'operation-expected': 161,
  silenced: 163,
  'tracking-value': 164,
  'max-segments-accepted': 167,
  'schedule-default': 174,
  'accepted-modes': 175,
  'last-restart-reason': 196,
  'logging-type': 197,
  'restart-notification-recipients': 202,
  'time-of-device-restart': 203,
  'backup-and-restore-state': 338,
  'channel-number': 366,
  'control-groups': 367,
  'last-priority': 369,
  'write-status': 370,
  'property-list': 371,
} as const;
export type PropertyName = keyof typeof PROPERTY;

export const CONFIRMED = {
  'acknowledge-alarm': 0,
  'confirmed-cov-notification': 1,
  'confirmed-event-notification': 2,
  'get-alarm-summary': 3,
  'get-enrollment-summary': 4,
  'subscribe-cov': 5,
  'atomic-read-file': 6,
  'atomic-write-file': 7,
  'add-list-element': 8,
  'remove-list-element': 9,
  'create-object': 10,
  'delete-object': 11,
  'read-property': 12,
  'read-property-multiple': 14,
  'write-property': 15,
  'write-property-multiple': 16,
  'device-communication-control': 17,
  'confirmed-private-transfer': 18,
  'confirmed-text-message': 19,
  'reinitialize-device': 20,
  'read-range': 26,
  'life-safety-operation': 27,
  'subscribe-cov-property': 28,
  'get-event-information': 29,
} as const;

export const UNCONFIRMED = {
  'i-am': 0,
  'i-have': 1,
  'unconfirmed-cov-notification': 2,
  'unconfirmed-event-notification': 3,
  'unconfirmed-private-transfer': 4,
  'unconfirmed-text-message': 5,
  'time-synchronization': 6,
  'who-has': 7,
  'who-is': 8,
  'utc-time-synchronization': 9,
  'write-group': 10,
} as const;

/** Class and code of each error the devices give. */
export const ERROR = {
  'configuration-in-progress': [0, 2],
  'operational-problem': [0, 25],
  'unknown-object': [1, 31],
  'unsupported-object-type': [1, 36],
  'object-identifier-already-exists': [1, 24],
  'object-deletion-not-permitted': [1, 23],
  'dynamic-creation-not-supported': [1, 4],
  'no-alarm-configured': [1, 74],
  'unknown-property': [2, 32],
  'read-access-denied': [2, 27],
  'write-access-denied': [2, 40],
  'invalid-data-type': [2, 9],
  'value-out-of-range': [2, 37],
  'invalid-array-index': [2, 42],
  'property-is-not-an-array': [2, 50],
  'not-cov-property': [2, 44],
  'no-space-to-add-list-element': [3, 19],
  'no-space-for-object': [3, 18],
  'password-failure': [4, 26],
  'file-access-denied': [5, 5],
  'invalid-file-access-method': [5, 10],
  'invalid-file-start-position': [5, 11],
  'inconsistent-parameters': [5, 7],
  'service-request-denied': [5, 29],
  'property-is-not-a-list': [5, 22],
  'list-element-not-found': [5, 81],
  'invalid-event-state': [5, 73],
  'invalid-time-stamp': [5, 14],
  'optional-functionality-not-supported': [5, 45],
  'communication-disabled': [5, 83],
} as const satisfies Record<string, readonly [number, number]>;
export type ErrorName = keyof typeof ERROR;

export const REJECT = {
  other: 0,
  'inconsistent-parameters': 2,
  'invalid-parameter-data-type': 3,
  'invalid-tag': 4,
  'missing-required-parameter': 5,
  'parameter-out-of-range': 6,
  'too-many-arguments': 7,
  'undefined-enumeration': 8,
  'unrecognized-service': 9,
} as const;
export type RejectName = keyof typeof REJECT;

/** Engineering units by the symbol a policy writes. */
export const UNITS = {
  '°C': 62,
  K: 63,
  Pa: 53,
  '%': 98,
  '%RH': 29,
  ppm: 96,
  'm³/h': 135,
  kW: 48,
  s: 73,
  none: 95,
} as const;
export type Unit = keyof typeof UNITS;

const TYPE_NAMES = inverted(OBJECT_TYPE);
const PROPERTY_NAMES = inverted(PROPERTY);
const CONFIRMED_NAMES = inverted(CONFIRMED);
const UNCONFIRMED_NAMES = inverted(UNCONFIRMED);

function inverted(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, number]) => [number, name]));
}

/** `analog-value,1`; a type without a name here by its number. */
export function objectName(ref: ObjectRef): string {
  return `${TYPE_NAMES.get(ref.type) ?? ref.type},${ref.instance}`;
}

export function propertyName(id: number): string {
  return PROPERTY_NAMES.get(id) ?? String(id);
}

export function confirmedName(service: number): string | undefined {
  return CONFIRMED_NAMES.get(service);
}

export function unconfirmedName(service: number): string | undefined {
  return UNCONFIRMED_NAMES.get(service);
}

export type ObjectText = `${ObjectTypeName | number},${number}`;

/** Reads `analog-value,1` or `2,1`. Throws where the type is unknown. */
export function objectRef(text: string): ObjectRef {
  const [typeText = '', instanceText = ''] = text.split(',');
  const type = Object.hasOwn(OBJECT_TYPE, typeText) ? OBJECT_TYPE[typeText as ObjectTypeName] : Number(typeText);
  const instance = Number(instanceText);
  if (typeText === '' || instanceText === '' || !Number.isInteger(type) || !Number.isInteger(instance)) {
    throw new Error(`\`${text}\` is no object, expected \`analog-value,1\``);
  }
  return { type, instance };
}
