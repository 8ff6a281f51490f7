// The manifest: what the cloud wants in force, signed. Envelope → payload, strictly; anything else is refused.
// Invariants: 1. nothing of an unverified payload is looked at; 2. every bound here limits what later steps may allocate.

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { describeFound } from '../model/fault.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { type Refused, refused } from './nack.ts';
import type { TrustedRoot } from './root.ts';
import { schemaFaults } from './schema-faults.ts';
import { openCompact, parseJsonBytes } from './signed-text.ts';

export const MANIFEST_TYP = 'gatehouse.policy+jws';
/** Bytes of any message's payload on the wire. */
export const MAX_MESSAGE_BYTES = 98_304;
const MAX_PART_BYTES = 67_108_864;
const MAX_TOTAL_BYTES = 268_435_456;
const MAX_CHUNKS = 1024;
const MAX_PARTS = 512;

const instant = z.iso.datetime({ offset: true });

const partSchema = z
  .strictObject({
    /** Of the uncompressed bytes, lower-case hex. */
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex'),
    /** Uncompressed bytes. */
    size: z.int().min(2).max(MAX_PART_BYTES),
    kind: z.enum(['inventory', 'rights', 'people', 'credentials']),
    organization: z.string().min(1).optional(),
    /** Messages `policy/parts/{sha256}/0` to `chunks - 1`. */
    chunks: z.int().min(1).max(MAX_CHUNKS),
  })
  .superRefine((part, context) => {
    const needed = part.kind === 'inventory' || part.kind === 'rights';
    if (needed !== (part.organization !== undefined)) {
      const message = needed ? `an organization for \`${part.kind}\`` : `no organization for \`${part.kind}\``;
      context.addIssue({ code: 'custom', path: ['organization'], message });
    }
  });

export const manifestSchema = z
  .strictObject({
    format: z.literal('gatehouse.policy/1'),
    revision: z.int().min(0),
    audience: z.array(z.string().min(1)).min(1),
    issuedAt: instant,
    expiresAt: instant.optional(),
    graceHours: z.number().min(0).optional(),
    mode: z.enum(['enforce', 'observe']).optional(),
    observeUntil: instant.optional(),
    /** Public JWKs, judged with the bundle. */
    keys: z.record(z.string(), z.unknown()).optional(),
    epoch: z.int().min(0),
    refreshBy: instant.optional(),
    parts: z.array(partSchema).max(MAX_PARTS),
  })
  .superRefine((manifest, context) => {
    const add = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const hashes = new Set<string>();
    const places = new Set<string>();
    for (const [index, part] of manifest.parts.entries()) {
      const place = `${part.kind} ${part.organization ?? ''}`;
      if (hashes.has(part.sha256)) add(['parts', index, 'sha256'], 'a hash that no other part has');
      if (places.has(place)) add(['parts', index, 'kind'], `one part of kind \`${place.trim()}\``);
      hashes.add(part.sha256);
      places.add(place);
    }
    const total = manifest.parts.reduce((sum, part) => sum + part.size, 0);
    if (total > MAX_TOTAL_BYTES) add(['parts'], `at most ${MAX_TOTAL_BYTES} bytes in all`);
  });

export type ManifestPayload = z.output<typeof manifestSchema>;
export type PartDescriptor = ManifestPayload['parts'][number];

/** A manifest whose signature and shape are right. Times in ms since 1970. */
export interface Manifest {
  readonly payload: ManifestPayload;
  /** The exact text that was signed and is stored. */
  readonly text: string;
  /** SHA-256 (hex) of that text. */
  readonly sha256: string;
  readonly kid: string;
  readonly issuedAt: number;
  readonly expiresAt?: number;
  readonly refreshBy?: number;
}

export function orderOf({ payload }: Manifest): { readonly epoch: number; readonly revision: number } {
  return { epoch: payload.epoch, revision: payload.revision };
}

export function nameOf({ payload }: Manifest): string {
  return `epoch ${payload.epoch} revision ${payload.revision}`;
}

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Signature, format, shape; in this order. */
export async function openManifest(text: string, root: TrustedRoot): Promise<Result<Manifest, Refused>> {
  const size = Buffer.byteLength(text);
  if (size > MAX_MESSAGE_BYTES) return fail(refused('too-large', '', `${size} bytes`, `at most ${MAX_MESSAGE_BYTES}`));
  const opened = await openCompact(text, MANIFEST_TYP, (kid) => root.keyFor('policy', kid));
  if (!opened.ok) {
    return fail(refused('bad-signature', '', opened.fault, 'a compact JWS by a policy key of the trusted root'));
  }
  const json = parseJsonBytes(opened.value.payload);
  if (!json.ok) return fail(refused('malformed', '', 'a payload that is not UTF-8 JSON', 'a manifest'));
  const format = (json.value as { format?: unknown } | null)?.format;
  if (format !== 'gatehouse.policy/1') {
    return fail(refused('unknown-format', 'format', describeFound(format), '`gatehouse.policy/1`'));
  }
  const parsed = manifestSchema.safeParse(json.value);
  if (!parsed.success) return fail({ code: 'malformed', faults: schemaFaults(json.value, parsed.error) });
  const payload = parsed.data;
  return ok({
    payload,
    text,
    sha256: sha256Hex(text),
    kid: opened.value.kid,
    issuedAt: Date.parse(payload.issuedAt),
    ...(payload.expiresAt === undefined ? {} : { expiresAt: Date.parse(payload.expiresAt) }),
    ...(payload.refreshBy === undefined ? {} : { refreshBy: Date.parse(payload.refreshBy) }),
  });
}
