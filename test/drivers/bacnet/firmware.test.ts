// Firmware steps against devices with real boot loaders: what goes well, every way in which it fails, and going on afterwards.

import { describe, expect, it } from 'vitest';
import type { LoaderFault } from '../../../simulators/bacnet/boot-loader.ts';
import { FIRMWARE_MODEL } from '../../../simulators/bacnet/firmware-plant.ts';
import { VENDOR } from '../../../simulators/bacnet/plant.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { buildImage } from '../../../simulators/firmware-image.ts';
import { FirmwareRig, sourceOf } from './firmware-rig.ts';

const SIZE = 50_000;
const acknowledged = { kind: 'acknowledged' };

describe('an update', () => {
  it('goes over piece by piece, is verified, activated, and says its version', async () => {
    const rig = await FirmwareRig.start({ firmware: { confirmSeconds: 7, staging: true } });
    const image = rig.plant.image('2.0.0', SIZE);
    expect(rig.firmware.path(rig.handle())).toEqual({
      method: 'BACnet file 1',
      resumes: true,
      reverts: true,
      hides: true,
      confirmMs: 7000,
    });
    const said = { vendor: VENDOR, model: FIRMWARE_MODEL };
    const standing = () => rig.firmware.standing(rig.handle());
    expect(await standing()).toEqual({ ok: true, value: { state: 'running', version: '1.0.0', ...said } });
    const progress: number[] = [];
    expect(await rig.transfer(image, { progress: (octets) => progress.push(octets) })).toEqual(acknowledged);
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(SIZE);
    expect([...progress].sort((one, other) => one - other)).toEqual(progress);
    expect(rig.content().equals(image)).toBe(true);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
    expect(await rig.step({ kind: 'activate', image: sourceOf(image) })).toEqual(acknowledged);
    expect(await standing()).toMatchObject({ value: { state: 'running', version: '2.0.0' } });
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 0, gaps: 0, octets: SIZE });
    expect(rig.journal.rows('intent').map(({ operation, effects }) => [operation, effects.length])).toEqual([
      ['atomic-write-file', 2],
      ['reinitialize-device', 1],
    ]);
    expect(rig.journal.rows('outcome')).toHaveLength(2);
  });

  it('shows that a part of it is there, and drops what is staged', async () => {
    const rig = await FirmwareRig.start({ firmware: { staging: true, stallSeconds: 1 } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'refuse', at: 5 });
    await rig.transfer(image);
    expect(await rig.firmware.standing(rig.handle())).toMatchObject({
      value: { state: 'receiving', received: 5 * 1412 },
    });
    expect(await rig.step({ kind: 'revert' })).toEqual(acknowledged);
    expect(rig.content()).toHaveLength(0);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
  });

  it('has the right on the device and its file, or nothing is sent', async () => {
    const rig = await FirmwareRig.start();
    const image = sourceOf(rig.plant.image('2.0.0', SIZE));
    const writes = rig.plant.device('fw1').record.writesSeen();
    expect(await rig.step({ kind: 'transfer', image, goesOn: false }, {}, 'fw1', 'carla')).toBe('no-permission');
    expect(await rig.step({ kind: 'activate', image }, {}, 'fw1', 'carla')).toBe('no-permission');
    expect(rig.plant.device('fw1').record.writesSeen()).toBe(writes);
    expect(image.reads).toEqual([]);
  });

  it('asks the password of the address, and says where the device refuses it', async () => {
    const rig = await FirmwareRig.start({ device: { password: 'filters' }, firmware: { password: 'wrong' } });
    const image = rig.plant.image('2.0.0', 2000);
    await rig.transfer(image);
    const outcome = await rig.step({ kind: 'activate', image: sourceOf(image) });
    expect(outcome).toEqual({ kind: 'refused-by-device', answer: 'error 4/password-failure' });
  });

  it.each(['warm-restart', 'cold-restart'])('is put into use by a %s where the address says so', async (activate) => {
    const rig = await FirmwareRig.start({ firmware: { activate } });
    const image = rig.plant.image('2.0.0', 2000);
    await rig.transfer(image);
    expect(await rig.step({ kind: 'activate', image: sourceOf(image) })).toEqual(acknowledged);
    expect(rig.plant.device('fw1').state.restarts).toBe(1);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
  });

  it('takes the time the device takes: busy while it erases, silent while it restarts', async () => {
    const rig = await FirmwareRig.start({ loader: { timeScale: 0.1 } });
    const image = rig.plant.image('2.0.0', SIZE);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(await rig.step({ kind: 'activate', image: sourceOf(image) })).toEqual(acknowledged);
    expect(await rig.firmware.standing(rig.handle())).toEqual({ ok: false, fault: 'the device did not answer' });
    await expect
      .poll(() => rig.firmware.standing(rig.handle()))
      .toMatchObject({ ok: true, value: { version: '2.0.0' } });
  });

  it('has no way where the address names none, no plan to empty what runs, and none for who is gone', async () => {
    const rig = await FirmwareRig.start();
    expect(rig.firmware.path(rig.handle('fw1/sp'))).toBeUndefined();
    expect(rig.firmware.plan(rig.handle('fw1/sp'), { kind: 'revert' }).ok).toBe(false);
    expect(rig.firmware.plan(rig.handle(), { kind: 'revert' })).toMatchObject({ ok: false });
    expect(await rig.firmware.standing(rig.handle('fw1/sp'))).toMatchObject({ ok: false });
  });
});

