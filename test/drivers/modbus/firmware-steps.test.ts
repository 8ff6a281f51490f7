// Steps of firmware updates one by one: what they ask, loaders that say less, files without one, and what goes on beside them.

import { describe, expect, it } from 'vitest';
import { FirmwareRig, sourceOf } from './firmware-rig.ts';

const SIZE = 20_001;
const BLOCK = 128;
const acknowledged = { kind: 'acknowledged' };
const fast = { stallSeconds: 1, pollMs: 10 };

describe('plain files', () => {
  const plain = { method: 'plain-files', firmware: fast } as const;

  it('are read back, octet by octet, and a torn image stays where it is', async () => {
    const rig = await FirmwareRig.start(plain);
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'damage', at: 7 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    const place = 7 * 242 + 121;
    expect(await rig.verify(image)).toEqual({
      ok: false,
      fault: `the device holds another octet than the image at place ${place}`,
    });
    const progress: number[] = [];
    const on = { goesOn: true, progress: (octets: number) => progress.push(octets) };
    expect(await rig.transfer(image, on)).toEqual(acknowledged);
    expect(progress[0]).toBe(place - (place % 2));
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
  });

  it('of more than 10 000 records go over several files', async () => {
    const rig = await FirmwareRig.start(plain);
    const image = rig.plant.image('2.0.0', 45_000);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
    const files = rig.plant
      .device('fw1')
      .record.writes()
      .map(({ bytes }) => bytes.readUInt16BE(10));
    expect(new Set(files)).toEqual(new Set([10, 11, 12]));
  });

  it('that cannot be read back tell nothing where there is no loader to ask', async () => {
    const rig = await FirmwareRig.start({ ...plain, loader: { readable: false } });
    const image = rig.plant.image('2.0.0', 2000);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    const unread = 'its files (exception 1) cannot be read back';
    expect(await rig.verify(image)).toEqual({ ok: false, fault: `${unread}, and nothing else tells what it holds` });
    const other = await FirmwareRig.start({ method: 'files', firmware: fast, loader: { readable: false } });
    expect(await other.transfer(image)).toEqual(acknowledged);
    expect(await other.verify(image)).toEqual({ ok: true, value: undefined });
  });

  it('have no commands to take anything back', async () => {
    const rig = await FirmwareRig.start(plain);
    expect(rig.firmware.path(rig.handle())).toMatchObject({ method: 'Modbus file record', reverts: false });
    expect(await rig.step({ kind: 'revert' })).toMatch(/^its address names no command/);
  });
});

describe('a loader that says less', () => {
  const idle = { idle: 0, busy: 4, error: 5 };

  it('of verification is believed by what it holds', async () => {
    const values = { ...idle, ready: [2, 3] };
    const rig = await FirmwareRig.start({ firmware: { ...fast, status: { register: 501, values } } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'refuse', at: 7 });
    await rig.transfer(image);
    expect(await rig.verify(image)).toEqual({
      ok: false,
      fault: 'its blocks cannot be read back, and it holds 896 octets, expected 20001',
    });
    rig.loader().recover();
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
  });

  it('of verification, but of an error, is believed there', async () => {
    const values = { ...idle, ready: [2, 3] };
    const rig = await FirmwareRig.start({ firmware: { ...fast, status: { register: 501, values } } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'damage', at: 7 });
    expect(await rig.transfer(image)).toEqual({
      kind: 'refused-by-device',
      answer: 'it found an error in the image, 20001 of 20001 octets were transferred',
    });
    expect(await rig.verify(image)).toEqual({
      ok: false,
      fault: 'its blocks cannot be read back, and it says `error`',
    });
  });

  it('that holds more than the image does not hold the image', async () => {
    for (const method of ['registers', 'files'] as const) {
      const rig = await FirmwareRig.start({ method, firmware: fast, loader: { readable: false } });
      expect(await rig.transfer(rig.plant.image('1.5.0', SIZE + 2 * BLOCK))).toEqual(acknowledged);
      expect(await rig.verify(rig.plant.image('2.0.0', SIZE))).toMatchObject({
        ok: false,
        fault: expect.stringMatching(/cannot be read back, and it holds 20\d\d\d octets, expected 20001$/),
      });
    }
  });

  it('of how much it holds goes by the numbers of its blocks, and begins anew after an interruption', async () => {
    const rig = await FirmwareRig.start({ firmware: { ...fast, received: undefined } });
    const image = rig.plant.image('2.0.0', SIZE);
    expect(rig.firmware.path(rig.handle())).toMatchObject({ resumes: false });
    rig.loader().fail({ kind: 'lose-answers', every: 50 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 3, gaps: 0 });
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(rig.loader().transfers).toHaveLength(2);
  });

  it('is not spoken to while it is silent, and what it refuses ends a step', async () => {
    const rig = await FirmwareRig.start({ firmware: fast, loader: { timeScale: 1 } });
    const image = rig.plant.image('2.0.0', 200);
    const began = rig.transfer(image);
    await expect.poll(() => rig.standing()).toMatchObject({ value: { state: 'busy' } });
    expect(await rig.step({ kind: 'revert' })).toMatchObject({ kind: 'not-sent' });
    expect(await began).toEqual(acknowledged);
    rig.plant.device('fw1').fail({ kind: 'exception', code: 2 }, { on: 'write' });
    expect(await rig.transfer(image)).toEqual({
      kind: 'refused-by-device',
      answer: 'exception 2 to the command `start`',
    });
    rig.plant.device('fw1').fail({ kind: 'exception', code: 2 }, { on: 'read' });
    expect(await rig.standing()).toEqual({ ok: false, fault: 'exception 2' });
    expect(await rig.verify(image)).toEqual({ ok: false, fault: 'its blocks cannot be read back, and exception 2' });
    expect(await rig.step({ kind: 'revert' })).toEqual({ kind: 'not-sent', why: 'exception 2' });
  });
});

