// Tool sessions as a person claims them on the page, what the tool does live, the record, explanations, asking for a right.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adu, type RawClient } from '../drivers/modbus/rig.ts';
import { modbusTool } from './modbus-tool.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

let rig: HttpRig;
beforeEach(async () => {
  rig = await startHttpRig();
});
afterEach(() => rig.stop());

const claim = '/api/v1/tool-sessions';

const tool = (from: string): Promise<RawClient> => modbusTool(rig, from);

describe('a tool session', () => {
  it('is claimed with one request for the address one works from; the tool then writes in that name', async () => {
    const anna = await rig.as('anna');
    const answer = await anna.ask('POST', claim, { body: { minutes: 30 }, from: '127.0.0.31' });
    expect(answer.body).toMatchObject({ session: { own: true, address: '127.0.0.31', shared: true } });
    const client = await tool('127.0.0.31');
    expect(await client.ask(1, '06 00 6e 01 90')).toMatch(/^06/);
    expect(rig.plant.devices.ahu1.bank.number('ahu1/rh-sp')).toBe(40);
    await anna.ask('POST', '/api/v1/sign-out');
    expect(rig.gate.sessions()).toEqual([]);
    expect(await client.ask(1, '06 00 6e 01 c2')).toBe('8601');
    expect(rig.plant.writesSeen()).toBe(1);
    await client.end();
  });

  it('for a typed address begins when the code is used from there, once', async () => {
    const anna = await rig.as('anna');
    const begun = await anna.ask('POST', claim, { body: { address: '127.0.0.32' } });
    const { code } = begun.body.confirm as unknown as { readonly code: string };
    const confirm = (from: string) => rig.client().ask('POST', `${claim}/confirm`, { body: { code }, from });
    expect((await confirm('127.0.0.33')).status).toBe(404);
    expect((await confirm('127.0.0.32')).status).toBe(404);
    const again = await anna.ask('POST', claim, { body: { address: '127.0.0.32' } });
    const fresh = (again.body.confirm as unknown as { readonly code: string }).code;
    const confirmed = await rig.client().ask('POST', `${claim}/confirm`, { body: { code: fresh }, from: '127.0.0.32' });
    expect(confirmed.status).toBe(200);
    expect(rig.gate.sessions()).toMatchObject([{ principal: 'anna', address: '127.0.0.32' }]);
    const late = await anna.ask('POST', claim, { body: { address: '127.0.0.34' } });
    rig.time.shift += 301_000;
    const code3 = (late.body.confirm as unknown as { readonly code: string }).code;
    expect(
      (await rig.client().ask('POST', `${claim}/confirm`, { body: { code: code3 }, from: '127.0.0.34' })).status,
    ).toBe(404);
  });

  it('of an address in use is refused, and both hear of it; names only for who may see them', async () => {
    const anna = await rig.as('anna');
    const ben = await rig.as('ben');
    await anna.ask('POST', claim, { body: {}, from: '127.0.0.35' });
    const refused = await ben.ask('POST', claim, { body: {}, from: '127.0.0.35' });
    expect([refused.status, refused.text.includes('anna')]).toEqual([409, false]);
    const carla = await rig.as('carla');
    const named = await carla.ask('POST', claim, { body: {}, from: '127.0.0.35' });
    expect(named.body).toMatchObject({ status: 409, holder: 'anna' });
    const own = await anna.ask('GET', claim);
    expect(own.items[0]?.contestedAt).toBeTypeOf('number');
    expect((await ben.ask('GET', claim)).items).toEqual([]);
    const id = String(own.items[0]?.id);
    expect((await ben.ask('DELETE', `${claim}/${id}`)).status).toBe(404);
    expect((await carla.ask('DELETE', `${claim}/${id}`)).status).toBe(204);
  });

  it('is for the devices that were named, of those one may see', async () => {
    const anna = await rig.as('anna');
    const unseen = await anna.ask('POST', claim, { body: { devices: ['ahu1', 'meter1'] }, from: '127.0.0.36' });
    expect([unseen.status, unseen.body.errors]).toMatchObject([422, [{ path: 'devices.1' }]]);
    const bad = await anna.ask('POST', claim, { body: { address: 'localhost' } });
    expect([bad.status, bad.body.errors]).toMatchObject([422, [{ path: 'address' }]]);
    // The site's longest session, which the gate knows, is eight hours.
    const long = await anna.ask('POST', claim, { body: { minutes: 600 }, from: '127.0.0.36' });
    expect([long.status, long.body.errors]).toMatchObject([422, [{ path: 'minutes' }]]);
  });

  it('shows what the tool does, with the verdict', async () => {
    const anna = await rig.as('anna');
    const opened = await anna.ask('POST', claim, { body: {}, from: '127.0.0.37' });
    const { id } = opened.body.session as unknown as { readonly id: string };
    const rows: unknown[] = [];
    const forget = rig.context.tail.follow((row) => rows.push(row));
    const client = await tool('127.0.0.37');
    client.send(adu(1, 1, '06 00 6e 01 90'));
    await client.answer();
    client.send(adu(2, 1, '06 00 6d 00 64'));
    await client.answer();
    await client.end();
    const carla = await rig.as('carla');
    await expect.poll(async () => (await carla.ask('GET', '/api/v1/journal?kind=refusal')).items.length).toBe(1);
    await expect.poll(() => JSON.stringify(rows)).toContain(id);
    forget();
  });
});

