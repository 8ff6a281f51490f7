// The trusted root: which keys may sign what. Everything that comes from the cloud hangs on it.
// Invariants: 1. a root is valid only with its own threshold of distinct keys; 2. a later root must also carry the
// threshold of the one it replaces, and a higher version; 3. no private key ever stands in it.

import { createHash } from 'node:crypto';
import { type CryptoKey, importJWK } from 'jose';
import { z } from 'zod';
import type { PolicyStore } from '../contract/policy-store.ts';
import { type DocumentFault, describeFound } from '../model/fault.ts';
import { fail, type NonEmpty, ok, type Result } from '../model/result.ts';
import { schemaFaults } from './schema-faults.ts';
import { type KeyLookup, parseJsonBytes, signersOf } from './signed-text.ts';

export const ROOT_TYP = 'gatehouse.root+jws';
const MAX_ROOT_BYTES = 98_304;

const kid = z.string().min(1).max(128);
const publicKey = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().refine((text) => {
    const bytes = Buffer.from(text, 'base64url');
    return bytes.length === 32 && bytes.toString('base64url') === text;
  }, 'the 32 bytes of an Ed25519 public key in base64url'),
  kid: kid.optional(),
  alg: z.enum(['EdDSA', 'Ed25519']).optional(),
  use: z.literal('sig').optional(),
});
const role = z.strictObject({ keys: z.array(kid).max(16), threshold: z.int().min(1) });
const instant = z.iso.datetime({ offset: true });

export const rootSchema = z
  .strictObject({
    format: z.literal('gatehouse.root/1'),
    version: z.int().min(1),
    issuedAt: instant,
    expiresAt: instant.optional(),
    keys: z.record(kid, publicKey),
    roles: z.strictObject({
      root: role,
      policy: role.extend({ threshold: z.literal(1) }),
      locks: role.extend({ threshold: z.literal(1) }),
      commands: role.extend({ threshold: z.literal(1) }),
      audit: role.extend({ threshold: z.literal(1) }),
    }),
  })
  .superRefine((root, context) => {
    const add = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const material = new Map<string, string>();
    for (const [name, key] of Object.entries(root.keys)) {
      if (key.kid !== undefined && key.kid !== name) add(['keys', name, 'kid'], `\`${name}\``);
      const twin = material.get(key.x);
      if (twin !== undefined) add(['keys', name, 'x'], `another key than that of \`${twin}\``);
      material.set(key.x, name);
    }
    for (const [name, { keys, threshold }] of Object.entries(root.roles)) {
      for (const [index, entry] of keys.entries()) {
        if (!Object.hasOwn(root.keys, entry)) add(['roles', name, 'keys', index], 'the id of a key in `keys`');
        if (keys.indexOf(entry) !== index) add(['roles', name, 'keys', index], 'a key that is not in this list yet');
      }
      const mayBeEmpty = name !== 'root' && name !== 'policy';
      if (mayBeEmpty && keys.length === 0) continue;
      if (threshold > keys.length) add(['roles', name, 'threshold'], `at most the number of keys, ${keys.length}`);
    }
  });

const envelopeSchema = z.strictObject({
  payload: z.string().min(1),
  signatures: z
    .array(z.strictObject({ protected: z.string().min(1).max(1024), signature: z.string().min(1).max(256) }))
    .min(1)
    .max(32),
});

type RootDocument = z.output<typeof rootSchema>;
/** What a key may sign. A role without keys: nobody may. */
type RootRole = keyof RootDocument['roles'];

export interface TrustedRoot {
  readonly document: RootDocument;
  /** Exact text of the file. */
  readonly text: string;
  /** SHA-256 of the payload, hex: what people compare at enrolment. */
  readonly fingerprint: string;
  /** ms since 1970. */
  readonly issuedAt: number;
  /** ms since 1970; absent: never. */
  readonly expiresAt?: number;
  keyFor(role: RootRole, kid: string): CryptoKey | undefined;
  /** Whether enough of this root's keys signed the other root's payload. */
  vouchesFor(text: string): Promise<boolean>;
}

