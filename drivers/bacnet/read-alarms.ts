// Alarm summaries: what of a device's answer the one who asked may see. 1. Entries of objects that may not be seen are left out.
// 2. An answer of which nothing is left, while the device has more, is followed by the question for the rest.

import type { Answer } from './seam.ts';
import type { ComplexAck, ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

export type AlarmRead = Extract<
  ConfirmedRequest,
  { service: 'get-event-information' | 'get-alarm-summary' | 'get-enrollment-summary' }
>;

type AlarmAnswer =
  | { readonly kind: 'answer'; readonly answer: Exclude<Answer, { kind: 'silence' }> }
  | { readonly kind: 'ask-on'; readonly request: AlarmRead };

type Sees = (object: ObjectIdentifier) => boolean;

/** Of which objects the answer tells. */
export function alarmObjects(ack: ComplexAck): readonly ObjectIdentifier[] {
  switch (ack.service) {
    case 'get-alarm-summary':
    case 'get-enrollment-summary':
      return ack.parameters.map(({ objectIdentifier }) => objectIdentifier);
    case 'get-event-information':
      return ack.parameters.listOfEventSummaries.map(({ objectIdentifier }) => objectIdentifier);
    default:
      return [];
  }
}

/** `undefined` where the device answered something else. */
export function alarmAnswer(request: AlarmRead, ack: ComplexAck, sees: Sees): AlarmAnswer | undefined {
  if (ack.service === 'get-alarm-summary' && request.service === ack.service) {
    const parameters = ack.parameters.filter(({ objectIdentifier }) => sees(objectIdentifier));
    return answered({ service: ack.service, parameters });
  }
  if (ack.service === 'get-enrollment-summary' && request.service === ack.service) {
    const parameters = ack.parameters.filter(({ objectIdentifier }) => sees(objectIdentifier));
    return answered({ service: ack.service, parameters });
  }
  if (ack.service !== 'get-event-information' || request.service !== ack.service) return undefined;
  const { listOfEventSummaries, moreEvents } = ack.parameters;
  const seen = listOfEventSummaries.filter(({ objectIdentifier }) => sees(objectIdentifier));
  const last = listOfEventSummaries.at(-1)?.objectIdentifier;
  // The next question names the last object that came: without one nobody could ask on.
  if (seen.length === 0 && moreEvents && last !== undefined) {
    return { kind: 'ask-on', request: { service: ack.service, parameters: { lastReceivedObjectIdentifier: last } } };
  }
  return answered({ service: ack.service, parameters: { listOfEventSummaries: seen, moreEvents } });
}

function answered(ack: ComplexAck): AlarmAnswer {
  return { kind: 'answer', answer: { kind: 'complex-ack', ack } };
}
