// Every route as every kind of principal, held to the reference evaluator over the raw bundle: what is listed, found, read,
// written and refused is what POLICY.md says, and what is not seen does not exist.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderIdentity } from '../../src/model/decision.ts';
import type { RawBundle } from '../reference/bundle.ts';
import { evaluate } from '../reference/evaluator.ts';
import { type Answer, type Client, type HttpRig, type Json, startHttpRig } from './rig.ts';
import { OTHER_POINT } from './site-bundle.ts';

interface Inventory {
  readonly locations: readonly string[];
  readonly devices: readonly string[];
  readonly points: readonly { readonly id: string; readonly class: string }[];
}

const WRITING: { readonly [pointClass: string]: string } = {
  'set-point': 'point.write',
  command: 'point.write',
  parameter: 'device.configure',
  'alarm-limit': 'alarm.threshold',
  firmware: 'firmware.update',
  sensor: 'engineering.modify',
};
const PRINCIPALS = ['carla', 'anna', 'ben', 'tom', 'eve', 'optimizer'] as const;
type Principal = (typeof PRINCIPALS)[number];

let rig: HttpRig;
let inventory: Inventory;
const clients = new Map<Principal, Client>();
const clientOf = (principal: Principal): Client => clients.get(principal) as Client;

beforeAll(async () => {
  rig = await startHttpRig();
  const organizations = (rig.bundle as unknown as { organizations: readonly { [list: string]: never[] }[] })
    .organizations;
  const all = <T>(list: string): T[] => organizations.flatMap((each) => (each[list] ?? []) as T[]);
  inventory = {
    locations: all<{ id: string }>('locations').map(({ id }) => id),
    devices: all<{ id: string }>('devices').map(({ id }) => id),
    points: all<{ id: string; class: string }>('points'),
  };
  for (const principal of PRINCIPALS) {
    clients.set(principal, principal === 'optimizer' ? rig.withToken() : await rig.as(principal));
  }
});
afterAll(() => rig.stop());

function may(principal: string, action: string, target?: string, identity?: ProviderIdentity): boolean {
  const verdict = evaluate(rig.bundle as unknown as RawBundle, {
    principal,
    action,
    targets: target === undefined ? [] : [target],
    channel: 'local',
    at: Date.now(),
    ...(identity && { identity }),
  });
  return verdict.decision === 'permit';
}

const sees = (principal: string, kind: 'location' | 'device' | 'point', id: string): boolean => {
  if (kind === 'point') return may(principal, 'point.read', id);
  return may(principal, 'device.view', id) || (kind === 'location' && may(principal, 'point.read', id));
};

async function everyPage(client: Client, path: string): Promise<Json[]> {
  const found: Json[] = [];
  let cursor = '';
  do {
    const page = await client.ask('GET', `${path}${path.includes('?') ? '&' : '?'}limit=7${cursor}`);
    expect(page.status).toBe(200);
    found.push(...page.items);
    cursor = typeof page.body.next === 'string' ? `&cursor=${page.body.next}` : '';
  } while (cursor !== '');
  return found;
}

const idsOf = (items: readonly Json[]): string[] => items.map((item) => (item as { readonly id: string }).id);

