// Ways to break what requests, principals, links and grants do, each of which the differential check must notice. `search` stands exactly once in `file`.

export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly search: string;
  readonly replacement: string;
}

const DECIDE = 'src/policy/decide.ts';
const WEIGH = 'src/policy/weigh.ts';
const HOLDER = 'src/policy/holder.ts';
const ORGANIZATION = 'src/policy/organization.ts';

export const MUTATIONS_OF_REQUESTS: readonly Mutation[] = [
  // targets
  {
    name: 'every target becomes some target',
    file: DECIDE,
    search: '    if (!verdict.permitted) {',
    replacement: '    if (!verdict.permitted && !verdicts.some((other) => other.permitted)) {',
  },
  {
    name: 'unknown targets are passed over',
    file: DECIDE,
    search:
      "      verdicts.push({ target: targetId(id), permitted: false, reason: 'unknown-target', missing: request.action });",
    replacement: '',
  },
  {
    name: 'involved points are not followed',
    file: DECIDE,
    search: 'return from === to ? [] :',
    replacement: 'return from !== to ? [] :',
  },
  {
    name: 'involved points are followed for reading too',
    file: DECIDE,
    search: 'action(action)?.changing !== true) return [];',
    replacement: 'action(action)?.changing === null) return [];',
  },
  {
    name: 'no target is the root for site actions too',
    file: DECIDE,
    search: "return action.level === 'site' ? 'no-target' : targetHandle(home.root);",
    replacement: 'return targetHandle(home.root);',
  },
  // requests
  {
    name: 'unknown channels pass',
    file: DECIDE,
    search: 'if (request.channel !== undefined && !isChannel(request.channel))',
    replacement: 'if (request.channel !== undefined && isChannel(request.channel) === undefined)',
  },
  {
    name: 'unknown actions are not refused at once',
    file: DECIDE,
    search: 'if (!rights.actionNames.has(request.action))',
    replacement: 'if (!rights.actionNames)',
  },
  {
    name: 'refusedByTool dropped',
    file: DECIDE,
    search: "if (request.channel === 'tool' && organization.refusedByTool.has(action.name)) {",
    replacement: "if (request.channel === 'toolbox' && organization.refusedByTool.has(action.name)) {",
  },
  {
    name: 'refusedByTool for every channel',
    file: DECIDE,
    search: "request.channel === 'tool' && organization",
    replacement: 'organization',
  },
  {
    name: 'channel needs dropped',
    file: DECIDE,
    search: '...(byChannel ?? [])',
    replacement: '',
  },
  {
    name: 'life safety for the highest priorities dropped',
    file: DECIDE,
    search: 'priority !== undefined && priority <= 2 ?',
    replacement: 'priority !== undefined && priority <= 0 ?',
  },
  {
    name: 'life safety for priority 1 only',
    file: DECIDE,
    search: 'priority <= 2',
    replacement: 'priority < 2',
  },
  {
    name: 'needs dropped',
    file: ORGANIZATION,
    search: '[action, ...known(action.needs)]',
    replacement: '[action]',
  },
  // principals
  {
    name: 'disabled people pass',
    file: HOLDER,
    search: "if (person.disabled) return 'unknown-principal';",
    replacement: '',
  },
  {
    name: 'a provider speaks for every organization',
    file: HOLDER,
    search: "if (!isProviderId(principal, organization.id)) return 'unknown-principal';",
    replacement: '',
  },
  {
    name: 'a person without a role signs in',
    file: HOLDER,
    search: "if (role === undefined) return 'no-sign-in';",
    replacement: '',
  },
  {
    name: 'the default role is never given',
    file: HOLDER,
    search: 'role.isDefault',
    replacement: '!role.isDefault && role.isDefault',
  },
  {
    name: 'the first of two roles of one name is taken',
    file: HOLDER,
    search: 'match !== undefined && others.length === 0',
    replacement: 'match !== undefined && others.length >= 0',
  },
  {
    name: 'default groups are not joined',
    file: HOLDER,
    search: 'group.everyone || group.joinedFromProvider || ',
    replacement: 'group.everyone || ',
  },
  {
    name: 'everyone without applications',
    file: HOLDER,
    search: '(group.everyone && subject.home === organization.id)',
    replacement: "(group.everyone && subject.home === organization.id && subject.kind === 'user')",
  },
  {
    name: 'everyone of every organization',
    file: HOLDER,
    search: '(group.everyone && subject.home === organization.id)',
    replacement: 'group.everyone',
  },
  {
    name: 'provider groups match by id too',
    file: HOLDER,
    search: 'subject.identity.groups.includes(group.providerName)',
    replacement: '(subject.identity.groups.includes(group.providerName) || subject.identity.groups.includes(group.id))',
  },
  {
    name: 'anyone is nobody else',
    file: HOLDER,
    search: "      case 'anyone':\n        return true;",
    replacement: "      case 'anyone':\n        return this.subject.kind === 'anyone';",
  },
  // links
  {
    name: 'links dropped',
    file: HOLDER,
    search: 'return via.length > 0 && via;',
    replacement: 'return via.length < 0 && via;',
  },
  {
    name: 'links go by any role',
    file: HOLDER,
    search: 'filter((grant) => grant.role === ',
    replacement: 'filter((grant) => true || grant.role === ',
  },
  {
    name: 'links rest on what ended',
    file: WEIGH,
    search: 'return held.via === undefined || held.via.some((source) => isInForce(source, at, unsure));',
    replacement: 'return true;',
  },
  {
    name: 'links both ways',
    file: HOLDER,
    search: "    if (to.is !== 'link') return",
    replacement: [
      '    const back = this.#rights.organizations.some((one) =>',
      "      one.grants.some((grant) => grant.to.is === 'link' && grant.to.organization === organization.id &&",
      "        (this.subject.kind === 'user' || this.subject.kind === 'application') && this.subject.home === one.id));",
      '    if (back) return undefined;',
      "    if (to.is !== 'link') return",
    ].join('\n'),
  },
  // grants
  {
    name: 'until inclusive',
    file: WEIGH,
    search: 'from <= at && at < until &&',
    replacement: 'from <= at && at <= until &&',
  },
  {
    name: 'from exclusive',
    file: WEIGH,
    search: 'from <= at && at < until &&',
    replacement: 'from < at && at < until &&',
  },
  {
    name: 'unsure time ignored by grants',
    file: WEIGH,
    search: ' && !(unsure && Number.isFinite(until))',
    replacement: '',
  },
  {
    name: 'narrowing to a role dropped',
    file: WEIGH,
    search: 'if (onlyRole !== undefined && grant.role !== onlyRole) return 0;',
    replacement: '',
  },
  {
    name: 'organization actions below the root',
    file: WEIGH,
    search: 'return grant.first === organization.root ? PERMITS : 2;',
    replacement: 'return PERMITS;',
  },
  {
    name: 'scope of grants ignored',
    file: WEIGH,
    search: 'if (!covers(grant, handle)) return 2;',
    replacement: '',
  },
  {
    name: 'furthest reason becomes the last',
    file: WEIGH,
    search: 'if (stage > best) best = stage;',
    replacement: 'best = stage;',
  },
  {
    name: 'two reasons swapped',
    file: WEIGH,
    search: "  'tag-restricted',\n  'filter-restricted',",
    replacement: "  'filter-restricted',\n  'tag-restricted',",
  },
  {
    name: 'site access ignored',
    file: WEIGH,
    search: '    organization.listed &&\n    !holding',
    replacement: '    !organization.listed &&\n    !holding',
  },
  {
    name: 'site access anywhere will do',
    file: WEIGH,
    search: 'holding.access.some((held) => covers(held.scope, handle) && isLive(circumstances, held))',
    replacement: 'holding.access.some((held) => isLive(circumstances, held))',
  },
  {
    name: 'actions held anywhere ask for no access',
    file: WEIGH,
    search: 'organization.listed && !meetsAccess(circumstances, grant) ? 3 : PERMITS',
    replacement: 'PERMITS',
  },
];
