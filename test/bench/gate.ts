// What the door costs a frame, on a site of 10 000 points: naming the caller, judging a write, redeeming it with a journal that
// costs nothing, and asking whether one element may be read. Printed, not judged.

import { bundle, Stage } from '../gate/stage.ts';

const POINTS = 10_000;

function site(): object {
  const devices = Array.from({ length: POINTS / 20 }, (_, index) => ({ id: `d${index}`, name: 'D', location: 'hq' }));
  const points = Array.from({ length: POINTS }, (_, index) => ({
    id: `d${Math.floor(index / 20)}/p${index}`,
    name: 'P',
    device: `d${Math.floor(index / 20)}`,
    class: 'set-point',
    limits: { min: 0, max: 100, step: 0.5 },
  }));
  const grants = [{ to: 'user:anna', role: 'admin', at: 'hq' }];
  return bundle({}, { devices, points, grants });
}

/** Nanoseconds a call: the median of several rounds. */
function measure(calls: number, run: (index: number) => unknown): number {
  const rounds = Array.from({ length: 7 }, () => {
    const begin = process.hrtime.bigint();
    for (let index = 0; index < calls; index += 1) run(index);
    return Number(process.hrtime.bigint() - begin) / calls;
  });
  return rounds.sort((a, b) => a - b)[3] ?? 0;
}

const stage = Stage.set({}, site());
const { gate } = stage;
const caller = await stage.session('anna', '127.0.0.1');
const peer = stage.peer('127.0.0.1');
const ids = Array.from({ length: POINTS }, (_, index) => `d${Math.floor(index / 20)}/p${index}`);
const handles = ids.map((id) => stage.handle(id));
const changes = ids.map((id) => stage.write(id, 20.5));
const [first, ...others] = ids.slice(0, 50).map((id) => stage.effect(id, 20.5));
if (!first) throw new Error('no effects');
const fifty = stage.change([first, ...others]);
const pick = <T>(list: readonly T[], index: number): T => {
  const one = list[(index * 7919) % list.length];
  if (one === undefined) throw new Error('empty list');
  return one;
};

const rows: [string, number][] = [
  ['callerOf, known peer', measure(1_000_000, () => gate.callerOf(peer))],
  ['callerOf, new peer object', measure(200_000, () => gate.callerOf({ ...peer }))],
  ['reader', measure(1_000_000, () => gate.reader(caller, 'point.read'))],
  ['reader().permits', measure(1_000_000, (index) => gate.reader(caller, 'point.read').permits(pick(handles, index)))],
  ['judge, one point', measure(50_000, (index) => gate.judge(caller, pick(changes, index)))],
  ['judge, fifty points', measure(2000, () => gate.judge(caller, fifty))],
  [
    'judge, refused and folded',
    measure(20_000, () => gate.judge(stage.gate.callerOf(stage.peer('192.0.2.1')), pick(changes, 1))),
  ],
];
const begin = process.hrtime.bigint();
const ROUNDS = 20_000;
for (let index = 0; index < ROUNDS; index += 1) {
  await stage.send(caller, pick(changes, index));
  stage.journal.durable.length = 0;
  stage.journal.reserved.length = 0;
}
rows.push(['judge, redeem, settle', Number(process.hrtime.bigint() - begin) / ROUNDS]);
for (const [name, ns] of rows) process.stdout.write(`${name.padEnd(28)} ${(ns / 1000).toFixed(2).padStart(8)} µs\n`);
await gate.stop();
