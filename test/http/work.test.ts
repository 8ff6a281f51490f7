// Browse, read, write, batch, override: as a person does it, against the simulated plant.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../scenarios/daemon-rig.ts';
import { type HttpRig, startHttpRig } from './rig.ts';

let rig: HttpRig;
beforeAll(async () => {
  rig = await startHttpRig();
});
afterAll(() => rig.stop());

describe('a person on the page', () => {
  it('signs in and learns who they are and where their page opens', async () => {
    const anna = await rig.as('anna');
    const me = await anna.ask('GET', '/api/v1/me');
    expect(me.body).toMatchObject({ principal: 'anna', name: 'Anna', kind: 'user', organization: { id: 'acme' } });
    expect(me.body.can).toContain('point.write');
    expect(me.body.can).not.toContain('audit.read');
    const ben = await rig.as('ben');
    expect((await ben.ask('GET', '/api/v1/me')).body).toMatchObject({ home: { id: 'hq', name: 'Headquarters' } });
  });

  it('reads a point with unit, limits, quality and what they may', async () => {
    const anna = await rig.as('anna');
    const point = await anna.ask('GET', '/api/v1/points/ahu1%2Fsat-sp');
    expect(point.body).toMatchObject({
      id: 'ahu1/sat-sp',
      unit: '°C',
      limits: { min: 14, max: 24, step: 0.5 },
      reading: { quality: 'good' },
      write: { action: 'point.write', permitted: true },
    });
  });

  it('changes a set point: done only after it was read back', async () => {
    const anna = await rig.as('anna');
    const written = await anna.ask('POST', '/api/v1/points/ahu1%2Fsat-sp/write', { body: { value: 19.5 } });
    expect(written.text).toContain('"state":"done"');
    expect(written.body).toMatchObject({ ok: true, rows: [{ point: 'ahu1/sat-sp', state: 'done', readBack: 19.5 }] });
    expect(rig.plant.devices.ahu1.bank.number('ahu1/sat-sp')).toBe(19.5);
    // The outcome's row follows the answer by one flush.
    await until('the outcome is recorded', async () => {
      const { body } = await anna.ask('GET', '/api/v1/points/ahu1%2Fsat-sp');
      return JSON.stringify(body.lastChange).includes('acknowledged');
    });
    const detail = await anna.ask('GET', '/api/v1/points/ahu1%2Fsat-sp');
    expect(detail.body).toMatchObject({
      reading: { value: 19.5 },
      lastChange: { by: 'Anna', value: 19.5, outcome: 'acknowledged' },
    });
    const ben = await rig.as('ben');
    const seen = await ben.ask('GET', '/api/v1/points/ahu1%2Fsat-sp');
    expect(seen.text).not.toContain('Anna');
  });
});

describe('several points at once', () => {
  it('are all written, or none where one is denied, with a verdict for each before', async () => {
    const anna = await rig.as('anna');
    const before = rig.plant.writesSeen();
    const rows = [
      { point: 'ahu1/sat-sp', value: 21 },
      { point: 'chiller1/chw-sp', value: 9 },
    ];
    const check = await anna.ask('POST', '/api/v1/batches/check', { body: { rows } });
    expect(check.body).toMatchObject({ ok: false, rows: [{ verdict: 'permitted' }, { verdict: 'denied' }] });
    const refused = await anna.ask('POST', '/api/v1/batches', { body: { rows } });
    expect(refused.status).toBe(403);
    expect(refused.body.denied).toMatchObject([
      { point: 'chiller1/chw-sp', device: 'chiller1', needed: 'point.write' },
    ]);
    expect(rig.plant.writesSeen()).toBe(before);
    const carla = await rig.as('carla');
    const done = await carla.ask('POST', '/api/v1/batches', { body: { rows } });
    expect(done.body).toMatchObject({ ok: true, rows: [{ state: 'done' }, { state: 'done' }] });
  });

  it('are put back where a device fails half-way, and a row says so where even that failed', async () => {
    const carla = await rig.as('carla');
    const bank = rig.plant.devices.ahu1.bank;
    await carla.ask('POST', '/api/v1/batches', {
      body: {
        rows: [
          { point: 'ahu1/sat-sp', value: 18 },
          { point: 'ahu1/dsp-sp', value: 200 },
        ],
      },
    });
    rig.plant.devices.chiller1.fail({ kind: 'exception', code: 4 }, { on: 'write' });
    const rows = [
      { point: 'ahu1/sat-sp', value: 22 },
      { point: 'ahu1/damper-cmd', value: false },
      { point: 'chiller1/chw-sp', value: 9.5 },
    ];
    const answer = await carla.ask('POST', '/api/v1/batches', { body: { rows } });
    rig.plant.devices.chiller1.behave();
    expect(answer.body).toMatchObject({
      ok: false,
      rows: [
        { point: 'ahu1/sat-sp', state: 'put-back', readBack: 18 },
        { point: 'ahu1/damper-cmd', state: 'left-written' },
        { point: 'chiller1/chw-sp', state: 'refused-by-device' },
      ],
    });
    expect(bank.number('ahu1/sat-sp')).toBe(18);
    expect(bank.get('ahu1/damper-cmd')).toBe(false);
    const journal = await carla.ask('GET', '/api/v1/journal?kind=system&limit=50');
    expect(journal.text).toContain('batch-begun');
    expect(rig.shelf.list('batch')).toEqual([]);
  });
});

describe('a key of a write', () => {
  it('gives the same answer again without writing, and refuses another body', async () => {
    const anna = await rig.as('anna');
    const path = '/api/v1/points/ahu1%2Fsat-sp/write';
    const headers = { 'idempotency-key': 'k-1' };
    const first = await anna.ask('POST', path, { body: { value: 20.5 }, headers });
    const writes = rig.plant.writesSeen();
    const again = await anna.ask('POST', path, { body: { value: 20.5 }, headers });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(rig.plant.writesSeen()).toBe(writes);
    expect((await anna.ask('POST', path, { body: { value: 21 }, headers })).status).toBe(422);
    const carla = await rig.as('carla');
    const other = await carla.ask('POST', path, { body: { value: 21 }, headers });
    expect(other.status).toBe(200);
    const both = await Promise.all(
      [1, 2].map(() => anna.ask('POST', path, { body: { value: 19 }, headers: { 'idempotency-key': 'k-2' } })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});