describe('the record', () => {
  it('is searched, paged and exported by who may; another organization’s rows stay out', async () => {
    const carla = await rig.as('carla');
    for (const value of [19, 20, 21]) {
      await carla.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: { value } });
    }
    const first = await carla.ask('GET', '/api/v1/journal?kind=intent&target=ahu1%2Fsat-sp&limit=2');
    expect(first.items).toHaveLength(2);
    const second = await carla.ask('GET', `/api/v1/journal?kind=intent&limit=2&cursor=${first.body.next}`);
    expect(second.items).toHaveLength(1);
    expect(second.body.next).toBeUndefined();
    await expect.poll(async () => (await carla.ask('GET', '/api/v1/journal?kind=outcome')).items.length).toBe(3);
    await rig.as('tom');
    const exported = await carla.ask('GET', '/api/v1/journal/export');
    const lines = exported.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { row: { principal?: string } });
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.some(({ row }) => row.principal === 'tom')).toBe(false);
    expect((await carla.ask('GET', '/api/v1/unknown-peers')).status).toBe(403);
  });

  it('holds what was asked for, and nobody asks without end', async () => {
    const ben = await rig.as('ben');
    const body = { action: 'point.write', targets: ['ahu1/sat-sp'], note: 'too warm here' };
    expect((await ben.ask('POST', '/api/v1/access-requests', { body })).status).toBe(201);
    const carla = await rig.as('carla');
    expect((await carla.ask('GET', '/api/v1/journal?kind=system')).text).toContain('too warm here');
    const hidden = await ben.ask('POST', '/api/v1/access-requests', { body: { ...body, targets: ['tenant/sp'] } });
    expect(hidden.status).toBe(404);
    const statuses = [];
    for (let n = 0; n < 21; n += 1) statuses.push((await ben.ask('POST', '/api/v1/access-requests', { body })).status);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('an explanation', () => {
  it('shows every rule, to oneself and to who may read the record', async () => {
    const ben = await rig.as('ben');
    const own = await ben.ask('POST', '/api/v1/explain', { body: { action: 'point.write', targets: ['ahu1/sat-sp'] } });
    expect(own.body).toMatchObject({
      decision: 'deny',
      reason: 'no-permission',
      targets: [{ missing: 'point.write' }],
    });
    const carla = await rig.as('carla');
    const body = { principal: 'anna', action: 'point.write', targets: ['ahu1/sat-sp'] };
    const other = await carla.ask('POST', '/api/v1/explain', { body });
    expect(other.body).toMatchObject({
      decision: 'permit',
      targets: [{ grant: 'role operator to user:anna at ahu1' }],
    });
    const safety = await carla.ask('POST', '/api/v1/explain', { body: { ...body, targets: ['ahu1/smoke-damper'] } });
    expect(safety.body).toMatchObject({ decision: 'deny', reason: 'filter-restricted' });
  });
});

describe('a trend', () => {
  it('is what was read within the day, in steps', async () => {
    const anna = await rig.as('anna');
    const path = '/api/v1/points/ahu1%2Fsat-sp';
    for (const value of [18, 20]) {
      rig.plant.devices.ahu1.bank.set('ahu1/sat-sp', value);
      await anna.ask('GET', path);
      rig.time.shift += 3000;
    }
    const { samples } = (await anna.ask('GET', `${path}/trend`)).body as unknown as {
      samples: readonly { min: number; max: number }[];
    };
    expect(Math.min(...samples.map(({ min }) => min))).toBe(18);
    expect(Math.max(...samples.map(({ max }) => max))).toBe(20);
    rig.context.trends.add('ahu1/old', Date.now() - 25 * 3_600_000, 5);
    expect(rig.context.trends.of('ahu1/old', Date.now())).toEqual([]);
  });
});
