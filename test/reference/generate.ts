// Whole scenes for the differential check: a bundle that must be accepted, locks of the fast channel, and requests that
// are biased towards the edges. One tape of numbers makes one scene, always the same.

import fc from 'fast-check';
import type { DecisionRequest } from '../../src/model/decision.ts';
import { expand, ORGANIZATION, SITE } from './actions.ts';
import type { RawBundle, RawFastLock, RawOrganization, RawPrincipal } from './bundle.ts';
import { type Draw, drawFrom } from './draw.ts';
import { covers } from './evaluator.ts';
import { inventories, placesOf } from './generate-inventory.ts';
import { fastLocksOf, MOMENTS, withRights } from './generate-rights.ts';

interface Scene {
  readonly bundle: RawBundle;
  readonly fastLocks: readonly RawFastLock[];
  readonly requests: readonly DecisionRequest[];
}

const TAPE_LENGTH = 1_200;
const USER_IDS = ['ben', '__proto__', 'constructor', 'user:ben', 'a#b', 'anna'];
const APPLICATION_IDS = ['optimizer', 'toString'];
const ORGANIZATION_IDS = ['acme', '__proto__', 'constructor'];
const STRANGERS = ['ghost', '', 'valueOf', 'hasOwnProperty', 'anyone', 'Ben', 'acme:idp#9', 'nowhere:idp#1'];

/** Scenes with `requests` questions each. */
export function scenes(requests: number): fc.Arbitrary<Scene> {
  return fc
    .noBias(fc.array(fc.nat({ max: 0xffff }), { minLength: TAPE_LENGTH, maxLength: TAPE_LENGTH, size: 'max' }))
    .map((tape) => sceneFrom(drawFrom(tape), requests));
}

function sceneFrom(draw: Draw, count: number): Scene {
  const bundle = bundleFrom(draw);
  const organization = draw.pick(bundle.organizations);
  const people = { users: bundle.users ?? [], applications: bundle.applications ?? [] };
  const fastLocks = draw.chance(20) ? fastLocksOf(draw, organization, people) : [];
  return { bundle, fastLocks, requests: Array.from({ length: count }, () => requestFrom(draw, bundle)) };
}

function bundleFrom(draw: Draw): RawBundle {
  const ids = ORGANIZATION_IDS.slice(0, 1 + draw.below(ORGANIZATION_IDS.length));
  const person = (id: string): RawPrincipal => ({
    id,
    name: draw.pick(['Ben', id]),
    home: draw.pick(ids),
    ...(draw.chance(8) ? { disabled: true } : {}),
  });
  const users = USER_IDS.slice(0, 2 + draw.below(USER_IDS.length - 1)).map(person);
  const applications = APPLICATION_IDS.slice(0, draw.below(APPLICATION_IDS.length + 1)).map(person);
  const things = inventories(draw, ids.length);
  const organizations: RawOrganization[] = [];
  ids.forEach((id, index) => {
    const inventory = things[index] ?? { locations: [], devices: [], points: [] };
    organizations.push(withRights(draw, id, inventory, { users, applications }, organizations));
  });
  return {
    format: 'gatehouse.policy/1',
    revision: 1 + draw.below(1000),
    audience: ['case'],
    issuedAt: '2026-11-22T08:00:00Z',
    users,
    applications,
    organizations: draw.chance(50) ? organizations : organizations.reverse(),
  };
}

function requestFrom(draw: Draw, bundle: RawBundle): DecisionRequest {
  const organization = draw.pick(bundle.organizations);
  const roles = (organization.roles ?? []).flatMap((role) => [role.name, role.id]);
  const channels = [
    [3, 'local'],
    [6, 'tool'],
    [3, 'tls'],
    [6, 'remote'],
    [1, draw.pick(['Remote', '', 'constructor', '__proto__'])],
  ] as const;
  const near = draw.chance(60) ? nearGrant(draw, bundle, organization) : undefined;
  return {
    ...(near ?? {
      ...principalFrom(draw, bundle),
      action: actionFrom(draw, bundle),
      targets: targetsFrom(draw, bundle, organization),
    }),
    at: Math.max(0, draw.pick(MOMENTS) + draw.below(3) - 1),
    ...(draw.chance(40) ? { channel: draw.weighted(...channels) } : {}),
    ...(draw.chance(45) ? { priority: 1 + draw.below(16) } : {}),
    ...(draw.chance(12) ? { timeUnsure: true } : {}),
    ...(draw.chance(10) ? { narrowToRole: draw.pick([...roles, 'nobody', 'toString']) } : {}),
  };
}

