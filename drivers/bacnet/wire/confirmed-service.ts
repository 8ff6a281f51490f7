// Confirmed services: one table gives each its choice number, request, ack and error, read and written from one description.
// The last step of "bytes ─decode─► Frame": what a driver classifies is a value from here.
// 1. A request, ack or error is read to its last octet, or it is a fault; what is accepted is written back as it was.
// 2. A service that is not in the table is the value `unknown`, never a guess.

import { fail, ok, type Result } from '../../../src/model/result.ts';
import { anyValue } from './any-value.ts';
import { nothing } from './constructed.ts';
import { DROP, type WireFault } from './fault.ts';
import type { Codec, ValueOf } from './schema.ts';
import * as alarm from './services/alarm-and-event.ts';
import * as cov from './services/change-of-value.ts';
import * as file from './services/file-access.ts';
import * as object from './services/object-access.ts';
import * as remote from './services/remote-device.ts';
import * as error from './services/service-error.ts';
import { decodeWhole, encodeWhole } from './whole.ts';
import { TagWriter } from './writer.ts';

/** `ack: undefined`: the service is answered with a SimpleACK. */
interface ConfirmedService {
  readonly choice: number;
  readonly request: Codec<unknown>;
  readonly ack: Codec<unknown> | undefined;
  readonly error: Codec<unknown>;
}

