// The boot loaders of the simulated devices: what they take, what they run, and what becomes of a torn image.

import { describe, expect, it, onTestFinished } from 'vitest';
import type { BootLoaderOptions } from '../../../simulators/bacnet/boot-loader.ts';
import { BacnetClient, outcomeText } from '../../../simulators/bacnet/client.ts';
import { FIRMWARE_MODEL, type FirmwarePlant, startFirmwarePlant } from '../../../simulators/bacnet/firmware-plant.ts';
import { VENDOR } from '../../../simulators/bacnet/plant.ts';
import { ask, type ServiceRequest } from '../../../simulators/bacnet/requests.ts';
import { app, shown } from '../../../simulators/bacnet/values.ts';
import { buildImage, headerOf, imageIn } from '../../../simulators/firmware-image.ts';

let nextHost = 0;

class LoaderRig {
  readonly plant: FirmwarePlant;
  readonly client: BacnetClient;
  readonly image: Buffer;

  private constructor(plant: FirmwarePlant, client: BacnetClient) {
    this.plant = plant;
    this.client = client;
    this.image = plant.image('2.0.0', 6000);
  }

  static async start(loader: Partial<BootLoaderOptions> = {}): Promise<LoaderRig> {
    nextHost += 2;
    const part = `127.${251 + (process.pid % 3)}.${1 + (process.pid % 200)}`;
    const plant = await startFirmwarePlant({ count: 1, hostBase: `${part}.${nextHost}`, loader });
    const client = await BacnetClient.open({ host: `${part}.${nextHost + 1}`, port: plant.port, apduTimeoutMs: 60 });
    onTestFinished(async () => {
      await client.stop();
      await plant.stop();
    });
    return new LoaderRig(plant, client);
  }

  get loader() {
    return this.plant.device('fw1').loader;
  }

  get bank() {
    return this.loader.bank(this.plant.first, this.image);
  }

  async ask(request: ServiceRequest): Promise<string> {
    const to = { endpoint: this.plant.endpoint('fw1') };
    return this.client.request(to, request).then(outcomeText, () => 'nothing');
  }

  async says(property: 'firmware-revision' | 'system-status'): Promise<string> {
    const to = { endpoint: this.plant.endpoint('fw1') };
    return shown(await this.client.read(to, { object: 'device,2001', property }));
  }

  empty(): Promise<string> {
    return this.ask(ask.writeProperty({ object: 'file,1', property: 'file-size', value: [app.unsigned(0)] }));
  }

  async send(image: Buffer, until = image.length): Promise<readonly string[]> {
    const answers: string[] = [];
    for (let at = 0; at < until; at += 1000) {
      answers.push(await this.ask(ask.writeFile(1, at, image.subarray(at, Math.min(at + 1000, until)))));
    }
    return answers;
  }
}

const [RESTART, ACTIVATE] = [ask.reinitialize(1), ask.reinitialize(7)];

describe('an image', () => {
  it('is known by its header and whole by its checksum', () => {
    const said = { vendor: VENDOR, model: FIRMWARE_MODEL, version: '2.0.0', size: 500 };
    const image = buildImage(said);
    expect(headerOf(image)).toEqual(said);
    expect(imageIn(Buffer.concat([image, Buffer.alloc(100)]))).toEqual(image);
    expect(imageIn(image.subarray(0, 499))).toBeUndefined();
    expect(headerOf(image.subarray(0, 71))).toBeUndefined();
    for (const at of [0, 5, 9, 20, 70, 499]) {
      const damaged = Buffer.from(image);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(imageIn(damaged)).toBeUndefined();
    }
  });
});

describe('dual banks', () => {
  it('run what was staged whole, once it is activated or the device restarts', async () => {
    for (const asked of [ACTIVATE, RESTART]) {
      const rig = await LoaderRig.start();
      await rig.empty();
      await rig.send(rig.image, 3000);
      expect(await rig.says('system-status')).toBe('3');
      await rig.send(rig.image);
      expect(await rig.says('system-status')).toBe('0');
      expect([rig.bank, await rig.says('firmware-revision')]).toEqual(['old', '"1.0.0"']);
      expect(await rig.ask(asked)).toBe('simple-ack');
      expect([rig.bank, await rig.says('firmware-revision')]).toEqual(['new', '"2.0.0"']);
      expect(rig.loader.history.map(({ version }) => version)).toEqual(['1.0.0', '2.0.0']);
    }
  });

  it('go on with the old image where the new one is torn, damaged or another model’s, or the power went', async () => {
    const rig = await LoaderRig.start();
    await rig.send(rig.image, 3000);
    expect(await rig.ask(ACTIVATE)).toBe('error 0,129');
    expect(await rig.ask(RESTART)).toBe('simple-ack');
    expect(rig.bank).toBe('old');
    const foreign = buildImage({ vendor: VENDOR, model: 'Zephyr 20', version: '2.0.0', size: 6000 });
    await rig.empty();
    await rig.send(foreign);
    expect(await rig.ask(ACTIVATE)).toBe('error 0,129');
    await rig.empty();
    rig.loader.fail({ kind: 'damage', at: 2 });
    await rig.send(rig.image);
    expect(await rig.ask(ACTIVATE)).toBe('error 0,129');
    await rig.empty();
    await rig.send(rig.image);
    rig.plant.device('fw1').powerOff();
    expect(await rig.ask(ACTIVATE)).toBe('nothing');
    rig.plant.device('fw1').boot();
    expect([rig.bank, await rig.says('firmware-revision')]).toEqual(['old', '"1.0.0"']);
    expect(await rig.ask(ACTIVATE)).toBe('simple-ack');
    expect(rig.bank).toBe('new');
  });

  it('brick where nothing is checked: only the boot loader answers, or nothing', async () => {
    const rig = await LoaderRig.start({ checks: 'nothing' });
    await rig.send(rig.image, 3000);
    expect(await rig.ask(ACTIVATE)).toBe('simple-ack');
    expect([rig.bank, rig.loader.isBricked, await rig.says('system-status')]).toEqual(['torn', true, '2']);
    expect(await rig.ask(ask.readProperty({ object: 'analog-value,1', property: 'present-value' }))).toBe('error 1,31');
    expect(await rig.ask(ask.getAlarmSummary())).toBe('reject 9');
    await rig.empty();
    await rig.send(rig.image);
    expect(await rig.ask(ACTIVATE)).toBe('simple-ack');
    expect([rig.bank, rig.loader.isBricked]).toEqual(['new', false]);
    expect(await rig.ask(ask.readProperty({ object: 'analog-value,1', property: 'present-value' }))).toBe(
      'complex-ack',
    );
    const dead = await LoaderRig.start({ checks: 'nothing', bricked: 'dead' });
    await dead.send(dead.image, 3000);
    await dead.ask(ACTIVATE);
    expect([dead.bank, await dead.ask(RESTART)]).toEqual(['torn', 'nothing']);
  });
});

