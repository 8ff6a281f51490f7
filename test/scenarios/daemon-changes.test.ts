// The first whole road as people use it: the gateway as a process, a real broker where there is one, real Modbus tools, and
// the devices' own records as the judge. Tools without a choice of address work from 127.0.0.1, so sessions take turns there.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { floatRegisters, Tool } from '../../simulators/demo/tool.ts';
import { type Rig, startRig, until } from './daemon-rig.ts';
import { mbpollRead, mbpollWrite } from './peers/mbpoll.ts';
import { startMosquitto } from './peers/mosquitto.ts';
import { have } from './peers/program.ts';
import { havePymodbus, pymodbusClient } from './peers/pymodbus.ts';

const closers: (() => Promise<unknown>)[] = [];
const withPymodbus = await havePymodbus();
let rig: Rig;

beforeAll(async () => {
  const broker = have('mosquitto') ? await startMosquitto() : undefined;
  if (broker) closers.push(() => broker.stop());
  rig = await startRig(broker ? { brokerUrl: broker.url } : {});
  closers.push(() => rig.stop());
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const SAT_SP = { table: 'holding', register: 100, as: 'float' } as const;
const target = () => ({ host: '127.0.0.1', port: rig.port('plant') });
const writes = () => rig.plant.writesSeen();

async function workAs(person: string, address = '127.0.0.1'): Promise<void> {
  await rig.ask('session', 'end', address);
  const { code, stderr } = await rig.ask('session', 'open', '--as', person, '--from', address, '--for', '30m');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

describe.runIf(have('mbpoll'))('with mbpoll', () => {
  test('anyone reads; Anna writes; what she may not, Ben, and nobody are refused and never reach the device', async () => {
    const before = writes();
    const read = await mbpollRead(target(), { table: 'input', register: 0, as: 'float', bigEndian: true });
    expect(read.values[0]).toBeCloseTo(18, 0);
    expect((await mbpollWrite(target(), SAT_SP, [19])).stderr).toContain('Illegal function');
    expect(writes()).toBe(before);

    await workAs('anna');
    expect((await mbpollWrite(target(), SAT_SP, [21.5])).code).toBe(0);
    expect(rig.plant.devices.ahu1.bank.get('ahu1/sat-sp')).toBe(21.5);
    expect(writes()).toBe(before + 1);
    const span = await mbpollWrite(target(), SAT_SP, [20, 30]);
    const half = await mbpollWrite(target(), { table: 'holding', register: 100 }, [16_000]);
    const high = await mbpollWrite(target(), SAT_SP, [30]);
    const safety = await mbpollWrite(target(), { table: 'coil', register: 3 }, [1]);
    const coils = await mbpollWrite(target(), { table: 'coil', register: 1 }, [1, 0, 1]);
    expect([span, half, high, safety, coils].map(({ stderr }) => /failed: (.*)/.exec(stderr)?.[1])).toEqual([
      'Illegal function',
      'Illegal function',
      'Illegal data value',
      'Illegal function',
      'Illegal function',
    ]);
    expect(writes()).toBe(before + 1);

    await workAs('ben');
    expect((await mbpollWrite(target(), SAT_SP, [19])).stderr).toContain('Illegal function');
    expect(writes()).toBe(before + 1);
    expect(rig.plant.devices.ahu1.record.othersSeen()).toBe(0);
  });

  test('a unit id nobody configured goes nowhere', async () => {
    const before = rig.plant.lines.ahu.conversation.bytesArrived;
    const answer = await mbpollRead({ ...target(), unit: 77 }, { table: 'holding', register: 100 });
    expect(answer.stderr).toMatch(/path unavailable|Target device failed/i);
    expect(rig.plant.lines.ahu.conversation.bytesArrived).toBe(before);
  });
});

// Its mask and read-write requests take the unit by another name than the rest, and go to unit 0 without it.
describe.runIf(withPymodbus)('with pymodbus', () => {
  test('function codes 5, 6, 15, 16, 22 and 23, permitted and not', async () => {
    await workAs('anna');
    const before = writes();
    const answers = await pymodbusClient(target(), [
      { method: 'write_coil', args: [0, false] },
      { method: 'write_register', args: [106, 3000] },
      { method: 'write_coils', args: [0, [true, true]] },
      { method: 'write_registers', args: [100, floatRegisters(20)] },
      // Occupied mode alone: bit 0 of the packed command register.
      { method: 'mask_write_register', args: [120, 0xfffe, 0], kwargs: { unit: 1 } },
      { method: 'read_holding_registers', args: [106, 1] },
    ]);
    expect(answers.filter(({ ok }) => !ok)).toEqual([]);
    expect(writes()).toBe(before + 5);
    expect(rig.plant.devices.ahu1.bank.get('ahu1/occ-cmd')).toBe(false);
    const refused = await pymodbusClient(target(), [
      // Frost protection is no set point and marked as safety.
      { method: 'mask_write_register', args: [120, 0xfeff, 0], kwargs: { unit: 1 } },
      { method: 'write_register', args: [107, 100] },
      {
        method: 'readwrite_registers',
        args: [],
        kwargs: { unit: 1, read_address: 100, read_count: 2, write_address: 107, write_registers: [100] },
      },
    ]);
    expect(refused.map((answer) => (answer.ok ? 'done' : answer.exception))).toEqual([1, 1, 1]);
    expect(writes()).toBe(before + 5);
  });
});

test('a supervisory station polls and writes steadily beside the people', async () => {
  await workAs('anna', '127.0.0.2');
  const station = await Tool.connect('127.0.0.21', rig.port('plant'));
  const anna = await Tool.connect('127.0.0.2', rig.port('plant'));
  closers.push(
    () => station.close(),
    () => anna.close(),
  );
  const before = rig.plant.devices.chiller1.record.writesSeen();
  const limits: number[] = [];
  for (let round = 0; round < 100; round += 1) {
    expect(await station.read(2, 'input', 0, 8)).toHaveProperty('registers');
    const limit = 40 + 5 * (round % 12);
    limits.push(limit);
    expect(await station.write(2, 6, [limit])).toBe('done');
    // The same again: what a station does all day, under a standing intent.
    expect(await station.write(2, 6, [limit])).toBe('done');
    if (round % 10 === 0) expect(await anna.write(1, 100, floatRegisters(14 + (round % 20) / 2))).toBe('done');
  }
  expect(rig.plant.devices.chiller1.record.writesSeen()).toBe(before + 200);
  expect(rig.plant.devices.chiller1.bank.get('chiller1/demand-limit')).toBe(limits.at(-1));
  expect(await station.write(2, 0, floatRegisters(8))).toEqual({ exception: 1 });
  expect(rig.plant.devices.chiller1.record.writesSeen()).toBe(before + 200);
});

test('the record says who, by which proof, from where, what, old and new, why, under which revision, and what became of it', async () => {
  await workAs('anna', '127.0.0.2');
  const anna = await Tool.connect('127.0.0.2', rig.port('plant'));
  closers.push(() => anna.close());
  const old = rig.plant.devices.ahu1.bank.get('ahu1/rh-sp');
  expect(await anna.write(1, 110, [480])).toBe('done');
  expect(await anna.write(1, 103, [0])).toEqual({ exception: 1 });
  await until('both are in the record', async () => (await rig.rows()).at(-1)?.row.kind === 'refusal');
  const rows = await rig.rows();
  const intent = rows.findLast(({ row }) => row.kind === 'intent')?.row;
  expect(intent).toMatchObject({
    who: {
      principal: 'anna',
      channel: 'tool',
      proof: { kind: 'tool-session' },
      from: expect.stringMatching(/^127\.0\.0\.2:\d+$/),
      driver: 'modbus',
    },
    operation: 'writeSingleRegister',
    by: 'permit',
    revision: 1,
    effects: [{ target: 'ahu1/rh-sp', device: 'ahu1', action: 'point.write', old, new: 48 }],
  });
  const outcome = rows.find(({ row }) => row.kind === 'outcome' && row.decision === intent?.decision)?.row;
  expect(outcome).toMatchObject({ outcome: { kind: 'acknowledged' } });
  expect(rows.at(-1)?.row).toMatchObject({
    kind: 'refusal',
    who: { principal: 'anna' },
    reason: 'channel-restricted',
    target: 'ahu1',
    revision: 1,
    count: 1,
  });

  const shown = await rig.journal('show', String(intent?.decision));
  expect([shown.code, shown.stdout.includes('"acknowledged"')]).toEqual([0, true]);
  expect((await rig.journal('show', '999999')).code).toBe(2);
  const tail = await rig.journal('tail', '-n', '3', '--principal', 'anna', '--kind', 'refusal');
  expect(tail.stdout).toMatch(/deny .*: anna \(tool-session\) from 127\.0\.0\.2:\d+ writeSingleRegister/);
  const verified = await rig.journal('verify', '--json');
  expect(JSON.parse(verified.stdout)).toMatchObject({ intact: true, rows: rows.length });
  const file = join(rig.folder, 'export.ndjson');
  expect((await rig.journal('export', '--out', file)).code).toBe(0);
  expect((await readFile(file, 'utf8')).trim().split('\n').length).toBeGreaterThanOrEqual(rows.length);
  const csv = await rig.journal('export', '--format', 'csv', '--kind', 'intent');
  expect(csv.stdout.split('\n')[0]).toContain('principal');
});

test('sessions: refused with a reason, listed, ended; explain and status answer', async () => {
  await workAs('anna', '127.0.0.2');
  const open = (person: string, address: string, time = '30m') =>
    rig.ask('session', 'open', '--as', person, '--from', address, '--for', time);
  expect(await open('ben', '127.0.0.2')).toMatchObject({ code: 3, stderr: expect.stringContaining('`anna`') });
  expect(await open('nobody', '127.0.0.9')).toMatchObject({ code: 2 });
  expect(await open('ben', '127.0.0.21')).toMatchObject({ code: 3, stderr: expect.stringContaining('application') });
  expect(await open('ben', '192.0.2.7')).toMatchObject({ code: 3 });
  expect(await open('ben', '127.0.0.9', '3')).toMatchObject({ code: 2 });
  expect(await open('ben', '127.0.0.9', '30h')).toMatchObject({ code: 2 });
  const listed = JSON.parse((await rig.ask('session', 'list', '--json')).stdout) as { id: string; address: string }[];
  const own = listed.find(({ address }) => address === '127.0.0.2');
  expect((await rig.ask('session', 'end', own?.id ?? '')).code).toBe(0);
  expect((await rig.ask('session', 'end', own?.id ?? '')).code).toBe(2);
  expect((await rig.ask('session', 'end', '127.0.0.2')).code).toBe(2);

  const ask = (person: string) =>
    rig.ask('explain', '--principal', person, '--action', 'point.write', '--targets', 'ahu1/sat-sp', '--json');
  const [anna, ben] = await Promise.all([ask('anna'), ask('ben')]);
  expect([anna.code, ben.code]).toEqual([0, 3]);
  expect(JSON.parse(ben.stdout)).toMatchObject({ decision: 'deny', reason: 'no-permission', target: 'ahu1/sat-sp' });
  const status = JSON.parse((await rig.ask('status', '--json')).stdout);
  expect(status).toMatchObject({ ready: true, policy: { revision: 1, points: 85 }, journal: { writable: true } });
});

test('a bundle whose map overlaps is refused with the place, and the policy stays', async () => {
  const overlapping = await rig.push([], (bundle) => {
    const text = JSON.stringify(bundle).replace('"register":102,', '"register":101,');
    return JSON.parse(text);
  });
  expect(overlapping).toMatchObject({
    state: 'refused',
    code: 'refused-bundle',
    faults: [{ path: expect.stringContaining('address'), found: expect.stringContaining('`ahu1/sat-sp`') }],
  });
  const unknown = await rig.push([], (bundle) => ({
    ...bundle,
    users: [{ id: 'x', name: 'X', home: 'nowhere', colour: 1 }],
  }));
  expect(unknown.faults.length).toBeGreaterThan(1);
  expect(JSON.parse((await rig.ask('status', '--json')).stdout).policy.revision).toBe(1);
});

test('health for supervisors', async () => {
  expect(await rig.health('/livez')).toEqual({ status: 200, text: 'live\n' });
  expect(await rig.health('/readyz')).toEqual({ status: 200, text: 'ready\n' });
  expect((await rig.health('/nothing')).status).toBe(404);
  const metrics = (await rig.health('/metrics')).text;
  expect(metrics).toMatch(/^gatehouse_ready 1$/m);
  expect(metrics).toMatch(
    /^# TYPE gatehouse_gate_changes_refused_total counter\ngatehouse_gate_changes_refused_total \d+$/m,
  );
  expect(metrics).toMatch(/^# TYPE gatehouse_gate_sessions_open gauge$/m);
  expect(metrics).toMatch(/^gatehouse_line_up\{driver="modbus",line="ahu"\} 1$/m);
});
