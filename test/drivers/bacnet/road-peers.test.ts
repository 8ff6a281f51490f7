// Who a peer is: another port of one address is no other peer, and who looks from behind a BBMD is answered where they are.

import { expect, test } from 'vitest';
import { BacnetClient } from '../../../simulators/bacnet/client.ts';
import { BVLC, EVERY_NETWORK, encodeBvlc, encodeNpdu } from '../../../simulators/bacnet/framing.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { RoadRig } from './road-rig.ts';
import { eventually, ownHost } from './transport-rig.ts';

const everywhere = (choice: number, payload: Buffer): Buffer =>
  encodeNpdu({
    expectingReply: false,
    priority: 0,
    destination: { network: EVERY_NETWORK, mac: Buffer.alloc(0) },
    payload: Buffer.concat([Buffer.from([0x10, choice]), payload]),
  });

test('who looks from behind a BBMD of the site is told where they are, and gets no rights by it', async () => {
  const bbmd = await BacnetClient.open({ host: ownHost() });
  const tool = await BacnetClient.open({ host: ownHost() });
  const { host: address, port } = bbmd.endpoint;
  const rig = await RoadRig.start({ north: { trustedBbmds: [{ address, port }] } });
  await rig.claim('anna', tool.endpoint.host);
  const forwarded = (npdu: Buffer): Buffer => encodeBvlc(BVLC.forwarded, npdu, tool.endpoint);
  const whoIs = say.whoIs();
  bbmd.sendRaw(forwarded(everywhere(whoIs.service, whoIs.payload)), rig.north);
  await tool.until(() => tool.found.length === 3);
  expect(bbmd.found).toEqual([]);
  const time = say.timeSynchronization(new Date(0));
  bbmd.sendRaw(forwarded(everywhere(time.service, time.payload)), rig.north);
  await eventually(() => rig.rows('refusal').some(({ operation }) => operation === 'time-synchronization'));
  expect(rig.rows('intent')).toEqual([]);
  await Promise.all([bbmd.stop(), tool.stop()]);
});

test('a flood from many ports of one address waits behind itself', async () => {
  const rig = await RoadRig.start({
    north: { limits: { outstandingPerStation: 64 } },
    bundle: {
      grants: [
        { to: 'user:carla', role: 'viewer', at: 'hq' },
        { to: 'user:ben', role: 'viewer', at: 'hq' },
      ],
    },
  });
  rig.plant.devices.ahu2.fail({ kind: 'delay', ms: 40 });
  const host = ownHost();
  await rig.claim('ben', host);
  const flood = await Promise.all(Array.from({ length: 8 }, () => BacnetClient.open({ host, port: 0 })));
  const read = ask.readProperty({ object: 'analog-input,1' });
  const asked = flood.flatMap((one) => Array.from({ length: 16 }, () => one.request(rig.device('ahu2'), read)));
  expect(await rig.ask('carla', read)).toBe('complex-ack');
  const outcomes = await Promise.all(asked);
  // 128 requests of one address: as many as one peer may have under way are answered, the rest is told so.
  // On a busy machine some come only when others have been answered.
  const aborted = outcomes.filter(({ kind }) => kind === 'abort').length;
  expect(aborted).toBeGreaterThan(32);
  expect(aborted).toBeLessThanOrEqual(64);
  await Promise.all(flood.map((one) => one.stop()));
});

test('messages begun from many ports of one address leave room for the others', async () => {
  const rig = await RoadRig.start({
    north: { limits: { reassemblyOctetsPerStation: 8192, reassemblyOctets: 65_536 }, segmentTimeoutMs: 2000 },
  });
  const host = ownHost();
  const flood = await Promise.all(Array.from({ length: 32 }, () => BacnetClient.open({ host, port: 0 })));
  const first = Buffer.concat([Buffer.from('0c7505001010', 'hex'), Buffer.alloc(1400)]);
  for (const one of flood)
    for (let invokeId = 0; invokeId < 4; invokeId += 1) {
      first.writeUInt8(invokeId, 2);
      const { route } = rig.device('ahu2');
      const npdu = encodeNpdu({
        expectingReply: true,
        priority: 0,
        ...(route && { destination: route }),
        payload: first,
      });
      one.sendRaw(encodeBvlc(BVLC.unicast, npdu), rig.north);
    }
  await eventually(() => (rig.driver.status().counters.north_over_limit ?? 0) > 100);
  const long = ask.writePropertyMultiple(
    Array.from({ length: 100 }, (_, at) => ({ object: `analog-value,${at + 1}` as const, value: [app.real(1)] })),
  );
  expect(await rig.ask('ben', long, 'ctl1')).toBe('error 2,40');
  await Promise.all(flood.map((one) => one.stop()));
});
