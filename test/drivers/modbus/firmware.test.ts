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
