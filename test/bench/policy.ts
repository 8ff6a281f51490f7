// The kernel's numbers beside two well-known engines, on generated sites of 10 000 and 100 000 points: time of one decision
// and of fifty targets, time to swap rights, memory. Printed with ratios, from one run; the bars are README's.

import { AbilityBuilder, createMongoAbility, type MongoAbility, subject } from '@casl/ability';
import { newEnforcer, newModelFromString } from 'casbin';
import { describeFault } from '../../src/model/fault.ts';
import { parseBundle } from '../../src/policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../../src/policy/compile.ts';
import { decide } from '../../src/policy/decide.ts';
import { reach } from '../../src/policy/reach.ts';
import type { PolicySnapshot } from '../../src/policy/rights.ts';
import type { BundleDocument } from '../../src/policy/schema.ts';
import { dehydrate, hydrate } from '../../src/policy/transfer.ts';

const AT = Date.parse('2026-11-22T08:00:00Z');
const ROLES = 40;
const GROUPS = 60;
const USERS = 500;
const FILTERS = 200;

/** A fixed sequence, so that every run asks the same. */
function makeRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function makeBundle(points: number): unknown {
  const random = makeRandom(points);
  const devices = points / 20;
  const kinds = ['temp', 'flow', 'pressure', 'co2', 'humidity', 'level', 'power', 'speed'];
  const locations: unknown[] = [{ id: 'root', name: 'Acme', kind: 'organization' }];
  for (let site = 0; site < 20; site += 1) {
    locations.push({ id: `s${site}`, name: `Site ${site}`, kind: 'site', parent: 'root' });
    for (let floor = 0; floor < 5; floor += 1) {
      locations.push({ id: `s${site}.f${floor}`, name: `Floor ${floor}`, kind: 'floor', parent: `s${site}` });
    }
  }
  const placeOf = (device: number): string => `s${device % 20}.f${device % 5}`;
  const filters = Array.from({ length: FILTERS }, (_, n) => {
    const id = `filter${n}`;
    const kind = kinds[n % kinds.length];
    if (n % 10 === 7) return { id, names: `ahu${n}*/p*`, within: `filter${n - 1}` };
    if (n % 10 === 8) return { id, points: Array.from({ length: 50 }, (__, k) => pointId(n * 50 + k)) };
    const forms = [
      `sp and ${kind}`,
      `sp and not safety and ${kind}`,
      `${kind} and floor==${n % 5}`,
      `equipRef->zone==${n % 40} and sp`,
    ];
    return { id, expression: forms[n % forms.length] };
  });
  const roles = Array.from({ length: ROLES }, (_, n) => ({
    id: `role${n}`,
    name: `Role ${n}`,
    permissions: [
      'point.read',
      'device.view',
      'trend.view',
      'alarm.view',
      ...(n % 2 === 0 ? ['point.write'] : []),
      ...(n % 8 === 0 ? ['device.configure'] : []),
    ],
    tags: n % 4 === 1 ? [`tag${n % 6}`] : [],
    filters: n % 3 === 0 ? Array.from({ length: 5 }, (__, k) => `filter${(n * 5 + k) % FILTERS}`) : null,
  }));
  const places = locations.map((location) => (location as { id: string }).id);
  const grants = [
    ...Array.from({ length: GROUPS * 4 }, (_, n) => ({
      to: `group:group${n % GROUPS}`,
      role: `role${random(ROLES)}`,
      at: places[random(places.length)],
    })),
    ...Array.from({ length: USERS }, (_, n) => ({
      to: `user:user${n}`,
      role: `role${random(ROLES)}`,
      at: places[random(places.length)],
    })),
  ];
  return {
    format: 'gatehouse.policy/1',
    revision: 1,
    audience: ['bench'],
    issuedAt: '2026-11-22T08:00:00Z',
    users: Array.from({ length: USERS }, (_, n) => ({ id: `user${n}`, name: `User ${n}`, home: 'acme' })),
    organizations: [
      {
        id: 'acme',
        name: 'Acme',
        model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
        locations,
        devices: Array.from({ length: devices }, (_, n) => ({
          id: `ahu${n}`,
          name: `Air handling unit ${n}`,
          location: placeOf(n),
          tags: n % 3 === 0 ? [] : [`tag${n % 6}`],
          facts: { equip: true, zone: n % 40 },
          address: { modbus: { line: `line${n % 8}`, unit: n } },
        })),
        points: Array.from({ length: points }, (_, n) => ({
          id: pointId(n),
          name: `Supply air ${kinds[n % kinds.length]} ${n}`,
          device: `ahu${Math.floor(n / 20)}`,
          class: n % 4 === 0 ? 'set-point' : n % 4 === 1 ? 'command' : 'sensor',
          facts: {
            [kinds[n % kinds.length] ?? 'temp']: true,
            ...(n % 2 === 0 ? { sp: true } : {}),
            ...(n % 50 === 0 ? { safety: true } : {}),
            floor: n % 5,
          },
          unit: '°C',
          limits: { min: 10, max: 30, step: 0.5 },
          address: { table: 'holding', register: (n % 20) * 2, type: 'float32' },
        })),
        filters,
        roles,
        groups: Array.from({ length: GROUPS }, (_, n) => ({
          id: `group${n}`,
          members: Array.from({ length: 25 }, (__, k) => `user${(n * 17 + k * 7) % USERS}`),
        })),
        grants,
        access: [],
        locks: [{ id: 'belt', why: 'belt change', at: 'ahu3', action: 'point.write' }],
      },
    ],
  };
}