/** A question that some grant could answer with a permit, so that what stands in its way comes into view. */
function nearGrant(
  draw: Draw,
  bundle: RawBundle,
  organization: RawOrganization,
): Pick<DecisionRequest, 'principal' | 'action' | 'targets'> | undefined {
  const grants = organization.grants ?? [];
  if (grants.length === 0) return undefined;
  const grant = draw.pick(grants);
  const role = organization.roles?.find((candidate) => candidate.id === grant.role);
  const actions = expand(organization, role?.permissions ?? grant.permissions ?? []);
  const members = organization.groups?.find((group) => `group:${group.id}` === grant.to)?.members ?? [];
  const named = [...(bundle.users ?? []), ...(bundle.applications ?? [])].map((one) => one.id);
  const principal = named.find((id) => grant.to === `user:${id}` || grant.to === `application:${id}`);
  const below = placesOf(organization).filter((id) => covers(organization, grant.at, id));
  const points = (organization.points ?? []).map((point) => point.id).filter((id) => below.includes(id));
  const writes = actions.filter((action) => action === 'point.write');
  return {
    principal: principal ?? draw.pick(members.length > 0 ? members : named),
    action: actions.length === 0 ? 'point.read' : draw.pick(draw.chance(40) && writes.length > 0 ? writes : actions),
    targets: [
      draw.pick(draw.chance(80) && points.length > 0 ? points : below),
      ...(draw.chance(20) ? [draw.pick(placesOf(organization))] : []),
    ],
  };
}

function principalFrom(draw: Draw, bundle: RawBundle): Pick<DecisionRequest, 'principal' | 'identity'> {
  const listed = [...(bundle.users ?? []), ...(bundle.applications ?? [])].map((one) => one.id);
  const kind = draw.weighted([74, 'listed'], [6, 'nobody'], [16, 'provider'], [4, 'stranger']);
  if (kind === 'listed') return { principal: draw.pick(listed) };
  if (kind === 'nobody') return { principal: null };
  if (kind === 'stranger') return { principal: draw.pick(STRANGERS) };
  const home = draw.pick(bundle.organizations);
  const said = draw.chance(90) ? home.id : draw.pick(['acme', 'nowhere', 'toString']);
  const groupNames = (home.groups ?? []).flatMap((group) => [group.id, group.name ?? 'Technicians']);
  const roleNames = (home.roles ?? []).flatMap((role) => [role.id, role.name]);
  return {
    principal: `${home.id}:${draw.pick(['idp#1', 'https://id.example#ben', 'idp#a#b'])}`,
    identity: {
      organization: said,
      groups: draw.some([...new Set(groupNames)], 40),
      ...(draw.chance(60) ? { role: draw.pick([...roleNames, 'Visitor', 'valueOf']) } : {}),
    },
  };
}

function actionFrom(draw: Draw, bundle: RawBundle): string {
  const own = bundle.organizations.flatMap((organization) => (organization.permissions ?? []).map((one) => one.id));
  const kind = draw.weighted([40, 'usual'], [30, 'any'], [12, 'own'], [10, 'organization'], [3, 'unknown']);
  if (kind === 'usual')
    return draw.pick([
      'point.write',
      'point.write',
      'point.read',
      'device.configure',
      'ticket.read',
      'lifeSafety.operate',
    ]);
  if (kind === 'any') return draw.pick([...SITE, 'deviceConfig.read']);
  if (kind === 'own' && own.length > 0) return draw.pick(own);
  if (kind === 'unknown') return draw.pick(['fly', '', 'Point.write', 'valueOf', '__proto__', 'constructor']);
  return draw.pick(ORGANIZATION);
}

function targetsFrom(draw: Draw, bundle: RawBundle, organization: RawOrganization): string[] {
  if (draw.chance(9)) return [];
  const points = (organization.points ?? []).map((point) => point.id);
  const anywhere = bundle.organizations.flatMap(placesOf);
  const one = (): string =>
    draw.weighted(
      [30, draw.pick(points)],
      [14, draw.pick(placesOf(organization))],
      [4, draw.pick(anywhere)],
      [2, draw.pick(['ghost', '', 'valueOf', '__proto__', 'constructor', 'o0.L1'])],
    );
  const list = Array.from({ length: draw.weighted([6, 1], [3, 2], [1, 3]) }, one);
  return draw.chance(8) ? [...list, ...list] : list;
}
