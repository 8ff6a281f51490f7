// The BACnet plant's small and large devices: a VAV box that takes little at once, and a controller with two hundred objects.

import { follow } from '../plant-point.ts';
import type { SimulatedDevice } from './device.ts';
import { type PlantRow, row } from './plant-point.ts';

const temperature = { temp: true, air: true };

/** `vav1`: max APDU 206, no segmentation. */
export const VAV_ROWS: readonly PlantRow[] = [
  row('vav1/room', 'Room temperature', 'sensor', 'analog-input,1', 21, {
    unit: '°C',
    facts: { sensor: true, zone: true, ...temperature },
    covIncrement: 0.1,
  }),
  row('vav1/co2', 'Room CO2', 'sensor', 'analog-input,2', 620, {
    unit: 'ppm',
    facts: { sensor: true, zone: true, co2: true },
    covIncrement: 25,
  }),
  row('vav1/room-sp', 'Room temperature set point', 'set-point', 'analog-value,1', 21, {
    unit: '°C',
    facts: { sp: true, zone: true, ...temperature },
    min: 14,
    max: 26,
    step: 0.5,
  }),
  row('vav1/flow-min', 'Minimum air flow', 'parameter', 'analog-value,2', 120, {
    unit: 'm³/h',
    facts: { flow: true, air: true },
    min: 0,
    max: 600,
  }),
  row('vav1/damper', 'Damper', 'command', 'analog-output,1', 35, {
    unit: '%',
    facts: { cmd: true, damper: true },
    min: 0,
    max: 100,
  }),
  row('vav1/occupied', 'Room occupied', 'set-point', 'binary-value,1', 0, {
    facts: { sp: true, occ: true },
    states: ['empty', 'occupied'],
    values: [0, 1],
  }),
];

export function behaveAsVav(device: SimulatedDevice, seconds: number): void {
  const number = (key: string): number => device.object(key).number('present-value') ?? 0;
  device.measure('analog-input,1', follow(number('analog-input,1'), number('analog-value,1'), seconds, 900));
}

const ZONES = 120;
const LIGHTS = 40;
const MODES = 40;

const three = (index: number): string => String(index).padStart(3, '0');
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** `ctl1`: two hundred objects that may all be written; max APDU 480, segmented both ways. */
export const CTL_ROWS: readonly PlantRow[] = [
  ...upTo(ZONES).map((index) =>
    row(
      `ctl1/zone-${three(index)}-sp`,
      `Zone ${three(index)} temperature set point`,
      'set-point',
      `analog-value,${index}`,
      21,
      {
        unit: '°C',
        facts: { sp: true, zone: true, ...temperature },
        min: 16,
        max: 26,
      },
    ),
  ),
  ...upTo(LIGHTS).map((index) =>
    row(`ctl1/lights-${three(index)}`, `Lights ${three(index)}`, 'command', `binary-value,${index}`, 0, {
      facts: { cmd: true, lights: true },
      values: [0, 1],
    }),
  ),
  ...upTo(MODES).map((index) =>
    row(`ctl1/mode-${three(index)}`, `Room ${three(index)} mode`, 'set-point', `multi-state-value,${index}`, 1, {
      facts: { sp: true, mode: true },
      states: ['comfort', 'economy', 'protection'],
      values: [1, 2, 3],
    }),
  ),
];
