// The constructed types that several services share (clause 21), in the standard's own words.

import { anyValue } from './any-value.ts';
import { date, enumerated, MAX_INSTANCE, objectIdentifier, octetString, time, unsigned } from './primitive-content.ts';
import { application, checked, choice, context, optional, sequence, type ValueOf, wrapped } from './schema.ts';

/** BACnetPropertyIdentifier: 0 to 4194303; 4194304 and up is the second range kept for the standard. */
export const propertyIdentifier = enumerated();

/** Device instances and other 22-bit numbers. */
export const instanceNumber = unsigned({ max: MAX_INSTANCE });

/** 1 (the strongest) to 16. 19.2. */
export const writePriority = unsigned({ min: 1, max: 16 });

export const unsigned8 = unsigned({ max: 0xff });
export const unsigned16 = unsigned({ max: 0xffff });

/** Error: what other devices answer where a service has no form of its own. */
export const plainError = sequence('Error', {
  errorClass: application(enumerated(0xffff)),
  errorCode: application(enumerated(0xffff)),
});
export type ErrorValue = ValueOf<typeof plainError>;

export const dateTime = sequence('BACnetDateTime', { date: application(date), time: application(time) });

export const timeStamp = choice('BACnetTimeStamp', {
  time: context(0, time),
  'sequence-number': context(1, unsigned16),
  'date-time': wrapped(2, dateTime),
});
export type TimeStamp = ValueOf<typeof timeStamp>;

/** `propertyArrayIndex` 0 is the array's length; absent is the whole property. */
export const propertyReference = sequence('BACnetPropertyReference', {
  propertyIdentifier: context(0, propertyIdentifier),
  propertyArrayIndex: optional(context(1, unsigned())),
});

export const objectPropertyReference = sequence('BACnetObjectPropertyReference', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
});
export type ObjectPropertyReference = ValueOf<typeof objectPropertyReference>;

/** An absent device is the device that holds the reference. */
export const deviceObjectPropertyReference = sequence('BACnetDeviceObjectPropertyReference', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
  deviceIdentifier: optional(context(3, objectIdentifier)),
});

export const propertyValue = sequence('BACnetPropertyValue', {
  propertyIdentifier: context(0, propertyIdentifier),
  propertyArrayIndex: optional(context(1, unsigned())),
  value: wrapped(2, anyValue),
  priority: optional(context(3, writePriority)),
});

/** Network 0 is the local one; an empty MAC address is a broadcast. */
const address = sequence('BACnetAddress', {
  networkNumber: application(unsigned16),
  macAddress: application(octetString),
});

export const recipient = choice('BACnetRecipient', {
  device: context(0, objectIdentifier),
  address: wrapped(1, address),
});

export const recipientProcess = sequence('BACnetRecipientProcess', {
  recipient: wrapped(0, recipient),
  processIdentifier: context(1, unsigned()),
});

/** A service or ack without parameters. */
export const nothing = sequence('no parameters', {});

/** An object identifier that names a device. */
export const deviceIdentifier = checked(application(objectIdentifier), 'parameter-range', ({ type }) =>
  type === 8 ? undefined : `got object type \`${type}\`, expected \`8\` (device)`,
);