describe('a single bank', () => {
  it('is overwritten: torn and restarted it is bricked until a whole image is there', async () => {
    const rig = await LoaderRig.start({ banks: 'single' });
    await rig.send(rig.image, 3000);
    expect([rig.bank, await rig.says('firmware-revision')]).toEqual(['torn', '"1.0.0"']);
    expect(await rig.ask(ACTIVATE)).toBe('error 0,129');
    rig.plant.device('fw1').powerOff();
    rig.plant.device('fw1').boot();
    expect([rig.loader.isBricked, await rig.says('firmware-revision')]).toEqual([true, '"boot loader"']);
    await rig.empty();
    await rig.send(rig.image);
    expect(await rig.ask(RESTART)).toBe('simple-ack');
    expect([rig.bank, await rig.says('firmware-revision')]).toEqual(['new', '"2.0.0"']);
  });

  it('keeps what it has where the header says that the image is another model’s', async () => {
    const rig = await LoaderRig.start({ banks: 'single', checks: 'arrival' });
    const foreign = buildImage({ vendor: VENDOR, model: 'Zephyr 20', version: '2.0.0', size: 6000 });
    expect(await rig.ask(ask.writeFile(1, 0, foreign.subarray(0, 1000)))).toBe('error 0,129');
    expect(rig.bank).toBe('old');
    expect(await rig.send(rig.image)).toEqual(Array.from({ length: 6 }, () => 'complex-ack'));
  });
});

describe('told to fail, a loader', () => {
  it('refuses, hangs, restarts, loses answers, and goes on when told to', async () => {
    const rig = await LoaderRig.start({ staging: 'ram' });
    rig.loader.fail({ kind: 'refuse', at: 1, times: 1 });
    expect(await rig.send(rig.image, 3000)).toEqual(['complex-ack', 'error 5,5', 'complex-ack']);
    expect(rig.loader.transfers.at(-1)).toEqual({ chunks: 2, octets: 2000, again: 0, gaps: 1 });
    await rig.empty();
    rig.loader.fail({ kind: 'lose-answers', every: 2 });
    expect(await rig.send(rig.image, 3000)).toEqual(['complex-ack', 'nothing', 'complex-ack']);
    rig.loader.fail({ kind: 'stall', at: 3 });
    expect(await rig.ask(ask.writeFile(1, 3000, Buffer.alloc(10)))).toBe('nothing');
    expect(await rig.ask(ask.readFile(1, 0, 10))).toBe('nothing');
    rig.loader.recover();
    expect(await rig.ask(ask.readFile(1, 0, 10))).toBe('complex-ack');
    rig.loader.fail({ kind: 'reboot', at: 3 });
    expect(await rig.ask(ask.writeFile(1, 3000, Buffer.alloc(10)))).toBe('nothing');
    expect(rig.plant.device('fw1').object('file,1').number('file-size')).toBe(0);
    rig.loader.fail({ kind: 'never-back' });
    expect(await rig.ask(RESTART)).toBe('simple-ack');
    expect(await rig.ask(RESTART)).toBe('nothing');
    rig.loader.recover();
    expect(await rig.says('firmware-revision')).toBe('"1.0.0"');
  });

  it('lies about its version; a file that cannot be read is not', async () => {
    const rig = await LoaderRig.start({ readable: false });
    await rig.send(rig.image);
    expect(await rig.ask(ask.readFile(1, 0, 10))).toBe('error 5,5');
    rig.loader.fail({ kind: 'lie', version: '9.9.9' });
    await rig.ask(ACTIVATE);
    expect([rig.bank, await rig.says('firmware-revision')]).toEqual(['new', '"9.9.9"']);
  });
});
