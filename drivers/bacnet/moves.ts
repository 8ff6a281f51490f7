// What a write moves besides what it names: members of schedules and channels, steps of commands, outputs of loops (fan-out).
// 1. What would move is told from the written value and from the object's own lists, or it cannot be told (`undefined`).
// 2. Values that stand already are judged for members that come, and values that come for members that stand.

import type { Write } from './effects.ts';
import { actionsIn, type Reference, referencesIn, scheduledValuesIn } from './references.ts';
import { listsOfShowing } from './showing.ts';
import type { AnyValue } from './wire/any-value.ts';
import { OBJECT_TYPES as T } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import { primitiveOf } from './wire/primitive-value.ts';

/** `moved`: at any time, to anything; else `value` is written, or nobody knows what. */
export interface Movement {
  readonly reference: Reference;
  readonly value?: AnyValue;
  readonly priority?: number;
  readonly moved?: true;
}

/** An object's lists as they were read; a property the object does not have is absent. */
export type KnownLists = ReadonlyMap<number, AnyValue>;

interface MovingKind {
  /** Properties whose writing moves something. */
  readonly movesOn: ReadonlySet<number>;
  /** What has to be read to tell what moves. */
  readonly lists: readonly number[];
  moves(writes: readonly Write[], known: KnownLists): readonly Movement[] | undefined;
}

const LOWEST_PRIORITY = 16;
const MOST_MOVEMENTS = 2048;
const MEMBERS = P['list-of-object-property-references'];
const PRESENT_VALUE = P['present-value'];
const PRIORITY = P['priority-for-writing'];
const SCHEDULED: readonly number[] = [
  P['schedule-default'],
  P['weekly-schedule'],
  P['exception-schedule'],
  PRESENT_VALUE,
];

const schedule: MovingKind = {
  movesOn: new Set([MEMBERS, PRIORITY, P['out-of-service'], P['effective-period'], ...SCHEDULED]),
  lists: [MEMBERS, PRIORITY, ...SCHEDULED],
  moves(writes, known) {
    const members = membersOf(MEMBERS, writes, known);
    const newValues = valuesOf(writes.map(({ property, value }) => [property, value]));
    const oldValues = valuesOf(SCHEDULED.map((property) => [property, known.get(property)]));
    const priorities = prioritiesOf(writes, known);
    if (members === undefined || newValues === undefined || oldValues === undefined) return undefined;
    // Whoever touches when or how it writes answers for everything it writes.
    const isWhole = writes.some(({ property }) => property !== MEMBERS && !SCHEDULED.includes(property));
    const pairs = [
      crossed(members.coming, [...newValues, ...oldValues]),
      crossed(members.standing, isWhole ? [...newValues, ...oldValues] : newValues),
    ];
    if (pairs.includes(undefined)) return undefined;
    return bounded([
      ...members.coming.map((reference): Movement => ({ reference, moved: true })),
      ...priorities.flatMap((priority) => pairs.flatMap((list) => (list ?? []).map((pair) => ({ ...pair, priority })))),
    ]);
  },
};

const channel: MovingKind = {
  movesOn: new Set([PRESENT_VALUE, MEMBERS]),
  // The last two tell whether a group write reaches it.
  lists: [MEMBERS, P['channel-number'], P['control-groups']],
  moves(writes, known) {
    const members = membersOf(MEMBERS, writes, known);
    if (members === undefined) return undefined;
    const all = [...members.coming, ...members.standing];
    return bounded([
      ...members.coming.map((reference): Movement => ({ reference, moved: true })),
      ...writes
        .filter(({ property }) => property === PRESENT_VALUE)
        .flatMap(({ value, priority = LOWEST_PRIORITY }) =>
          all.map((reference): Movement => ({ reference, priority, ...(value !== undefined && { value }) })),
        ),
    ]);
  },
};

const command: MovingKind = {
  movesOn: new Set([PRESENT_VALUE, P.action]),
  lists: [P.action],
  moves(writes, known) {
    const steps: Movement[] = [];
    for (const { property, value, index } of writes) {
      if (value === undefined) continue;
      const number = primitiveOf(value);
      if (property === P.action) {
        // Element 0 is how many there are: no new step comes with it.
        const actions = index === 0 && number?.type === 'unsigned' ? [] : actionsIn(value);
        if (actions === undefined) return undefined;
        for (const list of actions) steps.push(...list.map(stepOf));
        continue;
      }
      if (number?.type !== 'unsigned' || typeof number.value !== 'number') return undefined;
      const standing = known.get(P.action);
      const actions = standing === undefined ? [] : actionsIn(standing);
      if (actions === undefined) return undefined;
      steps.push(...(actions[number.value - 1] ?? []).map(stepOf));
    }
    return bounded(steps);
  },
};

function stepOf({ value, priority, ...reference }: Reference & { value: AnyValue; priority?: number }): Movement {
  return { reference, value, ...(priority !== undefined && { priority }) };
}

