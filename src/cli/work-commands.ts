// `gatehouse config copy`, `alarm …`, `batch …`, `job …`: work on several devices besides firmware.

import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import type { ApiAcknowledged, ApiAlarm, ApiAlarms, ApiJobOrder } from '../http/schema-jobs.ts';
import type { ApiValue } from '../http/schema-shared.ts';
import { type ApiOptions, withApi, withGateway } from './api-client.ts';
import { readText } from './api-connection.ts';
import { badInput, EXIT, type Terminal } from './exit.ts';
import { collect } from './firmware-commands.ts';
import { addJobVerbs, baseOf, type StartWords, startJob, tell, withStart } from './job-verbs.ts';
import { parseDuration } from './moment.ts';
import { momentText, textTable } from './text-table.ts';
import { addTransferCommands } from './transfer-commands.ts';

type Row = Extract<ApiJobOrder, { kind: 'batch' }>['rows'][number];
type CopiedClass = NonNullable<Extract<ApiJobOrder, { kind: 'configuration' }>['classes']>[number];

interface CopyWords extends Omit<StartWords, 'from'> {
  readonly from: string;
  readonly to: readonly string[];
  readonly class: readonly string[];
  readonly notBefore?: string;
}

const CLASSES: readonly CopiedClass[] = ['parameter', 'alarm-limit', 'set-point'];

export function addWorkCommands(program: Command, terminal: Terminal): void {
  const config = program.commands.find((command) => command.name() === 'config') ?? program.command('config');
  withStart(config.command('copy').description('copy one device’s configuration to others: all of them, or none'), {
    from: '--not-before',
  })
    .requiredOption('--from <device>', 'the device that is copied')
    .requiredOption('--to <device>', 'a device it is copied to; again for each', collect, [])
    .option('--class <class>', `${CLASSES.join(', ')}; again for each (default parameter)`, collect, [])
    .action((options: CopyWords) => {
      const { from, notBefore, ...rest } = options;
      const classes = options.class.map((text) => {
        const known = CLASSES.find((each) => each === text);
        if (known === undefined) throw badInput(`got --class \`${text}\`, expected one of ${CLASSES.join(', ')}`);
        return known;
      });
      const window = baseOf({ ...rest, ...(notBefore !== undefined && { from: notBefore }) });
      const order: ApiJobOrder = { kind: 'configuration', source: from, devices: [...options.to], ...window };
      return startJob({ ...order, ...(classes.length > 0 && { classes }) }, rest, terminal);
    });

  addAlarmCommands(program, terminal);
  addTransferCommands(program, terminal);

  withStart(program.command('batch').description('write several points: every row, or none'))
    .argument('<file>', 'CSV with a head (point,value,priority,for), or a YAML or JSON list of such rows')
    .option('--for <time>', 'how long every row lasts that does not say so: `2h`, or `none` = until changed again')
    .action((file: string, options: StartWords & { for?: string }) => {
      const rows = rowsOf(file, readText(file));
      const span = options.for === undefined ? {} : { overrideMs: spanOf(options.for) };
      return startJob({ kind: 'batch', rows, ...span, ...baseOf(options) }, options, terminal);
    });

  addJobVerbs(program.command('job').description('work on several devices, of whatever kind'), terminal);
}

function addAlarmCommands(program: Command, terminal: Terminal): void {
  const alarm = program.command('alarm').description('alarms of devices: limits, what is in alarm, acknowledging');

  withStart(alarm.command('set').description('change alarm limits on devices: all of them, or none'))
    .requiredOption('--device <id>', 'a device; again for each', collect, [])
    .requiredOption('--value <limit=value>', 'such as `high-limit=30`; again for each', collect, [])
    .action((options: StartWords & { device: readonly string[]; value: readonly string[] }) => {
      const values = options.value.map((text) => {
        const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
        if (key === undefined || value === undefined) {
          throw badInput(`got --value \`${text}\`, expected one such as \`high-limit=30\``);
        }
        return { key: key.trim(), value: typedValue(value.trim()) };
      });
      const order: ApiJobOrder = { kind: 'alarm-thresholds', devices: [...options.device], values };
      return startJob({ ...order, ...baseOf(options) }, options, terminal);
    });

  withApi(alarm.command('list').description('what devices report as in alarm or not acknowledged'))
    .option('--device <id>', 'of this device')
    .option('--location <id>', 'at this location and below')
    .action((options: ApiOptions & { device?: string; location?: string }) =>
      withGateway(options, terminal, async (api) => {
        const items: ApiAlarm[] = [];
        const unreachable: ApiAlarms['unreachable'] = [];
        const places = (['device', 'location'] as const).flatMap((each) =>
          options[each] === undefined ? [] : [`&${each}=${encodeURIComponent(options[each])}`],
        );
        let cursor = '';
        do {
          const page = await api.ask<ApiAlarms>('GET', `/api/v1/alarms?limit=100${places.join('')}${cursor}`);
          items.push(...page.items);
          unreachable.push(...page.unreachable);
          cursor = page.next === undefined ? '' : `&cursor=${encodeURIComponent(page.next)}`;
        } while (cursor !== '');
        const silent = unreachable.map(({ device, why }) => `${device.id}: could not be asked: ${why}`);
        const lines = items.length === 0 ? ['no alarms'] : describeAlarms(items);
        tell(terminal, options, { items, unreachable }, [...lines, ...silent]);
        terminal.setExit(unreachable.length > 0 ? EXIT.failed : EXIT.done);
      }),
    );

  withApi(
    alarm
      .command('acknowledge')
      .description('acknowledge an alarm')
      .argument('<device>')
      .argument('<key>', 'as listed'),
  ).action((device: string, key: string, options: ApiOptions) =>
    withGateway(options, terminal, async (api) => {
      const body = { device, key };
      const became = await api.ask<ApiAcknowledged>('POST', '/api/v1/alarms/acknowledge', body);
      tell(terminal, options, became, [`${became.state}${became.why === undefined ? '' : `: ${became.why}`}`]);
      terminal.setExit(became.state === 'done' ? EXIT.done : EXIT.failed);
    }),
  );
}

