// Observation ─► answer: a read of one thing, judged when it comes, when its turn comes, and when the answer is there.
// 1. Whose the thing is, is looked up once for an inventory and a verified instance; who may read it, each time.

import type { BacnetIndex } from './address.ts';
import type { Callers } from './callers.ts';
import { type Asked, LaneRead, type ReadRequest } from './lane-read.ts';
import { isDeviceObject, type ObjectPoint } from './owners.ts';
import { type AccessServices, ReadAccess } from './read-access.ts';
import { lostAnswer, refusalOf } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { Answer, Answered, IncomingRequest, PlantAnswer } from './seam.ts';
import { isSeveral } from './showing.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

/** A request for one thing. */
export type SingleRequest = Extract<ReadRequest, { service: 'read-property' | 'read-range' | 'atomic-read-file' }>;

export interface SingleReadServices {
  readonly parts: RoadParts;
  readonly callers: Callers;
  readonly judging: AccessServices;
  /** Says a fault of the gateway's own, and gives the answer for it. */
  broken(fault: unknown): Answer;
  /** Counts reads that were denied. */
  refused(incoming: IncomingRequest, count: number): void;
}

const FILE_DATA = PROPERTY_IDENTIFIERS['present-value'];

export class SingleRead extends LaneRead<SingleRequest> {
  readonly #services: SingleReadServices;
  readonly #answered: Answered;
  /** Of these `#owners` are. */
  #index: BacnetIndex | undefined = undefined;
  #instance: number | undefined = undefined;
  #owners: readonly ObjectPoint[] | undefined = undefined;

  constructor(services: SingleReadServices, incoming: IncomingRequest, request: SingleRequest, answered: Answered) {
    super(services.parts, incoming, request);
    this.#services = services;
    this.#answered = answered;
  }

  /** `answered` is called once; never where this throws. */
  begin(): void {
    if (this.#mayRead()) this.enter();
    else this.#answered(this.#denied());
  }

  protected again(): ReadRequest | undefined {
    return this.#mayRead() ? this.request : undefined;
  }

  protected broken(fault: unknown): void {
    this.#answered(this.#services.broken(fault));
  }

  protected seen(answer: Asked): void {
    let visible: Answer;
    try {
      visible = this.#visible(answer);
    } catch (fault) {
      visible = this.#services.broken(fault);
    }
    this.#answered(visible);
  }

  /** What of an answer the asker may see. */
  #visible(answer: Asked): Answer {
    if (answer.kind === 'denied') return this.#denied();
    if (answer.kind !== 'complex-ack') return answer;
    if (!this.#mayRead()) return this.#denied();
    return isAnswerTo(this.request, answer) ? answer : lostAnswer(ABORT_REASONS.other);
  }

  #denied(): Answer {
    this.#services.refused(this.incoming, 1);
    return refusalOf(this.request, 'no-permission');
  }

  #mayRead(): boolean {
    const { judging, callers } = this.#services;
    const { from, to } = this.incoming;
    const access = new ReadAccess(judging, callers.callerOf(from));
    if (this.request.service === 'atomic-read-file')
      return access.reads(to, this.request.parameters.fileIdentifier, FILE_DATA);
    const { objectIdentifier, propertyIdentifier, propertyArrayIndex } = this.request.parameters;
    const index = judging.index();
    if (this.#owners === undefined || this.#index !== index || this.#instance !== to.instance) {
      this.#index = index;
      this.#instance = to.instance;
      this.#owners = access.plainOwners(to, objectIdentifier, propertyIdentifier, propertyArrayIndex);
    }
    return this.#owners === undefined
      ? access.reads(to, objectIdentifier, propertyIdentifier, propertyArrayIndex)
      : access.readsAll(this.#owners);
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
