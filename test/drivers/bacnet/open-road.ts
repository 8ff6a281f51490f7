// A road that lets everything through: what the transport alone does, without anybody who judges.

import type {
  Answer,
  Answered,
  Destination,
  IncomingNotification,
  IncomingRequest,
  NorthStation,
  PlantAnswer,
  PlantDevice,
  RoadServices,
  RunningRoad,
} from '../../../drivers/bacnet/seam.ts';
import type { UnconfirmedRequest } from '../../../drivers/bacnet/wire/unconfirmed-service.ts';
import { fail } from '../../../src/model/result.ts';

const READS = new Set(['read-property', 'read-property-multiple', 'read-range', 'atomic-read-file']);
const GONE: Answer = { kind: 'abort', reason: 0 };

interface Refused {
  readonly from: string;
  readonly operation: string;
  readonly detail: string;
}

export class OpenRoad implements RunningRoad {
  readonly services: RoadServices;
  readonly refusals: Refused[] = [];
  readonly requests: IncomingRequest[] = [];
  readonly notifications: IncomingNotification[] = [];
  readonly heard: UnconfirmedRequest['service'][] = [];
  /** Answers in place of the plant's. */
  instead: ((incoming: IncomingRequest) => Promise<Answer> | undefined) | undefined;
  repeats = true;

  constructor(services: RoadServices) {
    this.services = services;
  }

  confirmed(incoming: IncomingRequest, answered: Answered): void {
    this.requests.push(incoming);
    (this.instead?.(incoming) ?? this.#forward(incoming)).then(answered);
  }

  #forward({ from, to, request }: IncomingRequest): Promise<Answer> {
    const { plant } = this.services;
    const isRead = READS.has(request.service);
    return new Promise((resolve) => {
      const peer = 'peer' in from ? from.peer.address : from.mac;
      const waiting = { peer, expire: () => resolve(GONE) };
      const run = async (): Promise<void> => resolve(answerOf(await plant.request(to, request, { retry: isRead })));
      const lane = plant.lane(to);
      const entered = isRead ? lane.read(run, waiting) : lane.change(run, waiting);
      if (!entered) resolve({ kind: 'abort', reason: 9 });
    });
  }

  unconfirmed(from: NorthStation | PlantDevice, to: Destination, request: UnconfirmedRequest): void {
    this.heard.push(request.service);
    const { plant, north, section } = this.services;
    if (!('peer' in from)) {
      north.unconfirmed('broadcast', from, request);
      return;
    }
    if (to === 'north') return;
    if ('mac' in to) plant.unconfirmed(to, request);
    else if (to.network !== 'all') plant.unconfirmed(to.network, request);
    else for (const network of Object.keys(section.networks)) plant.unconfirmed(network, request);
  }

  mayRepeat(): boolean {
    return this.repeats;
  }

  async notification(incoming: IncomingNotification): Promise<Answer> {
    this.notifications.push(incoming);
    if (incoming.to === 'gateway') return { kind: 'simple-ack' };
    return answerOf(await this.services.north.request(incoming.to, incoming.from, incoming.request));
  }

  unconfirmedNorth(from: PlantDevice, to: NorthStation, request: UnconfirmedRequest): void {
    this.heard.push(request.service);
    this.services.north.unconfirmed(to, from, request);
  }

  refused(from: NorthStation | PlantDevice, operation: string, detail: string): void {
    this.refusals.push({ from: 'peer' in from ? from.key : from.mac, operation, detail });
  }

  activated(): void {}

  counters(): { readonly [name: string]: number } {
    return {};
  }

  stop(): void {}

  async slots(): Promise<undefined> {
    return undefined;
  }

  async read(): Promise<readonly []> {
    return [];
  }

  plan(): ReturnType<RunningRoad['plan']> {
    return fail([{ path: '', found: 'a write', expected: 'none on this road' }]);
  }

  async perform(): ReturnType<RunningRoad['perform']> {
    return { outcome: { kind: 'not-sent', why: 'not on this road' } };
  }
}

function answerOf(answer: PlantAnswer): Answer {
  if (answer.kind === 'no-answer') return { kind: 'abort', reason: 10 };
  return answer.kind === 'unreachable' ? { kind: 'abort', reason: answer.abort ?? 0 } : answer;
}
