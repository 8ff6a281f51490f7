import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeApdu } from '../../../simulators/bacnet/apci.ts';
import { SimulatedBbmd } from '../../../simulators/bacnet/bbmd.ts';
import { BacnetClient } from '../../../simulators/bacnet/client.ts';
import { parseElements } from '../../../simulators/bacnet/elements.ts';
import { BVLC, encodeBvlc, encodeNpdu, type Route } from '../../../simulators/bacnet/framing.ts';
import { ask, say } from '../../../simulators/bacnet/requests.ts';
import { app, shown } from '../../../simulators/bacnet/values.ts';
import { expectWellFormed, openClient, startRig } from './rig.ts';

const sp = { object: 'analog-value,1' } as const;
const everyZone = (value: number) =>
  Array.from({ length: 120 }, (_, index) => ({
    object: `analog-value,${index + 1}` as const,
    value: [app.real(value)],
    priority: 8,
  }));

describe('segments', () => {
  test('a long list comes back in windows, whatever window the tool takes', async () => {
    for (const window of [1, 3, 8, 127]) {
      const rig = await startRig({ client: { window } });
      const list = await rig.client.read(rig.ctl, { object: 'device,1003', property: 'object-list' });
      expect(list).toHaveLength(201);
      const segments = rig.client.datagrams.filter(({ direction }) => direction === 'in').length;
      expect(segments).toBe(3);
      await expectWellFormed(rig);
    }
  });

  test('a write to 120 objects goes over in segments and is carried out once', async () => {
    const rig = await startRig();
    expect(await rig.ask(rig.ctl, ask.writePropertyMultiple(everyZone(22)))).toBe('simple-ack');
    const { record } = rig.plant.devices.ctl1;
    expect(record.applied()).toHaveLength(120);
    expect(record.writes().every(({ service }) => service === 'write-property-multiple')).toBe(true);
    expect(record.writesSeen()).toBeGreaterThan(1);
    expect(await rig.number(rig.ctl, 'analog-value,120')).toBe(22);
    await expectWellFormed(rig);
  });

  test('a segment that is lost is asked for again', async () => {
    const rig = await startRig({ client: { segmentTimeoutMs: 100, retries: 3 }, segmentTimeoutMs: 100 });
    const { datagrams } = rig.client;
    const reading = rig.client.read(rig.ctl, { object: 'device,1003', property: 'object-list' });
    // The tool claims to have had nothing of the window, so the device sends it again; what comes twice is dropped.
    await rig.client.until(() => datagrams.some(({ direction }) => direction === 'in'));
    const [asked] = datagrams;
    const invokeId = asked?.bytes[8] ?? 0;
    rig.client.station.sendApdu(rig.ctl, {
      kind: 'segment-ack',
      negative: true,
      server: false,
      invokeId,
      sequence: 0,
      window: 2,
    });
    expect(await reading).toHaveLength(201);
  });

  test('a device without segmentation aborts what it cannot say or hear', async () => {
    const rig = await startRig();
    expect(await rig.ask(rig.vav, ask.readPropertyMultiple([{ object: 'device,1002', property: 'all' }]))).toBe(
      'abort 4',
    );
    expect(await rig.ask(rig.vav, ask.writePropertyMultiple(everyZone(22)))).toBe('abort 4');
    expect(rig.plant.devices.vav1.record.applied()).toEqual([]);
    expect(await rig.shown(rig.vav, 'device,1002', 'max-apdu-length-accepted')).toBe('206');
    await expectWellFormed(rig);
  });
});

