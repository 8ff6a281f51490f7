// Alarms that devices hold, for the gateway itself: what GetEventInformation says (GetAlarmSummary where a device has only that),
// one entry for each transition that is of interest. 1. A key says everything that acknowledging needs, so nothing is remembered.
// 2. An acknowledgement is classified as a frame of the same content would be.

import type { ActiveAlarm, AlarmDriver } from '../../src/contract/alarms.ts';
import type { Caller, Change } from '../../src/contract/gate.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import type { BacnetChange } from './bacnet-change.ts';
import { plantDeviceOf } from './carry-out.ts';
import { classify } from './classify.ts';
import { inTurn } from './lane-turn.ts';
import type { Lists } from './lists.ts';
import { learnMonitored, monitoredBy } from './monitored.ts';
import { ownersOfObject, pointsOf } from './owners.ts';
import { wordsOf } from './read-slots.ts';
import type { Changes } from './road-changes.ts';
import type { RoadParts } from './road-services.ts';
import type { PlantAnswer, PlantDevice } from './seam.ts';
import { LostDevice, numberIn, SurveyReader } from './survey-reader.ts';
import { readAs } from './wire/any-value.ts';
import type { ComplexAck, ConfirmedRequest } from './wire/confirmed-service.ts';
import { type TimeStamp, timeStamp } from './wire/constructed.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import { bitsOf, characterStringOf } from './wire/primitive-value.ts';
import { list } from './wire/schema.ts';
import { decodeWhole, encodeWhole } from './wire/whole.ts';

/** What one object of a device is in. `stamps`: of to-offnormal, to-fault and to-normal, as far as they are known. */
interface Summary {
  readonly object: ObjectIdentifier;
  readonly state: number;
  readonly acknowledged: readonly boolean[];
  readonly stamps: readonly (TimeStamp | undefined)[];
}

type EventAck = Extract<ComplexAck, { service: 'get-event-information' }>;

/** BACnetEventState, in the order of its numbers. */
const STATES = ['normal', 'fault', 'offnormal', 'high-limit', 'low-limit', 'life-safety-alarm'] as const;
const NORMAL = 0;
const FAULT = 1;
const OFFNORMAL = 2;
/** In the order of every three-fold property, with the state that names a transition in an acknowledgement (13.5). */
const TRANSITIONS = [OFFNORMAL, FAULT, NORMAL] as const;
const MOST_QUESTIONS = 64;
const MOST_ALARMS = 1024;
/** Octets of the name that stands in a device's memory beside an acknowledgement. */
const LONGEST_SOURCE = 64;
const PEER = 'gateway';
const timeStamps = list(timeStamp, { min: 0, max: TRANSITIONS.length });

const PLANNER: Caller = {
  principal: null,
  channel: 'local',
  proof: { kind: 'gateway', why: 'plans an acknowledgement' },
  from: 'gateway',
  peer: 'gateway',
};

export class OwnAlarms implements AlarmDriver {
  readonly #parts: RoadParts;
  readonly #changes: Changes;
  readonly #lists: Lists;

  constructor(parts: RoadParts, changes: Changes, lists: Lists) {
    this.#parts = parts;
    this.#changes = changes;
    this.#lists = lists;
  }

