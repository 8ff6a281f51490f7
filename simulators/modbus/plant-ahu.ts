// The demo plant's air handling unit: register map and behaviour.
// Holding 100 to 105 lie together on purpose: a block write from 100 reaches the set point and, two registers on, an alarm limit.

import { follow } from '../plant-point.ts';
import { type PlantPoint, row, swing } from './plant-point.ts';
import type { RegisterBank } from './register-bank.ts';

const temperature = { temp: true, air: true };

/** `ahu1`: supply air temperature control, a fan with its commands, one packed command register, sensors. */
export const AHU_POINTS: readonly PlantPoint[] = [
  row(
    'ahu1/sat-sp',
    'Supply air temperature set point',
    'set-point',
    { table: 'holding', register: 100, type: 'float32', order: 'CDAB' },
    18,
    {
      facts: { sp: true, discharge: true, ...temperature },
      unit: '°C',
      limits: { min: 14, max: 24, step: 0.5 },
    },
  ),
  row(
    'ahu1/sat-hi',
    'Supply air temperature high alarm limit',
    'alarm-limit',
    { table: 'holding', register: 102, type: 'float32', order: 'CDAB' },
    28,
    {
      facts: { alarmLimit: true, discharge: true, ...temperature },
      unit: '°C',
      limits: { min: 20, max: 40 },
    },
  ),
  row(
    'ahu1/sat-lo',
    'Supply air temperature low alarm limit',
    'alarm-limit',
    { table: 'holding', register: 104, type: 'float32', order: 'CDAB' },
    10,
    {
      facts: { alarmLimit: true, discharge: true, ...temperature },
      unit: '°C',
      limits: { min: 5, max: 16 },
    },
  ),
  row(
    'ahu1/dsp-sp',
    'Duct static pressure set point',
    'set-point',
    { table: 'holding', register: 106, type: 'int16', scale: 0.1 },
    250,
    {
      facts: { sp: true, pressure: true, air: true },
      unit: 'Pa',
      limits: { min: 50, max: 500, step: 10 },
    },
  ),
  row(
    'ahu1/fan-min',
    'Minimum fan speed',
    'parameter',
    { table: 'holding', register: 107, type: 'uint16', scale: 0.1 },
    20,
    {
      facts: { fan: true, speed: true },
      unit: '%',
      limits: { min: 0, max: 60 },
    },
  ),
  row(
    'ahu1/sat-kp',
    'Supply air temperature proportional gain',
    'parameter',
    { table: 'holding', register: 108, type: 'int16', scale: 0.01 },
    2.5,
    {
      facts: { pid: true },
    },
  ),
  row(
    'ahu1/sat-ti',
    'Supply air temperature integral time',
    'parameter',
    { table: 'holding', register: 109, type: 'uint16' },
    120,
    {
      facts: { pid: true },
      unit: 's',
    },
  ),
  row(
    'ahu1/rh-sp',
    'Supply air humidity set point',
    'set-point',
    { table: 'holding', register: 110, type: 'int16', scale: 0.1 },
    45,
    {
      facts: { sp: true, humidity: true, air: true },
      unit: '%RH',
      limits: { min: 30, max: 60, step: 1 },
    },
  ),
  row('ahu1/occ-cmd', 'Occupied mode', 'command', { table: 'holding', register: 120, type: 'bool', bit: 0 }, true, {
    facts: { cmd: true, occ: true },
  }),
  row('ahu1/econ-en', 'Economizer enable', 'command', { table: 'holding', register: 120, type: 'bool', bit: 1 }, true, {
    facts: { cmd: true },
  }),
  row('ahu1/purge-cmd', 'Night purge', 'command', { table: 'holding', register: 120, type: 'bool', bit: 2 }, false, {
    facts: { cmd: true },
  }),
  row(
    'ahu1/frost-en',
    'Frost protection enable',
    'parameter',
    { table: 'holding', register: 120, type: 'bool', bit: 8 },
    true,
    { facts: { safety: true } },
  ),
  row(
    'ahu1/service-date',
    'Last filter service, as YYYYMMDD',
    'parameter',
    { table: 'holding', register: 126, type: 'bcd32' },
    20_260_914,
    { facts: { filter: true } },
  ),
  row(
    'ahu1/asset-tag',
    'Asset label',
    'parameter',
    { table: 'holding', register: 130, type: 'string', length: 8 },
    'AHU-ROOF-EAST',
    { facts: { label: true } },
  ),
  row(
    'ahu1/model',
    'Model name',
    'sensor',
    { table: 'holding', register: 140, type: 'string', length: 8, access: 'read' },
    'Boreas 9000-X',
    { facts: { label: true } },
  ),
  row('ahu1/fan-cmd', 'Supply fan', 'command', { table: 'coil', register: 0, type: 'bool' }, true, {
    undo: true,
    facts: { cmd: true, fan: true },
  }),
  row('ahu1/damper-cmd', 'Outside air damper', 'command', { table: 'coil', register: 1, type: 'bool' }, true, {
    facts: { cmd: true, damper: true },
  }),
  row('ahu1/alarm-reset', 'Alarm reset', 'command', { table: 'coil', register: 2, type: 'bool' }, false, {
    facts: { cmd: true },
  }),
  row('ahu1/smoke-damper', 'Smoke damper', 'command', { table: 'coil', register: 3, type: 'bool' }, false, {
    facts: { cmd: true, damper: true, safety: true },
  }),
  row('ahu1/fan-status', 'Supply fan running', 'sensor', { table: 'discrete', register: 0, type: 'bool' }, true, {
    facts: { sensor: true, fan: true },
  }),
  row(
    'ahu1/sat-alarm',
    'Supply air temperature alarm',
    'sensor',
    { table: 'discrete', register: 1, type: 'bool' },
    false,
    { facts: { sensor: true, alarm: true } },
  ),
  row('ahu1/sat', 'Supply air temperature', 'sensor', { table: 'input', register: 0, type: 'float32' }, 18, {
    facts: { sensor: true, discharge: true, ...temperature },
    unit: '°C',
  }),
  row(
    'ahu1/rat',
    'Return air temperature',
    'sensor',
    { table: 'input', register: 2, type: 'float32', order: 'BADC' },
    22.5,
    {
      facts: { sensor: true, return: true, ...temperature },
      unit: '°C',
    },
  ),
  row(
    'ahu1/oat',
    'Outside air temperature',
    'sensor',
    { table: 'input', register: 4, type: 'float32', order: 'DCBA' },
    6,
    {
      facts: { sensor: true, outside: true, ...temperature },
      unit: '°C',
    },
  ),
  row('ahu1/dsp', 'Duct static pressure', 'sensor', { table: 'input', register: 6, type: 'int16', scale: 0.1 }, 250, {
    facts: { sensor: true, pressure: true, air: true },
    unit: 'Pa',
  }),
  row('ahu1/fan-speed', 'Supply fan speed', 'sensor', { table: 'input', register: 7, type: 'uint16', scale: 0.1 }, 55, {
    facts: { sensor: true, fan: true, speed: true },
    unit: '%',
  }),
];

