// A small certificate authority for one site: client certificates that bind a tool to a person and a role
// (Modbus/TCP Security, role extension 1.3.6.1.4.1.50316.802.1), and the listener's own. ECDSA P-256, kept in one folder.

import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { badInput, failed } from './exit.ts';

x509.cryptoProvider.set(webcrypto);

const ROLE_EXTENSION = '1.3.6.1.4.1.50316.802.1';
const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

interface Issued {
  readonly serial: string;
  readonly subject: string;
  readonly role?: string;
  readonly fingerprint: string;
  readonly notAfter: string;
  readonly revokedAt?: string;
}

interface Ledger {
  crlNumber: number;
  issued: Issued[];
}

interface IssueRequest {
  /** Common name: the principal's id, or the listener's host name. */
  readonly name: string;
  readonly role?: string;
  readonly days: number;
  readonly hosts?: readonly string[];
}

/** One site's CA in a folder: `ca.pem`, `ca.key` (0600), `crl.pem`, `issued.json`. */
export class SiteCa {
  readonly #folder: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;
  readonly #ledger: Ledger;

  private constructor(folder: string, certificate: x509.X509Certificate, key: webcrypto.CryptoKey, ledger: Ledger) {
    this.#folder = folder;
    this.#certificate = certificate;
    this.#key = key;
    this.#ledger = ledger;
  }

  static async create(folder: string, name: string, days: number): Promise<SiteCa> {
    if (existsSync(join(folder, 'ca.key'))) throw badInput(`\`${folder}\` holds a certificate authority already`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const keys = (await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const now = Date.now();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerial(),
      name: subjectOf(name),
      notBefore: new Date(now - DAY_MS),
      notAfter: new Date(now + days * DAY_MS),
      signingAlgorithm: SIGNATURE,
      keys: keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    writeFileSync(join(folder, 'ca.pem'), `${certificate.toString('pem')}\n`);
    writeFileSync(join(folder, 'ca.key'), await privatePem(keys.privateKey), { mode: 0o600 });
    const ca = new SiteCa(folder, certificate, keys.privateKey, { crlNumber: 0, issued: [] });
    await ca.#writeRevocations();
    return ca;
  }

  static async open(folder: string): Promise<SiteCa> {
    try {
      const certificate = new x509.X509Certificate(readFileSync(join(folder, 'ca.pem'), 'utf8'));
      const pem = readFileSync(join(folder, 'ca.key'), 'utf8');
      const [der] = x509.PemConverter.decode(pem);
      if (!der) throw new Error('`ca.key` holds no PEM block');
      const key = await webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']);
      const ledger = JSON.parse(readFileSync(join(folder, 'issued.json'), 'utf8')) as Ledger;
      return new SiteCa(folder, certificate, key, ledger);
    } catch (error) {
      throw failed(
        `\`${folder}\` is no certificate authority (${error instanceof Error ? error.message : String(error)}): make one with \`gatehouse cert ca\``,
        error,
      );
    }
  }

  issued(): readonly Issued[] {
    return this.#ledger.issued;
  }

  /** Writes `NAME.pem` and `NAME.key` beside each other into `out`; gives their paths and the fingerprint policies name. */
  async issue(request: IssueRequest, use: 'client' | 'server', out: string) {
    const keys = (await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    const now = Date.now();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: subjectOf(request.name),
      issuer: this.#certificate.subject,
      notBefore: new Date(now - 300_000),
      notAfter: new Date(Math.min(now + request.days * DAY_MS, this.#certificate.notAfter.getTime())),
      signingAlgorithm: SIGNATURE,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([use === 'client' ? CLIENT_AUTH : SERVER_AUTH], false),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
        ...(request.hosts && request.hosts.length > 0
          ? [new x509.SubjectAlternativeNameExtension(request.hosts.map(alternativeName), false)]
          : []),
        ...(request.role === undefined ? [] : [new x509.Extension(ROLE_EXTENSION, false, utf8String(request.role))]),
      ],
    });
    const fingerprint = createHash('sha256').update(new Uint8Array(certificate.rawData)).digest('hex');
    this.#ledger.issued.push({
      serial: certificate.serialNumber,
      subject: certificate.subject,
      fingerprint,
      notAfter: certificate.notAfter.toISOString(),
      ...(request.role === undefined ? {} : { role: request.role }),
    });
    mkdirSync(out, { recursive: true });
    const base = join(out, request.name.replace(/[^A-Za-z0-9_.-]/g, '_'));
    writeFileSync(`${base}.key`, await privatePem(keys.privateKey), { mode: 0o600 });
    writeFileSync(`${base}.pem`, `${certificate.toString('pem')}\n`);
    this.#saveLedger();
    return { certificateFile: `${base}.pem`, keyFile: `${base}.key`, fingerprint, subject: certificate.subject };
  }

  /** By common name, subject, serial or fingerprint; all that match. Rewrites `crl.pem`, which listeners re-read. */
  async revoke(which: string): Promise<readonly Issued[]> {
    const matches = (entry: Issued) =>
      [entry.serial, entry.subject, entry.fingerprint, `sha256:${entry.fingerprint}`].includes(which) ||
      entry.subject === `CN=${which}`;
    const revoked = this.#ledger.issued.filter((entry) => matches(entry) && entry.revokedAt === undefined);
    if (revoked.length === 0)
      throw badInput(`got \`${which}\`, expected the name, serial or fingerprint of a certificate in force`);
    const revokedAt = new Date().toISOString();
    this.#ledger.issued = this.#ledger.issued.map((entry) =>
      revoked.includes(entry) ? { ...entry, revokedAt } : entry,
    );
    await this.#writeRevocations();
    return revoked;
  }

  async #writeRevocations(): Promise<void> {
    this.#ledger.crlNumber += 1;
    const now = Date.now();
    const crl = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subject,
      thisUpdate: new Date(now - 300_000),
      nextUpdate: new Date(now + 3_650 * DAY_MS),
      signingAlgorithm: SIGNATURE,
      signingKey: this.#key,
      entries: this.#ledger.issued.flatMap((entry) =>
        entry.revokedAt === undefined
          ? []
          : [
              {
                serialNumber: entry.serial,
                revocationDate: new Date(entry.revokedAt),
                reason: x509.X509CrlReason.cessationOfOperation,
              },
            ],
      ),
    });
    // RFC 7468, 6: the label TLS libraries look for.
    replaceFile(join(this.#folder, 'crl.pem'), `${x509.PemConverter.encode(crl.rawData, 'X509 CRL')}\n`);
    this.#saveLedger();
  }

  #saveLedger(): void {
    replaceFile(join(this.#folder, 'issued.json'), `${JSON.stringify(this.#ledger, null, 2)}\n`);
  }
}

/** A reader never sees half a file. */
function replaceFile(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Positive, 16 octets (RFC 5280, 4.1.2.2). */
function newSerial(): string {
  const octets = randomBytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x7f) | 0x40;
  return octets.toString('hex');
}

function subjectOf(name: string): x509.JsonName {
  return [{ CN: [name] }];
}

function alternativeName(host: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(host) ? 'ip' : 'dns', value: host };
}

/** DER UTF8String, X.690 8.23; roles longer than 127 octets are refused. */
function utf8String(text: string): Uint8Array<ArrayBuffer> {
  const octets = Buffer.from(text, 'utf8');
  if (octets.length === 0 || octets.length > 127)
    throw badInput(`got a role of ${octets.length} octets, expected 1 to 127`);
  return new Uint8Array([0x0c, octets.length, ...octets]);
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
