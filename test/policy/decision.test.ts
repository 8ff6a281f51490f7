// What a decision carries: revision, grants, reasons, locks, and until when it holds.

import { describe, expect, it } from 'vitest';
import { decide } from '../../src/policy/decide.ts';
import { ben } from './asking.ts';
import { siteBundle, snapshotFrom } from './scene.ts';

describe('a decision carries', () => {
  const snapshot = snapshotFrom(
    siteBundle({
      grants: [
        ben('op', 'hq', { until: '1970-01-01T00:01:00Z' }),
        ben('op', 'annex', { from: '1970-01-01T00:00:30Z' }),
      ],
      locks: [{ id: 'belt', why: 'belt change', at: 'vav1', until: '1970-01-01T00:00:10Z' }],
    }),
  );

  it('the revision, the grant, and until when it holds', () => {
    expect(decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['ahu1/sp'], at: 0 })).toEqual({
      decision: 'permit',
      revision: 7,
      approvals: 0,
      verdicts: [{ target: 'ahu1/sp', permitted: true, grant: 'role op to user:ben at hq' }],
      validUntil: 10_000,
    });
  });

  it('the next moment after the last one that passed, and none when nothing changes any more', () => {
    const later = decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['ahu1/sp'], at: 10_000 });
    expect(later.decision === 'permit' && later.validUntil).toBe(30_000);
    const never = decide(snapshot, { principal: 'ben', action: 'point.write', targets: ['lift/cmd'], at: 60_000 });
    expect('validUntil' in never).toBe(false);
    expect(never.decision).toBe('permit');
  });

  it('a reason for every target, the missing action, the lock', () => {
    const decision = decide(snapshot, {
      principal: 'ben',
      action: 'point.write',
      targets: ['ahu1/sp', 'vav1/sp', 'lift/cmd', 'gone'],
      at: 0,
    });
    expect(decision).toEqual({
      decision: 'deny',
      revision: 7,
      reason: 'locked',
      target: 'vav1/sp',
      verdicts: [
        { target: 'ahu1/sp', permitted: true, grant: 'role op to user:ben at hq' },
        { target: 'vav1/sp', permitted: false, reason: 'locked', missing: 'point.write', lock: 'belt' },
        { target: 'ahu1/fan', permitted: true, grant: 'role op to user:ben at hq' },
        { target: 'lift/cmd', permitted: false, reason: 'out-of-scope', missing: 'point.write' },
        { target: 'gone', permitted: false, reason: 'unknown-target', missing: 'point.write' },
      ].map((verdict) => (verdict.target === 'lift/cmd' ? { ...verdict, reason: 'out-of-scope' } : verdict)),
    });
  });
});
