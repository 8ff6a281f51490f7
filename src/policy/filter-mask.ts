// Filters → sets of point handles, over the whole inventory at once. Held to haystack-core's own evaluation by tests.
// A reference resolves to a device's facts or to nothing (POLICY.md, Facts); every result holds points only.

import { POINT_CLASSES } from '../model/action.ts';
import { hasBit, intersect, makeBits, setBit, setRange, subtract, unite } from './bitset.ts';
import type { FactColumn, FactColumns } from './facts.ts';
import type { Comparison, FilterNode, Literal } from './filter-syntax.ts';
import { type Glob, matchesGlob } from './glob.ts';
import { DEVICE, type Inventory } from './inventory.ts';

type Bits = Uint32Array<ArrayBuffer>;

/** Whether a value passes; `text` and `ref` are numbers in the table of fact texts. */
interface Test {
  readonly marker: boolean;
  readonly flag: boolean;
  number(value: number): boolean;
  text(value: string): boolean;
  ref(value: string): boolean;
}

const ANY: Test = { marker: true, flag: true, number: () => true, text: () => true, ref: () => true };

/** Evaluates filters over one inventory; keeps what several filters ask for as long as it lives. */
export class FilterEngine {
  readonly #inventory: Inventory;
  readonly #points: Bits;
  readonly #leaves = new Map<string, Bits>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    this.#points = this.#empty();
    const { deviceHandles, lasts } = inventory.data;
    for (const handle of deviceHandles) setRange(this.#points, handle + 1, lasts[handle] as number);
  }

  /** The points an expression matches. */
  expression(node: FilterNode): Bits {
    switch (node.is) {
      case 'or': {
        const result = this.#empty();
        for (const inner of node.nodes) unite(result, this.expression(inner));
        return result;
      }
      case 'and': {
        const result = this.#points.slice();
        for (const inner of node.nodes) intersect(result, this.expression(inner));
        return result;
      }
      case 'has':
        return this.#once(node, () => this.#path(node.path, ANY));
      case 'missing': {
        const result = this.#points.slice();
        subtract(result, this.expression({ is: 'has', path: node.path }));
        return result;
      }
      case 'compare':
        return this.#once(node, () => this.#path(node.path, testOf(node.by, node.to)));
      case 'leads-to':
        return this.#leadsTo(node.tag, node.ref);
      case 'never':
        return this.#empty();
    }
  }

  /** The listed points; ids nobody has are nothing. */
  listed(ids: readonly string[]): Bits {
    const result = this.#empty();
    for (const id of ids) {
      const handle = this.#inventory.find(id);
      if (handle !== undefined) setBit(result, handle);
    }
    intersect(result, this.#points);
    return result;
  }

  /** The points whose id the glob matches. */
  named(glob: Glob): Bits {
    const result = this.#empty();
    const { units, offsets } = this.#inventory.data.ids;
    const literal = glob.findIndex((part) => part < 0);
    const last = (literal < 0 ? glob.length : literal) - 1;
    for (const handle of this.#inventory.data.pointHandles) {
      const start = offsets[handle] as number;
      // Most ids are told apart by the last character before the first star; only the rest are matched in full.
      if (last >= 0 && units[start + last] !== glob[last]) continue;
      if (matchesGlob(glob, units, start, offsets[handle + 1] as number)) setBit(result, handle);
    }
    return result;
  }

  #empty(): Bits {
    return makeBits(this.#inventory.handleCount);
  }

  /** Filters ask the same again and again: what a leaf matched is kept. */
  #once(leaf: FilterNode, ask: () => Bits): Bits {
    const key = JSON.stringify(leaf);
    const known = this.#leaves.get(key);
    if (known !== undefined) return known;
    const result = ask();
    this.#leaves.set(key, result);
    return result;
  }