const pointId = (n: number): string => `ahu${Math.floor(n / 20)}/p${n % 20}`;

interface Question {
  readonly user: string;
  readonly action: string;
  readonly point: number;
}

function makeQuestions(points: number, count: number): Question[] {
  const random = makeRandom(7);
  return Array.from({ length: count }, () => ({
    user: `user${random(USERS)}`,
    action: random(2) === 0 ? 'point.write' : 'point.read',
    point: random(points),
  }));
}

interface Timing {
  readonly p50: number;
  readonly p99: number;
  readonly mean: number;
  readonly permitted: number;
}

/** Each question timed by itself, in µs, after a round to warm up. */
function timeEach(questions: readonly Question[], ask: (question: Question) => boolean): Timing {
  for (const question of questions) ask(question);
  const times = new Float64Array(questions.length);
  let permitted = 0;
  const begun = process.hrtime.bigint();
  for (const question of questions) if (ask(question)) permitted += 1;
  const mean = Number(process.hrtime.bigint() - begun) / 1000 / questions.length;
  for (const [index, question] of questions.entries()) {
    const start = process.hrtime.bigint();
    ask(question);
    times[index] = Number(process.hrtime.bigint() - start) / 1000;
  }
  times.sort();
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), mean, permitted };
}

async function timeEachAsync(
  questions: readonly Question[],
  ask: (question: Question) => Promise<boolean>,
): Promise<Timing> {
  const times: number[] = [];
  let permitted = 0;
  for (const question of questions) {
    const start = process.hrtime.bigint();
    if (await ask(question)) permitted += 1;
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), mean: times.reduce((sum, time) => sum + time, 0) / times.length, permitted };
}

function build(bundle: unknown): { document: BundleDocument; snapshot: PolicySnapshot } {
  const parsed = parseBundle(bundle);
  if (!parsed.ok) throw new Error(parsed.fault.slice(0, 5).map(describeFault).join('\n'));
  const { document } = parsed.value;
  const inventory = compileInventory(document.organizations);
  return { document, snapshot: snapshotOf(inventory, compileRights(inventory, document), headerOf(document)) };
}

/** After turns of the loop, so that no stack holds on to what is over. */
async function usedMegabytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resume) => setTimeout(resume, 20)).then(() => globalThis.gc?.());
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** A function of its own, so that nothing on the stack holds on to the document. */
function onlySnapshot(points: number): PolicySnapshot {
  return build(makeBundle(points)).snapshot;
}

