// One BACnet object of a simulated device: its properties, what may be written to them, and the priority array behind a commanded value.
// 1. Present-value of a commandable object is always what the priority array says; nothing sets it directly.
// 2. Every change is told to the device, whoever made it.

import { type Element, sameElements } from './elements.ts';
import { RejectFault, ServiceFault } from './faults.ts';
import { OBJECT_TYPE, objectName, PROPERTY, type PropertyName } from './names.ts';
import { app, decoded, numberOf, type ObjectRef, TAG, textOf } from './values.ts';

/** A property's value: one entry, or one for each element of an array or list. */
export type Items = readonly (readonly Element[])[];

export interface PropertySheet {
  readonly id: PropertyName;
  /** Default `single`. */
  readonly shape?: 'single' | 'array' | 'list';
  readonly items: Items;
  readonly writable?: boolean;
  /** Computed at each reading instead of kept. */
  readonly live?: () => Items;
}

interface PropertyWrite {
  readonly property: number;
  readonly index?: number | undefined;
  readonly value: readonly Element[];
  /** 1 to 16; counts only where the property is commanded. */
  readonly priority?: number | undefined;
}

/** Something that became different, told after the fact. */
export interface PropertyChange {
  readonly object: SimulatedObject;
  readonly property: number;
  readonly index?: number | undefined;
  readonly value: readonly Element[];
  readonly priority?: number | undefined;
}

interface Property {
  readonly shape: 'single' | 'array' | 'list';
  readonly writable: boolean;
  readonly live?: () => Items;
  items: Items;
}

const LOWEST_PRIORITY = 16;
const MINIMUM_ON_OFF_PRIORITY = 6;
const LENGTH_INDEX = 0;
const WILDCARD_INSTANCE = 4_194_303;

export class SimulatedObject {
  /** Told of each write that was carried out. Set by the device. */
  changed: (change: PropertyChange) => void = () => undefined;
  readonly #properties = new Map<number, Property>();

  constructor(ref: ObjectRef, name: string, sheets: readonly PropertySheet[]) {
    this.#add({ id: 'object-identifier', items: [[app.object(ref)]] });
    this.#add({ id: 'object-name', items: [[app.text(name)]] });
    this.#add({ id: 'object-type', items: [[app.enumerated(ref.type)]] });
    for (const sheet of sheets) this.#add(sheet);
    const own = [PROPERTY['object-identifier'], PROPERTY['object-name'], PROPERTY['object-type']] as readonly number[];
    const listed = (): Items =>
      [...this.#properties.keys()]
        .filter((id) => !own.includes(id) && id !== PROPERTY['property-list'])
        .map((id) => [app.enumerated(id)]);
    this.#add({ id: 'property-list', shape: 'array', items: [], live: listed });
  }

  get ref(): ObjectRef {
    const [item] = this.#properties.get(PROPERTY['object-identifier'])?.items[0] ?? [];
    return item?.kind === 'application' ? decoded.object(item.octets) : { type: 0, instance: 0 };
  }

  /** `analog-value,1` */
  get key(): string {
    return objectName(this.ref);
  }

  get name(): string {
    return textOf(this.value('object-name')[0]) ?? '';
  }

  get commandable(): boolean {
    return this.has('priority-array');
  }

  has(property: PropertyName): boolean {
    return this.#properties.has(PROPERTY[property]);
  }

  /** Every property there is, property-list included. */
  get properties(): readonly number[] {
    return [...this.#properties.keys()];
  }

  /** The whole value; empty where there is no such property. */
  items(property: PropertyName): Items {
    const found = this.#properties.get(PROPERTY[property]);
    return found?.live?.() ?? found?.items ?? [];
  }

  value(property: PropertyName): readonly Element[] {
    return this.items(property)[0] ?? [];
  }

  number(property: PropertyName): number | undefined {
    return numberOf(this.value(property)[0]);
  }

  bits(property: PropertyName): readonly boolean[] {
    const [item] = this.value(property);
    return item?.kind === 'application' && item.tag === TAG.bits ? decoded.bits(item.octets) : [];
  }

  /** As a service reads it; index 0 of an array is its length. */
  read(property: number, index?: number): readonly Element[] {
    const found = this.#properties.get(property);
    if (found === undefined) throw new ServiceFault('unknown-property');
    const items = found.live?.() ?? found.items;
    if (index === undefined) return items.flat();
    if (found.shape !== 'array') throw new ServiceFault('property-is-not-an-array');
    if (index === LENGTH_INDEX) return [app.unsigned(items.length)];
    const item = items[index - 1];
    if (item === undefined) throw new ServiceFault('invalid-array-index');
    return item;
  }

  /** As a service writes it. */
  write(request: PropertyWrite): void {
    const { property, index, value } = request;
    const found = this.#properties.get(property);
    if (found === undefined) throw new ServiceFault('unknown-property');
    const priority = request.priority ?? LOWEST_PRIORITY;
    if (priority < 1 || priority > LOWEST_PRIORITY) throw new RejectFault('parameter-out-of-range');
    const commanded = property === PROPERTY['present-value'] && this.commandable;
    if (!found.writable && !commanded) throw new ServiceFault('write-access-denied');
    if (index !== undefined && found.shape !== 'array') throw new ServiceFault('property-is-not-an-array');
    if (commanded) {
      if (priority === MINIMUM_ON_OFF_PRIORITY) throw new ServiceFault('write-access-denied');
      if (!isNull(value)) this.#check(property, this.value('relinquish-default'), value);
      this.command(priority, value);
      return;
    }
    if (index === LENGTH_INDEX) throw new ServiceFault('write-access-denied');
    if (index === undefined) {
      if (found.shape === 'single') this.#check(property, found.items[0] ?? [], value);
      this.#replace(found, found.shape === 'single' ? [value] : entriesOf(property, value));
    } else {
      if (found.items[index - 1] === undefined) throw new ServiceFault('invalid-array-index');
      this.#check(property, found.items[index - 1] ?? [], value);
      this.#replace(
        found,
        found.items.map((item, at) => (at === index - 1 ? value : item)),
      );
    }
    this.changed({ object: this, property, index, value, priority });
  }

  /** Sets a slot of the priority array, NULL to relinquish it. */
  command(priority: number, value: readonly Element[]): void {
    const slots = this.#properties.get(PROPERTY['priority-array']);
    if (slots === undefined) return;
    slots.items = slots.items.map((slot, at) => (at === priority - 1 ? value : slot));
    const present = this.#properties.get(PROPERTY['present-value']);
    const winner = slots.items.find((slot) => !isNull(slot)) ?? this.value('relinquish-default');
    if (present !== undefined) present.items = [winner];
    this.changed({ object: this, property: PROPERTY['present-value'], value, priority });
  }

  /** Sets what no service asked for: a measured value, a counter. */
  set(property: PropertyName, ...items: Items): void {
    const found = this.#properties.get(PROPERTY[property]);
    if (found === undefined || sameElements(found.items.flat(), items.flat())) return;
    found.items = items;
    this.changed({ object: this, property: PROPERTY[property], value: items.flat() });
  }

  /** The list a ListElement service works on. */
  list(property: number): Items {
    const found = this.#properties.get(property);
    if (found === undefined) throw new ServiceFault('unknown-property');
    if (found.shape !== 'list') throw new ServiceFault('property-is-not-a-list');
    if (!found.writable) throw new ServiceFault('write-access-denied');
    return found.items;
  }

  setList(property: number, items: Items): void {
    const found = this.#properties.get(property);
    if (found === undefined) return;
    this.#replace(found, items);
    this.changed({ object: this, property, value: items.flat() });
  }

  #replace(property: Property, items: Items): void {
    property.items = items;
    const relinquishDefault = this.#properties.get(PROPERTY['relinquish-default']);
    const present = this.#properties.get(PROPERTY['present-value']);
    const slots = this.items('priority-array');
    if (property === relinquishDefault && present && slots.every(isNull)) present.items = items;
  }

