// What a verified manifest says, held to its form to the letter: an unknown key is a fault, because it was meant to say something.

import type { ImageFault, ImageManifest } from '../contract/images.ts';
import { fail, ok, type Result } from '../model/result.ts';

const MOST_WORD = 128;
const MOST_NOTES = 2000;
const REQUIRED = ['format', 'vendor', 'model', 'version', 'size', 'sha256'] as const;
const OPTIONAL = ['minimumVersion', 'permitsDowngrade', 'notes'] as const;
const KEYS: ReadonlySet<string> = new Set([...REQUIRED, ...OPTIONAL]);

/** `image-malformed`, with the first key that does not fit. */
export function parseImageManifest(payload: unknown): Result<ImageManifest, ImageFault> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    return malformed('the manifest', 'an object');
  }
  const given = payload as { readonly [key: string]: unknown };
  const unknown = Object.keys(given).find((key) => !KEYS.has(key));
  if (unknown !== undefined) return malformed(`unknown key \`${unknown.slice(0, 64)}\``, [...KEYS].join(', '));
  const { format, vendor, model, version, minimumVersion, size, sha256, permitsDowngrade, notes } = given;
  if (format !== 'gatehouse.image/1') return malformed('`format`', '`gatehouse.image/1`');
  if (!isWord(vendor)) return malformed('`vendor`', WORD);
  if (!isWord(model)) return malformed('`model`', WORD);
  if (!isWord(version)) return malformed('`version`', WORD);
  if (minimumVersion !== undefined && !isWord(minimumVersion)) return malformed('`minimumVersion`', WORD);
  if (!Number.isSafeInteger(size) || Number(size) < 1) return malformed('`size`', 'a whole number of octets above 0');
  if (!isImageId(sha256)) return malformed('`sha256`', '64 lower-case hex digits');
  if (permitsDowngrade !== undefined && typeof permitsDowngrade !== 'boolean') {
    return malformed('`permitsDowngrade`', 'true or false');
  }
  if (notes !== undefined && (typeof notes !== 'string' || notes.length > MOST_NOTES)) {
    return malformed('`notes`', `at most ${MOST_NOTES} characters`);
  }
  return ok({
    format,
    vendor,
    model,
    version,
    size: Number(size),
    sha256,
    ...(minimumVersion !== undefined && { minimumVersion }),
    ...(permitsDowngrade !== undefined && { permitsDowngrade }),
    ...(notes !== undefined && { notes }),
  });
}

/** 64 lower-case hex digits; nothing else ever becomes part of a file's name. */
export const isImageId = (text: unknown): text is string => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);

const WORD = `1 to ${MOST_WORD} printable characters`;
const isWord = (text: unknown): text is string =>
  typeof text === 'string' && text.length > 0 && text.length <= MOST_WORD && /^[^\p{C}]+$/u.test(text);

const malformed = (found: string, expected: string) =>
  fail<ImageFault>({ code: 'image-malformed', text: `got ${found} of another form, expected ${expected}` });

/** Of a manifest that was verified when it was kept, and will be when it is opened. */
export function payloadOf(manifestJws: string): unknown {
  try {
    return JSON.parse(Buffer.from(manifestJws.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
