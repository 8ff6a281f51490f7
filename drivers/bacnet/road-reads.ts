// Observation ─► device and back: judged element by element when it comes, when its turn comes, and when the answer is there.
// 1. Nothing that may not be seen is asked, and nothing comes back to who may not see it any more.

import type { Callers } from './callers.ts';
import { type Asked, LaneRead, type ReadRequest } from './lane-read.ts';
import type { Lists } from './lists.ts';
import { learnMonitored, seesAlarm } from './monitored.ts';
import { type AccessServices, ReadAccess } from './read-access.ts';
import { type AlarmRead, alarmAnswer, alarmObjects } from './read-alarms.ts';
import { mergeRead, type Permits, splitRead } from './read-multiple.ts';
import { lostAnswer, refusalOf } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { Answer, Answered, IncomingRequest } from './seam.ts';
import { isShowing } from './showing.ts';
import { ShownLists } from './shown-lists.ts';
import { SingleRead, type SingleReadServices, type SingleRequest } from './single-read.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { ReadPropertyMultipleAck } from './wire/services/object-access.ts';

/** How often an answer of which nothing may be seen is followed by the question for the next. */
const MOST_PAGES = 64;

export class Reads {
  readonly #services: RoadParts;
  readonly #callers: Callers;
  readonly #single: SingleReadServices;
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
    this.#single = {
      parts: services,
      callers,
      judging: this.#judging,
      broken,
      refused: (incoming, count) => this.#refused(incoming, count),
    };
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
    else if (isSingle(request)) new SingleRead(this.#single, incoming, request, answered).begin();
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
        return new Promise((resolve) => new SingleRead(this.#single, incoming, request, resolve).begin());
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
      const { timers } = this.#services;
      await learnMonitored({ lists: this.#judging.lists, timers }, incoming.to, alarmObjects(answer.ack));
      const caller = this.#callers.callerOf(incoming.from);
      const sees = (object: ObjectIdentifier): boolean => seesAlarm(this.#judging, caller, incoming.to, object);
      const filtered = alarmAnswer(current, answer.ack, sees);
      if (filtered === undefined) return lostAnswer(ABORT_REASONS.other);
      if (filtered.kind === 'answer') return filtered.answer;
      next = filtered.request;
    }
    return lostAnswer(ABORT_REASONS['out-of-resources']);
  }

  #asked(incoming: IncomingRequest, request: ReadRequest, again: () => ReadRequest | undefined): Promise<Asked> {
    return new Promise((resolve, reject) => {
      new PromisedRead(this.#services, incoming, request, again, resolve, reject).begin();
    });
  }
}

/** A read that answers a promise. */
class PromisedRead extends LaneRead<ReadRequest> {
  readonly #again: () => ReadRequest | undefined;
  readonly #resolve: (answer: Asked) => void;
  readonly #reject: (fault: unknown) => void;

  constructor(
    parts: RoadParts,
    incoming: IncomingRequest,
    request: ReadRequest,
    again: () => ReadRequest | undefined,
    resolve: (answer: Asked) => void,
    reject: (fault: unknown) => void,
  ) {
    super(parts, incoming, request);
    this.#again = again;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    this.enter();
  }

  protected again(): ReadRequest | undefined {
    return this.#again();
  }

  protected seen(answer: Asked): void {
    this.#resolve(answer);
  }

  protected broken(fault: unknown): void {
    this.#reject(fault);
  }
}

function isSingle(request: ReadRequest): request is SingleRequest {
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
