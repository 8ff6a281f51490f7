// One subscription of the gateway at a device, shared by everybody who wants the same: begun, renewed, ended.
// 1. The device knows only the gateway. 2. It lapses by itself if the gateway is gone.

import type { Timers } from '../../src/contract/clock.ts';
import type { NotificationParameters, SubscribeRequest } from './cov-notification.ts';
import type { Subscriber } from './cov-subscriber.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from './seam.ts';

const LIFETIME_S = 300;
const RENEWED_AFTER_MS = 120_000;

interface SouthServices {
  readonly plant: PlantSide;
  readonly timers: Timers;
  /** Before each renewal: who still wants it? False: nobody, and it ends. */
  wanted(subscription: SouthSubscription): boolean;
}

/** The gateway itself wants to know, for its page. */
export interface Watcher {
  heard(notification: NotificationParameters): void;
  ended(): void;
}

export class SouthSubscription {
  readonly key: string;
  readonly device: PlantDevice;
  /** The subscriber process identifier under which the device knows it. */
  readonly process: number;
  readonly request: SubscribeRequest;
  /** What the device was when it was subscribed to. */
  readonly instance: number | undefined;
  readonly subscribers = new Map<string, Subscriber>();
  /** The gateway's own: they hear everything, and are told when nothing more comes. */
  readonly watchers = new Set<Watcher>();
  /** What the device said last. */
  last: NotificationParameters | undefined;
  readonly #services: SouthServices;
  #timer: { cancel(): void } | undefined;
  #begun: Promise<PlantAnswer> | undefined;
  #ended = false;

  constructor(key: string, device: PlantDevice, process: number, request: SubscribeRequest, services: SouthServices) {
    this.key = key;
    this.device = device;
    this.process = process;
    this.request = request;
    this.instance = device.instance;
    this.#services = services;
  }

  /** Nobody wants it any more. */
  get isIdle(): boolean {
    return this.subscribers.size + this.watchers.size === 0;
  }

  /** Whether the device has taken it; asked once, whoever waits. */
  begin(): Promise<PlantAnswer> {
    this.#begun ??= this.#ask(this.#with({ issueConfirmedNotifications: true, lifetime: LIFETIME_S }));
    return this.#begun.then((answer) => {
      if (answer.kind === 'simple-ack' && !this.#ended) this.#renewLater();
      return answer;
    });
  }

  /** Lets the device forget it. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#ask(this.#with({})).catch(() => undefined);
  }

  /** Without a word to the device: it is not there, or another. */
  drop(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  /** The device may have forgotten: it is asked again now. */
  renew(): void {
    this.#timer?.cancel();
    if (this.#ended || !this.#services.wanted(this)) return;
    const renewal = this.#with({ issueConfirmedNotifications: true, lifetime: LIFETIME_S });
    this.#ask(renewal)
      .catch(() => undefined)
      .finally(() => {
        if (!this.#ended) this.#renewLater();
      });
  }

  #renewLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#services.timers.after(RENEWED_AFTER_MS, () => this.renew());
  }

  #with(
    asked: { readonly issueConfirmedNotifications: boolean; readonly lifetime: number } | Record<string, never>,
  ): SubscribeRequest {
    const own = { subscriberProcessIdentifier: this.process, ...asked };
    switch (this.request.service) {
      case 'subscribe-cov': {
        const { monitoredObjectIdentifier } = this.request.parameters;
        return { service: 'subscribe-cov', parameters: { ...own, monitoredObjectIdentifier } };
      }
      case 'subscribe-cov-property': {
        const { monitoredObjectIdentifier, monitoredPropertyIdentifier, covIncrement } = this.request.parameters;
        const increment = covIncrement === undefined ? {} : { covIncrement };
        const parameters = { ...own, monitoredObjectIdentifier, monitoredPropertyIdentifier, ...increment };
        return { service: 'subscribe-cov-property', parameters };
      }
      case 'subscribe-cov-property-multiple': {
        const { maxNotificationDelay, listOfCovSubscriptionSpecifications } = this.request.parameters;
        const delay = maxNotificationDelay === undefined ? {} : { maxNotificationDelay };
        const parameters = { ...own, ...delay, listOfCovSubscriptionSpecifications };
        return { service: 'subscribe-cov-property-multiple', parameters };
      }
    }
  }

  #ask(request: SubscribeRequest): Promise<PlantAnswer> {
    const { plant } = this.#services;
    return new Promise((resolve) => {
      const busy = (): void => resolve({ kind: 'unreachable', why: 'too many requests wait for the device' });
      const run = async (): Promise<void> => resolve(await plant.request(this.device, request, { retry: true }));
      if (!plant.lane(this.device).read(run, { peer: 'gateway', expire: busy })) busy();
    });
  }
}
