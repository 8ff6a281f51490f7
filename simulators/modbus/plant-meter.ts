// The demo plant's electricity meters: one register map for both, with 64-bit energy counters, and their behaviour.

import { type PlantPoint, row, swing } from './plant-point.ts';
import type { RegisterBank } from './register-bank.ts';

const electric = { sensor: true, elec: true };

/** The map of one meter; `meter` is its device id and the beginning of its points' ids. */
export function meterPoints(meter: string, serial: number, startEnergy: number): readonly PlantPoint[] {
  return [
    row(
      `${meter}/ct-primary`,
      'Current transformer, primary',
      'parameter',
      { table: 'holding', register: 0, type: 'uint16' },
      400,
      {
        facts: { elec: true, config: true },
        unit: 'A',
        limits: { min: 5, max: 5000 },
        involves: [`${meter}/power`, `${meter}/energy-import`],
      },
    ),
    row(
      `${meter}/ct-secondary`,
      'Current transformer, secondary',
      'parameter',
      { table: 'holding', register: 1, type: 'uint16' },
      5,
      {
        facts: { elec: true, config: true },
        unit: 'A',
        limits: { values: [1, 5] },
      },
    ),
    row(`${meter}/demand-period`, 'Demand period', 'parameter', { table: 'holding', register: 2, type: 'uint16' }, 15, {
      facts: { elec: true, config: true },
      unit: 'min',
      limits: { values: [5, 10, 15, 30, 60] },
    }),
    row(
      `${meter}/power-hi`,
      'Power alarm limit',
      'alarm-limit',
      { table: 'holding', register: 4, type: 'float32' },
      160,
      {
        facts: { alarmLimit: true, power: true, elec: true },
        unit: 'kW',
        limits: { min: 10, max: 400 },
      },
    ),
    row(`${meter}/tariff`, 'Tariff in force', 'set-point', { table: 'holding', register: 6, type: 'bcd16' }, 1, {
      facts: { sp: true, elec: true },
      limits: { min: 1, max: 4, step: 1 },
    }),
    row(
      `${meter}/serial`,
      'Serial number',
      'sensor',
      { table: 'holding', register: 8, type: 'bcd32', access: 'read' },
      serial,
      { facts: { label: true } },
    ),
    row(
      `${meter}/model`,
      'Model name',
      'sensor',
      { table: 'holding', register: 10, type: 'string', length: 6, access: 'read' },
      'Tally 3P',
      { facts: { label: true } },
    ),
    row(
      `${meter}/energy-reset`,
      'Clear the resettable energy counter',
      'command',
      { table: 'coil', register: 0, type: 'bool' },
      false,
      { facts: { cmd: true, energy: true } },
    ),
    row(`${meter}/power-alarm`, 'Power alarm', 'sensor', { table: 'discrete', register: 0, type: 'bool' }, false, {
      facts: { alarm: true, ...electric },
    }),
    row(`${meter}/volt-l1`, 'Voltage L1', 'sensor', { table: 'input', register: 0, type: 'float32' }, 230, {
      facts: { volt: true, ...electric },
      unit: 'V',
    }),
    row(`${meter}/volt-l2`, 'Voltage L2', 'sensor', { table: 'input', register: 2, type: 'float32' }, 230, {
      facts: { volt: true, ...electric },
      unit: 'V',
    }),
    row(`${meter}/volt-l3`, 'Voltage L3', 'sensor', { table: 'input', register: 4, type: 'float32' }, 230, {
      facts: { volt: true, ...electric },
      unit: 'V',
    }),
    row(
      `${meter}/power`,
      'Active power',
      'sensor',
      { table: 'input', register: 6, type: 'int32', scale: 0.001 },
      84.2,
      { facts: { power: true, ...electric }, unit: 'kW' },
    ),
    row(`${meter}/frequency`, 'Frequency', 'sensor', { table: 'input', register: 8, type: 'uint16', scale: 0.01 }, 50, {
      facts: { freq: true, ...electric },
      unit: 'Hz',
    }),
    row(
      `${meter}/power-factor`,
      'Power factor',
      'sensor',
      { table: 'input', register: 9, type: 'int16', scale: 0.001 },
      0.94,
      { facts: { pf: true, ...electric } },
    ),
    row(
      `${meter}/energy-import`,
      'Active energy, import',
      'sensor',
      { table: 'input', register: 100, type: 'uint64' },
      BigInt(startEnergy),
      { facts: { energy: true, ...electric }, unit: 'Wh' },
    ),
    row(
      `${meter}/energy-export`,
      'Active energy, export',
      'sensor',
      { table: 'input', register: 104, type: 'int64', order: 'CDAB' },
      1_204_118n,
      { facts: { energy: true, ...electric }, unit: 'Wh' },
    ),
    row(
      `${meter}/energy-trip`,
      'Active energy since reset',
      'sensor',
      { table: 'input', register: 108, type: 'uint32', order: 'CDAB' },
      0,
      { facts: { energy: true, ...electric }, unit: 'Wh' },
    ),
  ];
}

/** Power swings around `base` kW and is counted into the energies; writing the reset coil clears the resettable one. */
export function behaveAsMeter(
  meter: string,
  startEnergy: number,
  base: number,
): (bank: RegisterBank, seconds: number, elapsed: number) => void {
  let counted = startEnergy;
  let trip = 0;
  return (bank, seconds, elapsed) => {
    const power = base + swing(elapsed, 300, base / 10);
    const energy = (power * 1000 * seconds) / 3600;
    counted += energy;
    trip = bank.get(`${meter}/energy-reset`) === true ? 0 : trip + energy;
    bank.set(`${meter}/energy-reset`, false);
    bank.set(`${meter}/power`, power);
    bank.set(`${meter}/power-alarm`, power > bank.number(`${meter}/power-hi`));
    bank.set(`${meter}/energy-import`, BigInt(Math.floor(counted)));
    bank.set(`${meter}/energy-trip`, Math.floor(trip));
    bank.set(`${meter}/frequency`, 50 + swing(elapsed, 40, 0.02));
    for (const [index, phase] of ['l1', 'l2', 'l3'].entries()) {
      bank.set(`${meter}/volt-${phase}`, 230 + swing(elapsed + index * 20, 60, 1.5));
    }
  };
}
