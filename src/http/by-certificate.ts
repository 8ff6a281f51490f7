// An application that shows a client certificate: verified against the site's CA by the TLS side, attributed by the gate.
// Invariants: 1. who is not an application signs in, whatever certificate is shown; 2. one past its time is none; 3. whose it is
// follows the policy in force at each request.

import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../contract/clock.ts';
import type { Gate, Peer, PeerCertificate } from '../contract/gate.ts';
import { driverName } from '../model/ids.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import type { Asker } from './asker.ts';
import { originOf, peerOf } from './peer-address.ts';

const HTTP = driverName('http');

/** What a socket has shown, read once. */
const shown = new WeakMap<object, Shown>();

interface Shown extends PeerCertificate {
  /** ms since 1970. */
  readonly notAfter: number;
}

export function byCertificate(
  { rights }: PolicySnapshot,
  gate: Pick<Gate, 'callerOf'>,
  clock: Clock,
  request: FastifyRequest,
): Asker | undefined {
  const certificate = certificateOf(request, clock);
  if (!certificate) return undefined;
  const { notAfter, ...shownOne } = certificate;
  const owner = ownerOf(gate, shownOne, peerOf(request), request.socket.remotePort ?? 0);
  const person = rights.people.get(owner ?? '');
  if (owner === null || person?.kind !== 'application' || person.disabled) return undefined;
  const { subject, fingerprint } = shownOne;
  return {
    kind: 'application',
    name: person.name,
    caller: {
      principal: owner,
      channel: 'local',
      proof: { kind: 'certificate', subject, fingerprint },
      until: notAfter,
      from: originOf(request),
      peer: peerOf(request),
    },
  };
}

/** Whose certificate it is under the policy in force; `null`: nobody's. */
export function ownerOf(gate: Pick<Gate, 'callerOf'>, certificate: PeerCertificate, address: string, port: number) {
  const peer: Peer = { driver: HTTP, listener: 'http', address, port, certificate };
  return gate.callerOf(peer).principal;
}

function certificateOf({ raw }: FastifyRequest, clock: Clock): Shown | undefined {
  const socket = raw.socket as Partial<TLSSocket>;
  // Requests that come without a socket of TLS have shown nothing.
  if (socket.authorized !== true || socket.getPeerX509Certificate === undefined) return undefined;
  let known = shown.get(socket);
  if (!known) {
    const certificate = socket.getPeerX509Certificate();
    if (!certificate) return undefined;
    known = {
      // One name a line, most general first and escaped as RFC 2253 has it; RFC 4514 begins with the most specific.
      subject: certificate.subject.split('\n').reverse().join(','),
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      notAfter: Date.parse(certificate.validTo),
    };
    shown.set(socket, known);
  }
  return clock.now() < known.notAfter ? known : undefined;
}
