// Objects of a device ─► points of an inventory to review: what each is probably for, and why that was guessed.
// 1. A guess that could be wrong errs to the stricter class. 2. Ids are unique and stand for one object property.

import type { DraftDevice, DraftPoint } from '../../src/contract/inventory-draft.ts';
import type { PointClass } from '../../src/model/action.ts';
import type { PointLimits } from '../../src/model/point.ts';
import { OBJECT_TYPES, type ObjectTypeName, objectTypeName } from './wire/names/object-type.ts';

/** What is known of one object, from a list or from the object itself. */
export interface ObjectFacts {
  readonly type: number;
  readonly instance: number;
  /** Empty: it has none. */
  readonly name: string;
  /** What the id is made of, where that is not the name. */
  readonly key?: string;
  readonly description?: string;
  /** `commandable`: it has a priority array. `unknown`: nobody can say without writing. */
  readonly writable: 'commandable' | 'yes' | 'no' | 'unknown';
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  /** Of a binary object inactive and active, of a multi-state object from state 1. */
  readonly states?: readonly string[];
  readonly stateCount?: number;
  readonly highLimit?: number;
  readonly lowLimit?: number;
  readonly fileType?: string;
}

export interface DeviceFacts {
  readonly id: string;
  readonly name: string;
  readonly network: string;
  readonly instance: number;
  readonly vendor?: string;
  readonly model?: string;
}

const kindsOf = (...names: readonly ObjectTypeName[]): ReadonlySet<number> =>
  new Set(names.map((name) => OBJECT_TYPES[name]));

const INPUTS = kindsOf(
  'analog-input',
  'binary-input',
  'multi-state-input',
  'accumulator',
  'pulse-converter',
  'averaging',
  'credential-data-input',
);
const OUTPUTS = kindsOf(
  'analog-output',
  'binary-output',
  'multi-state-output',
  'lighting-output',
  'binary-lighting-output',
  'access-door',
  'load-control',
);
const ANALOG = kindsOf(
  'analog-input',
  'analog-output',
  'analog-value',
  'large-analog-value',
  'integer-value',
  'positive-integer-value',
  'accumulator',
  'pulse-converter',
);
const BINARY = kindsOf('binary-input', 'binary-output', 'binary-value', 'binary-lighting-output');
const MULTI_STATE = kindsOf('multi-state-input', 'multi-state-output', 'multi-state-value');
const OTHER_VALUES = kindsOf(
  'bitstring-value',
  'characterstring-value',
  'date-value',
  'date-pattern-value',
  'datetime-value',
  'datetime-pattern-value',
  'octetstring-value',
  'time-value',
  'time-pattern-value',
  'color',
  'color-temperature',
  'staging',
  'timer',
);
const LIFE_SAFETY = kindsOf('life-safety-point', 'life-safety-zone');
const FIRMWARE = /firmware|boot|image|flash|upgrade/i;
const ALARM_LIMIT = /alarm[ _-]?limit|grenzwert|threshold|hi[ _-]?limit|lo(w)?[ _-]?limit/i;
const SET_POINT = /set[ _-]?p(oin)?t|sollw|consigne|(^|[^a-z])sp([^a-z]|$)/i;

export function isAnalog(type: number): boolean {
  return ANALOG.has(type);
}

export function isMultiState(type: number): boolean {
  return MULTI_STATE.has(type);
}

export function isBinary(type: number): boolean {
  return BINARY.has(type);
}

interface Guess {
  readonly class: PointClass;
  readonly why: string;
  /** Absent: the present value. */
  readonly property?: string;
}

/** The point an object probably is; `undefined` for objects whose properties are left to the device. */
function guess({ type, name, description = '', writable, fileType = '' }: ObjectFacts): Guess | undefined {
  const words = `${name} ${description}`;
  if (INPUTS.has(type)) return { class: 'sensor', why: 'an input: measured, not written' };
  if (OUTPUTS.has(type)) return { class: 'command', why: 'an output' };
  if (LIFE_SAFETY.has(type)) return { class: 'command', why: 'life safety: operating it asks `lifeSafety.operate`' };
  switch (type) {
    case OBJECT_TYPES.file:
      return FIRMWARE.test(`${words} ${fileType}`)
        ? { class: 'firmware', why: `a file that speaks of firmware (\`${fileType || name}\`)` }
        : { class: 'parameter', why: 'a file: firmware, if it is one, must be made class `firmware`' };
    case OBJECT_TYPES.schedule:
      return { class: 'set-point', why: 'moves what its references name', property: 'weekly-schedule' };
    case OBJECT_TYPES.calendar:
      return { class: 'parameter', why: 'moves the schedules that name it', property: 'date-list' };
    case OBJECT_TYPES.command:
    case OBJECT_TYPES.channel:
      return { class: 'command', why: 'moves all its members: each must be permitted too' };
    default:
      return ANALOG.has(type) || BINARY.has(type) || MULTI_STATE.has(type) || OTHER_VALUES.has(type)
        ? valueGuess(type, words, writable)
        : undefined;
  }
}

