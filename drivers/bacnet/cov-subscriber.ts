// One who wants to hear of changes of value: a station, or an application on another plant network.
// 1. Of confirmed notifications one is under way at a time, and only the newest waits. 2. Who does not confirm is given up.

import type { PrincipalId } from '../../src/model/ids.ts';
import { isNorth, type Station } from './callers.ts';
import { type NotificationParameters, unconfirmedOf } from './cov-notification.ts';
import type { NorthSide, PlantDevice, PlantSide } from './seam.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

const MOST_FAILURES = 3;

interface SubscriberSides {
  readonly north: NorthSide;
  readonly plant: PlantSide;
}

export class Subscriber {
  readonly station: Station;
  readonly process: number;
  readonly principal: PrincipalId | null;
  readonly confirmed: boolean;
  /** On the monotonic clock; infinite where it lasts until it is cancelled. */
  readonly endsAt: number;
  readonly #sides: SubscriberSides;
  #underWay = false;
  #next: NotificationParameters | undefined;
  #failures = 0;

  constructor(
    asked: {
      readonly station: Station;
      readonly process: number;
      readonly principal: PrincipalId | null;
      readonly confirmed: boolean;
      readonly endsAt: number;
    },
    sides: SubscriberSides,
  ) {
    this.station = asked.station;
    this.process = asked.process;
    this.principal = asked.principal;
    this.confirmed = asked.confirmed;
    this.endsAt = asked.endsAt;
    this.#sides = sides;
  }

  /** It has not confirmed for too long. */
  get isLost(): boolean {
    return this.#failures >= MOST_FAILURES;
  }

  /** `now`: on the monotonic clock. */
  tell(device: PlantDevice, notification: NotificationParameters, now: number): void {
    const own = this.#addressed(notification, now);
    if (!this.confirmed) {
      this.#unconfirmed(device, unconfirmedOf(own));
      return;
    }
    if (this.#underWay) {
      this.#next = own;
      return;
    }
    this.#underWay = true;
    this.#send(device, own).catch(() => undefined);
  }

  async #send(device: PlantDevice, first: NotificationParameters): Promise<void> {
    const { north, plant } = this.#sides;
    let next: NotificationParameters | undefined = first;
    while (next !== undefined) {
      const { station } = this;
      const answer = await (isNorth(station)
        ? north.request(station, device, next)
        : plant.request(station, next, { retry: true }));
      this.#failures = answer.kind === 'simple-ack' ? 0 : this.#failures + 1;
      next = this.isLost ? undefined : this.#next;
      this.#next = undefined;
    }
    this.#underWay = false;
  }

  #unconfirmed(device: PlantDevice, request: UnconfirmedRequest): void {
    const { north, plant } = this.#sides;
    if (isNorth(this.station)) north.unconfirmed(this.station, device, request);
    else plant.unconfirmed(this.station, request, device);
  }

  #addressed(notification: NotificationParameters, now: number): NotificationParameters {
    const own = {
      subscriberProcessIdentifier: this.process,
      timeRemaining: Number.isFinite(this.endsAt) ? Math.max(0, Math.round((this.endsAt - now) / 1000)) : 0,
    };
    return notification.service === 'confirmed-cov-notification'
      ? { service: notification.service, parameters: { ...notification.parameters, ...own } }
      : { service: notification.service, parameters: { ...notification.parameters, ...own } };
  }
}
