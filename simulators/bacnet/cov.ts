// Clause 13.14 and 13.15: subscriptions to changes of value, and the notifications that follow.
// 1. A subscription is one peer's, for one process and one object; subscribing again renews it.
// 2. What has expired gets nothing.

import type { DeviceState, Service } from './device-state.ts';
import { type Element, encodeElements, sameElements } from './elements.ts';
import { RejectFault, ServiceFault } from './faults.ts';
import { macOf } from './framing.ts';
import { CONFIRMED, PROPERTY, UNCONFIRMED } from './names.ts';
import type { Items, PropertyChange, SimulatedObject } from './object.ts';
import { Parameters } from './parameters.ts';
import { nameOf, type Peer } from './peer.ts';
import { app, ctx, numberOf, within } from './values.ts';

interface Subscription {
  readonly peer: Peer;
  readonly processId: number;
  readonly object: SimulatedObject;
  /** Absent: present-value and status flags by the object's own increment. */
  readonly property?: { readonly id: number; readonly index: number | undefined };
  readonly increment?: number;
  readonly confirmed: boolean;
  /** Milliseconds since 1970; `Infinity` where it does not end. */
  readonly until: number;
  told: readonly Element[];
}

const MOST_SUBSCRIPTIONS = 200;

export class CovSubscriptions {
  readonly #state: DeviceState;
  readonly #now: () => number;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(state: DeviceState, now: () => number) {
    this.#state = state;
    this.#now = now;
    state.watchers.push((change) => this.#changed(change));
  }

  get size(): number {
    this.#expire();
    return this.#subscriptions.size;
  }

  /** What a restart forgets. */
  clear(): void {
    this.#subscriptions.clear();
  }

  readonly subscribe: Service = (state, parameters, asker) => {
    const processId = parameters.needUnsigned(0);
    const object = state.find(parameters.needObject(1));
    const confirmed = parameters.boolean(2);
    const lifetime = parameters.unsigned(3);
    parameters.end();
    const key = `${nameOf(asker.peer)} ${processId} ${object.key}`;
    if (confirmed === undefined && lifetime === undefined) {
      this.#subscriptions.delete(key);
      return undefined;
    }
    if (!object.has('status-flags') || !object.has('present-value')) {
      throw new ServiceFault('optional-functionality-not-supported');
    }
    this.#add(key, { ...this.#terms(confirmed, lifetime), peer: asker.peer, processId, object, told: [] });
    return undefined;
  };

  readonly subscribeProperty: Service = (state, parameters, asker) => {
    const processId = parameters.needUnsigned(0);
    const object = state.find(parameters.needObject(1));
    const confirmed = parameters.boolean(2);
    const lifetime = parameters.unsigned(3);
    const reference = new Parameters(parameters.needInside(4));
    const property = { id: reference.needUnsigned(0), index: reference.unsigned(1) };
    reference.end();
    const increment = parameters.octets(5);
    parameters.end();
    const key = `${nameOf(asker.peer)} ${processId} ${object.key} ${property.id} ${property.index}`;
    if (confirmed === undefined && lifetime === undefined) {
      this.#subscriptions.delete(key);
      return undefined;
    }
    object.read(property.id, property.index);
    if (property.id === PROPERTY['log-buffer']) throw new ServiceFault('not-cov-property');
    const own = increment?.length === 4 ? { increment: increment.readFloatBE() } : {};
    const terms = this.#terms(confirmed, lifetime);
    this.#add(key, { ...terms, ...own, peer: asker.peer, processId, object, property, told: [] });
    return undefined;
  };

  /** The device's Active_COV_Subscriptions. */
  active(): Items {
    this.#expire();
    return [...this.#subscriptions.values()].map((one) => {
      const route = one.peer.route;
      const address = [app.unsigned(route?.network ?? 0), app.octets(route?.mac ?? macOf(one.peer.endpoint))];
      return [
        within(0, within(0, within(1, ...address)), ctx.unsigned(1, one.processId)),
        within(1, ctx.object(0, one.object.ref), ctx.unsigned(1, one.property?.id ?? PROPERTY['present-value'])),
        ctx.boolean(2, one.confirmed),
        ctx.unsigned(3, this.#remaining(one)),
      ];
    });
  }

  #terms(confirmed: boolean | undefined, lifetime: number | undefined): { confirmed: boolean; until: number } {
    if (confirmed === undefined) throw new RejectFault('missing-required-parameter');
    const ends = lifetime === undefined || lifetime === 0 ? Number.POSITIVE_INFINITY : this.#now() + lifetime * 1000;
    return { confirmed, until: ends };
  }

  #add(key: string, subscription: Subscription): void {
    this.#expire();
    if (!this.#subscriptions.has(key) && this.#subscriptions.size >= MOST_SUBSCRIPTIONS) {
      throw new ServiceFault('no-space-to-add-list-element');
    }
    this.#subscriptions.set(key, subscription);
    this.#state.afterAnswer(() => this.#notify(subscription));
  }

  #expire(): void {
    for (const [key, one] of this.#subscriptions) if (one.until <= this.#now()) this.#subscriptions.delete(key);
  }

  #remaining(one: Subscription): number {
    return one.until === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.round((one.until - this.#now()) / 1000));
  }

  #changed({ object, property }: PropertyChange): void {
    this.#expire();
    for (const one of this.#subscriptions.values()) {
      if (one.object !== object) continue;
      const watched = one.property?.id ?? PROPERTY['present-value'];
      const concerned = property === watched || property === PROPERTY['status-flags'];
      if (concerned && this.#differs(one)) this.#notify(one);
    }
  }

  #values(one: Subscription): readonly (readonly [number, number | undefined, readonly Element[]])[] {
    const id = one.property?.id ?? PROPERTY['present-value'];
    const index = one.property?.index;
    const flags = one.object.value('status-flags');
    const watched = [id, index, one.object.read(id, index)] as const;
    return flags.length === 0 ? [watched] : [watched, [PROPERTY['status-flags'], undefined, flags]];
  }

  #differs(one: Subscription): boolean {
    const now = this.#values(one).flatMap(([, , value]) => value);
    if (sameElements(now, one.told)) return false;
    const [before, after] = [numberOf(one.told[0]), numberOf(now[0])];
    const increment = one.increment ?? one.object.number('cov-increment');
    if (before === undefined || after === undefined || increment === undefined) return true;
    return Math.abs(after - before) >= increment || !sameElements(now.slice(1), one.told.slice(1));
  }

  #notify(one: Subscription): void {
    const values = this.#values(one);
    one.told = values.flatMap(([, , value]) => value);
    const payload = encodeElements([
      ctx.unsigned(0, one.processId),
      ctx.object(1, this.#state.device.ref),
      ctx.object(2, one.object.ref),
      ctx.unsigned(3, this.#remaining(one)),
      within(
        4,
        ...values.flatMap(([id, index, value]) => [
          ctx.unsigned(0, id),
          ...(index === undefined ? [] : [ctx.unsigned(1, index)]),
          within(2, ...value),
        ]),
      ),
    ]);
    const { outbound } = this.#state;
    if (one.confirmed) outbound.confirmed(one.peer, CONFIRMED['confirmed-cov-notification'], payload);
    else outbound.unconfirmed(one.peer, UNCONFIRMED['unconfirmed-cov-notification'], payload);
  }
}
