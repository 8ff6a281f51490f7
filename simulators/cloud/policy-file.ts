// A policy from a file to what is signed: read, its secrets taken out, its revision set so that it rises.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { BundleJson } from './bundle-parts.ts';
import type { ConsoleContext } from './console-context.ts';
import { badInput, messageOf } from './console-exit.ts';
import { ofGateway } from './console-folder.ts';
import { credentialsId, credentialsPart, encryptSecrets, hasSecrets, secretsOf } from './credentials-part.ts';

export function readPolicyFile(file: string): BundleJson {
  try {
    const text = readFileSync(file, 'utf8');
    return (/^\s*[{[]/.test(text) ? JSON.parse(text) : parse(text)) as BundleJson;
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${messageOf(error)}`);
  }
}

/** What this console pushed last; `undefined` where it never did. */
export function lastPushed(context: ConsoleContext, gateway: string): BundleJson | undefined {
  return context.folder.readJson<BundleJson>(ofGateway(gateway, 'desired.json'));
}

/** Password hashes by user, set with `credentials set-password`. */
export function passwordsOf(context: ConsoleContext): ReadonlyMap<string, string> {
  return new Map(Object.entries(context.folder.readJson<Record<string, string>>('passwords.json') ?? {}));
}

/** The bundle as it goes out: issued now, above every revision that was given out. */
export function nextBundle(bundle: BundleJson, atLeast: number): BundleJson {
  const own = Number(bundle.revision);
  const revision = Math.max(Number.isSafeInteger(own) ? own : 0, atLeast);
  return { ...bundle, revision, issuedAt: new Date().toISOString() };
}

/** The part with the gateway's secrets, if there are any: the same one again where nothing changed. */
export async function credentialsFor(context: ConsoleContext, gateway: string, bundle: BundleJson) {
  const secrets = secretsOf(bundle, passwordsFor(context, bundle));
  if (!hasSecrets(secrets)) return undefined;
  const keys = context.mustTrust(gateway);
  const id = credentialsId(secrets, keys);
  const file = ofGateway(gateway, 'credentials.json');
  const last = context.folder.readJson<{ readonly id: string; readonly jwe: string }>(file);
  if (last?.id === id) return credentialsPart(last.jwe);
  const jwe = await encryptSecrets(secrets, keys);
  context.folder.writeJson(file, { id, jwe });
  return credentialsPart(jwe);
}

/** Only of people this bundle names. */
function passwordsFor(context: ConsoleContext, { users }: BundleJson): ReadonlyMap<string, string> {
  const ids = new Set(Array.isArray(users) ? users.map((user) => String((user as BundleJson).id)) : []);
  return new Map([...passwordsOf(context)].filter(([user]) => ids.has(user)));
}