function valueGuess(type: number, words: string, writable: ObjectFacts['writable']): Guess {
  if (writable === 'no') return { class: 'sensor', why: 'a value that is not settable' };
  if (ALARM_LIMIT.test(words)) return { class: 'alarm-limit', why: 'its name speaks of a limit' };
  if (writable === 'unknown')
    return { class: 'parameter', why: 'nobody says whether it is settable: the stricter class' };
  const how = writable === 'commandable' ? 'commandable' : 'settable';
  if (SET_POINT.test(words)) return { class: 'set-point', why: `${how}, and its name speaks of a set point` };
  if (writable === 'yes') return { class: 'parameter', why: 'settable, without a priority array as far as is known' };
  return BINARY.has(type)
    ? { class: 'command', why: 'a commandable binary value' }
    : { class: 'set-point', why: 'a commandable value' };
}

/** About the largest single-precision number, as devices and lists say it in several roundings where there is no limit. */
const NO_LIMIT = 3.4e38;

function limitsOf(object: ObjectFacts, is: PointClass): PointLimits | undefined {
  if (is === 'sensor' || is === 'firmware') return undefined;
  const { type, states, stateCount = states?.length } = object;
  const [min, max] = [object.min, object.max].map((limit = NO_LIMIT) =>
    Math.abs(limit) < NO_LIMIT ? limit : undefined,
  );
  if (BINARY.has(type)) return { values: [0, 1] };
  if (MULTI_STATE.has(type) && stateCount !== undefined && stateCount > 0 && stateCount <= 256)
    return { values: Array.from({ length: stateCount }, (_, index) => index + 1) };
  if (min === undefined && max === undefined) return undefined;
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** `analog-value,1`; types without a name of the standard as their number. */
export function objectText(type: number, instance: number): string {
  return `${objectTypeName(type) ?? type},${instance}`;
}

/** Text as an id may have it; empty where nothing of it can stay. */
export function slugOf(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/ß/g, 'ss')
    .replace(/[^A-Za-z0-9_:.~/-]+/g, '-')
    .replace(/^[-/]+|[-/]+$/g, '')
    .slice(0, 120);
}

/** A device and its points, with what got no point said in its remarks. */
export function draftDevice(
  device: DeviceFacts,
  objects: readonly ObjectFacts[],
  remarks: readonly string[] = [],
): DraftDevice {
  const taken = new Set<string>();
  const idFor = (wanted: string, otherwise: string): string => {
    const slug = slugOf(wanted);
    const id = `${device.id}/${slug === '' || taken.has(slug) ? slugOf(otherwise) : slug}`;
    taken.add(id.slice(device.id.length + 1));
    return id;
  };
  const points: DraftPoint[] = [];
  const without = new Map<string, number>();
  for (const object of objects) {
    if (object.type === OBJECT_TYPES.device) continue;
    const is = guess(object);
    if (is === undefined) {
      const kind = objectTypeName(object.type) ?? `type ${object.type}`;
      without.set(kind, (without.get(kind) ?? 0) + 1);
      continue;
    }
    points.push(...pointsFor(object, is, idFor));
  }
  const left = [...without].map(([kind, count]) => (count === 1 ? kind : `${count} × ${kind}`)).join(', ');
  return {
    id: device.id,
    name: device.name,
    ...(device.vendor && { vendor: device.vendor }),
    ...(device.model && { model: device.model }),
    address: { bacnet: { network: device.network, instance: device.instance } },
    points,
    remarks: [...remarks, ...(left === '' ? [] : [`without a point, so rights on them are the device's: ${left}`])],
  };
}

function pointsFor(object: ObjectFacts, is: Guess, idFor: (wanted: string, otherwise: string) => string): DraftPoint[] {
  const { type, instance, name, description, unit, states } = object;
  const address = { object: objectText(type, instance) };
  const id = idFor(object.key ?? name, `${objectTypeName(type) ?? type}-${instance}`);
  const limits = limitsOf(object, is.class);
  const named = description?.trim() || name || address.object;
  const meaning =
    states === undefined || states.length === 0
      ? ''
      : `; ${states.map((state, at) => `${BINARY.has(type) ? at : at + 1} ${state}`).join(', ')}`;
  const unused = writableNote(object, is);
  const points: DraftPoint[] = [
    {
      id,
      name: named,
      class: is.class,
      why: `${is.why}${unused}${meaning}`,
      ...(unit && { unit }),
      ...(limits && { limits }),
      address: is.property === undefined ? address : { ...address, property: is.property },
    },
  ];
  const alarm = (property: 'high-limit' | 'low-limit', now: number | undefined): void => {
    if (now === undefined) return;
    points.push({
      id: idFor(
        `${id.slice(id.indexOf('/') + 1)}-${property}`,
        `${objectTypeName(type) ?? type}-${instance}-${property}`,
      ),
      name: `${named}: ${property.replace('-', ' ')}`,
      class: 'alarm-limit',
      why: `decides when an alarm is raised; now ${now}`,
      ...(unit && { unit }),
      address: { ...address, property },
    });
  };
  alarm('high-limit', object.highLimit);
  alarm('low-limit', object.lowLimit);
  return points;
}

function writableNote({ type, writable }: ObjectFacts, is: Guess): string {
  return INPUTS.has(type) && is.class === 'sensor' && writable === 'yes' ? ' (settable while out of service)' : '';
}
