// Kill -9 at random instants and at changes of state of firmware updates: every device ends with exactly the old or the new image,
// no job hangs, no device stays held, and the record explains each step. `npm run test:kills` does it 200 times.

import { expect, onTestFinished, test } from 'vitest';
import { gatehouse } from '../../simulators/demo/gateway.ts';
import { killUpdates } from '../kills/updates.ts';
import { JobsRig } from './jobs-rig.ts';

test('every device ends with the old or the new image, whenever the gateway is killed', async () => {
  const rig = await JobsRig.start({
    count: 4,
    loader: (index) => ({ banks: index === 3 ? 'single' : 'dual', timeScale: 0.1 }),
  });
  onTestFinished(() => rig.stop());
  const seed = Date.now() % 1_000_000;
  const { faults, kills, ends } = await killUpdates(rig, { kills: 6, seed, size: 131_072, log: () => undefined });
  expect(faults, `seed ${seed}`).toEqual([]);
  expect(kills).toBeGreaterThanOrEqual(6);
  expect([...ends.keys()]).toContain('done');
  expect(await gatehouse(['journal', 'verify', '--data', rig.data])).toMatchObject({ code: 0, stderr: '' });
}, 600_000);
