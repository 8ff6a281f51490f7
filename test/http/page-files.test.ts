// The built page's files: served with the same headers, its own addresses lead to it, and nothing beside the folder is.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HttpRig, startHttpRig } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-page-'));
let rig: HttpRig;
beforeAll(async () => {
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'app.js'), 'export {};');
  writeFileSync(join(folder, '.hidden'), 'secret');
  rig = await startHttpRig({ pages: folder });
});
afterAll(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});

it('serves the page to anybody, also at its own addresses', async () => {
  for (const path of ['/', '/index.html', '/points/ahu1', '/confirm?x=1']) {
    const { status, text, headers } = await rig.client().ask('GET', path);
    expect([path, status, text.includes('<title>page')]).toEqual([path, 200, true]);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  }
  expect((await rig.client().ask('GET', '/app.js')).headers['content-type']).toContain('javascript');
});

it('serves nothing else', async () => {
  for (const path of ['/.hidden', '/../package.json', '/%2e%2e/package.json', '/nothing.js']) {
    expect([path, (await rig.client().ask('GET', path)).status]).toEqual([path, 404]);
  }
  for (const path of ['/api/nothing', '/api/v1/nothing']) {
    expect([path, (await rig.client().ask('GET', path)).status]).toEqual([path, 401]);
    expect([path, (await (await rig.as('anna')).ask('GET', path)).status]).toEqual([path, 404]);
  }
  expect((await rig.client().ask('POST', '/points', { body: {} })).status).toBe(404);
});
