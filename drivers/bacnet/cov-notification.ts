// COV requests and notifications as the road compares them: what is subscribed to, what is told, and by whom.

import { isDeviceObject, PRESENT_VALUE } from './owners.ts';
import type { PlantDevice } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

export type SubscribeRequest = Extract<
  ConfirmedRequest,
  { service: 'subscribe-cov' | 'subscribe-cov-property' | 'subscribe-cov-property-multiple' }
>;

export type NotificationParameters =
  | Extract<ConfirmedRequest, { service: 'confirmed-cov-notification' }>
  | Extract<ConfirmedRequest, { service: 'confirmed-cov-notification-multiple' }>;

export type UnconfirmedNotification = Extract<
  UnconfirmedRequest,
  { service: 'unconfirmed-cov-notification' | 'unconfirmed-cov-notification-multiple' }
>;

export function unconfirmedOf(notification: NotificationParameters): UnconfirmedNotification {
  return notification.service === 'confirmed-cov-notification'
    ? { service: 'unconfirmed-cov-notification', parameters: notification.parameters }
    : { service: 'unconfirmed-cov-notification-multiple', parameters: notification.parameters };
}

/** What is subscribed to. */
export function referencesOf(request: SubscribeRequest): readonly ObjectPropertyReference[] {
  switch (request.service) {
    case 'subscribe-cov':
      return [
        {
          objectIdentifier: request.parameters.monitoredObjectIdentifier,
          propertyIdentifier: PRESENT_VALUE,
        },
      ];
    case 'subscribe-cov-property': {
      const { monitoredObjectIdentifier: objectIdentifier, monitoredPropertyIdentifier } = request.parameters;
      return [{ objectIdentifier, ...monitoredPropertyIdentifier }];
    }
    case 'subscribe-cov-property-multiple':
      return request.parameters.listOfCovSubscriptionSpecifications.flatMap(
        ({ monitoredObjectIdentifier: objectIdentifier, listOfCovReferences }) =>
          listOfCovReferences.map(({ monitoredProperty }) => ({ objectIdentifier, ...monitoredProperty })),
      );
  }
}

/** Everything a notification tells. */
export function toldIn(notification: NotificationParameters): readonly ObjectPropertyReference[] {
  const { parameters } = notification;
  const lists =
    'listOfCovNotifications' in parameters
      ? parameters.listOfCovNotifications
      : [{ monitoredObjectIdentifier: parameters.monitoredObjectIdentifier, listOfValues: parameters.listOfValues }];
  return lists.flatMap(({ monitoredObjectIdentifier: objectIdentifier, listOfValues }) =>
    listOfValues.map(({ propertyIdentifier, propertyArrayIndex }) => ({
      objectIdentifier,
      propertyIdentifier,
      ...(propertyArrayIndex !== undefined && { propertyArrayIndex }),
    })),
  );
}

/** One form for both services: what differs is only whether it is confirmed. */
export function confirmedOf(request: NotificationParameters | UnconfirmedNotification): NotificationParameters {
  switch (request.service) {
    case 'unconfirmed-cov-notification':
      return { service: 'confirmed-cov-notification', parameters: request.parameters };
    case 'unconfirmed-cov-notification-multiple':
      return { service: 'confirmed-cov-notification-multiple', parameters: request.parameters };
    default:
      return request;
  }
}

/** Only a device with a verified instance is believed, and only of itself. */
export function speaksOfItself(
  { instance }: PlantDevice,
  { parameters }: NotificationParameters | UnconfirmedNotification,
): boolean {
  const { initiatingDeviceIdentifier: device } = parameters;
  return instance !== undefined && isDeviceObject(device) && device.instance === instance;
}

/** Whether the notification is of the kind and the objects that were subscribed to. */
export function isOf(request: SubscribeRequest, notification: NotificationParameters): boolean {
  const isMultiple = request.service === 'subscribe-cov-property-multiple';
  if (isMultiple !== (notification.service === 'confirmed-cov-notification-multiple')) return false;
  const subscribed = referencesOf(request);
  return toldIn(notification).every(({ objectIdentifier: told }) =>
    subscribed.some(({ objectIdentifier: one }) => one.type === told.type && one.instance === told.instance),
  );
}

/** The same property of the same object. */
export function isSame(one: ObjectPropertyReference, other: ObjectPropertyReference | undefined): boolean {
  return (
    one.objectIdentifier.type === other?.objectIdentifier.type &&
    one.objectIdentifier.instance === other.objectIdentifier.instance &&
    one.propertyIdentifier === other.propertyIdentifier &&
    one.propertyArrayIndex === other.propertyArrayIndex
  );
}
