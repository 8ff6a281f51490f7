// SunSpec information models (JSON) ─► points of an inventory to review. The model's registers follow each other from its ID
// register on; groups repeat. 1. A scale register is a point of its own that involves every point it scales: writing it changes
// what they mean. 2. Every fault is named by its path in the model.

import type { DraftPoint, ImportOrder, InventoryDraft } from '../../src/contract/inventory-draft.ts';
import type { PointClass } from '../../src/model/action.ts';
import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import type { OpaqueAddress } from '../../src/model/point.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../../src/model/result.ts';

/** What the types are in registers; absent: no point is made of it. */
const TYPES: { readonly [type: string]: { readonly type: string; readonly registers: number } | undefined } = {
  int16: { type: 'int16', registers: 1 },
  uint16: { type: 'uint16', registers: 1 },
  acc16: { type: 'uint16', registers: 1 },
  raw16: { type: 'uint16', registers: 1 },
  count: { type: 'uint16', registers: 1 },
  enum16: { type: 'uint16', registers: 1 },
  bitfield16: { type: 'uint16', registers: 1 },
  sunssf: { type: 'int16', registers: 1 },
  int32: { type: 'int32', registers: 2 },
  uint32: { type: 'uint32', registers: 2 },
  acc32: { type: 'uint32', registers: 2 },
  enum32: { type: 'uint32', registers: 2 },
  bitfield32: { type: 'uint32', registers: 2 },
  ipaddr: { type: 'uint32', registers: 2 },
  float32: { type: 'float32', registers: 2 },
  int64: { type: 'int64', registers: 4 },
  uint64: { type: 'uint64', registers: 4 },
  acc64: { type: 'uint64', registers: 4 },
  bitfield64: { type: 'uint64', registers: 4 },
  eui48: { type: 'uint64', registers: 4 },
  float64: { type: 'float64', registers: 4 },
};
const LONGEST_STRING = 123;
const MOST_POINTS = 10_000;

interface JsonObject {
  readonly [key: string]: unknown;
}

/** A point with its place; `scale` names the register that scales it, or is the power of ten itself. */
interface Placed {
  readonly id: string;
  readonly source: JsonObject;
  readonly path: string;
  readonly register: number;
  readonly size: number;
  readonly scale: string | number | undefined;
  readonly scope: Scope;
}

/** Scale registers stand in the same group or one around it. */
interface Scope {
  readonly around: Scope | undefined;
  readonly registers: Map<string, Placed>;
}

class Model {
  readonly faults: DocumentFault[] = [];
  readonly placed: Placed[] = [];
  readonly #device: string;
  readonly #repeats: number | undefined;
  #next: number;

  constructor(device: string, base: number, repeats: number | undefined) {
    this.#device = device;
    this.#next = base;
    this.#repeats = repeats;
  }

  get end(): number {
    return this.#next;
  }

  say(path: string, found: unknown, expected: string): void {
    this.faults.push({ path, found: describeFound(found), expected });
  }

  group(group: unknown, path: string, prefix: string, around: Scope | undefined): void {
    if (!isObject(group)) {
      this.say(path, group, 'a group');
      return;
    }
    const scope: Scope = { around, registers: new Map() };
    const { points = [], groups = [] } = group;
    if (!Array.isArray(points)) this.say(`${path}.points`, points, 'a list of points');
    else for (const [at, point] of points.entries()) this.#point(point, `${path}.points.${at}`, prefix, scope);
    if (!Array.isArray(groups)) this.say(`${path}.groups`, groups, 'a list of groups');
    else for (const [at, inner] of groups.entries()) this.#repeated(inner, `${path}.groups.${at}`, prefix, scope);
  }

  #repeated(group: unknown, path: string, prefix: string, scope: Scope): void {
    if (!isObject(group) || typeof group.name !== 'string') {
      this.say(path, group, 'a group with a name');
      return;
    }
    const { count = 1, name } = group;
    const fixed = typeof count === 'number' && count > 0 ? count : undefined;
    const times = fixed ?? this.#repeats;
    if (times === undefined || !Number.isInteger(times)) {
      this.say(`${path}.count`, count, 'a number, or --repeat N with how often the device has this group');
      return;
    }
    for (let turn = 1; turn <= times && this.placed.length <= MOST_POINTS; turn += 1)
      this.group(group, path, `${prefix}${name}${times === 1 && fixed !== undefined ? '' : `-${turn}`}/`, scope);
  }

  #point(point: unknown, path: string, prefix: string, scope: Scope): void {
    if (!isObject(point) || typeof point.name !== 'string' || typeof point.type !== 'string') {
      this.say(path, point, 'a point with a name and a type');
      return;
    }
    const { name, type, size, count = 1, sf } = point;
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > 65_535) {
      this.say(`${path}.size`, size, 'a whole number of registers from 1');
      return;
    }
    const known = TYPES[type];
    if (known !== undefined && known.registers !== size) {
      this.say(`${path}.size`, size, `${known.registers} for the type \`${type}\``);
      return;
    }
    if (known === undefined && !['string', 'pad', 'ipv6addr'].includes(type))
      this.say(`${path}.type`, type, 'a type of SunSpec');
    const times = typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : 1;
    for (let turn = 1; turn <= times; turn += 1) {
      const id = `${this.#device}/${prefix}${name}${times === 1 ? '' : `-${turn}`}`;
      const placed: Placed = {
        id,
        source: point,
        path,
        register: this.#next,
        size,
        scale: typeof sf === 'string' || typeof sf === 'number' ? sf : undefined,
        scope,
      };
      this.#next += size;
      if (type === 'pad') continue;
      this.placed.push(placed);
      if (type === 'sunssf') scope.registers.set(name, placed);
    }
  }
}

