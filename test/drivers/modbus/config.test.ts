// The driver's section: what a schema cannot say, and what hinders the start, each with its place and a clear sentence.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { driver } from '../../../drivers/modbus/driver.ts';
import { StartFault } from '../../../src/contract/driver.ts';
import { parseSection, Rig, type Section } from './rig.ts';

const north = { name: 'north', address: '127.0.0.1', port: 1502 };
const line = { tcp: { host: 'a', port: 502 } };

function faults(section: object): string[] {
  const whole = { listen: [north], lines: { l: line }, units: [{ unit: 1, device: 'd' }], ...section };
  return driver.checkConfiguration(parseSection(whole)).map(({ path }) => path);
}

describe('faults across the section', () => {
  test.each<[string, object, string[]]>([
    ['nothing', {}, []],
    ['two listeners of one name', { listen: [north, { ...north, port: 1503 }] }, ['listen.1.name']],
    ['two listeners on one port', { listen: [north, { ...north, name: 'b' }] }, ['listen.1.port']],
    ['one of them on every address', { listen: [north, { name: 'b', port: 1502 }] }, ['listen.1.port']],
    ['one port of two addresses', { listen: [north, { ...north, name: 'b', address: '127.0.0.2' }] }, []],
    [
      'ports the system chooses',
      {
        listen: [
          { ...north, port: 0 },
          { ...north, name: 'b', port: 0 },
        ],
      },
      [],
    ],
    ['a listener nobody knows', { units: [{ listener: 'x', unit: 1, device: 'd' }] }, ['units.0.listener']],
    [
      'one unit for two devices',
      {
        units: [
          { unit: 1, device: 'd' },
          { unit: 1, device: 'e' },
        ],
      },
      ['units.1.unit'],
    ],
    [
      'one device for two units',
      {
        units: [
          { unit: 1, device: 'd' },
          { unit: 2, device: 'd' },
        ],
      },
      ['units.1.device'],
    ],
    ['unit 0 of one device', { units: [{ unit: 0, device: 'd' }] }, []],
    [
      'unit 0 among several',
      {
        units: [
          { unit: 0, device: 'd' },
          { unit: 2, device: 'e' },
        ],
      },
      ['units.0.unit'],
    ],
    [
      'unit 255 among several',
      {
        units: [
          { listener: 'north', unit: 255, device: 'd' },
          { unit: 2, device: 'e' },
        ],
      },
      ['units.0.unit'],
    ],
    [
      'two lines to one host',
      { lines: { l: line, m: { rtuOverTcp: { host: 'a', port: 502 } } } },
      ['lines.m.rtuOverTcp'],
    ],
    [
      'two lines on one serial port',
      { lines: { l: { serial: { path: '/dev/x' } }, m: { serial: { path: '/dev/x' } } } },
      ['lines.m.serial'],
    ],
    [
      'a function twice',
      {
        permit: [
          { device: 'd', functionCode: 65, action: 'device.configure' },
          { device: 'd', functionCode: 65, action: 'device.control' },
        ],
      },
      ['permit.1'],
    ],
    [
      'a function that is judged',
      { permit: [{ device: 'd', functionCode: 6, action: 'device.configure' }] },
      ['permit.0.functionCode'],
    ],
    [
      'a sub-function that is judged',
      { permit: [{ device: 'd', functionCode: 8, subFunction: 1, action: 'device.configure' }] },
      ['permit.0.functionCode'],
    ],
    [
      'a sub-function where there is none',
      { permit: [{ device: 'd', functionCode: 65, subFunction: 1, action: 'device.configure' }] },
      ['permit.0.subFunction'],
    ],
    [
      'no sub-function where there must be one',
      { permit: [{ device: 'd', functionCode: 43, action: 'device.configure' }] },
      ['permit.0.subFunction'],
    ],
    [
      'a reserved sub-function, CANopen',
      {
        permit: [
          { device: 'd', functionCode: 8, subFunction: 5, action: 'device.configure' },
          { device: 'd', functionCode: 43, subFunction: 13, action: 'device.configure' },
        ],
      },
      [],
    ],
  ])('%s', (_name, section, paths) => {
    expect(faults(section)).toEqual(paths);
  });

  test.each([
    { listen: [] },
    { listen: [{ ...north, colour: 'red' }] },
    { lines: { l: { ...line, serial: { path: '/dev/x' } } } },
    { lines: { l: { ...line, inFlight: 17 } } },
    { lines: { 'a b': line } },
    { units: [{ unit: 256, device: 'd' }] },
    { permit: [{ device: 'd', functionCode: 0, action: 'device.configure' }] },
    { permit: [{ device: 'd', functionCode: 65, action: 'point.read' }] },
  ])('the schema refuses %j', (section) => {
    expect(() => faults(section)).toThrow();
  });
});

describe('what hinders the start', () => {
  async function startWith(change: (section: Section) => object): Promise<StartFault> {
    try {
      const rig = await Rig.start({ section: change });
      await rig.stop();
    } catch (fault) {
      if (fault instanceof StartFault) return fault;
      throw fault;
    }
    throw new Error('it started');
  }

  test('a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const fault = await startWith((section) => ({ ...section, listen: [{ ...north, port }] }));
    expect(fault.code).toBe('port-in-use');
    expect(fault.message).toContain(`port \`${port}\` of \`127.0.0.1\` is in use`);
    taken.close();
    await once(taken, 'close');
  });

  test('but for an address that is not there yet: it is waited for, and the other listeners work', async () => {
    const late = { ...north, name: 'late', port: 0, address: '192.0.2.1' };
    const rig = await Rig.start({ section: (section) => ({ ...section, listen: [late, { ...north, port: 0 }] }) });
    const { degraded, listening } = rig.driver.status();
    await rig.stop();
    expect(degraded).toEqual([
      expect.stringMatching(/^listener `late`: `192\.0\.2\.1` is no address of an interface that is up; found /),
    ]);
    expect(listening.map(({ name }) => name)).toEqual(['north']);
  });

  test('a serial port that is none', async () => {
    const fault = await startWith((section) => ({
      ...section,
      lines: { ...section.lines, meters: { serial: { path: tmpdir() } } },
    }));
    expect(fault.code).toBe('serial-path-invalid');
    expect(fault.message).toBe(`drivers.modbus.lines.meters.serial.path: got \`${tmpdir()}\`, expected a serial port`);
  });

  test('but for a serial port that is not plugged in yet, or whose folder nobody may look into', async () => {
    for (const path of ['/dev/gatehouse-none', '/proc/1/task/none/x'.padEnd(300, 'x')]) {
      const rig = await Rig.start({
        section: (section) => ({ ...section, lines: { ...section.lines, meters: { serial: { path } } } }),
      });
      const told = rig.driver.status().degraded;
      await rig.stop();
      expect(told).toEqual([expect.stringMatching(/^line `meters`: serial port `[^`]+` is not open: /)]);
    }
  });

  test('certificate files that are not there, or are none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-config-'));
    const file = join(folder, 'junk.pem');
    writeFileSync(file, 'junk');
    const tls = { certificateFile: file, keyFile: file, caFile: file };
    const codes = [];
    for (const files of [{ ...tls, keyFile: join(folder, 'none') }, tls, { ...tls, crlFile: file }]) {
      const fault = await startWith((section) => ({ ...section, listen: [{ ...north, port: 0, tls: files }] }));
      codes.push([fault.code, fault.message.includes(folder)]);
    }
    expect(codes).toEqual([
      ['tls-file-unreadable', true],
      ['tls-file-invalid', false],
      ['tls-file-invalid', true],
    ]);
    await rm(folder, { recursive: true });
  });
});
