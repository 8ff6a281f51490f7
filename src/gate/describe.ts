// Part of "record": who and what, as rows and as one line for a person.

import type { Caller } from '../contract/gate.ts';
import type { DenialReason } from '../model/decision.ts';
import { type RecordedValue, recordValue, type Who } from '../model/journal-row.ts';
import type { PointValue } from '../model/point.ts';

/** The caller as rows keep it. */
export function whoIs({ principal, channel, proof, from, driver }: Caller): Who {
  return { principal, channel, proof, from, ...(driver !== undefined && { driver }) };
}

const PROOFS: Record<Who['proof']['kind'], string> = {
  certificate: 'certificate',
  'sign-in': 'signed in',
  token: 'token',
  command: 'command',
  'tool-session': 'tool session',
  'application-address': 'application address',
  'box-administrator': 'administrator of the box',
  job: 'a job in their name',
  gateway: 'the gateway itself',
  none: 'nobody known',
};

/** `` `ben` (tool session, 192.0.2.7:50123) ``. */
export function describeWho({ principal, proof, from }: Who): string {
  return `${principal === null ? 'a peer' : `\`${principal}\``} (${PROOFS[proof.kind]}, ${from})`;
}

function describeValue(value: RecordedValue): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'NULL' : String(value);
  return 'integer' in value ? value.integer : value.float;
}

export const shownValue = (value: PointValue): string => describeValue(recordValue(value));

/** What a reason means, to follow `denied <reason>: `. */
export const REASON_TEXT: Record<DenialReason, string> = {
  'unknown-principal': 'the policy does not know this principal, or it is disabled',
  'no-sign-in': 'neither a role nor a default role is given to this person',
  'unknown-action': 'the policy does not know the action',
  'unknown-channel': 'the policy does not know the channel',
  'no-target': 'nothing was named to change',
  'unknown-target': 'the policy does not hold the target',
  'channel-restricted': 'the action is not accepted from a tool that is known by its address only',
  locked: 'a lock is in force',
  'no-role': 'nothing is granted to this principal',
  'no-permission': 'no role of this principal has the permission',
  'out-of-scope': 'the permission is not held here',
  'no-site-access': 'there is no access to this site',
  'tag-restricted': 'the role is restricted to devices with other tags',
  'filter-restricted': 'the role may not change this point',
  'priority-reserved': 'the role may not use this priority',
  unattributed: 'it is not known who asks',
  'no-policy': 'no policy is in force',
  'stale-policy': 'the policy has expired',
  'unknown-point': 'the inventory does not hold what would be changed',
  'approval-required': 'another person must approve it first',
  'out-of-limits': 'the value is out of limits',
  'rate-limited': 'the point was changed too often within the last hour',
  'image-unverified': 'the device does not accept firmware as raw frames',
  'transfer-in-progress': 'a transfer to the device goes on',
  'journal-unavailable': 'the change cannot be recorded',
  unsupported: 'this cannot be asked through the gateway',
};
