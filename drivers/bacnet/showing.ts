// Observation: properties that show what other properties hold, and the lists that tell whose (clauses 12.5 to 12.60). Who reads
// one reads all those. 1. What is shown is told by the object's own lists, or it is not read. 2. Logs of what happened to anything
// name nobody: they show the whole device. 3. A single value that the inventory names as a point is that point. What an object works out for itself to write elsewhere (a schedule's or a channel's
// present value, a loop's output) is its own. What a vendor adds cannot be known: it is the object's.

import { OBJECT_TYPES as T } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';

/** By what is shown: the list of whose it is. */
type Shown = ReadonlyMap<number, number>;

function shown(list: number, ...properties: readonly number[]): Shown {
  return new Map(properties.map((property) => [property, list]));
}

const logged = shown(P['log-device-object-property'], P['log-buffer']);

const SHOWING: ReadonlyMap<number, Shown> = new Map([
  [T.group, shown(P['list-of-group-members'], P['present-value'])],
  [T['global-group'], shown(P['group-members'], P['present-value'], P['member-status-flags'])],
  [T['trend-log'], logged],
  [T['trend-log-multiple'], logged],
  [
    T.loop,
    new Map([
      [P['controlled-variable-value'], P['controlled-variable-reference']],
      [P.setpoint, P['setpoint-reference']],
    ]),
  ],
  [
    T.averaging,
    shown(
      P['object-property-reference'],
      P['average-value'],
      P['minimum-value'],
      P['maximum-value'],
      P['variance-value'],
    ),
  ],
  [
    T['pulse-converter'],
    shown(P['input-reference'], P['present-value'], P.count, P['count-before-change'], P['adjust-value']),
  ],
]);

const LOGS_OF_ANYTHING: ReadonlySet<number> = new Set([T['event-log'], T['audit-log']]);

/** ALL, REQUIRED and OPTIONAL stand for properties that the answer names (15.7.3.1.2). */
export function isSeveral(property: number): boolean {
  return property === P.all || property === P.required || property === P.optional;
}

/** Objects of the type have properties that show values of others. */
export function isShowing({ type }: ObjectIdentifier): boolean {
  return SHOWING.has(type);
}

/** The list of whose values the property shows; `undefined`: its own. */
export function listBehind({ type }: ObjectIdentifier, property: number): number | undefined {
  return SHOWING.get(type)?.get(property);
}

/** The lists that have to be known before the property can be judged; what stands for several may show everything. */
export function listsBehind({ type }: ObjectIdentifier, property: number): readonly number[] {
  const properties = SHOWING.get(type);
  if (properties === undefined) return [];
  if (isSeveral(property)) return [...new Set(properties.values())];
  const list = properties.get(property);
  return list === undefined ? [] : [list];
}

/** Every list that tells what an object of the type shows. */
export function listsOfShowing(type: number): readonly number[] {
  return listsBehind({ type, instance: 0 }, P.all);
}

/** It shows a collection of others: also where the inventory names it. */
export function showsCollection({ type }: ObjectIdentifier, property: number): boolean {
  return property === P['log-buffer'] || type === T.group || type === T['global-group'];
}

/** It shows what happened to anything of the device. */
export function showsDevice({ type }: ObjectIdentifier, property: number): boolean {
  return property === P['log-buffer'] && LOGS_OF_ANYTHING.has(type);
}
