// A noisy station or device takes only its own share: the others are heard, and the gateway finds its devices.

import { expect, it } from 'vitest';
import { say } from '../../../simulators/bacnet/requests.ts';
import { told } from './classify-stage.ts';
import { TransportRig } from './transport-rig.ts';

it('I-Am of one device does not starve those of the others', async () => {
  const rig = await TransportRig.start({ north: { limits: { answersPerSecond: 8 } } });
  const { plant, north } = rig.road.services;
  const [noisy, quiet] = [1001, 1002].map((instance) => plant.find('plant', instance));
  if (noisy === undefined || quiet === undefined) throw new Error('no devices');
  const passedOn = (): number => rig.driver.status().counters.north_frames_out ?? 0;
  for (let count = 0; count < 1000; count += 1) north.unconfirmed('broadcast', noisy, told(say.iAm(1001)));
  const before = passedOn();
  north.unconfirmed('broadcast', quiet, told(say.iAm(1002)));
  expect(passedOn()).toBe(before + 1);
});

it('a flood of searches does not keep the gateway from its own', async () => {
  const rig = await TransportRig.start();
  const { plant } = rig.road.services;
  for (let count = 0; count < 200; count += 1) plant.unconfirmed('plant', told(say.whoIs(1, 1)));
  expect(plant.unconfirmed('plant', told(say.whoIs()))).toBe(true);
});

it('a flood of questions for routers leaves those of another tool answered', async () => {
  const rig = await TransportRig.start();
  const [noisy, quiet] = [await rig.client(), await rig.client()];
  const whoIsRouter = Buffer.from('810a0007018000', 'hex');
  for (let count = 0; count < 200; count += 1) noisy.sendRaw(whoIsRouter, rig.north);
  await noisy.until(() => noisy.networkMessages.length >= 5);
  quiet.sendRaw(whoIsRouter, rig.north);
  await quiet.until(() => quiet.networkMessages.length === 1);
  expect(noisy.networkMessages.length).toBeLessThan(40);
});
