// Changes that end and changes together: how long something is to stand, early release, a batch with its verdicts.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { choose, deviceHolds, haveChromium, type Stage, startStage, type Visit } from './browser.ts';

const at = (point: string): string => `point/${encodeURIComponent(point)}`;

describe.skipIf(!haveChromium())('a change', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop());

  const holds = (point: string): unknown => deviceHolds(stage, point);
  const entryOf = ({ page }: Visit, name: string) => page.locator('.override.open', { hasText: name });
  /** What the page asks for, as it leaves. */
  async function bodies({ page }: Visit, path: string): Promise<object[]> {
    const sent: object[] = [];
    await page.route(path, (route) => {
      sent.push(route.request().postDataJSON() as object);
      return route.continue();
    });
    return sent;
  }

  it('has an end of two hours by default, and the ledger counts down to it', async () => {
    const visit = await stage.as('anna');
    const sent = await bodies(visit, '**/write');
    await visit.go(at('ahu1/rh-sp'));
    await expect
      .poll(() => visit.page.getByRole('combobox', { name: 'How long' }).inputValue())
      .toMatch(/^For 2\sh, then back$/);
    await visit.page.getByRole('button', { name: /increment|increase/i }).click();
    await visit.page.getByRole('button', { name: /^Change to/ }).click();
    await visit.page.getByText(/It goes back by itself at/).waitFor();
    expect(sent).toEqual([{ value: 46, overrideMs: 7_200_000 }]);
    await visit.go('overrides');
    await entryOf(visit, 'Supply air humidity set point')
      .getByText(/^(?:2\sh|1\sh 59\smin) left$/)
      .waitFor();
  });

  it('stays until it is changed again where that was chosen, and stands in no ledger', async () => {
    const visit = await stage.as('anna');
    const sent = await bodies(visit, '**/write');
    await visit.go(at('chiller1/cw-sp'));
    await choose(visit.page, 'How long', 'Until changed again');
    await visit.page.getByText('Stays until somebody changes it again.').waitFor();
    await visit.page.getByRole('button', { name: /increment|increase/i }).click();
    await visit.page.getByRole('button', { name: /^Change to/ }).click();
    await visit.page.getByText('Done: the device confirmed it').waitFor();
    expect(sent).toMatchObject([{ overrideMs: null }]);
    await visit.go('overrides');
    await visit.page.getByRole('heading', { level: 1, name: 'Overrides' }).waitFor();
    await visit.page.locator('#content .busy').first().waitFor({ state: 'detached' });
    expect(await entryOf(visit, 'Condenser water set point').count()).toBe(0);
  });

  it('ends by itself at its time', async () => {
    const visit = await stage.as('anna');
    const { page, go, picture } = visit;
    const before = holds('chiller1/chw-sp');
    // The shortest span the page offers is too long for a test; the gateway takes 10 s.
    await page.route('**/write', (route) => {
      const body = route.request().postDataJSON() as object;
      return route.continue({ postData: JSON.stringify({ ...body, overrideMs: 10_000 }) });
    });
    await go(at('chiller1/chw-sp'));
    await page.getByRole('button', { name: /increment|increase/i }).click();
    await page.getByRole('button', { name: /^Change to/ }).click();
    await page.getByText(/It goes back by itself at/).waitFor();
    expect(holds('chiller1/chw-sp')).not.toBe(before);
    await go('overrides');
    await entryOf(visit, 'Chilled water supply set point').getByText(/left$/).waitFor();
    await picture('overrides');
    await page.locator('.ledger.ended', { hasText: 'Chilled water supply' }).waitFor();
    expect(holds('chiller1/chw-sp')).toBe(before);
  });

  it('is released early by one tap, and the device has its value back', async () => {
    const visit = await stage.as('anna');
    const { page, go } = visit;
    const before = holds('ahu1/dsp-sp');
    await go(at('ahu1/dsp-sp'));
    await page.getByRole('button', { name: /increment|increase/i }).click();
    await page.getByRole('button', { name: /^Change to/ }).click();
    await page.getByText(/It goes back by itself at/).waitFor();
    expect(holds('ahu1/dsp-sp')).not.toBe(before);
    await go('overrides');
    await entryOf(visit, 'Duct static pressure set point').getByRole('button', { name: 'Release now' }).click();
    await page.locator('.ledger.ended', { hasText: 'Duct static pressure' }).waitFor();
    expect(holds('ahu1/dsp-sp')).toBe(before);
  });

  it('of several at once has a verdict for every row, and one denied row stops all of them', async () => {
    const visit = await stage.as('anna');
    const { page, go, picture } = visit;
    const before = stage.site.plant.writesSeen();
    const sent = await bodies(visit, '**/batches');
    await go('batch');
    for (const [words, name] of [
      ['demand limit', 'Demand limit Chiller 1'],
      ['high alarm limit', 'Supply air temperature high alarm limit Air handling unit 1'],
    ] as const) {
      await page.getByLabel('Add a point').fill(words);
      await page.getByRole('button', { name }).click();
    }
    await page.getByLabel('New value of Demand limit').fill('90');
    await page.getByLabel('New value of Supply air temperature high alarm limit').fill('30');
    await page.locator('.batch-row', { hasText: 'Demand limit' }).getByText('Permitted', { exact: true }).waitFor();
    const denied = page.locator('.batch-row', { hasText: 'high alarm limit' });
    await denied.getByText('Denied', { exact: true }).waitFor();
    await denied.getByText('alarm.threshold').waitFor();
    await page.getByText('1 of 2 permitted').waitFor();
    const beyond = await page.evaluate(`[...document.querySelectorAll('.batch-row > *')].filter((part) =>
      part.getBoundingClientRect().right > part.parentElement.getBoundingClientRect().right).length`);
    expect(beyond).toBe(0);
    await page.getByText(/^back at \d\d:\d\d$/).waitFor();
    await picture('batch');
    expect(await page.getByRole('button', { name: 'Change 2 points' }).isDisabled()).toBe(true);
    expect(stage.site.plant.writesSeen()).toBe(before);
    await page.getByRole('button', { name: 'Remove Supply air temperature high alarm limit' }).click();
    await choose(page, 'How long', /^For 30\smin, then back$/);
    await page.getByRole('button', { name: 'Change 1 point' }).click();
    await page.getByText('Done: every device confirmed').waitFor();
    expect(sent).toEqual([{ rows: [{ point: 'chiller1/demand-limit', value: 90 }], overrideMs: 1_800_000 }]);
    expect([holds('chiller1/demand-limit'), stage.site.plant.writesSeen()]).toEqual([90, before + 1]);
    await go('overrides');
    await entryOf(visit, 'Demand limit')
      .getByText(/^(?:30|29)\smin left$/)
      .waitFor();
  });

  it('of several at once is weighed at the priority chosen for it: a reserved one is denied before anything is sent', async () => {
    const visit = await stage.as('anna');
    const { page, go } = visit;
    const sent = await bodies(visit, '**/batches');
    await go(at('ahu2/sat-sp'));
    await page.getByRole('button', { name: 'Add to batch' }).click();
    await page.getByRole('button', { name: 'In the batch' }).waitFor();
    await page.getByRole('link', { name: /Batch/ }).click();
    await page.getByLabel('New value of Supply air temperature set point').fill('17');
    await page.getByText('1 of 1 permitted').waitFor();
    await choose(page, 'Priority', /^5 · Critical equipment$/);
    await page.getByText('This priority is reserved for others.').waitFor();
    await page.getByText('0 of 1 permitted').waitFor();
    expect(await page.getByRole('button', { name: 'Change 1 point' }).isDisabled()).toBe(true);
    await choose(page, 'Priority', /^8 · Manual operator$/);
    await page.getByText('1 of 1 permitted').waitFor();
    await page.getByRole('button', { name: 'Change 1 point' }).click();
    await page.getByText('Done: every device confirmed').waitFor();
    expect(sent).toEqual([{ rows: [{ point: 'ahu2/sat-sp', value: 17, priority: 8 }] }]);
  });

  it('follows the device until somebody is at the field; what is typed then never gives way', async () => {
    const { page, go } = await stage.as('anna');
    const { bank } = stage.site.plant.devices.chiller1;
    await go(at('chiller1/power-limit'));
    const field = page.getByRole('spinbutton').or(page.getByLabel('New value (kW)')).first();
    const typed = (): Promise<string> => field.inputValue();
    const shows = (text: string) => page.locator('.value.big .amount').filter({ hasText: text }).waitFor();
    const first = await typed();
    expect(Number(first)).toBeGreaterThan(0);
    bank.set('chiller1/power-limit', 110);
    await shows('110');
    await expect.poll(typed).toBe('110');
    await field.fill('105');
    bank.set('chiller1/power-limit', 115);
    await shows('115');
    expect(await typed()).toBe('105');
  });
});