describe.each(PRINCIPALS)('%s', (principal) => {
  it('finds in the lists what may be seen, page by page, and nothing else', async () => {
    const client = clientOf(principal);
    const points = inventory.points.map(({ id }) => id);
    expect(idsOf(await everyPage(client, '/api/v1/locations')).sort()).toEqual(
      inventory.locations.filter((id) => sees(principal, 'location', id)).sort(),
    );
    expect(idsOf(await everyPage(client, '/api/v1/devices')).sort()).toEqual(
      inventory.devices.filter((id) => sees(principal, 'device', id)).sort(),
    );
    expect(idsOf(await everyPage(client, '/api/v1/points')).sort()).toEqual(
      points.filter((id) => sees(principal, 'point', id)).sort(),
    );
  });

  it('searches among the same', async () => {
    const { items } = await clientOf(principal).ask('GET', '/api/v1/search?q=set&limit=100');
    for (const item of items) {
      const { kind, id } = item as { kind: 'location' | 'device' | 'point'; id: string };
      expect(sees(principal, kind, id)).toBe(true);
    }
    const hidden = inventory.points.filter(({ id }) => !sees(principal, 'point', id));
    for (const { id } of hidden.slice(0, 3)) {
      const found = await clientOf(principal).ask('GET', `/api/v1/search?q=${encodeURIComponent(id)}`);
      expect(idsOf(found.items)).not.toContain(id);
    }
  });

  it('gets each point, and its trend, as the evaluator says; what is not seen is what does not exist', async () => {
    const client = clientOf(principal);
    const nothing = await client.ask('GET', '/api/v1/points/nowhere%2Fnothing');
    expect(nothing.status).toBe(404);
    for (const { id, class: pointClass } of inventory.points) {
      const path = `/api/v1/points/${encodeURIComponent(id)}`;
      const answer = await client.ask('GET', path);
      const trend = await client.ask('GET', `${path}/trend`);
      if (!sees(principal, 'point', id)) {
        expect([answer.status, answer.text]).toEqual([404, nothing.text]);
        expect([trend.status, trend.text]).toEqual([404, nothing.text]);
        continue;
      }
      expect(answer.status).toBe(200);
      expect(answer.body.write).toMatchObject({ permitted: may(principal, WRITING[pointClass] ?? '', id) });
      expect(trend.status).toBe(may(principal, 'trend.view', id) ? 200 : 403);
    }
  });

  it('gets each device, and lists below a place, alike', async () => {
    const client = clientOf(principal);
    const nothing = await client.ask('GET', '/api/v1/devices/nowhere');
    for (const id of inventory.devices) {
      const answer = await client.ask('GET', `/api/v1/devices/${id}`);
      const points = await client.ask('GET', `/api/v1/points?device=${id}`);
      const isSeen = sees(principal, 'device', id);
      expect(answer.status).toBe(isSeen ? 200 : 404);
      if (!isSeen) expect(answer.text).toBe(nothing.text);
      expect(points.status).toBe(isSeen ? 200 : 404);
      const named = await client.ask('GET', `/api/v1/devices?q=${id}`);
      expect(named.items.some((each) => each.id === id)).toBe(isSeen);
      const model = encodeURIComponent(String(answer.body.model ?? 'none such'));
      const alike = await client.ask('GET', `/api/v1/devices?model=${model}`);
      expect(alike.items.every((each) => each.model === answer.body.model)).toBe(true);
      expect(alike.items.some((each) => each.id === id)).toBe(isSeen && answer.body.model !== undefined);
    }
    for (const id of inventory.locations) {
      const answer = await client.ask('GET', `/api/v1/devices?location=${id}`);
      expect(answer.status).toBe(sees(principal, 'location', id) ? 200 : 404);
    }
  });

  it('writes where it may; is refused with what is missing where it sees; and meets nothing where it does not', async () => {
    const client = clientOf(principal);
    const rows = [
      ['ahu1/sat-sp', 20, 'point.write'],
      ['ahu1/sat-hi', 27, 'alarm.threshold'],
      ['ahu1/sat-ti', 100, 'device.configure'],
      ['ahu1/smoke-damper', false, 'point.write'],
      ['chiller1/chw-sp', 8, 'point.write'],
    ] as const;
    for (const [id, value, action] of rows) {
      const answer = await client.ask('POST', `/api/v1/points/${encodeURIComponent(id)}/write`, { body: { value } });
      const expected = !sees(principal, 'point', id) ? 404 : may(principal, action, id) ? 200 : 403;
      expect([id, answer.status]).toEqual([id, expected]);
      const check = await client.ask('POST', '/api/v1/batches/check', { body: { rows: [{ point: id, value }] } });
      expect(check.body.rows).toMatchObject([
        { verdict: expected === 404 ? 'unknown' : expected === 200 ? 'permitted' : 'denied' },
      ]);
      if (expected === 403) {
        expect(answer.body).toMatchObject({ policyRevision: 1, denied: [{ point: id, needed: action }] });
        expect(answer.body.decisionId).toBeTypeOf('string');
      }
    }
  });

  it('reads the record, how the gateway stands, and explains others only with the right to', async () => {
    const client = clientOf(principal);
    const audits = may(principal, 'audit.read');
    for (const path of ['/api/v1/journal', '/api/v1/journal/export']) {
      expect((await client.ask('GET', path)).status).toBe(audits ? 200 : 403);
    }
    const manages = may(principal, 'admin.manage');
    expect((await client.ask('GET', '/api/v1/standing')).status).toBe(manages ? 200 : 403);
    const seen = inventory.points.find(({ id }) => sees(principal, 'point', id))?.id;
    const targets = [seen ?? OTHER_POINT];
    const body = { principal: 'ben', action: 'point.write', targets };
    const expected = seen === undefined ? 404 : audits || principal === 'ben' ? 200 : 403;
    expect((await client.ask('POST', '/api/v1/explain', { body })).status).toBe(expected);
    const others = (await client.ask('GET', '/api/v1/sessions')).items.filter((each) => each.principal !== principal);
    expect(others.length > 0).toBe(may(principal, 'user.manage'));
  });

  it('meets images, jobs, moves and alarms as the evaluator says, and nothing of what is not seen', async () => {
    const client = clientOf(principal);
    const updates = inventory.devices.some((id) => may(principal, 'firmware.update', id));
    expect((await client.ask('GET', '/api/v1/images')).status).toBe(updates ? 200 : 403);
    for (const list of ['jobs', 'moves']) expect((await everyPage(client, `/api/v1/${list}`)).length).toBe(0);
    expect((await client.ask('GET', '/api/v1/jobs/j-none')).status).toBe(404);
    for (const device of [...inventory.devices, 'nowhere']) {
      const seen = device !== 'nowhere' && sees(principal, 'device', device);
      expect((await client.ask('GET', `/api/v1/alarms?device=${device}`)).status).toBe(seen ? 200 : 404);
      const alarm = { body: { device, key: 'none' } };
      // No driver of this plant knows of alarms.
      expect((await client.ask('POST', '/api/v1/alarms/acknowledge', alarm)).status).toBe(404);
      const move = await client.ask('POST', '/api/v1/moves', { body: { device, to: 'attic' } });
      const reaches = seen && sees(principal, 'location', 'attic');
      const moves = reaches && ['hq', 'attic', device].every((target) => may(principal, 'device.move', target));
      expect([device, move.status]).toEqual([device, moves ? 201 : reaches ? 403 : 404]);
      const values = [{ key: 'sat-hi', value: 27 }];
      const order = { kind: 'alarm-thresholds', devices: [device], values };
      const check = await client.ask('POST', '/api/v1/jobs/check', { body: order });
      expect(check.status).toBe(200);
      if (!seen) expect(check.body).toMatchObject({ ok: false, devices: [], faults: [{ path: 'devices.0' }] });
      else if (device === 'ahu1') expect(check.body.ok).toBe(may(principal, 'alarm.threshold', device));
    }
  });

  it('hears live values of nothing it may not read', async () => {
    const points = ['ahu1/sat', 'chiller1/load', OTHER_POINT, 'nowhere/nothing'];
    const sight = rig.context.sights.of({
      principal: principal as never,
      channel: 'local',
      proof: { kind: 'none' },
      from: '',
      peer: '',
    });
    for (const id of points) {
      const isKnown = inventory.points.some((each) => each.id === id);
      expect(sight?.point(id) !== undefined).toBe(isKnown && sees(principal, 'point', id));
    }
  });
});

