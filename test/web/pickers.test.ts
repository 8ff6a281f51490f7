// Choosing among more devices and points than one answer holds: found by a part of the name, shown page by page, by keyboard alone.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type HttpRig, startHttpRig } from '../http/rig.ts';
import { PASSWORD } from '../http/site-bundle.ts';
import { haveChromium, type OwnBrowser, signIn, startBrowser, type Visit } from './browser.ts';
import { faultsOf } from './checker.ts';

const BUILT = new URL('../../dist/web/', import.meta.url).pathname;
const ROOMS = 250;

const devices = Array.from({ length: ROOMS }, (_, at) => ({ id: `room${at}`, name: `Room ${at}`, location: 'hq' }));
const points = devices.map(({ id, name }) => ({
  id: `${id}/sp`,
  name: `Set point of ${name}`,
  device: id,
  class: 'set-point',
  unit: '°C',
}));

describe.skipIf(!haveChromium())('a picker', () => {
  let rig: HttpRig;
  let browser: OwnBrowser;
  let origin: string;
  let visit: Visit;
  beforeAll(async () => {
    browser = await startBrowser();
    rig = await startHttpRig({ pages: BUILT, changes: { inventory: { devices, points } } });
    origin = `https://127.0.0.1:${await rig.listen()}`;
  });
  afterEach(() => visit.context.close());
  afterAll(async () => {
    await browser?.stop();
    await rig?.stop();
  });

  async function at(path: string): Promise<Visit> {
    visit = await browser.visit(origin);
    await signIn(visit.page, 'carla@acme.example', PASSWORD);
    await visit.page.locator('nav.rail').waitFor();
    await visit.page.goto(`${origin}/#/${path}`);
    return visit;
  }

  /** What has the focus, through shadow roots. */
  const focused = ({ page }: Visit): Promise<string> =>
    page.evaluate(`(() => {
      let at = document.activeElement;
      while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      const host = at.getRootNode().host ?? at;
      return (at.closest('label') ?? host).textContent.trim() || host.label || host.getAttribute('aria-label') || '';
    })()`);
  async function tabTo({ page }: Visit, what: RegExp): Promise<void> {
    for (let presses = 0; presses < 250; presses += 1) {
      if (what.test(await focused(visit))) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`no way to ${what} by Tab; at ${await focused(visit)}`);
  }

  it('of devices finds one among all, keeps what was chosen, and shows the next page where one left off', async () => {
    const on = await at('jobs/new/alarm-thresholds');
    const { page } = on;
    const shown = () => page.locator('.ticks li').count();
    await expect.poll(shown).toBe(100);
    await page.getByText('The first 100 are shown').waitFor();
    await tabTo(on, /^Find a device/);
    await page.keyboard.type('room 249');
    await expect.poll(shown).toBe(1);
    await tabTo(on, /^Room 249/);
    await page.keyboard.press('Space');
    await page.getByText('1 device chosen').waitFor();
    await page.getByLabel('Find a device').fill('');
    await expect.poll(shown).toBe(100);
    await page.getByText('1 device chosen').waitFor();
    const first = await page.locator('.ticks li').allInnerTexts();
    await page.locator('.ticks li').last().getByRole('checkbox').focus();
    await tabTo(on, /^Show more/);
    await page.keyboard.press('Enter');
    await expect.poll(shown).toBe(200);
    // Where one left off, not at the top of the page.
    const all = await page.locator('.ticks li').allInnerTexts();
    expect([all.slice(0, 100), all.slice(100).some((each) => first.includes(each))]).toEqual([first, false]);
    expect(await focused(on)).toContain(all[100]?.split('\n')[0]);
    await page.keyboard.press('Space');
    await page.getByText('2 devices chosen').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(shown).toBeGreaterThan(ROOMS);
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
    await page.getByRole('checkbox', { name: /^Room 249/ }).waitFor();
    expect(await page.getByRole('checkbox', { name: /^Room 249/ }).isChecked()).toBe(true);
    expect(await faultsOf(on, 'many devices')).toEqual([]);
  });

  it('of one device is out of the way once it is chosen, and offers the others again', async () => {
    const on = await at('jobs/new/configuration');
    const { page } = on;
    const from = page.locator('fieldset', { has: page.getByText('From this device') });
    await from.getByLabel('Find a device').fill('room 247');
    await expect.poll(() => from.locator('.ticks').getByRole('button').count()).toBe(1);
    await from.getByLabel('Find a device').focus();
    await tabTo(on, /^Room 247/);
    await page.keyboard.press('Enter');
    await from.getByRole('button', { name: 'Choose another' }).waitFor();
    await from.getByText('Room 247').waitFor();
    expect(await from.locator('.ticks').getByRole('button').count()).toBe(0);
    // What is copied from is no place to copy to.
    const to = page.locator('fieldset', { has: page.getByText('To these devices') });
    await to.getByLabel('Find a device').fill('room 24');
    await expect.poll(() => to.getByRole('checkbox').count()).toBe(12);
    expect(await to.getByRole('checkbox', { name: /^Room 247/ }).count()).toBe(0);
    expect(await faultsOf(on, 'copy from one')).toEqual([]);
    await on.picture('picker-source');
    await from.getByRole('button', { name: 'Choose another' }).click();
    await expect.poll(() => from.locator('.ticks').getByRole('button').count()).toBe(100);
  });

  it('of points for a batch goes on beyond its first page, and takes the next after each', async () => {
    const on = await at('batch');
    const { page } = on;
    const found = page.locator('.add-point li');
    await page.getByLabel('Add a point').fill('set point of room');
    await expect.poll(() => found.count()).toBe(20);
    await page.getByText('20 points shown; there are more.').waitFor();
    await on.picture('picker-points');
    await found.last().getByRole('button').focus();
    await tabTo(on, /^Show more/);
    await page.keyboard.press('Enter');
    await expect.poll(() => found.count()).toBe(40);
    const name = await found
      .nth(20)
      .locator('.row-name')
      .evaluate((at: { firstChild: { textContent: string } }) => at.firstChild.textContent);
    expect(await focused(on)).toContain(name);
    await page.keyboard.press('Enter');
    await page.locator('.batch-row', { hasText: name ?? '' }).waitFor();
    // The field has the focus again: the next one is typed at once.
    await page.keyboard.type('room 249');
    await expect.poll(() => found.count()).toBe(1);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.batch-row').count()).toBe(2);
    expect(await faultsOf(on, 'many points')).toEqual([]);
  });
});
