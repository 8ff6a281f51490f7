// The demo plant's chiller: register map and behaviour.
// Holding 20 is a scale register as SunSpec has them: writing it changes what 21 and 22 mean.

import { follow } from '../plant-point.ts';
import { type PlantPoint, row, swing } from './plant-point.ts';
import type { RegisterBank } from './register-bank.ts';

/** Takes firmware block by block through registers, into a bank beside the one that runs. */
export const CHILLER_BOOT_LOADER = { method: 'registers', banks: 'dual', version: '2.4.0' } as const;

const water = { temp: true, water: true };

/** `chiller1`: chilled water control, demand limiting in scaled kW. */
export const CHILLER_POINTS: readonly PlantPoint[] = [
  row(
    'chiller1/chw-sp',
    'Chilled water supply set point',
    'set-point',
    { table: 'holding', register: 0, type: 'float32' },
    7,
    {
      facts: { sp: true, chilled: true, ...water },
      unit: '°C',
      limits: { min: 5, max: 12, step: 0.5 },
    },
  ),
  row(
    'chiller1/chw-hi',
    'Chilled water high alarm limit',
    'alarm-limit',
    { table: 'holding', register: 2, type: 'float32' },
    14,
    {
      facts: { alarmLimit: true, chilled: true, ...water },
      unit: '°C',
      limits: { min: 8, max: 20 },
    },
  ),
  row(
    'chiller1/cw-sp',
    'Condenser water set point',
    'set-point',
    { table: 'holding', register: 4, type: 'float32', order: 'BADC' },
    28,
    {
      facts: { sp: true, condenser: true, ...water },
      unit: '°C',
      limits: { min: 20, max: 35, step: 0.5 },
    },
  ),
  row('chiller1/demand-limit', 'Demand limit', 'set-point', { table: 'holding', register: 6, type: 'int16' }, 100, {
    facts: { sp: true, power: true },
    unit: '%',
    limits: { min: 40, max: 100, step: 5 },
  }),
  row(
    'chiller1/anti-recycle',
    'Anti-recycle time',
    'parameter',
    { table: 'holding', register: 7, type: 'uint16' },
    20,
    {
      facts: { compressor: true },
      unit: 'min',
      limits: { min: 5, max: 60 },
    },
  ),
  row(
    'chiller1/min-flow',
    'Minimum evaporator flow',
    'parameter',
    { table: 'holding', register: 8, type: 'uint16', scale: 0.1 },
    12.5,
    {
      facts: { flow: true, water: true },
      unit: 'L/s',
    },
  ),
  row(
    'chiller1/reset-gain',
    'Set point reset gain',
    'parameter',
    { table: 'holding', register: 10, type: 'float32', order: 'DCBA' },
    0.25,
    { facts: { pid: true } },
  ),
  row(
    'chiller1/rated-power',
    'Rated cooling power',
    'sensor',
    { table: 'holding', register: 12, type: 'float64', access: 'read' },
    412.5,
    {
      facts: { power: true },
      unit: 'kW',
    },
  ),
  row(
    'chiller1/power-sf',
    'Scale of the power registers',
    'parameter',
    { table: 'holding', register: 20, type: 'int16' },
    -1,
    {
      facts: { scale: true },
      limits: { min: -3, max: 3 },
      involves: ['chiller1/power-limit', 'chiller1/power'],
    },
  ),
  row(
    'chiller1/power-limit',
    'Electrical power limit',
    'set-point',
    { table: 'holding', register: 21, type: 'uint16', scaleRegister: 20 },
    120,
    {
      facts: { sp: true, power: true, elec: true },
      unit: 'kW',
      limits: { min: 30, max: 150 },
    },
  ),
  row(
    'chiller1/power',
    'Electrical power',
    'sensor',
    { table: 'holding', register: 22, type: 'uint16', scaleRegister: 20, access: 'read' },
    84.2,
    {
      facts: { sensor: true, power: true, elec: true },
      unit: 'kW',
    },
  ),
  row('chiller1/enable', 'Remote enable', 'command', { table: 'holding', register: 30, type: 'bool', bit: 0 }, true, {
    facts: { cmd: true, enable: true },
  }),
  row(
    'chiller1/ice-mode',
    'Ice-making mode',
    'command',
    { table: 'holding', register: 30, type: 'bool', bit: 1 },
    false,
    { facts: { cmd: true } },
  ),
  row(
    'chiller1/model',
    'Model name',
    'sensor',
    { table: 'holding', register: 40, type: 'string', length: 8, access: 'read' },
    'Glacier 400W',
    { facts: { label: true } },
  ),
  row('chiller1/start', 'Start', 'command', { table: 'coil', register: 0, type: 'bool' }, true, {
    facts: { cmd: true },
  }),
  row('chiller1/reset', 'Fault reset', 'command', { table: 'coil', register: 1, type: 'bool' }, false, {
    facts: { cmd: true },
  }),
  row('chiller1/running', 'Compressor running', 'sensor', { table: 'discrete', register: 0, type: 'bool' }, true, {
    facts: { sensor: true, compressor: true },
  }),
  row('chiller1/alarm', 'Chilled water alarm', 'sensor', { table: 'discrete', register: 1, type: 'bool' }, false, {
    facts: { sensor: true, alarm: true },
  }),
  row(
    'chiller1/chw-supply',
    'Chilled water supply temperature',
    'sensor',
    { table: 'input', register: 0, type: 'float32' },
    7,
    {
      facts: { sensor: true, chilled: true, leaving: true, ...water },
      unit: '°C',
    },
  ),
  row(
    'chiller1/chw-return',
    'Chilled water return temperature',
    'sensor',
    { table: 'input', register: 2, type: 'float32' },
    12,
    {
      facts: { sensor: true, chilled: true, entering: true, ...water },
      unit: '°C',
    },
  ),
  row(
    'chiller1/cw-supply',
    'Condenser water temperature',
    'sensor',
    { table: 'input', register: 4, type: 'float32', order: 'CDAB' },
    28,
    {
      facts: { sensor: true, condenser: true, ...water },
      unit: '°C',
    },
  ),
  row('chiller1/load', 'Compressor load', 'sensor', { table: 'input', register: 6, type: 'uint16', scale: 0.1 }, 62, {
    facts: { sensor: true, compressor: true },
    unit: '%',
  }),
  row(
    'chiller1/run-hours',
    'Running hours',
    'sensor',
    { table: 'input', register: 7, type: 'uint32', order: 'CDAB' },
    18_204,
    {
      facts: { sensor: true, runtime: true },
      unit: 'h',
    },
  ),
];