type Faults = NonEmpty<DocumentFault>;
const oneFault = (path: string, found: string, expected: string) => fail<Faults>([{ path, found, expected }]);

function parseEnvelope(text: string): Result<z.output<typeof envelopeSchema>, Faults> {
  if (text.length > MAX_ROOT_BYTES) return oneFault('', `${text.length} characters`, `at most ${MAX_ROOT_BYTES}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return oneFault('', 'text that is not JSON', 'a JWS in General JSON serialization');
  }
  const envelope = envelopeSchema.safeParse(json);
  return envelope.success ? ok(envelope.data) : fail(schemaFaults(json, envelope.error));
}

/** A root file's text → the root, held to its own threshold. Every fault of its document at once. */
export async function openRoot(text: string): Promise<Result<TrustedRoot, Faults>> {
  const envelope = parseEnvelope(text);
  if (!envelope.ok) return envelope;
  const bytes = Buffer.from(envelope.value.payload, 'base64url');
  const json = parseJsonBytes(bytes);
  if (!json.ok) return oneFault('payload', 'bytes that are not UTF-8 JSON', 'a `gatehouse.root/1` document');
  const parsed = rootSchema.safeParse(json.value);
  if (!parsed.success) return fail(schemaFaults(json.value, parsed.error));
  const document = parsed.data;

  const keys = new Map<string, CryptoKey>();
  for (const [name, { kty, crv, x }] of Object.entries(document.keys)) {
    const key = await importJWK({ kty, crv, x }, 'EdDSA');
    if (key instanceof Uint8Array) return oneFault(`keys.${name}`, 'a secret', 'a public key');
    keys.set(name, key);
  }
  const keyFor = (name: RootRole, id: string) => (document.roles[name].keys.includes(id) ? keys.get(id) : undefined);
  const rootKey: KeyLookup = (id) => keyFor('root', id);

  const { threshold } = document.roles.root;
  const signers = await signersOf(envelope.value.payload, envelope.value.signatures, ROOT_TYP, rootKey);
  if (signers.size < threshold) {
    return oneFault('signatures', `${signers.size} of its root keys`, `at least ${threshold} distinct root keys`);
  }
  return ok({
    document,
    text,
    fingerprint: createHash('sha256').update(bytes).digest('hex'),
    issuedAt: Date.parse(document.issuedAt),
    ...(document.expiresAt === undefined ? {} : { expiresAt: Date.parse(document.expiresAt) }),
    keyFor,
    async vouchesFor(other) {
      const candidate = parseEnvelope(other);
      if (!candidate.ok) return false;
      const { payload, signatures } = candidate.value;
      return (await signersOf(payload, signatures, ROOT_TYP, rootKey)).size >= threshold;
    },
  });
}

/**
 * The root to trust: the stored one, else the given one, which is then stored. A given root that is newer than the stored
 * one takes its place if the stored one's threshold signed it; one that is older was replaced since, and is passed over.
 */
export async function installRoot(store: PolicyStore, text: string): Promise<Result<TrustedRoot, Faults>> {
  const given = await openRoot(text);
  if (!given.ok) return given;
  const storedText = store.root();
  if (storedText === undefined) {
    await store.putRoot(text);
    return given;
  }
  const stored = await openRoot(storedText);
  if (!stored.ok) return stored;
  if (stored.value.fingerprint === given.value.fingerprint) return stored;
  if (given.value.document.version < stored.value.document.version) return stored;
  if (given.value.document.version === stored.value.document.version) {
    return oneFault(
      'version',
      describeFound(given.value.document.version),
      `more than the stored root's ${stored.value.document.version}`,
    );
  }
  if (!(await stored.value.vouchesFor(text))) {
    return oneFault(
      'signatures',
      'too few keys of the stored root',
      `${stored.value.document.roles.root.threshold} of them`,
    );
  }
  await store.putRoot(text);
  return given;
}
