// Work on several devices in the page: a verdict per device before anything starts, progress, and what may be done about it.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type ApiAlarm,
  type ApiJob,
  type ApiTransfer,
  alarmsSchema,
  transferSchema,
} from '../../src/http/schema-jobs.ts';
import { haveChromium, type Stage, startStage } from './browser.ts';
import { faultsOf } from './checker.ts';
import { actFirmware, IMAGE, updateJob } from './work-fixtures.ts';

describe.skipIf(!haveChromium())('jobs', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop());

  const start = /^Start on \d+ devices?$/;

  it('change the limits of every device of a list, or of none: one that cannot stops all before the start', async () => {
    const { page, go, picture } = await stage.as('carla');
    const { bank } = stage.site.plant.devices.ahu1;
    const before = stage.site.plant.writesSeen();
    await go('jobs');
    await page
      .getByRole('link', { name: 'Change alarm limits' })
      .or(page.getByRole('button', { name: 'Change alarm limits' }))
      .first()
      .click();
    await page.getByRole('checkbox', { name: /Air handling unit 1/ }).check();
    await page.getByLabel('Supply air temperature high alarm limit').fill('29');
    await page.getByText('Permitted on 1 of 1 devices.').waitFor();
    await page.getByRole('checkbox', { name: /Main meter/ }).check();
    await page.getByText('Possible on 1 of 2 devices: with one missing, nothing starts.').waitFor();
    await picture('job-verdicts');
    expect(await page.getByRole('button', { name: start }).isDisabled()).toBe(true);
    expect(stage.site.plant.writesSeen()).toBe(before);
    await page.getByRole('checkbox', { name: /Main meter/ }).uncheck();
    await page.getByText('28 → 29').waitFor();
    await page.getByRole('button', { name: 'Start on 1 device' }).click();
    await page.getByRole('heading', { level: 1, name: 'Alarm limits of 1 device' }).waitFor();
    await page.locator('.stage.held', { hasText: 'Done' }).waitFor();
    await page.getByText('1 of 1 done').waitFor();
    expect(bank.get('ahu1/sat-hi')).toBe(29);
  });

  it('copy a configuration with the difference shown before, and are seen by who looks on', async () => {
    const { page, go } = await stage.as('carla');
    const { meter1, meter2 } = stage.site.plant.devices;
    meter1.bank.set('meter1/demand-period', 30);
    const other = await stage.as('carla');
    await other.go('jobs');
    await go('jobs/new/configuration');
    await page.getByRole('button', { name: /Main meter/ }).click();
    await page.getByRole('checkbox', { name: /Ventilation meter/ }).check();
    await page.getByText(/^1 of \d+ values differ$/).waitFor();
    await page.getByText('15 → 30').waitFor();
    await page.getByRole('button', { name: 'Start on 1 device' }).click();
    await page.getByText('1 of 1 done').waitFor();
    expect(meter2.bank.get('meter2/demand-period')).toBe(30);
    await page.getByText('From Main meter').waitFor();
    // Live, without a reload.
    await other.page
      .locator('.job-card', { hasText: 'Configuration to 1 device' })
      .getByText('Done', { exact: true })
      .waitFor();
  });

  it('say for every device who may, to whom the right is missing', async () => {
    const { page, go } = await stage.as('anna');
    await go('jobs/new/alarm-thresholds');
    await page.getByRole('checkbox', { name: /Air handling unit 1/ }).check();
    await page.getByLabel('Supply air temperature high alarm limit').fill('29');
    const row = page.locator('.checked .job-device', { hasText: 'Air handling unit 1' });
    await row.getByText('Denied', { exact: true }).waitFor();
    await row.getByText('alarm.threshold').first().waitFor();
    await row.getByText('Carla').waitFor();
    expect(await page.getByRole('button', { name: start }).isDisabled()).toBe(true);
    await go('jobs');
    expect(await page.getByRole('button', { name: 'Change alarm limits' }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Updates' }).count()).toBe(0);
  });

  it('of firmware show where each of twenty devices stands, and can be paused, aborted with a reason, and tried again', async () => {
    const visit = await stage.as('carla');
    let job = updateJob();
    const { posted } = await actFirmware(visit, () => job);
    const { page, go, picture } = visit;
    await go('job/j-update');
    await page.getByRole('heading', { level: 1, name: 'Boreas 9000-B 2.1.0 to 20 devices' }).waitFor();
    const stageOf = (name: string) =>
      page.locator('.stage', { has: page.getByText(name, { exact: true }) }).locator('b');
    for (const [name, n] of [
      ['Queued', 6],
      ['Transferring', 4],
      ['Verifying', 1],
      ['Activating', 1],
      ['Done', 7],
      ['Rolled back', 1],
    ] as const) {
      expect([name, await stageOf(name).textContent()]).toEqual([name, String(n)]);
    }
    await page.getByText(/^7 of 20 done · 1 not · 18\sMiB of 40\sMiB · 332\sKiB\/s · 1\smin left$/).waitFor();
    await page
      .getByText(/MiB · 83\sKiB\/s · \d+\ss left$/)
      .first()
      .waitFor();
    await page.getByText('it did not come up with `2.1.0` within 2 min').waitFor();
    await picture('job-update');
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => posted).toEqual(['pause {}']);
    await page.getByRole('button', { name: 'Abort …' }).click();
    await page.getByLabel('Why').fill('the canary is warm');
    job = updateJob({ revision: 41, state: 'aborted', may: ['retry'], endedAt: Date.now() });
    await page.getByRole('button', { name: 'Abort the job' }).click();
    await expect.poll(() => posted.at(-1)).toBe('abort {"why":"the canary is warm"}');
    await page.locator('.tag.big', { hasText: 'Aborted' }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => posted.at(-1)).toBe('retry');
  });

  it('that wait for another person are approved or refused by one, with a comment', async () => {
    const visit = await stage.as('carla');
    const waiting: Partial<ApiJob> = {
      state: 'waiting-approval',
      may: ['approve', 'abort'],
      own: false,
      starter: 'Dora',
      approvals: { needed: 1, given: [] },
    };
    const { posted } = await actFirmware(visit, () => updateJob(waiting));
    const { page, go, picture } = visit;
    await go('job/j-update');
    await page.getByText('Approvals: 0 of 1').waitFor();
    await page.getByLabel('Comment').fill('not on a Friday');
    await picture('job-approval');
    await page.getByRole('button', { name: 'Refuse' }).click();
    await expect.poll(() => posted).toEqual(['approval {"verdict":"refused","comment":"not on a Friday"}']);
    await page.getByLabel('Comment').fill('go on');
    await page.getByRole('button', { name: 'Approve' }).click();
    await expect.poll(() => posted.at(-1)).toBe('approval {"verdict":"approved","comment":"go on"}');
  });

  it('begin with an image and its devices; the refusal list stands before the start', async () => {
    const visit = await stage.as('carla');
    await actFirmware(visit, updateJob);
    const { page, go, picture } = visit;
    await go('jobs/updates');
    await page.getByText('signed by northwind-2026').waitFor();
    await picture('images');
    await page.getByRole('button', { name: 'Choose', exact: true }).click();
    // Only what fits the image is offered.
    await page.getByRole('checkbox', { name: /Air handling unit 2/ }).check();
    expect(await page.getByRole('checkbox', { name: /Main meter/ }).count()).toBe(0);
    await page
      .getByText('Possible on 1 of 3 devices: with one missing, nothing starts. Another person has to approve.')
      .waitFor();
    await page.getByText('runs `2.2.0`, newer than `2.1.0`').waitFor();
    await page.getByText('Dora').waitFor();
    await page.getByText('2.0.4 → 2.1.0').waitFor();
    await picture('updates');
    expect(await page.getByRole('button', { name: start }).isDisabled()).toBe(true);
  });

  it('upload an image in pieces, and go on where the line broke', async () => {
    const visit = await stage.as('carla');
    await actFirmware(visit, updateJob);
    const { page, go } = visit;
    const octets = Buffer.alloc(2_500_000, 7);
    const offsets: number[] = [];
    let received = 0;
    let broken = false;
    const image = () => ({
      ...IMAGE,
      size: octets.length,
      received,
      state: received < octets.length ? 'receiving' : 'ready',
    });
    await page.route('**/api/v1/images', (route) => {
      expect(route.request().postDataJSON()).toEqual({ manifest: 'signed.manifest.here' });
      return route.fulfill({ status: 201, json: image() });
    });
    await page.route(`**/api/v1/images/${IMAGE.id}`, (route) => route.fulfill({ json: image() }));
    await page.route(`**/api/v1/images/${IMAGE.id}/content`, async (route) => {
      const offset = Number(await route.request().headerValue('upload-offset'));
      offsets.push(offset);
      // The second piece is lost on the way.
      if (offsets.length === 2 && !broken) {
        broken = true;
        return route.abort();
      }
      received = Math.min(octets.length, offset + 1_048_576);
      return route.fulfill({ json: image() });
    });
    await go('jobs/updates');
    await page.getByText('Add an image').click();
    await page
      .getByLabel('Manifest (.jws)')
      .setInputFiles({ name: 'm.jws', mimeType: 'text/plain', buffer: Buffer.from('signed.manifest.here\n') });
    await page
      .getByLabel('Image file')
      .setInputFiles({ name: 'image.bin', mimeType: 'application/octet-stream', buffer: octets });
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('Boreas 9000-B 2.1.0 was added.').waitFor();
    expect(offsets).toEqual([0, 1_048_576, 1_048_576, 2_097_152]);
  });

  it('show who holds a device for a transfer, and let it be ended with a reason by who may', async () => {
    const { page, go } = await stage.as('carla');
    const held: ApiTransfer[] = [
      {
        device: { id: 'ahu2', name: 'Air handling unit 2' },
        by: 'tool',
        holder: 'Anna',
        own: false,
        since: Date.now() - 60_000,
        mayEnd: true,
      },
      { device: { id: 'ahu1', name: 'Air handling unit 1' }, by: 'job', own: false, since: Date.now(), mayEnd: false },
    ];
    const said: unknown[] = [];
    await page.route('**/api/v1/transfers', (route) =>
      route.fulfill({ json: { items: held.map((each) => transferSchema.parse(each)) } }),
    );
    await page.route('**/api/v1/transfers/*/end', (route) => {
      said.push([new URL(route.request().url()).pathname, route.request().postDataJSON()]);
      return route.fulfill({ json: held.shift() });
    });
    await go('jobs/transfers');
    const entry = page.locator('.override', { hasText: 'Air handling unit 2' });
    await entry.getByText('by their own tool').waitFor();
    await entry.getByText(/by Anna/).waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'End …' }).count()).toBe(1);
    await entry.getByRole('button', { name: 'End …' }).click();
    await entry.getByLabel('Why').fill('she has left');
    await entry.getByRole('button', { name: 'End the transfer' }).click();
    await entry.waitFor({ state: 'detached' });
    expect(said).toEqual([['/api/v1/transfers/ahu2/end', { why: 'she has left' }]]);
  });

  it('leave alarms to be acknowledged by who may, with what the device said to it', async () => {
    const { page, go, picture } = await stage.as('ben');
    const device = { id: 'ahu2', name: 'Air handling unit 2' };
    const alarm = (key: string, acknowledged: boolean) =>
      ({ device, key, state: 'high-limit', since: Date.now(), acknowledged, mayAcknowledge: true }) satisfies ApiAlarm;
    const said: unknown[] = [];
    let acknowledged = false;
    await page.route('**/api/v1/alarms?*', (route) => {
      const items = [alarm('analog-input,1', acknowledged), alarm('analog-input,2', false)];
      return route.fulfill({ json: alarmsSchema.parse({ items, unreachable: [] }) });
    });
    await page.route('**/api/v1/alarms/acknowledge', (route) => {
      said.push(route.request().postDataJSON());
      acknowledged = said.length === 1;
      const state = said.length === 1 ? 'done' : 'refused-by-device';
      return route.fulfill({ json: { state, decisionId: 'd-1' } });
    });
    await go('overrides');
    await page.getByRole('link', { name: 'Alarms' }).click();
    const entry = (key: string) => page.locator('.alarm', { hasText: key });
    await entry('analog-input,1').getByRole('button', { name: 'Acknowledge' }).click();
    await entry('analog-input,1').getByText('acknowledged', { exact: true }).waitFor();
    await picture('alarms');
    await entry('analog-input,2').getByRole('button', { name: 'Acknowledge' }).click();
    await entry('analog-input,2').getByText('Refused by the device').waitFor();
    expect(said).toEqual([
      { device: 'ahu2', key: 'analog-input,1' },
      { device: 'ahu2', key: 'analog-input,2' },
    ]);
  });

  it.each([
    ['phone', 390, 844, 'dark'],
    ['tablet', 820, 1180, 'light'],
    ['desk', 1440, 900, 'dark'],
  ] as const)('have no fault that the checker finds on a %s', async (kind, width, height, colorScheme) => {
    const visit = await stage.as('carla', { viewport: { width, height }, colorScheme });
    const job = updateJob({
      state: 'waiting-approval',
      may: ['approve', 'pause', 'abort'],
      approvals: { needed: 1, given: [] },
    });
    await actFirmware(visit, () => job);
    const faults: string[] = [];
    await visit.go('job/j-update');
    await visit.page.getByRole('button', { name: 'Abort …' }).click();
    await visit.page.getByRole('button', { name: 'Abort the job' }).waitFor();
    faults.push(...(await faultsOf(visit, 'job')));
    await visit.picture(`${kind}-job`);
    await visit.go('jobs/updates');
    await visit.page.getByText('Add an image').click();
    await visit.page.getByRole('button', { name: 'Choose', exact: true }).click();
    await visit.page.getByRole('checkbox', { name: /Air handling unit 2/ }).check();
    await visit.page.getByText('Dora').waitFor();
    faults.push(...(await faultsOf(visit, 'updates')));
    await visit.picture(`${kind}-updates`);
    expect(faults).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });
});