  async list(handle: TargetHandle): Promise<Result<readonly ActiveAlarm[], string>> {
    const { plant, index } = this.#parts;
    const device = plantDeviceOf(plant, index(), handle);
    if (device === undefined) return fail('no station of its network has its instance');
    try {
      const summaries = await this.#summaries(device);
      if (typeof summaries === 'string') return fail(summaries);
      const aheadMs = summaries.length > 0 ? await this.#aheadOfUtc(device) : 0;
      const objects = summaries.map(({ object }) => object);
      await learnMonitored({ lists: this.#lists, timers: this.#parts.timers }, device, objects);
      return ok(summaries.flatMap((summary) => this.#alarmsOf(handle, device, summary, aheadMs)));
    } catch (fault) {
      if (fault instanceof LostDevice) return fail('the device did not answer');
      throw fault;
    }
  }

  planAcknowledge({ device: handle, key }: ActiveAlarm, by: string): Result<Change<BacnetChange>, string> {
    const { plant, index, clock } = this.#parts;
    const to = plantDeviceOf(plant, index(), handle);
    if (to === undefined) return fail('no station of its network has its instance');
    const alarm = parseKey(key);
    if (alarm === undefined) return fail('the key is of no alarm that can be acknowledged');
    const request: ConfirmedRequest = {
      service: 'acknowledge-alarm',
      parameters: {
        acknowledgingProcessIdentifier: 0,
        eventObjectIdentifier: alarm.object,
        eventStateAcknowledged: alarm.state,
        timeStamp: alarm.stamp,
        acknowledgmentSource: characterStringOf(cut(by)),
        timeOfAcknowledgment: stampOf(clock.now()),
      },
    };
    const what = classify(request, to, this.#changes.siteFor(PLANNER));
    return what.kind === 'change' ? ok(what.change) : fail('it cannot be acknowledged');
  }

  /** A text says why the device could not be asked. */
  async #summaries(device: PlantDevice): Promise<readonly Summary[] | string> {
    const found = new Map<string, Summary>();
    let last: ObjectIdentifier | undefined;
    for (let asked = 0; asked < MOST_QUESTIONS && found.size < MOST_ALARMS; asked += 1) {
      const parameters = last === undefined ? {} : { lastReceivedObjectIdentifier: last };
      const answer = await this.#ask(device, { service: 'get-event-information', parameters });
      const information = eventsIn(answer);
      if (information === undefined) {
        const isUnknown = asked === 0 && (answer?.kind === 'reject' || answer?.kind === 'error');
        return isUnknown ? this.#oldSummaries(device) : wordsOfTurn(answer);
      }
      const { listOfEventSummaries, moreEvents } = information.parameters;
      const before = found.size;
      for (const one of listOfEventSummaries) {
        const { objectIdentifier: object, eventState: state, acknowledgedTransitions } = one;
        const acknowledged = bitsOf(acknowledgedTransitions);
        found.set(nameOf(object), { object, state, acknowledged, stamps: one.eventTimeStamps });
      }
      last = listOfEventSummaries.at(-1)?.objectIdentifier;
      // A device that goes round in circles has told everything.
      if (!moreEvents || last === undefined || found.size === before) break;
    }
    return [...found.values()].slice(0, MOST_ALARMS);
  }

  /** By GetAlarmSummary, which says nothing of when: that is read of each object. */
  async #oldSummaries(device: PlantDevice): Promise<readonly Summary[] | string> {
    const answer = await this.#ask(device, { service: 'get-alarm-summary', parameters: {} });
    if (answer?.kind !== 'complex-ack' || answer.ack.service !== 'get-alarm-summary') return wordsOfTurn(answer);
    const summaries = answer.ack.parameters.slice(0, MOST_ALARMS);
    const wanted = summaries.map(({ objectIdentifier: object }) => ({ object, property: P['event-time-stamps'] }));
    const values = await new SurveyReader(device, this.#parts.plant).read(wanted);
    return summaries.map(({ objectIdentifier: object, alarmState: state, acknowledgedTransitions }, at): Summary => {
      const read = wanted[at] && values.get(wanted[at]);
      const stamps = (read && readAs(timeStamps, read)) ?? [];
      return { object, state, acknowledged: bitsOf(acknowledgedTransitions), stamps };
    });
  }

  #alarmsOf(device: TargetHandle, station: PlantDevice, summary: Summary, aheadMs: number): ActiveAlarm[] {
    const { object, state, acknowledged, stamps } = summary;
    const index = this.#parts.index();
    const monitored = monitoredBy({ lists: this.#lists, index: this.#parts.index }, station, object);
    const [owner] = ownersOfObject(object, pointsOf(index, device, object));
    const current = transitionOf(state);
    return TRANSITIONS.flatMap((named, at): readonly ActiveAlarm[] => {
      const isAcknowledged = acknowledged[at] === true;
      if (isAcknowledged && (at !== current || state === NORMAL)) return [];
      const shown = at === current ? state : state === NORMAL ? NORMAL : named;
      const stamp = stamps[at];
      const since = stamp && instantOf(stamp, aheadMs);
      return [
        {
          device,
          ...(owner !== undefined && { target: owner.handle }),
          ...(monitored.length > 0 && { monitored }),
          key: keyOf(object, at === current ? state : named, stamp),
          state: STATES[shown] ?? `state ${shown}`,
          ...(since !== undefined && { since }),
          acknowledged: isAcknowledged,
        },
      ];
    });
  }

  /** How far a device's own time is ahead of UTC, as far as it says (12.11.24: minutes, positive to the west). */
  async #aheadOfUtc(device: PlantDevice): Promise<number> {
    const object = { type: OBJECT_TYPES.device, instance: device.instance ?? 0 };
    const offset = { object, property: P['utc-offset'] };
    const summer = { object, property: P['daylight-savings-status'] };
    const values = await new SurveyReader(device, this.#parts.plant).read([offset, summer]);
    const minutes = -(numberIn(values.get(offset)) ?? 0);
    const isSummer = values.get(summer)?.octets[0] === APPLICATION_TRUE;
    return (minutes + (isSummer ? 60 : 0)) * 60_000;
  }

  #ask(device: PlantDevice, request: ConfirmedRequest): Promise<PlantAnswer | undefined> {
    const { plant } = this.#parts;
    return inTurn(plant.lane(device), 'read', PEER, () => plant.request(device, request, { retry: true }));
  }
}

const APPLICATION_TRUE = 0x11;

function eventsIn(answer: PlantAnswer | undefined): EventAck | undefined {
  return answer?.kind === 'complex-ack' && answer.ack.service === 'get-event-information' ? answer.ack : undefined;
}

function wordsOfTurn(answer: PlantAnswer | undefined): string {
  return answer === undefined ? 'too much waits for the device' : wordsOf(answer);
}

function transitionOf(state: number): number {
  if (state === NORMAL) return 2;
  return state === FAULT ? 1 : 0;
}

function nameOf({ type, instance }: ObjectIdentifier): string {
  return `${type},${instance}`;
}

/** `0,1 3 2e…`: object, the state to acknowledge, the time stamp as its octets; without one it cannot be acknowledged. */
function keyOf(object: ObjectIdentifier, state: number, stamp: TimeStamp | undefined): string {
  const octets = stamp === undefined ? '-' : Buffer.from(encodeWhole(timeStamp, stamp)).toString('hex');
  return `${nameOf(object)} ${state} ${octets}`;
}

const KEY = /^(\d{1,4}),(\d{1,7}) (\d{1,5}) ([0-9a-f]{2,40})$/;

function parseKey(
  key: string,
): { readonly object: ObjectIdentifier; readonly state: number; readonly stamp: TimeStamp } | undefined {
  const [, type, instance, state, octets = ''] = KEY.exec(key) ?? [];
  const stamp = decodeWhole(timeStamp, Buffer.from(octets, 'hex'));
  if (!stamp.ok) return undefined;
  return { object: { type: Number(type), instance: Number(instance) }, state: Number(state), stamp: stamp.value };
}

/** As UTC; `undefined` where a field is not given. */
function instantOf(stamp: TimeStamp, aheadMs: number): number | undefined {
  if (stamp.choice !== 'date-time') return undefined;
  const { date, time } = stamp.value;
  const fields = [date.year, date.month, date.day, time.hour, time.minute, time.second];
  if (fields.includes(255)) return undefined;
  const hundredths = time.hundredths === 255 ? 0 : time.hundredths;
  const local = Date.UTC(1900 + date.year, date.month - 1, date.day, time.hour, time.minute, time.second);
  return local + hundredths * 10 - aheadMs;
}

/** Now, in UTC: what a device does with it is to note it. */
function stampOf(now: number): TimeStamp {
  const at = new Date(now);
  const date = {
    year: at.getUTCFullYear() - 1900,
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    weekday: at.getUTCDay() || 7,
  };
  const time = {
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
    hundredths: Math.floor(at.getUTCMilliseconds() / 10),
  };
  return { choice: 'date-time', value: { date, time } };
}

function cut(text: string): string {
  let cutText = text;
  while (new TextEncoder().encode(cutText).length > LONGEST_SOURCE) cutText = [...cutText].slice(0, -1).join('');
  return cutText;
}
