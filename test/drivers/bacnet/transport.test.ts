// Tools, the router, the plant: what passes, what does not, and whose it appears to be.

import { describe, expect, it } from 'vitest';
import { say, ask as service } from '../../../simulators/bacnet/requests.ts';
import { app, numberOf } from '../../../simulators/bacnet/values.ts';
import { ask, eventually, PLANT_NETWORK, TransportRig } from './transport-rig.ts';

describe('the terminating router', () => {
  it('shows the plant behind its number, and reads and writes it', async () => {
    const rig = await TransportRig.start();
    const client = await rig.client();
    const found = await client.discover(3);
    expect(found.map(({ instance }) => instance).sort()).toEqual([1001, 1002, 1003]);
    for (const { peer } of found) {
      expect(peer.endpoint).toEqual(rig.north);
      expect(peer.route?.network).toBe(PLANT_NETWORK);
    }
    const ahu = rig.device('ahu2');
    const before = numberOf((await client.read(ahu, { object: 'analog-value,1' }))[0]);
    expect(before).toBeTypeOf('number');
    expect(
      await ask(
        client,
        ahu,
        service.writeProperty({ object: 'analog-value,1', value: [app.real(20.5)], priority: 10 }),
      ),
    ).toBe('simple-ack');
    expect(numberOf((await client.read(ahu, { object: 'analog-value,1' }))[0])).toBe(20.5);
    expect(client.strays).toBe(0);
    expect(rig.counter('own_faults')).toBe(0);
    expect(rig.counter('plant_strays')).toBe(0);
    expect(say.whoIs).toBeTypeOf('function');
    await eventually(() => true);
  });
});