describe('a step', () => {
  it('asks the device, and the points whose registers it writes', async () => {
    const rig = await FirmwareRig.start({ firmware: { confirmSeconds: 7 } });
    const image = sourceOf(rig.plant.image('2.0.0', SIZE));
    expect(rig.firmware.path(rig.handle())).toEqual({
      method: 'register boot loader',
      resumes: true,
      reverts: true,
      confirmMs: 7000,
    });
    const asked = (step: Parameters<typeof rig.step>[0]) => {
      const planned = rig.firmware.plan(rig.handle(), step);
      return planned.ok ? planned.value : planned.fault;
    };
    const both = [rig.handle(), rig.handle('fw1/loader')].map((target) => ({ target, asks: 'firmware.update' }));
    const device = rig.handle();
    expect(asked({ kind: 'transfer', image, goesOn: false })).toMatchObject({
      operation: 'writeMultipleRegisters',
      effects: both,
      transfer: { device, ends: false },
    });
    expect(asked({ kind: 'activate', image })).toMatchObject({ effects: both, transfer: { device, ends: true } });
    expect(asked({ kind: 'revert' })).toMatchObject({ effects: both, transfer: { device, ends: true }, reverts: true });
  });

  it('has the right on all of them, or nothing is sent', async () => {
    const rig = await FirmwareRig.start();
    const image = sourceOf(rig.plant.image('2.0.0', SIZE));
    expect(await rig.step({ kind: 'transfer', image, goesOn: false }, {}, 'fw1', 'carla')).toBe('no-permission');
    expect(await rig.step({ kind: 'activate', image }, {}, 'fw1', 'carla')).toBe('no-permission');
    expect(rig.plant.device('fw1').record.writesSeen()).toBe(0);
    expect(image.reads).toEqual([]);
  });

  it('has no way where the address names none, and no place for what is too large or nothing', async () => {
    const rig = await FirmwareRig.start({ loader: { words: 1 } });
    expect(rig.firmware.path(rig.handle('fw1/sp'))).toBeUndefined();
    const nowhere = { ok: false, fault: 'its address describes no way for firmware' };
    expect(rig.firmware.plan(rig.handle('fw1/sp'), { kind: 'revert' })).toEqual(nowhere);
    expect(await rig.firmware.standing(rig.handle('fw1/sp'))).toEqual(nowhere);
    expect(await rig.transfer(Buffer.alloc(0))).toBe('the image is empty');
    expect(await rig.transfer(Buffer.alloc(131_073))).toBe('it is of `65537` blocks, expected 65536 at the most');
  });

  it('is not sent where the line is down, and one that was aborted does not begin', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    const why = 'it was aborted before it began';
    expect(await rig.transfer(image, { signal: AbortSignal.abort() })).toEqual({ kind: 'not-sent', why });
    await rig.plant.hosts.get('fw1')?.stop();
    expect(await rig.transfer(image)).toMatchObject({ kind: 'not-sent' });
    expect(rig.journal.rows('outcome').map(({ outcome }) => outcome.kind)).toEqual(['not-sent', 'not-sent']);
    expect(await rig.standing()).toMatchObject({ ok: false });
  });

  it('that is aborted does not wait for what is silent', async () => {
    const rig = await FirmwareRig.start({ timeoutMs: 60_000 });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'stall', at: 3 });
    const abort = new AbortController();
    const progress = (octets: number): void => {
      if (octets === 3 * BLOCK) setTimeout(() => abort.abort(), 20);
    };
    expect(await rig.transfer(image, { signal: abort.signal, progress })).toMatchObject({ kind: 'stopped' });
  });

  it.each([
    ['the command `commit`', { firmware: fast }],
    ['a restart', { method: 'plain-files', firmware: fast }],
  ] as const)('that is aborted while it waits for its turn does not begin: %s', async (_name, options) => {
    const rig = await FirmwareRig.start({ ...options, timeoutMs: 1000 });
    const image = rig.plant.image('2.0.0', 2000);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    const { record } = rig.plant.device('fw1');
    const seen = record.writesSeen();
    rig.plant.device('fw1').fail({ kind: 'delay', ms: 50 }, { times: 1 });
    const reading = rig.driver.read([rig.handle('fw1/sp')]);
    const abort = new AbortController();
    const outcome = rig.activate(image, { signal: abort.signal });
    abort.abort();
    expect(await outcome).toEqual({ kind: 'not-sent', why: 'it was aborted before it began' });
    expect((await reading)[0]).toMatchObject({ ok: true });
    expect(record.writesSeen()).toBe(seen);
  });

  it('of an image that cannot be read to its end says so', async () => {
    const rig = await FirmwareRig.start();
    const source = { ...sourceOf(rig.plant.image('2.0.0', SIZE)), size: SIZE + 10 };
    expect(await rig.step({ kind: 'transfer', image: source, goesOn: false })).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('the image ends before octet'),
    });
  });

  it('of a restart whose answer is lost is not known, and of a status nobody named neither', async () => {
    const rig = await FirmwareRig.start({
      firmware: { ...fast, status: { register: 501, values: { idle: 0, ready: 2 } }, received: { register: 504 } },
    });
    const image = rig.plant.image('2.0.0', 2000);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(await rig.standing()).toEqual({
      ok: false,
      fault: 'its status is `3`, expected one that its address names',
    });
    rig.plant.device('fw1').fail({ kind: 'silence' }, { on: 'write', times: 1 });
    expect(await rig.activate(image)).toEqual({ kind: 'unknown', why: 'no answer within 100 ms' });
    await expect.poll(() => rig.loader().bank(rig.plant.first, image)).toBe('new');
  });
});

