// Signing in with an organization's identity provider: authorization code with PKCE, by openid-client. Invariants: 1. state,
// nonce and verifier are the gateway's own, used once, and forgotten after ten minutes; 2. a provider speaks only for the
// organization whose policy names it; 3. groups and role are the provider's words, matched by the policy alone; 4. whoever begins
// many sign-ins from one address makes the gateway forget those of that address, and no others.

import { randomBytes } from 'node:crypto';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { Clock } from '../contract/clock.ts';
import type { ProviderIdentity } from '../model/decision.ts';
import { type PrincipalId, principalId } from '../model/ids.ts';
import type { OrganizationRights, PolicySnapshot } from '../policy/rights.ts';
import { addressGroup } from './attempts.ts';
import { FairShares } from './fair-shares.ts';
import type { ProviderSettings } from './options.ts';

const REMEMBERED_MS = 600_000;
/** Several people may work behind one router. */
const BEGUN = { ofOne: 128, ofAll: 1024 } as const;
const TIMEOUT_S = 10;

interface Begun {
  readonly organization: string;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly redirect: string;
  readonly since: number;
}

interface ProviderPerson {
  readonly principal: PrincipalId;
  readonly identity: ProviderIdentity;
  readonly name: string;
}

/** The provider did not answer, or said what it must not. */
export class ProviderFault extends Error {}

/** From as many addresses as there are places for sign-ins, somebody signs in already. */
export class TooManyBegun extends Error {}

export interface IdentityProviders {
  /** Organizations whose people may sign in this way. */
  offered(snapshot: PolicySnapshot): readonly OrganizationRights[];
  /** Where the browser at `address` is to be sent, and the handle it must bring back in a cookie. @throws ProviderFault, TooManyBegun */
  begin(
    organization: OrganizationRights,
    redirect: string,
    address: string,
  ): Promise<{ readonly url: string; readonly handle: string }>;
  /** @throws ProviderFault */
  finish(snapshot: PolicySnapshot, handle: string, query: string): Promise<ProviderPerson>;
}

export function createIdentityProviders(settings: readonly ProviderSettings[], clock: Clock): IdentityProviders {
  const begun = new Map<string, Begun>();
  const shares = new FairShares(BEGUN);
  const known = new Map<string, Promise<Configuration>>();

  const settingsOf = (issuer: string): ProviderSettings | undefined => settings.find((each) => each.issuer === issuer);

  async function configurationOf({ issuer, client }: { issuer: string; client: string }): Promise<Configuration> {
    const key = `${issuer}\n${client}`;
    const before = known.get(key);
    if (before) return before;
    const url = new URL(issuer);
    const secret = settingsOf(issuer)?.clientSecret;
    const isLoopback = url.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
    const made = discovery(url, client, undefined, secret === undefined ? None() : ClientSecretPost(secret), {
      timeout: TIMEOUT_S,
      // Plain HTTP only to this machine: nobody stands between.
      ...(isLoopback && { execute: [allowInsecureRequests] }),
    });
    known.set(key, made);
    // A provider that could not be reached is asked again the next time.
    made.catch(() => known.delete(key));
    return made;
  }

  function forget(handle: string): void {
    begun.delete(handle);
    shares.drop(handle);
  }

  function forgetOld(): void {
    for (const [handle, { since }] of begun) {
      if (clock.monotonic() - since < REMEMBERED_MS) break;
      forget(handle);
    }
  }

  return {
    offered: ({ rights }) =>
      rights.organizations.filter(
        ({ identityProvider }) => identityProvider !== undefined && settingsOf(identityProvider.issuer) !== undefined,
      ),
    async begin(organization, redirect, address) {
      const provider = organization.identityProvider;
      if (!provider) throw new ProviderFault('the organization has no identity provider');
      const configuration = await faulty('cannot be reached', () => configurationOf(provider));
      const verifier = randomPKCECodeVerifier();
      const [state, nonce] = [randomState(), randomNonce()];
      const handle = randomBytes(24).toString('base64url');
      forgetOld();
      const gone = shares.add(addressGroup(address), handle);
      if (gone === handle) throw new TooManyBegun();
      if (gone !== undefined) begun.delete(gone);
      begun.set(handle, { organization: organization.id, verifier, state, nonce, redirect, since: clock.monotonic() });
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: redirect,
        scope: settingsOf(provider.issuer)?.scope ?? 'openid profile',
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      });
      return { url: url.href, handle };
    },
    async finish({ rights }, handle, query) {
      const started = begun.get(handle);
      forget(handle);
      if (!started || clock.monotonic() - started.since > REMEMBERED_MS) {
        throw new ProviderFault('this sign-in was not begun here, or too long ago');
      }
      const organization = rights.organizationsById.get(started.organization);
      const provider = organization?.identityProvider;
      if (!organization || !provider) throw new ProviderFault('the organization has no identity provider any more');
      const configuration = await faulty('cannot be reached', () => configurationOf(provider));
      const tokens = await faulty('refused', () =>
        authorizationCodeGrant(configuration, new URL(`${started.redirect}?${query}`), {
          pkceCodeVerifier: started.verifier,
          expectedState: started.state,
          expectedNonce: started.nonce,
          idTokenExpected: true,
        }),
      );
      const claims = tokens.claims();
      if (!claims) throw new ProviderFault('the provider gave no identity');
      const { groupsClaim = 'groups', roleClaim = 'role' } = settingsOf(provider.issuer) ?? {};
      const groups = claims[groupsClaim];
      const role = claims[roleClaim];
      const named = [claims.name, claims.preferred_username].find((name) => typeof name === 'string');
      return {
        principal: principalId(`${organization.id}:${claims.iss}#${claims.sub}`),
        name: typeof named === 'string' && named !== '' ? named : claims.sub,
        identity: {
          organization: organization.id,
          groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
          ...(typeof role === 'string' && { role }),
        },
      };
    },
  };
}

async function faulty<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ProviderFault(`the identity provider ${what}: ${why}`, { cause: error });
  }
}
