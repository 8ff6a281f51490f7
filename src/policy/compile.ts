// Bundle → what decisions are read from. The inventory compiles apart from the rights: a change of rights keeps the
// inventory object, and filters that did not change keep their masks.

import { ACTIONS } from '../model/action.ts';
import { policyRevision } from '../model/ids.ts';
import { intersect, makeBits, setBit } from './bitset.ts';
import { FilterEngine } from './filter-mask.ts';
import { parseExpression } from './filter-syntax.ts';
import { parseGlob } from './glob.ts';
import { Inventory } from './inventory.ts';
import { layOut } from './inventory-layout.ts';
import { compileOrganization } from './organization.ts';
import type { Bits, OrganizationRights, Person, PolicyHeader, PolicySnapshot, Rights } from './rights.ts';
import type {
  ApplicationDocument,
  BundleDocument,
  FilterDocument,
  InventoryOrganization,
  RightsOrganization,
  UserDocument,
} from './schema.ts';

/** What rights are compiled from; a whole bundle serves. Organizations in the inventory's order. */
interface RightsDocument {
  readonly users: readonly UserDocument[];
  readonly applications: readonly ApplicationDocument[];
  readonly organizations: readonly RightsOrganization[];
}

/** The inventory of all organizations. Input has passed `parseBundle`. */
export function compileInventory(organizations: readonly InventoryOrganization[]): Inventory {
  return new Inventory(layOut(organizations));
}

/** The rights against an inventory. Masks of `previous` are taken over where it was compiled against the same inventory object. */
export function compileRights(inventory: Inventory, document: RightsDocument, previous?: Rights): Rights {
  const steps = compileRightsInSteps(
    inventory,
    document,
    previous?.inventory === inventory ? previous.masks : new Map(),
  );
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** The same, a little at a time: each `yield` is a place to let others run, after `long` it is due. */
export function* compileRightsInSteps(
  inventory: Inventory,
  document: RightsDocument,
  known: ReadonlyMap<string, Bits>,
): Generator<'short' | 'long', Rights> {
  const masks = new Map<string, Bits>();
  const engine = new FilterEngine(inventory);
  const tags = tagSets(inventory);
  yield 'long';
  const organizations: OrganizationRights[] = [];
  const actionNames = new Set<string>(Object.keys(ACTIONS));
  for (const [index, organization] of document.organizations.entries()) {
    const filters = new Map(organization.filters.map((filter) => [filter.id, filter]));
    const byId = new Map<string, Bits>();
    for (const filter of organization.filters) {
      byId.set(filter.id, filterMask(filter, filters, engine, known, masks));
      yield 'short';
    }
    yield 'long';
    const compiled = compileOrganization(inventory, index, organization, byId, tags);
    for (const { name } of compiled.words.all()) actionNames.add(name);
    organizations.push(compiled);
    yield 'long';
  }
  return {
    inventory,
    organizations,
    organizationsById: new Map(organizations.map((organization) => [organization.id, organization])),
    people: peopleOf(document),
    actionNames,
    masks,
    holders: new Map(),
  };
}

/** The policy in force, ready to decide. */
export function snapshotOf(inventory: Inventory, rights: Rights, header: PolicyHeader): PolicySnapshot {
  return { header, inventory, rights, fastLocks: rights.organizations.map(() => []) };
}

/** The header of a parsed bundle, its instants as ms since 1970. */
export function headerOf(document: BundleDocument): PolicyHeader {
  const { revision, audience, issuedAt, expiresAt, graceHours, mode, observeUntil, keys } = document;
  return {
    revision: policyRevision(revision),
    audience,
    issuedAt: Date.parse(issuedAt),
    graceHours,
    mode,
    ...(expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) }),
    ...(observeUntil === undefined ? {} : { observeUntil: Date.parse(observeUntil) }),
    ...(keys === undefined ? {} : { keys }),
  };
}

function peopleOf({ users, applications }: RightsDocument): Map<string, Person> {
  const people = new Map<string, Person>();
  for (const user of users) people.set(user.id, { kind: 'user', ...user });
  for (const application of applications) people.set(application.id, { kind: 'application', ...application });
  return people;
}

/** Device numbers by tag; under the empty text those without any. */
function tagSets(inventory: Inventory): ReadonlyMap<string, Bits> {
  const { tags, deviceTags, deviceTagsFrom } = inventory.data;
  const sets = tags.map(() => makeBits(inventory.deviceCount));
  const untagged = makeBits(inventory.deviceCount);
  for (let device = 0; device < inventory.deviceCount; device += 1) {
    const from = deviceTagsFrom[device] as number;
    const to = deviceTagsFrom[device + 1] as number;
    if (from === to) setBit(untagged, device);
    for (let i = from; i < to; i += 1) {
      setBit(sets[deviceTags[i] as number] as Bits, device);
    }
  }
  return new Map([['', untagged], ...tags.map((tag, number): [string, Bits] => [tag, sets[number] as Bits])]);
}

/** One filter with everything it stands within. Equal filters have one mask, whatever they are called. */
function filterMask(
  filter: FilterDocument,
  filters: ReadonlyMap<string, FilterDocument>,
  engine: FilterEngine,
  known: ReadonlyMap<string, Bits>,
  masks: Map<string, Bits>,
): Bits {
  const chain: FilterDocument[] = [];
  for (let at: FilterDocument | undefined = filter; at !== undefined; at = filters.get(at.within ?? '')) chain.push(at);
  const parts = chain.map((part) => {
    const key = JSON.stringify([part.expression, part.points, part.names]);
    const mask = masks.get(key) ?? known.get(key) ?? ownMask(part, engine);
    masks.set(key, mask);
    return mask;
  });
  const [own = makeBits(0), ...outer] = parts;
  if (outer.length === 0) return own;
  const result = own.slice();
  for (const mask of outer) intersect(result, mask);
  return result;
}

/** What does not parse was refused before; here it would match nothing. */
function ownMask({ expression, points, names }: FilterDocument, engine: FilterEngine): Bits {
  if (expression !== undefined) {
    const parsed = parseExpression(expression);
    return engine.expression(parsed.ok ? parsed.value : { is: 'never' });
  }
  const glob = names === undefined ? undefined : parseGlob(names);
  return glob === undefined ? engine.listed(points ?? []) : engine.named(glob);
}