describe('what the device takes', () => {
  it.each([
    [{ maxApdu: 206, segmentation: 'none' }, 186],
    [{ maxApdu: 480, segmentation: 'none' }, 460],
    [{ maxApdu: 1476, segmentation: 'none' }, 1412],
  ] as const)('%j: pieces of %i octets', async (device, octets) => {
    const rig = await FirmwareRig.start({ device });
    const image = rig.plant.image('2.0.0', 10 * octets);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().transfers.at(-1)).toEqual({ chunks: 10, octets: image.length, again: 0, gaps: 0 });
    expect(await rig.verify(image)).toMatchObject({ ok: true });
  });

  it('what its address says, in segments where it must be', async () => {
    const rig = await FirmwareRig.start({ device: { maxApdu: 480 }, firmware: { chunk: 4096 } });
    const image = rig.plant.image('2.0.0', 4 * 4096);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().transfers.at(-1)).toMatchObject({ chunks: 4 });
  });

  it('tries segments on a large image and keeps what is faster', async () => {
    const rig = await FirmwareRig.start({ device: { maxApdu: 206 } });
    const image = rig.plant.image('2.0.0', SIZE);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
    expect(rig.loader().transfers.at(-1)?.chunks).toBeLessThan(SIZE / 186);
  });

  it.each([
    ['abort', 11],
    ['abort', 4],
    ['reject', 1],
  ] as const)('less at once where it answers %s %i', async (kind, reason) => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', 14_120);
    rig.plant.device('fw1').failInTurn([undefined, { kind, reason }, { kind, reason }]);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
    expect(rig.loader().transfers.at(-1)?.chunks).toBe(Math.ceil(14_120 / 353));
  });

  it('a file that wants its size first, or cannot be emptied', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', 14_120);
    const device = rig.plant.device('fw1');
    const denied = { kind: 'error', errorClass: 2, errorCode: 40 } as const;
    device.failInTurn([denied, { kind: 'error', errorClass: 5, errorCode: 11 }]);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
  });

  it('cuts a longer image that was there', async () => {
    const rig = await FirmwareRig.start();
    await rig.transfer(rig.plant.image('1.5.0', 20_000));
    rig.plant.device('fw1').failInTurn([{ kind: 'error', errorClass: 2, errorCode: 40 }]);
    const image = rig.plant.image('2.0.0', 10_000);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
  });
});

