// Part of "attribute": tool sessions bind a signed-in person to the address they work from.
// Invariants: 1. one person per address; 2. a session is in force only once its opening is durable; 3. every opening and
// ending has a row; 4. time counts on the monotonic clock, so a set clock prolongs nothing.

import type { SessionClaim, SessionRefusal, ToolSession } from '../contract/tool-session.ts';
import { type PrincipalId, type SessionId, sessionId, type TargetId } from '../model/ids.ts';
import type { SessionRow, Who } from '../model/journal-row.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { isInNetwork, type Network, normaliseAddress } from './address.ts';
import type { Keeper } from './keeper.ts';
import type { GateOptions } from './options.ts';
import { type PolicyInForce, type Standing, standingOf } from './policy-in-force.ts';
import { deviceOf } from './resolve.ts';

const DEFAULT_LONGEST_MS = 8 * 3_600_000;
const MOST_SESSIONS = 256;

export interface OpenSession extends ToolSession {
  readonly deviceSet?: ReadonlySet<TargetId>;
}

interface Held extends OpenSession {
  readonly endsAt: number;
  readonly hardwareAddress?: string;
  readonly timer: { cancel(): void };
}

export interface Sessions {
  open(claim: SessionClaim): Promise<Result<ToolSession, SessionRefusal>>;
  end(id: SessionId, by: Who, why: string): boolean;
  at(address: string): OpenSession | undefined;
  get(id: SessionId): OpenSession | undefined;
  list(): readonly ToolSession[];
  /** Ends those whose principal lost its standing. */
  sweep(): void;
  checkLinks(): void;
  endAll(why: string): void;
}

interface Place {
  readonly address: string;
  readonly shared: boolean;
  readonly hardwareAddress?: string;
}

const STANDING_TEXT = {
  'no-policy': 'no policy is in force, so nobody is known',
  'unknown-principal': 'not known, or disabled',
  locked: 'a lock is in force',
} as const;

interface SessionServices {
  readonly options: GateOptions;
  readonly keeper: Keeper;
  readonly sharedNetworks: readonly Network[];
  isApplicationAddress(address: string): boolean;
  policy(): PolicyInForce | undefined;
  /** After every opening and ending. */
  changed(): void;
}

const gateway = (why: string): Who => ({ principal: null, proof: { kind: 'gateway', why }, from: 'gateway' });

