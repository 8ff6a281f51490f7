// What the daemon remarks on, and about what: decides who of the administrators hears it.

import { expect, it } from 'vitest';
import type { LateOpening } from '../../src/contract/late-opening.ts';
import { DaemonStanding } from '../../src/daemon/standing.ts';

import { openGate, realTime } from '../drivers/gate-stage.ts';
import { snapshot } from '../gate/stage.ts';
import { siteBundle } from '../http/site-bundle.ts';

it('says of each remark what it names', async () => {
  const standing = new DaemonStanding('gateway', realTime);
  expect(standing.remarks()).toEqual([{ text: 'starting', about: 'gateway' }]);
  const { gate, journal } = openGate(snapshot(await siteBundle()));
  const neverGated = [
    { object: 'ahu1', why: 'smoke' },
    { peer: '192.0.2.7', why: 'fire panel' },
  ];
  standing.attach({ gate, journal, drivers: new Map(), neverGated });
  standing.watch({ waiting: 'page: no address yet' } as LateOpening);
  standing.fail('the journal thread is gone');
  expect(standing.remarks().map(({ about }) => about)).toEqual(['site', 'site', { target: 'ahu1' }, 'site']);
  expect(standing.status()).toMatchObject({ ready: false, remarks: standing.remarks().map(({ text }) => text) });
});
