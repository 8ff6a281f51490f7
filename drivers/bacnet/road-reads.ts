// Observation ─► device and back: judged element by element when it comes, when its turn comes, and when the answer is there.
// 1. Nothing that may not be seen is asked, and nothing comes back to who may not see it any more. 2. Reads wait behind their own.

import { type Callers, turnKey } from './callers.ts';
import type { Lists } from './lists.ts';
import { isDeviceObject } from './owners.ts';
import { type AccessServices, ReadAccess } from './read-access.ts';
import { type AlarmRead, alarmAnswer } from './read-alarms.ts';
import { mergeRead, type Permits, splitRead } from './read-multiple.ts';
import { BUSY, errorAnswer, lostAnswer, refusalOf, type VisibleAnswer } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { Answer, Answered, IncomingRequest, PlantAnswer } from './seam.ts';
import { isSeveral, isShowing } from './showing.ts';
import { ShownLists } from './shown-lists.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { ReadPropertyMultipleAck } from './wire/services/object-access.ts';

/** A request that only reads. */
type ReadRequest = Extract<
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

/** One that asks for one thing. */
type SingleRead = Extract<ReadRequest, { service: 'read-property' | 'read-range' | 'atomic-read-file' }>;

const FILE_DATA = PROPERTY_IDENTIFIERS['present-value'];

/** What became of a read: an answer, or nothing was asked. */
type Asked = VisibleAnswer | { readonly kind: 'denied' };

const DENIED = { kind: 'denied' } as const;
/** A turn in the lane that asked nothing. */
const OVER = Promise.resolve();

/** How often an answer of which nothing may be seen is followed by the question for the next. */
const MOST_PAGES = 64;

export class Reads {
  readonly #services: RoadParts;
  readonly #callers: Callers;
  readonly #judging: AccessServices;
  readonly #shown: ShownLists;
  readonly #broken: (fault: unknown) => Answer;

  /** `broken` says a fault of the gateway's own, and gives the answer for it. */
  constructor(services: RoadParts, callers: Callers, lists: Lists, broken: (fault: unknown) => Answer) {
    this.#services = services;
    this.#callers = callers;
    this.#broken = broken;
    this.#judging = { gate: services.gate, lists, index: services.index };
    this.#shown = new ShownLists(lists, services.counted);
  }

  /** `answered` is called once; never where this throws. */
  answer(incoming: IncomingRequest, request: ReadRequest, answered: Answered): void {
    this.#services.counted.reads += 1;
    const shown = shownIn(request);
    const learning = shown.length > 0 && this.#shown.learn(incoming.to, shown, () => this.#access(incoming));
    if (learning)
      this.#later(
        learning.then(() => this.#known(incoming, request)),
        answered,
      );
    else if (isSingle(request)) this.#one(incoming, request, answered);
    else this.#later(this.#known(incoming, request), answered);
  }

  #later(answer: Promise<Answer>, answered: Answered): void {
    answer.catch(this.#broken).then(answered);
  }

  #known(incoming: IncomingRequest, request: ReadRequest): Promise<Answer> {
    switch (request.service) {
      case 'read-property-multiple':
        return this.#multiple(incoming, request);
      case 'get-event-information':
      case 'get-alarm-summary':
      case 'get-enrollment-summary':
        return this.#alarms(incoming, request);
      default:
        return new Promise((resolve) => this.#one(incoming, request, resolve));
    }
  }