export function createSessions({ options, keeper, sharedNetworks, ...services }: SessionServices): Sessions {
  const { clock, timers, links, site, log } = options;
  const longest = site.longestSessionMs ?? DEFAULT_LONGEST_MS;
  const byAddress = new Map<string, Held>();
  const byId = new Map<SessionId, Held>();
  /** Claims whose row is being made durable: their address is taken already. */
  const opening = new Map<string, PrincipalId>();
  function standingNow({ principal, identity }: Pick<SessionClaim, 'principal' | 'identity'>): Standing | 'no-policy' {
    const policy = services.policy();
    if (!policy) return 'no-policy';
    return standingOf(policy, principal, identity, { at: clock.now(), timeUnsure: !clock.sure() });
  }

  function rowOf(event: 'opened' | 'ended', session: ToolSession, who: Who, why?: string): SessionRow {
    return {
      kind: 'session',
      ...keeper.stamp(),
      event,
      session: session.id,
      principal: session.principal,
      address: session.address,
      until: session.until,
      who,
      ...(why !== undefined && { why }),
    };
  }

  function close(session: Held, by: Who, why: string): void {
    session.timer.cancel();
    byId.delete(session.id);
    byAddress.delete(session.address);
    keeper.keep(rowOf('ended', session, by, why));
    log.write(
      'info',
      'session.ended',
      { session: session.id, principal: session.principal, address: session.address, why },
      `tool session of \`${session.principal}\` from \`${session.address}\` ended: ${why}`,
    );
    services.changed();
  }

  const at = (address: string): Held | undefined => {
    const session = byAddress.get(address);
    return session && session.endsAt > clock.monotonic() ? session : undefined;
  };

  /** Where the session would be, or why it may not be opened. */
  function examine(claim: SessionClaim): Result<Place, SessionRefusal> {
    const refuse = (reason: SessionRefusal['reason'], text: string) => fail({ reason, text });
    const { principal, forMs } = claim;
    const standing = standingNow(claim);
    if (standing !== 'stands') return refuse(standing, `\`${principal}\`: ${STANDING_TEXT[standing]}`);
    const address = normaliseAddress(claim.address);
    if (address === undefined) {
      return refuse('bad-address', `got address \`${claim.address}\`, expected an IPv4 or IPv6 address`);
    }
    if (!(forMs > 0 && forMs <= longest)) {
      return refuse('bad-duration', `got \`${forMs}\` ms, expected more than 0 and at most \`${longest}\` ms`);
    }
    const inventory = services.policy()?.inventory;
    const unknown = claim.devices?.find((id) => !inventory || deviceOf(inventory, id)?.id !== id);
    if (unknown !== undefined) return refuse('unknown-device', `got \`${unknown}\`, expected a device of the policy`);
    if (services.isApplicationAddress(address)) {
      return refuse('application-address', `\`${address}\` belongs to an application of the site's configuration`);
    }
    const claimant = opening.get(address);
    const holder = claimant ?? at(address)?.principal;
    if (holder !== undefined && (claimant !== undefined || holder !== principal)) {
      const text = `\`${principal}\` claimed \`${address}\`, which is in use by \`${holder}\``;
      log.write('warn', 'session.contested', { address, holder, principal }, text);
      return fail({ reason: 'address-in-use', text, holder });
    }
    if (byAddress.size + opening.size >= MOST_SESSIONS && holder === undefined) {
      return refuse('too-many-sessions', `got one more than the \`${MOST_SESSIONS}\` sessions there may be`);
    }
    if (sharedNetworks.some((network) => isInNetwork(network, address))) return ok({ address, shared: true });
    const link = links.lookup(address);
    if (!link) {
      return refuse(
        'not-on-link',
        `\`${address}\` was not heard on a network of this gateway, nor is its network shared`,
      );
    }
    const { hardwareAddress, alone } = link;
    if (!alone)
      return refuse('shared-link', `\`${address}\` shares link-layer address \`${hardwareAddress}\` with others`);
    return ok({ address, shared: false, hardwareAddress });
  }

  return {
    async open(claim) {
      const place = examine(claim);
      if (!place.ok) return place;
      const { address, shared, hardwareAddress } = place.value;
      const id = sessionId(options.newId('session'));
      const openedAt = clock.now();
      const endsAt = clock.monotonic() + claim.forMs;
      const session: ToolSession = {
        id,
        principal: claim.principal,
        address,
        openedAt,
        until: openedAt + claim.forMs,
        shared,
        ...(claim.devices && { devices: claim.devices }),
      };
      opening.set(address, claim.principal);
      try {
        await options.journal.append(rowOf('opened', session, claim.by));
      } catch (cause) {
        return fail({ reason: 'journal-unavailable', text: `the record cannot be written: ${String(cause)}` });
      } finally {
        opening.delete(address);
      }
      // The person may have been revoked while the row went to disk.
      const standing = standingNow(claim);
      if (standing !== 'stands') {
        keeper.keep(rowOf('ended', session, gateway('revoked'), standing));
        return fail({ reason: standing, text: `\`${claim.principal}\` was revoked meanwhile` });
      }
      const before = byAddress.get(address);
      if (before) close(before, claim.by, 'renewed');
      const held: Held = {
        ...session,
        endsAt,
        ...(claim.identity && { identity: claim.identity }),
        ...(claim.devices && { deviceSet: new Set(claim.devices) }),
        ...(hardwareAddress !== undefined && { hardwareAddress }),
        timer: timers.after(Math.max(0, endsAt - clock.monotonic()), () =>
          close(held, gateway('time'), 'its time is up'),
        ),
      };
      byAddress.set(address, held);
      byId.set(id, held);
      log.write(
        'info',
        'session.opened',
        { session: id, principal: claim.principal, address, until: session.until, shared },
        `tool session of \`${claim.principal}\` from \`${address}\`${shared ? ' (shared network)' : ''} opened`,
      );
      services.changed();
      return ok(session);
    },
    end(id, by, why) {
      const session = byId.get(id);
      if (session) close(session, by, why);
      return session !== undefined;
    },
    at,
    get(id) {
      const session = byId.get(id);
      return session && session.endsAt > clock.monotonic() ? session : undefined;
    },
    list: () =>
      [...byId.values()].map(({ id, principal, identity, address, openedAt, until, shared, devices }) => ({
        id,
        principal,
        address,
        openedAt,
        until,
        shared,
        ...(identity && { identity }),
        ...(devices && { devices }),
      })),
    sweep() {
      for (const session of [...byId.values()]) {
        const standing = standingNow(session);
        if (standing !== 'stands') close(session, gateway('revoked'), `its principal is ${standing}`);
      }
    },
    checkLinks() {
      for (const session of [...byId.values()]) {
        if (session.hardwareAddress === undefined) continue;
        const link = links.lookup(session.address);
        // An entry that aged out of the table is no change: the next frame brings it back, and then it is compared.
        if (link && link.hardwareAddress !== session.hardwareAddress) {
          close(
            session,
            gateway('link'),
            `link-layer address changed from \`${session.hardwareAddress}\` to \`${link.hardwareAddress}\``,
          );
        }
      }
    },
    endAll(why) {
      for (const session of [...byId.values()]) close(session, gateway('stop'), why);
    },
  };
}
