// The BACnet plant's air handler: set points with priority arrays, and one of everything a technician meets on such a device.

import { follow } from '../plant-point.ts';
import { destinationOf } from './alarms.ts';
import type { BootLoaderOptions } from './boot-loader.ts';
import type { SimulatedDevice } from './device.ts';
import type { SimulatedFile } from './device-state.ts';
import type { Endpoint } from './framing.ts';
import {
  alarmProperties,
  channel,
  command,
  fileObject,
  lifeSafetyPoint,
  loop,
  notificationClass,
  schedule,
  trendLog,
} from './object-kinds.ts';
import { also, type PlantRow, row } from './plant-point.ts';
import { app } from './values.ts';

const temperature = { temp: true, air: true };
const workday = [
  [6 * 60, 20],
  [19 * 60, 16],
] as const;

/** `alarmsTo`: who is told when the supply air leaves its limits, besides those added later. */
export function ahuRows(alarmsTo: readonly (number | Endpoint)[] = []): readonly PlantRow[] {
  return [
    row('ahu2/sat', 'Supply air temperature', 'sensor', 'analog-input,1', 18, {
      unit: '°C',
      facts: { sensor: true, discharge: true, ...temperature },
      covIncrement: 0.2,
      extra: alarmProperties({ low: 10, high: 28, deadband: 1, notificationClass: 1 }),
    }),
    also({
      id: 'ahu2/sat-hi',
      name: 'Supply air temperature high alarm limit',
      class: 'alarm-limit',
      unit: '°C',
      facts: { alarmLimit: true, ...temperature },
      limits: { min: 20, max: 40 },
      address: { object: 'analog-input,1', property: 'high-limit' },
    }),
    also({
      id: 'ahu2/sat-lo',
      name: 'Supply air temperature low alarm limit',
      class: 'alarm-limit',
      unit: '°C',
      facts: { alarmLimit: true, ...temperature },
      limits: { min: 5, max: 16 },
      address: { object: 'analog-input,1', property: 'low-limit' },
    }),
    row('ahu2/rat', 'Return air temperature', 'sensor', 'analog-input,2', 22, {
      unit: '°C',
      facts: { sensor: true, return: true, ...temperature },
    }),
    row('ahu2/dsp', 'Duct static pressure', 'sensor', 'analog-input,3', 245, {
      unit: 'Pa',
      facts: { sensor: true, pressure: true, air: true },
      covIncrement: 5,
    }),
    row('ahu2/filter', 'Filter dirty', 'sensor', 'binary-input,1', 0, {
      facts: { sensor: true, filter: true },
      states: ['clean', 'dirty'],
    }),
    row('ahu2/sat-sp', 'Supply air temperature set point', 'set-point', 'analog-value,1', 18, {
      unit: '°C',
      facts: { sp: true, discharge: true, ...temperature },
      min: 14,
      max: 24,
      step: 0.5,
    }),
    row('ahu2/dsp-sp', 'Duct static pressure set point', 'set-point', 'analog-value,2', 250, {
      unit: 'Pa',
      facts: { sp: true, pressure: true, air: true },
      min: 50,
      max: 500,
      step: 10,
    }),
    row('ahu2/co2-sp', 'Return air CO2 set point', 'set-point', 'analog-value,3', 800, {
      unit: 'ppm',
      facts: { sp: true, co2: true, air: true },
      min: 600,
      max: 1200,
    }),
    row('ahu2/fan-min', 'Minimum fan speed', 'parameter', 'analog-value,4', 20, {
      unit: '%',
      facts: { fan: true, speed: true },
      min: 0,
      max: 60,
    }),
    row('ahu2/heating-valve', 'Heating valve', 'command', 'analog-output,1', 0, {
      unit: '%',
      facts: { cmd: true, valve: true },
      min: 0,
      max: 100,
    }),
    row('ahu2/fan-speed', 'Supply fan speed', 'command', 'analog-output,2', 60, {
      unit: '%',
      facts: { cmd: true, fan: true, speed: true },
      min: 0,
      max: 100,
    }),
    row('ahu2/fan', 'Supply fan', 'command', 'binary-output,1', 1, { facts: { cmd: true, fan: true }, values: [0, 1] }),
    row('ahu2/occupied', 'Occupied', 'set-point', 'binary-value,1', 1, {
      facts: { sp: true, occ: true },
      states: ['empty', 'occupied'],
      values: [0, 1],
      undo: true,
    }),
    row('ahu2/mode', 'Operating mode', 'set-point', 'multi-state-value,1', 2, {
      facts: { sp: true, mode: true },
      states: ['off', 'auto', 'economy'],
      values: [1, 2, 3],
    }),
    also(
      {
        id: 'ahu2/week',
        name: 'Supply air week schedule',
        class: 'set-point',
        facts: { schedule: true },
        involves: ['ahu2/sat-sp'],
        address: { object: 'schedule,1', property: 'weekly-schedule' },
      },
      () =>
        schedule(1, 'Supply air week schedule', {
          week: [workday, workday, workday, workday, workday, [], []],
          otherwise: 16,
          moves: [{ object: 'analog-value,1' }],
          priority: 15,
        }),
    ),
    also(
      {
        id: 'ahu2/all-sp',
        name: 'Set points of air handler and box',
        class: 'set-point',
        facts: { channel: true },
        involves: ['ahu2/sat-sp', 'vav1/room-sp'],
        address: { object: 'channel,1' },
      },
      () =>
        channel(1, 'Set points of air handler and box', {
          number: 5,
          groups: [1, 7],
          members: [{ object: 'analog-value,1' }, { object: 'analog-value,1', device: 1002 }],
        }),
    ),
    also(
      {
        id: 'ahu2/scene',
        name: 'Day and night',
        class: 'command',
        facts: { cmd: true, scene: true },
        involves: ['ahu2/fan', 'ahu2/mode'],
        address: { object: 'command,1' },
      },
      () =>
        command(1, 'Day and night', [
          [
            { object: 'binary-output,1', value: app.enumerated(1), priority: 10 },
            { object: 'multi-state-value,1', value: app.unsigned(2), priority: 10 },
          ],
          [
            { object: 'binary-output,1', value: app.enumerated(0), priority: 10 },
            { object: 'multi-state-value,1', value: app.unsigned(1), priority: 10 },
          ],
        ]),
    ),
    {
      build: () =>
        loop(1, 'Heating loop', {
          measured: 'analog-input,1',
          setpoint: 'analog-value,1',
          output: 'analog-output,1',
          gain: 12,
        }),
    },
    {
      build: () =>
        notificationClass(
          1,
          'Air handler alarms',
          alarmsTo.map((recipient, index) => destinationOf(recipient, index + 1, true)),
        ),
    },
    {
      build: () => trendLog(1, 'Supply air trend', { of: { object: 'analog-input,1' }, intervalMs: 60_000, size: 100 }),
    },
    also(
      {
        id: 'ahu2/smoke',
        name: 'Duct smoke detector',
        class: 'command',
        facts: { smoke: true, lifeSafety: true },
        address: { object: 'life-safety-point,1', property: 'mode' },
      },
      () => lifeSafetyPoint(1, 'Duct smoke detector'),
    ),
    also(
      {
        id: 'ahu2/firmware',
        name: 'Firmware image',
        class: 'firmware',
        facts: { firmware: true },
        address: { object: 'file,1' },
      },
      () => fileObject(1, 'Firmware image', 'firmware', 'stream'),
    ),
    also(
      {
        id: 'ahu2/configuration',
        name: 'Configuration',
        class: 'parameter',
        facts: { configuration: true },
        address: { object: 'file,2' },
      },
      () => fileObject(2, 'Configuration', 'configuration', 'record'),
    ),
    also({
      id: 'ahu2/firmware-revision',
      name: 'Firmware revision',
      class: 'sensor',
      facts: { firmware: true },
      address: { object: 'device,1001', property: 'firmware-revision' },
    }),
  ];
}

