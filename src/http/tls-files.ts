// The TLS side's files, replaced while it runs. Invariants: 1. files that cannot be used leave the old ones in force; 2. a
// connection whose client certificate was withdrawn ends at once, and its streams with it; 3. nothing from before is resumed.

import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import * as x509 from '@peculiar/x509';
import type { Timers } from '../contract/clock.ts';

/** What may still wait for a peer whose certificate was withdrawn. */
const LAST_WORDS_MS = 1000;

/** PEM texts. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Of the CA whose client certificates applications may show; absent: tokens alone. */
  readonly clientCa?: string;
  /** Of that CA: what it has withdrawn. */
  readonly clientCrl?: string;
}

interface ClientCertificates {
  /**
   * From now on these files are in force; false where they were before.
   * @throws where they cannot be used; the old ones stay in force
   */
  renew(files: TlsFiles): boolean;
}

export function contextOf({ certificate, key, clientCa, clientCrl }: TlsFiles): SecureContextOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    ...(clientCa !== undefined && { ca: clientCa }),
    ...(clientCrl !== undefined && { crl: clientCrl }),
  };
}

/** `ending`: a connection is about to be closed because its certificate was withdrawn; what streams on it is told. */
export function watchClients(
  server: Server,
  first: TlsFiles,
  timers: Timers,
  ending: (socket: TLSSocket) => void,
): ClientCertificates {
  const shown = new Map<TLSSocket, string>();
  let files = first;
  let withdrawn = serialsIn(first.clientCrl);

  server.on('secureConnection', (socket) => {
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    if (!certificate) return;
    const serial = plainSerial(certificate.serialNumber);
    // The list may have been replaced while hands were shaken.
    if (withdrawn.has(serial)) {
      socket.destroy();
      return;
    }
    shown.set(socket, serial);
    socket.once('close', () => shown.delete(socket));
  });

  function end(socket: TLSSocket): void {
    // Whatever else it asks, it asks as nobody.
    socket.authorized = false;
    ending(socket);
    socket.destroySoon();
    timers.after(LAST_WORDS_MS, () => socket.destroy());
  }

  return {
    renew(next) {
      if (isSame(files, next)) return false;
      const listed = serialsIn(next.clientCrl);
      server.setSecureContext(contextOf(next));
      server.setTicketKeys(randomBytes(48));
      const isOtherCa = next.clientCa !== files.clientCa;
      files = next;
      withdrawn = listed;
      // Under another CA everybody shows theirs again.
      for (const [socket, serial] of [...shown]) if (isOtherCa || listed.has(serial)) end(socket);
      return true;
    },
  };
}

const isSame = (a: TlsFiles, b: TlsFiles): boolean =>
  (['certificate', 'key', 'clientCa', 'clientCrl'] as const).every((file) => a[file] === b[file]);

/** @throws where a list cannot be read */
function serialsIn(crl: string | undefined): ReadonlySet<string> {
  if (crl === undefined) return new Set();
  const lists = x509.PemConverter.decode(crl).map((der) => new x509.X509Crl(der));
  if (lists.length === 0) throw new Error('no `X509 CRL` block in it');
  return new Set(lists.flatMap(({ entries }) => entries.map(({ serialNumber }) => plainSerial(serialNumber))));
}

const plainSerial = (text: string): string => text.toLowerCase().replace(/^0+/, '');
