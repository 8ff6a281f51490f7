// What the first visit costs, and what a later one needs: everything from the gateway, compressed, kept by the service worker
// except what the API says.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { de } from '../../src/web/messages/de.ts';
import { en } from '../../src/web/messages/en.ts';
import { haveChromium, type Stage, startStage } from './browser.ts';

const BUILT = new URL('../../dist/web/', import.meta.url).pathname;
const MOST_BYTES = 250 * 1024;

describe('the built page', () => {
  it('weighs at most 250 kB compressed, with everything it could ever ask for', () => {
    const files = readdirSync(BUILT, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.(?:html|js|css|svg|png|webmanifest)$/.test(file),
    );
    const sizes = files.map((file) => gzipSync(readFileSync(join(BUILT, file)), { level: 9 }).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    console.info(`the whole page: ${(total / 1024).toFixed(0)} kB compressed in ${files.length} files`);
    expect(files.length).toBeGreaterThan(5);
    expect(total).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('names no other origin, and holds no script or style of its own inside the document', () => {
    const html = readFileSync(join(BUILT, 'index.html'), 'utf8');
    expect(html).not.toMatch(/https?:|<style|style=|<script(?![^>]*src=)|\son\w+=/);
    expect(existsSync(join(BUILT, 'confirm/index.html'))).toBe(true);
  });

  it('says the same in every language: same keys, same places to fill in', () => {
    const holes = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
    const differing = Object.entries(en).filter(([key, text]) => {
      const other = de[key as keyof typeof de];
      return holes(text).join() !== holes(other).join() || other === '';
    });
    expect(differing).toEqual([]);
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  });
});

describe.skipIf(!haveChromium())('a visit', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(() => stage?.stop());

  it('takes little over the wire, and is there within a second', async () => {
    const { page } = await stage.visit();
    const took = (await page.evaluate(
      "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd",
    )) as number;
    const sizes = (await page.evaluate(
      "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((e) => e.transferSize)",
    )) as number[];
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    console.info(`first load: ${(bytes / 1024).toFixed(0)} kB in ${sizes.length} requests, ${took.toFixed(0)} ms`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('opens from the service worker while the gateway is away, says so, and has kept nothing of the API', async () => {
    const { page, context, go } = await stage.as('anna');
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    await go('device/ahu1');
    await page.getByRole('heading', { name: 'Air handling unit 1' }).waitFor();
    const kept = (await page.evaluate(
      `caches.keys().then((names) => Promise.all(names.map((name) => caches.open(name).then((cache) => cache.keys()))))
        .then((lists) => lists.flat().map(({ url }) => new URL(url).pathname))`,
    )) as string[];
    expect(kept).toContain('/');
    expect(kept.filter((path) => path.startsWith('/api/'))).toEqual([]);
    await context.setOffline(true);
    await go('overrides');
    await page.getByRole('status').getByText('The gateway is not answering. What you see may be old.').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await context.setOffline(false);
  });

  it('can be installed: a manifest with its icons, and a worker for the whole of it', async () => {
    const { page } = await stage.visit();
    const manifest = (await page.evaluate("fetch('/manifest.webmanifest').then((answer) => answer.json())")) as {
      icons: { src: string; sizes: string }[];
      display: string;
      start_url: string;
    };
    expect(manifest).toMatchObject({ display: 'standalone', start_url: '/' });
    expect(manifest.icons.map(({ sizes }) => sizes)).toEqual(expect.arrayContaining(['192x192', '512x512']));
    for (const { src } of manifest.icons) {
      expect(await page.evaluate(`fetch(${JSON.stringify(src)}).then(({ ok }) => ok)`)).toBe(true);
    }
  });
});
