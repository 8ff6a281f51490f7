// Clause 13: alarm, event and change-of-value services.

import { hex, oid, text, value } from './octets.ts';
import { acked, av1, bits, confirmed, date, device, type ServiceRow, time, unconfirmed } from './service-row.ts';

const event = {
  processIdentifier: 1,
  initiatingDeviceIdentifier: device,
  eventObjectIdentifier: av1,
  timeStamp: { choice: 'date-time', value: { date, time } },
  notificationClass: 4,
  priority: 100,
  eventType: 5,
  messageText: text('hot'),
  notifyType: 0,
  ackRequired: true,
  fromState: 0,
  toState: 3,
  eventValues: value('5e0c42a033331a04802c3f8000003c42a000005f'),
} as const;
const eventOctets =
  '0901 1c02000003 2c00800001 3e2ea47e0b1607b40c1e00ff2f3f 4904 5964 6905 7c00686f74 8900 9901 a900 b903' +
  'ce5e0c42a033331a04802c3f8000003c42a000005fcf';

const cov = {
  subscriberProcessIdentifier: 18,
  initiatingDeviceIdentifier: device,
  monitoredObjectIdentifier: av1,
  timeRemaining: 0,
  listOfValues: [
    { propertyIdentifier: 85, value: value('4442820000') },
    { propertyIdentifier: 87, propertyArrayIndex: 8, value: value('00'), priority: 8 },
  ],
} as const;
const covOctets = '0912 1c02000003 2c00800001 3900 4e 0955 2e44428200002f 0957 1908 2e002f 3908 4f';

const covMultiple = {
  subscriberProcessIdentifier: 18,
  initiatingDeviceIdentifier: device,
  timeRemaining: 60,
  timestamp: { date, time },
  listOfCovNotifications: [
    {
      monitoredObjectIdentifier: av1,
      listOfValues: [{ propertyIdentifier: 85, value: value('4442820000'), timeOfChange: time }],
    },
  ],
} as const;
const covMultipleOctets =
  '0912 1c02000003 293c 3ea47e0b1607b40c1e00ff3f 4e 0c00800001 1e 0955 2e44428200002f 3c0c1e00ff 1f 4f';

