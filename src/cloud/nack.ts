// Every way a manifest can be refused, listed once, in the order of acceptance (SYNC.md). Codes are words and never
// reused; the report carries them and the README's table is held to this register.

import type { DocumentFault } from '../model/fault.ts';
import type { NonEmpty } from '../model/result.ts';

/**
 * When a refused manifest is looked at again: `never` for what lies in its signed bytes, `chunks` when other chunks of
 * its parts come, `arrival` when the same manifest comes again (the clock or the disk may have recovered).
 */
type Retry = 'never' | 'chunks' | 'arrival';

interface NackRule {
  readonly step: 'envelope' | 'audience' | 'floor' | 'time' | 'parts' | 'compile' | 'self-test' | 'durable';
  readonly retry: Retry;
  readonly meaning: string;
}

export const NACKS = {
  'too-large': { step: 'envelope', retry: 'never', meaning: 'the manifest is larger than 96 KiB' },
  'bad-signature': {
    step: 'envelope',
    retry: 'never',
    meaning: 'not a compact JWS signed by a key that the trusted root names for policy',
  },
  'unknown-format': { step: 'envelope', retry: 'never', meaning: 'signed, but of another format version' },
  malformed: { step: 'envelope', retry: 'never', meaning: 'signed, but the manifest or a part is not of the schema' },
  'wrong-audience': { step: 'audience', retry: 'never', meaning: 'signed for other gateways' },
  'below-floor': { step: 'floor', retry: 'never', meaning: 'older than what was accepted before' },
  equivocation: {
    step: 'floor',
    retry: 'never',
    meaning: 'the same epoch and revision were signed with other content: somebody should look at the signing key',
  },
  'root-expired': { step: 'time', retry: 'arrival', meaning: 'the trusted root has expired: a newer one is needed' },
  'issued-in-future': {
    step: 'time',
    retry: 'arrival',
    meaning: 'issued more than 24 h ahead of a clock that is known to be right',
  },
  expired: { step: 'time', retry: 'arrival', meaning: 'had expired before it came' },
  'missing-part': { step: 'parts', retry: 'chunks', meaning: 'chunks of a part did not come in time' },
  'part-unreadable': { step: 'parts', retry: 'chunks', meaning: 'the chunks of a part do not unpack' },
  'part-size': { step: 'parts', retry: 'chunks', meaning: 'a part unpacks to another size than signed' },
  'part-hash': { step: 'parts', retry: 'chunks', meaning: 'a part unpacks to other bytes than signed' },
  'credentials-unreadable': {
    step: 'compile',
    retry: 'never',
    meaning: 'the credentials part is no JWE that opens with the key of this gateway',
  },
  'refused-bundle': { step: 'compile', retry: 'never', meaning: 'the parts make a bundle that must be refused' },
  'compile-failed': { step: 'compile', retry: 'arrival', meaning: 'the gateway failed to compile the bundle' },
  'self-test-failed': {
    step: 'self-test',
    retry: 'never',
    meaning: 'the compiled policy answered a known question wrongly',
  },
  'not-durable': { step: 'durable', retry: 'arrival', meaning: 'the gateway could not store the policy' },
} as const satisfies Record<string, NackRule>;

export type NackCode = keyof typeof NACKS;

/** Why a manifest was refused: the code and every fault. */
export interface Refused {
  readonly code: NackCode;
  readonly faults: NonEmpty<DocumentFault>;
}

export function refused(code: NackCode, path: string, found: string, expected: string): Refused {
  return { code, faults: [{ path, found, expected }] };
}
