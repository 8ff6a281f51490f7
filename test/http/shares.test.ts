// A flood of sign-ins or of keys harms whoever makes it: nothing that was begun or acknowledged is forgotten for others.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FairShares } from '../../src/http/fair-shares.ts';
import { createIdentityProviders, type ProviderFault, TooManyBegun } from '../../src/http/identity-provider.ts';
import { createReplies } from '../../src/http/replies.ts';
import type { OrganizationRights } from '../../src/policy/rights.ts';
import { realTime } from '../drivers/gate-stage.ts';
import { snapshot } from '../gate/stage.ts';
import { MemoryShelf } from '../jobs/slot-driver.ts';
import { type ProviderStage, startProvider } from './provider-stage.ts';
import { siteBundle } from './site-bundle.ts';

const REDIRECT = 'https://gateway.test/api/v1/sign-in/provider/return';

describe('sign-ins under way', () => {
  let provider: ProviderStage;
  beforeAll(async () => {
    provider = await startProvider();
    provider.serve(REDIRECT);
  });
  afterAll(() => provider.stop());

  async function stage() {
    const policy = snapshot(await siteBundle({ issuer: provider.issuer }));
    const settings = { issuer: provider.issuer, groupsClaim: 'groups', roleClaim: 'role', scope: 'openid profile' };
    const providers = createIdentityProviders([settings], realTime);
    const [acme] = providers.offered(policy);
    const begin = async (address: string) =>
      (await providers.begin(acme as OrganizationRights, REDIRECT, address)).handle;
    /** What is known gets as far as the provider, which knows no such code. */
    const isKnown = (handle: string): Promise<boolean> =>
      providers.finish(policy, handle, 'code=none&state=none').then(
        () => true,
        (fault: ProviderFault) => !fault.message.includes('not begun here'),
      );
    return { begin, isKnown };
  }

  it('of one address are not forgotten for a flood from another, nor from one network of IPv6', async () => {
    const { begin, isKnown } = await stage();
    const ours = await begin('192.0.2.1');
    const first = await begin('192.0.2.66');
    for (let each = 0; each < 1100; each += 1) await begin('192.0.2.66');
    for (let each = 0; each < 1100; each += 1) await begin(`2001:db8:0:1:${each.toString(16)}::1`);
    expect([await isKnown(ours), await isKnown(first)]).toEqual([true, false]);
  });

  it('of one who is alone at an address stay while others hold more; one too many of all is told so', async () => {
    const { begin, isKnown } = await stage();
    const ours = await begin('192.0.2.1');
    for (let each = 0; each < 1100; each += 1) await begin(`198.51.${each % 9}.7`);
    expect(await isKnown(ours)).toBe(true);
    const { begin: beginAlone } = await stage();
    for (let each = 0; each < 1024; each += 1) await beginAlone(`198.51.${each >> 8}.${each & 255}`);
    await expect(beginAlone('203.0.113.1')).rejects.toBeInstanceOf(TooManyBegun);
  });
});

describe('keys of writes', () => {
  it('of one person are not forgotten for a flood of another, also after a restart', async () => {
    const shelf = new MemoryShelf();
    let replies = createReplies(shelf, realTime);
    let done = 0;
    const once = (who: string, key: string) =>
      replies.once(who, key, '/write', {}, async () => {
        done += 1;
        return done;
      });
    expect(await once('anna', 'spring')).toBe(1);
    const flood = async () => {
      for (let each = 0; each < 2100; each += 1) await once('mallory', `k${each}-${done}`);
    };
    await flood();
    expect(await once('anna', 'spring')).toBe(1);
    replies = createReplies(shelf, realTime);
    await flood();
    expect(await once('anna', 'spring')).toBe(1);
    expect(shelf.list('reply')).toHaveLength(2001);
  });
});

describe('places', () => {
  it('are given up by who holds the most, the oldest first, and by nobody who holds but one', () => {
    const shares = new FairShares({ ofOne: 3, ofAll: 4 });
    expect(['1', '2', '3', '4'].map((id) => shares.add('a', id))).toEqual([undefined, undefined, undefined, '1']);
    expect([shares.add('b', 'b1'), shares.add('c', 'c1'), shares.add('d', 'd1')]).toEqual([undefined, '2', '3']);
    expect(shares.add('e', 'e1')).toBe('e1');
    shares.drop('b1');
    shares.drop('b1');
    expect([shares.add('e', 'e1'), shares.add('e', 'e2')]).toEqual([undefined, 'e1']);
    expect(shares.add('a', '4')).toBeUndefined();
  });
});
