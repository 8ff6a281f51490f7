// The page in a real browser with 10 000 points (issue: first load at most 1 s on loopback, an interaction at most 100 ms): from the
// finger or key to what it brings, painted. It prints, and says where a target was missed.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startBrowser, type Visit } from '../web/browser.ts';
import { openLargeSite, PASSWORD } from './large-site.ts';

const POINTS = Number(process.env.BENCH_POINTS ?? 10_000);
const TURNS = Number(process.env.BENCH_TURNS ?? 12);
const LOAD_MS = 1000;
const INTERACTION_MS = 100;

/** In the page: when the finger or key came down, and when what was waited for had been painted. */
const STOPWATCH = `(() => {
  let begun = 0;
  for (const name of ['pointerdown', 'keydown']) addEventListener(name, (event) => { begun = event.timeStamp; }, true);
  const after = (done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  });
  const painted = (is) => new Promise((done) => {
    const look = () => is() ? after(done) : requestAnimationFrame(look);
    look();
  });
  globalThis.stopwatch = {
    paintedSinceTouch: (is) => painted(is).then((at) => at - begun),
    paintedSinceStart: (is) => painted(is),
  };
})()`;

const closers: (() => unknown)[] = [];
const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-page-'));
closers.push(() => rm(folder, { recursive: true, force: true }));
try {
  await measure();
} finally {
  for (const close of closers.reverse()) await close();
}

async function measure(): Promise<void> {
  const { port } = await openLargeSite({ folder, closers, points: POINTS, people: 1 });
  const origin = `https://127.0.0.1:${port}`;
  const browser = await startBrowser();
  closers.push(() => browser.stop());

  const cold: number[] = [];
  const home: number[] = [];
  let visit: Visit | undefined;
  for (let turn = 0; turn < TURNS; turn += 1) {
    // A browser that has never been here, then one that is signed in but has kept nothing.
    await visit?.context.close();
    visit = await browser.visit('about:blank');
    const { page } = visit;
    await page.addInitScript(STOPWATCH);
    cold.push(await opened(page, origin, "document.querySelector('input[name=password]')"));
    await page.locator('input[name=login]').fill('page0');
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.locator('form wa-button').first().click();
    await page.locator('.tile').first().waitFor();
    await page.evaluate(
      'navigator.serviceWorker.getRegistrations().then((all) => Promise.all(all.map((each) => each.unregister())))',
    );
    await page.evaluate('caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))');
    const session = await visit.context.newCDPSession(page);
    await session.send('Network.clearBrowserCache');
    await page.goto('about:blank');
    home.push(await opened(page, origin, "document.querySelector('.tile .amount')"));
  }
  if (!visit) return;
  const rows = [
    told('first load: to the sign-in form', cold, LOAD_MS),
    told('first load: to the home location', home, LOAD_MS),
    ...(await interactions(visit.page, origin)),
  ];
  const missed = rows.filter((each) => each !== undefined);
  process.stdout.write(`${'missed'.padEnd(44)} ${missed.length === 0 ? 'nothing' : missed.join(', ')}\n`);
}

async function interactions(page: Page, origin: string): Promise<(string | undefined)[]> {
  const search: number[] = [];
  const letter: number[] = [];
  const device: number[] = [];
  const large: number[] = [];
  const point: number[] = [];
  const further: number[] = [];
  const ledger: number[] = [];
  const field = page.getByRole('searchbox');
  const goHome = async (): Promise<void> => {
    await page.goto(`${origin}/#/`);
    await page.locator('.device-card').first().waitFor();
  };
  for (let turn = 0; turn < TURNS; turn += 1) {
    // What was seen a turn before is forgotten: everything is opened for the first time.
    await page.reload();
    await goHome();
    await field.fill('');
    await field.focus();
    const typed = `point ${10 + turn * 7}`;
    for (const key of typed.slice(0, -1)) await page.keyboard.press(key);
    await page.locator('h1', { hasText: `“${typed.slice(0, -1)}”` }).waitFor();
    letter.push(
      await touched(page, `document.querySelector('input[type=search]').value === '${typed}'`, () =>
        page.keyboard.press(typed.slice(-1)),
      ),
    );
    await field.press('Backspace');
    await page.locator('h1', { hasText: `“${typed.slice(0, -1)}”` }).waitFor();
    search.push(
      await touched(page, `document.querySelector('h1').textContent.includes('“${typed}”')`, () =>
        page.keyboard.press(typed.slice(-1)),
      ),
    );

    await goHome();
    const isOpen = "document.querySelectorAll('.device-list .row').length > 9";
    device.push(await touched(page, isOpen, () => page.getByText('Room 3', { exact: true }).first().click()));
    const isPoint = "document.querySelector('.device-point h1')";
    point.push(await touched(page, isPoint, () => page.locator('.device-list .row').nth(5).click()));
    await goHome();
    large.push(await touched(page, isOpen, () => page.getByText('Room 0', { exact: true }).first().click()));
    const more = page.locator('.group', { hasText: 'Measurements' }).locator('.more');
    await more.scrollIntoViewIfNeeded();
    const before = await page.locator('.device-list .row').count();
    further.push(
      await touched(page, `document.querySelectorAll('.device-list .row').length > ${before}`, () => more.click()),
    );
    const isLedger = "document.querySelector('h1').textContent === 'Overrides' && !document.querySelector('.busy')";
    ledger.push(await touched(page, isLedger, () => page.getByRole('link', { name: 'Overrides' }).click()));
  }
  return [
    told('a key in the search field', letter, INTERACTION_MS),
    told('a key, to what it finds', search, INTERACTION_MS),
    told('a device opened', device, INTERACTION_MS),
    told(`one of ${POINTS / 5} points opened`, large, INTERACTION_MS),
    told('the next page of its points', further, INTERACTION_MS),
    told('a point opened', point, INTERACTION_MS),
    told('the override ledger opened', ledger, INTERACTION_MS),
  ];
}

async function opened(page: Page, origin: string, is: string): Promise<number> {
  await page.goto(origin, { waitUntil: 'commit' });
  return (await page.evaluate(`stopwatch.paintedSinceStart(() => ${is})`)) as number;
}

async function touched(page: Page, is: string, touch: () => Promise<void>): Promise<number> {
  const painted = page.evaluate(`stopwatch.paintedSinceTouch(() => ${is})`) as Promise<number>;
  await touch();
  return painted;
}

/** Prints the figures; gives the name where more than one in ten was slower than it should be. */
function told(what: string, figures: readonly number[], most: number): string | undefined {
  const list = [...figures].sort((a, b) => a - b);
  const at = (share: number): number => list[Math.min(list.length - 1, Math.floor(list.length * share))] ?? Number.NaN;
  const text = `p50 ${at(0.5).toFixed(0)} ms, p90 ${at(0.9).toFixed(0)} ms, slowest ${at(1).toFixed(0)} ms`;
  process.stdout.write(`${what.padEnd(44)} ${text} (at most ${most} ms)\n`);
  return at(0.9) > most ? what : undefined;
}
