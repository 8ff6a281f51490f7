// The door against a model of it, over random histories: no permit no forward; every target or nothing; no record no forward;
// a permit is worth one redemption; a revocation between judge and redeem always bites.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change, Permit } from '../../src/contract/gate.ts';
import { decide } from '../../src/policy/decide.ts';
import { bundle, HOUR, START, Stage, snapshot } from './stage.ts';

const PEOPLE = ['anna', 'ben', 'dora', 'emil', 'bms', 'mallory'] as const;
/** Those who may do something, more often than those who may not. */
const WRITERS = ['anna', 'anna', 'anna', 'dora', 'emil', 'bms', ...PEOPLE] as const;
const POINTS = ['ahu/sp', 'ahu/kp', 'ahu/hi', 'ahu/sched', 'vav/sp', 'vav/kp', 'chiller/sp'] as const;
const ACTIONS: Record<(typeof POINTS)[number], string> = {
  'ahu/sp': 'point.write',
  'ahu/kp': 'device.configure',
  'ahu/hi': 'alarm.threshold',
  'ahu/sched': 'point.write',
  'vav/sp': 'point.write',
  'vav/kp': 'device.configure',
  'chiller/sp': 'point.write',
};

interface Held {
  readonly who: string;
  readonly points: readonly (typeof POINTS)[number][];
  readonly change: Change<string>;
  readonly permit: Permit<string>;
  redeemed: boolean;
}

interface World {
  readonly stage: Stage;
  readonly held: Held[];
  readonly underway: Promise<void>[];
  locked: ReadonlySet<string>;
  /** What went south, with the number of durable rows at that instant. */
  readonly forwarded: { readonly held: Held; readonly at: number }[];
}

/** What the policy says of every target by itself, asked without the gate. */
function mayAll({ stage, locked }: World, who: string, points: Held['points']): boolean {
  const policy = stage.gate.policy();
  if (!policy || locked.has(who)) return false;
  return points.every(
    (point) =>
      decide(policy, {
        principal: who,
        action: ACTIONS[point],
        targets: [point],
        channel: 'local',
        at: stage.time.now(),
      }).decision === 'permit',
  );
}

type Step = (world: World) => void | Promise<void>;

const judging = fc
  .tuple(fc.constantFrom(...WRITERS), fc.uniqueArray(fc.constantFrom(...POINTS), { minLength: 1, maxLength: 3 }))
  .map(
    ([who, points]): Step =>
      (world) => {
        const { stage } = world;
        const [first, ...others] = points.map((point) => stage.effect(point, 19));
        if (!first) return;
        const change = stage.change([first, ...others], { what: `frame ${world.held.length}` });
        const judged = stage.gate.judge(stage.as(who), change);
        expect(judged.permitted).toBe(mayAll(world, who, points) && stage.journal.state().writable);
        if (judged.permitted) world.held.push({ who, points, change, permit: judged.permit, redeemed: false });
      },
  );

const redeeming = fc.nat(4).map(
  (back): Step =>
    (world) => {
      const { stage, held, forwarded, underway } = world;
      const one = held.at(-1 - back);
      if (!one) return;
      if (one.redeemed) {
        underway.push(expect(stage.gate.redeem(one.permit, new Map())).rejects.toThrow('expected `issued`'));
        return;
      }
      one.redeemed = true;
      const work = async () => {
        const result = await stage.gate.redeem(one.permit, new Map());
        // In the tick of the hand-over: still permitted on every target, and on disk.
        if (result.redeemed) {
          expect(result.change).toBe(one.change.what);
          expect(mayAll(world, one.who, one.points)).toBe(true);
          expect(
            stage.journal.durable.some((row) => row.kind === 'intent' && row.decision === one.permit.decisionId),
          ).toBe(true);
          forwarded.push({ held: one, at: stage.time.now() });
          stage.gate.settle(one.permit, { kind: 'acknowledged' });
        } else expect(result.denial.decisionId).toBeTruthy();
      };
      underway.push(work());
    },
);

