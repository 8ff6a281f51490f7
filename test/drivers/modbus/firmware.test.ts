// Firmware steps against devices with real boot loaders: what goes well, every way in which it fails, and going on afterwards.

import { describe, expect, it } from 'vitest';
import { buildImage } from '../../../simulators/firmware-image.ts';
import type { LoaderFault } from '../../../simulators/modbus/boot-loader.ts';
import { FIRMWARE_MODEL, FIRMWARE_VENDOR } from '../../../simulators/modbus/firmware-plant.ts';
import { FirmwareRig, type FirmwareRigOptions } from './firmware-rig.ts';

const SIZE = 20_001;
const BLOCK = 128;
const acknowledged = { kind: 'acknowledged' };
const fast = { stallSeconds: 1, pollMs: 10 };

const METHODS: readonly (readonly [name: string, options: FirmwareRigOptions])[] = [
  ['numbered blocks', { method: 'registers', firmware: fast }],
  ['numbered blocks without a state of readiness', { method: 'registers', firmware: fast, loader: { awaits: false } }],
  ['blocks without numbers', { method: 'registers', firmware: fast, loader: { numbered: false } }],
  ['files with commands', { method: 'files', firmware: fast }],
  ['plain files', { method: 'plain-files', firmware: fast }],
];

describe.each(METHODS)('an update by %s', (_name, options) => {
  it('goes over piece by piece, is verified, activated, and says its version', async () => {
    const rig = await FirmwareRig.start(options);
    const image = rig.plant.image('2.0.0', SIZE);
    const said = { vendor: FIRMWARE_VENDOR, model: FIRMWARE_MODEL };
    expect(await rig.standing()).toEqual({ ok: true, value: { state: 'running', version: '1.0.0', ...said } });
    const progress: number[] = [];
    expect(await rig.transfer(image, { progress: (octets) => progress.push(octets) })).toEqual(acknowledged);
    expect(progress[0]).toBe(0);
    expect(progress.at(-1)).toBe(SIZE);
    expect([...progress].sort((one, other) => one - other)).toEqual(progress);
    expect(rig.loader().staged.subarray(0, SIZE).equals(image)).toBe(true);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
    expect(await rig.activate(image)).toEqual(acknowledged);
    await expect.poll(() => rig.standing()).toMatchObject({ value: { state: 'running', version: '2.0.0' } });
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 0, gaps: 0 });
    expect(rig.journal.rows('outcome').map(({ outcome }) => outcome)).toEqual([acknowledged, acknowledged]);
  });
});

describe.each(METHODS.filter(([name]) => name === 'numbered blocks' || name === 'files with commands'))(
  'what does not come back with %s',
  (_name, options) => {
    const block = options.method === 'files' ? 242 : BLOCK;
    const at = 7 * block;
    it.concurrent.for<[LoaderFault, RegExp]>([
      [{ kind: 'refuse', at: 7 }, new RegExp(`^exception 4 to octets ${at} to ${at + block - 1}$`)],
      [
        { kind: 'refuse', at: 7, code: 6 },
        new RegExp(`^${at} of 20001 octets .*, then nothing more for 1 s: exception 6$`),
      ],
      [{ kind: 'stall', at: 7 }, new RegExp(`^${at} of 20001 octets .*, then nothing more for 1 s: no answer within`)],
      [{ kind: 'reboot', at: 7 }, /^the device restarted, or ended the transfer: .*, and it says `idle`$/],
      [{ kind: 'never-back' }, /^0 of 20001 octets were transferred, then nothing more/],
    ])(
      '%j ends the transfer with a clear word, and the next one is whole',
      async ([fault, text], { onTestFinished }) => {
        const loader = { ...options.loader, staging: 'ram' } as const;
        const rig = await FirmwareRig.start({ ...options, loader }, onTestFinished);
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
        expect(rig.loader().staged.equals(image)).toBe(true);
      },
    );
  },
);

