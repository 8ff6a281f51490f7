// Whatever the broker does and wherever the process dies: floors never fall, one whole signed policy is in force, no command
// is executed twice or late, no journal row is lost; and once all is well again, everything arrives.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { COMMANDS, flipped, LOCKS, POLICIES, World } from './model-world.ts';
import { trustedRoot } from './road.ts';
import { START } from './virtual-time.ts';

type Model = Record<string, never>;

/** One thing that happens, then everything that must hold. */
class Step implements fc.AsyncCommand<Model, World> {
  readonly #name: string;
  readonly #happen: (world: World) => void | Promise<void>;

  constructor(name: string, happen: (world: World) => void | Promise<void>) {
    this.#name = name;
    this.#happen = happen;
  }

  check(): boolean {
    return true;
  }

  async run(_model: Model, world: World): Promise<void> {
    await this.#happen(world);
    await world.check();
  }

  toString(): string {
    return this.#name;
  }
}

const flip = fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat({ max: 600 }) });
const pick = <T>(list: readonly T[]) => fc.tuple(fc.constantFrom(...list), flip);

const steps = [
  pick(POLICIES).map(
    ([{ revision, manifest }, at]) =>
      new Step(`manifest ${revision} ${at}`, ({ process }) => process.road.acceptance.arrive(flipped(manifest, at))),
  ),
  pick(POLICIES).map(
    ([{ revision, parts }, at]) =>
      new Step(`chunks of ${revision} ${at}`, ({ process }) => {
        for (const { sha256, chunks } of parts) {
          process.road.acceptance.chunk(sha256, 0, flipped(chunks[0] ?? Buffer.alloc(0), at));
        }
      }),
  ),
  fc.constant(new Step('the parts that are wanted', (world) => world.answerWanted())),
  fc.constantFrom(...POLICIES).map(
    ({ revision, manifest }) =>
      new Step(`policy ${revision}, whole`, async (world) => {
        world.process.road.acceptance.arrive(manifest);
        await world.settle();
        await world.answerWanted();
      }),
  ),
  pick(LOCKS).map(
    ([text, at]) =>
      new Step(`locks ${LOCKS.indexOf(text)} ${at}`, ({ process }) => process.locks.arrive(flipped(text, at))),
  ),
  pick(COMMANDS).map(
    ([{ jti, text }, at]) =>
      new Step(`command ${jti} ${at}`, ({ process }) => process.commands.arrive(jti, flipped(text, at))),
  ),
  fc
    .constantFrom(...COMMANDS)
    .map(({ jti, text }) => new Step(`command ${jti}`, ({ process }) => process.commands.arrive(jti, text))),
  fc.nat({ max: 999 }).map((n) => new Step(`a row ${n}`, (world) => world.append(`${n}`))),
  fc.boolean().map((isUp) => new Step(`line ${isUp ? 'up' : 'down'}`, (world) => world.line(isUp))),
  fc.constant(new Step('a batch arrives', (world) => world.deliverBatch())),
  fc.constant(new Step('a batch is lost', (world) => void world.onTheWay.shift())),
  fc.constant(
    new Step('a batch comes twice', (world) => void (world.onTheWay[0] && world.onTheWay.push(world.onTheWay[0]))),
  ),
  fc.constant(new Step('batches change places', (world) => void world.onTheWay.reverse())),
  fc
    .tuple(fc.nat({ max: 3 }), fc.constantFrom(false, false, false, true), flip)
    .map(([back, wrong, at]) => new Step(`ack ${back} ${wrong} ${at}`, (world) => world.ack(back, wrong, at))),
  fc.constant(new Step('retention', (world) => world.prune())),
  fc
    .constantFrom(1_000, 1_000, 30_000, 60_000, 600_000)
    .map((ms) => new Step(`${ms} ms later`, (world) => world.time.advance(ms))),
  fc
    .constantFrom(-86_400_000, -90_000, 90_000, 86_400_000)
    .map((ms) => new Step(`the clock jumps by ${ms}`, ({ time }) => time.setSystem(time.system() + ms))),
  fc
    .boolean()
    .map((is) => new Step(`synchronised: ${is}`, ({ time }) => void Object.assign(time, { isSynchronised: is }))),
  fc.constant(new Step('a minute passes for the commands', ({ process }) => process.commands.tick())),
  fc
    .tuple(fc.nat({ max: 3 }), fc.constantFrom('before' as const, 'after' as const))
    .map(([left, when]) => new Step(`dies ${when} the operation after ${left}`, (world) => world.doom(left, when))),
  fc.constant(new Step('restart', (world) => world.boot())),
];

/** The world is kind again: everything that was held back comes, in order. */
async function heal(world: World): Promise<void> {
  world.time.isSynchronised = true;
  world.time.setSystem(START - 1_000 + world.time.monotonic());
  await world.boot();
  for (const { manifest } of POLICIES) {
    world.process.road.acceptance.arrive(manifest);
    await world.settle();
    await world.answerWanted();
  }
  expect(world.process.road.acceptance.active()?.snapshot.revision).toBe(POLICIES.length);
  world.line(true);
  for (let turn = 0; world.process.upload.state().unsent > 0; turn += 1) {
    expect(turn).toBeLessThan(500);
    while (world.onTheWay.length > 0) world.deliverBatch();
    world.ack(0, false, undefined);
    await world.settle();
    world.time.advance(30_000);
    await world.settle();
  }
  const all = [...world.cloud];
  expect(all.map(({ number }) => number)).toEqual(all.map((_row, index) => index + 1));
  expect(all.at(-1)?.number ?? 0).toBe((world.journal.at(-1) ?? world.anchor).number);
  await world.check();
}

it('holds whatever happens', async () => {
  const root = await trustedRoot();
  let executed = 0;
  let crashes = 0;
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: 'max' }), async (commands) => {
      const world = new World(root);
      await world.boot();
      await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
      await heal(world);
      executed += world.executed.length;
      crashes += world.crashes;
      rows += world.cloud.length;
    }),
    { numRuns: 250 },
  );
  expect(executed).toBeGreaterThan(20);
  expect(crashes).toBeGreaterThan(20);
  expect(rows).toBeGreaterThan(500);
});

it('offline for 30 days: no command that waited is executed, no row is lost', async () => {
  const world = new World(await trustedRoot(), 200);
  await world.boot();
  const [first] = POLICIES;
  world.process.road.acceptance.arrive(first?.manifest ?? Buffer.alloc(0));
  await world.settle();
  await world.answerWanted();
  for (let day = 0; day < 30; day += 1) {
    for (let i = 0; i < 100; i += 1) world.append(`day ${day} row ${i}`);
    world.time.advance(86_400_000);
    if (day % 7 === 6) await world.boot();
    await world.check();
  }
  for (const { jti, text } of COMMANDS) world.process.commands.arrive(jti, text);
  await world.check();
  expect(world.executed).toEqual([]);
  await heal(world);
  expect(world.cloud.length).toBeGreaterThanOrEqual(3_000);
});
