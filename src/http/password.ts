// Local passwords: scrypt in PHC form, as the policy carries them. Invariants: 1. a login nobody has costs what a wrong
// password costs; 2. comparing takes constant time; 3. few derivations run at once, and few wait.

import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { Person, Rights } from '../policy/rights.ts';

interface Hash {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const MOST_LOG_N = 18;
const MOST_R = 16;
const MOST_P = 8;
const AT_ONCE = 2;
const MOST_WAITING = 32;
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
const USUAL = { logN: 15, r: 8, p: 1 };

/** `undefined` for another form, or one that would cost more than the gateway gives. */
export function parseHash(text: string): Hash | undefined {
  const [, ln, rText, pText, salt, hash] = FORM.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const [logN, r, p] = [Number(ln), Number(rText), Number(pText)];
  if (logN < 10 || logN > MOST_LOG_N || r < 1 || r > MOST_R || p < 1 || p > MOST_P) return undefined;
  return { logN, r, p, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

function derive(password: string, { logN, r, p, salt, hash }: Hash): Promise<Buffer> {
  const N = 2 ** logN;
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, hash.length, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

export interface Passwords {
  /** The person whose login and password these are; `busy` where too many wait already. */
  check(rights: Rights | undefined, login: string, password: string): Promise<Person | undefined | 'busy'>;
}

export function createPasswords(): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];
  const nobody: Hash = { ...USUAL, salt: randomBytes(16), hash: randomBytes(32) };

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return {
    async check(rights, login, password) {
      if (waiting.length >= MOST_WAITING) return 'busy';
      const person = rights && personOf(rights, login);
      const own = person?.kind === 'user' && person.password !== undefined ? parseHash(person.password) : undefined;
      // Somebody nobody knows is measured by the cost of those who are known.
      const hash = own ?? { ...nobody, ...(rights && usualCost(rights)) };
      const key = await turn(() => derive(password, hash));
      const same = timingSafeEqual(key, hash.hash);
      return same && own && person?.disabled === false ? person : undefined;
    },
  };
}

/** By `login`, else by id. A login that two people share is nobody's. */
function personOf({ people }: Rights, login: string): Person | undefined {
  const found = [...people.values()].filter((person) => person.kind === 'user' && person.login === login);
  if (found.length > 1) return undefined;
  const byId = people.get(login);
  return found[0] ?? (byId?.kind === 'user' ? byId : undefined);
}

function usualCost({ people }: Rights): Pick<Hash, 'logN' | 'r' | 'p'> | undefined {
  for (const person of people.values()) {
    const hash = person.kind === 'user' && person.password !== undefined ? parseHash(person.password) : undefined;
    if (hash) return { logN: hash.logN, r: hash.r, p: hash.p };
  }
  return undefined;
}
