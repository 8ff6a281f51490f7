// Browse, read, write, batch, override: as a person does it, against the simulated plant.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