function describeAlarms(alarms: readonly ApiAlarm[]): string[] {
  return textTable(
    ['device', 'point', 'state', 'since', 'acknowledged', 'key'],
    alarms.map(({ device, point, state, since, acknowledged, key }) => [
      device.id,
      point?.id ?? '',
      state,
      since === undefined ? '' : momentText(since),
      acknowledged ? 'yes' : 'no',
      key,
    ]),
  );
}

const spanOf = (text: string): number | null => (text === 'none' ? null : parseDuration(text));

/** A number, `true`, `false`, `null` (release), or text; whole numbers too large for JSON are wrapped. */
export function typedValue(text: string): ApiValue {
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) return { integer: text };
  if (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text === 'null' ? null : text.replace(/^"(.*)"$/s, '$1');
}

/** The rows of a CSV, YAML or JSON file. */
export function rowsOf(file: string, text: string): Row[] {
  const rows = /\.csv$/i.test(file) ? csvRows(file, text) : listedRows(file, text);
  if (rows.length === 0) throw badInput(`got \`${file}\` without a row, expected at least one`);
  return rows;
}

function csvRows(file: string, text: string): Row[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const head = cellsOf(lines[0] ?? '').map((cell) => cell.toLowerCase());
  const unknown = head.find((name) => !['point', 'value', 'priority', 'for'].includes(name));
  if (unknown !== undefined || !head.includes('point') || !head.includes('value')) {
    throw badInput(`${file}:1: got columns \`${head.join(',')}\`, expected point,value and maybe priority,for`);
  }
  return lines.slice(1).flatMap((line, at) => {
    if (line.trim() === '') return [];
    const cells = cellsOf(line);
    if (cells.length > head.length) {
      throw badInput(`${file}:${at + 2}: got ${cells.length} cells, expected ${head.length}`);
    }
    const cell = (name: string): string | undefined => {
      const found = cells[head.indexOf(name)];
      return found === '' ? undefined : found;
    };
    const value = cell('value');
    return [
      rowOf(`${file}:${at + 2}`, {
        point: cell('point'),
        value: value === undefined ? undefined : typedValue(value),
        priority: cell('priority') === undefined ? undefined : Number(cell('priority')),
        for: cell('for'),
      }),
    ];
  });
}

/** RFC 4180, one line. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"'),
  );
}

function listedRows(file: string, text: string): Row[] {
  let list: unknown;
  try {
    list = parseYaml(text);
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(list)) throw badInput(`got \`${file}\`, expected a list of rows with \`point\` and \`value\``);
  return list.map((row: unknown, at) =>
    rowOf(`${file}: row ${at + 1}`, (row ?? {}) as { readonly [key: string]: unknown }),
  );
}

function rowOf(
  where: string,
  { point, value, priority, for: lasts, ...more }: { readonly [key: string]: unknown },
): Row {
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) throw badInput(`${where}: got \`${unknown}\`, expected point, value, priority, for`);
  if (typeof point !== 'string' || point === '') throw badInput(`${where}: got no point`);
  if (value === undefined) throw badInput(`${where}: got no value`);
  if (priority !== undefined && !Number.isInteger(priority)) {
    throw badInput(`${where}: got priority \`${String(priority)}\`, expected 1 to 16`);
  }
  return {
    point,
    value: value as ApiValue,
    ...(priority !== undefined && { priority: Number(priority) }),
    ...(lasts !== undefined && lasts !== null && { overrideMs: spanOf(String(lasts)) }),
  };
}
