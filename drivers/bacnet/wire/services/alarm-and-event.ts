// Alarm and event services (clause 13) without the change-of-value ones. Requests and acks.

import { anyValue } from '../any-value.ts';
import { recipientProcess, timeStamp, unsigned8 } from '../constructed.ts';
import { bitString, boolean, characterString, enumerated, objectIdentifier, unsigned } from '../primitive-content.ts';
import { application, checked, context, list, optional, sequence, wrapped } from '../schema.ts';

const THREE = { min: 3, max: 3 } as const;

/** AcknowledgeAlarm-Request (13.5). */
export const acknowledgeAlarmRequest = sequence('AcknowledgeAlarm-Request', {
  acknowledgingProcessIdentifier: context(0, unsigned()),
  eventObjectIdentifier: context(1, objectIdentifier),
  eventStateAcknowledged: context(2, enumerated(0xffff)),
  timeStamp: wrapped(3, timeStamp),
  acknowledgmentSource: context(4, characterString),
  timeOfAcknowledgment: wrapped(5, timeStamp),
});

/** ConfirmedEventNotification-Request and UnconfirmedEventNotification-Request (13.8, 13.9). `eventValues` stays unread. */
export const eventNotificationRequest = sequence('event notification', {
  processIdentifier: context(0, unsigned()),
  initiatingDeviceIdentifier: context(1, objectIdentifier),
  eventObjectIdentifier: context(2, objectIdentifier),
  timeStamp: wrapped(3, timeStamp),
  notificationClass: context(4, unsigned()),
  priority: context(5, unsigned8),
  eventType: context(6, enumerated(0xffff)),
  messageText: optional(context(7, characterString)),
  notifyType: context(8, enumerated(2)),
  ackRequired: optional(context(9, boolean)),
  fromState: optional(context(10, enumerated(0xffff))),
  toState: context(11, enumerated(0xffff)),
  eventValues: optional(wrapped(12, anyValue)),
});

/** GetAlarmSummary-ACK (13.10). */
export const getAlarmSummaryAck = list(
  sequence('alarm summary', {
    objectIdentifier: application(objectIdentifier),
    alarmState: application(enumerated(0xffff)),
    acknowledgedTransitions: application(bitString),
  }),
  { min: 0 },
);

/** GetEnrollmentSummary-Request (13.11). */
export const getEnrollmentSummaryRequest = sequence('GetEnrollmentSummary-Request', {
  acknowledgmentFilter: context(0, enumerated(2)),
  enrollmentFilter: optional(wrapped(1, recipientProcess)),
  eventStateFilter: optional(context(2, enumerated(4))),
  eventTypeFilter: optional(context(3, enumerated(0xffff))),
  priorityFilter: optional(
    wrapped(
      4,
      checked(
        sequence('priorityFilter', { minPriority: context(0, unsigned8), maxPriority: context(1, unsigned8) }),
        'parameters-inconsistent',
        ({ minPriority, maxPriority }) =>
          minPriority <= maxPriority
            ? undefined
            : `got priorities \`${minPriority}\` to \`${maxPriority}\`, expected them in order`,
      ),
    ),
  ),
  notificationClassFilter: optional(context(5, unsigned())),
});

/** GetEnrollmentSummary-ACK (13.11). */
export const getEnrollmentSummaryAck = list(
  sequence('enrollment summary', {
    objectIdentifier: application(objectIdentifier),
    eventType: application(enumerated(0xffff)),
    eventState: application(enumerated(0xffff)),
    priority: application(unsigned8),
    notificationClass: optional(application(unsigned())),
  }),
  { min: 0 },
);

/** GetEventInformation-Request (13.12). */
export const getEventInformationRequest = sequence('GetEventInformation-Request', {
  lastReceivedObjectIdentifier: optional(context(0, objectIdentifier)),
});

/** GetEventInformation-ACK (13.12). */
export const getEventInformationAck = sequence('GetEventInformation-ACK', {
  listOfEventSummaries: wrapped(
    0,
    list(
      sequence('event summary', {
        objectIdentifier: context(0, objectIdentifier),
        eventState: context(1, enumerated(0xffff)),
        acknowledgedTransitions: context(2, bitString),
        eventTimeStamps: wrapped(3, list(timeStamp, THREE)),
        notifyType: context(4, enumerated(2)),
        eventEnable: context(5, bitString),
        eventPriorities: wrapped(6, list(application(unsigned()), THREE)),
      }),
      { min: 0 },
    ),
  ),
  moreEvents: context(1, boolean),
});

/** LifeSafetyOperation-Request (13.13). Without an object: every life-safety object of the device. */
export const lifeSafetyOperationRequest = sequence('LifeSafetyOperation-Request', {
  requestingProcessIdentifier: context(0, unsigned()),
  requestingSource: context(1, characterString),
  request: context(2, enumerated(0xffff)),
  objectIdentifier: optional(context(3, objectIdentifier)),
});
