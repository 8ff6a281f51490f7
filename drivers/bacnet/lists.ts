// What fan-out objects hold, read from their device and kept for a while: who would move with them.
// 1. A list that was written through the gateway is read again. 2. Bounded in objects and in time. 3. What could not be read is
// not known: nothing is guessed.

import type { Clock } from '../../src/contract/clock.ts';
import { stationKey } from './callers.ts';
import type { KnownLists } from './moves.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from './seam.ts';
import type { AnyValue } from './wire/any-value.ts';
import { ERROR_CODES } from './wire/names/error-code.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

/** An object whose lists are needed. */
export interface ListNeed {
  readonly device: PlantDevice;
  readonly object: ObjectIdentifier;
  readonly properties: readonly number[];
}

interface Kept {
  readonly at: number;
  readonly lists: KnownLists;
}

const KEPT_MS = 30_000;
const MOST_KEPT = 1024;

export class Lists {
  readonly #plant: PlantSide;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #waiting = new Map<string, Promise<KnownLists | undefined>>();
  /** Counts what was forgotten: lists read before and after are not of one mind. */
  #generation = 0;

  constructor(plant: PlantSide, clock: Clock) {
    this.#plant = plant;
    this.#clock = clock;
  }

  get generation(): number {
    return this.#generation;
  }

  /** What is known of an object; `undefined`: it has to be read. */
  known({ device, object }: Pick<ListNeed, 'device' | 'object'>): KnownLists | undefined {
    const kept = this.#kept.get(keyOf(device, object));
    return kept !== undefined && this.#clock.monotonic() - kept.at < KEPT_MS ? kept.lists : undefined;
  }

  /**
   * Reads an object's lists in the device's read lane; `false` where they could not be read. Where a list was forgotten
   * meanwhile, nothing is kept: it is still needed.
   */
  async learn(need: ListNeed): Promise<boolean> {
    const key = keyOf(need.device, need.object);
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      waiting = this.#read(need).finally(() => this.#waiting.delete(key));
      this.#waiting.set(key, waiting);
    }
    const generation = this.#generation;
    const lists = await waiting;
    if (lists === undefined) return false;
    if (generation !== this.#generation) return true;
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#kept.set(key, { at: this.#clock.monotonic(), lists });
    return true;
  }

  /** Something of the object was, or may have been, written. */
  forget(device: PlantDevice, object: ObjectIdentifier): void {
    this.#kept.delete(keyOf(device, object));
    this.#generation += 1;
  }

  /** The device may be another, or hold something else. */
  forgetDevice(device: PlantDevice): void {
    const prefix = `${stationKey(device)} `;
    for (const key of this.#kept.keys()) if (key.startsWith(prefix)) this.#kept.delete(key);
    this.#generation += 1;
  }

  #read({ device, object, properties }: ListNeed): Promise<KnownLists | undefined> {
    return new Promise((resolve) => {
      const run = async (): Promise<void> => {
        try {
          resolve(await this.#properties(device, object, properties));
        } finally {
          // After an answer this does nothing; a fault leaves nobody waiting.
          resolve(undefined);
        }
      };
      const isQueued = this.#plant.lane(device).read(run, { peer: 'gateway', expire: () => resolve(undefined) });
      if (!isQueued) resolve(undefined);
    });
  }

  async #properties(
    device: PlantDevice,
    object: ObjectIdentifier,
    properties: readonly number[],
  ): Promise<KnownLists | undefined> {
    const lists = new Map<number, AnyValue>();
    for (const property of properties) {
      const parameters = { objectIdentifier: object, propertyIdentifier: property };
      const answer = await this.#plant.request(device, { service: 'read-property', parameters }, { retry: true });
      if (isMissing(answer)) continue;
      if (answer.kind !== 'complex-ack' || answer.ack.service !== 'read-property') return undefined;
      const { objectIdentifier, propertyIdentifier, propertyValue } = answer.ack.parameters;
      const isAsked =
        objectIdentifier.type === object.type &&
        objectIdentifier.instance === object.instance &&
        propertyIdentifier === property;
      if (!isAsked) return undefined;
      lists.set(property, propertyValue);
    }
    return lists;
  }
}

/** The device has no such object, or the object no such property: nothing stands there. */
function isMissing(answer: PlantAnswer): boolean {
  if (answer.kind !== 'error' || answer.error.service !== 'read-property') return false;
  const { errorCode } = answer.error.parameters.value;
  return errorCode === ERROR_CODES['unknown-property'] || errorCode === ERROR_CODES['unknown-object'];
}

function keyOf(device: PlantDevice, { type, instance }: ObjectIdentifier): string {
  return `${stationKey(device)} ${type},${instance}`;
}
