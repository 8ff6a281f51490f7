// The site's own configuration (`gatehouse.yaml`): one zod definition from which parsing, `config check` and the editor's
// JSON Schema are made. Drivers bring the section under their own name. Invariant: an unknown key is a fault.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { DriverModule } from '../contract/driver.ts';
import type { DocumentFault } from '../model/fault.ts';
import { describeFound } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import { readYaml } from './read-yaml.ts';

const ipAddress = z.string().refine((text) => isIP(text) !== 0, { error: 'an IPv4 or IPv6 address' });
const networkPrefix = z
  .string()
  .refine((text) => /^[0-9a-fA-F.:]+\/\d{1,3}$/.test(text) && isIP(text.split('/')[0] ?? '') !== 0, {
    error: 'a network such as `192.0.2.0/24`',
  });
const filePath = z.string().min(1);
const port = z.number().int().min(0).max(65535);
const A_HOST = 'a host such as `firmware.example.com` or `firmware.example.com:8443`, without wildcards';
/** Given as `URL.host` has it: lower case, without the usual port. */
const httpsHost = z
  .string()
  .regex(/^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/, { error: A_HOST, abort: true })
  .refine((text) => URL.canParse(`https://${text}`), { error: A_HOST, abort: true })
  .transform((text) => new URL(`https://${text}`).host);

const cloudSection = z.strictObject({
  url: z
    .string()
    .regex(/^mqtts?:\/\//, { error: 'a broker address such as `mqtts://broker.example:8883`' })
    .describe('The MQTT broker between gateway and cloud console'),
  rootFile: filePath
    .optional()
    .describe('The trusted root: it names the keys that may sign policy. Absent: the one `gatehouse enrol` installed'),
  username: z.string().optional(),
  passwordFile: filePath.optional(),
  caFile: filePath.optional(),
  certificateFile: filePath.optional(),
  keyFile: filePath.optional(),
});

const httpSection = z
  .strictObject({
    address: ipAddress.default('0.0.0.0').describe('Where the page and the API listen'),
    port: port.default(443),
    origin: z
      .string()
      .regex(/^https:\/\/[^/]+$/, { error: 'an origin such as `https://gateway.example`' })
      .optional()
      .describe('Where people reach the page; for the identity provider’s way back and the certificate’s name'),
    certificateFile: filePath.optional().describe('PEM; without it one is made and kept in the data folder'),
    keyFile: filePath.optional(),
    clientCaFile: filePath
      .optional()
      .describe('The site’s CA: applications may show its certificates instead of tokens'),
    clientCrlFile: filePath.optional().describe('What that CA has withdrawn; read again when it changes'),
    idleMinutes: z.number().positive().max(1440).default(30),
    sessionHours: z.number().positive().max(72).default(12),
    sampleSeconds: z
      .number()
      .int()
      .min(0)
      .default(60)
      .describe('How often every point is read for its trend; 0 = never'),
    identityProviders: z
      .array(
        z.strictObject({
          issuer: z.url({ protocol: /^https?$/ }).describe('As the policy’s `identityProvider.issuer` has it'),
          clientSecretFile: filePath.optional(),
          groupsClaim: z.string().min(1).default('groups'),
          roleClaim: z.string().min(1).default('role'),
          scope: z.string().min(1).default('openid profile'),
        }),
      )
      .default([]),
  })
  .refine((section) => (section.certificateFile === undefined) === (section.keyFile === undefined), {
    error: 'both of `certificateFile` and `keyFile`, or neither',
  })
  .refine((section) => section.clientCrlFile === undefined || section.clientCaFile !== undefined, {
    error: '`clientCaFile` beside `clientCrlFile`',
  });

const commonSections = {
  format: z.literal('gatehouse.site/1'),
  gateway: z
    .string()
    .regex(/^[A-Za-z0-9_.~-]{1,64}$/, { error: 'a name of A-Z a-z 0-9 _ . ~ -, at most 64 long' })
    .describe('This gateway’s id: policies name it in `audience`, topics carry it'),
  data: filePath.describe('Folder for the journal and the policy; made if it does not exist'),
  cloud: cloudSection.optional(),
  control: z.strictObject({ socket: filePath.optional() }).default({}),
  http: httpSection.optional(),
  health: z.strictObject({ address: ipAddress.default('127.0.0.1'), port: port.default(9464) }).optional(),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['json', 'text']).default('json'),
    })
    .prefault({}),
  attribution: z
    .strictObject({
      applications: z
        .array(z.strictObject({ address: ipAddress, principal: z.string().min(1) }))
        .default([])
        .describe('Fixed addresses of applications: what an address can prove, and no more'),
      sharedNetworks: z
        .array(networkPrefix)
        .default([])
        .describe('Networks whose addresses may be claimed although they have no link-layer entry of their own'),
      sessionMaxHours: z.number().positive().max(24).default(8),
    })
    .prefault({}),
  neverGated: z
    .array(
      z
        .strictObject({
          peer: z.string().min(1).optional(),
          object: z.string().min(1).optional(),
          why: z.string().min(1),
        })
        .refine((entry) => (entry.peer === undefined) !== (entry.object === undefined), {
          error: 'exactly one of `peer` and `object`',
        }),
    )
    .default([])
    .describe(
      'Life safety: always forwarded, recorded, shown loudly. A peer is an IP address of the technicians’ side, or `number/mac` of a station of a BACnet plant network (the network’s number, its MAC in hex); an object is the id of a device or point of the policy',
    ),
  journal: z
    .strictObject({
      maxBytes: z.number().int().min(1_048_576).default(2_147_483_648),
      keepDays: z.number().int().min(1).default(365),
    })
    .prefault({}),
  images: z
    .strictObject({
      maxBytes: z.number().int().min(1_048_576).default(536_870_912).describe('Room for firmware images, all together'),
      hosts: z
        .array(httpsHost)
        .default([])
        .describe(
          'From where images may be fetched over HTTPS: `host`, or `host:port` where it is not 443; exactly these, redirects included. None: nothing is fetched, images are uploaded',
        ),
      caFile: filePath
        .optional()
        .describe('PEM: whom to believe, instead of the system’s authorities, when images are fetched over HTTPS'),
    })
    .prefault({}),
  clock: z
    .strictObject({
      trustSystem: z
        .boolean()
        .default(false)
        .describe('The system’s clock has a battery or is always synchronised before start'),
    })
    .prefault({}),
};