/** The version the air handler comes with. */
export const AHU_FIRMWARE = '2.4.0';
/** Its firmware file stages an image beside what runs; activation puts it into use. */
export const AHU_BOOT_LOADER: BootLoaderOptions = { file: 1, banks: 'dual' };

export function ahuFiles(): ReadonlyMap<number, SimulatedFile> {
  const records = ['name=AHU 2', 'gain=12', 'fan.min=20', 'units=SI'].map((text) => Buffer.from(text));
  return new Map<number, SimulatedFile>([
    [1, { access: 'stream', role: 'firmware', content: Buffer.alloc(0), records: [] }],
    [2, { access: 'record', role: 'configuration', content: Buffer.alloc(0), records }],
  ]);
}

/** The supply air follows its set point while the fan runs, and the return air while it does not. */
export function behaveAsAhu(device: SimulatedDevice, seconds: number, elapsed: number): void {
  const number = (key: string): number => device.object(key).number('present-value') ?? 0;
  const running = number('binary-output,1') === 1;
  const target = running ? number('analog-value,1') : number('analog-input,2');
  device.measure('analog-input,1', follow(number('analog-input,1'), target, seconds, 120));
  device.measure('analog-input,2', 22 + 0.5 * Math.sin((2 * Math.PI * elapsed) / 3600));
  device.measure(
    'analog-input,3',
    running ? follow(number('analog-input,3'), number('analog-value,2'), seconds, 20) : 0,
  );
}
