// The step "attribute": who is behind a frame, by the strongest proof at hand. Invariants: 1. certificate, then tool session,
// then application address, then nobody; 2. a certificate that maps to nobody is nobody: it falls back on no address;
// 3. an entry that two principals share proves neither.

import type { Caller, Peer, PeerCertificate } from '../contract/gate.ts';
import type { PrincipalId } from '../model/ids.ts';
import type { Proof } from '../model/journal-row.ts';
import { addressKey } from './address.ts';
import type { SiteRules } from './options.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import type { OpenSession } from './sessions.ts';

interface Attribution {
  callerOf(peer: Peer): Caller;
  /** Whose certificate this is under the policy in force. */
  ownerOf(certificate: PeerCertificate): PrincipalId | undefined;
  isApplicationAddress(address: string): boolean;
  activate(policy: PolicyInForce): void;
  /** Everything known of peers is looked up anew. */
  forget(): void;
}

/** A distinguished name with the spaces around separators gone and attribute types in capitals (RFC 4514, section 2). */
function subjectKey(text: string): string {
  return text
    .split(/(?<!\\)([,+])/)
    .map((part) => part.trim().replace(/^[A-Za-z0-9.]+\s*=\s*/, (type) => type.replace(/\s/g, '').toUpperCase()))
    .join('');
}

const NOBODY: Proof = { kind: 'none' };

export function createAttribution(
  site: SiteRules,
  sessionAt: (address: string) => OpenSession | undefined,
): Attribution {
  const applications = new Map(site.applicationAddresses.map((entry) => [addressKey(entry.address), entry.principal]));
  const neverGated = new Set(site.neverGated.peers.map(addressKey));
  let owners = new Map<string, PrincipalId | null>();
  let known = new WeakMap<Peer, Caller>();

  function ownerOf({ fingerprint, subject }: PeerCertificate): PrincipalId | undefined {
    const exact = owners.get(`sha256:${fingerprint}`);
    return (exact === undefined ? owners.get(subjectKey(subject)) : exact) ?? undefined;
  }

  function identify(peer: Peer): Caller {
    const key = addressKey(peer.address);
    const place = {
      from: key.includes(':') ? `[${key}]:${peer.port}` : `${key}:${peer.port}`,
      peer: key,
      driver: peer.driver,
      ...(neverGated.has(key) && { neverGated: true as const }),
    };
    if (peer.certificate) {
      const { subject, fingerprint, role } = peer.certificate;
      return {
        ...place,
        principal: ownerOf(peer.certificate) ?? null,
        channel: 'tls',
        proof: { kind: 'certificate', subject, fingerprint, ...(role !== undefined && { role }) },
        ...(role !== undefined && { narrowToRole: role }),
      };
    }
    const session = sessionAt(key);
    if (session) {
      return {
        ...place,
        principal: session.principal,
        channel: 'tool',
        proof: { kind: 'tool-session', session: session.id },
        session: session.id,
        ...(session.identity && { identity: session.identity }),
      };
    }
    const application = applications.get(key);
    if (application !== undefined) {
      return {
        ...place,
        principal: application,
        channel: 'tool',
        proof: { kind: 'application-address', address: key },
      };
    }
    return { ...place, principal: null, channel: 'tool', proof: NOBODY };
  }

  return {
    callerOf(peer) {
      const before = known.get(peer);
      // A session's time may be up before its timer has run.
      if (before && (before.session === undefined || sessionAt(before.peer)?.id === before.session)) return before;
      const caller = identify(peer);
      known.set(peer, caller);
      return caller;
    },
    ownerOf,
    isApplicationAddress: (address) => applications.has(address),
    activate(policy) {
      owners = new Map();
      for (const [entry, principal] of policy.certificates()) {
        const key = entry.startsWith('sha256:') ? entry.toLowerCase() : subjectKey(entry);
        const other = owners.get(key);
        owners.set(key, other === undefined || other === principal ? principal : null);
      }
    },
    forget() {
      known = new WeakMap();
    },
  };
}
