// The root file: which keys may sign what. A draft is changed freely, then signed by one person after another; with the
// threshold of its own root keys, and of the root before it, it takes that one's place.

import { createHash } from 'node:crypto';
import { badInput } from './console-exit.ts';
import type { ConsoleFolder } from './console-folder.ts';
import { isSignedBy, type PublicKey } from './reading.ts';
import { type SigningKey, signRoot } from './signing.ts';

/** What a key may sign. */
export const ROLES = ['root', 'policy', 'locks', 'commands', 'audit'] as const;
export type Role = (typeof ROLES)[number];

export interface RootDocument {
  readonly format: 'gatehouse.root/1';
  readonly version: number;
  readonly issuedAt: string;
  readonly expiresAt?: string;
  readonly keys: { readonly [kid: string]: PublicKey };
  readonly roles: { readonly [name in Role]: { readonly keys: readonly string[]; readonly threshold: number } };
}

interface Envelope {
  readonly payload: string;
  readonly signatures: readonly { readonly protected: string; readonly signature: string }[];
}

const IN_FORCE = 'root.json';
const DRAFT = 'root.draft.json';
const SIGNING = 'root.signing.json';

export function fingerprintOf(text: string): string {
  return createHash('sha256')
    .update(Buffer.from(parse(text).payload, 'base64url'))
    .digest('hex');
}

function parse(text: string): Envelope {
  try {
    const envelope = JSON.parse(text) as Envelope;
    if (typeof envelope.payload === 'string' && Array.isArray(envelope.signatures)) return envelope;
  } catch {
    // Said below.
  }
  throw badInput('got a file that is not a root file, expected a JWS in General JSON serialization');
}

export function documentOf(text: string): RootDocument {
  return JSON.parse(Buffer.from(parse(text).payload, 'base64url').toString('utf8')) as RootDocument;
}

/** Distinct root keys of `by` whose signatures under `text` are right. */
function signersOf(text: string, by: RootDocument): readonly string[] {
  const { payload, signatures } = parse(text);
  const signers = signatures.flatMap((entry) => {
    const { kid, typ } = JSON.parse(Buffer.from(entry.protected, 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
    const key = typeof kid === 'string' && by.roles.root.keys.includes(kid) ? by.keys[kid] : undefined;
    const right = typ === 'gatehouse.root+jws' && key && isSignedBy(entry.protected, payload, entry.signature, key);
    return right ? [String(kid)] : [];
  });
  return [...new Set(signers)];
}

/** What is lacking before the root may take the place of the one before; empty: nothing. */
function lackingOf(text: string, before: RootDocument | undefined): readonly string[] {
  const document = documentOf(text);
  const lacking: string[] = [];
  const look = (root: RootDocument, name: string): void => {
    const signed = signersOf(text, root);
    if (signed.length >= root.roles.root.threshold) return;
    const open = root.roles.root.keys.filter((kid) => !signed.includes(kid));
    lacking.push(
      `${signed.length} of ${root.roles.root.threshold} signatures of ${name} (can sign: ${open.join(', ')})`,
    );
  };
  look(document, `version ${document.version}`);
  if (before) look(before, `version ${before.version}, which it replaces`);
  return lacking;
}

export class RootFile {
  readonly #folder: ConsoleFolder;

  constructor(folder: ConsoleFolder) {
    this.#folder = folder;
  }

  /** The exact text of the root in force. */
  text(): string | undefined {
    return this.#folder.readText(IN_FORCE);
  }

  inForce(): RootDocument | undefined {
    const text = this.text();
    return text === undefined ? undefined : documentOf(text);
  }

  /** What the next version will say, and nobody has signed yet. */
  draft(): RootDocument | undefined {
    return this.#folder.readJson<RootDocument>(DRAFT);
  }

  /** Text that gathers signatures. */
  signing(): string | undefined {
    return this.#folder.readText(SIGNING);
  }

  /** Changes the next version. Signatures given to another content are gone. */
  change(edit: (document: RootDocument) => RootDocument): RootDocument {
    const before = this.inForce();
    const base = this.draft() ?? before;
    if (!base) throw badInput('there is no root to change: make the console with `gatehouse-console init`');
    const version = before ? before.version + 1 : 1;
    const next = edit({ ...base, version, issuedAt: new Date().toISOString() });
    this.#folder.writeJson(DRAFT, next);
    this.#folder.writeText(SIGNING, signRoot(next, []));
    return next;
  }

  /** Puts the first draft into a new console. */
  begin(document: RootDocument): void {
    this.#folder.writeJson(DRAFT, document);
    this.#folder.writeText(SIGNING, signRoot(document, []));
  }

  /** Adds one signature; with the last that was lacking it is in force. Gives what is lacking still. */
  sign(key: SigningKey): { readonly lacking: readonly string[]; readonly document: RootDocument } {
    const text = this.signing();
    if (text === undefined)
      throw badInput('nothing waits for a signature: change the root first, `key new` for example');
    return this.take(signedBy(text, key));
  }

  /** Takes signatures that were made elsewhere: a copy of the same draft. */
  take(text: string): { readonly lacking: readonly string[]; readonly document: RootDocument } {
    const waiting = this.signing();
    if (waiting === undefined) throw badInput('nothing waits for a signature');
    if (parse(text).payload !== parse(waiting).payload) {
      throw badInput(`got signatures under \`${fingerprintOf(text)}\`, expected \`${fingerprintOf(waiting)}\``);
    }
    const merged = JSON.stringify({
      payload: parse(text).payload,
      signatures: uniqueSignatures([...parse(waiting).signatures, ...parse(text).signatures]),
    });
    const document = documentOf(merged);
    const lacking = lackingOf(merged, this.inForce());
    if (lacking.length > 0) this.#folder.writeText(SIGNING, merged);
    else {
      this.#folder.writeText(`roots/${document.version}.json`, merged);
      this.#folder.writeText(IN_FORCE, merged);
      this.#folder.remove(SIGNING);
      this.#folder.remove(DRAFT);
    }
    return { lacking, document };
  }
}

/** The same text with one signature more: for a root key that is kept on another machine. */
export function signedBy(text: string, key: SigningKey): string {
  const { payload, signatures } = parse(text);
  const mine = parse(signRoot(documentOf(text), [key]));
  if (mine.payload !== payload) throw badInput('got a draft in another spelling than this console writes');
  return JSON.stringify({ payload, signatures: uniqueSignatures([...signatures, ...mine.signatures]) });
}

function uniqueSignatures(signatures: Envelope['signatures']): Envelope['signatures'] {
  return [...new Map(signatures.map((entry) => [entry.protected, entry])).values()];
}
