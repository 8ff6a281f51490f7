// Firmware that comes as frames of somebody's tool: who may, whom it binds, what ends it, and what a revocation does to it.

import { describe, expect, it } from 'vitest';
import { ok } from '../../../src/model/result.ts';
import { MemoryShelf } from '../../jobs/slot-driver.ts';
import { everybody, watching } from '../firmware-steps.ts';
import { FirmwareRig, type FirmwareRigOptions, sourceOf } from './firmware-rig.ts';

const UNIT = 1;
const FC21 = '15 0b 06 000a 0000 0002 11223344';
const START = '06 01f4 0001';
const COMMIT = '06 01f4 0002';
const ABORT = '06 01f4 0003';
const SIZE = '10 01f6 0002 04 00000080';
/** Block 0, its number before its data. */
const BLOCK = `10 021c 0041 82 0000 ${'00'.repeat(128)}`;
const RESTART = '08 0001 0000';
const SET_POINT = '10 0000 0002 04 41a80000';

const busy = (functionCode: string): string => `${(Number.parseInt(functionCode, 16) | 0x80).toString(16)}06`;
const raw: FirmwareRigOptions = { raw: true };

describe('raw images', () => {
  it.each([
    ['FC 21', FC21, '9501'],
    ['the command register, a point of the class `firmware`', START, '8601'],
    ['the size register, no point', SIZE, '9001'],
    ['a block’s registers, no points', BLOCK, '9001'],
    ['FC 23 to the size register', '17 0000 0001 01f6 0002 04 00000080', '9701'],
    ['FC 22 to the command register', '16 01f4 0000 0001', '9601'],
  ])('%s: refused unless the device says that it takes them', async (_name, pdu, answer) => {
    const rig = await FirmwareRig.start();
    const anna = await rig.client('anna');
    expect(await anna.ask(UNIT, pdu)).toBe(answer);
    expect(rig.plant.device('fw1').record.writesSeen()).toBe(0);
    expect(rig.journal.rows('refusal').map(({ reason }) => reason)).toEqual(['image-unverified']);
  });

  it('are taken where it does, from who has the right', async () => {
    const rig = await FirmwareRig.start(raw);
    const [anna, carla] = [await rig.client('anna'), await rig.client('carla')];
    expect(await carla.ask(UNIT, START)).toBe('8601');
    expect(await anna.ask(UNIT, START)).toBe('0601f40001');
    expect(await anna.ask(UNIT, SIZE)).toBe('1001f60002');
    expect(await anna.ask(UNIT, BLOCK)).toBe('10021c0041');
    expect(rig.loader().received).toBe(128);
    expect(rig.journal.rows('intent').map(({ effects }) => effects.map(({ target }) => target))).toEqual([
      ['fw1', 'fw1/loader'],
      ['fw1'],
      ['fw1'],
    ]);
  });
});

