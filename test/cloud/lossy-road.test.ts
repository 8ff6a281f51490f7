// Whatever a broker does with the messages — drop, repeat, reorder, corrupt — and wherever the process dies: never a policy
// in force that was not signed, never an older one after a newer one, never a report of success before it is durable.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type BundlePart, makePart } from '../../simulators/cloud/bundle-parts.ts';
import { Crash, MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { manifestOf, Road, trustedRoot } from './road.ts';
import { VirtualTime } from './virtual-time.ts';

/** Revision 1 to 4; parts are shared between neighbours, so that some are lacking and some are not. */
const REVISIONS = [1, 2, 3, 4].map((revision) => {
  const parts = [
    makePart('rights', 'acme', { rights: revision }),
    makePart('rights', 'brick', { rights: `brick-${revision >> 1}` }),
  ];
  return { revision, parts, manifest: manifestOf(revision, parts) };
});

type Message =
  | { readonly kind: 'manifest'; readonly of: number; readonly flip?: number }
  | { readonly kind: 'chunk'; readonly of: number; readonly part: number; readonly flip?: number }
  | { readonly kind: 'later' }
  | { readonly kind: 'wanted' }
  | { readonly kind: 'crash'; readonly operation: 'putPart' | 'commit'; readonly when: 'before' | 'after' };

const of = fc.integer({ min: 0, max: REVISIONS.length - 1 });
const flip = fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat({ max: 400 }) });
const withFlip = <T extends object>(message: T, at: number | undefined) =>
  at === undefined ? message : { ...message, flip: at };
const message: fc.Arbitrary<Message> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(of, flip).map(([n, at]): Message => withFlip({ kind: 'manifest', of: n } as const, at)),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(of, fc.integer({ min: 0, max: 1 }), flip)
      .map(([n, part, at]): Message => withFlip({ kind: 'chunk', of: n, part } as const, at)),
  },
  { weight: 2, arbitrary: fc.constant<Message>({ kind: 'later' }) },
  { weight: 6, arbitrary: fc.constant<Message>({ kind: 'wanted' }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('putPart' as const, 'commit' as const),
        fc.constantFrom('before' as const, 'after' as const),
      )
      .map(([operation, when]): Message => ({ kind: 'crash', operation, when })),
  },
);

function flipped(bytes: Buffer, at: number | undefined): Buffer {
  if (at === undefined) return bytes;
  const copy = Buffer.from(bytes);
  const index = at % copy.length;
  copy[index] = (copy[index] ?? 0) ^ (1 << (at % 8));
  return copy;
}

const settle = async (road: Road): Promise<void> => {
  // A commit may have taken parts away, so that gathering begins anew.
  for (let turn = 0; turn < 3; turn += 1) await road.acceptance.idle();
};

const activations = (road: Road): number => road.events.filter((event) => event.startsWith('activate')).length;

const inForceOf = (parts: readonly BundlePart[]): unknown => parts.map(({ bytes }) => JSON.parse(bytes.toString()));

it('never puts a wrong, partial or older policy in force', async () => {
  const root = await trustedRoot();
  let accepted = 0;
  let crashes = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 5, maxLength: 60 }), async (messages) => {
      const disk = new MemoryDisk();
      const time = new VirtualTime();
      let doom: { operation: string; when: string } | undefined;
      let dead = false;
      let highest = 0;
      const boot = async (): Promise<Road> => {
        dead = false;
        doom = undefined;
        const store = openMemoryStore(disk, (when, operation) => {
          if (dead || (doom?.operation === operation && doom.when === when)) {
            dead = true;
            throw new Crash();
          }
        });
        const road = new Road({ disk, store, time }, root);
        await road.acceptance.loadStored();
        return road;
      };
      const check = (road: Road, settled: boolean): void => {
        const floor = disk.policy?.revision ?? 0;
        expect(floor).toBeGreaterThanOrEqual(highest);
        highest = floor;
        const active = road.acceptance.active();
        if (active) {
          const signed = REVISIONS.find(({ revision }) => revision === active.snapshot.revision);
          expect(road.inForce()).toEqual(inForceOf(signed?.parts ?? []));
          expect(active.snapshot.revision).toBeLessThanOrEqual(floor);
          if (settled && !dead) expect(active.snapshot.revision).toBe(floor);
        } else if (settled) expect(dead || floor === 0).toBe(true);
        for (const report of road.reports) {
          if (report.state === 'active') expect(report.revision ?? 0).toBeLessThanOrEqual(floor);
        }
      };
      let road = await boot();
      for (const step of messages) {
        if (step.kind === 'crash') doom = step;
        else if (step.kind === 'later') await settle(road);
        else if (step.kind === 'wanted') {
          await settle(road);
          road.send(REVISIONS.flatMap(({ parts }) => parts).filter(({ sha256 }) => road.wanted.includes(sha256)));
          await settle(road);
        } else {
          const { manifest, parts } = REVISIONS[step.of] ?? { manifest: Buffer.alloc(0), parts: [] };
          if (step.kind === 'manifest') road.acceptance.arrive(flipped(manifest, step.flip));
          else {
            const part = parts[step.part];
            if (part) road.acceptance.chunk(part.sha256, 0, flipped(part.chunks[0] ?? Buffer.alloc(0), step.flip));
          }
        }
        check(road, step.kind === 'later' || step.kind === 'wanted');
        if (dead) {
          crashes += 1;
          accepted += activations(road);
          await settle(road);
          road = await boot();
          check(road, true);
        }
      }
      await settle(road);
      check(road, true);
      accepted += activations(road);
      await road.acceptance.stop();
    }),
    { numRuns: 400 },
  );
  expect(accepted).toBeGreaterThan(100);
  expect(crashes).toBeGreaterThan(20);
});
