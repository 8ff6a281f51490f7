// A service's parameters taken one after the other, in the order the standard lists them.

import type { ApplicationElement, Element } from './elements.ts';
import { RejectFault } from './faults.ts';
import { decoded, type ObjectRef, TAG } from './values.ts';

/** Throws a `RejectFault` where a parameter is missing, of another type, or one too many. */
export class Parameters {
  readonly #items: readonly Element[];
  #at = 0;

  constructor(items: readonly Element[]) {
    this.#items = items;
  }

  get ended(): boolean {
    return this.#at >= this.#items.length;
  }

  /** Ends the reading: nothing may be left. */
  end(): void {
    if (!this.ended) throw new RejectFault('too-many-arguments');
  }

  /** The octets under context tag `tag`; `undefined` where that is not what comes next. */
  octets(tag: number): Buffer | undefined {
    const item = this.#items[this.#at];
    if (item?.kind !== 'context' || item.tag !== tag) return undefined;
    this.#at += 1;
    return item.octets;
  }

  /** What stands inside the brackets `tag`; `undefined` where they are not next. */
  inside(tag: number): readonly Element[] | undefined {
    const item = this.#items[this.#at];
    if (item?.kind !== 'constructed' || item.tag !== tag) return undefined;
    this.#at += 1;
    return item.items;
  }

  needInside(tag: number): readonly Element[] {
    return this.inside(tag) ?? this.#missing();
  }

  unsigned(tag: number): number | undefined {
    const octets = this.octets(tag);
    return octets === undefined ? undefined : decoded.unsigned(octets);
  }

  needUnsigned(tag: number): number {
    return this.unsigned(tag) ?? this.#missing();
  }

  boolean(tag: number): boolean | undefined {
    const octets = this.octets(tag);
    return octets === undefined ? undefined : decoded.boolean(octets);
  }

  text(tag: number): string | undefined {
    const octets = this.octets(tag);
    return octets === undefined ? undefined : decoded.text(octets);
  }

  object(tag: number): ObjectRef | undefined {
    const octets = this.octets(tag);
    if (octets === undefined) return undefined;
    if (octets.length !== 4) throw new RejectFault('invalid-parameter-data-type');
    return decoded.object(octets);
  }

  needObject(tag: number): ObjectRef {
    return this.object(tag) ?? this.#missing();
  }

  /** The next application-tagged value, of any type where none is named. */
  application(tag?: number): ApplicationElement {
    const item = this.#items[this.#at];
    if (item === undefined) return this.#missing();
    if (item.kind !== 'application') throw new RejectFault('invalid-tag');
    if (tag !== undefined && item.tag !== tag) throw new RejectFault('invalid-parameter-data-type');
    this.#at += 1;
    return item;
  }

  applicationObject(): ObjectRef {
    const { octets } = this.application(TAG.object);
    if (octets.length !== 4) throw new RejectFault('invalid-parameter-data-type');
    return decoded.object(octets);
  }

  applicationUnsigned(): number {
    return decoded.unsigned(this.application(TAG.unsigned).octets);
  }

  applicationSigned(): number {
    return decoded.signed(this.application(TAG.signed).octets);
  }

  /** The next element whatever it is. */
  any(): Element {
    const item = this.#items[this.#at];
    if (item === undefined) return this.#missing();
    this.#at += 1;
    return item;
  }

  #missing(): never {
    throw new RejectFault(this.ended ? 'missing-required-parameter' : 'invalid-tag');
  }
}
