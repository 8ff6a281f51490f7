// Denial ─refuse─► the error a BACnet client gets, in the form its service has (PROTOCOLS.md, the service table).
// 1. A denial is always visible. 2. A reason, or a service, that is missing here does not compile.

import type { DenialReason } from '../../src/model/decision.ts';
import { isLifeSafety } from './property-action.ts';
import type { Answer } from './seam.ts';
import type { ConfirmedRequest, ConfirmedServiceName, ServiceError } from './wire/confirmed-service.ts';
import type { ErrorValue, ObjectPropertyReference } from './wire/constructed.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import { ERROR_CLASSES as CLASS } from './wire/names/error-class.ts';
import { ERROR_CODES as CODE } from './wire/names/error-code.ts';
import { REJECT_REASONS } from './wire/names/reject-reason.ts';

/** A confirmed request that came whole is always answered. */
export type VisibleAnswer = Exclude<Answer, { kind: 'silence' }>;

const error = (errorClass: number, errorCode: number): ErrorValue => ({ errorClass, errorCode });

const readDenied = error(CLASS.property, CODE['read-access-denied']);
const writeDenied = error(CLASS.property, CODE['write-access-denied']);
const serviceDenied = error(CLASS.services, CODE['service-request-denied']);

/** What a service answers to who may not. */
const DENIED = {
  'read-property': readDenied,
  'read-property-multiple': readDenied,
  'read-range': readDenied,
  'atomic-read-file': readDenied,
  'subscribe-cov': serviceDenied,
  'subscribe-cov-property': serviceDenied,
  'subscribe-cov-property-multiple': serviceDenied,
  'get-alarm-summary': serviceDenied,
  'get-enrollment-summary': serviceDenied,
  'get-event-information': serviceDenied,
  'confirmed-event-notification': serviceDenied,
  'confirmed-cov-notification': serviceDenied,
  'confirmed-cov-notification-multiple': serviceDenied,
  'write-property': writeDenied,
  'write-property-multiple': writeDenied,
  'add-list-element': writeDenied,
  'remove-list-element': writeDenied,
  'create-object': serviceDenied,
  'delete-object': error(CLASS.object, CODE['object-deletion-not-permitted']),
  'atomic-write-file': error(CLASS.services, CODE['file-access-denied']),
  'reinitialize-device': serviceDenied,
  'device-communication-control': serviceDenied,
  'life-safety-operation': serviceDenied,
  'acknowledge-alarm': serviceDenied,
  'confirmed-private-transfer': serviceDenied,
  'confirmed-text-message': serviceDenied,
  'vt-open': serviceDenied,
  'vt-close': serviceDenied,
  'vt-data': serviceDenied,
  'confirmed-audit-notification': serviceDenied,
  'audit-log-query': serviceDenied,
  'auth-request': serviceDenied,
} as const satisfies Record<ConfirmedServiceName, ErrorValue>;

/** Reasons with an error of their own, whatever the service; `denied`: the service's. */
const ERROR_OF_REASON = {
  'unknown-principal': 'denied',
  'no-sign-in': 'denied',
  'unknown-action': 'denied',
  'unknown-channel': 'denied',
  'no-target': 'denied',
  'unknown-target': 'denied',
  'channel-restricted': 'denied',
  locked: 'denied',
  'no-role': 'denied',
  'no-permission': 'denied',
  'out-of-scope': 'denied',
  'no-site-access': 'denied',
  'tag-restricted': 'denied',
  'filter-restricted': 'denied',
  'priority-reserved': 'denied',
  unattributed: 'denied',
  'no-policy': 'denied',
  'stale-policy': 'denied',
  'unknown-point': 'denied',
  'approval-required': 'denied',
  'out-of-limits': error(CLASS.property, CODE['value-out-of-range']),
  'rate-limited': error(CLASS.device, CODE['device-busy']),
  'image-unverified': 'denied',
  'transfer-in-progress': error(CLASS.device, CODE['configuration-in-progress']),
  'journal-unavailable': error(CLASS.device, CODE['operational-problem']),
  unsupported: 'denied',
} as const satisfies Record<DenialReason, ErrorValue | 'denied'>;

export const BUSY: ErrorValue = error(CLASS.device, CODE['device-busy']);
export const READ_DENIED: ErrorValue = readDenied;
export const SERVICE_DENIED: ErrorValue = serviceDenied;
export const NO_SPACE: ErrorValue = error(CLASS.resources, CODE['no-space-to-add-list-element']);

/** The class and code that answer a refusal. `type`: of the object a property of which would be written. */
export function errorFor(service: ConfirmedServiceName, reason: DenialReason, type?: number): ErrorValue {
  const own = ERROR_OF_REASON[reason];
  if (own !== 'denied') return own;
  // Writing a life-safety object is operating it: it is answered as LifeSafetyOperation is.
  return isLifeSafety(type) ? serviceDenied : DENIED[service];
}