describe('routes', () => {
  test('who asks from behind a router is answered there', async () => {
    const rig = await startRig();
    const source: Route = { network: 7, mac: Buffer.from('0a', 'hex') };
    const request = ask.readProperty(sp);
    const header = { segmentedAnswerAccepted: false, maxSegments: 0, maxApdu: 5, invokeId: 9 };
    const payload = encodeApdu({ kind: 'confirmed-request', ...header, ...request });
    const npdu = encodeNpdu({ expectingReply: true, priority: 0, source, payload });
    rig.client.sendRaw(encodeBvlc(BVLC.unicast, npdu), rig.ahu.endpoint);
    await rig.client.until(() => rig.client.datagrams.length === 2);
    expect(rig.client.datagrams[1]?.bytes.subarray(4, 12).toString('hex')).toBe('01200007010aff30');
    expect(rig.plant.devices.ahu2.record.reads()[0]?.summary).toBe(
      'read-property analog-value,1 present-value from station 7:0a (ahu2/sat-sp)',
    );
    await expectWellFormed(rig);
  });

  test('what is for a station behind a router is no business of a device', async () => {
    const rig = await startRig();
    const route: Route = { network: 7, mac: Buffer.from('0a', 'hex') };
    await expect(rig.client.request({ ...rig.ahu, route }, ask.readProperty(sp), { timeoutMs: 50 })).rejects.toThrow();
    await expect.poll(() => rig.plant.devices.ahu2.record.readsSeen()).toBe(1);
    expect(rig.client.strays).toBe(0);
  });

  test('a frame forwarded with somebody’s address is carried out and answered to them, as real devices do', async () => {
    const rig = await startRig();
    const victim = await openClient(rig.plant);
    const header = { segmentedAnswerAccepted: false, maxSegments: 0, maxApdu: 5, invokeId: 3 };
    const write = ask.writeProperty({ ...sp, value: [app.real(23)], priority: 8 });
    const payload = encodeApdu({ kind: 'confirmed-request', ...header, ...write });
    const npdu = encodeNpdu({ expectingReply: true, priority: 0, payload });
    rig.client.sendRaw(encodeBvlc(BVLC.forwarded, npdu, victim.endpoint), rig.ahu.endpoint);
    await victim.until(() => victim.datagrams.length === 1);
    expect(victim.strays).toBe(1);
    expect(rig.plant.devices.ahu2.record.applied()[0]?.peer).toBe(`${victim.endpoint.host}:${victim.endpoint.port}`);
  });

  test('a foreign device hears the plant through its BBMD; an unregistered one is refused', async () => {
    const rig = await startRig();
    const bbmd = await SimulatedBbmd.start({ host: '127.0.1.60', port: rig.plant.addresses.ahu2.port });
    onTestFinished(() => bbmd.stop());
    const foreign = await openClient(rig.plant, { broadcastAddress: 'none', distributeTo: bbmd.endpoint });
    foreign.tell(say.whoIs());
    await foreign.until(() => foreign.controls.length === 1);
    expect(foreign.controls[0]?.payload.toString('hex')).toBe('0060');
    foreign.sendRaw(encodeBvlc(BVLC.registerForeignDevice, Buffer.from([0, 60])), bbmd.endpoint);
    await foreign.until(() => foreign.controls.length === 2);
    expect(foreign.controls[1]?.payload.toString('hex')).toBe('0000');
    expect((await foreign.discover(3)).map(({ instance }) => instance).sort()).toEqual([1001, 1002, 1003]);
    foreign.sendRaw(encodeBvlc(BVLC.registerForeignDevice, Buffer.from([0, 60])), rig.ahu.endpoint);
    await foreign.until(() => foreign.controls.length === 3);
    expect(foreign.controls[2]?.payload.toString('hex')).toBe('0030');
  });

  test('without a broadcast address the devices tell the members of a list', async () => {
    const member = await BacnetClient.open({ host: '127.0.1.61', broadcastAddress: 'none' });
    onTestFinished(() => member.stop());
    const rig = await startRig({ broadcastAddress: 'none', members: [member.endpoint] });
    rig.client.tell(say.whoIs(), rig.vav);
    await member.until(() => member.found.length === 1);
    expect(rig.client.found).toEqual([]);
  });
});

