// EDE files ─► an inventory to review. Engineering Data Exchange of the BACnet Interest Group Europe, layout 2.x: a head, a line
// of column names that begins with `keyname`, one object a line. 1. Every fault is named by line and column. 2. Columns are
// found by name, in the standard's order where there is no such line.

import type { ImportOrder, InventoryDraft } from '../../src/contract/inventory-draft.ts';
import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../../src/model/result.ts';
import { draftDevice, isAnalog, isBinary, isMultiState, type ObjectFacts, objectText } from './draft.ts';
import { type Cell, placeOf, type Row, rowsOf, separatorOf, textOfFile } from './ede-table.ts';
import { engineeringUnitName } from './wire/names/engineering-unit.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';

/** In the order of layout 2.x. */
const COLUMNS = [
  'keyname',
  'device obj.-instance',
  'object-name',
  'object-type',
  'object-instance',
  'description',
  'present-value-default',
  'min-present-value',
  'max-present-value',
  'settable',
  'supports COV',
  'hi-limit',
  'low-limit',
  'state-text-reference',
  'unit-code',
  'vendor-specific-address',
  'notification-class',
] as const;
type Column = (typeof COLUMNS)[number];

/** What files call the columns, without anything but letters. */
const SPELLINGS: { readonly [name: string]: Column } = {
  ...Object.fromEntries(COLUMNS.map((column) => [lettersOf(column), column])),
  deviceobjectinstance: 'device obj.-instance',
  deviceinstance: 'device obj.-instance',
  defaultvalue: 'present-value-default',
  minvalue: 'min-present-value',
  maxvalue: 'max-present-value',
  commandable: 'settable',
  highlimit: 'hi-limit',
  lolimit: 'low-limit',
  statetextref: 'state-text-reference',
  unit: 'unit-code',
  vendorspecificaddres: 'vendor-specific-address',
};

const NEEDED: readonly Column[] = ['device obj.-instance', 'object-type', 'object-instance'];
const MAX_INSTANCE = 4_194_302;
const MAX_TYPE = 1023;

function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '');
}

/** One line, with its cells by column. */
class Line {
  readonly #cells: Row;
  readonly #places: ReadonlyMap<Column, number>;
  readonly #faults: DocumentFault[];

  constructor(cells: Row, places: ReadonlyMap<Column, number>, faults: DocumentFault[]) {
    this.#cells = cells;
    this.#places = places;
    this.#faults = faults;
  }

  get number(): number {
    return this.#cells[0]?.line ?? 0;
  }

  text(column: Column): string {
    return this.#cell(column)?.text ?? '';
  }

  say(column: Column, expected: string): void {
    const cell = this.#cell(column) ?? { text: '', line: this.number, column: (this.#places.get(column) ?? 0) + 1 };
    const found = cell.text === '' ? 'nothing' : describeFound(cell.text);
    this.#faults.push({ path: placeOf(cell, column), found, expected });
  }

  whole(column: Column, most: number): number | undefined {
    const text = this.text(column);
    if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
    this.say(column, `a whole number from 0 to ${most}`);
    return undefined;
  }

  /** Empty and dashes are nothing; the decimal mark is a point or a comma. */
  decimal(column: Column): number | undefined {
    const text = this.text(column);
    if (isBlank(text)) return undefined;
    const value = Number(text.replace(',', '.'));
    if (Number.isFinite(value)) return value;
    this.say(column, 'a number');
    return undefined;
  }

  /** `unknown` where nothing is said. */
  yesNo(column: Column): 'yes' | 'no' | 'unknown' {
    const text = this.text(column).toLowerCase();
    if (isBlank(text)) return 'unknown';
    if (['y', 'yes', 'j', 'ja', 'o', 'oui', 'true', 'x', '1'].includes(text)) return 'yes';
    if (['n', 'no', 'nein', 'non', 'false', '0'].includes(text)) return 'no';
    this.say(column, '`Y` or `N`');
    return 'unknown';
  }

  #cell(column: Column): Cell | undefined {
    const place = this.#places.get(column);
    return place === undefined ? undefined : this.#cells[place];
  }
}