describe('beside a transfer', () => {
  it('reads and set points go on, a second step of the same device does not, other devices do', async () => {
    const rig = await FirmwareRig.start({ count: 2, firmware: fast });
    const image = rig.plant.image('2.0.0', SIZE);
    let second: Promise<unknown> | undefined;
    const looks: Promise<boolean>[] = [];
    const look = async (): Promise<boolean> => (await rig.driver.read([rig.handle('fw1/sp')]))[0]?.ok === true;
    const set = async (): Promise<unknown> => {
      const planned = rig.driver.plan([{ target: rig.handle('fw1/sp'), value: 21 }]);
      if (!planned.ok) return planned.fault;
      const judged = rig.gate.judge(rig.caller('ben'), planned.value);
      return judged.permitted ? (await rig.driver.perform(judged.permit)).outcome : judged.denial.reason;
    };
    let written: Promise<unknown> | undefined;
    const first = rig.transfer(image, {
      progress: (octets) => {
        looks.push(look());
        if (octets > 0) second ??= rig.transfer(image);
        if (octets > 0) written ??= set();
      },
    });
    const other = rig.transfer(image, { id: 'fw2' });
    expect(await Promise.all([first, other])).toEqual([acknowledged, acknowledged]);
    expect(await second).toEqual({ kind: 'not-sent', why: 'another step of its firmware is under way' });
    expect(await written).toEqual(acknowledged);
    expect((await Promise.all(looks)).every(Boolean)).toBe(true);
    expect(rig.loader('fw2').transfers.at(-1)).toMatchObject({ again: 0, gaps: 0 });
    expect(rig.plant.device('fw1').bank.get('fw1/sp')).toBe(21);
  });
});