describe('failures', () => {
  test('a late answer, a second one, one from elsewhere and one under another id reach nobody', async () => {
    const rig = await startRig();
    const device = rig.plant.devices.ahu2;
    const late = (): Promise<unknown> => rig.client.request(rig.ahu, ask.readProperty(sp), { timeoutMs: 60 });
    device.fail({ kind: 'hold' }, { times: 1 });
    await expect(late()).rejects.toThrow(/no answer/);
    await expect.poll(() => device.held).toBe(1);
    device.release();
    await rig.client.until(() => rig.client.strays === 1);
    device.fail({ kind: 'twice' }, { times: 1 });
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(18);
    await rig.client.until(() => rig.client.strays === 2);
    device.fail({ kind: 'elsewhere', host: '127.0.1.99' }, { times: 1 });
    await expect(late()).rejects.toThrow(/no answer/);
    await rig.client.until(() => rig.client.strays === 3);
    device.fail({ kind: 'wrong-invoke-id', by: 1 }, { times: 1 });
    await expect(late()).rejects.toThrow(/no answer/);
    await rig.client.until(() => rig.client.strays === 4);
    await expectWellFormed(rig);
  });

  test('what it is told to answer instead it does not carry out; in silence it does', async () => {
    const rig = await startRig();
    const device = rig.plant.devices.ahu2;
    const write = ask.writeProperty({ ...sp, value: [app.real(20)], priority: 8 });
    device.fail({ kind: 'error', errorClass: 0, errorCode: 3 }, { on: 'write' });
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(18);
    expect(await rig.ask(rig.ahu, write)).toBe('error 0,3');
    device.fail({ kind: 'reject', reason: 1 });
    expect(await rig.ask(rig.ahu, write)).toBe('reject 1');
    device.fail({ kind: 'abort', reason: 9 });
    expect(await rig.ask(rig.ahu, write)).toBe('abort 9');
    expect(device.record.applied()).toEqual([]);
    device.fail({ kind: 'silence' }, { times: 1 });
    await expect(rig.client.request(rig.ahu, write, { timeoutMs: 50 })).rejects.toThrow(/no answer/);
    expect(device.record.applied()).toHaveLength(1);
    device.fail({ kind: 'delay', ms: 20 }, { times: 1 });
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(20);
    device.behave();
    expect(device.record.writesSeen()).toBe(4);
  });

  test('a device that loses power hears nothing, and says who it is when it is back', async () => {
    const rig = await startRig();
    const device = rig.plant.devices.ahu2;
    expect(await rig.ask(rig.ahu, ask.subscribeCov(1, 'analog-value,1', false, 60))).toBe('simple-ack');
    device.powerOff();
    await expect(rig.client.request(rig.ahu, ask.readProperty(sp), { timeoutMs: 50 })).rejects.toThrow(/no answer/);
    device.boot();
    await rig.client.until(() => rig.client.found.some(({ instance }) => instance === 1001));
    expect(device.cov.size).toBe(0);
    device.renumber(1099);
    await rig.client.until(() => rig.client.found.some(({ instance }) => instance === 1099));
  });

  test.each([
    '',
    '81',
    '810a0006',
    '810a000a010050810f0d',
    '810a000b0100420100d801',
    '810a001501040005060a0e1c008000070f1e09552e',
    '820a0005ff',
  ])('hostile octets `%s` harm nobody and are recorded', async (octets) => {
    const rig = await startRig();
    rig.client.sendRaw(Buffer.from(octets, 'hex'), rig.ahu.endpoint);
    expect(await rig.number(rig.ahu, 'analog-value,1')).toBe(18);
    expect(rig.plant.devices.ahu2.record.all()).toHaveLength(2);
  });

  test('an answer is shown whole where it is an answer', async () => {
    const rig = await startRig();
    rig.plant.devices.ahu2.fail({ kind: 'raw', bytes: Buffer.from('810a0009010020010f', 'hex') }, { times: 1 });
    await expect(rig.client.request(rig.ahu, ask.readProperty(sp), { timeoutMs: 50 })).rejects.toThrow(/no answer/);
    expect(rig.client.strays).toBe(1);
    expect(shown(parseElements(await rig.client.acknowledged(rig.ahu, ask.readProperty(sp))))).toContain('{18}');
  });
});