export type SiteConfig = z.output<ReturnType<typeof siteSchema>>;

/** The whole schema for a set of drivers. */
function siteSchema(modules: readonly DriverModule[]) {
  const sections: Record<string, z.ZodType> = {};
  for (const module of modules) sections[module.name] = (module.configuration as z.ZodType).optional();
  return z.strictObject({ ...commonSections, drivers: z.strictObject(sections) });
}

/** JSON Schema (draft 2020-12) of the configuration, for editors. */
export function siteJsonSchema(modules: readonly DriverModule[]): unknown {
  return { $id: 'https://gatehouse.invalid/site-1.json', ...z.toJSONSchema(siteSchema(modules), { io: 'input' }) };
}

function expectedOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map((value) => `\`${String(value)}\``).join(', ')}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${sizeOf(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${sizeOf(issue.origin)}`;
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  }
}

function sizeOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

/** How much of a branch's form is missing or foreign: less of it tells better what the author meant than fewer faults. */
function misfits(issues: readonly z.core.$ZodIssue[], value: unknown): number {
  return issues.filter(
    ({ code, path }) => code === 'unrecognized_keys' || (code === 'invalid_type' && valueAt(value, path) === undefined),
  ).length;
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function faultsOf(document: unknown, issues: readonly z.core.$ZodIssue[]): DocumentFault[] {
  return issues.flatMap((issue): DocumentFault[] => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].join('.'),
        found: `unknown key \`${key}\``,
        expected: 'a key of the schema (`gatehouse config schema`)',
      }));
    }
    if (issue.code === 'invalid_union') {
      // The branch that came furthest tells what the author most probably meant.
      const value = valueAt(document, issue.path);
      const branches = [...issue.errors].sort((a, b) => misfits(a, value) - misfits(b, value) || a.length - b.length);
      const nearest = branches[0] ?? [];
      const nested = faultsOf(
        value,
        nearest.map((inner) => ({ ...inner })),
      ).map((fault) => ({ ...fault, path: [...path, fault.path].filter((part) => part !== '').join('.') }));
      if (nested.length > 0) return nested;
    }
    return [{ path: path.join('.'), found: describeFound(valueAt(document, issue.path)), expected: expectedOf(issue) }];
  });
}

