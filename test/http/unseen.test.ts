// What somebody may not see is answered as what does not exist, whatever is asked of it: every route with an id, and every body
// and query that names something.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { principalId } from '../../src/model/ids.ts';
import { digestOf, imageBytes, manifestFor, signedManifest } from '../store/image-rig.ts';
import { bootInventory, DeviceStage } from './device-stage.ts';
import { type Answer, type Client, type HttpRig, startHttpRig } from './rig.ts';

const octets = imageBytes(2000);
const POINT = 'ahu1/sat-sp';
const DEVICE = 'd1';
const PLACE = 'attic';

let rig: HttpRig;
let stranger: Client;
/** Things of others, by what their ids are of. */
const hidden = new Map<string, string>();

beforeAll(async () => {
  const grants = ['chief', 'admin', 'updater'].map((role) => ({ to: 'user:carla', role, at: 'root' }));
  rig = await startHttpRig({ changes: { grants, inventory: bootInventory() }, drivers: new DeviceStage().drivers });
  const carla = await rig.as('carla');
  stranger = await rig.as('tom');
  const made = async (path: string, body: object, from = '127.0.0.1') => {
    const answer = await carla.ask('POST', `/api/v1/${path}`, { body, from });
    expect([path, answer.status < 300]).toEqual([path, true]);
    return answer.body;
  };
  const written = await made(`points/${encodeURIComponent(POINT)}/write`, { value: 21, overrideMs: 3_600_000 });
  hidden.set('overrides', String((written.rows as unknown as { override: string }[])[0]?.override));
  const window = { from: Date.now() + 3_600_000, until: Date.now() + 7_200_000 };
  hidden.set('jobs', String((await made('jobs', { kind: 'batch', rows: [{ point: POINT, value: 20 }], window })).id));
  hidden.set('moves', String((await made('moves', { device: DEVICE, to: PLACE })).id));
  await made('images', { manifest: signedManifest(manifestFor(octets)) });
  hidden.set('images', digestOf(octets));
  const claimed = await made('tool-sessions', {}, '127.0.0.51');
  hidden.set('tool-sessions', String((claimed.session as unknown as { id: string }).id));
  hidden.set('sessions', String((await carla.ask('GET', '/api/v1/sessions')).items[0]?.id));
  const device = rig.gate.policy()?.inventory.find(DEVICE);
  const by = {
    principal: principalId('carla'),
    channel: 'local',
    proof: { kind: 'none' },
    from: '',
    peer: '',
  } as const;
  expect(device !== undefined && rig.gate.holdDevice(by, device, 'j-1').ok).toBe(true);
  hidden.set('transfers', DEVICE).set('points', POINT).set('devices', DEVICE);
});
afterAll(() => rig.stop());

const BODIES: { readonly [end: string]: unknown } = {
  write: { value: 20 },
  pause: { why: '' },
  abort: { why: '' },
  end: { why: '' },
  approval: { verdict: 'approved', comment: '' },
  fetch: { url: 'https://images.example/x' },
};
const missing = (id: string): string => (/^[0-9a-f]{64}$/.test(id) ? digestOf(Buffer.from(id)) : `${id}-none`);
const told = ({ status, text }: Answer, id: string): unknown => [status, text.replaceAll(id, 'ID')];

