// What takes two people, in two browsers before the real gateway: a change and a batch that somebody else approves, and the transfer
// of a tool that somebody else ends. What a device holds is what the device itself says.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BacnetClient, outcomeText } from '../../simulators/bacnet/client.ts';
import { macOf } from '../../simulators/bacnet/framing.ts';
import { ask } from '../../simulators/bacnet/requests.ts';
import { type JobsRig, PLANT_NETWORK } from '../scenarios/jobs-rig.ts';
import { haveChromium } from './browser.ts';
import { faultsOf } from './checker.ts';
import { RealStage } from './real-stage.ts';

const at = (point: string): string => `point/${encodeURIComponent(point)}`;

describe.skipIf(!haveChromium())('two people', () => {
  let stage: RealStage;
  let rig: JobsRig;
  beforeAll(async () => {
    stage = await RealStage.start({ count: 2, device: () => ({ firmware: { raw: 'permit' } }) });
    ({ rig } = stage);
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop(), 30_000);

  const setPoint = (id: string) => rig.plant.device(id).object('analog-value,1').number('present-value');
  const intentsOf = (target: string) =>
    rig
      .rows({ kind: 'intent' })
      .flatMap(({ row }) => (row.kind === 'intent' && row.effects.some((each) => each.target === target) ? [row] : []));

  it('change one set point: it waits, is approved with a comment, and the record has both', async () => {
    const [first, second] = [await stage.as('eve'), await stage.as('ben')];
    const { page } = first;
    await first.go(at('fw1/sp'));
    await page.getByText('Another person has to approve this change before it is made.').waitFor();
    await page.getByLabel('New value (°C)').fill('22');
    await page.getByLabel('Why, for whoever approves').fill('the board meets at nine');
    expect(await faultsOf(first, 'needs approval')).toEqual([]);
    await first.picture('approval-form');
    await page.getByRole('button', { name: /^Ask to change to 22/ }).click();
    await page.locator('.tag.big', { hasText: 'Waits for approval' }).waitFor();
    expect(setPoint('fw1')).toBe(20);
    await second.go('jobs');
    await second.page.locator('.job-card', { hasText: 'the board meets at nine' }).click();
    // Whoever gives their word sees what it is for.
    const row = second.page.locator('.ordered li', { hasText: 'Set point' });
    await row.getByText(/^22\s°C$/).waitFor();
    await row.getByText('Unit 1').waitFor();
    await row.getByText(/^For 2\sh, then back · priority 8$/).waitFor();
    await second.page.getByLabel('Comment').fill('agreed until noon');
    await second.picture('approval-asked');
    await second.page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('agreed until noon').waitFor();
    await page.getByText('1 of 1 done').waitFor();
    expect(setPoint('fw1')).toBe(22);
    const [intent] = intentsOf('fw1/sp');
    expect(intent).toMatchObject({ who: { principal: 'eve' }, approvedBy: ['ben'] });
    const words = rig
      .rows({ kind: 'system' })
      .flatMap(({ row: said }) => ('event' in said && said.event === 'job-approved' ? [said.detail] : []));
    expect(words).toMatchObject([{ principal: 'ben', comment: 'agreed until noon', starter: 'eve' }]);
    // And it goes back: an override of who asked for it.
    await first.go('overrides');
    await page.locator('.override.open', { hasText: 'Set point' }).getByText('by you').waitFor();
  });

  it('change several points: the verdict says that another has to approve, nothing is sent before, and all of it after', async () => {
    const [first, second] = [await stage.as('eve'), await stage.as('ben')];
    const { page } = first;
    for (const id of ['fw1', 'fw2']) {
      await first.go(at(`${id}/sp`));
      await page.getByRole('button', { name: 'Add to batch' }).click();
      await page.getByRole('button', { name: 'In the batch' }).waitFor();
    }
    await first.go('batch');
    const fields = page.getByLabel('New value of Set point');
    await fields.nth(0).fill('24');
    await fields.nth(1).fill('25');
    await expect.poll(() => page.locator('.batch-row').getByText('Needs approval', { exact: true }).count()).toBe(2);
    await page.getByText('2 of 2 possible').waitFor();
    await page.getByText('Another person has to approve: it waits as a job').waitFor();
    await page.getByLabel('Why, for whoever approves').fill('heat wave');
    expect(await faultsOf(first, 'batch needs approval')).toEqual([]);
    await first.picture('approval-batch');
    const writes = rig.written('fw2');
    await page.getByRole('button', { name: 'Ask to change 2 points' }).click();
    await page.getByRole('heading', { level: 1, name: 'Points of 2 devices' }).waitFor();
    await page.locator('.tag.big', { hasText: 'Waits for approval' }).waitFor();
    expect(rig.written('fw2')).toBe(writes);
    // It is the job's now.
    await first.go('batch');
    await page.getByText('Add points from their own page, or search for them here.').waitFor();
    await second.go('jobs');
    await second.page.locator('.job-card', { hasText: 'heat wave' }).click();
    await expect.poll(() => second.page.locator('.ordered li').count()).toBe(2);
    await second.page.getByRole('button', { name: 'Approve' }).click();
    await second.page.getByText('2 of 2 done').waitFor();
    expect([setPoint('fw1'), setPoint('fw2')]).toEqual([24, 25]);
    expect(intentsOf('fw2/sp').at(-1)).toMatchObject({ who: { principal: 'eve' }, approvedBy: ['ben'] });
  });

  it('meet at a device: a tool sends raw firmware, another person ends it, and the tool’s next frame is refused', async () => {
    const [holder, keeper] = [await stage.as('anna'), await stage.as('ben')];
    await holder.go('tool');
    await holder.page.getByRole('button', { name: 'Begin with this address' }).click();
    await holder.page.getByText('Your session').waitFor();
    const [, host = '', port] = rig.gateway.lines.flatMap((line) => /bacnet north on (\S+):(\d+) /.exec(line) ?? []);
    const tool = await BacnetClient.open({ host: '127.0.0.1', port: Number(port) });
    const to = {
      endpoint: { host, port: Number(port) },
      route: { network: PLANT_NETWORK, mac: macOf(rig.plant.endpoint('fw2')) },
    };
    const image = rig.plant.image('9.0.0', 4000);
    const send = async (from: number): Promise<string> =>
      outcomeText(await tool.request(to, ask.writeFile(1, from, image.subarray(from, from + 400))));
    try {
      await keeper.go('jobs/transfers');
      await keeper.page.getByText('No device is held for a transfer.').waitFor();
      expect([await send(0), await send(400)]).toEqual(['complex-ack', 'complex-ack']);
      const entry = keeper.page.locator('.override', { hasText: 'Unit 2' });
      await entry.getByText('by their own tool').waitFor();
      await entry.getByRole('button', { name: 'End …' }).click();
      await entry.getByLabel('Why').fill('the plant is needed');
      await keeper.picture('transfer-end');
      await entry.getByRole('button', { name: 'End the transfer' }).click();
      await keeper.page.getByText('No device is held for a transfer.').waitFor();
      const before = rig.written('fw2');
      // device/configuration-in-progress
      expect(await send(800)).toBe('error 0,2');
      expect(rig.written('fw2')).toBe(before);
      // The holder sees it, too.
      await holder.page.getByText('refused').first().waitFor();
      const ended = () =>
        rig
          .rows({ kind: 'system' })
          .flatMap(({ row }) => ('event' in row && row.event === 'transfer-ended' ? [row.detail] : []))
          .at(-1);
      await expect.poll(ended).toMatchObject({ device: 'fw2', by: { principal: 'ben' }, why: 'the plant is needed' });
      const refused = () => rig.rows({ kind: 'refusal' }).at(-1)?.row;
      await expect
        .poll(refused)
        .toMatchObject({ who: { principal: 'anna' }, reason: 'transfer-in-progress', target: 'fw2' });
    } finally {
      await tool.stop();
    }
  });
});
