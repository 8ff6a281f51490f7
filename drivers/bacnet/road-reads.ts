// Observation ─► device and back: judged element by element when it comes, when its turn comes, and when the answer is there.
// 1. Nothing that may not be seen is asked, and nothing comes back to who may not see it any more. 2. Reads wait behind their own.

import { type Callers, turnKey } from './callers.ts';
import type { Lists } from './lists.ts';
import { listsOf } from './moves.ts';
import { isDeviceObject } from './owners.ts';
import { isSeveral, membersNeeded, ReadAccess } from './read-access.ts';
import { type AlarmRead, alarmAnswer } from './read-alarms.ts';
import { mergeRead, type Permits, splitRead } from './read-multiple.ts';
import { BUSY, errorAnswer, lostAnswer, refusalOf, type VisibleAnswer } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { Answer, IncomingRequest, PlantAnswer, PlantDevice } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { ReadPropertyMultipleAck } from './wire/services/object-access.ts';

/** A request that only reads. */
export type ReadRequest = Extract<
  ConfirmedRequest,
  {
    service:
      | 'read-property'
      | 'read-property-multiple'
      | 'read-range'
      | 'atomic-read-file'
      | 'get-event-information'
      | 'get-alarm-summary'
      | 'get-enrollment-summary';
  }
>;

const FILE_DATA = PROPERTY_IDENTIFIERS['present-value'];

/** How often an answer of which nothing may be seen is followed by the question for the next. */
const MOST_PAGES = 64;

export class Reads {
  readonly #services: RoadParts;
  readonly #callers: Callers;
  readonly #lists: Lists;

  constructor(services: RoadParts, callers: Callers, lists: Lists) {
    this.#services = services;
    this.#callers = callers;
    this.#lists = lists;
  }

  async answer(incoming: IncomingRequest, request: ReadRequest): Promise<Answer> {
    const { counted } = this.#services;
    counted.reads += 1;
    await this.#learnGroups(incoming.to, request);
    switch (request.service) {
      case 'read-property-multiple':
        return this.#multiple(incoming, request);
      case 'get-event-information':
      case 'get-alarm-summary':
      case 'get-enrollment-summary':
        return this.#alarms(incoming, request);
      default:
        return this.#one(incoming, request);
    }
  }

  #access({ from }: IncomingRequest): ReadAccess {
    const services = { ...this.#services, lists: this.#lists };
    return new ReadAccess(services, this.#callers.callerOf(from));
  }

  #permits(incoming: IncomingRequest): Permits {
    const access = this.#access(incoming);
    return (object, property, index) => access.reads(incoming.to, object, property, index);
  }

  #refused(incoming: IncomingRequest, count: number): void {
    const { counted, gate } = this.#services;
    counted.reads_refused += 1;
    gate.countDeniedReads(this.#callers.callerOf(incoming.from), count);
  }