describe('a transfer', () => {
  it('binds one person to one device: others are answered busy, reads and set points go on', async () => {
    const rig = await FirmwareRig.start({ ...raw, count: 2 });
    const [anna, ben] = [await rig.client('anna'), await rig.client('ben')];
    await anna.ask(UNIT, START);
    expect(await ben.ask(UNIT, FC21)).toBe(busy('15'));
    expect(await ben.ask(UNIT, BLOCK)).toBe(busy('10'));
    expect(await ben.ask(UNIT, COMMIT)).toBe(busy('06'));
    expect(await ben.ask(UNIT, RESTART)).toBe(busy('08'));
    expect(await ben.ask(UNIT, SET_POINT)).toBe('1000000002');
    expect(await ben.ask(UNIT, '03 0000 0002')).toBe('030441a80000');
    expect(await ben.ask(2, START)).toBe('0601f40001');
    expect(rig.gate.transfers()).toMatchObject([
      { device: 'fw1', principal: 'anna' },
      { device: 'fw2', principal: 'ben' },
    ]);
  });

  it.each([
    ['the command `commit`', COMMIT],
    ['the command `abort`', ABORT],
    ['the command `revert`', '06 01f4 0004'],
    ['a command by FC 16', '10 01f4 0001 02 0003'],
    ['a command by FC 23', '17 0000 0001 01f4 0001 02 0003'],
    ['a mask that can make it a command', '16 01f4 0000 0003'],
    ['a restart by FC 8/1', RESTART],
  ])('ends with %s', async (_name, pdu) => {
    const rig = await FirmwareRig.start(raw);
    const [anna, ben] = [await rig.client('anna'), await rig.client('ben')];
    await anna.ask(UNIT, START);
    await anna.ask(UNIT, pdu);
    expect(rig.gate.transfers()).toEqual([]);
    expect(rig.journal.rows('intent').at(-1)?.effects[0]).toMatchObject({ target: 'fw1', action: 'firmware.update' });
    expect(await ben.ask(UNIT, START)).toBe('0601f40001');
  });

  it.each([
    ['another command', START],
    ['a mask that cannot make it a command', '16 01f4 0000 0001'],
    ['a block', BLOCK],
  ])('goes on with %s', async (_name, pdu) => {
    const rig = await FirmwareRig.start(raw);
    const anna = await rig.client('anna');
    await anna.ask(UNIT, START);
    await anna.ask(UNIT, pdu);
    expect(rig.gate.transfers()).toMatchObject([{ device: 'fw1' }]);
  });

  it('outside of one, a restart asks `device.control`', async () => {
    const rig = await FirmwareRig.start(raw);
    const anna = await rig.client('anna');
    expect(await anna.ask(UNIT, RESTART)).toBe('0800010000');
    await anna.ask(UNIT, START);
    await anna.ask(UNIT, ABORT);
    expect(await anna.ask(UNIT, RESTART)).toBe('0800010000');
    expect(rig.journal.rows('intent').map(({ effects }) => effects[0]?.action)).toEqual([
      'device.control',
      'firmware.update',
      'firmware.update',
      'device.control',
    ]);
  });

  it('is its person’s on every connection, and a restart right behind its first frame is within it', async () => {
    const rig = await FirmwareRig.start(raw);
    const [anna, other] = [await rig.client('anna'), await rig.client('anna')];
    await anna.ask(UNIT, START);
    await other.ask(UNIT, RESTART);
    expect(rig.gate.transfers()).toEqual([]);
    await Promise.all([anna.ask(UNIT, START), anna.ask(UNIT, RESTART)]);
    expect(rig.gate.transfers()).toEqual([]);
    const actions = rig.journal.rows('intent').map(({ effects }) => effects[0]?.action);
    expect(actions).toEqual(Array(4).fill('firmware.update'));
  });

  it('that was left asks both rights of a restart, also after one of the gateway, until it is put into use', async () => {
    const shelf = new MemoryShelf();
    const site = { transfers: { idleMs: 40, longestMs: 5000, coolDownMs: 5000 } };
    const roles = [
      { to: 'user:ben', permissions: ['device.view', 'device.control'], at: 'hq' },
      { to: 'user:carla', role: 'admin', at: 'hq' },
    ];
    const first = await FirmwareRig.start({ ...raw, site, shelf });
    const anna = await first.client('anna');
    expect(await anna.ask(UNIT, START)).toBe('0601f40001');
    await expect.poll(() => first.gate.transfers()).toEqual([]);
    expect(shelf.list('raw-image')).toMatchObject([{ id: 'fw1' }]);
    for (const rig of [first, await FirmwareRig.start({ ...raw, site, shelf })]) {
      rig.regrant(roles);
      const writes = rig.plant.device('fw1').record.writesSeen();
      expect(await (await rig.client('ben')).ask(UNIT, RESTART)).toBe('8801');
      expect(rig.plant.device('fw1').record.writesSeen()).toBe(writes);
      if (rig === first) continue;
      expect(await (await rig.client('carla')).ask(UNIT, RESTART)).toBe('0800010000');
      expect(
        rig.journal
          .rows('intent')
          .at(-1)
          ?.effects.map(({ action }) => action),
      ).toEqual(['device.control', 'firmware.update']);
      expect(shelf.list('raw-image')).toEqual([]);
      await expect.poll(async () => (await rig.client('ben')).ask(UNIT, RESTART)).toBe('0800010000');
      expect(rig.journal.rows('intent').at(-1)?.effects).toMatchObject([{ action: 'device.control' }]);
    }
  });

  it('that was dropped, or that the device refused, asks nothing more of a restart', async () => {
    const shelf = new MemoryShelf();
    const rig = await FirmwareRig.start({ ...raw, shelf });
    const anna = await rig.client('anna');
    expect(await anna.ask(UNIT, '06 01f4 0009')).toBe('8603');
    expect(shelf.list('raw-image')).toEqual([]);
    await anna.ask(UNIT, START);
    expect(shelf.list('raw-image')).toHaveLength(1);
    await anna.ask(UNIT, ABORT);
    expect(shelf.list('raw-image')).toEqual([]);
  });

  it('that is idle ends, and its person waits before the next', async () => {
    const rig = await FirmwareRig.start({
      ...raw,
      site: { transfers: { idleMs: 40, longestMs: 5000, coolDownMs: 5000 } },
    });
    const [anna, ben] = [await rig.client('anna'), await rig.client('ben')];
    await anna.ask(UNIT, START);
    await expect.poll(() => rig.gate.transfers()).toEqual([]);
    expect(await anna.ask(UNIT, START)).toBe(busy('06'));
    expect(await ben.ask(UNIT, START)).toBe('0601f40001');
  });
});

