// Work on several devices from the page to simulated BACnet devices with boot loaders and back, through the real gateway: what a
// device holds afterwards is what the device itself says.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { notificationClass } from '../../simulators/bacnet/object-kinds.ts';
import { app } from '../../simulators/bacnet/values.ts';
import type { JobsRig } from '../scenarios/jobs-rig.ts';
import { haveChromium, type Visit } from './browser.ts';
import { faultsOf } from './checker.ts';
import { type Person, RealStage } from './real-stage.ts';

/** Takes seconds, so that there is something to watch. */
const LARGE = 1_500_000;
/** Of this device, the last. */
const SLOW = 3;

describe.skipIf(!haveChromium())('with the real gateway', () => {
  let stage: RealStage;
  let rig: JobsRig;
  let version = 1;
  beforeAll(async () => {
    stage = await RealStage.start({
      count: 4,
      confirmSeconds: 6,
      loader: (index) => ({ timeScale: index === SLOW ? 1 : 0.05 }),
    });
    ({ rig } = stage);
    // Without a class of notifications nobody has to acknowledge anything.
    for (const { state } of rig.plant.devices.values()) state.add(notificationClass(1, 'Alarms'));
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop(), 30_000);

  const as = (person: Person): Promise<Visit> => stage.as(person);

  function newImage(size: number) {
    version += 1;
    const words = { version: `${version}.0.0`, size };
    const octets = rig.image(words);
    return { octets, words, version: words.version, manifest: rig.manifest(octets, words) };
  }

  /** Chosen on the page among the images there are. */
  async function chooseImage({ page, go }: Visit, wanted: string): Promise<void> {
    await go('jobs/updates');
    await page.locator('.image', { hasText: wanted }).getByRole('button', { name: 'Choose', exact: true }).click();
  }

  async function tick({ page }: Visit, ...names: string[]): Promise<void> {
    for (const name of names) await page.getByRole('checkbox', { name: new RegExp(`^${name} `) }).check();
  }

  const row = ({ page }: Visit, name: string) => page.locator('.job-device', { hasText: name });
  const runs = (...ids: string[]) => ids.map((id) => rig.loader(id).wouldRun.version);
  const written = (...ids: string[]) => ids.map(rig.written);

  it('an image is uploaded and brought to two devices: a verdict for each first, its progress, and what it runs in the end', async () => {
    const image = newImage(LARGE);
    const visit = await as('anna');
    const { page, go, picture, complaints } = visit;
    await go('jobs/updates');
    await page.getByText('Add an image').click();
    const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer });
    await page.getByLabel('Manifest (.jws)').setInputFiles(file('image.jws', Buffer.from(`${image.manifest}\n`)));
    await page.getByLabel('Image file').setInputFiles(file('image.bin', image.octets));
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText(`Boreas 9000-C ${image.version} was added.`).waitFor();
    const card = page.locator('.image', { hasText: image.version });
    await card.getByText('ready', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'Choose', exact: true }).click();
    await tick(visit, 'Unit 4', 'Unit 2');
    await page.getByText('Permitted on 2 of 2 devices.').waitFor();
    await expect.poll(() => row(visit, 'Unit 4').locator('.versions').textContent()).toBe(`1.0.0 → ${image.version}`);
    await picture('real-verdicts');
    expect(written('fw4', 'fw2')).toEqual([0, 0]);
    await page.getByRole('button', { name: 'Start on 2 devices' }).click();
    await page.getByRole('heading', { level: 1, name: `Boreas 9000-C ${image.version} to 2 devices` }).waitFor();
    // The first alone; the other waits its turn.
    const held = (state: string) => page.locator('.stage.held', { hasText: state });
    await held('Transferring').waitFor();
    await expect.poll(() => held('Queued').locator('b').textContent()).toBe('1');
    await row(visit, 'Unit 4')
      .getByText(/of 1\.4\sMiB/)
      .waitFor();
    // Of both, also of the one that has not begun.
    await page
      .locator('.job-progress.large')
      .getByText(/of 2\.9\sMiB/)
      .waitFor();
    await expect.poll(() => row(visit, 'Unit 2').locator('.versions').textContent()).toContain(`→ ${image.version}`);
    await picture('real-progress');
    await page.getByText('2 of 2 done').waitFor();
    await page.locator('.tag.big', { hasText: 'Done' }).waitFor();
    expect(runs('fw4', 'fw2', 'fw1')).toEqual([image.version, image.version, '1.0.0']);
    expect(complaints).toEqual([]);
  });

  it('one device without the right stops all before the start, and the page says which and why', async () => {
    const image = newImage(20_000);
    await rig.upload(image.octets, image.words);
    const visit = await as('dora');
    const { page } = visit;
    const before = written('fw1', 'fw2');
    await chooseImage(visit, image.version);
    await tick(visit, 'Unit 1', 'Unit 2');
    await page.getByText('Possible on 1 of 2 devices: with one missing, nothing starts.').waitFor();
    const denied = row(visit, 'Unit 2');
    await denied.getByText('Denied', { exact: true }).waitFor();
    await denied.getByText('You hold this right, but not at this place.').first().waitFor();
    await denied.getByText('firmware.update', { exact: true }).first().waitFor();
    await denied.getByText('your role does not show you their names').first().waitFor();
    await row(visit, 'Unit 1').getByText('Permitted', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: 'Start on 2 devices' }).isDisabled()).toBe(true);
    expect(written('fw1', 'fw2')).toEqual(before);
    await denied.getByRole('button', { name: 'Ask for this right' }).click();
    await denied.getByText(/Asked\. Request \d+ is recorded/).waitFor();
    await page.getByRole('checkbox', { name: /^Unit 2 / }).uncheck();
    await page.getByRole('button', { name: 'Start on 1 device' }).click();
    await page.getByText('1 of 1 done').waitFor();
    expect(runs('fw1')).toEqual([image.version]);
  });

  it('what needs a second person waits for one, who approves with a comment; both see it as it happens', async () => {
    const image = newImage(20_000);
    await rig.upload(image.octets, image.words);
    const [first, second] = [await as('eve'), await as('ben')];
    await chooseImage(first, image.version);
    await tick(first, 'Unit 3');
    await first.page.getByText('Another person has to approve.').waitFor();
    const before = written('fw3');
    await second.go('jobs');
    await first.page.getByRole('button', { name: 'Start on 1 device' }).click();
    await first.page.locator('.tag.big', { hasText: 'Waits for approval' }).waitFor();
    await first.page.getByText('Approvals: 0 of 1').waitFor();
    // Nobody approves what they ask for.
    expect(await first.page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await second.page.locator('.job-card', { hasText: 'Waits for approval' }).click();
    await second.page.getByLabel('Comment').fill('after the board meeting');
    await second.picture('real-approval');
    expect(written('fw3')).toEqual(before);
    await second.page.getByRole('button', { name: 'Approve' }).click();
    await first.page.getByText('after the board meeting').waitFor();
    await first.page.getByText('Approvals: 1 of 1').waitFor();
    await first.page.getByText('1 of 1 done').waitFor();
    await second.page.getByText('1 of 1 done').waitFor();
    expect(runs('fw3')).toEqual([image.version]);
  });

  it('what a second person refuses never begins, and the comment says why', async () => {
    const image = newImage(20_000);
    const id = await rig.upload(image.octets, image.words);
    const job = await rig.update('eve', id, ['fw4']);
    const { page, go } = await as('ben');
    const before = written('fw4');
    await go(`job/${job}`);
    await page.getByLabel('Comment').fill('not in winter');
    await page.getByRole('button', { name: 'Refuse', exact: true }).click();
    await page.locator('.tag.big', { hasText: 'Refused' }).waitFor();
    await page.locator('.approvals').getByText('not in winter').waitFor();
    // Why is said in the reader's language, a person's own words as they are.
    const german = await stage.as('eve', { locale: 'de-DE' });
    await german.go(`job/${job}`);
    await german.page.getByText('Jemand hat abgelehnt: not in winter').waitFor();
    expect(written('fw4')).toEqual(before);
  });

  it('a transfer is paused, goes on, and is aborted with a reason; the device runs what it ran', async () => {
    const image = newImage(2 * LARGE);
    await rig.upload(image.octets, image.words);
    const [visit, other] = [await as('anna'), await as('ben')];
    const { page } = visit;
    const [before] = runs('fw4');
    await chooseImage(visit, image.version);
    await tick(visit, 'Unit 4');
    await page.getByRole('button', { name: 'Start on 1 device' }).click();
    const sending = row(visit, 'Unit 4').getByText(/of 2\.9\sMiB/);
    await sending.waitFor();
    await other.go('jobs/transfers');
    const held = other.page.locator('.override', { hasText: 'Unit 4' });
    await held.getByText('by a job').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('.tag.big', { hasText: 'Paused' }).waitFor();
    await page.getByText('Paused by anna').waitFor();
    await page.getByRole('button', { name: 'Go on' }).click();
    await sending.waitFor();
    await page.getByRole('button', { name: 'Abort …' }).click();
    await page.getByLabel('Why').fill('wrong building');
    await page.getByRole('button', { name: 'Abort the job' }).click();
    await page.locator('.tag.big', { hasText: 'Aborted' }).waitFor();
    await page.getByText('wrong building').first().waitFor();
    await page.locator('.stage.held', { hasText: /Rolled back|Aborted/ }).waitFor();
    expect(runs('fw4')).toEqual([before]);
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
  });

  it('a device that failed says why, and is tried again from the page', async () => {
    const image = newImage(60_000);
    await rig.upload(image.octets, image.words);
    const visit = await as('ben');
    const { page, picture } = visit;
    rig.loader('fw2').fail({ kind: 'refuse', at: 5 });
    await chooseImage(visit, image.version);
    await tick(visit, 'Unit 2', 'Unit 3');
    await page.getByRole('button', { name: 'Start on 2 devices' }).click();
    await page.locator('.tag.big', { hasText: 'Failed' }).waitFor();
    const failed = row(visit, 'Unit 2');
    await failed.locator('.why').waitFor();
    expect(await faultsOf(visit, 'failed')).toEqual([]);
    await picture('real-failed');
    rig.loader('fw2').recover();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('2 of 2 done').waitFor();
    expect(runs('fw2', 'fw3')).toEqual([image.version, image.version]);
  });

  it('a viewer acknowledges an alarm, in their name, at the device', async () => {
    const device = rig.plant.device('fw1');
    device.measure('analog-input,1', 31);
    const { page, go, picture } = await as('carla');
    await go('overrides/alarms');
    const alarm = page.locator('.alarm', { hasText: 'above its limit' });
    await alarm.getByText('Unit 1').first().waitFor();
    await picture('real-alarm');
    expect(device.object('analog-input,1').bits('acked-transitions')).toContain(false);
    await alarm.getByRole('button', { name: 'Acknowledge' }).click();
    await alarm.getByText('acknowledged', { exact: true }).waitFor();
    expect(device.object('analog-input,1').bits('acked-transitions')).toEqual([true, true, true]);
    device.measure('analog-input,1', 21);
  });

  it('a configuration is copied with its differences shown before, and alarm limits are set on a list', async () => {
    const gain = (id: string) => rig.plant.device(id).object('analog-value,2').number('present-value');
    const limit = (id: string) => rig.plant.device(id).object('analog-input,1').number('high-limit');
    rig.plant
      .device('fw1')
      .object('analog-value,2')
      .command(16, [app.real(7)]);
    const visit = await as('anna');
    const { page, go } = visit;
    await go('jobs/new/configuration');
    await page.getByRole('button', { name: /^Unit 1 / }).click();
    await tick(visit, 'Unit 2', 'Unit 3');
    await row(visit, 'Unit 2').getByText('1 → 7').waitFor();
    await row(visit, 'Unit 3').getByText('1 of 1 values differ').waitFor();
    await page.getByRole('button', { name: 'Start on 2 devices' }).click();
    await page.getByText('2 of 2 done').waitFor();
    await row(visit, 'Unit 2').getByText('1 value', { exact: true }).waitFor();
    expect(['fw2', 'fw3', 'fw4'].map(gain)).toEqual([7, 7, 1]);
    await go('jobs/new/alarm-thresholds');
    await tick(visit, 'Unit 2', 'Unit 3', 'Unit 4');
    await page.getByLabel('High limit').fill('26.5');
    await row(visit, 'Unit 4').getByText('28 → 26.5').waitFor();
    await page.getByRole('button', { name: 'Start on 3 devices' }).click();
    await page.getByText('3 of 3 done').waitFor();
    expect(['fw1', 'fw2', 'fw3', 'fw4'].map(limit)).toEqual([28, 26.5, 26.5, 26.5]);
  });

  it('the move of a device is asked for on its own view, waits, and is withdrawn; without the right at both places it is refused', async () => {
    const visit = await as('anna');
    const { page, go, picture } = visit;
    await go('device/fw1');
    await page.getByText('Ask to move this device …').click();
    await page.getByLabel('Where it is to stand').selectOption('Annex');
    await page.getByLabel('Note').fill('the annex is heated now');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    const entry = page.locator('.override', { hasText: 'the annex is heated now' });
    await entry.getByText('waits for the console').waitFor();
    await entry.getByText('Headquarters → Annex').waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await faultsOf(visit, 'move')).toEqual([]);
    await page.setViewportSize({ width: 1440, height: 900 });
    await picture('real-move');
    await go('jobs/moves');
    await entry.getByRole('button', { name: 'Withdraw' }).click();
    await entry.getByText('withdrawn', { exact: true }).waitFor();
    const other = await as('ben');
    await other.go('device/fw1');
    await other.page.getByText('Ask to move this device …').click();
    await other.page.getByLabel('Where it is to stand').selectOption('Annex');
    await other.page.getByRole('button', { name: 'Ask', exact: true }).click();
    await other.page.getByText('device.move', { exact: true }).first().waitFor();
    await other.page.locator('.refusal').getByText('annex', { exact: true }).waitFor();
    const looker = await as('carla');
    await looker.go('device/fw1');
    await looker.page.getByRole('heading', { level: 1, name: 'Unit 1' }).waitFor();
    expect(await looker.page.getByText('Ask to move this device …').count()).toBe(0);
  });
});