function isBlank(text: string): boolean {
  return /^-*$/.test(text);
}

interface Entry {
  readonly device: number;
  readonly line: number;
  readonly object: ObjectFacts;
}

/** Words: `device` (id; of several devices each gets `-INSTANCE`), `network`. Files: `main`, `states` (optional). */
export function importEde({ files, words }: ImportOrder): Result<InventoryDraft, NonEmpty<DocumentFault>> {
  const faults: DocumentFault[] = [];
  const { device: id = '', network = '' } = words;
  if (!/^[A-Za-z0-9_:.~-]+$/.test(id))
    faults.push({ path: '--device', found: describeFound(id), expected: 'an id of `A-Z a-z 0-9 _ : . ~ -`' });
  if (network === '')
    faults.push({ path: '--network', found: 'nothing', expected: 'the name of a plant network of the configuration' });
  if (files.main === undefined) faults.push({ path: '--ede', found: 'nothing', expected: 'an EDE file' });
  const states = files.states === undefined ? undefined : statesOf(files.states, faults);
  const entries = files.main === undefined ? [] : entriesOf(files.main, states, faults);
  if (isNonEmpty(faults)) return fail(faults);
  const instances = [...new Set(entries.map(({ device }) => device))];
  if (instances.length === 0)
    return fail([{ path: '', found: 'no object', expected: 'one line for each object, below a line of column names' }]);
  return ok(
    instances.map((instance) => {
      const objects = entries.filter(({ device }) => device === instance).map(({ object }) => object);
      const own = objects.find((object) => object.type === OBJECT_TYPES.device && object.instance === instance);
      const name = own?.description?.trim() || own?.name || `Device ${instance}`;
      return draftDevice({ id: instances.length === 1 ? id : `${id}-${instance}`, name, network, instance }, objects);
    }),
  );
}