  #access({ from }: IncomingRequest): ReadAccess {
    return new ReadAccess(this.#judging, this.#callers.callerOf(from));
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

  #one(incoming: IncomingRequest, request: SingleRead, answered: Answered): void {
    if (!this.#mayRead(incoming, request)) {
      answered(this.#denied(incoming, request));
      return;
    }
    const again = (): ReadRequest | undefined => (this.#mayRead(incoming, request) ? request : undefined);
    const broken = (fault: unknown): void => answered(this.#broken(fault));
    const seen = (answer: Asked): void => answered(this.#seen(incoming, request, answer));
    this.#ask(incoming, request, again, seen, broken);
  }

  /** What of an answer the asker may see. */
  #seen(incoming: IncomingRequest, request: SingleRead, answer: Asked): Answer {
    try {
      if (answer.kind === 'denied') return this.#denied(incoming, request);
      if (answer.kind !== 'complex-ack') return answer;
      if (!this.#mayRead(incoming, request)) return this.#denied(incoming, request);
      return isAnswerTo(request, answer) ? answer : lostAnswer(ABORT_REASONS.other);
    } catch (fault) {
      return this.#broken(fault);
    }
  }

  #denied(incoming: IncomingRequest, request: SingleRead): Answer {
    this.#refused(incoming, 1);
    return refusalOf(request, 'no-permission');
  }

  #mayRead(incoming: IncomingRequest, request: SingleRead): boolean {
    const access = this.#access(incoming);
    if (request.service === 'atomic-read-file')
      return access.reads(incoming.to, request.parameters.fileIdentifier, FILE_DATA);
    const { objectIdentifier, propertyIdentifier, propertyArrayIndex } = request.parameters;
    return access.reads(incoming.to, objectIdentifier, propertyIdentifier, propertyArrayIndex);
  }

  async #multiple(
    incoming: IncomingRequest,
    request: Extract<ReadRequest, { service: 'read-property-multiple' }>,
  ): Promise<Answer> {
    let split = splitRead(request.parameters, this.#permits(incoming));
    let ack: ReadPropertyMultipleAck | undefined;
    if (split.forwarded.length > 0) {
      const first = { service: request.service, parameters: split.forwarded };
      const again = (): ReadRequest | undefined => {
        split = splitRead(request.parameters, this.#permits(incoming));
        const { forwarded } = split;
        return forwarded.length === 0 ? undefined : { service: 'read-property-multiple', parameters: forwarded };
      };
      const answer = await this.#asked(incoming, first, again);
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
        ? await this.#asked(incoming, current, () => (maySee() ? current : undefined))
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

  #asked(incoming: IncomingRequest, request: ReadRequest, again: () => ReadRequest | undefined): Promise<Asked> {
    return new Promise((resolve, reject) => this.#ask(incoming, request, again, resolve, reject));
  }

  /**
   * In the device's read lane: `request` is what was judged just now. Where it had to wait, `again` looks once more whether it
   * may go out, and gives what then goes. One of `seen` and `broken` is called, once.
   */
  #ask(
    { from, to }: IncomingRequest,
    request: ReadRequest,
    again: () => ReadRequest | undefined,
    seen: (answer: Asked) => void,
    broken: (fault: unknown) => void,
  ): void {
    const { plant, counted } = this.#services;
    let hasWaited = false;
    let goOn = nothing;
    const busy = (): void => {
      counted.busy += 1;
      seen(errorAnswer(request, BUSY));
    };
    const answered = (answer: PlantAnswer): void => {
      try {
        seen(visible(answer));
      } finally {
        goOn();
      }
    };
    const run = (over: () => void): Promise<void> | undefined => {
      let now: ReadRequest | undefined;
      try {
        now = hasWaited ? again() : request;
        if (now !== undefined) {
          goOn = over;
          plant.read(to, now, answered);
          return undefined;
        }
      } catch (fault) {
        // Nothing was asked: the turn ends here.
        goOn = nothing;
        broken(fault);
        return OVER;
      }
      seen(DENIED);
      return OVER;
    };
    if (!plant.lane(to).read(run, { peer: turnKey(from), expire: busy })) busy();
    hasWaited = true;
  }
}

function visible(answer: PlantAnswer): VisibleAnswer {
  if (answer.kind === 'no-answer') return lostAnswer();
  return answer.kind === 'unreachable' ? lostAnswer(answer.abort) : answer;
}

function nothing(): void {}

function isSingle(request: ReadRequest): request is SingleRead {
  return (
    request.service === 'read-property' || request.service === 'read-range' || request.service === 'atomic-read-file'
  );
}

/** What is asked for of objects that show values of others. */
function shownIn(request: ReadRequest): readonly ObjectPropertyReference[] {
  switch (request.service) {
    case 'read-property':
    case 'read-range':
      return isShowing(request.parameters.objectIdentifier) ? [request.parameters] : [];
    case 'read-property-multiple':
      return request.parameters
        .filter(({ objectIdentifier }) => isShowing(objectIdentifier))
        .flatMap(({ objectIdentifier, listOfPropertyReferences }) =>
          listOfPropertyReferences.map((reference) => ({ objectIdentifier, ...reference })),
        );
    default:
      return [];
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
