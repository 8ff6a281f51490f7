// Every view, for everybody: WCAG 2.2 AA by an automated checker in light and dark, touch targets, no sideways scrolling at any
// width, nothing from elsewhere, and no complaint of the content security policy.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { haveChromium, type Stage, startStage } from './browser.ts';
import { faultsOf } from './checker.ts';

const at = (point: string): string => `point/${encodeURIComponent(point)}`;
const VIEWS = [
  ['home', ''],
  ['device', 'device/ahu1'],
  ['set-point', at('ahu1/sat-sp')],
  ['slots', at('ahu2/sat-sp')],
  ['search', 'search?q=supply'],
  ['overrides', 'overrides'],
  ['alarms', 'overrides/alarms'],
  ['batch', 'batch'],
  ['own-tool', 'tool'],
  ['jobs', 'jobs'],
  ['copy', 'jobs/new/configuration'],
  ['limits', 'jobs/new/alarm-thresholds'],
  ['transfers', 'jobs/transfers'],
  ['record', 'admin/journal'],
  ['sessions', 'admin/sessions'],
  ['standing', 'admin/standing'],
  ['explain', 'admin/explain'],
  ['unknown-peers', 'admin/peers'],
  ['me', 'me'],
] as const;

describe.skipIf(!haveChromium())('every view', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop());

  it.each([
    ['phone', 390, 844, 'light', 'en-GB'],
    ['tablet', 820, 1180, 'dark', 'en-GB'],
    ['desk', 1440, 900, 'light', 'en-GB'],
    ['german-phone', 390, 844, 'dark', 'de-DE'],
  ] as const)('has no fault that the checker finds on a %s', async (kind, width, height, colorScheme, locale) => {
    const visit = await stage.as('carla', {
      viewport: { width, height },
      colorScheme,
      locale,
      hasTouch: width < 1000,
    });
    const faults: string[] = [];
    for (const [name, path] of VIEWS) {
      await visit.go(path);
      await visit.page.locator('#content h1').first().waitFor();
      await visit.page.locator('#content .busy').first().waitFor({ state: 'detached' });
      faults.push(...(await faultsOf(visit, name)));
      await visit.picture(`${kind}-${name}`);
    }
    expect(faults).toEqual([]);
    expect(visit.complaints).toEqual([]);
  });

  it('has none before signing in, where something is refused, and in German', async () => {
    const faults: string[] = [];
    const outside = await stage.visit({ locale: 'de-DE', colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    await outside.page.getByRole('heading', { name: 'Anmelden' }).waitFor();
    faults.push(...(await faultsOf(outside, 'sign-in')));
    expect(await outside.page.getAttribute('html', 'lang')).toBe('de');
    const refused = await stage.as('ben', { colorScheme: 'dark' });
    await refused.go(at('ahu1/sat-sp'));
    await refused.page.getByRole('heading', { name: 'You may not change this' }).waitFor();
    faults.push(...(await faultsOf(refused, 'refused')));
    expect(faults).toEqual([]);
  });

  it('can be worked with by keyboard alone: to a set point, and through its change', async () => {
    const { page } = await stage.as('anna');
    await page.keyboard.press('Tab');
    await expect.poll(() => page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('content');
    const focused = (): Promise<unknown> =>
      page.evaluate(`(() => {
        let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        const host = at.getRootNode().host ?? at;
        return [at.type ?? at.tagName, host.label ?? '', host.textContent.trim()].join(' | ');
      })()`);
    const tabTo = async (what: RegExp): Promise<void> => {
      for (let presses = 0; presses < 60; presses += 1) {
        if (what.test(String(await focused()))) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`no way to ${what} by Tab; at ${await focused()}`);
    };
    await page.keyboard.press('Shift+Tab');
    await tabTo(/^search/);
    await page.keyboard.type('duct static');
    await page.getByRole('heading', { name: /results for “duct static”/ }).waitFor();
    await tabTo(/Duct static pressure set point.*Air handling unit 1/);
    await page.keyboard.press('Enter');
    await page.getByText('50 to 500').waitFor();
    await tabTo(/New value/);
    await page.keyboard.press('ArrowUp');
    await tabTo(/submit \| .*Change to|button \| .*Change to/);
    await page.keyboard.press('Enter');
    await page.getByText(/Done: the device confirmed it/).waitFor();
    // What became of it has the focus, and is read out.
    await expect.poll(() => page.evaluate("document.activeElement.classList.contains('told')")).toBe(true);
  });
});
