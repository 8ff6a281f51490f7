// A technician's day in a real browser, before the whole demo site: what the page says is held to the devices' own records.

import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../scenarios/daemon-rig.ts';
import { have, run } from '../scenarios/peers/program.ts';
import { deviceHolds, haveChromium, type Stage, signIn, startStage } from './browser.ts';

const SET_POINT = 'Supply air temperature set point';
const at = (point: string): string => `point/${encodeURIComponent(point)}`;

describe.skipIf(!haveChromium())('the page', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterEach(() => stage.leave());
  afterAll(() => stage?.stop());

  const holds = (point: string): unknown => deviceHolds(stage, point);

  it('refuses a wrong password in words, then signs in and lands on the home location', async () => {
    const { page, picture, complaints } = await stage.visit();
    await signIn(page, 'anna', 'not her password');
    await page.getByText('Login and password do not belong together.').waitFor();
    await picture('sign-in');
    await signIn(page, 'anna', 'gatehouse-demo');
    await page.getByRole('heading', { level: 1, name: 'Headquarters' }).waitFor();
    await page
      .getByRole('link', { name: /Air handling unit 1/ })
      .first()
      .waitFor();
    expect(complaints).toEqual([]);
  });

  it('changes a set point in three taps from home; done means that the device holds it', async () => {
    const { page, picture, complaints } = await stage.as('anna');
    const before = stage.site.plant.writesSeen();
    let taps = 0;
    const tap = async (what: ReturnType<typeof page.getByRole>): Promise<void> => {
      await what.click();
      taps += 1;
    };
    // With the decimals of its step, in the list as on its own page.
    const tile = page.locator('a.tile', { hasText: SET_POINT }).first();
    await tile
      .locator('.amount')
      .filter({ hasText: /^18\.0$/ })
      .waitFor();
    await tap(tile);
    await page
      .locator('.value.big .amount')
      .filter({ hasText: /^18\.0$/ })
      .waitFor();
    await page.getByText('14 to 24').waitFor();
    await page.getByText('in steps of 0.5').waitFor();
    await page.getByText(/Goes back by itself at \d\d:\d\d/).waitFor();
    await tap(page.getByRole('button', { name: /increment|increase/i }));
    expect(stage.site.plant.writesSeen()).toBe(before);
    await tap(page.getByRole('button', { name: 'Change to 18.5' }));
    await page.getByText('Done: the device confirmed it and it reads 18.5').waitFor();
    await page.getByText(/It goes back by itself at \d\d:\d\d/).waitFor();
    // The list beside it says the same.
    await page.locator('.row[aria-current] .amount').filter({ hasText: '18.5' }).waitFor();
    expect([taps, holds('ahu1/sat-sp'), stage.site.plant.writesSeen()]).toEqual([3, 18.5, before + 1]);
    await page.getByText('Anna, just now').waitFor();
    await picture('changed');
    expect(complaints).toEqual([]);
  });

  it('finds a point by its name, and writes nothing while the slider moves or a value is out of its limits', async () => {
    const { page } = await stage.as('anna');
    const before = stage.site.plant.writesSeen();
    // As a person types who looks up between two words: neither the focus nor the space is lost.
    await page.getByRole('searchbox').focus();
    await page.keyboard.insertText('duct ');
    await page.getByRole('heading', { name: /results for “duct”/ }).waitFor();
    await page.keyboard.type('static');
    await page.getByRole('heading', { name: /results for “duct static”/ }).waitFor();
    await page
      .getByRole('link', { name: /Duct static pressure set point/ })
      .first()
      .click();
    const slider = page.getByRole('slider');
    await slider.focus();
    for (let step = 0; step < 5; step += 1) await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'Change to 300 Pa' }).waitFor();
    const field = page.getByRole('spinbutton').or(page.getByLabel('New value (Pa)')).first();
    await field.fill('700');
    await page.getByText('At most 500.').waitFor();
    expect(await page.getByRole('button', { name: /^Change to/ }).isDisabled()).toBe(true);
    expect(stage.site.plant.writesSeen()).toBe(before);
  });

  it('says which right is missing, who has it, and records the request for it', async () => {
    const { page, go, picture } = await stage.as('anna');
    await go(at('ahu1/sat-hi'));
    await page.getByRole('heading', { name: 'You may not change this' }).waitFor();
    await page.getByText('alarm.threshold').waitFor();
    await page.getByText(/^Carla\b/).waitFor();
    await picture('refused');
    await page.getByRole('button', { name: 'Ask for this right' }).click();
    await page.getByText(/Asked\. Request \d+ is recorded/).waitFor();
  });

  it('takes no click that is meant for what stands beside an icon', async () => {
    const { page } = await stage.as('carla');
    await page.locator('.device-card').first().waitFor();
    const wide = (await page.evaluate(`[...document.querySelectorAll('wa-icon')]
      .map((icon) => [icon.getAttribute('name'), icon.shadowRoot.querySelector('svg')?.getBoundingClientRect().width ?? 0])
      .filter(([, width]) => width > 48)`)) as unknown[];
    expect(wide).toEqual([]);
    await expect.poll(() => page.locator('wa-icon').count()).toBeGreaterThan(4);
  });

  it('lets no value change under a finger, and shows it as soon as the finger is away', async () => {
    const [held, free] = [await stage.as('anna'), await stage.as('ben')];
    const valueIn = ({ page }: typeof held) =>
      page.locator('a.tile', { hasText: 'Condenser water set point' }).locator('.amount');
    const before = (await valueIn(held).textContent()) ?? '';
    await valueIn(held).hover();
    await held.page.mouse.down();
    stage.site.plant.devices.chiller1.bank.set('chiller1/cw-sp', 26.5);
    await valueIn(free).filter({ hasText: '26.5' }).waitFor();
    expect(await valueIn(held).textContent()).toBe(before);
    await held.page.mouse.move(5, 5);
    await held.page.mouse.up();
    await valueIn(held).filter({ hasText: '26.5' }).waitFor();
  });

  it('takes a claim for another address only once it was confirmed from there', async () => {
    const { page, go } = await stage.as('carla');
    await go('tool');
    await page.getByRole('button', { name: 'My tool runs on another address' }).click();
    await page.getByLabel('Address of the tool').fill('127.0.0.9');
    const line = page.locator('.copy-line code');
    const claim = async (before = ''): Promise<string> => {
      await page.getByRole('button', { name: 'Confirm from the other machine' }).click();
      await (before === '' ? line : line.filter({ hasNotText: before })).waitFor();
      return (await line.textContent()) ?? '';
    };
    const first = await claim();
    expect(first).toMatch(/^https:.*\/confirm#/);
    // Opened anywhere else the code is worth nothing, and used up.
    const elsewhere = await stage.visit();
    await elsewhere.page.goto(first);
    await elsewhere.page.getByRole('button', { name: 'Confirm' }).click();
    await elsewhere.page.getByText('There is no such thing here, or you may not see it.').waitFor();
    expect(await confirmFrom('127.0.0.9', first)).toBe(404);
    expect(await page.getByRole('heading', { name: 'Your session' }).count()).toBe(0);
    expect(await confirmFrom('127.0.0.9', await claim(first))).toBe(200);
    await page.getByRole('heading', { name: 'Your session' }).waitFor();
    await page.getByText('127.0.0.9').first().waitFor();
    await page.getByRole('button', { name: 'End it' }).click();
  });

  it.skipIf(!have('mbpoll'))(
    'lends a person’s name to their own tool, shows what it did, and takes it back',
    async () => {
      const { page, go, picture } = await stage.as('anna');
      const port = String(stage.site.gateway().ports.get('plant'));
      const write = () =>
        run('mbpoll', [
          '-m',
          'tcp',
          '-p',
          port,
          '-a',
          '1',
          '-0',
          '-1',
          '-r',
          '100',
          '-t',
          '4:float',
          '127.0.0.1',
          '--',
          '21.5',
        ]);
      expect((await write()).code).not.toBe(0);
      await go('tool');
      await page.getByText(`127.0.0.1:${port}`).waitFor();
      await page.getByRole('button', { name: 'Begin with this address' }).click();
      await page.getByText('Nothing yet.').waitFor();
      expect((await write()).code).toBe(0);
      await until('the device holds it', () => holds('ahu1/sat-sp') === 21.5);
      await page.locator('.tool-log li', { hasText: 'ahu1/sat-sp' }).first().waitFor();
      await picture('tool');
      await page.getByRole('button', { name: 'End it' }).click();
      await page.getByRole('button', { name: 'Begin with this address' }).waitFor();
      expect((await write()).code).not.toBe(0);
    },
  );

  it('lets an administrator search the record, and export what the search found', async () => {
    const { page, go, picture } = await stage.as('carla');
    await go('admin/journal');
    await page.getByLabel('Who').fill('anna');
    await page.getByLabel('Kind').selectOption('intent');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.locator('.record.intent', { hasText: 'ahu1/sat-sp' }).first().waitFor();
    expect(await page.locator('.record:not(.intent)').count()).toBe(0);
    await picture('journal');
    const coming = page.waitForEvent('download');
    await page
      .getByRole('link', { name: 'Export' })
      .or(page.getByRole('button', { name: 'Export' }))
      .first()
      .click();
    const lines = await (await coming).createReadStream().then(async (stream) => {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString().trim().split('\n');
    });
    const rows = lines.map((line) => JSON.parse(line) as { row: { kind: string; who: { principal: string } } });
    expect(new Set(rows.map(({ row }) => `${row.kind} ${row.who.principal}`))).toEqual(new Set(['intent anna']));
  });

  it('shows nobody what their role has no right to: no administration for Anna, nothing of it by address', async () => {
    const { page, go } = await stage.as('anna');
    expect(await page.getByRole('link', { name: 'Site' }).count()).toBe(0);
    await go('admin/journal');
    await page.getByText('Your roles hold none of these rights.').waitFor();
    await go('device/no-such-device');
    await page.getByText('There is no such thing here, or you may not see it.').waitFor();
  });

  it('works on while the cloud’s broker is away', async () => {
    const { page, go } = await stage.as('anna');
    await stage.site.loseCloud();
    try {
      await go(at('ahu1/dsp-sp'));
      await page.getByRole('button', { name: /increment|increase/i }).click();
      await page.getByRole('button', { name: 'Change to 260 Pa' }).click();
      await page.getByText('Done: the device confirmed it').waitFor();
      expect(holds('ahu1/dsp-sp')).toBe(260);
    } finally {
      await stage.site.restoreCloud();
    }
  });

  it('signs out, and shows nothing afterwards', async () => {
    const { page, go } = await stage.as('ben');
    await go('me');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await go('overrides');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

/** What the page under that address does, on the machine with this one. */
function confirmFrom(localAddress: string, address: string): Promise<number> {
  const { origin, hash, port } = new URL(address);
  const headers = { 'content-type': 'application/json', origin, 'sec-fetch-site': 'same-origin' };
  const options = {
    host: '127.0.0.1',
    port,
    path: '/api/v1/tool-sessions/confirm',
    method: 'POST',
    headers,
    localAddress,
  };
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end(JSON.stringify({ code: hash.slice(1) }));
  });
}
