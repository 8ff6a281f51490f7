// Ways to break what roles, tags, filters, priorities and locks do; see mutation-list.ts.

import type { Mutation } from './mutation-list.ts';

const DECIDE = 'src/policy/decide.ts';
const WEIGH = 'src/policy/weigh.ts';
const LOCK = 'src/policy/lock.ts';
const HOLDER = 'src/policy/holder.ts';
const ORGANIZATION = 'src/policy/organization.ts';
const COMPILE = 'src/policy/compile.ts';
const FILTER = 'src/policy/filter-mask.ts';
const WORDS = 'src/policy/vocabulary.ts';

export const MUTATIONS_OF_RIGHTS: readonly Mutation[] = [
  // roles
  {
    name: 'chain dropped',
    file: ORGANIZATION,
    search: '    chain.push(above);',
    replacement: '    break;',
  },
  {
    name: 'chain under flat too',
    file: ORGANIZATION,
    search: "if (document.model.roleHierarchy === 'flat') return chain;",
    replacement: '',
  },
  {
    name: 'a chain gives what any of it gives',
    file: ORGANIZATION,
    search: 'gives: both(one.gives, other.gives) as Bits,',
    replacement: 'gives: one.gives,',
  },
  {
    name: 'a chain has the filters of its lowest role',
    file: ORGANIZATION,
    search: 'points: both(one.points, other.points),',
    replacement: 'points: one.points,',
  },
  {
    name: 'a chain has the tags of its lowest role',
    file: ORGANIZATION,
    search: '    devices: both(one.devices, other.devices),',
    replacement: '    devices: one.devices,',
  },
  {
    name: 'a chain has the priorities of its lowest role',
    file: ORGANIZATION,
    search: 'fromPriority: Math.max(one.fromPriority, other.fromPriority)',
    replacement: 'fromPriority: one.fromPriority',
  },
  {
    name: 'names that stand for actions give nothing',
    file: WORDS,
    search: 'this.#gives.get(name) ?? [name]',
    replacement: '[name]',
  },
  // tags
  {
    name: 'tags ignored',
    file: WEIGH,
    search: 'if (!admitsDevice(inventory, action, handle, grant)) return 4;',
    replacement: '',
  },
  {
    name: 'untagged ignored',
    file: ORGANIZATION,
    search: "role.untagged ? ['', ...role.tags] : role.tags",
    replacement: 'role.tags',
  },
  {
    name: 'untagged always',
    file: ORGANIZATION,
    search: "role.untagged ? ['', ...role.tags] : role.tags",
    replacement: "['', ...role.tags]",
  },
  {
    name: 'places pass tags',
    file: ORGANIZATION,
    search: '    places: !tagged || role.untagged,',
    replacement: '    places: true,',
  },
  {
    name: 'expert opens the device itself',
    file: WEIGH,
    search: 'related ? powers.relatedDevices : powers.devices',
    replacement: 'powers.relatedDevices',
  },
  {
    name: 'expert ignored',
    file: WEIGH,
    search: 'related ? powers.relatedDevices : powers.devices',
    replacement: 'powers.devices',
  },
  // filters
  {
    name: 'an empty list is no filter',
    file: ORGANIZATION,
    search: 'role.filters === undefined || role.filters === null ?',
    replacement: 'role.filters === undefined || role.filters === null || role.filters.length === 0 ?',
  },
  {
    name: 'filters ignored',
    file: WEIGH,
    search: 'if (action.changing && powers.points !== null',
    replacement: 'if (!action.changing && action.changing && powers.points !== null',
  },
  {
    name: 'filters restrict reading',
    file: WEIGH,
    search: 'if (action.changing && powers.points !== null',
    replacement: 'if (powers.points !== null',
  },
  {
    name: 'filters let writing to what is no point',
    file: WEIGH,
    search: "hasBit(points, handle) : action.name !== 'point.write'",
    replacement: 'hasBit(points, handle) : true',
  },
  {
    name: 'within ignored',
    file: COMPILE,
    search: "at = filters.get(at.within ?? '')) chain.push(at);",
    replacement: 'at = undefined) chain.push(at);',
  },
  {
    name: 'not means there',
    file: FILTER,
    search: '        subtract(result, ',
    replacement: '        intersect(result, ',
  },
  {
    name: 'and means or',
    file: FILTER,
    search: '        for (const inner of node.nodes) intersect(result, this.expression(inner));',
    replacement: '        for (const inner of node.nodes) unite(result, this.expression(inner));',
  },
  {
    name: 'a marker equals true',
    file: FILTER,
    search: 'return { ...none, flag: compare(0, by, Number(to.value), false) };',
    replacement: "return { ...none, marker: by === '==' && to.value, flag: compare(0, by, Number(to.value), false) };",
  },
  // priorities
  {
    name: 'priorities ignored',
    file: WEIGH,
    search: '!holdsPriority(grant, priority)) return 6;',
    replacement: '!holdsPriority(grant, priority)) return PERMITS;',
  },
  {
    name: 'priorities restrict every action',
    file: WEIGH,
    search: "priority !== undefined && action.name === 'point.write' &&",
    replacement: 'priority !== undefined &&',
  },
  {
    name: 'without priorities all of them',
    file: ORGANIZATION,
    search: 'const DEFAULT_PRIORITIES = { from: 8,',
    replacement: 'const DEFAULT_PRIORITIES = { from: 1,',
  },
  // locks
  {
    name: 'locks dropped',
    file: LOCK,
    search: '  for (const lock of locks) if (binds(lock, circumstances, action, handle)) return lock;',
    replacement: '',
  },
  {
    name: 'locks of the fast channel dropped',
    file: LOCK,
    search:
      '    if (mayConcern(lock, principal, groups, grants) && binds(lock, circumstances, action, handle)) return lock;',
    replacement: '',
  },
  {
    name: 'lock action ignored',
    file: LOCK,
    search: 'concerns(lock, action) && ',
    replacement: '',
  },
  {
    name: 'lock action matches needs',
    file: LOCK,
    search: 'concerns(lock, action) && ',
    replacement:
      '(concerns(lock, action) || circumstances.organization.words.action(action)?.needs.some((need) => concerns(lock, need))) && ',
  },
  {
    name: 'a lock on a name that stands for actions locks none of them',
    file: ORGANIZATION,
    search: 'shop.words.expand([lock.action]).map(({ name }) => name)',
    replacement: '[lock.action]',
  },
  {
    name: 'a fast lock on a name that stands for actions locks none of them',
    file: LOCK,
    search: 'words.expand([action]).map(({ name }) => name)',
    replacement: '[action]',
  },
  {
    name: 'a name that stands for actions keeps none of them from tools',
    file: ORGANIZATION,
    search: 'known(document.refusedByTool).map(({ name }) => name)',
    replacement: 'document.refusedByTool',
  },
  // approvals
  {
    name: 'approvals dropped',
    file: DECIDE,
    search: 'if (found.powers.approvals !== null) {',
    replacement: 'if (found.powers.approvals === undefined) {',
  },
  {
    name: 'the approvals of the last check count',
    file: DECIDE,
    search: 'tally.approvals = Math.max(tally.approvals, fewest',
    replacement: 'tally.approvals = Math.max(0, fewest',
  },
  {
    name: 'the approvals of the first grant count',
    file: WEIGH,
    search: 'if (asked < fewest && stageOf(',
    replacement: 'if (asked < 0 && stageOf(',
  },
  {
    name: 'the approvals of a grant that does not permit count',
    file: WEIGH,
    search: 'asked < fewest && stageOf(circumstances, inventory, action, handle, held) === PERMITS',
    replacement: 'asked < fewest',
  },
  {
    name: 'a chain has the approvals of its lowest role',
    file: ORGANIZATION,
    search: 'approvals: mostApprovals(one.approvals, other.approvals),',
    replacement: 'approvals: one.approvals,',
  },
  {
    name: 'of two numbers of approvals the later counts',
    file: ORGANIZATION,
    search: 'Math.max(count, most.get(action) ?? 0)',
    replacement: 'count',
  },
  {
    name: 'lock scope ignored',
    file: LOCK,
    search: ' && covers(lock, handle) &&',
    replacement: ' &&',
  },
  {
    name: 'lock principal ignored',
    file: HOLDER,
    search: '(lock.principal === undefined || lock.principal === principal) &&',
    replacement: '',
  },
  {
    name: 'lock group ignored',
    file: HOLDER,
    search: ' || groups.has(lock.group)) &&',
    replacement: ' || true) &&',
  },
  {
    name: 'lock role ignored',
    file: HOLDER,
    search: ' || grants.some(({ grant }) => grant.role === lock.role))',
    replacement: ' || true)',
  },
  {
    name: 'lock until inclusive',
    file: LOCK,
    search: 'lock.from > at || lock.until <= at',
    replacement: 'lock.from > at || lock.until < at',
  },
  {
    name: 'lock from exclusive',
    file: LOCK,
    search: 'lock.from > at || lock.until <= at',
    replacement: 'lock.from >= at || lock.until <= at',
  },
  {
    name: 'unsure time ignored by locks',
    file: LOCK,
    search: '  if (unsure) return true;',
    replacement: '',
  },
  {
    name: 'a lock without a place is on nothing',
    file: ORGANIZATION,
    search: 'const handle = at === undefined ? root : inventory.find(at);',
    replacement: 'const handle = at === undefined ? undefined : inventory.find(at);',
  },
];
