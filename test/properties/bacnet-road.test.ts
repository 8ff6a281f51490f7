// Whatever is asked by whomever under whatever policy: no write reaches a device without an intent that names every point of it.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ask, type ServiceRequest } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { PEOPLE, RoadRig } from '../drivers/bacnet/road-rig.ts';

const PERMISSIONS = [
  ['point.read'],
  ['point.read', 'point.write'],
  ['device.view', 'device.configure'],
  ['alarm.view', 'alarm.threshold'],
  ['engineering.modify'],
  ['device.view', 'device.control'],
  ['point.read', 'lifeSafety.operate'],
];
const PLACES = ['hq', 'ahu2', 'vav1', 'ahu2/sat-sp', 'ahu2/fan-min', 'ahu2/all-sp', 'ahu2/sat-hi', 'ahu2/smoke'];
const OBJECTS = [
  'analog-value,1',
  'analog-value,4',
  'analog-input,1',
  'binary-value,1',
  'channel,1',
  'command,1',
  'schedule,1',
  'life-safety-point,1',
  'analog-value,900',
  'device,1001',
] as const;
const PROPERTIES = [
  'present-value',
  'high-limit',
  'out-of-service',
  'description',
  'schedule-default',
  'mode',
] as const;

const grant = fc.record({
  to: fc.constantFrom(...PEOPLE).map((id) => `user:${id}`),
  permissions: fc.constantFrom(...PERMISSIONS),
  at: fc.constantFrom(...PLACES),
});
const value = fc.oneof(
  fc.integer({ min: -5, max: 40 }).map((number) => app.real(number)),
  fc.integer({ min: 0, max: 3 }).map((number) => app.unsigned(number)),
  fc.integer({ min: 0, max: 3 }).map((number) => app.enumerated(number)),
  fc.constant(app.null()),
);
const write = fc.record(
  {
    object: fc.constantFrom(...OBJECTS),
    property: fc.constantFrom(...PROPERTIES),
    value: value.map((one) => [one]),
    priority: fc.integer({ min: 1, max: 16 }),
  },
  { requiredKeys: ['object', 'property', 'value'] },
);
const request: fc.Arbitrary<ServiceRequest> = fc.oneof(
  { weight: 5, arbitrary: write.map((one) => ask.writeProperty(one)) },
  {
    weight: 3,
    arbitrary: fc.array(write, { minLength: 1, maxLength: 4 }).map((all) => ask.writePropertyMultiple(all)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ask.deleteObject('analog-value,900'),
      ask.reinitialize(1),
      ask.writeFile(2, 0, Buffer.of(1)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(ask.lifeSafetyOperation(4), ask.communicationControl(0), ask.createObject(2)),
  },
);

test('no write without an intent that covers it', async () => {
  const rig = await RoadRig.start();
  let revision = 2;
  const seen = new Map<object, number>();
  /** Writes that arrived anywhere since the last look. */
  const newWrites = () =>
    Object.values(rig.plant.devices).flatMap((device) => {
      const all = device.record.writes();
      const fresh = all.slice(seen.get(device) ?? 0);
      seen.set(device, all.length);
      return fresh;
    });
  const plant = new Set(Object.values(rig.plant.addresses).map(({ host, port }) => `${host}:${port}`));
  const targetsOf = (intents: ReturnType<typeof rig.rows<'intent'>>) =>
    new Set(intents.flatMap(({ effects }) => effects.map(({ target }) => target)));
  let permitted = 0;
  const round = fc.record({
    grants: fc.array(grant, { maxLength: 8 }),
    asked: fc.array(fc.tuple(fc.constantFrom(...PEOPLE), request), { minLength: 1, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(round, async ({ grants, asked }) => {
      revision += 1;
      rig.regrant(grants, revision);
      for (const [person, one] of asked) {
        const intents = rig.rows('intent').length;
        const answer = await rig.ask(person, one);
        const fresh = rig
          .rows('intent')
          .slice(intents)
          .filter(({ by }) => by === 'permit');
        const arrived = newWrites();
        // What a channel or a command makes its device write elsewhere comes from a device, at once or a little later.
        const ours = arrived.filter(({ peer }) => !plant.has(peer));
        expect(ours.length).toBeLessThanOrEqual(fresh.length);
        if (answer === 'simple-ack') expect(ours.length).toBe(1);
        const covered = targetsOf(fresh);
        for (const { points } of ours) for (const point of points) expect(covered).toContain(point);
        const everCovered = targetsOf(rig.rows('intent'));
        for (const { points } of arrived) for (const point of points) expect(everCovered).toContain(point);
        permitted += ours.length;
      }
    }),
    {
      numRuns: 60,
      examples: [
        [
          {
            grants: [{ to: 'user:anna', permissions: ['point.read', 'point.write'], at: 'hq' }],
            asked: [
              ['anna', ask.writeProperty({ object: 'channel,1', property: 'present-value', value: [app.null()] })],
            ],
          },
        ],
      ],
    },
  );
  // Were nothing ever permitted, nothing would have been shown.
  expect(permitted).toBeGreaterThan(0);
});