/** Supply temperature and pressure follow their set points while the fan runs; the alarm follows its limits until reset. */
export function behaveAsAhu(bank: RegisterBank, seconds: number, elapsed: number): void {
  const running = bank.get('ahu1/fan-cmd') === true;
  const outside = 6 + swing(elapsed, 3600, 4);
  const target = running ? bank.number('ahu1/sat-sp') + swing(elapsed, 90, 0.1) : bank.number('ahu1/rat');
  const supply = follow(bank.number('ahu1/sat'), target, seconds, 20);
  const pressure = follow(bank.number('ahu1/dsp'), running ? bank.number('ahu1/dsp-sp') : 0, seconds, 5);
  bank.set('ahu1/oat', outside);
  bank.set('ahu1/rat', 22.5 + swing(elapsed, 1200, 0.4));
  bank.set('ahu1/sat', supply);
  bank.set('ahu1/dsp', pressure);
  bank.set('ahu1/fan-status', running);
  bank.set('ahu1/fan-speed', running ? Math.max(bank.number('ahu1/fan-min'), pressure * 0.22) : 0);
  const outOfRange = supply > bank.number('ahu1/sat-hi') || supply < bank.number('ahu1/sat-lo');
  if (bank.get('ahu1/alarm-reset') === true) bank.set('ahu1/sat-alarm', false);
  bank.set('ahu1/alarm-reset', false);
  if (outOfRange) bank.set('ahu1/sat-alarm', true);
}
