// The engine over the real BACnet driver and devices with real boot loaders: what the two take for granted of one another.

import { describe, expect, it } from 'vitest';
import { FirmwareRig, type FirmwareRigOptions, sourceOf } from '../drivers/bacnet/firmware-rig.ts';
import { states, UpdateSite } from './update-site.ts';

const start = async (options: FirmwareRigOptions) =>
  UpdateSite.over(await FirmwareRig.start(options), 'bacnet', sourceOf);

describe('BACnet devices', () => {
  it('are brought to the new image, whatever they lose on the way', async () => {
    const site = await start({ count: 3, firmware: { staging: true, confirmSeconds: 10 } });
    site.rig.loader('fw2').fail({ kind: 'lose-answers', every: 7 });
    site.rig.loader('fw3').fail({ kind: 'reboot', at: 9 });
    const job = await site.ended(await site.begin(['fw1', 'fw2', 'fw3']));
    expect(states(job)).toEqual(['done', 'done', 'done']);
    expect(site.banks('fw1', 'fw2', 'fw3')).toEqual(['new', 'new', 'new']);
    expect(job.devices[0]).toMatchObject({ oldVersion: '1.0.0', newVersion: '2.0.0' });
    expect(site.rig.gate.transfers()).toEqual([]);
  });

  it('hold nothing of an image that was aborted, or that they stored wrong', async () => {
    const site = await start({ count: 2, firmware: { staging: true, confirmSeconds: 10 } });
    site.rig.loader('fw2').fail({ kind: 'damage', at: 5 });
    const damaged = await site.ended(await site.begin(['fw2']));
    expect(states(damaged)).toEqual(['rolled-back']);
    expect(damaged.devices[0]?.why).toContain('another octet than the image');
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.abort(site.rig.caller(), id, 'not today');
    expect(states(await site.ended(id))).toEqual(['rolled-back']);
    expect(site.banks('fw1', 'fw2')).toEqual(['old', 'old']);
    expect([site.rig.content('fw1').length, site.rig.content('fw2').length]).toEqual([0, 0]);
  });

  it('go on where they were after a pause, and after a restart of the gateway', async () => {
    const site = await start({
      count: 1,
      firmware: { staging: true, confirmSeconds: 10 },
      loader: { timeScale: 0.5 },
    });
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.pause(site.rig.caller(), id, 'lunch');
    await site.until(id, ({ devices }) => devices[0]?.state === 'queued');
    await site.jobs.resume(site.rig.caller(), id);
    await site.sending(id);
    await site.reopen();
    expect(states(await site.ended(id))).toEqual(['done']);
    expect(site.banks('fw1')).toEqual(['new']);
    expect(site.rig.loader().transfers.at(-1)).toMatchObject({ gaps: 0 });
  });

  it('without a bank beside what runs are rescued by a retry', async () => {
    const site = await start({ count: 1, loader: { banks: 'single' }, firmware: { confirmSeconds: 10 } });
    const id = await site.begin(['fw1']);
    await site.sending(id);
    await site.jobs.abort(site.rig.caller(), id, 'oh');
    const torn = await site.ended(id);
    expect(states(torn)).toEqual(['aborted']);
    await site.jobs.retry(site.rig.caller(), id);
    expect(states(await site.ended(id))).toEqual(['done']);
    expect(site.banks('fw1')).toEqual(['new']);
  });
});
