// Point lists of integrators: layouts, character sets, separators and quotes as files have them; every fault by line and column.

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compileAddresses } from '../../drivers/bacnet/address.ts';
import { importEde } from '../../drivers/bacnet/import-ede.ts';
import { inventoryYaml } from '../../src/cli/inventory-yaml.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { DraftPoint, InventoryDraft } from '../../src/contract/inventory-draft.ts';
import { describeFault } from '../../src/model/fault.ts';
import { siteBundle } from '../drivers/gate-stage.ts';
import { snapshot } from '../gate/stage.ts';
import { folderWith } from './command.ts';

const HEAD = [
  '# Proposal_Engineering-Data-Exchange - B.I.G.-EU',
  'PROJECT_NAME;Northwind',
  'VERSION_OF_REFERENCEFILE;1',
  'TIMESTAMP_OF_LAST_CHANGE;22.11.2026',
  'AUTHOR_OF_LAST_CHANGE;somebody',
  'VERSION_OF_LAYOUT;2.3',
  '#mandatory;mandatory;mandatory;mandatory;mandatory;optional',
];
const NAMES =
  '# keyname;device obj.-instance;object-name;object-type;object-instance;description;present-value-default;min-present-value;max-present-value;settable;supports COV;hi-limit;low-limit;state-text-reference;unit-code;vendor-specific-address;notification-class';
const OBJECTS = [
  'AHU;10;AS10;8;10;Air handler;;;;N;N;;;;;A1;',
  'AHU.SupplyTemp;10;SupplyTemp;0;1;Supply air temperature;20;-50;150;N;Y;28;10;;62;T1;1',
  'AHU.Sp;10;SupplyTempSp;2;1;Supply air temperature set point;18;14;24,5;Y;Y;;;;62;;',
  'AHU.Damper;10;Damper;1;1;Damper;0;0;100;Y;Y;;;;98;;',
  'AHU.Fan;10;Fan;14;1;Fan stages;1;1;3;Y;N;;;35;;;',
  'AHU.Window;10;Window;3;7;Window contact;;;;N;Y;;;22;;;',
  'AHU.Gain;10;Gain;2;9;Controller gain;1,5;;;;;;;;95;;',
  'AHU.Sched;10;Week;17;1;Week schedule;;;;;;;;;;;',
  'AHU.Fw;10;fw.bin;10;1;Firmware image;;;;;;;;;;;',
  'AHU.Loop;10;Loop;12;1;Heating loop;;;;;;;;;;;',
];
const STATES = [
  '#State Text Reference;;',
  '#Reference Number;Text 1;Text 2;Text 3',
  '22;OPEN;CLOSED;;',
  '35;OFF;AUTO;"STAGE ""1""";',
];

const utf8 = (lines: readonly string[], end = '\r\n'): Uint8Array => Buffer.from(`${lines.join(end)}${end}`);
const words = { device: 'ahu', network: 'plant' };

function imported(main: Uint8Array, states?: Uint8Array): InventoryDraft {
  const result = importEde({ files: { main, states }, words });
  if (!result.ok) throw new Error(result.fault.map(describeFault).join('\n'));
  return result.value;
}

function faultsOf(main: Uint8Array, states?: Uint8Array, given: Record<string, string> = words): string[] {
  const result = importEde({ files: { main, states }, words: given });
  return result.ok ? [] : result.fault.map(describeFault);
}

const pointAt = (draft: InventoryDraft, object: string, property?: string): DraftPoint | undefined =>
  draft[0]?.points.find(({ address }) => address.object === object && address.property === property);

