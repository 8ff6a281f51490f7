// Filters: the bitset algebra against haystack-core's own evaluation, expression by expression, point by point.

import fc from 'fast-check';
import { HBool, HDict, HFilter, HMarker, HNum, HRef, HStr, type HVal } from 'haystack-core';
import { describe, expect, it } from 'vitest';
import { hasBit } from '../../src/policy/bitset.ts';
import { compileInventory } from '../../src/policy/compile.ts';
import { FilterEngine } from '../../src/policy/filter-mask.ts';
import { parseExpression, referencesIn } from '../../src/policy/filter-syntax.ts';
import { matchesGlob, parseGlob } from '../../src/policy/glob.ts';
import type { FactValue } from '../../src/policy/schema.ts';
import { organizationOf } from './scene.ts';

type Facts = Record<string, FactValue>;

const TAGS = ['sp', 'temp', 'occ', 'limit', 'partOf'];
const IDS = ['hq', 'ahu1', 'vav1', 'ahu1/sp'];
const TEXTS = ['', 'a', 'b', 'é', '\ud800', 'sp'];

const fact: fc.Arbitrary<FactValue> = fc.oneof(
  fc.boolean(),
  fc.constantFrom(-1, 0, -0, 0.5, 1, 2, 1e21),
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...IDS).map(($ref) => ({ $ref })),
);
const facts: fc.Arbitrary<Facts> = fc.dictionary(fc.constantFrom(...TAGS), fact, { noNullPrototype: true });

const name = fc.constantFrom(...TAGS, 'point', 'id', 'class', 'equipRef', 'siteRef', 'missing');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('->'));
const literal = fc.constantFrom(
  ...[
    'true',
    'false',
    '0',
    '-1',
    '1',
    '2',
    '0.5',
    '1e21',
    '1kW',
    '0min',
    '"a"',
    '"b"',
    '"é"',
    '""',
    '"set-point"',
    '2020-01-01',
    '12:00:00',
    '`uri`',
  ],
  ...['@hq', '@ahu1', '@vav1', '@nowhere', '@__proto__', '@ahu1 "Display"', '^symbol'],
);
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
const term = fc.oneof(
  path,
  path.map((of) => `not ${of}`),
  fc.tuple(path, comparison, literal).map(([of, by, to]) => `${of} ${by} ${to}`),
  fc.tuple(name, fc.constantFrom('@hq', '@ahu1', '@vav1')).map(([of, to]) => `${of} *== ${to}`),
  fc.constantFrom('^sp', 'inputs?', 'containedBy? @ahu1', 'inputs? ^air @ahu1'),
);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    term,
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a} and ${b}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `${a} or ${b}`),
    tie('expression').map((a) => `(${a})`),
  ),
}));

function haystackOf(value: FactValue): HVal {
  if (value === true) return HMarker.make();
  if (value === false) return HBool.make(false);
  if (typeof value === 'number') return HNum.make(value);
  return typeof value === 'string' ? HStr.make(value) : HRef.make(value.$ref);
}

function dictOf(of: Facts, added: Record<string, HVal>): HDict {
  const dict = HDict.make({});
  for (const [tag, value] of [
    ...Object.entries(of).map(([t, v]) => [t, haystackOf(v)] as const),
    ...Object.entries(added),
  ])
    dict.set(tag, value);
  return dict;
}

interface Site {
  readonly devices: Record<string, Facts>;
  readonly points: Record<
    string,
    { readonly device: string; readonly facts: Facts; readonly class: 'set-point' | 'sensor' }
  >;
}

function judgedByHaystack(text: string, { devices, points }: Site): string[] {
  const filter = new HFilter(text);
  const matched: string[] = [];
  for (const [id, point] of Object.entries(points)) {
    const dict = dictOf(point.facts, {
      point: HMarker.make(),
      id: HRef.make(id),
      class: HStr.make(point.class),
      equipRef: HRef.make(point.device),
      siteRef: HRef.make('hq'),
    });
    const resolve = (ref: HRef): HDict | undefined =>
      Object.hasOwn(devices, ref.value) ? dictOf(devices[ref.value] ?? {}, {}) : undefined;
    if (filter.eval({ dict, resolve })) matched.push(id);
  }
  return matched.sort();
}

function inventoryOf({ devices, points }: Site) {
  return compileInventory([
    organizationOf({
      locations: [
        { id: 'root', name: 'Acme', kind: 'organization' },
        { id: 'hq', name: 'HQ', kind: 'site', parent: 'root' },
      ],
      devices: Object.entries(devices).map(([id, of]) => ({ id, name: id, location: 'hq', facts: of })),
      points: Object.entries(points).map(([id, point]) => ({ id, name: id, ...point })),
    }),
  ]);
}

