// A credentials part → the secrets in it, for the compile step only. Invariants: 1. what is stored and hashed is the JWE;
// 2. nothing of the plain text is logged, reported or kept beyond the compiled policy; 3. one key agreement, one cipher.

import { flattenedDecrypt } from 'jose';
import { z } from 'zod';
import { fail, ok, type Result } from '../model/result.ts';
import { CREDENTIALS_ALG, CREDENTIALS_ENC, CREDENTIALS_TYP } from './gateway-key-form.ts';
import type { GatewayKeys } from './gateway-keys.ts';
import { type Refused, refused } from './nack.ts';
import { PartFault, type PolicyPart } from './policy-parts.ts';
import { parseJsonBytes } from './signed-text.ts';

const text = z.string().min(1);

/** A JWE in General JSON serialization (RFC 7516, 7.2.1): one recipient for each gateway of the audience. */
export const credentialsSchema = z.strictObject({
  protected: text,
  iv: text,
  ciphertext: text,
  tag: text,
  recipients: z
    .array(z.strictObject({ header: z.looseObject({ kid: text }), encrypted_key: text }))
    .min(1)
    .max(1024),
});

/** Reads a part's secrets; a gateway without keys of its own can read none. */
export type OpenCredentials = (bytes: Uint8Array) => Promise<Result<Uint8Array, Refused>>;

export function credentialsOpener(keys: Pick<GatewayKeys, 'encryption' | 'encryptionKid'>): OpenCredentials {
  return async (bytes) => {
    const wrong = (found: string) =>
      fail(refused('credentials-unreadable', '', found, `a JWE to this gateway’s key \`${keys.encryptionKid}\``));
    const json = parseJsonBytes(bytes);
    const parsed = credentialsSchema.safeParse(json.ok ? json.value : undefined);
    if (!parsed.success) return wrong('something else than a JWE in General JSON serialization');
    const { recipients, ...jwe } = parsed.data;
    const mine = recipients.find(({ header }) => header.kid === keys.encryptionKid);
    if (!mine) return wrong(`a JWE to ${recipients.length === 1 ? 'another key' : `${recipients.length} other keys`}`);
    try {
      const { plaintext, protectedHeader } = await flattenedDecrypt({ ...jwe, ...mine }, keys.encryption, {
        keyManagementAlgorithms: [CREDENTIALS_ALG],
        contentEncryptionAlgorithms: [CREDENTIALS_ENC],
      });
      if (protectedHeader?.typ !== CREDENTIALS_TYP) return wrong(`a JWE that is no \`${CREDENTIALS_TYP}\``);
      return ok(plaintext);
    } catch {
      return wrong('a JWE that does not open');
    }
  };
}

/** The parts as the compile step reads them: credentials opened, everything else as it is. */
export function withOpenCredentials(parts: readonly PolicyPart[], open: OpenCredentials | undefined): PolicyPart[] {
  return parts.map((part, index) => {
    if (part.kind !== 'credentials') return part;
    return {
      ...part,
      async read() {
        const path = `parts.${index}`;
        const opened = open
          ? await open(await part.read())
          : fail(refused('credentials-unreadable', path, 'a credentials part', 'none: this gateway has no key'));
        if (opened.ok) return opened.value;
        const [first] = opened.fault.faults;
        throw new PartFault({ ...opened.fault, faults: [{ ...first, path }] });
      },
    };
  });
}
