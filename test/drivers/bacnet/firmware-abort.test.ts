// An abort of a firmware step: what is under way is answered, and nothing more goes out, wherever it waits.

import { describe, expect, it } from 'vitest';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { FirmwareRig } from './firmware-rig.ts';

const SIZE = 50_000;
const acknowledged = { kind: 'acknowledged' };

describe('abort', () => {
  it('stops within a second, leaves nothing under way, and the transfer goes on from there', async () => {
    const rig = await FirmwareRig.start();
    const image = rig.plant.image('2.0.0', SIZE);
    const abort = new AbortController();
    const stop = (octets: number): void => {
      if (octets > 20_000) abort.abort();
    };
    const outcome = await rig.transfer(image, { signal: abort.signal, progress: stop });
    expect(outcome).toMatchObject({ kind: 'stopped', why: expect.stringMatching(/^2\d{4} of 50000 octets/) });
    const seen = rig.plant.device('fw1').record.writesSeen();
    const progress: number[] = [];
    expect(rig.plant.device('fw1').record.writesSeen()).toBe(seen);
    expect(await rig.transfer(image, { goesOn: true, progress: (octets) => progress.push(octets) })).toEqual(
      acknowledged,
    );
    expect(progress[0]).toBeGreaterThan(20_000);
    expect(rig.content().equals(image)).toBe(true);
  });

  it('stops a wait for a silent device, and does not begin what was aborted before', async () => {
    const rig = await FirmwareRig.start({ network: { timeoutMs: 60_000, retries: 3 } });
    const image = rig.plant.image('2.0.0', SIZE);
    rig.loader().fail({ kind: 'stall', at: 3 });
    const abort = new AbortController();
    const outcome = rig.transfer(image, {
      signal: abort.signal,
      progress: (octets) => octets === 3 * 1412 && setTimeout(() => abort.abort(), 20),
    });
    expect(await outcome).toEqual({ kind: 'stopped', why: '4236 of 50000 octets were transferred' });
    expect(await rig.transfer(image, { signal: abort.signal })).toEqual({
      kind: 'not-sent',
      why: 'it was aborted before it began',
    });
  });

  it('lets nothing out that waits for its turn then: neither the first request nor a later piece', async () => {
    const rig = await FirmwareRig.start({ network: { timeoutMs: 1000 } });
    const device = rig.plant.device('fw1');
    const image = rig.plant.image('2.0.0', SIZE);
    const first = new AbortController();
    device.fail({ kind: 'delay', ms: 50 });
    const reading = rig.driver.read([rig.handle('fw1/sp')]);
    const outcome = rig.activate(image, { signal: first.signal });
    first.abort();
    expect(await outcome).toEqual({ kind: 'not-sent', why: 'it was aborted before it began' });
    await reading;
    expect(device.record.writesSeen()).toBe(0);
    expect(rig.gate.transfers()).toEqual([]);

    const later = new AbortController();
    let answered: Promise<string> | undefined;
    device.behave();
    const setPoint = ask.writeProperty({ object: 'analog-value,1', value: [app.real(21)], priority: 10 });
    const transferring = rig.transfer(image, {
      signal: later.signal,
      progress: (octets) => {
        if (octets < 3 * 1412) return;
        device.fail({ kind: 'delay', ms: 50 }, { on: 'write' });
        answered ??= rig.ask('ben', setPoint);
      },
    });
    await expect
      .poll(() => device.record.writes().some(({ targets }) => targets.includes('analog-value,1 present-value')), {
        interval: 1,
      })
      .toBe(true);
    later.abort();
    const seen = device.record.writesSeen();
    expect(await transferring).toMatchObject({ kind: 'stopped' });
    expect(await answered).toBe('simple-ack');
    expect((await rig.driver.read([rig.handle('fw1/sp')]))[0]).toMatchObject({ ok: true });
    expect(device.record.writesSeen()).toBe(seen);
  });
});
