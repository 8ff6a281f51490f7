// First step of every road from the cloud: bytes with a signature → payload, or why not. One spelling only: what could
// be written in two ways (padding bits, further header fields) is refused, so that a hash of the bytes names the message.

import { type CryptoKey, compactVerify, flattenedVerify } from 'jose';
import { z } from 'zod';
import { fail, ok, type Result } from '../model/result.ts';

const headerSchema = z.strictObject({
  alg: z.literal('EdDSA'),
  kid: z.string().min(1).max(128),
  typ: z.string(),
});

export type KeyLookup = (kid: string) => CryptoKey | undefined;

/** Strict UTF-8 JSON; a byte order mark is a fault. */
export function parseJsonBytes(bytes: Uint8Array): Result<unknown, string> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return ok(value);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function isCanonical(segment: string): boolean {
  return segment !== '' && Buffer.from(segment, 'base64url').toString('base64url') === segment;
}

function keyOfHeader(segment: string, typ: string, keyOf: KeyLookup): Result<{ kid: string; key: CryptoKey }, string> {
  const json = parseJsonBytes(Buffer.from(segment, 'base64url'));
  const header = headerSchema.safeParse(json.ok ? json.value : undefined);
  if (!header.success) return fail('a header other than `{alg: EdDSA, kid, typ}`');
  if (header.data.typ !== typ) return fail(`typ \`${header.data.typ.slice(0, 64)}\`, not \`${typ}\``);
  const key = keyOf(header.data.kid);
  if (!key) return fail(`a signature by key \`${header.data.kid}\`, which the trusted root does not name for this`);
  return ok({ kid: header.data.kid, key });
}

/** A compact JWS → its payload bytes and the key that signed. `fault` says what was found. */
export async function openCompact(
  text: string,
  typ: string,
  keyOf: KeyLookup,
): Promise<Result<{ readonly payload: Uint8Array; readonly kid: string }, string>> {
  const segments = text.split('.');
  if (segments.length !== 3 || !segments.every(isCanonical)) return fail('text that is not a compact JWS');
  const header = keyOfHeader(segments[0] ?? '', typ, keyOf);
  if (!header.ok) return header;
  try {
    const { payload } = await compactVerify(text, header.value.key, { algorithms: ['EdDSA'] });
    return ok({ payload, kid: header.value.kid });
  } catch {
    return fail(`a signature that key \`${header.value.kid}\` did not make`);
  }
}

interface SignatureEntry {
  readonly protected: string;
  readonly signature: string;
}

/** Which of the keys did sign this payload (General JSON serialization). Broken or foreign signatures do not count. */
export async function signersOf(
  payload: string,
  signatures: readonly SignatureEntry[],
  typ: string,
  keyOf: KeyLookup,
): Promise<ReadonlySet<string>> {
  const signers = new Set<string>();
  for (const entry of signatures) {
    if (!isCanonical(entry.protected) || !isCanonical(entry.signature)) continue;
    const header = keyOfHeader(entry.protected, typ, keyOf);
    if (!header.ok) continue;
    try {
      await flattenedVerify({ payload, ...entry }, header.value.key, { algorithms: ['EdDSA'] });
      signers.add(header.value.kid);
    } catch {
      // Not a signature of that key: it does not count.
    }
  }
  return signers;
}
