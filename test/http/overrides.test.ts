// Overrides: they end on time, after a restart too, early by who may, and never over somebody else's value.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../scenarios/daemon-rig.ts';
import { modbusTool } from './modbus-tool.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

let rig: HttpRig;
beforeEach(async () => {
  rig = await startHttpRig();
});
afterEach(() => rig.stop());

const SP = '/api/v1/points/ahu1%2Fsat-sp/write';
const held = (): number => rig.plant.devices.ahu1.bank.number('ahu1/sat-sp');

async function override(person: string, value: number, overrideMs = 7_200_000): Promise<string> {
  const answer = await (await rig.as(person)).ask('POST', SP, { body: { value, overrideMs } });
  expect(answer.body).toMatchObject({ ok: true });
  return String((answer.body.rows as unknown as readonly { override: string }[])[0]?.override);
}

describe('an override', () => {
  it('is released on time after a restart, although its owner was locked out meanwhile', async () => {
    expect(held()).toBe(18);
    const id = await override('anna', 22);
    expect(held()).toBe(22);
    rig.time.shift += 7_200_001;
    rig = await rig.restart();
    await rig.activate({ revision: 2, locks: [{ id: 'stop', why: 'test', principal: 'anna' }] });
    await until('it is released', () => rig.overrides.get(id)?.state === 'released');
    expect(held()).toBe(18);
    const carla = await rig.as('carla');
    const ledger = await carla.ask('GET', '/api/v1/overrides');
    expect(ledger.items).toMatchObject([{ id, state: 'released', owner: 'Anna', own: false, value: 22, before: 18 }]);
  });

  it('is released early by its owner and by who could write, not by who could not', async () => {
    const id = await override('carla', 21);
    const ben = await rig.as('ben');
    const refused = await ben.ask('POST', `/api/v1/overrides/${id}/release`);
    expect([refused.status, refused.body.denied]).toMatchObject([403, [{ needed: 'point.write' }]]);
    const carla = await rig.as('carla');
    const path = `/api/v1/journal?kind=refusal&decision=${refused.body.decisionId}`;
    await until('it is recorded', async () => (await carla.ask('GET', path)).items.length === 1);
    const own = await ben.ask('GET', '/api/v1/overrides');
    expect([own.items, own.text.includes('Carla')]).toMatchObject([[{ id, own: false }], false]);
    const tom = await rig.as('tom');
    expect((await tom.ask('POST', `/api/v1/overrides/${id}/release`)).status).toBe(404);
    expect((await tom.ask('GET', '/api/v1/overrides')).items).toEqual([]);
    const anna = await rig.as('anna');
    expect((await anna.ask('POST', `/api/v1/overrides/${id}/release`)).body).toMatchObject({ state: 'released' });
    expect(held()).toBe(18);
    expect((await anna.ask('POST', `/api/v1/overrides/${id}/release`)).status).toBe(409);
  });

  it('of somebody whose right is gone is released by its owner all the same, in the owner’s own name', async () => {
    const id = await override('anna', 21);
    await rig.activate({ revision: 2, grants: [{ to: 'user:anna', role: 'viewer', at: 'ahu1' }] });
    const anna = await rig.as('anna');
    expect((await anna.ask('POST', SP, { body: { value: 20 } })).status).toBe(403);
    expect((await anna.ask('POST', `/api/v1/overrides/${id}/release`)).body).toMatchObject({ state: 'released' });
    expect(held()).toBe(18);
  });

  it('is left where the point holds another value by then', async () => {
    const id = await override('anna', 21);
    rig.plant.devices.ahu1.bank.set('ahu1/sat-sp', 16);
    const anna = await rig.as('anna');
    const ended = await anna.ask('POST', `/api/v1/overrides/${id}/release`);
    expect(ended.body).toMatchObject({ state: 'left', why: 'it no longer holds what was written' });
    expect(held()).toBe(16);
  });

  it.each([
    ['the same value', '06 00 6e 01 cc', 46],
    ['another value', '06 00 6e 01 90', 40],
  ])('is over where somebody’s Modbus tool writes the point, also %s', async (_name, frame, wanted) => {
    const [anna, carla] = [await rig.as('anna'), await rig.as('carla')];
    const written = await anna.ask('POST', '/api/v1/points/ahu1%2Frh-sp/write', { body: { value: 46 } });
    const [row] = written.body.rows as unknown as readonly { override: string }[];
    await anna.ask('POST', '/api/v1/tool-sessions', { body: {}, from: '127.0.0.41' });
    const tool = await modbusTool(rig, '127.0.0.41');
    expect(await tool.ask(1, frame)).toMatch(/^06/);
    await tool.end();
    const ledger = async () => (await carla.ask('GET', '/api/v1/overrides')).items;
    await until('the ledger says it', async () => (await ledger())[0]?.state === 'superseded');
    expect(await ledger()).toMatchObject([{ id: row?.override, why: expect.stringMatching(/^by change `/) }]);
    rig.time.shift += 7_200_001;
    rig = await rig.restart();
    expect(rig.overrides.get(row?.override ?? '')).toMatchObject({ state: 'superseded' });
    expect(rig.plant.devices.ahu1.bank.number('ahu1/rh-sp')).toBe(wanted);
  });

  it('put over another gives back what was there before both', async () => {
    const first = await override('anna', 20);
    const second = await override('carla', 23);
    expect(rig.overrides.get(first)).toMatchObject({ state: 'superseded' });
    const carla = await rig.as('carla');
    await carla.ask('POST', `/api/v1/overrides/${second}/release`);
    expect(held()).toBe(18);
  });

  it('waits while the device is silent, and is released when it answers', async () => {
    const id = await override('anna', 21);
    rig.plant.devices.ahu1.fail({ kind: 'silence', carriedOut: false });
    const anna = await rig.as('anna');
    const waiting = await anna.ask('POST', `/api/v1/overrides/${id}/release`);
    expect(waiting.body).toMatchObject({ state: 'releasing' });
    rig.plant.devices.ahu1.behave();
    const done = await anna.ask('POST', `/api/v1/overrides/${id}/release`);
    expect(done.body).toMatchObject({ state: 'released' });
  });

  it('of a command that may not be put back by itself is refused beforehand', async () => {
    const anna = await rig.as('anna');
    const answer = await anna.ask('POST', '/api/v1/points/ahu1%2Fdamper-cmd/write', {
      body: { value: false, overrideMs: 60_000 },
    });
    expect([answer.status, answer.text.includes('it cannot end by itself')]).toEqual([422, true]);
    expect(rig.plant.writesSeen()).toBe(0);
  });

  it('whose change was cut off by a restart is taken up where it was recorded, forgotten where it was not', async () => {
    const entry = { point: 'ahu1/sat-sp', device: 'ahu1', owner: 'anna', value: 22, holds: 22, since: 1, until: 2 };
    const put = (id: string, decision: string) =>
      rig.shelf.put('override', {
        id,
        at: 1,
        body: JSON.stringify({ ...entry, id, decision, undoes: decision, state: 'pending' }),
      });
    const written = await (await rig.as('anna')).ask('POST', SP, { body: { value: 22 } });
    const decision = (written.body.rows as unknown as readonly { decisionId: string }[])[0]?.decisionId ?? '';
    await put('recorded', decision);
    await put('never-sent', 'no-such-decision');
    rig = await rig.restart();
    await until('it is released', () => rig.overrides.get('recorded')?.state === 'released');
    expect(held()).toBe(18);
    expect(rig.overrides.get('never-sent')).toBeUndefined();
  });
});

describe('a write that says nothing of its end', () => {
  const ledger = async () => (await (await rig.as('carla')).ask('GET', '/api/v1/overrides')).items;

  it('ends after two hours where it can be put back, and stays only where that is said', async () => {
    const anna = await rig.as('anna');
    const detail = await anna.ask('GET', '/api/v1/points/ahu1%2Fsat-sp');
    expect(detail.body.write).toMatchObject({ mayEnd: true, usualMs: 7_200_000 });
    const before = Date.now();
    const written = await anna.ask('POST', SP, { body: { value: 21 } });
    const [row] = written.body.rows as unknown as readonly { override: string; until: number }[];
    expect(row?.until).toBeGreaterThanOrEqual(before + 7_200_000);
    expect(row?.until).toBeLessThanOrEqual(Date.now() + 7_200_000);
    expect(await ledger()).toMatchObject([{ id: row?.override, state: 'active', until: row?.until, unit: '°C' }]);
    const stays = await anna.ask('POST', SP, { body: { value: 22, overrideMs: null } });
    expect(stays.body.rows).toMatchObject([{ state: 'done' }]);
    expect(stays.text).not.toContain('until');
    // What stays is nobody's to end: the override before it does not come back for it.
    expect(await ledger()).toMatchObject([{ id: row?.override, state: 'superseded' }]);
    rig.time.shift += 7_200_001;
    rig = await rig.restart();
    expect(held()).toBe(22);
  });

  it('stays where nothing could be put back, and where it is no set point and no command', async () => {
    const carla = await rig.as('carla');
    const command = await carla.ask('POST', '/api/v1/points/ahu1%2Fdamper-cmd/write', { body: { value: false } });
    const limit = await carla.ask('POST', '/api/v1/points/ahu1%2Fsat-hi/write', { body: { value: 28 } });
    expect([command, limit].map(({ body }) => body.ok)).toEqual([true, true]);
    expect(command.text + limit.text).not.toContain('override');
    expect(await ledger()).toEqual([]);
    const timed = await carla.ask('POST', '/api/v1/points/ahu1%2Fsat-hi/write', {
      body: { value: 29, overrideMs: 60_000 },
    });
    expect(timed.text).toContain('override');
    for (const [id, usual] of [
      ['damper-cmd', { mayEnd: false }],
      ['sat-hi', { mayEnd: true }],
    ] as const) {
      const { write } = (await carla.ask('GET', `/api/v1/points/ahu1%2F${id}`)).body;
      expect(write).toMatchObject(usual);
      expect(write).not.toHaveProperty('usualMs');
    }
  });

  it('in a batch ends as its row says, else as the batch says, else by default', async () => {
    const carla = await rig.as('carla');
    const rows = [
      { point: 'ahu1/sat-sp', value: 20 },
      { point: 'ahu1/dsp-sp', value: 210, overrideMs: null },
      { point: 'chiller1/chw-sp', value: 8, overrideMs: 60_000 },
    ];
    const body = { rows, overrideMs: 3_600_000, priority: 8 };
    const check = await carla.ask('POST', '/api/v1/batches/check', { body });
    expect((check.body.rows as unknown as { lastsMs?: number }[]).map(({ lastsMs }) => lastsMs)).toEqual([
      3_600_000,
      undefined,
      60_000,
    ]);
    const now = Date.now();
    const done = await carla.ask('POST', '/api/v1/batches', { body });
    const untils = new Map(
      (done.body.rows as unknown as { point: string; until?: number }[]).map(({ point, until: end }) => [point, end]),
    );
    expect(Math.round(((untils.get('ahu1/sat-sp') ?? 0) - now) / 60_000)).toBe(60);
    expect(untils.get('ahu1/dsp-sp')).toBeUndefined();
    expect(Math.round(((untils.get('chiller1/chw-sp') ?? 0) - now) / 60_000)).toBe(1);
    expect((await ledger()).filter(({ state }) => state === 'active')).toHaveLength(2);
  });

  it('is told at its field what cannot be, of one point and of a row', async () => {
    const carla = await rig.as('carla');
    const point = 'ahu1/damper-cmd';
    const one = await carla.ask('POST', '/api/v1/points/ahu1%2Fdamper-cmd/write', {
      body: { value: false, overrideMs: 60_000 },
    });
    expect([one.status, one.body.errors]).toMatchObject([422, [{ path: 'overrideMs' }]]);
    const rows = [
      { point: 'ahu1/sat-sp', value: 20, priority: 8 },
      { point, value: false },
    ];
    const several = await carla.ask('POST', '/api/v1/batches', { body: { rows, overrideMs: 60_000 } });
    expect([several.status, several.body.errors]).toMatchObject([
      422,
      [{ path: 'rows.0.priority' }, { path: 'rows.1.overrideMs' }],
    ]);
    const check = await carla.ask('POST', '/api/v1/batches/check', { body: { rows, overrideMs: 60_000 } });
    expect(check.body.rows).toMatchObject([
      { verdict: 'faulty', field: 'priority' },
      { verdict: 'faulty', field: 'overrideMs' },
    ]);
    const brief = await carla.ask('POST', SP, { body: { value: 20, overrideMs: 10 } });
    expect([brief.status, brief.body.errors]).toMatchObject([422, [{ path: 'overrideMs' }]]);
  });
});

describe('a batch cut off by a restart', () => {
  it('is put back from the record', async () => {
    const carla = await rig.as('carla');
    const written = await carla.ask('POST', SP, { body: { value: 22 } });
    const decision = (written.body.rows as unknown as readonly { decisionId: string }[])[0]?.decisionId ?? '';
    await rig.shelf.put('batch', { id: 'j', at: 1, body: JSON.stringify({ decisions: [decision, 'never-sent'] }) });
    rig = await rig.restart();
    expect(held()).toBe(18);
    expect(rig.shelf.list('batch')).toEqual([]);
  });
});

describe('a key of a write, over a restart', () => {
  it('gives the answer of before; a write that was cut off is not made again', async () => {
    const headers = { 'idempotency-key': 'k-9' };
    const first = await (await rig.as('anna')).ask('POST', SP, { body: { value: 20 }, headers });
    rig = await rig.restart();
    const again = await (await rig.as('anna')).ask('POST', SP, { body: { value: 20 }, headers });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(rig.plant.writesSeen()).toBe(1);
    const [kept] = rig.shelf.list('reply');
    const { body } = JSON.parse(kept?.body ?? '{}') as { readonly body: string };
    await rig.shelf.put('reply', { id: kept?.id ?? '', at: Date.now(), body: JSON.stringify({ body }) });
    const cut = await (await rig.as('anna')).ask('POST', SP, { body: { value: 20 }, headers });
    expect([cut.status, cut.body.title]).toEqual([409, 'outcome unknown']);
    rig.time.shift += 86_400_001;
    expect((await (await rig.as('anna')).ask('POST', SP, { body: { value: 20 }, headers })).status).toBe(200);
  });
});