describe('what is not seen', () => {
  const cursorOf = (text: string): string => Buffer.from(text).toString('base64url');

  it('is not found out by a cursor that was made up', async () => {
    const anna = clientOf('anna');
    for (const list of ['points', 'devices', 'locations']) {
      const [hidden, nothing] = await Promise.all(
        [OTHER_POINT, 'nowhere/nothing'].map((id) => anna.ask('GET', `/api/v1/${list}?cursor=${cursorOf(id)}`)),
      );
      expect([hidden?.status, hidden?.text]).toEqual([422, nothing?.text]);
    }
    const ledger = await anna.ask('GET', `/api/v1/overrides?cursor=${cursorOf('o-1')}`);
    expect([ledger.status, ledger.body.errors]).toMatchObject([422, [{ path: 'cursor' }]]);
  });

  it('answers alike on every route that names it, whatever is asked', async () => {
    const anna = clientOf('anna');
    const asks = (id: string, device: string) =>
      Promise.all([
        anna.ask('GET', `/api/v1/points/${encodeURIComponent(id)}`),
        anna.ask('GET', `/api/v1/points/${encodeURIComponent(id)}/trend`),
        anna.ask('POST', `/api/v1/points/${encodeURIComponent(id)}/write`, { body: { value: 1 } }),
        anna.ask('POST', '/api/v1/batches', {
          body: {
            rows: [
              { point: id, value: 1 },
              { point: 'ahu1/sat-sp', value: 20 },
            ],
          },
        }),
        anna.ask('POST', '/api/v1/explain', { body: { action: 'point.write', targets: [id] } }),
        anna.ask('POST', '/api/v1/access-requests', { body: { action: 'point.write', targets: [id] } }),
        anna.ask('GET', `/api/v1/devices/${device}`),
        anna.ask('GET', `/api/v1/points?device=${device}`),
        anna.ask('GET', `/api/v1/points?location=${device}-root`),
        anna.ask('POST', '/api/v1/tool-sessions', { body: { devices: [device] } }),
      ]);
    const shown = (answers: readonly Answer[]) => answers.map(({ status, text }) => [status, text]);
    const hidden = shown(await asks(OTHER_POINT, 'tenant-vav'));
    expect(hidden).toEqual(shown(await asks('nowhere/nothing', 'nowhere')));
    expect(hidden.map(([status]) => status)).toEqual([404, 404, 404, 404, 404, 404, 404, 404, 404, 422]);
    for (const route of ['overrides/o-1/release', 'sessions/w-1', 'tool-sessions/s-1']) {
      const method = route.endsWith('release') ? 'POST' : 'DELETE';
      expect((await anna.ask(method, `/api/v1/${route}`)).status).toBe(404);
    }
  });

  it('is not told of in an explanation: locks on others are for who may read the record', async () => {
    const body = { action: 'point.write', targets: ['ahu1/sat-sp'] };
    const told = await clientOf('anna').ask('POST', '/api/v1/explain', { body });
    expect(told.status).toBe(200);
    expect(told.text).not.toMatch(/sent-home|lea|left/);
    const audited = await clientOf('carla').ask('POST', '/api/v1/explain', { body: { ...body, principal: 'anna' } });
    expect(audited.text).toContain('sent-home');
  });
});

