// Outside ─► Modbus/TCP Security: the TLS side of one listener. 1. TLS 1.2 or better, both sides show a certificate, no downgrade.
// 2. A certificate on the revocation list, or past its time, has no open socket, by handshake or by resumption.
// 3. Files are read again when they change; what cannot be read leaves the old ones in force, and is said.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls';
import { StartFault } from '../../src/contract/driver.ts';
import { FileWatch } from '../../src/contract/file-watch.ts';
import type { PeerCertificate } from '../../src/contract/gate.ts';
import { readCertificate, readRevocations } from './certificate.ts';
import type { ListenerConfig } from './config.ts';
import type { LineServices } from './link.ts';

type TlsConfig = NonNullable<ListenerConfig['tls']>;

/** The end of a handshake: a socket with its certificate, or why there is none. */
type Handshake = { readonly socket: Socket; readonly certificate: PeerCertificate } | { readonly refused: string };

const handshakeMs = 5000;

interface Files {
  readonly context: SecureContextOptions;
  readonly revoked: ReadonlySet<string>;
}

/** Reads the files of a listener. Throws a `StartFault` that names the setting. */
export function openSecureSide(name: string, tls: TlsConfig, services: LineServices): SecureSide {
  const { certificateFile, keyFile, caFile, crlFile } = tls;
  const files = [certificateFile, keyFile, caFile, ...(crlFile === undefined ? [] : [crlFile])];
  const watch = new FileWatch(files, (file) => readFileSync(file, 'utf8'));
  return new SecureSide(name, tls, services, readFiles(name, tls), watch);
}

function readFiles(name: string, tls: TlsConfig): Files {
  const read = (key: keyof TlsConfig, file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new StartFault('tls-file-unreadable', `listener \`${name}\`: tls.${key} \`${file}\`: ${why}`, { cause });
    }
  };
  const { certificateFile, keyFile, caFile, crlFile } = tls;
  const crl = crlFile === undefined ? undefined : read('crlFile', crlFile);
  const revoked = crl === undefined ? undefined : readRevocations(crl);
  if (revoked !== undefined && !revoked.ok)
    throw new StartFault('tls-file-invalid', `listener \`${name}\`: tls.crlFile \`${crlFile}\`: ${revoked.fault}`);
  return {
    context: {
      cert: read('certificateFile', certificateFile),
      key: read('keyFile', keyFile),
      ca: read('caFile', caFile),
      ...(crl !== undefined && { crl }),
      minVersion: 'TLSv1.2',
    },
    revoked: revoked?.value ?? new Set(),
  };
}

export class SecureSide {
  readonly #name: string;
  readonly #config: TlsConfig;
  readonly #services: LineServices;
  readonly #server: Server;
  readonly #handshakes = new Map<string, (outcome: Handshake) => void>();
  /** What a certificate is revoked by, and the ms since 1970 at which it ends. */
  readonly #facts = new WeakMap<PeerCertificate, { readonly revocationKey: string; readonly notAfter: number }>();
  readonly #listeners = new Set<() => void>();
  readonly #watch: FileWatch;
  #revoked: ReadonlySet<string>;

  constructor(name: string, config: TlsConfig, services: LineServices, files: Files, watch: FileWatch) {
    this.#name = name;
    this.#config = config;
    this.#services = services;
    this.#revoked = files.revoked;
    this.#watch = watch;
    try {
      this.#server = createServer({
        ...files.context,
        requestCert: true,
        // Looked at in `#shaken`, so that the record says what was wrong with a certificate.
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs,
        allowHalfOpen: true,
      });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const text = `listener \`${name}\`: the files of \`tls\` do not go together: ${why}`;
      throw new StartFault('tls-file-invalid', text, { cause });
    }
    this.#server.on('secureConnection', (socket) => this.#shaken(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#end(socket, { refused: error.message }));
    watch.begin(() => this.#reload());
  }

  /** Shakes hands on an accepted socket; a refused one is closed. */
  shakeHands(socket: Socket, done: (outcome: Handshake) => void): void {
    const key = keyOf(socket);
    this.#handshakes.set(key, done);
    socket.once('close', () => {
      // The next one from the same port may be shaking hands already.
      if (this.#handshakes.get(key) === done) this.#handshakes.delete(key);
    });
    this.#server.emit('connection', socket);
  }

  /** False once it is on the revocation list or past its time. */
  admits(certificate: PeerCertificate): boolean {
    const facts = this.#facts.get(certificate);
    return (
      facts !== undefined && !this.#revoked.has(facts.revocationKey) && this.#services.clock.now() < facts.notAfter
    );
  }

  /** Called after every new revocation list. */
  onRevoked(listener: () => void): void {
    this.#listeners.add(listener);
  }

  stop(): void {
    this.#watch.stop();
  }

  #shaken(socket: TLSSocket): void {
    if (!socket.authorized) {
      this.#end(socket, { refused: `the certificate was not accepted: ${socket.authorizationError}` });
      return;
    }
    // A resumed session brings its certificate along without its being verified again.
    const peer = socket.getPeerX509Certificate();
    const facts = peer === undefined ? undefined : readCertificate(peer.raw);
    if (peer === undefined || facts === undefined || !facts.ok) {
      this.#end(socket, { refused: facts?.ok === false ? facts.fault : 'the client showed no certificate' });
      return;
    }
    const { subject, role, revocationKey } = facts.value;
    const certificate: PeerCertificate = {
      subject,
      fingerprint: createHash('sha256').update(peer.raw).digest('hex'),
      ...(role !== undefined && { role }),
    };
    this.#facts.set(certificate, { revocationKey, notAfter: Date.parse(peer.validTo) });
    if (this.admits(certificate)) this.#end(socket, { socket, certificate });
    else this.#end(socket, { refused: `the certificate of \`${subject}\` is revoked or past its time` });
  }

  #end(socket: TLSSocket, outcome: Handshake): void {
    const key = keyOf(socket);
    const done = this.#handshakes.get(key);
    this.#handshakes.delete(key);
    if ('refused' in outcome || done === undefined) socket.destroy();
    done?.(outcome);
  }

  #reload(): void {
    const listener = this.#name;
    try {
      const files = readFiles(this.#name, this.#config);
      this.#server.setSecureContext(files.context);
      this.#revoked = files.revoked;
      const text = `listener \`${listener}\`: certificates and revocation list were read again`;
      this.#services.log.write('info', 'tls.reloaded', { listener, revoked: files.revoked.size }, text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const text = `listener \`${listener}\`: the changed files cannot be used, the old ones stay in force: ${why}`;
      this.#services.log.write('error', 'tls.reload-failed', { listener, why }, text);
      return;
    }
    for (const look of this.#listeners) look();
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