/** YAML (or JSON) text → configuration. Every fault of syntax, schema and sense at once. */
export function parseSiteConfig(
  text: string,
  modules: readonly DriverModule[],
): Result<SiteConfig, NonEmpty<DocumentFault>> {
  const document = readYaml(text);
  if (!document.ok) return document;
  const input = document.value;
  const parsed = siteSchema(modules).safeParse(input);
  if (!parsed.success) {
    const faults = faultsOf(input, parsed.error.issues);
    return fail(isNonEmpty(faults) ? faults : [{ path: '', found: describeFound(input), expected: 'a configuration' }]);
  }
  const faults: DocumentFault[] = [];
  for (const module of modules) {
    const section = parsed.data.drivers[module.name];
    if (section === undefined) continue;
    for (const fault of module.checkConfiguration(section)) {
      faults.push({ ...fault, path: `drivers.${module.name}${fault.path === '' ? '' : `.${fault.path}`}` });
    }
  }
  faults.push(...peerFaults(parsed.data, modules));
  if (Object.values(parsed.data.drivers).every((section) => section === undefined)) {
    faults.push({ path: 'drivers', found: 'no driver', expected: 'at least one driver’s section, such as `modbus`' });
  }
  return isNonEmpty(faults) ? fail(faults) : ok(parsed.data);
}

/** A peer that nobody can ever be would be held back in silence. */
function peerFaults({ neverGated, drivers }: SiteConfig, modules: readonly DriverModule[]): DocumentFault[] {
  return neverGated.flatMap(({ peer }, at): DocumentFault[] => {
    if (peer === undefined || isIP(peer) !== 0) return [];
    const said = modules.flatMap((module) => {
      const section = drivers[module.name];
      return section === undefined || module.checkStation === undefined ? [] : [module.checkStation(section, peer)];
    });
    if (said.includes(undefined)) return [];
    const expected = ['an IPv4 or IPv6 address', ...said].join(', or ');
    return [{ path: `neverGated.${at}.peer`, found: describeFound(peer), expected }];
  });
}

/**
 * The names under `drivers` of a configuration file, so that a daemon loads those drivers alone; `undefined` where that
 * cannot be told, and then the whole reading says what is wrong.
 */
export function driverNamesIn(file: string): ReadonlySet<string> | undefined {
  try {
    const document = readYaml(readFileSync(file, 'utf8'));
    const drivers: unknown = document.ok ? (document.value as { drivers?: unknown } | null)?.drivers : undefined;
    return typeof drivers === 'object' && drivers !== null ? new Set(Object.keys(drivers)) : undefined;
  } catch {
    return undefined;
  }
}

/** The configuration of a file; relative paths inside it count from the file's folder. */
export function readSiteConfig(
  file: string,
  modules: readonly DriverModule[],
): Result<SiteConfig, NonEmpty<DocumentFault>> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail([{ path: '', found: `\`${file}\`: ${reason}`, expected: 'a readable YAML file' }]);
  }
  const parsed = parseSiteConfig(text, modules);
  return parsed.ok ? ok(withAbsolutePaths(parsed.value, dirname(resolve(file)))) : parsed;
}

/** Every `…File` of the document, the drivers' sections included, counts from the configuration's folder. */
function withAbsolutePaths(config: SiteConfig, folder: string): SiteConfig {
  const data = resolve(folder, config.data);
  const socket = resolve(folder, config.control.socket ?? resolve(data, 'control.sock'));
  return { ...(absoluteFiles(config, folder) as SiteConfig), data, control: { socket } };
}

function absoluteFiles(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((entry) => absoluteFiles(entry, folder));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key.endsWith('File') && typeof inner === 'string' ? resolve(folder, inner) : absoluteFiles(inner, folder),
    ]),
  );
}
