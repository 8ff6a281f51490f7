// Part of "attribute": tool sessions bind a signed-in person to the address they work from.
// Invariants: 1. one person per address; 2. a session is in force only once its opening is durable; 3. every opening and
// ending has a row; 4. time counts on the monotonic clock, so a set clock prolongs nothing.

import type { ProviderIdentity } from '../model/decision.ts';
import { type PrincipalId, type SessionId, sessionId, type TargetId } from '../model/ids.ts';
import type { SessionRow, Who } from '../model/journal-row.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { isInNetwork, type Network, normaliseAddress } from './address.ts';
import type { Keeper } from './keeper.ts';
import type { GateOptions, SessionClaim, SessionRefusal, ToolSession } from './options.ts';
import { type PolicyInForce, standingOf } from './policy-in-force.ts';

const DEFAULT_LONGEST_MS = 8 * 3_600_000;
const MOST_SESSIONS = 256;

export interface OpenSession extends ToolSession {
  readonly identity?: ProviderIdentity;
  readonly deviceSet?: ReadonlySet<TargetId>;
}

interface Held extends OpenSession {
  readonly endsAt: number;
  readonly hardwareAddress?: string;
  readonly timer: { cancel(): void };
  readonly by: Who;
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
  const now = () => ({ at: clock.now(), timeUnsure: !clock.sure() });

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

  function objection(claim: SessionClaim, address: string | undefined, shared: boolean): SessionRefusal | undefined {
    const policy = services.policy();
    if (!policy) return { reason: 'no-policy', text: 'no policy is in force, so nobody is known' };
    const standing = standingOf(policy, claim.principal, claim.identity, now());
    if (standing !== 'stands')
      return {
        reason: standing,
        text: `\`${claim.principal}\` is ${standing === 'locked' ? 'locked' : 'not known or disabled'}`,
      };
    if (address === undefined) {
      return { reason: 'bad-address', text: `got address \`${claim.address}\`, expected an IPv4 or IPv6 address` };
    }
    if (!(claim.forMs > 0 && claim.forMs <= longest)) {
      return {
        reason: 'bad-duration',
        text: `got \`${claim.forMs}\` ms, expected more than 0 and at most \`${longest}\` ms`,
      };
    }
    const unknown = claim.devices?.find((id) => {
      const handle = policy.inventory.find(id);
      return handle === undefined || !policy.inventory.device(handle);
    });
    if (unknown !== undefined)
      return { reason: 'unknown-device', text: `got \`${unknown}\`, expected a device of the policy` };
    if (services.isApplicationAddress(address)) {
      return {
        reason: 'application-address',
        text: `\`${address}\` belongs to an application of the site's configuration`,
      };
    }
    const holder = opening.get(address) ?? at(address)?.principal;
    if (opening.has(address) || (holder !== undefined && holder !== claim.principal)) {
      log.write(
        'warn',
        'session.contested',
        { address, holder, principal: claim.principal },
        `\`${claim.principal}\` claimed \`${address}\`, which is in use by \`${holder}\``,
      );
      return {
        reason: 'address-in-use',
        text: `\`${address}\` is in use by \`${holder}\``,
        ...(holder !== undefined && { holder }),
      };
    }
    if (byAddress.size + opening.size >= MOST_SESSIONS && holder === undefined) {
      return {
        reason: 'too-many-sessions',
        text: `\`${MOST_SESSIONS}\` sessions are open, which is the most there may be`,
      };
    }
    if (shared) return undefined;
    const link = links.lookup(address);
    if (!link) {
      return {
        reason: 'not-on-link',
        text: `\`${address}\` was not heard on a network of this gateway, and no shared network lists it`,
      };
    }
    if (!link.alone) {
      return {
        reason: 'shared-link',
        text: `\`${address}\` shares its link-layer address \`${link.hardwareAddress}\` with others`,
      };
    }
    return undefined;
  }

  return {
    async open(claim) {
      const address = normaliseAddress(claim.address);
      const shared = address !== undefined && sharedNetworks.some((network) => isInNetwork(network, address));
      const refusal = objection(claim, address, shared);
      if (refusal || address === undefined) return fail(refusal as SessionRefusal);
      const hardwareAddress = shared ? undefined : links.lookup(address)?.hardwareAddress;
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
      const policy = services.policy();
      const standing = policy ? standingOf(policy, claim.principal, claim.identity, now()) : 'unknown-principal';
      if (standing !== 'stands') {
        keeper.keep(rowOf('ended', session, gateway('revoked'), standing));
        return fail({ reason: standing, text: `\`${claim.principal}\` was revoked meanwhile` });
      }
      const before = byAddress.get(address);
      if (before) close(before, claim.by, 'renewed');
      const held: Held = {
        ...session,
        by: claim.by,
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
      [...byId.values()].map(({ id, principal, address, openedAt, until, shared, devices }) => ({
        id,
        principal,
        address,
        openedAt,
        until,
        shared,
        ...(devices && { devices }),
      })),
    sweep() {
      const policy = services.policy();
      if (!policy) return;
      for (const session of [...byId.values()]) {
        const standing = standingOf(policy, session.principal, session.identity, now());
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
