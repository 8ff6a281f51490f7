// How the gateway stands, told to administrators of a part of the site: only what belongs to devices they may see.

import { afterEach, describe, expect, it } from 'vitest';
import type { Remark } from '../../src/http/options.ts';
import { type HttpRig, startHttpRig } from './rig.ts';
import type { SiteChanges } from './site-bundle.ts';

const REMARKS: readonly Remark[] = [
  { text: 'OBSERVE MODE', about: 'gateway' },
  { text: 'degraded: line `meters`', about: 'site' },
  { text: 'NEVER GATED: object ahu1', about: { target: 'ahu1' } },
  { text: 'NEVER GATED: object ahu1/sat-sp', about: { target: 'ahu1/sat-sp' } },
  { text: 'NEVER GATED: object tenant-vav', about: { target: 'tenant-vav' } },
  { text: 'NEVER GATED: object gone', about: { target: 'gone' } },
];
const admin = { to: 'user:carla', role: 'admin', at: 'root' };
const keeper = { to: 'user:tom', role: 'keeper', at: 'tenant-root' };
let rig: HttpRig;
afterEach(() => rig.stop());

async function shown(person: string, changes: SiteChanges) {
  rig = await startHttpRig({ remarks: REMARKS, changes });
  const { status, body, text } = await (await rig.as(person)).ask('GET', '/api/v1/standing');
  expect(status).toBe(200);
  const { remarks, drivers } = body as unknown as {
    readonly remarks: readonly string[];
    readonly drivers: readonly { readonly lines: readonly Named[]; readonly listening: readonly Named[] }[];
  };
  const names = drivers.map(({ lines, listening }) => [...lines, ...listening].map(({ name }) => name));
  return { remarks, names: names.flat().sort(), text };
}
interface Named {
  readonly name: string;
}

describe('how the gateway stands', () => {
  it('names to an administrator of one organization nothing of another’s', async () => {
    const { remarks, names, text } = await shown('tom', { tenantGrants: [keeper] });
    expect(remarks).toEqual(['OBSERVE MODE', 'NEVER GATED: object tenant-vav']);
    expect(names).toEqual([]);
    for (const word of ['ahu', 'chiller', 'meters', 'north']) expect(text).not.toContain(word);
    expect(text).toContain('"webSessions":1');
  });

  it('names to one who sees one device its line, its listener and what is said of it', async () => {
    const viewer = { to: 'user:carla', role: 'viewer', at: 'ahu1' };
    const { remarks, names } = await shown('carla', { grants: [admin, viewer] });
    expect(remarks).toEqual(['OBSERVE MODE', 'NEVER GATED: object ahu1', 'NEVER GATED: object ahu1/sat-sp']);
    expect(names).toEqual(['ahu', 'north']);
  });

  it('names to one who administers the whole site everything, seen or not', async () => {
    const { remarks, names } = await shown('carla', {
      grants: [admin],
      tenantGrants: [{ ...keeper, to: 'user:carla' }],
    });
    expect(remarks).toEqual(REMARKS.map(({ text }) => text));
    expect(names).toEqual(['ahu', 'chiller', 'meters', 'north']);
  });
});
