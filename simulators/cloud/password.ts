// A password → what the policy may carry of it: scrypt in PHC form (`$scrypt$ln=…,r=…,p=…$salt$hash`).

import { randomBytes, scrypt } from 'node:crypto';

/** What a gateway spends on a login that nobody has: 2^15 · 8 · 128 bytes, 32 MiB for every guess. */
const LOG_N = 15;
const R = 8;
const P = 1;

/** A new salt each time; the cost is 2^`logN`. */
export function hashPassword(password: string, logN = LOG_N): Promise<string> {
  const salt = randomBytes(16);
  const N = 2 ** logN;
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, 32, { N, r: R, p: P, maxmem: 256 * N * R }, (error, key) => {
      if (error) reject(error);
      else resolve(`$scrypt$ln=${logN},r=${R},p=${P}$${unpadded(salt)}$${unpadded(key)}`);
    });
  });
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
