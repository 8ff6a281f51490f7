// Claims of tool sessions on the way: an address that was typed in is confirmed from there, by a code used once.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../contract/clock.ts';
import type { Asker } from './asker.ts';

const VALID_MS = 300_000;
const MOST_OPEN = 256;
const PER_PERSON = 4;

interface OpenClaim {
  readonly asker: Asker;
  readonly address: string;
  readonly forMs: number;
  readonly devices?: readonly string[];
  /** ms since 1970. */
  readonly until: number;
}

export interface ToolClaims {
  begin(claim: Omit<OpenClaim, 'until'>): { readonly code: string; readonly until: number };
  /** Used up by this, whether or not the address fits; `undefined`: no such code, too late, or from elsewhere. */
  confirm(code: string, from: string): OpenClaim | undefined;
  /** Somebody tried to claim the address of this session. */
  contest(session: string): void;
  contestedAt(session: string): number | undefined;
  forget(session: string): void;
}

export function createToolClaims(clock: Clock): ToolClaims {
  const open = new Map<string, OpenClaim & { readonly endsAt: number }>();
  const contested = new Map<string, number>();
  const dropOld = (): void => {
    for (const [code, { endsAt }] of open) if (endsAt <= clock.monotonic()) open.delete(code);
  };
  return {
    begin(claim) {
      dropOld();
      const { principal } = claim.asker.caller;
      const own = [...open].filter(([, { asker }]) => asker.caller.principal === principal);
      const [oldest] = own.length >= PER_PERSON ? (own[0] ?? []) : open.size >= MOST_OPEN ? [...open.keys()] : [];
      if (oldest !== undefined) open.delete(oldest);
      const code = randomBytes(12).toString('base64url');
      const until = clock.now() + VALID_MS;
      open.set(code, { ...claim, until, endsAt: clock.monotonic() + VALID_MS });
      return { code, until };
    },
    confirm(code, from) {
      dropOld();
      const claim = open.get(code);
      open.delete(code);
      return claim?.address === from ? claim : undefined;
    },
    contest(session) {
      contested.set(session, clock.now());
      const [oldest] = contested.size > MOST_OPEN ? contested.keys() : [];
      if (oldest !== undefined) contested.delete(oldest);
    },
    contestedAt: (session) => contested.get(session),
    forget: (session) => void contested.delete(session),
  };
}