function judgedByUs(text: string, site: Site): string[] {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.fault}`);
  const inventory = inventoryOf(site);
  const mask = new FilterEngine(inventory).expression(parsed.value);
  const matched: string[] = [];
  for (let handle = 0; handle < mask.length * 32; handle += 1)
    if (hasBit(mask, handle)) matched.push(inventory.ids.at(handle));
  return matched.sort();
}

const site: fc.Arbitrary<Site> = fc.tuple(facts, facts, facts, facts, facts).map(([ahu1, vav1, a, b, c]) => ({
  devices: { ahu1, vav1 },
  points: {
    'ahu1/sp': { device: 'ahu1', facts: a, class: 'set-point' },
    'ahu1/t': { device: 'ahu1', facts: b, class: 'sensor' },
    p: { device: 'vav1', facts: c, class: 'set-point' },
  },
}));

describe('expressions', () => {
  it('match what haystack-core matches', () => {
    fc.assert(
      fc.property(expression, site, (text, of) => {
        expect(judgedByUs(text, of)).toEqual(judgedByHaystack(text, of));
      }),
      { numRuns: 3000 },
    );
  });

  const plant: Site = {
    devices: { ahu1: { floor: 3, partOf: { $ref: 'vav1' } }, vav1: { partOf: { $ref: 'ahu1' } } },
    points: {
      'ahu1/sp': { device: 'ahu1', facts: { sp: true, occ: true, limit: 5 }, class: 'set-point' },
      p: { device: 'vav1', facts: { occ: false, limit: 'x', partOf: { $ref: 'ahu1' } }, class: 'sensor' },
    },
  };
  const rows: readonly [string, string[]][] = [
    ['occ == true', []],
    ['occ == false', ['p']],
    ['occ != true', ['p']],
    ['occ', ['ahu1/sp', 'p']],
    ['limit != 4', ['ahu1/sp']],
    ['limit != "y"', ['p']],
    ['gone != 4', []],
    ['not gone', ['ahu1/sp', 'p']],
    ['equipRef->floor == 3', ['ahu1/sp']],
    ['not equipRef->floor', ['p']],
    ['siteRef->floor', []],
    ['siteRef == @hq', ['ahu1/sp', 'p']],
    ['class == "sensor"', ['p']],
    ['limit == 5kW', []],
    ['limit > 4kW', ['ahu1/sp']],
    ['partOf *== @vav1', ['p']],
    ['partOf *== @hq', []],
    ['partOf->partOf->floor', []],
  ];
  for (const [text, matched] of rows) {
    it(`${text} → ${matched.join(', ') || 'nothing'}`, () => {
      expect(judgedByUs(text, plant)).toEqual(matched);
    });
  }

  it('take nothing that every object inherits for a fact', () => {
    expect(judgedByUs('constructor or toString or hasOwnProperty', plant)).toEqual([]);
  });

  it('agree with haystack-core on the rows above', () => {
    for (const [text, matched] of rows) expect([text, judgedByHaystack(text, plant)]).toEqual([text, matched]);
  });
});

describe('expressions that are refused', () => {
  for (const text of [
    '',
    'sp and',
    'sp and and',
    'not not',
    'a->or',
    'true',
    'and *== @x',
    'not (a)',
    'A',
    'a == T',
    `${'('.repeat(65)}sp${')'.repeat(65)}`,
    `${'('.repeat(4000)}`,
    `sp or ${'x'.repeat(4096)}`,
  ]) {
    it(`${text.slice(0, 40)} (${text.length})`, () => {
      expect(parseExpression(text).ok).toBe(false);
    });
  }

  it('but not at the limit itself, and not for parentheses in texts', () => {
    expect(parseExpression(`${'('.repeat(64)}sp${')'.repeat(64)}`).ok).toBe(true);
    expect(parseExpression(`dis == "${'('.repeat(80)}\\"("`).ok).toBe(true);
    expect(parseExpression(`dis == \`${'('.repeat(80)}\``).ok).toBe(true);
    expect(parseExpression(`sp or ${'x'.repeat(4090)}`).ok).toBe(true);
  });
});

it('references are found wherever they stand', () => {
  const parsed = parseExpression('sp and (a == @x or not b) or c *== @y or d == 1 or ^e');
  expect(parsed.ok && referencesIn(parsed.value)).toEqual(['x', 'y']);
});

describe('globs', () => {
  const units = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
  const asRegex = (glob: string): RegExp =>
    new RegExp(`^${glob.replace(/[.~:-]/g, '\\$&').replace(/\*+/g, (stars) => (stars.length > 1 ? '.*' : '[^/]*'))}$`);

  it('match what their regular expression matches', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 10 });
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '**'), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(glob, text, (pattern, of) => {
        const parsed = parseGlob(pattern);
        expect(parsed !== undefined && matchesGlob(parsed, units(of), 0, of.length)).toBe(asRegex(pattern).test(of));
      }),
      { numRuns: 5000 },
    );
  });

  it('refuse what no point id has', () => {
    for (const text of ['', 'a?', 'a[b]', '{a,b}', 'a b', 'é']) expect(parseGlob(text)).toBeUndefined();
  });
});