/** What stays in memory of a policy once the document it came from is gone. */
async function measureMemory(points: number): Promise<number> {
  const before = await usedMegabytes();
  const snapshot = onlySnapshot(points);
  const megabytes = (await usedMegabytes()) - before;
  decide(snapshot, { principal: 'user1', action: 'point.read', targets: [pointId(1)], at: AT });
  return megabytes;
}

/** The same rights as rules of casl: an ability a user, grants as conditions on the path of places above a point. */
function makeAbilities(document: BundleDocument): (question: Question) => boolean {
  const [organization] = document.organizations;
  if (organization === undefined) throw new Error('got no organization');
  const roles = new Map(organization.roles.map((role) => [role.id, role]));
  const places = new Map(organization.devices.map((device) => [device.id, device]));
  const subjects = organization.points.map((point) => {
    const device = places.get(point.device);
    const floor = device?.location ?? '';
    return subject('Point', {
      id: point.id,
      above: ['root', floor.split('.')[0], floor, point.device],
      tags: device?.tags ?? [],
      facts: Object.keys(point.facts),
    });
  });
  const abilities = new Map<string, MongoAbility>();
  for (const user of document.users) {
    const { can, build: finish } = new AbilityBuilder<MongoAbility>(createMongoAbility);
    const groups = new Set(
      organization.groups.filter(({ members }) => members.includes(user.id)).map(({ id }) => `group:${id}`),
    );
    for (const grant of organization.grants) {
      const role = roles.get(grant.role ?? '');
      if (role === undefined || (grant.to !== `user:${user.id}` && !groups.has(grant.to))) continue;
      const tags = role.tags.length > 0 ? { tags: { $in: role.tags } } : {};
      for (const action of role.permissions) {
        const facts =
          role.filters !== null && role.filters !== undefined && action === 'point.write'
            ? { facts: { $in: ['sp'] } }
            : {};
        can(action, 'Point', { above: grant.at, ...tags, ...facts });
      }
    }
    abilities.set(user.id, finish());
  }
  return ({ user, action, point }) => {
    const thing = subjects[point];
    return thing !== undefined && abilities.get(user)?.can(action, thing) === true;
  };
}

const CASBIN_MODEL = `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.act == p.act && g(r.sub, p.sub) && g2(r.obj, p.obj)
`;

/** The same rights as casbin knows them: groups as roles, places as resource roles; tags and filters left out, to its favour. */
async function makeEnforcer(
  document: BundleDocument,
  points: readonly number[],
): Promise<(question: Question) => Promise<boolean>> {
  const enforcer = await newEnforcer(newModelFromString(CASBIN_MODEL));
  const [organization] = document.organizations;
  if (organization === undefined) throw new Error('got no organization');
  const roles = new Map(organization.roles.map((role) => [role.id, role]));
  const rules = new Map<string, string[]>();
  for (const grant of organization.grants) {
    for (const action of roles.get(grant.role ?? '')?.permissions ?? [])
      rules.set([grant.to, grant.at, action].join(), [grant.to, grant.at, action]);
  }
  await enforcer.addPolicies([...rules.values()]);
  await enforcer.addNamedGroupingPolicies(
    'g',
    organization.groups.flatMap(({ id, members }) => members.map((user) => [`user:${user}`, `group:${id}`])),
  );
  const parents = new Map<string, string>();
  for (const { id, parent } of organization.locations) if (parent !== undefined) parents.set(id, parent);
  for (const { id, location } of organization.devices) parents.set(id, location);
  for (const point of points) parents.set(pointId(point), `ahu${Math.floor(point / 20)}`);
  await enforcer.addNamedGroupingPolicies('g2', [...parents]);
  return ({ user, action, point }) => enforcer.enforce(`user:${user}`, pointId(point), action);
}

