// Firmware that comes as raw frames (PROTOCOLS.md): who may, one person for the whole transfer, and how it ends.

import { describe, expect, it } from 'vitest';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { targetId } from '../../../src/model/ids.ts';
import { MemoryShelf } from '../../jobs/slot-driver.ts';
import { FirmwareRig, type FirmwareRigOptions, sourceOf } from './firmware-rig.ts';

const DENIED = { file: 'error 5,5', service: 'error 5,29', write: 'error 2,40', transfer: 'error 0,2' } as const;
const setPoint = ask.writeProperty({ object: 'analog-value,1', value: [app.real(21)], priority: 10 });
const size = ask.writeProperty({ object: 'file,1', property: 'file-size', value: [app.unsigned(0)] });
const ACTIVATE = ask.reinitialize(7);
const RESTART = ask.reinitialize(1);

async function start(options: FirmwareRigOptions = {}) {
  const rig = await FirmwareRig.start({ raw: true, ...options });
  const image = rig.plant.image('2.0.0', 4000);
  const chunk = (at: number) => ask.writeFile(1, at, image.subarray(at, at + 1000));
  const writes = (): number => rig.plant.device('fw1').record.writesSeen();
  return { rig, image, chunk, writes };
}

describe('raw firmware', () => {
  it('goes over as one person’s transfer, and activating is a part of it that ends it', async () => {
    const { rig, image, chunk } = await start();
    expect(await rig.ask('anna', size)).toBe('simple-ack');
    for (const at of [0, 1000, 2000, 3000]) expect(await rig.ask('anna', chunk(at))).toBe('complex-ack');
    expect(rig.gate.transfers()).toMatchObject([{ device: 'fw1', principal: 'anna' }]);
    expect(await rig.ask('anna', ACTIVATE)).toBe('simple-ack');
    expect(rig.gate.transfers()).toEqual([]);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('new');
    const operations = rig.journal.rows('intent').map(({ operation, effects }) => [operation, effects[0]?.action]);
    expect(operations.at(-1)).toEqual(['reinitialize-device', 'firmware.update']);
  });

  it('is `image-unverified` where the device takes none, also by the address alone, also when it is activated', async () => {
    const { rig, chunk, writes } = await start({ raw: false });
    const before = writes();
    expect(await rig.ask('anna', chunk(0))).toBe(DENIED.file);
    expect(await rig.ask('anna', size)).toBe(DENIED.write);
    expect(rig.journal.rows('refusal').map(({ reason }) => reason)).toEqual(['image-unverified', 'image-unverified']);
    expect(writes()).toBe(before);
  });

  it('keeps everybody else’s frames out, not their set points, until it ends', async () => {
    const { rig, chunk, writes } = await start();
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    const before = writes();
    for (const request of [chunk(0), size, ACTIVATE, RESTART, ask.communicationControl(1)])
      expect(await rig.ask('ben', request)).toBe(DENIED.transfer);
    expect(writes()).toBe(before);
    expect(await rig.ask('ben', setPoint)).toBe('simple-ack');
    expect(await rig.ask('anna', ACTIVATE)).not.toBe(DENIED.transfer);
    expect(await rig.ask('ben', chunk(0))).toBe('complex-ack');
  });

  it('has within it a restart right behind its first frame', async () => {
    const { rig, chunk } = await start();
    expect(await rig.ask('anna', setPoint)).toBe('simple-ack');
    // The tool does not wait for an answer.
    await Promise.all([rig.ask('anna', chunk(0)), rig.ask('anna', RESTART)]);
    const intents = rig.journal.rows('intent').slice(1);
    const asked = intents.map(({ operation, effects }) => [operation, effects[0]?.action]);
    expect(asked).toEqual([
      ['atomic-write-file', 'firmware.update'],
      ['reinitialize-device', 'firmware.update'],
    ]);
    expect(rig.gate.transfers()).toEqual([]);
  });

  it('goes idle, cools down for who let it, and is free for others', async () => {
    const { rig, chunk } = await start({ site: { transfers: { idleMs: 80, coolDownMs: 60_000 } } });
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    await expect.poll(() => rig.gate.transfers()).toEqual([]);
    expect(await rig.ask('anna', chunk(1000))).toBe(DENIED.transfer);
    expect(await rig.ask('ben', chunk(0))).toBe('complex-ack');
  });

  it('has a longest time, however busy it is', async () => {
    const { rig, chunk } = await start({ site: { transfers: { longestMs: 100, coolDownMs: 60_000 } } });
    await expect.poll(() => rig.ask('anna', chunk(0)), { interval: 10 }).toBe(DENIED.transfer);
    expect(rig.gate.transfers()).toEqual([]);
  });

  it('is ended by who has `device.control` there', async () => {
    const { rig, chunk } = await start();
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    const end = (who: string) => rig.gate.endTransfer(rig.caller(who), targetId('fw1'), 'the plant stands');
    expect(end('carla')).toEqual({ ok: false, fault: 'no-permission' });
    expect(end('ben')).toMatchObject({ ok: true });
    expect(await rig.ask('anna', chunk(1000))).toBe(DENIED.transfer);
    expect(await rig.ask('anna', ACTIVATE)).toBe(DENIED.transfer);
  });
});