function entriesOf(
  octets: Uint8Array,
  states: ReadonlyMap<number, readonly string[]> | undefined,
  faults: DocumentFault[],
): Entry[] {
  const text = textOfFile(octets);
  const lines = text.split(/\r\n|\n|\r/);
  const names = lines.find((line) => /^["#\s]*keyname/i.test(line));
  const separator = separatorOf(names ?? lines.find((line) => /^[^#]*\d+[;,\t]/.test(line)) ?? '');
  const rows = rowsOf(text, separator, faults);
  const at = rows.findIndex((row) => lettersOf(row[0]?.text ?? '') === 'keyname');
  const places = placesOf(rows[at]);
  const missing = NEEDED.filter((column) => !places.has(column));
  if (missing.length > 0) {
    faults.push({
      path: `line ${rows[at]?.[0]?.line ?? 1}`,
      found: `column names without ${missing.map((column) => `\`${column}\``).join(', ')}`,
      expected: 'the mandatory columns of EDE layout 2',
    });
    return [];
  }
  const seen = new Map<string, number>();
  return rows.slice(at + 1).flatMap((row) => {
    const [first] = row;
    if (first === undefined || isHead(row)) return [];
    const entry = entryOf(new Line(row, places, faults), states);
    if (entry === undefined) return [];
    const key = `${entry.device} ${objectText(entry.object.type, entry.object.instance)}`;
    const before = seen.get(key);
    if (before !== undefined) {
      faults.push({ path: `line ${entry.line}`, found: `the object of line ${before}`, expected: 'each object once' });
      return [];
    }
    seen.set(key, entry.line);
    return [entry];
  });
}

/** Comments, empty lines, and the head's lines where no column names follow it. */
function isHead(row: Row): boolean {
  const first = row[0]?.text ?? '';
  return (
    first.startsWith('#') ||
    row.every(({ text }) => text === '') ||
    /^(PROJECT_NAME|VERSION_OF_REFERENCEFILE|TIMESTAMP_OF_LAST_CHANGE|AUTHOR_OF_LAST_CHANGE|VERSION_OF_LAYOUT)$/.test(
      first,
    )
  );
}

function placesOf(names: Row | undefined): ReadonlyMap<Column, number> {
  if (names === undefined) return new Map(COLUMNS.map((column, place) => [column, place]));
  const places = new Map<Column, number>();
  for (const [place, { text }] of names.entries()) {
    const column = SPELLINGS[lettersOf(text)];
    if (column !== undefined && !places.has(column)) places.set(column, place);
  }
  return places;
}

function entryOf(line: Line, states: ReadonlyMap<number, readonly string[]> | undefined): Entry | undefined {
  const device = line.whole('device obj.-instance', MAX_INSTANCE);
  const type = line.whole('object-type', MAX_TYPE);
  const instance = line.whole('object-instance', MAX_INSTANCE);
  const settable = line.yesNo('settable');
  if (device === undefined || type === undefined || instance === undefined) return undefined;
  const analog = isAnalog(type);
  const min = analog || isMultiState(type) ? line.decimal('min-present-value') : undefined;
  const max = analog || isMultiState(type) ? line.decimal('max-present-value') : undefined;
  if (min !== undefined && max !== undefined && min > max)
    line.say('max-present-value', `at least ${min}, the minimum`);
  const highLimit = analog ? line.decimal('hi-limit') : undefined;
  const lowLimit = analog ? line.decimal('low-limit') : undefined;
  const unit = unitOf(line);
  const texts = stateTexts(line, states, isBinary(type) || isMultiState(type));
  const description = line.text('description');
  const key = line.text('keyname');
  return {
    device,
    line: line.number,
    object: {
      type,
      instance,
      name: line.text('object-name'),
      ...(key !== '' && { key }),
      ...(description !== '' && { description }),
      // EDE says whether a present value is commandable, and calls that settable since layout 2.1.
      writable: settable === 'yes' ? 'commandable' : settable,
      ...(unit !== undefined && { unit }),
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      ...(isMultiState(type) && max !== undefined && { stateCount: max }),
      ...(texts !== undefined && { states: texts }),
      ...(highLimit !== undefined && { highLimit }),
      ...(lowLimit !== undefined && { lowLimit }),
    },
  };
}

/** The standard's name of the code; a text that is no code stays as it is. */
function unitOf(line: Line): string | undefined {
  const text = line.text('unit-code');
  if (isBlank(text)) return undefined;
  if (!/^\d+$/.test(text)) return text;
  const name = engineeringUnitName(Number(text));
  if (name === 'no-units') return undefined;
  if (name !== undefined || Number(text) <= 65_535) return name ?? `unit ${text}`;
  line.say('unit-code', 'a code of BACnetEngineeringUnits, 0 to 65535');
  return undefined;
}

function stateTexts(
  line: Line,
  states: ReadonlyMap<number, readonly string[]> | undefined,
  hasStates: boolean,
): readonly string[] | undefined {
  const text = line.text('state-text-reference');
  if (isBlank(text) || !hasStates) return undefined;
  const reference = line.whole('state-text-reference', 0xffff_ffff);
  if (reference === undefined || states === undefined) return undefined;
  const texts = states.get(reference);
  if (texts === undefined) line.say('state-text-reference', 'a reference number of the state texts file');
  return texts;
}

/** Reference number, then the texts: inactive and active, or state 1 and on. */
function statesOf(octets: Uint8Array, faults: DocumentFault[]): ReadonlyMap<number, readonly string[]> {
  const text = textOfFile(octets);
  const separator = separatorOf(text.split(/\r\n|\n|\r/).find((line) => /^\s*"?\d/.test(line)) ?? '');
  const states = new Map<number, readonly string[]>();
  for (const row of rowsOf(text, separator, faults)) {
    const [first, ...rest] = row;
    if (first === undefined || first.text.startsWith('#') || row.every((cell) => cell.text === '')) continue;
    if (!/^\d{1,10}$/.test(first.text)) {
      if (states.size === 0 && /[a-z]/i.test(first.text)) continue;
      faults.push({
        path: `states ${placeOf(first)}`,
        found: describeFound(first.text),
        expected: 'a reference number',
      });
      continue;
    }
    const texts = rest.map((cell) => cell.text);
    while (texts.at(-1) === '') texts.pop();
    states.set(Number(first.text), texts);
  }
  return states;
}