/** The answer to a request that is refused. `isRefused` finds the place in a list that was refused first; absent: the first. */
export function refusalOf(request: ConfirmedRequest, reason: DenialReason, isRefused?: IsRefused): VisibleAnswer {
  if (request.service === 'unknown') return { kind: 'reject', reason: REJECT_REASONS['unrecognized-service'] };
  return errorAnswer(request, errorFor(request.service, reason, typeWritten(request, isRefused)), isRefused);
}

type IsRefused = (reference: ObjectPropertyReference) => boolean;

/** Of the object that is written; of several the one that was refused first. */
function typeWritten(request: ConfirmedRequest, isRefused: IsRefused = () => true): number | undefined {
  switch (request.service) {
    case 'write-property':
    case 'add-list-element':
    case 'remove-list-element':
      return request.parameters.objectIdentifier.type;
    case 'write-property-multiple': {
      const attempts = attemptsOf(request);
      return (attempts.find(isRefused) ?? attempts[0])?.objectIdentifier.type;
    }
    default:
      return undefined;
  }
}

function attemptsOf({
  parameters,
}: Extract<ConfirmedRequest, { service: 'write-property-multiple' }>): readonly ObjectPropertyReference[] {
  return parameters.flatMap(({ objectIdentifier, listOfProperties }) =>
    listOfProperties.map(({ propertyIdentifier, propertyArrayIndex }) => ({
      objectIdentifier,
      propertyIdentifier,
      ...(propertyArrayIndex !== undefined && { propertyArrayIndex }),
    })),
  );
}

/** An error in the form of the request's service. */
export function errorAnswer(
  request: Exclude<ConfirmedRequest, { service: 'unknown' }>,
  value: ErrorValue,
  isRefused: IsRefused = () => true,
): VisibleAnswer {
  switch (request.service) {
    case 'write-property-multiple': {
      const attempts = attemptsOf(request);
      const firstFailedWriteAttempt = attempts.find(isRefused) ?? attempts[0];
      if (firstFailedWriteAttempt === undefined) break;
      const parameters = {
        choice: 'first-failed-write',
        value: { errorType: value, firstFailedWriteAttempt },
      } as const;
      return { kind: 'error', error: { service: request.service, parameters } };
    }
    case 'add-list-element':
    case 'remove-list-element':
    case 'create-object': {
      // Elements count from 1; of a CreateObject 0 says that no initial value was at fault.
      const firstFailedElementNumber = request.service === 'create-object' ? 0 : 1;
      const parameters = {
        choice: 'first-failed-element',
        value: { errorType: value, firstFailedElementNumber },
      } as const;
      return { kind: 'error', error: { service: request.service, parameters } };
    }
    case 'confirmed-private-transfer': {
      const { vendorId, serviceNumber } = request.parameters;
      const parameters = {
        choice: 'private-transfer',
        value: { errorType: value, vendorId, serviceNumber },
      } as const;
      return { kind: 'error', error: { service: request.service, parameters } };
    }
    case 'vt-close': {
      const parameters = { choice: 'vt-close', value: { errorType: value } } as const;
      return { kind: 'error', error: { service: request.service, parameters } };
    }
    case 'subscribe-cov-property-multiple': {
      const subscriptions = request.parameters.listOfCovSubscriptionSpecifications.flatMap(
        ({ monitoredObjectIdentifier, listOfCovReferences }) =>
          listOfCovReferences.map(({ monitoredProperty }) => ({ monitoredObjectIdentifier, monitoredProperty })),
      );
      const first =
        subscriptions.find(({ monitoredObjectIdentifier: objectIdentifier, monitoredProperty }) =>
          isRefused({ objectIdentifier, ...monitoredProperty }),
        ) ?? subscriptions[0];
      const { monitoredObjectIdentifier, monitoredProperty: monitoredPropertyReference } = first ?? {};
      if (monitoredObjectIdentifier === undefined || monitoredPropertyReference === undefined) break;
      const failed = { monitoredObjectIdentifier, monitoredPropertyReference, errorType: value };
      const parameters = {
        choice: 'subscribe-cov-property-multiple',
        value: { choice: 'first-failed-subscription', value: failed },
      } as const;
      return { kind: 'error', error: { service: request.service, parameters } };
    }
    default:
      break;
  }
  // The plain form is part of every service's table, so the cast only joins what the union keeps apart.
  return { kind: 'error', error: { service: request.service, parameters: { choice: 'plain', value } } as ServiceError };
}

/** The device did not answer in time, or could not be reached. */
export function lostAnswer(abort: number = ABORT_REASONS['tsm-timeout']): VisibleAnswer {
  return { kind: 'abort', reason: abort };
}
