// Unconfirmed services: one table, as for the confirmed ones. There is nobody to answer: every fault is dropped.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import { anyValue } from './any-value.ts';
import type { ServiceOctets, UnknownService } from './confirmed-service.ts';
import { DROP, type WireFault } from './fault.ts';
import type { Codec, ValueOf } from './schema.ts';
import * as alarm from './services/alarm-and-event.ts';
import * as cov from './services/change-of-value.ts';
import * as object from './services/object-access.ts';
import * as remote from './services/remote-device.ts';
import { decodeWhole, encodeWhole } from './whole.ts';

interface UnconfirmedService {
  readonly choice: number;
  readonly request: Codec<unknown>;
}

/** By BACnetUnconfirmedServiceChoice (clause 21). Audit and identity parameters are checked as tags and not read. */
export const UNCONFIRMED_SERVICES = {
  'i-am': { choice: 0, request: remote.iAmRequest },
  'i-have': { choice: 1, request: remote.iHaveRequest },
  'unconfirmed-cov-notification': { choice: 2, request: cov.covNotificationRequest },
  'unconfirmed-event-notification': { choice: 3, request: alarm.eventNotificationRequest },
  'unconfirmed-private-transfer': { choice: 4, request: remote.privateTransferRequest },
  'unconfirmed-text-message': { choice: 5, request: remote.textMessageRequest },
  'time-synchronization': { choice: 6, request: remote.timeSynchronizationRequest },
  'who-has': { choice: 7, request: remote.whoHasRequest },
  'who-is': { choice: 8, request: remote.whoIsRequest },
  'utc-time-synchronization': { choice: 9, request: remote.timeSynchronizationRequest },
  'write-group': { choice: 10, request: object.writeGroupRequest },
  'unconfirmed-cov-notification-multiple': { choice: 11, request: cov.covNotificationMultipleRequest },
  'unconfirmed-audit-notification': { choice: 12, request: anyValue },
  'who-am-i': { choice: 13, request: anyValue },
  'you-are': { choice: 14, request: anyValue },
} as const satisfies { readonly [name: string]: UnconfirmedService };

type UnconfirmedServiceName = keyof typeof UNCONFIRMED_SERVICES;

type Table = typeof UNCONFIRMED_SERVICES;

export type UnconfirmedRequest =
  | {
      [Name in UnconfirmedServiceName]: {
        readonly service: Name;
        readonly parameters: ValueOf<Table[Name]['request']>;
      };
    }[UnconfirmedServiceName]
  | UnknownService;

const BY_CHOICE = new Map<number, readonly [UnconfirmedServiceName, UnconfirmedService]>(
  Object.entries(UNCONFIRMED_SERVICES).map(([name, service]) => [
    service.choice,
    [name as UnconfirmedServiceName, service],
  ]),
);

export function decodeUnconfirmedRequest(choice: number, octets: Uint8Array): Result<UnconfirmedRequest, WireFault> {
  const known = BY_CHOICE.get(choice);
  if (known === undefined) return ok({ service: 'unknown', choice, octets });
  const [service, { request }] = known;
  const parameters = decodeWhole(request, octets);
  if (!parameters.ok) return fail({ ...parameters.fault, answer: DROP });
  return ok({ service, parameters: parameters.value } as UnconfirmedRequest);
}

/** Throws a RangeError for values no frame can carry. */
export function encodeUnconfirmedRequest(request: UnconfirmedRequest): ServiceOctets {
  if (request.service === 'unknown') return { serviceChoice: request.choice, service: request.octets };
  const { choice, request: codec }: UnconfirmedService = UNCONFIRMED_SERVICES[request.service];
  return { serviceChoice: choice, service: encodeWhole(codec, request.parameters) };
}