function show(name: string, timing: Timing, ours?: Timing): void {
  const ratio = ours === undefined ? '' : `   ${(timing.mean / ours.mean).toFixed(1)} × ours (mean)`;
  const micros = (value: number): string => value.toFixed(2).padStart(9);
  console.log(
    `  ${name.padEnd(24)} p50 ${micros(timing.p50)} µs   p99 ${micros(timing.p99)} µs   mean ${micros(timing.mean)} µs${ratio}`,
  );
}

function bar(name: string, got: number, limit: number, unit: string): void {
  console.log(
    `  ${name.padEnd(40)} ${got.toFixed(2).padStart(9)} ${unit}   bar ${limit} ${unit}   ${got <= limit ? 'held' : 'MISSED'}`,
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function milliseconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** The longest stretch without a pause, the median of five times. */
async function measureSlices(snapshot: PolicySnapshot, document: BundleDocument): Promise<number> {
  const { data } = dehydrate(snapshot, document);
  const longest: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const moved = structuredClone(data);
    let most = 0;
    let since = performance.now();
    await hydrate(moved, async () => {
      most = Math.max(most, performance.now() - since);
      await new Promise((resume) => setImmediate(resume));
      since = performance.now();
    });
    longest.push(most);
  }
  return median(longest);
}

async function run(points: number): Promise<void> {
  console.log(
    `\n${points} points, ${points / 20} devices, ${USERS} users, ${ROLES} roles, ${GROUPS} groups, ${FILTERS} filters`,
  );
  const memory = globalThis.gc === undefined ? undefined : await measureMemory(points);
  const bundle = makeBundle(points);
  const parsing = milliseconds(() => parseBundle(bundle));
  const { document, snapshot } = build(bundle);
  const laying = milliseconds(() => compileInventory(document.organizations));
  const questions = makeQuestions(points, 20_000);
  const ours = timeEach(
    questions,
    ({ user, action, point }) =>
      decide(snapshot, { principal: user, action, targets: [pointId(point)], at: AT }).decision === 'permit',
  );
  show('gatehouse', ours);
  show('casl', timeEach(questions, makeAbilities(document)), ours);
  const few = questions.slice(0, 300);
  show(
    'casbin (300 questions)',
    await timeEachAsync(
      few,
      await makeEnforcer(
        document,
        few.map(({ point }) => point),
      ),
    ),
    ours,
  );
  const random = makeRandom(11);
  const fifty = timeEach(questions.slice(0, 4000), ({ user, action }) => {
    const targets = Array.from({ length: 50 }, () => pointId(random(points)));
    return decide(snapshot, { principal: user, action, targets, at: AT }).decision === 'permit';
  });
  show('gatehouse, 50 targets', fifty);
  const cold = Array.from({ length: 9 }, () => milliseconds(() => compileRights(snapshot.inventory, document)));
  const swaps = Array.from({ length: 15 }, () =>
    milliseconds(() => compileRights(snapshot.inventory, document, snapshot.rights)),
  );
  const masks = Array.from({ length: 15 }, (_, n) =>
    milliseconds(() => reach(snapshot, { principal: `user${n}`, action: 'point.read', at: AT })),
  );
  console.log(
    `  parse and check ${parsing.toFixed(0)} ms, lay out ${laying.toFixed(0)} ms (both in a worker), a reach mask ${median(masks).toFixed(2)} ms`,
  );
  bar('one decision, p99', ours.p99, 5, 'µs');
  bar('50 targets, p99', fifty.p99, 150, 'µs');
  bar('rights swap, filters as before, median', median(swaps), 10, 'ms');
  console.log(`  rights swap, every filter new, median    ${median(cold).toFixed(2).padStart(9)} ms`);
  bar('longest slice of taking over, median', await measureSlices(snapshot, document), 2, 'ms');
  if (memory === undefined) console.log('  memory: run with --expose-gc');
  else bar('memory', memory, 70, 'MB');
}

await run(10_000);
await run(100_000);