/** Moves its members as it likes: what they get is not in the write. */
function atWill(members: number, movesOn: readonly number[], isRegulating: boolean): MovingKind {
  return {
    movesOn: new Set([members, PRIORITY, PRESENT_VALUE, P['out-of-service'], ...movesOn]),
    lists: [members, PRIORITY],
    moves(writes, known) {
      const targets = membersOf(members, writes, known);
      const inputs = writes.map(({ property, value }) =>
        property === members || value === undefined ? [] : referencesIn(property, value),
      );
      if (targets === undefined || inputs.includes(undefined)) return undefined;
      const moving = isRegulating ? ({ moved: true } as const) : {};
      const all = [...targets.coming, ...targets.standing];
      return bounded([
        ...prioritiesOf(writes, known).flatMap((priority) =>
          all.map((reference): Movement => ({ reference, priority, ...moving })),
        ),
        ...inputs.flatMap((list) => (list ?? []).map((reference): Movement => ({ reference, moved: true }))),
      ]);
    },
  };
}

const KINDS: ReadonlyMap<number, MovingKind> = new Map([
  [T.schedule, schedule],
  [T.channel, channel],
  [T.command, command],
  [
    T.loop,
    atWill(
      P['manipulated-variable-reference'],
      [
        P['controlled-variable-reference'],
        P['setpoint-reference'],
        P.setpoint,
        P.action,
        P['proportional-constant'],
        P['integral-constant'],
        P['derivative-constant'],
        P.bias,
        P['maximum-output'],
        P['minimum-output'],
        P['update-interval'],
      ],
      true,
    ),
  ],
  [
    T.timer,
    atWill(MEMBERS, [P['timer-running'], P['timer-state'], P['state-change-values'], P['default-timeout']], false),
  ],
  [T.staging, atWill(P['target-references'], [P.stages, P['present-stage']], false)],
  [T.group, atWill(P['list-of-group-members'], [], true)],
  [T['global-group'], atWill(P['group-members'], [], true)],
]);

/** The lists of an object that moves or shows others, always read together; empty where it is none. */
export function listsOf(type: number): readonly number[] {
  return [...new Set([...(KINDS.get(type)?.lists ?? []), ...listsOfShowing(type)])];
}

/** The lists that tell what writing the property moves; `undefined`: it moves nothing but itself. */
export function listsToMove(type: number, property: number): readonly number[] | undefined {
  const kind = KINDS.get(type);
  return kind?.movesOn.has(property) ? kind.lists : undefined;
}

/** Objects of this type move others. */
export function isMoving(type: number): boolean {
  return KINDS.has(type);
}

/** What some writes to one object of a moving kind move; `undefined`: it cannot be told. */
export function movementsOf(
  type: number,
  writes: readonly Write[],
  known: KnownLists,
): readonly Movement[] | undefined {
  return KINDS.get(type)?.moves(writes, known);
}

/** What any object's property refers to; `undefined`: it cannot be told. */
export function mentionedIn({ property, value }: Write): readonly Movement[] | undefined {
  if (value === undefined) return [];
  const references = referencesIn(property, value);
  return references && bounded(references.map((reference): Movement => ({ reference, moved: true })));
}

interface Members {
  readonly coming: readonly Reference[];
  readonly standing: readonly Reference[];
}

function membersOf(property: number, writes: readonly Write[], known: KnownLists): Members | undefined {
  const coming: Reference[] = [];
  for (const { property: written, value, index } of writes) {
    if (written !== property || value === undefined) continue;
    const found = index === 0 && primitiveOf(value)?.type === 'unsigned' ? [] : referencesIn(property, value);
    if (found === undefined) return undefined;
    coming.push(...found);
  }
  const value = known.get(property);
  const standing = value === undefined ? [] : referencesIn(property, value);
  return standing && { coming, standing };
}

function valuesOf(properties: readonly (readonly [number, AnyValue | undefined])[]): readonly AnyValue[] | undefined {
  const found = new Map<string, AnyValue>();
  for (const [property, value] of properties) {
    const values = value === undefined ? [] : scheduledValuesIn(property, value);
    if (values === undefined) return undefined;
    for (const one of values) found.set(one.octets.join(), one);
  }
  return [...found.values()];
}

/** The priorities at which it writes or will write. */
function prioritiesOf(writes: readonly Write[], known: KnownLists): readonly number[] {
  const values = [
    known.get(PRIORITY),
    ...writes.filter(({ property }) => property === PRIORITY).map(({ value }) => value),
  ];
  const numbers = values.flatMap((value) => {
    const number = value && primitiveOf(value);
    return number?.type === 'unsigned' && typeof number.value === 'number' ? [number.value] : [];
  });
  return numbers.length > 0 ? [...new Set(numbers)] : [LOWEST_PRIORITY];
}

function crossed(references: readonly Reference[], values: readonly AnyValue[]): readonly Movement[] | undefined {
  if (references.length * values.length > MOST_MOVEMENTS) return undefined;
  return references.flatMap((reference) => values.map((value) => ({ reference, value })));
}

function bounded(movements: readonly Movement[]): readonly Movement[] | undefined {
  return movements.length > MOST_MOVEMENTS ? undefined : movements;
}