const drain: Step = async () => {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
};
const flushing = fc.constant<Step>(async (world) => {
  world.stage.journal.flush();
  await drain(world);
});
const dropping = fc.constant<Step>(async (world) => {
  world.stage.journal.drop();
  await drain(world);
});
const locking = fc.uniqueArray(fc.constantFrom(...PEOPLE), { maxLength: 2 }).map(
  (people): Step =>
    (world) => {
      world.locked = new Set(people);
      world.stage.gate.setFastLocks(
        people.map((principal) => ({ id: principal, why: 'revoked', principal, until: START + 1000 * HOUR })),
      );
    },
);
const granting = fc
  .subarray([
    { to: 'user:anna', role: 'admin', at: 'hq' },
    { to: 'user:ben', role: 'operator', at: 'vav' },
    { to: 'user:dora', role: 'operator', at: 'ahu' },
    { to: 'user:emil', role: 'operator', at: 'hq' },
    { to: 'application:bms', role: 'operator', at: 'ahu/sp' },
  ])
  .map(
    (grants): Step =>
      ({ stage }) => {
        stage.gate.activate(snapshot(bundle({}, { grants }), stage.gate.policy()));
      },
  );
const reinstalling = fc.constant<Step>(({ stage }) => stage.gate.activate(snapshot()));
const waiting = fc.constantFrom(1, 1999, 2001, 60_000).map(
  (ms): Step =>
    ({ stage }) =>
      stage.time.pass(ms),
);
const breaking = fc.boolean().map(
  (writable): Step =>
    ({ stage }) => {
      stage.journal.setState(writable ? { writable } : { writable, why: 'disk full' });
    },
);

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: judging },
    { weight: 6, arbitrary: redeeming },
    { weight: 4, arbitrary: flushing },
    { weight: 1, arbitrary: dropping },
    { weight: 2, arbitrary: locking },
    { weight: 2, arbitrary: granting },
    { weight: 1, arbitrary: reinstalling },
    { weight: 2, arbitrary: waiting },
    { weight: 1, arbitrary: breaking },
  ),
  { minLength: 15, maxLength: 60 },
);

describe('the door', () => {
  it('keeps its promises over any history', async () => {
    let forwardedInAll = 0;
    let withdrawnInAll = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const stage = Stage.set();
        stage.journal.auto = false;
        const world: World = { stage, held: [], underway: [], locked: new Set(), forwarded: [] };
        for (const step of history) {
          await step(world);
          await drain(world);
        }
        stage.journal.auto = true;
        stage.journal.setState({ writable: true });
        stage.journal.flush();
        await Promise.all(world.underway);
        await stage.gate.stop();
        const intents = new Set<string>(stage.journal.rows('intent').map(({ decision }) => decision));
        const outcomes = stage.journal.rows('outcome').map(({ decision }) => decision);
        expect(new Set(outcomes).size).toBe(outcomes.length);
        expect(outcomes.every((decision) => intents.has(decision))).toBe(true);
        expect(outcomes).toEqual(expect.arrayContaining([...intents]));
        expect(new Set(world.forwarded.map(({ held }) => held)).size).toBe(world.forwarded.length);
        forwardedInAll += world.forwarded.length;
        withdrawnInAll += stage.journal.rows('outcome').filter(({ outcome }) => outcome.kind === 'withdrawn').length;
      }),
      { numRuns: 300, interruptAfterTimeLimit: 6000 },
    );
    expect(forwardedInAll).toBeGreaterThan(20);
    expect(withdrawnInAll).toBeGreaterThan(5);
  });

  it('withdraws whatever is revoked between judge and redeem, before and after the intent went to disk', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('anna', 'emil', 'bms'),
        fc.constantFrom('lock', 'grant', 'disable'),
        fc.boolean(),
        fc.option(fc.constant('ahu/sp=19'), { nil: undefined }),
        async (who, how, whileFlushing, sameness) => {
          const stage = Stage.set();
          const caller = stage.as(who);
          const same = sameness === undefined ? {} : { sameness };
          // An application may have a standing intent by now: that must not save it.
          await stage.send(caller, stage.write('ahu/sp', 19, same));
          stage.journal.auto = false;
          const permit = stage.permit(caller, stage.write('ahu/sp', 19, same));
          const revoke = () => {
            if (how === 'lock') stage.gate.setFastLocks([{ id: 'l', why: 'w', principal: who, until: START + HOUR }]);
            else {
              const users = [{ id: 'anna', name: 'A', home: 'acme', disabled: true }];
              const next =
                how === 'grant' ? bundle({}, { grants: [] }) : bundle({ users, applications: [] }, { grants: [] });
              stage.gate.activate(snapshot(next, stage.gate.policy()));
            }
          };
          if (!whileFlushing) revoke();
          const redeemed = stage.gate.redeem(permit, new Map());
          const stood = stage.gate.counters().changes_standing === 1;
          if (whileFlushing) revoke();
          stage.journal.flush();
          // Joining a standing intent awaits nothing: it was handed over before the revocation.
          expect(await redeemed).toMatchObject({ redeemed: whileFlushing && stood });
        },
      ),
      { numRuns: 100 },
    );
  });
});