describe('a stranger', () => {
  it('hears the same of what is hidden and of what is not there, by every route with an id', async () => {
    const routes = rig.routes.filter(([method, path]) => path.includes(':id') && method !== 'HEAD');
    expect(routes.length).toBeGreaterThan(15);
    for (const [method, path] of routes) {
      const [, kind = '', end = ''] = /^\/api\/v1\/([\w-]+)\/:id\/?(.*)$/.exec(path) ?? [];
      const id = hidden.get(kind);
      if (id === undefined) throw new Error(`no hidden thing for \`${path}\``);
      const asked = async (which: string) => {
        const options = end === 'content' ? { body: octets, headers: UPLOAD } : { body: BODIES[end] };
        const given = options.body === undefined ? {} : options;
        return stranger.ask(method as 'GET', path.replace(':id', encodeURIComponent(which)), given);
      };
      const answers = [told(await asked(id), id), told(await asked(missing(id)), missing(id))];
      expect([method, path, answers[0]]).toEqual([method, path, answers[1]]);
      expect([403, 404]).toContain((answers[0] as [number])[0]);
    }
    expect(rig.plant.writesSeen()).toBe(1);
  });

  it('hears the same of what is named in bodies and queries', async () => {
    const image = hidden.get('images');
    const rollout = { canary: false, atOnce: 1 };
    const named: readonly (readonly ['GET' | 'POST', string, string, ((id: string) => unknown)?])[] = [
      ['POST', 'batches', POINT, (point) => ({ rows: [{ point, value: 20 }] })],
      ['POST', 'batches/check', POINT, (point) => ({ rows: [{ point, value: 20 }] })],
      ...(['jobs', 'jobs/check'] as const).flatMap((path) => [
        ['POST', path, POINT, (point: string) => ({ kind: 'batch', rows: [{ point, value: 20 }] })] as const,
        ['POST', path, DEVICE, (device: string) => ({ kind: 'firmware', image, devices: [device], rollout })] as const,
        [
          'POST',
          path,
          DEVICE,
          (id: string) => ({ kind: 'configuration', source: id, devices: ['tenant-vav'] }),
        ] as const,
        [
          'POST',
          path,
          DEVICE,
          (id: string) => ({ kind: 'configuration', source: 'tenant-vav', devices: [id] }),
        ] as const,
        [
          'POST',
          path,
          DEVICE,
          (device: string) => ({ kind: 'alarm-thresholds', devices: [device], values: LIMIT }),
        ] as const,
      ]),
      ['POST', 'moves', DEVICE, (device) => ({ device, to: 'tenant-root' })],
      ['POST', 'moves', PLACE, (to) => ({ device: 'tenant-vav', to })],
      ['POST', 'alarms/acknowledge', DEVICE, (device) => ({ device, key: 'k' })],
      ['POST', 'access-requests', POINT, (point) => ({ action: 'point.write', targets: [point] })],
      ['POST', 'explain', POINT, (point) => ({ action: 'point.write', targets: [point] })],
      ['POST', 'tool-sessions', DEVICE, (device) => ({ devices: [device] })],
      ['GET', 'alarms?device=', DEVICE],
      ['GET', 'alarms?location=', PLACE],
      ['GET', 'devices?location=', PLACE],
      ['GET', 'points?device=', DEVICE],
      ['GET', 'points?location=', PLACE],
      ['GET', 'search?q=', POINT],
      ...['points', 'devices', 'locations', 'jobs', 'moves', 'images', 'overrides', 'alarms'].map(
        (list) => ['GET', `${list}?cursor=`, Buffer.from(hidden.get(list) ?? DEVICE).toString('base64url')] as const,
      ),
    ];
    for (const [method, path, id, body] of named) {
      const asked = async (which: string) => {
        const isQuery = body === undefined;
        const answer = await stranger.ask(
          method,
          `/api/v1/${path}${isQuery ? encodeURIComponent(which) : ''}`,
          isQuery ? {} : { body: body(which) },
        );
        return told(answer, which);
      };
      const cursor = path.endsWith('cursor=');
      const none = cursor ? Buffer.from('nothing-of-this-name').toString('base64url') : missing(id);
      expect([method, path, await asked(id)]).toEqual([method, path, await asked(none)]);
    }
  });

  it('is told of a query that cannot be read, and it is no fault of ours', async () => {
    const odd = await stranger.ask('GET', '/api/v1/live?points=%25');
    expect([odd.status, rig.log.of('http.fault')]).toEqual([422, []]);
  });
});

const UPLOAD = { 'content-type': 'application/octet-stream', 'upload-offset': '0' };
const LIMIT = [{ key: 'high', value: 30 }];
