// Plant ─► who may see it: event notifications. Installing the gateway must not silence an alarm.
// 1. Only a device with a verified instance that speaks of itself is believed. 2. Every station that is named gets it, or an error
// goes back; what is sent to the gateway (a recipient list names it) or to everybody goes to every station that may see it.
// 3. From the technicians' side none is taken. 4. What is passed on keeps its network priority: life safety stays that.

import { type Callers, isNorth, type Station } from './callers.ts';
import type { Lists } from './lists.ts';
import { learnMonitored, seesAlarm } from './monitored.ts';
import { handleOfDevice } from './owners.ts';
import type { AccessServices } from './read-access.ts';
import { lostAnswer, refusalOf } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { Answer, IncomingRequest, NorthStation, PlantAnswer, PlantDevice } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { ABORT_REASONS } from './wire/names/abort-reason.ts';
import type { NetworkPriority } from './wire/npdu.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

type ConfirmedEvent = Extract<ConfirmedRequest, { service: 'confirmed-event-notification' }>;
type UnconfirmedEvent = Extract<UnconfirmedRequest, { service: 'unconfirmed-event-notification' }>;

/** Stations told of one alarm at the most. */
const MOST_STATIONS = 256;

export class Alarms {
  readonly #parts: RoadParts;
  readonly #callers: Callers;
  readonly #judging: AccessServices;

  constructor(parts: RoadParts, callers: Callers, lists: Lists) {
    this.#parts = parts;
    this.#callers = callers;
    this.#judging = { gate: parts.gate, lists, index: parts.index };
  }

  /** To one station, or to the gateway for all of them. */
  async confirmed(
    from: PlantDevice,
    to: NorthStation | 'gateway',
    request: ConfirmedEvent,
    priority?: NetworkPriority,
  ): Promise<Answer> {
    const { north } = this.#parts;
    await this.#learn(from, request);
    if (!this.#speaksOfItself(from, request)) return this.#refuse(from, from, request, 'it does not speak of itself');
    const stations = to === 'gateway' ? this.#whoMaySee(from, request) : this.#maySee(from, to, request) ? [to] : [];
    if (stations.length === 0) {
      return to === 'gateway'
        ? // Nobody is there to be told: the device goes on trying.
          lostAnswer(ABORT_REASONS.other)
        : this.#refuse(from, from, request, `\`${to.key}\` may not see it`);
    }
    return firstAcknowledged(stations.map((station) => north.request(station, from, request, priority)));
  }

  /** From a station, or from a plant device to one of another network. */
  async between({ from, to, priority = 0 }: IncomingRequest, request: ConfirmedEvent): Promise<Answer> {
    if (isNorth(from)) return this.#refuse(from, to, request, 'events are taken from plant devices only');
    await this.#learn(from, request);
    if (!this.#speaksOfItself(from, request)) return this.#refuse(from, from, request, 'it does not speak of itself');
    if (!this.#maySee(from, to, request)) return this.#refuse(from, to, request, 'its recipient may not see it');
    return answerOf([await this.#parts.plant.request(to, request, { retry: true, priority })]);
  }

  /** `to` absent: everybody. */
  unconfirmed(
    from: PlantDevice,
    to: NorthStation | PlantDevice | undefined,
    request: UnconfirmedEvent,
    priority?: NetworkPriority,
  ): void {
    const learning = this.#learn(from, request);
    if (learning === undefined) this.#tell(from, to, request, priority);
    else
      learning
        .then(() => this.#tell(from, to, request, priority))
        .catch((fault: unknown) => {
          const fields = { fault: String(fault) };
          this.#parts.log.write('error', 'own.fault', fields, `an alarm could not be passed on: ${fault}`);
        });
  }

  #tell(
    from: PlantDevice,
    to: NorthStation | PlantDevice | undefined,
    request: UnconfirmedEvent,
    priority?: NetworkPriority,
  ): void {
    const { north, plant, counted } = this.#parts;
    if (!this.#speaksOfItself(from, request)) {
      this.#refuse(from, from, request, 'it does not speak of itself');
      return;
    }
    if (to === undefined) {
      for (const station of this.#whoMaySee(from, request)) north.unconfirmed(station, from, request, priority);
    } else if (!this.#maySee(from, to, request)) return;
    else if (isNorth(to)) north.unconfirmed(to, from, request, priority);
    else plant.unconfirmed(to, request, from, priority);
    counted.alarm_notifications += 1;
  }

  /** What the event is about, where another object than its own; not for what is no device's own word. */
  #learn(from: PlantDevice, request: ConfirmedEvent | UnconfirmedEvent): Promise<void> | undefined {
    if (!this.#speaksOfItself(from, request)) return undefined;
    const { lists } = this.#judging;
    return learnMonitored({ lists, timers: this.#parts.timers }, from, [request.parameters.eventObjectIdentifier]);
  }

  #speaksOfItself({ instance }: PlantDevice, { parameters }: ConfirmedEvent | UnconfirmedEvent): boolean {
    return instance !== undefined && parameters.initiatingDeviceIdentifier.instance === instance;
  }

  #maySee(from: PlantDevice, to: Station, { parameters }: ConfirmedEvent | UnconfirmedEvent): boolean {
    const sees = seesAlarm(this.#judging, this.#callers.callerOf(to), from, parameters.eventObjectIdentifier);
    if (!sees) this.#parts.counted.alarms_withheld += 1;
    return sees;
  }

  #whoMaySee(from: PlantDevice, request: ConfirmedEvent | UnconfirmedEvent): NorthStation[] {
    const stations: NorthStation[] = [];
    for (const station of this.#parts.north.stations()) {
      if (stations.length >= MOST_STATIONS) break;
      if (this.#maySee(from, station, request)) stations.push(station);
    }
    return stations;
  }

  #refuse(from: Station, about: PlantDevice, request: ConfirmedEvent | UnconfirmedEvent, detail: string): Answer {
    const { gate, counted, index } = this.#parts;
    counted.refused += 1;
    const target = handleOfDevice(index(), about);
    gate.refuse(this.#callers.callerOf(from), { operation: request.service, reason: 'unsupported', target, detail });
    return request.service === 'confirmed-event-notification' ? refusalOf(request, 'unsupported') : { kind: 'silence' };
  }
}

/** At once where one acknowledges: a station that never answers must not make the device give up. */
async function firstAcknowledged(asked: readonly Promise<PlantAnswer>[]): Promise<Answer> {
  const acknowledged = asked.map(async (one): Promise<Answer> => {
    const answer = await one;
    if (answer.kind !== 'simple-ack') throw new Error(answer.kind);
    return answer;
  });
  return Promise.any(acknowledged).catch(async () => answerOf(await Promise.all(asked)));
}

/** One acknowledgement is enough; else the first that was said, so that the device goes on. */
function answerOf(answers: readonly PlantAnswer[]): Answer {
  const acknowledged = answers.find(({ kind }) => kind === 'simple-ack');
  const said = acknowledged ?? answers.find(({ kind }) => kind !== 'no-answer' && kind !== 'unreachable');
  if (said === undefined || said.kind === 'no-answer' || said.kind === 'unreachable') return lostAnswer();
  return said;
}
