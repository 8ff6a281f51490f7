// How often signing in may fail. Invariants: 1. an address fails at most 20 times in 10 minutes; 2. after 5 failures an account
// waits, longer each time, at most 15 minutes: time alone is the way back; 3. from an address where the account has signed in
// before, others' failures do not count, so that nobody can lock everybody out; 4. what is kept is bounded.

import type { Clock } from '../contract/clock.ts';

const WINDOW_MS = 600_000;
const PER_ADDRESS = 20;
const FREE_FAILURES = 5;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 900_000;
const FORGET_MS = 3_600_000;
const MOST_KEPT = 4096;

interface Failures {
  count: number;
  since: number;
  last: number;
}

export interface Attempts {
  /** Seconds to wait; 0 = go on. */
  wait(address: string, account: string): number;
  failed(address: string, account: string): void;
  succeeded(address: string, account: string): void;
}

/** Of an IPv6 address the /64, which is one customer's. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address;
  const [head = ''] = address.split('::');
  return head.split(':').slice(0, 4).join(':');
}

export function createAttempts(clock: Clock): Attempts {
  const addresses = new Map<string, Failures>();
  const accounts = new Map<string, Failures>();
  /** Accounts and the addresses they signed in from. */
  const familiar = new Map<string, number>();

  /** Under its own name where the address is familiar, else together with all strangers. */
  const accountKey = (address: string, account: string): string => {
    const pair = `${account}\n${addressGroup(address)}`;
    return familiar.has(pair) ? pair : account;
  };

  const find = (failures: Map<string, Failures>, key: string, forgetMs: number): Failures | undefined => {
    const found = failures.get(key);
    if (found && clock.monotonic() - found.last > forgetMs) failures.delete(key);
    return failures.get(key);
  };

  function count(failures: Map<string, Failures>, key: string, forgetMs: number): void {
    const now = clock.monotonic();
    const found = find(failures, key, forgetMs) ?? { count: 0, since: now, last: now };
    found.count += 1;
    found.last = now;
    remember(failures, key, found);
  }

  return {
    wait(address, account) {
      const now = clock.monotonic();
      const byAddress = find(addresses, addressGroup(address), WINDOW_MS);
      if (byAddress && byAddress.count >= PER_ADDRESS) return seconds(byAddress.last + WINDOW_MS - now);
      const byAccount = find(accounts, accountKey(address, account), FORGET_MS);
      if (!byAccount || byAccount.count < FREE_FAILURES) return 0;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(20, byAccount.count - FREE_FAILURES));
      return Math.max(0, seconds(byAccount.last + wait - now));
    },
    failed(address, account) {
      count(addresses, addressGroup(address), WINDOW_MS);
      count(accounts, accountKey(address, account), FORGET_MS);
    },
    succeeded(address, account) {
      accounts.delete(accountKey(address, account));
      const byAddress = addresses.get(addressGroup(address));
      if (byAddress) byAddress.count -= 1;
      remember(familiar, `${account}\n${addressGroup(address)}`, clock.monotonic());
    },
  };
}

const seconds = (ms: number): number => Math.ceil(ms / 1000);

/** The newest stay. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MOST_KEPT) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