  async #one(
    incoming: IncomingRequest,
    request: Extract<ReadRequest, { service: 'read-property' | 'read-range' | 'atomic-read-file' }>,
  ): Promise<Answer> {
    const mayRead = (): boolean => {
      const permits = this.#permits(incoming);
      if (request.service === 'atomic-read-file') return permits(request.parameters.fileIdentifier, FILE_DATA);
      const { objectIdentifier, propertyIdentifier, propertyArrayIndex } = request.parameters;
      return permits(objectIdentifier, propertyIdentifier, propertyArrayIndex);
    };
    if (!mayRead()) {
      this.#refused(incoming, 1);
      return refusalOf(request, 'no-permission');
    }
    const answer = await this.#ask(incoming, request, () => (mayRead() ? request : undefined));
    if (answer.kind === 'denied' || (answer.kind === 'complex-ack' && !mayRead())) {
      this.#refused(incoming, 1);
      return refusalOf(request, 'no-permission');
    }
    if (answer.kind !== 'complex-ack') return answer;
    return isAnswerTo(request, answer) ? answer : lostAnswer(ABORT_REASONS.other);
  }

  async #multiple(
    incoming: IncomingRequest,
    request: Extract<ReadRequest, { service: 'read-property-multiple' }>,
  ): Promise<Answer> {
    let split = splitRead(request.parameters, this.#permits(incoming));
    let ack: ReadPropertyMultipleAck | undefined;
    if (split.forwarded.length > 0) {
      const answer = await this.#ask(incoming, request, () => {
        split = splitRead(request.parameters, this.#permits(incoming));
        const { forwarded } = split;
        return forwarded.length === 0 ? undefined : { service: 'read-property-multiple', parameters: forwarded };
      });
      if (answer.kind === 'complex-ack') {
        if (answer.ack.service !== request.service) return lostAnswer(ABORT_REASONS.other);
        ack = answer.ack.parameters;
      } else if (answer.kind !== 'denied') return answer;
    }
    if (split.denied > 0) this.#refused(incoming, split.denied);
    const parameters = mergeRead(split, ack, this.#permits(incoming));
    if (parameters === undefined) return lostAnswer(ABORT_REASONS.other);
    return { kind: 'complex-ack', ack: { service: 'read-property-multiple', parameters } };
  }

  async #alarms(incoming: IncomingRequest, request: AlarmRead): Promise<Answer> {
    let next = request;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const current = next;
      const maySee = (): boolean => this.#access(incoming).seesAnyAlarms(incoming.to);
      const answer = maySee()
        ? await this.#ask(incoming, current, () => (maySee() ? current : undefined))
        : ({ kind: 'denied' } as const);
      if (answer.kind === 'denied') {
        this.#refused(incoming, 1);
        return refusalOf(request, 'no-permission');
      }
      if (answer.kind !== 'complex-ack') return answer;
      const access = this.#access(incoming);
      const filtered = alarmAnswer(current, answer.ack, (object) => access.seesAlarms(incoming.to, object));
      if (filtered === undefined) return lostAnswer(ABORT_REASONS.other);
      if (filtered.kind === 'answer') return filtered.answer;
      next = filtered.request;
    }
    return lostAnswer(ABORT_REASONS['out-of-resources']);
  }

  /** In the device's read lane; `again` looks once more whether it may go out, and gives what then goes. */
  #ask(
    { from, to }: IncomingRequest,
    request: ReadRequest,
    again: () => ReadRequest | undefined,
  ): Promise<VisibleAnswer | { readonly kind: 'denied' }> {
    const { plant, counted } = this.#services;
    return new Promise((resolve) => {
      const busy = (): void => {
        counted.busy += 1;
        resolve(errorAnswer(request, BUSY));
      };
      const run = async (): Promise<void> => {
        const now = again();
        if (now === undefined) {
          resolve({ kind: 'denied' });
          return;
        }
        const answer = await plant.request(to, now, { retry: true });
        if (answer.kind === 'no-answer') resolve(lostAnswer());
        else if (answer.kind === 'unreachable') resolve(lostAnswer(answer.abort));
        else resolve(answer);
      };
      if (!plant.lane(to).read(run, { peer: turnKey(from), expire: busy })) busy();
    });
  }

  async #learnGroups(device: PlantDevice, request: ReadRequest): Promise<void> {
    const objects: (readonly [ObjectIdentifier, number])[] = [];
    if (request.service === 'read-property' || request.service === 'read-range') {
      objects.push([request.parameters.objectIdentifier, request.parameters.propertyIdentifier]);
    } else if (request.service === 'read-property-multiple') {
      for (const { objectIdentifier, listOfPropertyReferences } of request.parameters)
        for (const { propertyIdentifier } of listOfPropertyReferences)
          objects.push([objectIdentifier, propertyIdentifier]);
    } else return;
    for (const [object, property] of objects) {
      const list = membersNeeded(object, property);
      if (list === undefined || this.#lists.known({ device, object }) !== undefined) continue;
      this.#services.counted.lists_read += 1;
      await this.#lists.learn({ device, object, properties: [...new Set([list, ...listsOf(object.type)])] });
    }
  }
}

/** An ack for another property than was asked is nobody's answer. */
function isAnswerTo(request: ReadRequest, { ack }: Extract<PlantAnswer, { kind: 'complex-ack' }>): boolean {
  switch (request.service) {
    case 'read-property':
    case 'read-range': {
      if (ack.service !== 'read-property' && ack.service !== 'read-range') return false;
      const { objectIdentifier: asked, propertyIdentifier, propertyArrayIndex } = request.parameters;
      const told = ack.parameters;
      return (
        ack.service === request.service &&
        (isDeviceObject(asked) ? isDeviceObject(told.objectIdentifier) : sameObject(asked, told.objectIdentifier)) &&
        (told.propertyIdentifier === propertyIdentifier || isSeveral(propertyIdentifier)) &&
        told.propertyArrayIndex === propertyArrayIndex
      );
    }
    default:
      return ack.service === request.service;
  }
}

function sameObject(one: ObjectIdentifier, other: ObjectIdentifier): boolean {
  return one.type === other.type && one.instance === other.instance;
}