/** Water temperatures follow their set points while the compressor runs; load and power follow the demand. */
export function behaveAsChiller(bank: RegisterBank, seconds: number, elapsed: number): void {
  const running = bank.get('chiller1/start') === true && bank.get('chiller1/enable') === true;
  const comingBack = 12 + swing(elapsed, 900, 0.6);
  const target = running ? bank.number('chiller1/chw-sp') + swing(elapsed, 70, 0.05) : comingBack;
  const supply = follow(bank.number('chiller1/chw-supply'), target, seconds, 45);
  const wanted = running ? 20 * (comingBack - supply) * 0.65 : 0;
  const load = follow(
    bank.number('chiller1/load'),
    Math.min(wanted, bank.number('chiller1/demand-limit')),
    seconds,
    15,
  );
  bank.set('chiller1/chw-return', comingBack);
  bank.set('chiller1/chw-supply', supply);
  bank.set('chiller1/cw-supply', follow(bank.number('chiller1/cw-supply'), bank.number('chiller1/cw-sp'), seconds, 60));
  bank.set('chiller1/load', Math.max(0, load));
  bank.set('chiller1/power', Math.min(Math.max(0, load) * 1.35, bank.number('chiller1/power-limit')));
  bank.set('chiller1/running', running);
  bank.set('chiller1/run-hours', 18_204 + Math.floor(elapsed / 3600));
  if (bank.get('chiller1/reset') === true) bank.set('chiller1/alarm', false);
  bank.set('chiller1/reset', false);
  if (supply > bank.number('chiller1/chw-hi')) bank.set('chiller1/alarm', true);
}