describe('the right withdrawn in the middle', () => {
  const without = everybody.filter((grant) => !JSON.stringify(grant).includes('anna'));

  it('stops the transfer where the device says nothing else', async () => {
    const rig = await FirmwareRig.start(raw);
    const anna = await rig.client('anna');
    await anna.ask(UNIT, START);
    rig.regrant(without);
    expect(await anna.ask(UNIT, BLOCK)).toBe('9001');
    expect(rig.gate.transfers()).toEqual([]);
    expect(rig.loader().received).toBe(0);
  });

  it('lets it be finished where the device says so, but never activated', async () => {
    const rig = await FirmwareRig.start({ ...raw, onRevoke: 'finish' });
    const anna = await rig.client('anna');
    await anna.ask(UNIT, START);
    await anna.ask(UNIT, SIZE);
    rig.regrant(without);
    expect(await anna.ask(UNIT, BLOCK)).toBe('10021c0041');
    expect(rig.loader().received).toBe(128);
    const seen = rig.plant.device('fw1').record.writesSeen();
    expect(await anna.ask(UNIT, COMMIT)).toBe('8601');
    expect(await anna.ask(UNIT, RESTART)).toBe('8801');
    expect(rig.plant.device('fw1').record.writesSeen()).toBe(seen);
    expect(rig.gate.transfers()).toEqual([]);
  });
});

describe('a device that a job holds', () => {
  it('takes the job’s steps and is busy for everybody’s tools', async () => {
    const rig = await FirmwareRig.start(raw);
    const anna = await rig.client('anna');
    expect(rig.gate.holdDevice(rig.caller(), rig.handle(), 'job-1')).toEqual(ok(undefined));
    for (const pdu of [START, BLOCK, COMMIT, RESTART, FC21]) {
      expect(await anna.ask(UNIT, pdu)).toBe(busy(pdu.slice(0, 2)));
    }
    expect(await anna.ask(UNIT, SET_POINT)).toBe('1000000002');
    const image = sourceOf(rig.plant.image('2.0.0', 3000));
    const planned = rig.firmware.plan(rig.handle(), { kind: 'transfer', image, goesOn: false });
    if (!planned.ok) throw new Error(planned.fault);
    const judged = rig.gate.judge(rig.caller(), { ...planned.value, job: 'job-1' });
    if (!judged.permitted) throw new Error(judged.denial.text);
    expect(await rig.firmware.perform(judged.permit, watching({}))).toEqual({ kind: 'acknowledged' });
  });
});
