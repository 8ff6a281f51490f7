// Whose rows of the record are shown to whom, and what a sentence in them may name.

import { describe, expect, it } from 'vitest';
import { recordSight } from '../../src/http/record-sight.ts';
import { principalId } from '../../src/model/ids.ts';
import type { JournalRow } from '../../src/model/journal-row.ts';
import { siteBundle, snapshotFrom } from '../policy/scene.ts';

const other = {
  id: 'tenant',
  name: 'Tenant',
  model: { siteAccess: 'all', roleHierarchy: 'flat', rolesPerUser: 'many' },
  locations: [{ id: 'shop', name: 'Shop', kind: 'organization' }],
  devices: [{ id: 'fridge', name: 'Fridge', location: 'shop' }],
  points: [{ id: 'fridge/sp', name: 'Set point', device: 'fridge', class: 'set-point' }],
  grants: [{ to: 'user:ada', permissions: ['audit.read'], at: 'shop' }],
};
const bundle = siteBundle({
  grants: ['eve', 'ada'].map((id) => ({ to: `user:${id}`, permissions: ['audit.read'], at: 'root' })),
});
const policy = snapshotFrom({ ...bundle, organizations: [...bundle.organizations, other] });

function sightOf(principal: string) {
  const caller = {
    principal: principalId(principal),
    channel: 'local',
    proof: { kind: 'none' },
    from: '',
    peer: '',
  } as const;
  const clock = { now: () => 1_000_000, monotonic: () => 0, sure: () => true };
  return recordSight(policy, caller, clock, () => undefined);
}
const row = (detail: object): JournalRow => ({
  kind: 'system',
  at: 0,
  event: 'job-step',
  detail: { job: 'j-1', ...detail },
});
const UNSEEN = 'the reason names something that may not be seen';

describe('a sentence in a row about work', () => {
  it.each([
    ['`fridge` failed the check', UNSEEN],
    ['`fridge/sp` not-sent: no answer', UNSEEN],
    ['`ahu1/sp`: got unit ```, expected `none` as `fridge/sp` has', UNSEEN],
    ['`vav1` failed the check', '`vav1` failed the check'],
    ['got version `2.0`, expected `2.1` or newer', 'got version `2.0`, expected `2.1` or newer'],
    ['the fridge is loud', 'the fridge is loud'],
  ])('names nothing of another organization: %s', (why, told) => {
    const step = row({ target: 'ahu1', to: 'aborted', why });
    expect(sightOf('eve').shows(step)).toBe(true);
    expect(sightOf('eve').told(step)).toEqual(row({ target: 'ahu1', to: 'aborted', why: told }));
    expect(sightOf('ada').told(step)).toEqual(step);
  });

  it('nor does one of the rows within it', () => {
    const end = (why: string) =>
      row({
        rows: [
          { target: 'ahu1', state: 'failed', why },
          { target: 'vav1', state: 'done' },
        ],
      });
    expect(sightOf('eve').told(end('`fridge/sp` could not be read: late'))).toEqual(end(UNSEEN));
  });

  it('is hidden with the row that is about another organization itself', () => {
    expect(sightOf('eve').shows(row({ target: 'fridge', why: 'aborted' }))).toBe(false);
    expect(sightOf('ada').shows(row({ target: 'fridge', why: 'aborted' }))).toBe(true);
  });
});
