// The bundle's form (POLICY.md, The bundle): strict, nothing unknown passes. What the form cannot say is checked beside it
// (inventory-check.ts, rights-check.ts). Times stay text here: the JSON Schema for editors is made from this definition.

import { z } from 'zod';
import { CHANNELS, POINT_CLASSES } from '../model/action.ts';

const text = z.string().min(1);
const placeId = z.string().regex(/^[A-Za-z0-9_:.~-]+$/, 'an id of `A-Z a-z 0-9 _ : . ~ -`');
const pointId = z.string().regex(/^[A-Za-z0-9_:.~/-]+$/, 'an id of `A-Z a-z 0-9 _ : . ~ - /`');
const organizationId = z.string().regex(/^[^/]+$/, 'an id without `/`');
const instant = z.iso.datetime({ offset: true, error: 'an instant like `2026-11-22T08:00:00Z`' });
const moment = instant.nullable().optional();
const flag = z.boolean();
const list = <T extends z.ZodType>(item: T) => z.array(item).default([]);

const publicKey = z.looseObject({
  kty: z.enum(['OKP', 'EC', 'RSA']),
  d: z.never('no private key').optional(),
  k: z.never('no secret key').optional(),
});

const fact = z.union([z.boolean(), z.number(), z.string(), z.strictObject({ $ref: text })], {
  error: '`true`, `false`, a number, a string or `{"$ref": id}`',
});
const facts = z.record(text, fact).default({});
const opaque = z.record(z.string(), z.unknown());

const user = z.strictObject({
  id: text,
  name: text,
  home: text,
  login: text.optional(),
  password: z.string().startsWith('$scrypt$', 'a password hash that begins with `$scrypt$`').optional(),
  certificates: list(text),
  disabled: flag.default(false),
});

const application = z.strictObject({
  id: text,
  name: text,
  home: text,
  tokens: list(text),
  certificates: list(text),
  disabled: flag.default(false),
});

const location = z.strictObject({ id: placeId, name: text, kind: text, parent: text.optional() });

const device = z.strictObject({
  id: placeId,
  name: text,
  location: text,
  tags: list(text),
  facts,
  vendor: z.string().optional(),
  model: z.string().optional(),
  onRevoke: z.enum(['stop', 'finish']).default('stop'),
  firmware: z.strictObject({ raw: z.enum(['permit', 'refuse']).default('refuse') }).optional(),
  address: z.record(text, opaque).optional(),
});

const limits = z.strictObject({
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().positive().optional(),
  values: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).optional(),
  rate: z.number().nonnegative().optional(),
});

const point = z.strictObject({
  id: pointId,
  name: text,
  device: text,
  class: z.enum(POINT_CLASSES),
  facts,
  unit: z.string().optional(),
  limits: limits.optional(),
  involves: list(text),
  readBeforeWrite: flag.default(true),
  undo: flag.optional(),
  address: opaque.optional(),
});

const filter = z.strictObject({
  id: text,
  expression: z.string().optional(),
  points: z.array(text).optional(),
  names: z.string().optional(),
  within: text.optional(),
});

const permission = z.strictObject({
  id: text,
  level: z.enum(['site', 'organization', 'anywhere']),
  gives: list(text),
  needs: list(text),
});

const priority = z.int().min(1).max(16);

const role = z.strictObject({
  id: text,
  name: text,
  parent: text.nullable().optional(),
  permissions: list(text),
  tags: list(text),
  untagged: flag.default(false),
  expert: flag.default(false),
  filters: z.array(text).nullable().optional(),
  priorities: z.strictObject({ from: priority, to: priority }).optional(),
  approvals: z.record(text, z.int().nonnegative()).default({}),
  global: flag.default(false),
  default: flag.default(false),
  home: text.optional(),
  seesOtherUsers: flag.default(false),
});

const group = z.strictObject({
  id: text,
  name: text.optional(),
  members: list(text),
  everyone: flag.default(false),
  default: flag.default(false),
});

const recipient = z
  .string()
  .regex(
    /^(?:anyone|user:.+|application:.+|group:.+|link:[^/]+\/.+)$/s,
    '`user:ID`, `application:ID`, `group:ID`, `anyone` or `link:ORG/ROLE`',
  );

const grant = z.strictObject({
  to: recipient,
  role: text.optional(),
  permissions: z.array(text).optional(),
  at: text,
  from: moment,
  until: moment,
});

const access = z.strictObject({ to: recipient, at: list(text) });

const lock = z.strictObject({
  id: text,
  why: z.string(),
  principal: text.optional(),
  group: text.optional(),
  role: text.optional(),
  action: text.optional(),
  at: text.optional(),
  from: moment,
  until: moment,
});

const model = z.strictObject({
  siteAccess: z.enum(['all', 'listed']),
  roleHierarchy: z.enum(['flat', 'bounding']),
  rolesPerUser: z.enum(['many', 'one']),
  siteRolesTo: z.enum(['any', 'user']).default('any'),
  exclusive: z.record(text, z.array(text)).default({}),
});

const inventoryKeys = { locations: list(location), devices: list(device), points: list(point) };
const rightsKeys = {
  name: text,
  model,
  channels: z.partialRecord(z.enum(CHANNELS), z.array(text)).default({}),
  refusedByTool: z.array(text).default(['firmware.update', 'device.control', 'engineering.modify']),
  identityProvider: z.strictObject({ issuer: text, client: text }).optional(),
  filters: list(filter),
  permissions: list(permission),
  roles: list(role),
  groups: list(group),
  grants: list(grant),
  access: list(access),
  locks: list(lock),
};

const headerKeys = {
  format: z.literal('gatehouse.policy/1'),
  revision: z.int().nonnegative(),
  audience: list(text),
  issuedAt: instant,
  expiresAt: instant.optional(),
  graceHours: z.number().nonnegative().default(0),
  mode: z.enum(['enforce', 'observe']).default('enforce'),
  observeUntil: instant.optional(),
  keys: z.strictObject({ commands: list(publicKey), images: list(publicKey) }).optional(),
};

/** The whole document. `z.toJSONSchema(bundleSchema, { io: 'input' })` is what editors get. */
export const bundleSchema = z.strictObject({
  ...headerKeys,
  users: list(user),
  applications: list(application),
  organizations: list(z.strictObject({ id: organizationId, ...rightsKeys, ...inventoryKeys })),
});

export type BundleDocument = z.output<typeof bundleSchema>;
export type OrganizationDocument = BundleDocument['organizations'][number];
export type UserDocument = BundleDocument['users'][number];
export type ApplicationDocument = BundleDocument['applications'][number];
export type LocationDocument = OrganizationDocument['locations'][number];
export type DeviceDocument = OrganizationDocument['devices'][number];
export type PointDocument = OrganizationDocument['points'][number];
export type FilterDocument = OrganizationDocument['filters'][number];
export type RoleDocument = OrganizationDocument['roles'][number];
export type GrantDocument = OrganizationDocument['grants'][number];
export type LockDocument = OrganizationDocument['locks'][number];
export type FactValue = z.output<typeof fact>;

/** What an inventory is compiled from: one organization's places and things. */
export type InventoryOrganization = Pick<OrganizationDocument, 'id' | 'locations' | 'devices' | 'points'>;
/** What rights are compiled from: one organization without its places and things. */
export type RightsOrganization = Omit<OrganizationDocument, 'locations' | 'devices' | 'points'>;
