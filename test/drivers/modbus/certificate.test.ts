// What a certificate says, read from DER built here octet by octet, and from the site CA's real ones.

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { readCertificate, readRevocations } from '../../../drivers/modbus/certificate.ts';
import { derElements, objectIdentifier } from '../../../drivers/modbus/der.ts';
import { SiteCa } from '../../../src/cli/site-ca.ts';

function tlv(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const sequence = (...parts: readonly (Uint8Array | string)[]): Buffer => tlv(0x30, ...parts);
const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text));
const cn = '0603550403';

/** 1.3.6.1.4.1.50316.802.1 */
const roleOid = tlv(0x06, '2b060104018389 0c 8622 01'.replaceAll(' ', ''));

function name(...attributes: readonly Buffer[]): Buffer {
  return sequence(...attributes.map((attribute) => tlv(0x31, attribute)));
}
const common = (value: Buffer): Buffer => sequence(cn, value);

function certificate(subject: Buffer, ...extensions: readonly Buffer[]): Buffer {
  const tbs = sequence(
    tlv(0xa0, '020102'),
    '020107',
    sequence(),
    name(common(utf8('Site'))),
    sequence(),
    subject,
    sequence(),
    ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
  );
  return sequence(tbs, sequence(), '0300');
}

const roleExtension = (value: Buffer): Buffer => sequence(roleOid, tlv(0x04, value));

test('the identifier of the role extension', () => {
  expect(objectIdentifier(derElements(roleOid)?.[0])).toBe('1.3.6.1.4.1.50316.802.1');
});

describe('the role', () => {
  const anna = name(common(utf8('anna')));

  test.each<[string, Buffer[], string | undefined]>([
    ['none', [], undefined],
    ['one', [roleExtension(utf8('operator'))], 'operator'],
    [
      'one beside another extension, marked critical',
      [sequence('0603551d0f', '040100'), sequence(roleOid, '0101ff', tlv(0x04, utf8('x')))],
      'x',
    ],
  ])('%s', (_name, extensions, expected) => {
    const read = readCertificate(certificate(anna, ...extensions));
    expect(read.ok && read.value.role).toBe(expected);
    expect(read.ok && read.value.subject).toBe('CN=anna');
  });

  test.each<[string, Buffer[]]>([
    ['two extensions', [roleExtension(utf8('a')), roleExtension(utf8('b'))]],
    ['two strings in one', [roleExtension(Buffer.concat([utf8('a'), utf8('b')]))]],
    ['a printable string', [roleExtension(tlv(0x13, Buffer.from('a')))]],
    ['a list', [roleExtension(sequence(utf8('a')))]],
    ['nothing in it', [roleExtension(utf8(''))]],
    ['octets that are no UTF-8', [roleExtension(tlv(0x0c, 'ff'))]],
    ['an octet too many', [roleExtension(Buffer.concat([utf8('a'), Buffer.of(0)]))]],
    ['no octet string', [sequence(roleOid, utf8('a'))]],
  ])('%s refuses the certificate', (_name, extensions) => {
    expect(readCertificate(certificate(anna, ...extensions)).ok).toBe(false);
  });
});

describe('the subject', () => {
  test.each<[string, Buffer, string]>([
    ['most specific first', name(sequence('060355040a', utf8('Acme')), common(utf8('anna'))), 'CN=anna,O=Acme'],
    ['special characters', name(common(utf8('#a+b,c;d<e>f"g\\ '))), 'CN=\\#a\\+b\\,c\\;d\\<e\\>f\\"g\\\\\\ '],
    ['a leading space and a nul', name(common(utf8(' a\0'))), 'CN=\\ a\\00'],
    [
      'several in one',
      sequence(tlv(0x31, common(tlv(0x13, Buffer.from('a'))), sequence('060355040b', utf8('b')))),
      'CN=a+OU=b',
    ],
    [
      'a type without a short name',
      name(sequence('06092a864886f70d010901', tlv(0x16, Buffer.from('a@b')))),
      '1.2.840.113549.1.9.1=#1603614062',
    ],
    ['another kind of text', name(common(tlv(0x1e, '0061'))), 'CN=#1e020061'],
    ['empty', name(), ''],
  ])('%s', (_name, subject, text) => {
    const read = readCertificate(certificate(subject));
    expect(read.ok && read.value.subject).toBe(text);
  });

  test.each<[string, Buffer]>([
    ['an attribute without a value', name(sequence(cn))],
    ['an attribute with two', name(sequence(cn, utf8('a'), utf8('b')))],
    ['an empty set', sequence(tlv(0x31))],
    ['an identifier that is none', name(sequence('0600', utf8('a')))],
    ['an identifier cut short', name(sequence('06028680', utf8('a')))],
    ['an identifier padded', name(sequence('06028001', utf8('a')))],
  ])('%s refuses the certificate', (_name, subject) => {
    expect(readCertificate(certificate(subject)).ok).toBe(false);
  });
});

test('octets that are no certificate are a fault, never an exception', () => {
  const whole = certificate(name(common(utf8('anna'))), roleExtension(utf8('operator')));
  for (let length = 0; length < whole.length; length += 1)
    expect(readCertificate(whole.subarray(0, length)).ok).toBe(false);
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, octet) => {
      const broken = Buffer.from(whole);
      broken[at] = octet;
      readCertificate(broken);
    }),
    { numRuns: 2000 },
  );
});

test.each(['3081 01 00', '3080 0000', '3085 0000000001 00', '1f 01 00', '30', '3082 0001 00', '3002 00'])(
  '%s is no DER',
  (hex) => {
    expect(derElements(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBeUndefined();
  },
);

describe('the site’s own authority', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-certificate-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('its certificates are read as they were meant, and its list names what it revoked', async () => {
    const ca = await SiteCa.create(join(folder, 'ca'), 'Site', 10);
    const anna = await ca.issue({ name: 'anna', role: 'operator', days: 1 }, 'client', folder);
    const ben = await ca.issue({ name: 'ben', days: 1 }, 'client', folder);
    const facts = [anna, ben].map(({ certificateFile }) => {
      const read = readCertificate(new X509Certificate(readFileSync(certificateFile)).raw);
      if (!read.ok) throw new Error(read.fault);
      return read.value;
    });
    expect(facts).toMatchObject([{ subject: 'CN=anna', role: 'operator' }, { subject: 'CN=ben' }]);
    const list = (): ReadonlySet<string> => {
      const read = readRevocations(readFileSync(join(folder, 'ca', 'crl.pem'), 'utf8'));
      if (!read.ok) throw new Error(read.fault);
      return read.value;
    };
    expect(list().size).toBe(0);
    await ca.revoke('ben');
    expect([...list()]).toEqual([facts[1]?.revocationKey]);
  });

  test.each([
    '',
    'junk',
    pem('00'),
    pem('3000'),
    pem(sequence(sequence('020101', sequence(), name(), '1700', sequence(sequence()))).toString('hex')),
  ])('a list that is none: %j', (text) => {
    expect(readRevocations(text).ok).toBe(false);
  });
});

function pem(hex: string): string {
  const base64 = Buffer.from(hex, 'hex').toString('base64');
  return `-----BEGIN X509 CRL-----\n${base64}\n-----END X509 CRL-----\n`;
}
