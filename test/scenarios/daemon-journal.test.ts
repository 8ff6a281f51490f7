// A record that cannot be written: changes are refused, reading goes on, and whoever asks is told; when it can be written
// again, so can the devices.

import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Tool } from '../../simulators/demo/tool.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { type Rig, type RigOptions, startRig, until } from './daemon-rig.ts';

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function rigWith(options: RigOptions = {}): Promise<{ readonly rig: Rig; readonly station: Tool }> {
  const rig = await startRig(options);
  closers.push(() => rig.stop());
  const station = await Tool.connect('127.0.0.21', rig.port('plant'));
  closers.push(() => station.close());
  return { rig, station };
}

const DEMAND_LIMIT = 6;
/** Modbus: the server itself cannot carry it out. */
const refused = { exception: 4 };

test('another program holds the journal: refused `journal-unavailable` for as long as it does', async () => {
  const { rig, station } = await rigWith();
  expect(await station.write(2, DEMAND_LIMIT, [80])).toBe('done');
  const before = rig.plant.writesSeen();
  const other = new Sqlite(join(rig.data, 'journal.db'));
  closers.push(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  expect(await station.write(2, DEMAND_LIMIT, [75])).toEqual(refused);
  expect(rig.plant.writesSeen()).toBe(before);
  expect(await station.read(2, 'input', 0, 2)).toHaveProperty('registers');
  const ready = await rig.health('/readyz');
  expect(ready).toMatchObject({ status: 503, text: expect.stringContaining('journal') });
  expect((await rig.health('/livez')).status).toBe(200);
  const status = await rig.ask('status');
  expect([status.code, status.stdout.includes('NOT WRITABLE')]).toEqual([1, true]);
  expect(rig.gateway().lines.some((line) => line.includes('journal.unavailable'))).toBe(true);
  const session = await rig.ask('session', 'open', '--as', 'anna', '--from', '127.0.0.2', '--for', '5m');
  expect(session).toMatchObject({ code: 3, stderr: expect.stringContaining('record') });

  other.exec('ROLLBACK');
  await until('the gateway is ready again', async () => (await rig.health('/readyz')).status === 200);
  expect(await station.write(2, DEMAND_LIMIT, [70])).toBe('done');
  expect(rig.plant.writesSeen()).toBe(before + 1);
  await until('the record says that refusals were lost to it', async () =>
    (await rig.rows()).some(({ row }) => row.kind === 'system' && row.event === 'notes-lost'),
  );
  expect((await rig.journal('verify')).code).toBe(0);
});

test('the journal is full: changes end, reading goes on, the record stays intact', async () => {
  const mebibyte = 1_048_576;
  const { rig, station } = await rigWith({
    configure: (yaml) => `${yaml}journal: { maxBytes: ${17 * mebibyte} }\n`,
  });
  let done = 0;
  const limit = () => 40 + 5 * (done % 13);
  while ((await station.write(2, DEMAND_LIMIT, [limit()])) === 'done') done += 1;
  const arrived = rig.plant.writesSeen();
  expect(arrived).toBe(done);
  expect(await station.write(2, DEMAND_LIMIT, [limit()])).toEqual(refused);
  expect(rig.plant.writesSeen()).toBe(arrived);
  expect(await station.read(2, 'input', 0, 2)).toHaveProperty('registers');
  expect(await rig.health('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('full') });
  expect((await rig.journal('verify')).code).toBe(0);
  await station.close();
  expect(await rig.gateway().stop()).toBe(0);
  // The outcome of the last one, whose standing intent the stop closed, went into the space kept for it.
  const rows = await rig.rows();
  const counts = ['intent', 'outcome'].map((kind) => rows.filter(({ row }) => row.kind === kind).length);
  expect(counts).toEqual([done, done]);
  await rig.restart();
  expect(await rig.health('/readyz')).toMatchObject({ status: 503, text: expect.stringContaining('full') });
});

test('rows cut off at the end: a sound chain alone, broken against a row kept elsewhere', async () => {
  const { rig, station } = await rigWith();
  expect(await station.write(2, DEMAND_LIMIT, [80])).toBe('done');
  await rig.gateway().stop();
  const last = (await rig.rows()).at(-1);
  if (!last) throw new Error('got no row');
  const head = `${last.number}:${last.hash}`;
  expect(await rig.journal('verify', '--head', head)).toMatchObject({ code: 0 });
  const thief = new Sqlite(join(rig.data, 'journal.db'));
  thief.pragma('foreign_keys = OFF');
  for (const name of thief.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all())
    thief.exec(`DROP TRIGGER ${name}`);
  thief.prepare('DELETE FROM row WHERE number >= ?').run(last.number);
  thief.prepare('DELETE FROM row_target WHERE number >= ?').run(last.number);
  thief.close();
  expect(await rig.journal('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('--head') });
  const cut = await rig.journal('verify', '--head', head);
  expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining(`broken at row ${last.number}`) });
  const other = await rig.journal('verify', '--head', `1:${'0'.repeat(64)}`);
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('another hash') });
  expect(await rig.journal('verify', '--head', '1:abc')).toMatchObject({ code: 2 });
});
