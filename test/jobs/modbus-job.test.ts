// The engine over the real Modbus driver and devices with real boot loaders: what the two take for granted of one another.

import { describe, expect, it } from 'vitest';
import { FirmwareRig, type FirmwareRigOptions, sourceOf } from '../drivers/modbus/firmware-rig.ts';
import { states, UpdateSite } from './update-site.ts';

const fast = { stallSeconds: 1, pollMs: 10 };
const start = async (options: FirmwareRigOptions) =>
  UpdateSite.over(await FirmwareRig.start(options), 'modbus', sourceOf);

describe.each(['registers', 'files'] as const)('Modbus devices that take %s', (method) => {
  it('are brought to the new image, whatever they lose on the way', async () => {
    const site = await start({ method, count: 2, firmware: fast });
    site.rig.loader('fw2').fail({ kind: 'reboot', at: 9 });
    const job = await site.ended(await site.begin(['fw1', 'fw2']));
    expect(states(job)).toEqual(['done', 'done']);
    expect(site.banks('fw1', 'fw2')).toEqual(['new', 'new']);
    expect(job.devices[0]).toMatchObject({ oldVersion: '1.0.0', newVersion: '2.0.0' });
    expect(site.rig.gate.transfers()).toEqual([]);
  });

  it('hold nothing of an image that was aborted', async () => {
    const site = await start({ method, count: 1, firmware: fast });
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.abort(site.rig.caller(), id, 'not today');
    expect(states(await site.ended(id))).toEqual(['rolled-back']);
    expect(site.banks('fw1')).toEqual(['old']);
    expect(await site.rig.standing('fw1')).toMatchObject({ value: { state: 'running', version: '1.0.0' } });
  });

  it('go on where they were after a pause, and after a restart of the gateway', async () => {
    const site = await start({ method, count: 1, firmware: fast });
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.pause(site.rig.caller(), id, 'lunch');
    await site.until(id, ({ devices }) => devices[0]?.state === 'queued');
    await site.jobs.resume(site.rig.caller(), id);
    await site.sending(id);
    await site.reopen();
    expect(states(await site.ended(id))).toEqual(['done']);
    expect(site.banks('fw1')).toEqual(['new']);
  });
});
