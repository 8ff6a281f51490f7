// A bundle as a cloud takes it apart for the wire: the header apart, places and things apart from rights, people without
// their secrets; each part gzipped and cut into chunks.

import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

const MOST_BYTES = 98_304;

export type BundleJson = { readonly [key: string]: unknown };

export interface BundlePart {
  readonly kind: 'inventory' | 'rights' | 'people' | 'credentials';
  readonly organization?: string;
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly chunks: readonly Buffer[];
}

/** What stands in a manifest for a part. */
export function describePart({ kind, organization, bytes, sha256, chunks }: BundlePart): object {
  const described = { sha256, size: bytes.length, kind, chunks: chunks.length };
  return organization === undefined ? described : { ...described, organization };
}

export function makePart(kind: BundlePart['kind'], organization: string | undefined, content: unknown): BundlePart {
  return partOfBytes(kind, organization, Buffer.from(JSON.stringify(content)));
}

export function partOfBytes(kind: BundlePart['kind'], organization: string | undefined, bytes: Buffer): BundlePart {
  const packed = gzipSync(bytes, { level: 6 });
  const chunks: Buffer[] = [];
  for (let at = 0; at < packed.length; at += MOST_BYTES) chunks.push(packed.subarray(at, at + MOST_BYTES));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { kind, ...(organization === undefined ? {} : { organization }), bytes, sha256, chunks };
}

const listOf = (value: unknown): BundleJson[] => (Array.isArray(value) ? (value as BundleJson[]) : []);

function without(object: BundleJson, ...keys: readonly string[]): BundleJson {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** The bundle's header and its parts; `inventory` first, one per organization. */
export function splitBundle(bundle: BundleJson): {
  readonly header: BundleJson;
  readonly parts: readonly BundlePart[];
} {
  const organizations = listOf(bundle.organizations);
  const parts: BundlePart[] = [];
  for (const organization of organizations) {
    const id = String(organization.id);
    const { locations = [], devices = [], points = [] } = organization;
    parts.push(makePart('inventory', id, { locations, devices, points }));
  }
  for (const organization of organizations) {
    const rights = without(organization, 'id', 'locations', 'devices', 'points');
    parts.push(makePart('rights', String(organization.id), rights));
  }
  const users = listOf(bundle.users).map((user) => without(user, 'password'));
  const applications = listOf(bundle.applications).map((application) => without(application, 'tokens'));
  parts.push(makePart('people', undefined, { users, applications }));
  return { header: without(bundle, 'organizations', 'users', 'applications'), parts };
}