describe('an image that waits in a device', () => {
  const idle = { site: { transfers: { idleMs: 40, coolDownMs: 60_000 } } };
  const roles = [
    { to: 'user:ben', permissions: ['device.view', 'device.control'], at: 'hq' },
    { to: 'user:carla', role: 'admin', at: 'hq' },
  ];

  /** Anna has left a part of one there. */
  async function left(shelf = new MemoryShelf()) {
    const staged = await start({ ...idle, shelf });
    expect(await staged.rig.ask('anna', staged.chunk(0))).toBe('complex-ack');
    await expect.poll(() => staged.rig.gate.transfers()).toEqual([]);
    staged.rig.regrant(roles);
    return { ...staged, shelf };
  }
  const asked = (rig: FirmwareRig) => {
    const [last] = rig.journal.rows('intent').slice(-1);
    return last?.effects.map(({ action }) => action);
  };

  it('is put into use by a restart of who has the firmware right, too, and by nobody else’s', async () => {
    const { rig, writes } = await left();
    const before = writes();
    for (const request of [RESTART, ACTIVATE, ask.reinitialize(0)])
      expect(await rig.ask('ben', request)).toBe(DENIED.service);
    expect(writes()).toBe(before);
    expect(rig.journal.rows('refusal').at(-1)).toMatchObject({ reason: 'no-permission' });
    expect(await rig.ask('ben', ask.communicationControl(1))).toBe('simple-ack');
    expect(await rig.ask('carla', RESTART)).toBe('simple-ack');
    expect(asked(rig)).toEqual(['device.control', 'firmware.update']);
    expect(rig.gate.transfers()).toEqual([]);
  });

  it('is remembered by the next gateway, and forgotten once it was put into use', async () => {
    const { shelf } = await left();
    expect(shelf.list('raw-image')).toMatchObject([{ id: 'fw1' }]);
    const next = await start({ ...idle, shelf });
    next.rig.regrant(roles);
    expect(await next.rig.ask('ben', RESTART)).toBe(DENIED.service);
    expect(await next.rig.ask('carla', RESTART)).toBe('simple-ack');
    expect(shelf.list('raw-image')).toEqual([]);
    await expect.poll(() => next.rig.ask('ben', RESTART)).toBe('simple-ack');
    expect(asked(next.rig)).toEqual(['device.control']);
  });

  it('is gone where the gateway put an image of its own in its place', async () => {
    const { rig, image, shelf } = await left();
    const planned = rig.firmware.plan(rig.handle(), { kind: 'transfer', image: sourceOf(image), goesOn: false });
    if (!planned.ok) throw new Error(planned.fault);
    const judgement = rig.gate.judge(rig.caller('carla'), planned.value);
    if (!judgement.permitted) throw new Error(judgement.denial.text);
    const watch = { signal: new AbortController().signal, progress: () => undefined };
    expect(await rig.firmware.perform(judgement.permit, watch)).toEqual({ kind: 'acknowledged' });
    expect(shelf.list('raw-image')).toEqual([]);
  });

  it('is none where the device refused it', async () => {
    const shelf = new MemoryShelf();
    const { rig } = await start({ ...idle, shelf });
    expect(await rig.ask('anna', ask.writeFile(1, 9_000_000, Buffer.alloc(10)))).toMatch(/^error/);
    expect(shelf.list('raw-image')).toEqual([]);
  });
});

describe('rights revoked in the middle', () => {
  const withoutAnna = [{ to: 'user:ben', role: 'admin', at: 'hq' }];

  it('stop: nothing more goes over, and the transfer is over', async () => {
    const { rig, chunk, writes } = await start();
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    rig.regrant(withoutAnna);
    const before = writes();
    expect(await rig.ask('anna', chunk(1000))).toBe(DENIED.file);
    expect(rig.gate.transfers()).toEqual([]);
    expect(await rig.ask('anna', ACTIVATE)).toBe(DENIED.service);
    expect(writes()).toBe(before);
  });

  it('finish: the image is finished, and nothing else; it is never activated', async () => {
    const { rig, image, chunk, writes } = await start({ onRevoke: 'finish' });
    expect(await rig.ask('anna', chunk(0))).toBe('complex-ack');
    rig.regrant(withoutAnna);
    expect(await rig.ask('anna', chunk(1000))).toBe('complex-ack');
    expect(await rig.ask('anna', setPoint)).toBe(DENIED.write);
    const before = writes();
    expect(await rig.ask('anna', ACTIVATE)).toBe(DENIED.service);
    expect(await rig.ask('anna', RESTART)).toBe(DENIED.service);
    expect(writes()).toBe(before);
    expect(rig.loader().bank(rig.plant.first, image)).toBe('old');
  });
});

describe('a device that a job holds', () => {
  it('takes nobody’s raw frames, the starter’s own included; set points go on', async () => {
    const { rig, image, chunk } = await start();
    expect(rig.gate.holdDevice(rig.caller(), rig.handle(), 'job-1')).toMatchObject({ ok: true });
    for (const person of ['anna', 'ben'] as const)
      for (const request of [chunk(0), size, ACTIVATE, RESTART])
        expect(await rig.ask(person, request)).toBe(DENIED.transfer);
    expect(await rig.ask('ben', setPoint)).toBe('simple-ack');
    const planned = rig.firmware.plan(rig.handle(), { kind: 'transfer', image: sourceOf(image), goesOn: false });
    if (!planned.ok) throw new Error(planned.fault);
    const judgement = rig.gate.judge(rig.caller(), { ...planned.value, job: 'job-1' });
    if (!judgement.permitted) throw new Error(judgement.denial.text);
    const watch = { signal: new AbortController().signal, progress: () => undefined };
    expect(await rig.firmware.perform(judgement.permit, watch)).toEqual({ kind: 'acknowledged' });
    expect(rig.gate.transfers()).toMatchObject([{ job: 'job-1' }]);
  });
});
