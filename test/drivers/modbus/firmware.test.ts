// Firmware steps against devices with real boot loaders: what goes well, every way in which it fails, and going on afterwards.

import { describe, expect, it } from 'vitest';
import { buildImage } from '../../../simulators/bacnet/firmware-image.ts';
import type { LoaderFault } from '../../../simulators/modbus/boot-loader.ts';
import { FIRMWARE_MODEL, FIRMWARE_VENDOR } from '../../../simulators/modbus/firmware-plant.ts';
import { FirmwareRig, type FirmwareRigOptions, sourceOf } from './firmware-rig.ts';

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
    await expect.poll(() => rig.standing(), { timeout: 5000 }).toMatchObject({ value: { version: '1.0.0' } });
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

  it('that ends a silent wait does so within a second', async () => {
    const rig = await FirmwareRig.start({ timeoutMs: 1500 });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'stall', at: 3 });
    const abort = new AbortController();
    const began = performance.now();
    const progress = (octets: number): void => {
      if (octets === 3 * BLOCK) setTimeout(() => abort.abort(), 20);
    };
    expect(await rig.transfer(image, { signal: abort.signal, progress })).toMatchObject({ kind: 'stopped' });
    expect(performance.now() - began).toBeLessThan(1500);
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
