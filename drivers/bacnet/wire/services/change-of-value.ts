// Change-of-value services (13.6, 13.7, 13.14 to 13.18): subscriptions and notifications.

import { anyValue } from '../any-value.ts';
import { dateTime, plainError, propertyIdentifier, propertyReference, propertyValue } from '../constructed.ts';
import { boolean, objectIdentifier, real, time, unsigned } from '../primitive-content.ts';
import { choice, context, list, optional, sequence, wrapped } from '../schema.ts';

/** ConfirmedCOVNotification-Request and UnconfirmedCOVNotification-Request (13.6, 13.7). */
export const covNotificationRequest = sequence('COV notification', {
  subscriberProcessIdentifier: context(0, unsigned()),
  initiatingDeviceIdentifier: context(1, objectIdentifier),
  monitoredObjectIdentifier: context(2, objectIdentifier),
  timeRemaining: context(3, unsigned()),
  listOfValues: wrapped(4, list(propertyValue, { min: 0 })),
});

/** SubscribeCOV-Request (13.14). Neither confirmed flag nor lifetime: a cancellation. Lifetime in seconds, 0 for ever. */
export const subscribeCovRequest = sequence('SubscribeCOV-Request', {
  subscriberProcessIdentifier: context(0, unsigned()),
  monitoredObjectIdentifier: context(1, objectIdentifier),
  issueConfirmedNotifications: optional(context(2, boolean)),
  lifetime: optional(context(3, unsigned())),
});

/** SubscribeCOVProperty-Request (13.15). */
export const subscribeCovPropertyRequest = sequence('SubscribeCOVProperty-Request', {
  subscriberProcessIdentifier: context(0, unsigned()),
  monitoredObjectIdentifier: context(1, objectIdentifier),
  issueConfirmedNotifications: optional(context(2, boolean)),
  lifetime: optional(context(3, unsigned())),
  monitoredPropertyIdentifier: wrapped(4, propertyReference),
  covIncrement: optional(context(5, real)),
});

/** SubscribeCOVPropertyMultiple-Request (13.16). Delay in seconds. */
export const subscribeCovPropertyMultipleRequest = sequence('SubscribeCOVPropertyMultiple-Request', {
  subscriberProcessIdentifier: context(0, unsigned()),
  issueConfirmedNotifications: optional(context(1, boolean)),
  lifetime: optional(context(2, unsigned())),
  maxNotificationDelay: optional(context(3, unsigned())),
  listOfCovSubscriptionSpecifications: wrapped(
    4,
    list(
      sequence('COV subscription specification', {
        monitoredObjectIdentifier: context(0, objectIdentifier),
        listOfCovReferences: wrapped(
          1,
          list(
            sequence('COV reference', {
              monitoredProperty: wrapped(0, propertyReference),
              covIncrement: optional(context(1, real)),
              timestamped: optional(context(2, boolean)),
            }),
            { min: 1 },
          ),
        ),
      }),
      { min: 1 },
    ),
  ),
});

/** SubscribeCOVPropertyMultiple-Error: a CHOICE, not a sequence. */
export const subscribeCovPropertyMultipleError = choice('SubscribeCOVPropertyMultiple-Error', {
  'error-type': wrapped(0, plainError),
  'first-failed-subscription': wrapped(
    1,
    sequence('firstFailedSubscription', {
      monitoredObjectIdentifier: context(0, objectIdentifier),
      monitoredPropertyReference: wrapped(1, propertyReference),
      errorType: wrapped(2, plainError),
    }),
  ),
});

/** ConfirmedCOVNotificationMultiple-Request and UnconfirmedCOVNotificationMultiple-Request (13.17, 13.18). */
export const covNotificationMultipleRequest = sequence('COV notification multiple', {
  subscriberProcessIdentifier: context(0, unsigned()),
  initiatingDeviceIdentifier: context(1, objectIdentifier),
  timeRemaining: context(2, unsigned()),
  timestamp: optional(wrapped(3, dateTime)),
  listOfCovNotifications: wrapped(
    4,
    list(
      sequence('COV notification of one object', {
        monitoredObjectIdentifier: context(0, objectIdentifier),
        listOfValues: wrapped(
          1,
          list(
            sequence('COV value', {
              propertyIdentifier: context(0, propertyIdentifier),
              propertyArrayIndex: optional(context(1, unsigned())),
              value: wrapped(2, anyValue),
              timeOfChange: optional(context(3, time)),
            }),
            { min: 1 },
          ),
        ),
      }),
      { min: 1 },
    ),
  ),
});