  #path(path: readonly string[], test: Test): Bits {
    const [tag = '', ...rest] = path;
    if (rest.length === 0) return this.#direct(tag, test);
    const admitted = this.#devicesWhere(rest, test);
    return this.#direct(
      tag,
      this.#refTo((number) => hasBit(admitted, number)),
    );
  }

  /** The points whose own fact passes. */
  #direct(tag: string, test: Test): Bits {
    const result = this.#empty();
    const inventory = this.#inventory;
    const { data } = inventory;
    switch (tag) {
      case 'point':
        return test.marker ? this.#points.slice() : result;
      case 'class': {
        const passing = POINT_CLASSES.map((name) => test.text(name));
        for (const handle of data.pointHandles)
          if (passing[data.classes[handle] as number] === true) setBit(result, handle);
        return result;
      }
      case 'id':
        if (test === ANY) return this.#points.slice();
        for (const handle of data.pointHandles) if (test.ref(inventory.ids.at(handle))) setBit(result, handle);
        return result;
      case 'equipRef':
        for (const handle of data.deviceHandles) {
          if (test.ref(inventory.ids.at(handle))) setRange(result, handle + 1, data.lasts[handle] as number);
        }
        return result;
      case 'siteRef':
        for (const handle of data.deviceHandles) {
          const site = data.sites[handle] as number;
          if (site > 0 && test.ref(inventory.ids.at(site - 1)))
            setRange(result, handle + 1, data.lasts[handle] as number);
        }
        return result;
      default:
        this.#column(data.pointFacts, tag, test, result);
        return result;
    }
  }

  /** Numbers of the devices on which the rest of a path passes. */
  #devicesWhere(path: readonly string[], test: Test): Bits {
    const [tag = '', ...rest] = path;
    const result = makeBits(this.#inventory.deviceCount);
    if (rest.length === 0) {
      this.#column(this.#inventory.data.deviceFacts, tag, test, result);
    } else {
      const admitted = this.#devicesWhere(rest, test);
      this.#column(
        this.#inventory.data.deviceFacts,
        tag,
        this.#refTo((number) => hasBit(admitted, number)),
        result,
      );
    }
    return result;
  }

  /** A test that only references to such devices pass. */
  #refTo(passes: (device: number) => boolean): Test {
    return {
      marker: false,
      flag: false,
      number: () => false,
      text: () => false,
      ref: (id) => {
        const number = this.#deviceNumber(id);
        return number !== undefined && passes(number);
      },
    };
  }

  #deviceNumber(id: string): number | undefined {
    const { kinds, devices } = this.#inventory.data;
    const handle = this.#inventory.find(id);
    return handle !== undefined && kinds[handle] === DEVICE ? (devices[handle] as number) - 1 : undefined;
  }

  #column(columns: FactColumns, tag: string, test: Test, result: Bits): void {
    const column = columns.get(tag);
    if (column === undefined) return;
    if (test.marker) for (const subject of column.markers) setBit(result, subject);
    if (test.flag) for (const subject of column.flags) setBit(result, subject);
    const { numbered, numbers } = column;
    for (let i = 0; i < numbered.length; i += 1) {
      if (test.number(numbers[i] as number)) setBit(result, numbered[i] as number);
    }
    this.#texts(column.worded, column.texts, test.text, result);
    this.#texts(column.referring, column.refs, test.ref, result);
  }

  /** Every distinct text is asked once. */
  #texts(
    subjects: FactColumn['worded'],
    values: FactColumn['texts'],
    passes: (value: string) => boolean,
    result: Bits,
  ): void {
    const verdicts = new Map<number, boolean>();
    for (let i = 0; i < subjects.length; i += 1) {
      const value = values[i] as number;
      let verdict = verdicts.get(value);
      if (verdict === undefined) {
        verdict = passes(this.#inventory.factTexts.at(value));
        verdicts.set(value, verdict);
      }
      if (verdict) setBit(result, subjects[i] as number);
    }
  }

  /** `tag *== @ref`: following `tag` from reference to reference comes to `ref`. */
  #leadsTo(tag: string, ref: string): Bits {
    return this.#direct(tag, {
      marker: false,
      flag: false,
      number: () => false,
      text: () => false,
      ref: (id) => this.#reaches(id, tag, ref),
    });
  }

  #reaches(start: string, tag: string, ref: string): boolean {
    const seen = new Set<string>();
    let at: string | undefined = start;
    while (at !== undefined && at !== ref && !seen.has(at)) {
      seen.add(at);
      at = this.#refOfDevice(at, tag);
    }
    return at === ref;
  }

  #refOfDevice(id: string, tag: string): string | undefined {
    const column = this.#inventory.data.deviceFacts.get(tag);
    const number = this.#deviceNumber(id);
    const index = column === undefined || number === undefined ? -1 : column.referring.indexOf(number);
    return index < 0 ? undefined : this.#inventory.factTexts.at(column?.refs[index] as number);
  }
}

/** haystack-core's comparison: another kind never passes, a number with a unit equals no plain one but orders like it. */
function testOf(by: Comparison, to: Literal): Test {
  const none: Test = { marker: false, flag: false, number: () => false, text: () => false, ref: () => false };
  switch (to.kind) {
    case 'number':
      return { ...none, number: (value) => compare(value, by, to.value, to.unit) };
    case 'text':
      return { ...none, text: (value) => compare(value, by, to.value, false) };
    case 'ref':
      return { ...none, ref: (value) => compare(value, by, to.value, false) };
    case 'flag':
      return { ...none, flag: compare(0, by, Number(to.value), false) };
    case 'other':
      return none;
  }
}

function compare<T extends number | string>(value: T, by: Comparison, to: T, differs: boolean): boolean {
  switch (by) {
    case '==':
      return value === to && !differs;
    case '!=':
      return value !== to || differs;
    case '<':
      return value < to;
    case '<=':
      return value <= to;
    case '>':
      return value > to;
    case '>=':
      return value >= to;
  }
}
