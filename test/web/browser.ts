// Debian's Chromium and the whole demo site behind it: what a technician has in front of them, and the plant it reaches.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { DEMO_PASSWORD } from '../../simulators/demo/credentials.ts';
import { ANY_PORTS } from '../../simulators/demo/options.ts';
import { type DemoSite, startSite } from '../../simulators/demo/site.ts';
import { absent } from '../scenarios/peers/program.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The demo's certificate is its own: without this no service worker would be accepted.
  '--ignore-certificate-errors',
];

/** Kept after a run, for people to look at. */
const ARTEFACTS = new URL('../../node_modules/.cache/screenshots/', import.meta.url).pathname;

/** Whether these tests can run here; says why not. */
export const haveChromium = (): boolean => existsSync(CHROMIUM) || absent('chromium');

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of, and every address that was not the gateway's. */
  readonly complaints: readonly string[];
  /** Names of views visited, with the address each had. */
  go(path: string): Promise<void>;
  picture(name: string): Promise<void>;
}

export interface Stage {
  readonly site: DemoSite;
  readonly origin: string;
  /** A browser of somebody's own, not signed in. */
  visit(options?: BrowserContextOptions): Promise<Visit>;
  /** Signed in, at home. */
  as(person: 'anna' | 'ben' | 'carla', options?: BrowserContextOptions): Promise<Visit>;
  /** Closes every visit: a person has room for so many live streams only. */
  leave(): Promise<void>;
  stop(): Promise<void>;
}

export interface OwnBrowser {
  visit(origin: string, options?: BrowserContextOptions): Promise<Visit>;
  stop(): Promise<void>;
}

/** A browser alone, for a gateway of the test's own. */
export async function startBrowser(): Promise<OwnBrowser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return { visit: (origin, options) => open(browser, origin, options), stop: () => browser.close() };
}

/** What a simulated Modbus device holds for a point, as the device itself says. */
export function deviceHolds({ site }: Pick<Stage, 'site'>, point: string): unknown {
  const device = Object.values(site.plant.devices).find(({ name }) => point.startsWith(`${name}/`));
  return device?.bank.get(point);
}

/** Opens a list of the component library and takes one of its entries. */
export async function choose(page: Page, label: string, option: string | RegExp): Promise<void> {
  await page.getByRole('combobox', { name: label }).click();
  await page.getByRole('option', { name: option }).click();
}

export async function startStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-page-'));
  await mkdir(ARTEFACTS, { recursive: true });
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const site = await startSite({ folder, ports: ANY_PORTS }, { line: () => {}, say: () => {} });
    closers.push(() => site.stop());
    await site.push();
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    closers.push(() => browser.close());
    const origin = `https://127.0.0.1:${site.gateway().ports.get('http')}`;
    const visit = (options?: BrowserContextOptions): Promise<Visit> => open(browser, origin, options);
    return {
      site,
      origin,
      visit,
      async as(person, options) {
        const made = await visit(options);
        await signIn(made.page, person, DEMO_PASSWORD);
        await made.page.getByRole('heading', { level: 1, name: 'Headquarters' }).waitFor();
        return made;
      },
      async leave() {
        await Promise.all(browser.contexts().map((context) => context.close()));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function signIn(page: Page, login: string, password: string): Promise<void> {
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill(password);
  await page.locator('wa-button[type=submit]').or(page.locator('form wa-button')).first().click();
}

async function open(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: 'en-GB',
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  const page = await context.newPage();
  // Shorter than a test may take: what was waited for is named then.
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // What the gateway refuses is the page's to show; the browser's own line about it is no fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  context.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(origin);
  return {
    page,
    context,
    complaints,
    async go(path) {
      await page.goto(`${origin}/#/${path}`);
    },
    async picture(name) {
      await page.screenshot({ path: join(ARTEFACTS, `${name}.png`) });
    },
  };
}
