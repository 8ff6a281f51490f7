// The demo cloud's memory in its folder: the keys, the root file they signed, and the last revision given out.
// 1. The root file is written last: a folder that has one has everything. 2. Revisions only rise, also over a restart.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  newSigningKey,
  rootPayload,
  type SigningKey,
  signingKeyFromPem,
  signingKeyPem,
  signRoot,
} from '../cloud/signing.ts';

const ROOT_KIDS = ['root-1', 'root-2', 'root-3'] as const;
const POLICY_KID = 'policy-1';
const IMAGE_KID = 'northwind-1';

export interface DemoKeys {
  readonly policyKey: SigningKey;
  /** The vendor’s: signs firmware images. */
  readonly imageKey: SigningKey;
  /** What the gateway is enrolled with. */
  readonly rootFile: string;
  /** The next revision, stored before it is given. */
  nextRevision(): number;
}

/** Opens the memory, or makes a new one. */
export function openKeys(folder: string): DemoKeys {
  const cloud = join(folder, 'cloud');
  const rootFile = join(folder, 'root.json');
  const pemOf = (kid: string): string => join(cloud, `${kid}.pem`);
  if (!existsSync(rootFile)) {
    mkdirSync(cloud, { recursive: true, mode: 0o700 });
    const root = ROOT_KIDS.map(newSigningKey);
    const policy = newSigningKey(POLICY_KID);
    for (const key of [...root, policy]) writeFileSync(pemOf(key.kid), signingKeyPem(key), { mode: 0o600 });
    const payload = rootPayload({ issuedAt: new Date().toISOString(), root, policy: [policy] });
    writeFileSync(rootFile, signRoot(payload, root));
  }
  if (!existsSync(pemOf(IMAGE_KID)))
    writeFileSync(pemOf(IMAGE_KID), signingKeyPem(newSigningKey(IMAGE_KID)), { mode: 0o600 });
  const revisionFile = join(cloud, 'revision');
  return {
    policyKey: signingKeyFromPem(POLICY_KID, readFileSync(pemOf(POLICY_KID), 'utf8')),
    imageKey: signingKeyFromPem(IMAGE_KID, readFileSync(pemOf(IMAGE_KID), 'utf8')),
    rootFile,
    nextRevision() {
      const last = existsSync(revisionFile) ? Number(readFileSync(revisionFile, 'utf8')) : 0;
      const next = Number.isInteger(last) ? last + 1 : 1;
      writeFileSync(revisionFile, `${next}\n`);
      return next;
    },
  };
}