export const ALARM_AND_EVENT_ROWS: readonly ServiceRow[] = [
  confirmed('13.5', '0901 1c00800001 2903 3e19103f 4c004d444c 5e0c0c1e00ff5f', {
    service: 'acknowledge-alarm',
    parameters: {
      acknowledgingProcessIdentifier: 1,
      eventObjectIdentifier: av1,
      eventStateAcknowledged: 3,
      timeStamp: { choice: 'sequence-number', value: 16 },
      acknowledgmentSource: text('MDL'),
      timeOfAcknowledgment: { choice: 'time', value: time },
    },
  }),
  confirmed('13.6', covOctets, { service: 'confirmed-cov-notification', parameters: cov }),
  unconfirmed('13.7', covOctets, { service: 'unconfirmed-cov-notification', parameters: cov }),
  confirmed('13.8', eventOctets, { service: 'confirmed-event-notification', parameters: event }),
  unconfirmed('13.9', eventOctets, { service: 'unconfirmed-event-notification', parameters: event }),
  confirmed('13.10', '', { service: 'get-alarm-summary', parameters: {} }),
  acked('13.10 none', '', { service: 'get-alarm-summary', parameters: [] }),
  acked('13.10', 'c400800001 9103 820560', {
    service: 'get-alarm-summary',
    parameters: [{ objectIdentifier: av1, alarmState: 3, acknowledgedTransitions: bits(0x60, 5) }],
  }),
  confirmed('13.11', '0901 1e 0e1e2105 6506c0a8010abac0 1f0f 1911 1f 2904 3905 4e0906190a4f 5902', {
    service: 'get-enrollment-summary',
    parameters: {
      acknowledgmentFilter: 1,
      enrollmentFilter: {
        recipient: { choice: 'address', value: { networkNumber: 5, macAddress: hex('c0a8010abac0') } },
        processIdentifier: 17,
      },
      eventStateFilter: 4,
      eventTypeFilter: 5,
      priorityFilter: { minPriority: 6, maxPriority: 10 },
      notificationClassFilter: 2,
    },
  }),
  acked('13.11', 'c400800001 9105 9103 2164 2104 c400800001 9105 9103 2164', {
    service: 'get-enrollment-summary',
    parameters: [
      { objectIdentifier: av1, eventType: 5, eventState: 3, priority: 100, notificationClass: 4 },
      { objectIdentifier: av1, eventType: 5, eventState: 3, priority: 100 },
    ],
  }),
  confirmed('13.12', '', { service: 'get-event-information', parameters: {} }),
  confirmed('13.12 after', '0c00800001', {
    service: 'get-event-information',
    parameters: { lastReceivedObjectIdentifier: av1 },
  }),
  acked('13.12', '0e 0c00800001 1903 2a0560 3e 0c0c1e00ff 1910 0cffffffff 3f 4900 5a05e0 6e210f210f21146f 0f 1900', {
    service: 'get-event-information',
    parameters: {
      listOfEventSummaries: [
        {
          objectIdentifier: av1,
          eventState: 3,
          acknowledgedTransitions: bits(0x60, 5),
          eventTimeStamps: [
            { choice: 'time', value: time },
            { choice: 'sequence-number', value: 16 },
            { choice: 'time', value: { hour: 255, minute: 255, second: 255, hundredths: 255 } },
          ],
          notifyType: 0,
          eventEnable: bits(0xe0, 5),
          eventPriorities: [15, 15, 20],
        },
      ],
      moreEvents: false,
    },
  }),
  confirmed('13.13', '0912 1c004d444c 2904 3c05400001', {
    service: 'life-safety-operation',
    parameters: {
      requestingProcessIdentifier: 18,
      requestingSource: text('MDL'),
      request: 4,
      objectIdentifier: oid(21, 1),
    },
  }),
  confirmed('13.14', '0912 1c00800001 2901 393c', {
    service: 'subscribe-cov',
    parameters: {
      subscriberProcessIdentifier: 18,
      monitoredObjectIdentifier: av1,
      issueConfirmedNotifications: true,
      lifetime: 60,
    },
  }),
  confirmed('13.14 cancel', '0912 1c00800001', {
    service: 'subscribe-cov',
    parameters: { subscriberProcessIdentifier: 18, monitoredObjectIdentifier: av1 },
  }),
  confirmed('13.15', '0912 1c00800001 2900 393c 4e0955190a4f 5c3f800000', {
    service: 'subscribe-cov-property',
    parameters: {
      subscriberProcessIdentifier: 18,
      monitoredObjectIdentifier: av1,
      issueConfirmedNotifications: false,
      lifetime: 60,
      monitoredPropertyIdentifier: { propertyIdentifier: 85, propertyArrayIndex: 10 },
      covIncrement: 1,
    },
  }),
  confirmed('13.16', '0912 1901 293c 3905 4e 0c00800001 1e 0e09550f 1c3f800000 2901 1f 4f', {
    service: 'subscribe-cov-property-multiple',
    parameters: {
      subscriberProcessIdentifier: 18,
      issueConfirmedNotifications: true,
      lifetime: 60,
      maxNotificationDelay: 5,
      listOfCovSubscriptionSpecifications: [
        {
          monitoredObjectIdentifier: av1,
          listOfCovReferences: [{ monitoredProperty: { propertyIdentifier: 85 }, covIncrement: 1, timestamped: true }],
        },
      ],
    },
  }),
  confirmed('13.17', covMultipleOctets, { service: 'confirmed-cov-notification-multiple', parameters: covMultiple }),
  unconfirmed('13.18', covMultipleOctets, {
    service: 'unconfirmed-cov-notification-multiple',
    parameters: covMultiple,
  }),
];