  #check(property: number, old: readonly Element[], value: readonly Element[]): void {
    const [before, after] = [old[0], value[0]];
    // A channel takes a value of any type; its members say whether they do.
    const any = this.ref.type === OBJECT_TYPE.channel && property === PROPERTY['present-value'];
    if (before?.kind !== 'application' || any) return;
    if (value.length !== 1 || after?.kind !== 'application' || after.tag !== before.tag) {
      throw new ServiceFault('invalid-data-type');
    }
    if (property === PROPERTY['object-identifier']) {
      const [was, wanted] = [decoded.object(before.octets), decoded.object(after.octets)];
      if (was.type !== wanted.type || wanted.instance === WILDCARD_INSTANCE)
        throw new ServiceFault('value-out-of-range');
    }
    const number = numberOf(after);
    if (property !== PROPERTY['present-value'] || number === undefined) return;
    const low = this.number('min-pres-value') ?? (this.has('number-of-states') ? 1 : undefined);
    const high = this.number('max-pres-value') ?? this.number('number-of-states');
    const outside = (low !== undefined && number < low) || (high !== undefined && number > high);
    if (outside || Number.isNaN(number)) throw new ServiceFault('value-out-of-range');
  }

  #add(sheet: PropertySheet): void {
    this.#properties.set(PROPERTY[sheet.id], {
      shape: sheet.shape ?? 'single',
      writable: sheet.writable ?? false,
      items: sheet.items,
      ...(sheet.live === undefined ? {} : { live: sheet.live }),
    });
  }
}

const DESTINATION_MEMBERS = 7;

/** A list's or array's elements one by one, where one may be several values: a BACnetDestination is seven, a reference begins at tag 0. */
export function entriesOf(property: number, value: readonly Element[]): Items {
  const entries: Element[][] = [];
  for (const [index, element] of value.entries()) {
    const last = entries.at(-1);
    const recipient = property === PROPERTY['recipient-list'];
    const begins = recipient ? index % DESTINATION_MEMBERS === 0 : element.kind !== 'context' || element.tag === 0;
    if (begins || last === undefined) entries.push([element]);
    else last.push(element);
  }
  return entries;
}

export function isNull(value: readonly Element[]): boolean {
  const [only] = value;
  return value.length === 1 && only?.kind === 'application' && only.tag === TAG.null;
}
