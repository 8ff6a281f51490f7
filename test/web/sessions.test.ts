// Who is in, and how it ends: the organization's provider, an administrator, a revocation, one's own sign-out; and the language.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProvider } from '../http/provider-stage.ts';
import { type HttpRig, startHttpRig } from '../http/rig.ts';
import { haveChromium, type Stage, startBrowser, startStage } from './browser.ts';

const BUILT = new URL('../../dist/web/', import.meta.url).pathname;
const at = (point: string): string => `point/${encodeURIComponent(point)}`;

describe.skipIf(!haveChromium())('a session', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop());

  it('is ended by an administrator, and the page says so at once', async () => {
    const anna = await stage.as('anna');
    await anna.page.locator('.tile .quality', { hasText: 'live' }).first().waitFor();
    const carla = await stage.as('carla');
    await carla.go('admin/sessions');
    await carla.page.locator('.web-session', { hasText: 'Anna' }).getByRole('button', { name: 'End session' }).click();
    await anna.page.getByText('Your session has ended. Sign in again.').waitFor();
    expect(await anna.page.locator('.tile').count()).toBe(0);
    await expect.poll(() => carla.page.locator('.web-session', { hasText: 'Anna' }).count()).toBe(0);
    expect(await carla.page.locator('.web-session', { hasText: 'Carla' }).count()).toBe(1);
  });

  it('loses its live stream with the person’s rights; the page says why, and nothing stays to be seen', async () => {
    const { page, go } = await stage.as('ben');
    await go('device/ahu1');
    await page.locator('.row .quality', { hasText: 'live' }).first().waitFor();
    await stage.site.push([{ id: 'sent-home', why: 'left today', principal: 'ben' }]);
    try {
      await page.getByText('Your access was withdrawn.').waitFor();
      expect(await page.locator('.row, .value').count()).toBe(0);
      await page.locator('input[name=login]').fill('ben');
      await page.locator('input[name=password]').fill('gatehouse-demo');
      await page.locator('form wa-button').first().click();
      await page.locator('.sign-in-message .warning').waitFor();
      expect(await page.locator('.frame').count()).toBe(0);
    } finally {
      await stage.site.push();
    }
  });

  it('takes its tool session with it when it is signed out, and what was prepared in it', async () => {
    const { page, go } = await stage.as('anna');
    await go(at('ahu1/sat-sp'));
    await page.getByRole('button', { name: 'Add to batch' }).click();
    await go('tool');
    await page.getByRole('button', { name: 'Begin with this address' }).click();
    await page.getByRole('heading', { name: 'Your session' }).waitFor();
    const carla = await stage.as('carla');
    await carla.go('admin/sessions');
    const held = carla.page.locator('.tool-session', { hasText: 'Anna' });
    await held.waitFor();
    await go('me');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await carla.page.reload();
    await carla.page.getByText('No sessions.').waitFor();
    expect(await held.count()).toBe(0);
    // The next person at the same screen finds nothing of hers.
    await page.locator('input[name=login]').fill('carla');
    await page.locator('input[name=password]').fill('gatehouse-demo');
    await page.locator('form wa-button').first().click();
    await page.getByRole('heading', { level: 1, name: 'Headquarters' }).waitFor();
    await go('batch');
    await page.getByText('Add points from their own page').waitFor();
  });

  it('speaks the language that is chosen, at once and the next time', async () => {
    const { page, go } = await stage.as('carla');
    await go('me');
    await page.getByRole('radio', { name: 'Deutsch' }).click();
    await page.getByRole('button', { name: 'Abmelden' }).waitFor();
    await expect.poll(() => page.getAttribute('html', 'lang')).toBe('de');
    await go('admin/standing');
    await page.reload();
    await page.getByRole('link', { name: 'Eingriffe' }).waitFor();
    await page.getByRole('heading', { level: 1, name: 'Standort' }).waitFor();
    await go(at('ahu1/sat-sp'));
    await page.getByText('14 bis 24').waitFor();
    await page.getByText('18,0').first().waitFor();
  });

  it('explains a verdict with every rule to who may read the record', async () => {
    const { page, go, picture } = await stage.as('carla');
    await go('admin/explain');
    await page.getByLabel('Who').fill('anna');
    await page.getByLabel('What').selectOption('alarm.threshold');
    await page.getByLabel('Where').fill('ahu1/sat-hi');
    await page.getByRole('button', { name: 'Explain' }).click();
    const answer = page.locator('.explanation');
    await answer.getByText('Denied', { exact: true }).waitFor();
    await answer.getByText('None of your roles includes this right.').waitFor();
    await picture('explained');
    await page.getByLabel('Who').fill('carla');
    await page.getByRole('button', { name: 'Explain' }).click();
    await answer.getByText('Permitted', { exact: true }).waitFor();
    await answer.getByText(/chief/i).first().waitFor();
    await page.getByLabel('Where').fill('no-such-point');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByText('There is no such thing here, or you may not see it.').waitFor();
    expect(await answer.count()).toBe(0);
  });
});

describe.skipIf(!haveChromium())('somebody of the organization’s provider', () => {
  it('signs in there, comes back, and works; without a role there is no way in', async () => {
    const provider = await startProvider();
    const browser = await startBrowser();
    let rig: HttpRig | undefined;
    try {
      rig = await startHttpRig({
        pages: BUILT,
        changes: { issuer: provider.issuer },
        providers: [{ issuer: provider.issuer, groupsClaim: 'groups', roleClaim: 'role', scope: 'openid profile' }],
      });
      const origin = `https://127.0.0.1:${await rig.listen()}`;
      provider.serve(`${origin}/api/v1/sign-in/provider/return`);
      const { page } = await browser.visit(origin);
      await page
        .getByRole('link', { name: 'Sign in with Acme' })
        .or(page.getByRole('button', { name: 'Sign in with Acme' }))
        .first()
        .click();
      await page.getByLabel('Who').fill('rita');
      await page.getByRole('button', { name: 'Go' }).click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('link', { name: 'Rita' }).waitFor();
      await page.goto(`${origin}/#/${at('ahu1/sat-sp')}`);
      await page.getByRole('button', { name: /increment|increase/i }).click();
      await page.getByRole('button', { name: /^Change to/ }).click();
      await page.getByText('Done: the device confirmed it').waitFor();
      const other = await browser.visit(origin);
      await other.page.getByText('Sign in with Acme').click();
      await other.page.getByLabel('Who').fill('otto');
      await other.page.getByRole('button', { name: 'Go' }).click();
      await other.page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await other.page
        .getByRole('alert')
        .getByText('Your organization knows you, but gives you no role here.')
        .waitFor();
      expect(other.page.url()).toBe(`${origin}/`);
      // What was said once is not said again.
      await other.page.reload();
      await other.page.getByRole('heading', { name: 'Sign in' }).waitFor();
      expect(await other.page.getByText('gives you no role here').count()).toBe(0);
      // Back from a provider that nobody was sent to.
      await other.page.goto(`${origin}/api/v1/sign-in/provider/return?code=1&state=2`);
      await other.page.getByText('Your organization’s sign-in did not work.').waitFor();
    } finally {
      await browser.stop();
      await rig?.stop();
      provider.stop();
    }
  });
});