describe.each(METHODS.filter(([name]) => name !== 'plain files'))('what goes wrong with %s', (_name, options) => {
  const block = options.method === 'files' ? 242 : BLOCK;
  const at = 7 * block;

  it('goes over a reboot that keeps what came in', async () => {
    const rig = await FirmwareRig.start(options);
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'reboot', at: 7 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().staged.equals(image)).toBe(true);
  });

  // A piece of a file has its place, and is sent again; a block is asked for first.
  it('goes over lost answers and a busy device without a gap or a double', async () => {
    const rig = await FirmwareRig.start(options);
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'lose-answers', every: 50 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().staged.equals(image)).toBe(true);
    const again = options.method === 'files' ? Math.floor(Math.ceil(SIZE / block) / 50) : 0;
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again, gaps: 0 });
    rig.loader().fail({ kind: 'refuse', at: 7, code: 6, times: 3 });
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 0, gaps: 0, octets: SIZE + 1 });
  });

  it('finds a bit that was stored wrong, and the device does not run it', async () => {
    const rig = await FirmwareRig.start(options);
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'damage', at: 7 });
    expect(await rig.transfer(image)).toEqual({
      kind: 'refused-by-device',
      answer: 'it found an error in the image, 20001 of 20001 octets were transferred',
    });
    const verified = await rig.verify(image);
    expect(verified).toMatchObject({ ok: false });
    expect(await rig.activate(image)).toEqual({ kind: 'refused-by-device', answer: 'exception 4' });
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
  });

  it('an image for another model is refused when its header is there', async () => {
    const rig = await FirmwareRig.start({ ...options, loader: { ...options.loader, checks: 'arrival' } });
    const image = buildImage({ vendor: FIRMWARE_VENDOR, model: 'Zephyr 20', version: '2.0.0', size: SIZE });
    expect(await rig.transfer(image)).toMatchObject({ kind: 'refused-by-device' });
    expect(rig.loader().transfers.at(-1)?.blocks).toBeLessThan(3);
  });

  it('takes the time the device takes, and tells a version that is a lie as the device tells it', async () => {
    const rig = await FirmwareRig.start({ ...options, loader: { ...options.loader, timeScale: 0.03 } });
    const image = rig.plant.image('2.0.0', 3000);
    expect(await rig.transfer(image)).toEqual(acknowledged);
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 0, gaps: 0 });
    rig.loader().fail({ kind: 'lie', version: '1.0.0' });
    expect(await rig.activate(image)).toEqual(acknowledged);
    expect(await rig.standing()).toEqual({ ok: false, fault: 'no answer within 100 ms' });
    await expect.poll(() => rig.standing()).toMatchObject({ value: { version: '1.0.0' } });
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
  });

  it('stops at once, leaves nothing under way, and goes on from there', async () => {
    const rig = await FirmwareRig.start(options);
    const image = rig.plant.image('2.0.0', SIZE);
    const abort = new AbortController();
    const stop = (octets: number): void => {
      if (octets > 5000) abort.abort();
    };
    const outcome = await rig.transfer(image, { signal: abort.signal, progress: stop });
    expect(outcome).toEqual({ kind: 'stopped', why: expect.stringMatching(/^5\d{3} of 20001 octets/) });
    const seen = rig.plant.device('fw1').record.writesSeen();
    const received = rig.loader().received;
    expect(await rig.standing()).toMatchObject({ value: { state: 'receiving', received } });
    expect(rig.plant.device('fw1').record.writesSeen()).toBe(seen);
    const progress: number[] = [];
    const on = { goesOn: true, progress: (octets: number) => progress.push(octets) };
    expect(await rig.transfer(image, on)).toEqual(acknowledged);
    expect(progress[0]).toBeGreaterThan(5000);
    expect(rig.loader().staged.equals(image)).toBe(true);
    expect(rig.loader().transfers.at(-1)).toMatchObject({ again: 0, gaps: 0 });
  });

  it('does not go on with a part of another image', async () => {
    const rig = await FirmwareRig.start(options);
    rig.loader().fail({ kind: 'refuse', at: 7 });
    await rig.transfer(rig.plant.image('1.5.0', SIZE + 100));
    rig.loader().recover();
    const image = rig.plant.image('2.0.0', SIZE);
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(rig.loader().staged.equals(image)).toBe(true);
  });

  it('bricks a device that checks nothing and was told to run a torn image, and rescues it', async () => {
    const rig = await FirmwareRig.start({
      ...options,
      loader: { ...options.loader, checks: 'nothing', banks: 'single' },
    });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'refuse', at: 7 });
    await rig.transfer(image);
    rig.loader().recover();
    expect(await rig.standing()).toMatchObject({ value: { state: 'boot-loader', received: at } });
    await rig.activate(image);
    await expect.poll(() => rig.loader().isBricked).toBe(true);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('torn');
    expect(await rig.standing()).toMatchObject({ value: { state: 'boot-loader' } });
    expect(await rig.transfer(image, { goesOn: true })).toEqual(acknowledged);
    expect(await rig.activate(image)).toEqual(acknowledged);
    await expect.poll(() => rig.standing()).toMatchObject({ value: { state: 'running', version: '2.0.0' } });
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
  });

  it('drops what is staged, and brings the former image back', async () => {
    const rig = await FirmwareRig.start(options);
    const image = rig.plant.image('2.0.0', SIZE);
    const revert = () => rig.step({ kind: 'revert' });
    await rig.transfer(image);
    expect(await rig.standing()).toMatchObject({ value: { state: 'staged' } });
    expect(await revert()).toEqual(acknowledged);
    expect(await rig.standing()).toMatchObject({ value: { state: 'running', version: '1.0.0' } });
    expect(await revert()).toEqual({ kind: 'refused-by-device', answer: 'exception 4' });
    await rig.transfer(image);
    await rig.activate(image);
    await expect.poll(() => rig.loader().bank(rig.plant.first, image)).toBe('new');
    await expect.poll(() => rig.standing()).toMatchObject({ value: { version: '2.0.0' } });
    expect(await revert()).toEqual(acknowledged);
    await expect.poll(() => rig.standing()).toMatchObject({ value: { version: '1.0.0' } });
  });
});