/** Words: `device`, `base` (the model's ID register, from 0), `line`, `unit`, `repeat` (for groups whose number the device says). */
export function importSunSpec({ files, words }: ImportOrder): Result<InventoryDraft, NonEmpty<DocumentFault>> {
  const faults: DocumentFault[] = [];
  const whole = (name: string, least: number, most: number): number => {
    const text = words[name] ?? '';
    const value = Number(text);
    if (/^\d{1,6}$/.test(text) && value >= least && value <= most) return value;
    const found = describeFound(words[name]);
    faults.push({ path: `--${name}`, found, expected: `a whole number from ${least} to ${most}` });
    return least;
  };
  const { device = '', line = '' } = words;
  if (!/^[A-Za-z0-9_:.~-]+$/.test(device))
    faults.push({ path: '--device', found: describeFound(device), expected: 'an id of `A-Z a-z 0-9 _ : . ~ -`' });
  if (line === '')
    faults.push({ path: '--line', found: 'nothing', expected: 'the name of a line of the configuration' });
  const unit = whole('unit', 0, 255);
  const base = whole('base', 0, 65_535);
  const repeats = words.repeat === undefined ? undefined : whole('repeat', 1, 1000);
  const document = parsed(files.main, faults);
  if (isNonEmpty(faults)) return fail(faults);
  if (!isObject(document) || typeof document.id !== 'number' || !isObject(document.group))
    return fail([{ path: '', found: describeFound(document), expected: 'a SunSpec model: `id` and `group`' }]);
  const model = new Model(device, base, repeats);
  model.group(document.group, 'group', '', undefined);
  if (model.end > 65_536)
    model.faults.push({ path: '--base', found: `registers up to ${model.end - 1}`, expected: 'registers up to 65535' });
  const points = pointsOf(model);
  if (isNonEmpty(model.faults)) return fail(model.faults);
  const { label, desc } = document.group;
  const name = typeof label === 'string' ? label : typeof desc === 'string' ? desc : `SunSpec model ${document.id}`;
  return ok([
    {
      id: device,
      name,
      address: { modbus: { line, unit } },
      points,
      remarks: [`SunSpec model ${document.id} at register ${base}, ${model.end - base} registers long`],
    },
  ]);
}

function parsed(octets: Uint8Array | undefined, faults: DocumentFault[]): unknown {
  try {
    if (octets !== undefined) return JSON.parse(new TextDecoder().decode(octets));
    faults.push({ path: '--sunspec', found: 'nothing', expected: 'a SunSpec model, JSON' });
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    faults.push({ path: '', found, expected: 'well-formed JSON' });
  }
  return undefined;
}

function pointsOf(model: Model): DraftPoint[] {
  const scaled = new Map<Placed, string[]>();
  const rows = model.placed.flatMap((placed) => {
    const by = scaleOf(placed, model);
    const address = addressOf(placed, by);
    if (address === undefined) return [];
    if (by !== undefined && typeof by !== 'number') scaled.set(by, [...(scaled.get(by) ?? []), placed.id]);
    return [{ placed, address }];
  });
  return rows.map(({ placed, address }) => {
    const { id, source } = placed;
    const { label, desc, name, units } = source;
    const involves = scaled.get(placed) ?? [];
    const values = isWritable(source) ? symbolsOf(source) : [];
    return {
      id,
      name: typeof label === 'string' ? label : typeof desc === 'string' ? desc : String(name),
      ...guess(source, involves.length > 0),
      ...(typeof units === 'string' && units !== '' && { unit: units }),
      ...(values.length > 0 && { limits: { values } }),
      ...(involves.length > 0 && { involves }),
      address,
    };
  });
}

function scaleOf({ scale, scope, path }: Placed, model: Model): Placed | number | undefined {
  if (typeof scale !== 'string') return scale;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.around) {
    const found = at.registers.get(scale);
    if (found !== undefined) return found;
  }
  model.say(`${path}.sf`, scale, 'the name of a scale register (`sunssf`) of the same group or one around it');
  return undefined;
}

function addressOf({ source, register, size }: Placed, scale: Placed | number | undefined): OpaqueAddress | undefined {
  const access = isWritable(source) ? {} : { access: 'read' };
  const common = { table: 'holding', register };
  if (source.type === 'string')
    return size <= LONGEST_STRING ? { ...common, type: 'string', length: size, ...access } : undefined;
  const known = TYPES[String(source.type)];
  if (known === undefined) return undefined;
  return {
    ...common,
    type: known.type,
    ...(typeof scale === 'number' && scale !== 0 && { scale: Number(`1e${scale}`) }),
    ...(typeof scale === 'object' && { scaleRegister: scale.register }),
    ...access,
  };
}

function isWritable({ access }: JsonObject): boolean {
  return access === 'RW' || access === 'W';
}

function guess(source: JsonObject, scales: boolean): { readonly class: PointClass; readonly why: string } {
  if (!isWritable(source))
    return { class: 'sensor', why: scales ? 'scales the points it involves; read only' : 'read only' };
  if (scales) return { class: 'parameter', why: 'scales the points it involves' };
  if (source.static === 'S') return { class: 'parameter', why: 'writable, but static by the model' };
  if (String(source.type).startsWith('enum')) return { class: 'command', why: 'writable, one of several states' };
  if (source.sf !== undefined || source.units !== undefined)
    return { class: 'set-point', why: 'writable, with a unit or a scale' };
  return { class: 'parameter', why: 'writable, without a unit: the stricter class' };
}

function symbolsOf({ type, symbols }: JsonObject): readonly number[] {
  if (!String(type).startsWith('enum') || !Array.isArray(symbols)) return [];
  return symbols.flatMap((symbol: unknown) =>
    isObject(symbol) && typeof symbol.value === 'number' ? [symbol.value] : [],
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