describe('who is nobody', () => {
  const open = new Set([
    'GET /api/v1/sign-in',
    'POST /api/v1/sign-in',
    'GET /api/v1/sign-in/provider',
    'GET /api/v1/sign-in/provider/return',
    'POST /api/v1/tool-sessions/confirm',
  ]);

  const routes = (): [string, string][] => {
    const { paths = {} } = rig.app.swagger() as unknown as { paths?: { [path: string]: { [method: string]: object } } };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method): [string, string] => [method.toUpperCase(), path]),
    );
  };

  it('is answered by no route but those that open the door', async () => {
    const all = routes();
    expect(all.length).toBeGreaterThan(25);
    for (const [method, path] of all) {
      if (open.has(`${method} ${path}`)) continue;
      const url = path.replace('{id}', 'ahu1').replace(/:id/, 'ahu1');
      const plain = await rig.client().ask(method as 'GET', url, { body: method === 'POST' ? {} : undefined });
      expect([method, path, plain.status]).toEqual([method, path, 401]);
      const forged = rig.client({ authorization: 'Bearer opt-ffffffffffffffffffffffffffffffff' });
      expect((await forged.ask(method as 'GET', url, { body: method === 'POST' ? {} : undefined })).status).toBe(401);
    }
  });

  it('stays nobody as a disabled, a locked or an unknown person', async () => {
    const sign = (login: string) =>
      rig.client().ask('POST', '/api/v1/sign-in', { body: { login, password: 'correct horse battery' } });
    const disabled = await sign('dan@acme.example');
    const unknown = await sign('nobody@acme.example');
    expect([disabled.status, disabled.text]).toEqual([401, unknown.text]);
    expect((await sign('lea@acme.example')).status).toBe(403);
  });
});

describe('the description', () => {
  it('is OpenAPI 3.1 and names every route with its schemas', async () => {
    const answer = await rig.client().ask('GET', '/api/openapi.json');
    expect(answer.body.openapi).toBe('3.1.0');
    const described = Object.entries(answer.body.paths as { [path: string]: { [method: string]: Json } });
    const served = rig.routes.filter(([, url]) => url.startsWith('/api/v1/'));
    const named = described.flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(named.sort()).toEqual(served.map(([method, url]) => `${method} ${url.replace(':id', '{id}')}`).sort());
    for (const [path, methods] of described) {
      for (const operation of Object.values(methods)) {
        expect([path, operation]).toMatchObject([path, { summary: expect.any(String), responses: expect.any(Object) }]);
      }
    }
    expect(answer.text).not.toContain('undefined');
  });
});
