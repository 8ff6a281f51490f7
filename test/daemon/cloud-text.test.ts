// The cloud side in one line, and what an enrolment leaves in the data folder.

import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CloudStatus } from '../../src/cloud/cloud.ts';
import { cloudText } from '../../src/daemon/cloud-text.ts';
import { readEnrolment, writeEnrolment } from '../../src/daemon/enrolment.ts';
import { temporaryFolder } from '../store/store-rig.ts';

const status: CloudStatus = {
  link: { is: 'connected', mqtt: '5' },
  active: { epoch: 1, revision: 7, sha256: 'a', refreshBy: 0, expiresAt: 86_400_000 },
  state: 'stale',
  underWay: { epoch: 1, revision: 8 },
  report: undefined,
  locks: { epoch: 1, revision: 2, count: 3 },
  root: { version: 2, fingerprint: '0123456789abcdef0123' },
  upload: { state: 'sending', acked: 4, unsent: 12, why: null },
  clock: { sure: true, now: 0, floor: 0 },
};

describe('the line of status', () => {
  it('tells connection, policy, freshness, locks and unsent rows', () => {
    expect(cloudText(status)).toBe(
      'connected (MQTT 5), active epoch 1 revision 7 (stale), epoch 1 revision 8 on its way, ' +
        'fresh until 1970-01-01T00:00:00.000Z, expires 1970-01-02T00:00:00.000Z, 3 locks, 12 journal rows unsent, ' +
        'root version 2 0123456789abcdef',
    );
  });

  it('tells what is wrong', () => {
    const fault = { path: 'organizations.0', found: '`x`', expected: 'y' };
    const report = {
      epoch: 1,
      revision: 9,
      manifestSha256: 'b',
      state: 'refused' as const,
      code: 'refused-bundle' as const,
      faults: [fault],
      notices: [],
      at: '',
    };
    const { active: _active, locks: _locks, upload: _upload, underWay: _underWay, ...rest } = status;
    const broken = { ...rest, active: undefined, locks: undefined, underWay: undefined, upload: undefined };
    expect(cloudText({ ...broken, link: { is: 'waiting', why: 'no route' }, report })).toBe(
      'not connected: no route, no policy, epoch 1 revision 9 REFUSED `refused-bundle` with 1 faults: organizations.0 found `x`, ' +
        'root version 2 0123456789abcdef',
    );
    const unread = { ...report, epoch: null, revision: null, faults: [{ ...fault, path: '' }] };
    expect(cloudText({ ...broken, link: { is: 'connecting' }, report: unread })).toContain('a policy REFUSED');
    const upload = { state: 'stopped' as const, acked: 0, unsent: 1, why: 'a wrong head' };
    expect(cloudText({ ...status, upload })).toContain('upload STOPPED: a wrong head');
  });
});

describe('the enrolment', () => {
  it('is kept for the owner’s eyes', () => {
    const folder = temporaryFolder();
    expect(readEnrolment(folder)).toBeUndefined();
    const enrolment = {
      url: 'mqtts://broker.example',
      certificateFile: '/etc/gateway.pem',
      keyFile: '/etc/gateway.key',
    };
    writeEnrolment(folder, enrolment);
    expect(readEnrolment(folder)).toEqual(enrolment);
    expect(statSync(join(folder, 'enrolment.json')).mode & 0o777).toBe(0o600);
  });

  it.each(['x', '{}', '{"url":"mqtt://a","root":"b"}'])('that is something else stops the start: %s', (text) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'enrolment.json'), text);
    expect(() => readEnrolment(folder)).toThrow(expect.objectContaining({ code: 'enrolment' }));
  });
});