describe('what goes wrong', () => {
  it.each<[LoaderFault, RegExp]>([
    [{ kind: 'refuse', at: 7 }, /^error 5\/file-access-denied to octets 9884 to 11295$/],
    [{ kind: 'stall', at: 7 }, /^9884 of 50000 octets were transferred, then nothing more for 1 s: the device did not/],
    [{ kind: 'refuse', at: 7, error: [0, 25] }, /^9884 of 50000 octets .* for 1 s: error 0\/operational-problem$/],
    [{ kind: 'reboot', at: 7 }, /^the device restarted, or lost what it had: 9884 of 50000 .* it holds 0$/],
    [{ kind: 'never-back' }, /^0 of 50000 octets were transferred, then nothing more/],
  ])('%j ends the transfer with a clear word', async (fault, text) => {
    const rig = await FirmwareRig.start({ loader: { staging: 'ram' }, firmware: { stallSeconds: 1 } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail(fault);
    if (fault.kind === 'never-back') rig.loader().restart();
    const outcome = await rig.transfer(image);
    if (typeof outcome === 'string') throw new Error(outcome);
    expect('why' in outcome ? outcome.why : 'answer' in outcome ? outcome.answer : '').toMatch(text);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
    expect(rig.journal.rows('outcome')).toHaveLength(1);
    rig.loader().recover();
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
  });

  it('a reboot that keeps what is staged is gone over', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'reboot', at: 7 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
  });

  it('busy for a while is waited for', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'refuse', at: 7, error: [0, 3], times: 3 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 0, gaps: 0 });
  });

  it('a bit that was stored wrong is found, and the device does not run it', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'damage', at: 7 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(await rig.verify(image)).toEqual({
      ok: false,
      fault: `the device holds another octet than the image at place ${7 * 1412 + 706}`,
    });
    const outcome = await rig.step({ kind: 'activate', image: sourceOf(image) });
    expect(outcome).toEqual({ kind: 'refused-by-device', answer: 'error 0/inconsistent-configuration' });
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(await rig.verify(image)).toMatchObject({ ok: true });
  });

  it('a device that checks nothing bricks on a torn image, and takes a whole one again', async () => {
    const rig = await FirmwareRig.start({ loader: { checks: 'nothing' } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'refuse', at: 7 });
    await rig.transfer(image);
    rig.loader().recover();
    await rig.step({ kind: 'activate', image: sourceOf(image) });
    expect(rig.loader().isBricked).toBe(true);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('torn');
    expect(await rig.firmware.standing(rig.handle())).toMatchObject({ value: { state: 'boot-loader' } });
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(await rig.step({ kind: 'activate', image: sourceOf(image) })).toEqual(acknowledged);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
    expect(await rig.firmware.standing(rig.handle())).toMatchObject({ value: { state: 'running', version: '2.0.0' } });
  });

  it('an image for another model is refused by the device when it arrives', async () => {
    const rig = await FirmwareRig.start({ loader: { checks: 'arrival', banks: 'single' } });
    const image = buildImage({ vendor: VENDOR, model: 'Zephyr 20', version: '2.0.0', size: SIZE });
    expect(await rig.transfer(image)).toMatchObject({ kind: 'refused-by-device' });
  });

  it('a version that is a lie is told as the device tells it', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', 5000);
    await rig.transfer(image);
    rig.loader().fail({ kind: 'lie', version: '1.0.0' });
    await rig.step({ kind: 'activate', image: sourceOf(image) });
    expect(await rig.firmware.standing(rig.handle())).toMatchObject({ value: { version: '1.0.0' } });
  });

  it('an image that cannot be read to its end', async () => {
    const rig = await FirmwareRig.start();
    const source = { ...sourceOf(rig.plant.image('2.0.0', SIZE)), size: SIZE + 10 };
    const outcome = await rig.step({ kind: 'transfer', image: source, goesOn: false });
    expect(outcome).toMatchObject({
      kind: 'unknown',
      why: expect.stringContaining('the image ends before octet 50010'),
    });
  });

  it('an answer that names another place', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    rig.plant.device('fw1').state.files.set(1, {
      access: 'record',
      role: 'firmware',
      content: Buffer.alloc(0),
      records: [],
    });
    expect(await rig.transfer(image)).toMatchObject({
      kind: 'refused-by-device',
      answer: expect.stringContaining('to octets 0'),
    });
  });
});

describe('a file that cannot be read back', () => {
  it('is held against the image by its size, and sent again whole', async () => {
    const rig = await FirmwareRig.start({ loader: { readable: false } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'lose-answers', every: 5 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.content().equals(image)).toBe(true);
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
    expect(await rig.verify(rig.plant.image('2.0.0', SIZE + 1))).toEqual({
      ok: false,
      fault: 'its file cannot be read back (error 5/file-access-denied), and it is of 50000 octets, expected 50001',
    });
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
  });
});

describe('a transfer ends', () => {
  it('where the station is another device all at once', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', 5_000_000);
    let renumbered = false;
    const outcome = await rig.transfer(image, {
      progress: (octets) => {
        if (octets < 20_000 || renumbered) return;
        renumbered = true;
        rig.plant.device('fw1').renumber(77);
      },
    });
    expect(outcome).toMatchObject({
      kind: 'unknown',
      why: expect.stringMatching(/the station is no longer the device$/),
    });
  });

  it('where the driver stops, and says how far it came', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'refuse', at: 5, error: [0, 3] });
    let stopped: Promise<void> | undefined;
    const outcome = await rig.transfer(image, {
      progress: (octets) => {
        if (octets === 5 * 1412) stopped = rig.driver.stop();
      },
    });
    expect(outcome).toEqual({ kind: 'stopped', why: '7060 of 50000 octets were transferred' });
    await stopped;
    expect(await rig.transfer(image)).toMatchObject({ kind: 'not-sent' });
  });
});

describe('beside a transfer', () => {
  it('reads and set points go on, a second step of the same device does not, other devices do', async () => {
    const rig = await FirmwareRig.start({ count: 2 });
    const image = rig.plant.image('2.0.0', 200_000);
    let second: Promise<unknown> | undefined;
    let readings = 0;
    const look = async (): Promise<void> => {
      const [reading] = await rig.driver.read([rig.handle('fw1/sp')]);
      if (reading?.ok) readings += 1;
    };
    const looks: Promise<void>[] = [];
    const first = rig.transfer(image, {
      progress: (octets) => {
        looks.push(look());
        if (octets > 0) second ??= rig.transfer(image);
      },
    });
    const other = rig.transfer(image, { id: 'fw2' });
    expect(await Promise.all([first, other])).toEqual([acknowledged, acknowledged]);
    expect(await second).toEqual({ kind: 'not-sent', why: 'another step of its firmware is under way' });
    await Promise.all(looks);
    expect(readings).toBe(looks.length);
    expect(rig.loader('fw2').transfers.at(-1)).toMatchObject({ again: 0, gaps: 0 });
    expect(rig.plant.device('fw1').object('analog-value,1').value('present-value')).toEqual([app.real(20)]);
  });
});
