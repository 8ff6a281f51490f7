// The steps of acceptance that only look (SYNC.md, Order of acceptance), each a function that says yes or why not.

import type { PolicyFloor } from '../contract/policy-store.ts';
import { describeFound } from '../model/fault.ts';
import { MOST_AHEAD_MS, type PolicyClock } from './clock.ts';
import type { Manifest } from './manifest.ts';
import { type Refused, refused } from './nack.ts';
import type { TrustedRoot } from './root.ts';

/** What every signed message from the cloud says of itself. */
export interface SignedMessage {
  readonly payload: Order & { readonly audience: readonly string[]; readonly issuedAt: string };
  /** SHA-256 (hex) of its exact text. */
  readonly sha256: string;
  /** ms since 1970. */
  readonly issuedAt: number;
}

export function checkAudience({ payload }: SignedMessage, gateway: string): Refused | undefined {
  if (payload.audience.includes(gateway)) return undefined;
  return refused('wrong-audience', 'audience', describeFound(payload.audience), `\`${gateway}\` among them`);
}

interface Order {
  readonly epoch: number;
  readonly revision: number;
}

/** Negative, zero or positive, as `a` is before, at or after `b`: epoch first, then revision. */
export function compareOrder(a: Order, b: Order): number {
  return a.epoch === b.epoch ? a.revision - b.revision : a.epoch - b.epoch;
}

type FloorVerdict = { readonly is: 'above' | 'same' } | { readonly is: 'refused'; readonly why: Refused };

/** `same` is the very message that made the floor. */
export function checkFloor({ payload, sha256 }: SignedMessage, floor: PolicyFloor | undefined): FloorVerdict {
  const side = floor === undefined ? 1 : compareOrder(payload, floor);
  if (floor === undefined || side > 0) return { is: 'above' };
  const found = `epoch ${payload.epoch} revision ${payload.revision}`;
  const at = `epoch ${floor.epoch} revision ${floor.revision}`;
  if (side < 0) return { is: 'refused', why: refused('below-floor', 'revision', found, `above ${at}`) };
  if (sha256 === floor.manifestSha256) return { is: 'same' };
  return {
    is: 'refused',
    why: refused('equivocation', 'revision', `${found} with hash \`${sha256}\``, `hash \`${floor.manifestSha256}\``),
  };
}

/** Only a sure clock can say that a message is ahead of its time. */
export function checkIssued({ payload, issuedAt }: SignedMessage, clock: PolicyClock): Refused | undefined {
  if (!clock.sure() || issuedAt <= clock.now() + MOST_AHEAD_MS) return undefined;
  const latest = new Date(clock.now()).toISOString();
  return refused('issued-in-future', 'issuedAt', describeFound(payload.issuedAt), `at most 24 h after ${latest}`);
}

/** An unsure clock refuses only what its floor proves to be over. */
export function checkTime(manifest: Manifest, root: TrustedRoot, clock: PolicyClock): Refused | undefined {
  const sure = clock.sure();
  const atLeast = sure ? clock.now() : clock.floor();
  const latest = new Date(atLeast).toISOString();
  if (root.expiresAt !== undefined && root.expiresAt <= atLeast) {
    return refused('root-expired', '', `a root that expired at ${root.document.expiresAt}`, `one good at ${latest}`);
  }
  const early = checkIssued(manifest, clock);
  if (early) return early;
  if (manifest.expiresAt !== undefined && manifest.expiresAt <= atLeast) {
    return refused('expired', 'expiresAt', describeFound(manifest.payload.expiresAt), `after ${latest}`);
  }
  return undefined;
}
