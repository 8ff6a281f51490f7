// Certificate ─► who it says it is: subject, role, and what a revocation list knows it by. The signature was verified before.
// 1. The role is exactly one UTF8String (Modbus/TCP Security): two of them, or anything beside it, refuse the certificate.
// 2. No role is a NULL role, which is the policy's to judge.

import { fail, ok, type Result } from '../../src/model/result.ts';
import { type DerElement, derElements, derInside, derTags, derText, objectIdentifier } from './der.ts';

const roleExtension = '1.3.6.1.4.1.50316.802.1';

interface CertificateFacts {
  /** RFC 4514, most specific first. */
  readonly subject: string;
  readonly role?: string;
  /** Issuer (DER) and serial number in hex: what a revocation list names. */
  readonly revocationKey: string;
}

/** What a certificate (DER) says; a text says why it is refused. */
export function readCertificate(der: Uint8Array): Result<CertificateFacts, string> {
  const tbs = derInside(derInside(derElements(der)?.[0], derTags.sequence)?.[0], derTags.sequence);
  // RFC 5280, 4.1: the version is there in every certificate that has extensions.
  const [version, serial, , issuer, , subject] = tbs ?? [];
  if (version?.tag !== derTags.context0 || serial?.tag !== derTags.integer || issuer === undefined)
    return fail('the certificate is not of version 3');
  const name = distinguishedName(subject);
  if (name === undefined) return fail('the subject of the certificate cannot be read');
  const role = roleOf(tbs?.find(({ tag }) => tag === derTags.context3));
  if (!role.ok) return role;
  const revocationKey = keyOf(issuer, serial);
  return ok({ subject: name, revocationKey, ...(role.value !== undefined && { role: role.value }) });
}

function keyOf(issuer: DerElement, serial: DerElement): string {
  return `${Buffer.from(issuer.whole).toString('hex')} ${Buffer.from(serial.content).toString('hex')}`;
}

function roleOf(extensions: DerElement | undefined): Result<string | undefined, string> {
  const list = derInside(derInside(extensions, derTags.context3)?.[0], derTags.sequence);
  const roles = (list ?? []).flatMap((extension) => {
    const parts = derInside(extension, derTags.sequence) ?? [];
    return objectIdentifier(parts[0]) === roleExtension ? [parts.at(-1)] : [];
  });
  if (roles.length === 0) return ok(undefined);
  if (roles.length > 1) return fail(`the certificate has \`${roles.length}\` role extensions, expected 1 at the most`);
  const values = derInside(roles[0], derTags.octetString);
  const text = values?.[0]?.tag === derTags.utf8String ? derText(values[0]) : undefined;
  if (values?.length !== 1 || text === undefined || text === '')
    return fail('the role extension is not exactly one UTF8String with a name in it');
  return ok(text);
}

/** RFC 4514, section 3. */
const shortNames: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.6', 'C'],
  ['2.5.4.9', 'STREET'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
]);

function distinguishedName(name: DerElement | undefined): string | undefined {
  const parts: string[] = [];
  for (const set of derInside(name, derTags.sequence) ?? []) {
    const attributes = (derInside(set, derTags.set) ?? []).map(attributeText);
    if (attributes.length === 0 || attributes.includes(undefined)) return undefined;
    parts.unshift(attributes.join('+'));
  }
  return name === undefined ? undefined : parts.join(',');
}

function attributeText(attribute: DerElement): string | undefined {
  const [type, value, ...more] = derInside(attribute, derTags.sequence) ?? [];
  const identifier = objectIdentifier(type);
  if (identifier === undefined || value === undefined || more.length > 0) return undefined;
  const name = shortNames.get(identifier);
  const text = name === undefined ? undefined : derText(value);
  if (name === undefined || text === undefined)
    return `${name ?? identifier}=#${Buffer.from(value.whole).toString('hex')}`;
  return `${name}=${escaped(text)}`;
}

/** RFC 4514, 2.4. */
function escaped(text: string): string {
  return text
    .replaceAll(/["+,;<>\\]/g, (special) => `\\${special}`)
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, (special) => `\\${special}`)
    .replace(/ $/, '\\ ');
}

/** The revocation keys of every list in a PEM text; a text says why there is none to read. */
export function readRevocations(pem: string): Result<ReadonlySet<string>, string> {
  const keys = new Set<string>();
  const blocks = [...pem.matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g)];
  if (blocks.length === 0) return fail('no `X509 CRL` block in it');
  for (const [, base64 = ''] of blocks) {
    const list = derInside(derElements(Buffer.from(base64, 'base64'))?.[0], derTags.sequence);
    const tbs = derInside(list?.[0], derTags.sequence);
    if (tbs === undefined) return fail('its `X509 CRL` block is no revocation list');
    // RFC 5280, 5.1.2: a version where it has one, algorithm, issuer, one or two times, then what is revoked.
    const [, issuer, ...rest] = tbs[0]?.tag === derTags.integer ? tbs.slice(1) : tbs;
    const revoked = rest.find(({ tag }) => tag === derTags.sequence);
    for (const entry of derInside(revoked, derTags.sequence) ?? []) {
      const serial = derInside(entry, derTags.sequence)?.[0];
      if (issuer === undefined || serial?.tag !== derTags.integer) return fail('an entry of its list has no serial');
      keys.add(keyOf(issuer, serial));
    }
  }
  return ok(keys);
}