describe('an EDE file', () => {
  const draft = imported(utf8([...HEAD, NAMES, ...OBJECTS]), utf8(STATES));

  test('limits that are the ends of the number format are none', () => {
    const rows = [
      'A;10;Level;2;1;Level;0;-3.402823E+38;3.4028235E38;Y;N;;;;98;;',
      'B;10;Gain;2;2;Gain;0;0;3.402823466385289e+38;Y;N;;;;98;;',
    ];
    const found = imported(utf8([...HEAD, NAMES, ...rows]));
    expect(pointAt(found, 'analog-value,1')).not.toHaveProperty('limits');
    expect(pointAt(found, 'analog-value,2')?.limits).toEqual({ min: 0 });
  });

  test('becomes one device with its points; objects without one are said', () => {
    expect(draft).toHaveLength(1);
    expect(draft[0]).toMatchObject({
      id: 'ahu',
      name: 'Air handler',
      address: { bacnet: { network: 'plant', instance: 10 } },
    });
    expect(draft[0]?.remarks).toEqual(["without a point, so rights on them are the device's: loop"]);
  });

  test.each([
    ['analog-input,1', 'sensor', { unit: 'degrees-celsius' }, 'an input'],
    ['analog-value,1', 'set-point', { unit: 'degrees-celsius', limits: { min: 14, max: 24.5 } }, 'set point'],
    ['analog-output,1', 'command', { unit: 'percent', limits: { min: 0, max: 100 } }, 'an output'],
    ['multi-state-output,1', 'command', { limits: { values: [1, 2, 3] } }, '1 OFF, 2 AUTO, 3 STAGE "1"'],
    ['binary-input,7', 'sensor', {}, '0 OPEN, 1 CLOSED'],
    ['analog-value,9', 'parameter', {}, 'nobody says whether it is settable'],
    ['file,1', 'firmware', {}, 'firmware'],
  ])('%s is guessed %s, and why', (object, is, rest, why) => {
    const point = pointAt(draft, object);
    expect(point).toMatchObject({ class: is, ...rest });
    expect(point?.why).toContain(why);
    if (is === 'sensor') expect(point?.limits).toBeUndefined();
  });

  test('limits of alarms and the weekly schedule are points of their own', () => {
    expect(pointAt(draft, 'analog-input,1', 'high-limit')).toMatchObject({
      class: 'alarm-limit',
      why: expect.stringContaining('28'),
    });
    expect(pointAt(draft, 'analog-input,1', 'low-limit')).toMatchObject({ class: 'alarm-limit' });
    expect(pointAt(draft, 'schedule,1', 'weekly-schedule')).toMatchObject({ class: 'set-point' });
  });

  test('as YAML it is what a policy takes, and the driver finds every address', async () => {
    const text = inventoryYaml(draft, 'hq', ['Read from a test.']);
    expect(text).toMatch(/class: set-point # commandable, and its name speaks of a set point/);
    expect(text).toContain('address: { bacnet: { network: plant, instance: 10 } }');
    const { inventory } = snapshot(siteBundle(parse(text)));
    const compiled = await compileAddresses(inventory, async () => undefined);
    expect(compiled).toMatchObject({ ok: true });
    expect(inventory.pointCount).toBe(draft[0]?.points.length);
  });

  test('texts of a device end no comment and open no key', () => {
    const hostile = 'AHU.X;10;"x\nclass: sensor";2;3;"gain # \ndevices: []";;;;;;;;;;;';
    const text = inventoryYaml(imported(utf8([NAMES, hostile])), 'hq', []);
    expect(parse(text).points).toHaveLength(1);
    expect(parse(text).points[0]).toMatchObject({ class: 'parameter', name: 'gain # \ndevices: []' });
  });
});

describe('forms of files', () => {
  const lines = [...HEAD, NAMES, ...OBJECTS];
  const expected = imported(utf8(lines));

  test('line feeds, carriage returns alone, no last line end', () => {
    expect(imported(utf8(lines, '\n'))).toEqual(expected);
    expect(imported(utf8(lines, '\r'))).toEqual(expected);
    expect(imported(Buffer.from(lines.join('\n')))).toEqual(expected);
  });

  test('tabs and commas between the cells, with quotes where a cell has the separator', () => {
    const quoted = (separator: string): string[] =>
      lines.map((line) =>
        line
          .split(';')
          .map((cell) => (cell.includes(separator) ? `"${cell}"` : cell))
          .join(separator),
      );
    expect(imported(utf8(quoted(',')))).toEqual(expected);
    expect(imported(utf8(quoted('\t')))).toEqual(expected);
  });

  test('UTF-8 with a mark, UTF-16 and Latin-1', () => {
    const umlaut = [NAMES, 'Lüftung;10;Lüftung;2;1;Sollwert für Zuluft °C;;;;Y;;;;;62;;'];
    const text = `${umlaut.join('\n')}\n`;
    const [utf] = imported(Buffer.from(text));
    expect(utf?.points[0]).toMatchObject({ id: 'ahu/Luftung', name: 'Sollwert für Zuluft °C', class: 'set-point' });
    for (const octets of [
      Buffer.from(`\ufeff${text}`),
      Buffer.from(text, 'latin1'),
      Buffer.from(`\ufeff${text}`, 'utf16le'),
      Buffer.from(`\ufeff${text}`, 'utf16le').swap16(),
    ])
      expect(imported(octets)[0]?.points).toEqual(utf?.points);
  });

  test('columns by name in any order, other spellings, and the standard order without names', () => {
    const other = imported(
      utf8([
        '#object-type;object-instance;keyname',
        '# keyname;Object-Instance;object type;device-obj-instance;commandable;hi limit',
        'k;1;2;10;ja;',
      ]),
    );
    expect(other[0]?.points[0]).toMatchObject({
      id: 'ahu/k',
      class: 'set-point',
      address: { object: 'analog-value,1' },
    });
    expect(imported(utf8([...HEAD, ...OBJECTS]))).toEqual(expected);
  });

  test('several devices get their instance behind the id; a unit as text stays', () => {
    const draft = imported(utf8([NAMES, 'a;10;a;2;1;;;;;Y;;;;;°C;;', 'a;12;a;2;1;;;;;N;;;;;---;;']));
    expect(draft.map(({ id }) => id)).toEqual(['ahu-10', 'ahu-12']);
    expect(draft.map(({ points }) => [points[0]?.id, points[0]?.unit, points[0]?.class])).toEqual([
      ['ahu-10/a', '°C', 'set-point'],
      ['ahu-12/a', undefined, 'sensor'],
    ]);
  });

  test('two objects of one name get ids of their own', () => {
    const draft = imported(utf8([NAMES, 'a;10;a;2;1;;;;;Y;;;;;;;', 'a;10;a;2;2;;;;;Y;;;;;;;', '##;10;#;2;3']));
    expect(draft[0]?.points.map(({ id }) => id)).toEqual(['ahu/a', 'ahu/analog-value-2']);
  });
});

describe('faults', () => {
  test.each([
    ['a;x;a;2;1;', ['line 2, column 2 (device obj.-instance): found `"x"`, expected a whole number from 0 to 4194302']],
    ['a;10;a;1024;1;', ['line 2, column 4 (object-type): found `"1024"`, expected a whole number from 0 to 1023']],
    ['a;10;a;2;;', ['line 2, column 5 (object-instance): found nothing, expected a whole number from 0 to 4194302']],
    ['a;10;a;2', ['line 2, column 5 (object-instance): found nothing, expected a whole number from 0 to 4194302']],
    ['a;10;a;2;1;;;warm', ['line 2, column 8 (min-present-value): found `"warm"`, expected a number']],
    ['a;10;a;2;1;;;5;4', ['line 2, column 9 (max-present-value): found `"4"`, expected at least 5, the minimum']],
    ['a;10;a;2;1;;;;;perhaps', ['line 2, column 10 (settable): found `"perhaps"`, expected `Y` or `N`']],
    [
      'a;10;a;2;1;;;;;;;;;;70000',
      ['line 2, column 15 (unit-code): found `"70000"`, expected a code of BACnetEngineeringUnits, 0 to 65535'],
    ],
    [
      'a;10;a;14;1;;;;;;;;;9',
      ['line 2, column 14 (state-text-reference): found `"9"`, expected a reference number of the state texts file'],
    ],
    ['a;10;"a;2;1', ['line 2, column 3: found a quote that is never closed, expected a closing quote']],
    ['a;10;a;2;1\nb;10;b;2;1', ['line 3: found the object of line 2, expected each object once']],
  ])('%j', (line, expected) => {
    expect(faultsOf(utf8([NAMES, line]), utf8(STATES))).toEqual(expected);
  });

  test('all of a file at once; lines inside quotes are counted', () => {
    expect(faultsOf(utf8([NAMES, 'a;10;"a\nb";2;1;', 'b;x;;y;1'])).map((fault) => fault.split(':')[0])).toEqual([
      'line 4, column 2 (device obj.-instance)',
      'line 4, column 4 (object-type)',
    ]);
  });

  test('no columns, no objects, no words, a broken file of states', () => {
    expect(faultsOf(utf8(['keyname;object-name', 'a;b']))[0]).toContain('column names without `device obj.-instance`');
    expect(faultsOf(utf8(HEAD))).toEqual([expect.stringContaining('found no object')]);
    expect(faultsOf(utf8([NAMES, ...OBJECTS]), undefined, { device: 'a b' })).toHaveLength(2);
    expect(faultsOf(utf8([NAMES, ...OBJECTS]), utf8(['35;A', 'x;B']))).toContain(
      'states line 2, column 1: found `"x"`, expected a reference number',
    );
  });
});

test('gatehouse inventory import --ede', async () => {
  const folder = await folderWith({ 'a.csv': [NAMES, ...OBJECTS].join('\n'), 'states.csv': STATES.join('\n') });
  try {
    const said = { out: '', exit: 9 };
    const files = ['--ede', folder.path('a.csv'), '--states', folder.path('states.csv')];
    await runProgram(['inventory', 'import', ...files, '--device', 'ahu', '--network', 'plant', '--location', 'hq'], {
      out: (text) => (said.out += text),
      err: (text) => (said.out += text),
      setExit: (code) => (said.exit = code),
    });
    expect(said.exit).toBe(0);
    expect(parse(said.out).devices).toEqual([expect.objectContaining({ id: 'ahu', location: 'hq' })]);
  } finally {
    await folder.remove();
  }
});