/** By BACnetConfirmedServiceChoice (clause 21). Audit and authorization parameters are checked as tags and not read. */
export const CONFIRMED_SERVICES = {
  'acknowledge-alarm': { choice: 0, request: alarm.acknowledgeAlarmRequest, ack: undefined, error: error.plainForm },
  'confirmed-cov-notification': {
    choice: 1,
    request: cov.covNotificationRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'confirmed-event-notification': {
    choice: 2,
    request: alarm.eventNotificationRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'get-alarm-summary': { choice: 3, request: nothing, ack: alarm.getAlarmSummaryAck, error: error.plainForm },
  'get-enrollment-summary': {
    choice: 4,
    request: alarm.getEnrollmentSummaryRequest,
    ack: alarm.getEnrollmentSummaryAck,
    error: error.plainForm,
  },
  'subscribe-cov': { choice: 5, request: cov.subscribeCovRequest, ack: undefined, error: error.plainForm },
  'atomic-read-file': {
    choice: 6,
    request: file.atomicReadFileRequest,
    ack: file.atomicReadFileAck,
    error: error.plainForm,
  },
  'atomic-write-file': {
    choice: 7,
    request: file.atomicWriteFileRequest,
    ack: file.atomicWriteFileAck,
    error: error.plainForm,
  },
  'add-list-element': {
    choice: 8,
    request: object.changeListRequest,
    ack: undefined,
    error: error.firstFailedElementForm,
  },
  'remove-list-element': {
    choice: 9,
    request: object.changeListRequest,
    ack: undefined,
    error: error.firstFailedElementForm,
  },
  'create-object': {
    choice: 10,
    request: object.createObjectRequest,
    ack: object.createObjectAck,
    error: error.firstFailedElementForm,
  },
  'delete-object': { choice: 11, request: object.deleteObjectRequest, ack: undefined, error: error.plainForm },
  'read-property': {
    choice: 12,
    request: object.readPropertyRequest,
    ack: object.readPropertyAck,
    error: error.plainForm,
  },
  'read-property-multiple': {
    choice: 14,
    request: object.readPropertyMultipleRequest,
    ack: object.readPropertyMultipleAck,
    error: error.plainForm,
  },
  'write-property': { choice: 15, request: object.writePropertyRequest, ack: undefined, error: error.plainForm },
  'write-property-multiple': {
    choice: 16,
    request: object.writePropertyMultipleRequest,
    ack: undefined,
    error: error.writePropertyMultipleForm,
  },
  'device-communication-control': {
    choice: 17,
    request: remote.deviceCommunicationControlRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'confirmed-private-transfer': {
    choice: 18,
    request: remote.privateTransferRequest,
    ack: remote.privateTransferAck,
    error: error.privateTransferForm,
  },
  'confirmed-text-message': { choice: 19, request: remote.textMessageRequest, ack: undefined, error: error.plainForm },
  'reinitialize-device': {
    choice: 20,
    request: remote.reinitializeDeviceRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'vt-open': { choice: 21, request: remote.vtOpenRequest, ack: remote.vtOpenAck, error: error.plainForm },
  'vt-close': { choice: 22, request: remote.vtCloseRequest, ack: undefined, error: error.vtCloseForm },
  'vt-data': { choice: 23, request: remote.vtDataRequest, ack: remote.vtDataAck, error: error.plainForm },
  'read-range': { choice: 26, request: object.readRangeRequest, ack: object.readRangeAck, error: error.plainForm },
  'life-safety-operation': {
    choice: 27,
    request: alarm.lifeSafetyOperationRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'subscribe-cov-property': {
    choice: 28,
    request: cov.subscribeCovPropertyRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'get-event-information': {
    choice: 29,
    request: alarm.getEventInformationRequest,
    ack: alarm.getEventInformationAck,
    error: error.plainForm,
  },
  'subscribe-cov-property-multiple': {
    choice: 30,
    request: cov.subscribeCovPropertyMultipleRequest,
    ack: undefined,
    error: error.subscribeCovPropertyMultipleForm,
  },
  'confirmed-cov-notification-multiple': {
    choice: 31,
    request: cov.covNotificationMultipleRequest,
    ack: undefined,
    error: error.plainForm,
  },
  'confirmed-audit-notification': { choice: 32, request: anyValue, ack: undefined, error: error.plainForm },
  'audit-log-query': { choice: 33, request: anyValue, ack: anyValue, error: error.plainForm },
  'auth-request': { choice: 34, request: anyValue, ack: anyValue, error: error.plainForm },
} as const satisfies { readonly [name: string]: ConfirmedService };

export type ConfirmedServiceName = keyof typeof CONFIRMED_SERVICES;

type Table = typeof CONFIRMED_SERVICES;
type Parsed<Part extends 'request' | 'ack' | 'error'> = {
  [Name in ConfirmedServiceName]: {
    readonly service: Name;
    readonly parameters: ValueOf<Table[Name][Part]>;
  };
};

/** Choice numbers not in the table: withdrawn services (13, 24, 25) and those to come. `octets` are not looked at. */
export interface UnknownService {
  readonly service: 'unknown';
  readonly choice: number;
  readonly octets: Uint8Array;
}

export type ConfirmedRequest = Parsed<'request'>[ConfirmedServiceName] | UnknownService;

/** The services answered with a ComplexACK. */
type AckedServiceName = {
  [Name in ConfirmedServiceName]: Table[Name]['ack'] extends undefined ? never : Name;
}[ConfirmedServiceName];

export type ComplexAck = Parsed<'ack'>[AckedServiceName];

/** `parameters.choice` is `plain` or the service's own form. */
export type ServiceError =
  | Parsed<'error'>[ConfirmedServiceName]
  | { readonly service: 'unknown'; readonly choice: number; readonly parameters: ValueOf<typeof error.plainForm> };

const BY_CHOICE = new Map<number, readonly [ConfirmedServiceName, ConfirmedService]>(
  Object.entries(CONFIRMED_SERVICES).map(([name, service]) => [
    service.choice,
    [name as ConfirmedServiceName, service],
  ]),
);

/** The name of a choice number; `undefined` where the table has none. */
export function confirmedServiceName(choice: number): ConfirmedServiceName | undefined {
  return BY_CHOICE.get(choice)?.[0];
}

/** A confirmed request's service octets, whole (a segmented one after reassembly). Faults are answered with their Reject. */
export function decodeConfirmedRequest(choice: number, octets: Uint8Array): Result<ConfirmedRequest, WireFault> {
  const known = BY_CHOICE.get(choice);
  if (known === undefined) return ok({ service: 'unknown', choice, octets });
  const [service, { request }] = known;
  const parameters = decodeWhole(request, octets);
  return parameters.ok ? ok({ service, parameters: parameters.value } as ConfirmedRequest) : parameters;
}

/** The choice number and service octets of a request. Throws a RangeError for values no frame can carry. */
export function encodeConfirmedRequest(request: ConfirmedRequest): ServiceOctets {
  const writer = new TagWriter();
  writeConfirmedRequest(writer, request);
  return { serviceChoice: choiceOf(request), service: writer.finish() };
}

/** The choice number of a request's or an ack's service. */
export function choiceOf(message: ConfirmedRequest | ComplexAck): number {
  return message.service === 'unknown' ? message.choice : CONFIRMED_SERVICES[message.service].choice;
}

/** Throws a RangeError for values no frame can carry. */
export function writeConfirmedRequest(writer: TagWriter, request: ConfirmedRequest): void {
  if (request.service === 'unknown') writer.octets(request.octets);
  else {
    const { request: codec }: ConfirmedService = CONFIRMED_SERVICES[request.service];
    codec.encode(writer, request.parameters);
  }
}

/** What an Apdu takes of a service. */
export interface ServiceOctets {
  readonly serviceChoice: number;
  readonly service: Uint8Array;
}

/** A ComplexACK's service octets. A fault has no answer: its sender is not the one who asked. */
export function decodeComplexAck(choice: number, octets: Uint8Array): Result<ComplexAck, WireFault> {
  const known = BY_CHOICE.get(choice);
  if (known?.[1].ack === undefined) {
    const message = `got an ack of service \`${choice}\`, expected one that has parameters in its ack`;
    return fail({ code: 'service-without-ack', message, offset: 0, answer: DROP });
  }
  const parameters = decodeWhole(known[1].ack, octets);
  return parameters.ok
    ? ok({ service: known[0], parameters: parameters.value } as ComplexAck)
    : dropped(parameters.fault);
}

/** Throws a RangeError for values no frame can carry. */
export function writeComplexAck(writer: TagWriter, ack: ComplexAck): void {
  const codec: Codec<unknown> = CONFIRMED_SERVICES[ack.service].ack;
  codec.encode(writer, ack.parameters);
}

/** An Error's service octets, in the plain form or the service's own. A fault has no answer. */
export function decodeServiceError(choice: number, octets: Uint8Array): Result<ServiceError, WireFault> {
  const known = BY_CHOICE.get(choice);
  if (known === undefined) {
    const parameters = decodeWhole(error.plainForm, octets);
    return parameters.ok ? ok({ service: 'unknown', choice, parameters: parameters.value }) : dropped(parameters.fault);
  }
  const parameters = decodeWhole(known[1].error, octets);
  return parameters.ok
    ? ok({ service: known[0], parameters: parameters.value } as ServiceError)
    : dropped(parameters.fault);
}

export function encodeServiceError(value: ServiceError): ServiceOctets {
  if (value.service === 'unknown') {
    return { serviceChoice: value.choice, service: encodeWhole(error.plainForm, value.parameters) };
  }
  const { choice, error: codec }: ConfirmedService = CONFIRMED_SERVICES[value.service];
  return { serviceChoice: choice, service: encodeWhole(codec, value.parameters) };
}

function dropped(fault: WireFault): { readonly ok: false; readonly fault: WireFault } {
  return fail({ ...fault, answer: DROP });
}
