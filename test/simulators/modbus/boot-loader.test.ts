// The boot loaders of the simulated devices: what they take, what they refuse, and what runs after the power comes back.

import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { buildImage } from '../../../simulators/firmware-image.ts';
import type { BootLoaderOptions } from '../../../simulators/modbus/boot-loader.ts';
import { SimulatedDevice } from '../../../simulators/modbus/device.ts';
import { FIRST_FILE, LOADER_BASE, type LoaderFrontOptions } from '../../../simulators/modbus/loader-front.ts';

const vendor = 'Northwind Cooling';
const model = 'Glacier 400W';
const oldImage = buildImage({ vendor, model, version: '1.0.0', size: 1000 });
const newImage = buildImage({ vendor, model, version: '2.0.0', size: 1000 });

const devices: SimulatedDevice[] = [];
afterEach(() => {
  for (const device of devices.splice(0)) device.stop();
});

class Bench {
  readonly device: SimulatedDevice;
  at = 0;

  constructor(options: Partial<BootLoaderOptions & LoaderFrontOptions> = {}) {
    this.device = new SimulatedDevice({
      name: 'd',
      points: [{ id: 'd/sp', address: { table: 'holding', register: 0, type: 'uint16' }, initial: 7 }],
      bootLoader: {
        method: 'registers',
        vendor,
        model,
        version: '1.0.0',
        image: oldImage,
        banks: 'dual',
        words: 50,
        ...options,
      },
      now: () => this.at,
    });
    devices.push(this.device);
  }

  get loader() {
    return this.device.loader;
  }

  /** What it answers to one PDU; `silence` for nothing. */
  ask(pdu: Buffer): string {
    let answer = 'silence';
    const send = ({ pdu: said }: { readonly pdu: Buffer }): void => {
      answer = said.toString('hex');
    };
    this.device.receive({ peer: 'test:1', unit: 1, pdu, bytes: pdu }, { send, close: () => undefined });
    return answer;
  }

  write(offset: number, octets: Buffer): string {
    const head = Buffer.from([16, 0, 0, 0, octets.length / 2, octets.length]);
    head.writeUInt16BE(LOADER_BASE + offset, 1);
    const answer = this.ask(Buffer.concat([head, octets]));
    return answer.startsWith('10') ? 'taken' : answer;
  }

  command(code: number): string {
    return this.write(0, Buffer.from([0, code]));
  }

  read(offset: number, words: number): string {
    const pdu = Buffer.from([3, 0, 0, 0, words]);
    pdu.writeUInt16BE(LOADER_BASE + offset, 1);
    const answer = this.ask(pdu);
    return answer === 'silence' ? answer : answer.slice(4);
  }

  block(number: number, octets: Buffer): string {
    return this.write(40, Buffer.concat([Buffer.from([0, number]), octets]));
  }

  send(image: Buffer, blocks = 10, checksum = crc32(image)): void {
    const long = (value: number): Buffer => {
      const octets = Buffer.alloc(4);
      octets.writeUInt32BE(value);
      return octets;
    };
    expect(this.command(1)).toBe('taken');
    expect(this.write(2, long(image.length))).toBe('taken');
    for (let number = 0; number < blocks; number += 1)
      expect(this.block(number, image.subarray(100 * number, 100 * number + 100))).toBe('taken');
    if (blocks === 10) expect(this.write(6, long(checksum))).toBe('taken');
  }

  get status(): string {
    return this.read(1, 1);
  }
}

const running = (bench: Bench) => expect.poll(() => bench.loader.isSilent).toBe(false);

describe('the registers', () => {
  it('take a whole image, prove it, and run it', async () => {
    const bench = new Bench();
    bench.send(newImage);
    expect(bench.status).toBe('0003');
    expect(bench.loader.bank(oldImage, newImage)).toBe('old');
    expect(bench.command(2)).toBe('taken');
    await running(bench);
    expect(bench.loader.bank(oldImage, newImage)).toBe('new');
    expect(Buffer.from(bench.read(8, 8), 'hex').toString('latin1')).toMatch(/^2\.0\.0\0/);
    expect(bench.ask(Buffer.from('0300000001', 'hex'))).toBe('03020007');
    expect(bench.command(4)).toBe('taken');
    await running(bench);
    expect(bench.loader.bank(oldImage, newImage)).toBe('old');
  });

  it('refuse a gap, take what comes again, and count both', () => {
    const bench = new Bench();
    bench.send(newImage, 3);
    expect(bench.block(4, newImage.subarray(400, 500))).toBe('9003');
    expect(bench.block(2, newImage.subarray(200, 300))).toBe('taken');
    expect(bench.loader.transfers.at(-1)).toEqual({ blocks: 4, octets: 400, again: 1, gaps: 1 });
    expect(bench.read(4, 2)).toBe('0000012c');
    expect(bench.status).toBe('0002');
  });

  it.each([
    ['another checksum', newImage, 1],
    ['another model', buildImage({ vendor, model: 'Other', version: '2.0.0', size: 1000 }), undefined],
    ['no image', Buffer.alloc(1000, 7), undefined],
  ])('%s: an error, and nothing is run', (_name, image, checksum) => {
    const bench = new Bench();
    bench.send(image, 10, checksum ?? crc32(image));
    expect(bench.status).toBe('0005');
    expect(bench.command(2)).toBe('9004');
    expect(bench.loader.bank(oldImage, newImage)).toBe('old');
    expect(bench.command(3)).toBe('taken');
    expect(bench.status).toBe('0000');
  });

  it('nothing outside of a transfer, nothing while busy, nothing that is none of theirs', () => {
    const bench = new Bench({ timeScale: 1 });
    expect(bench.block(0, newImage.subarray(0, 100))).toBe('9004');
    expect(bench.command(9)).toBe('9003');
    expect(bench.write(1, Buffer.from([0, 1]))).toBe('9002');
    expect(bench.command(1)).toBe('taken');
    expect(bench.status).toBe('0004');
    expect(bench.command(1)).toBe('9006');
    bench.at = 1000;
    expect(bench.status).toBe('0002');
  });
});

describe('one bank', () => {
  it.each([
    ['boot-loader', '0002', '8304'],
    ['dead', 'silence', 'silence'],
  ] as const)('torn when the power goes: %s', (bricked, status, point) => {
    const bench = new Bench({ banks: 'single', bricked });
    bench.send(newImage, 4);
    bench.loader.powerCycle();
    expect(bench.loader.isBricked).toBe(true);
    expect(bench.loader.bank(oldImage, newImage)).toBe('torn');
    expect(bench.status).toBe(status);
    expect(bench.ask(Buffer.from('0300000001', 'hex'))).toBe(point);
  });

  it('is brought back by a whole image', async () => {
    const bench = new Bench({ banks: 'single' });
    bench.send(newImage, 4);
    bench.loader.powerCycle();
    bench.send(newImage);
    expect(bench.command(2)).toBe('taken');
    await running(bench);
    expect(bench.loader.isBricked).toBe(false);
    expect(bench.loader.history.map(({ version }) => version)).toEqual(['1.0.0', '2.0.0']);
  });
});

describe('two banks', () => {
  it.each([
    ['flash', '0002', '00000190'],
    ['ram', '0000', '00000000'],
  ] as const)('%s: what came in after the power was gone', (staging, status, received) => {
    const bench = new Bench({ staging });
    bench.send(newImage, 4);
    bench.loader.powerCycle();
    expect(bench.loader.bank(oldImage, newImage)).toBe('old');
    expect(bench.status).toBe(status);
    expect(bench.read(4, 2)).toBe(received);
  });

  it('run a torn image where nothing is checked, and nothing answers then', async () => {
    const bench = new Bench({ checks: 'nothing', bricked: 'dead' });
    bench.send(newImage, 4);
    expect(bench.command(2)).toBe('taken');
    await expect.poll(() => bench.loader.isBricked).toBe(true);
    expect(bench.loader.wouldRun.version).toBeUndefined();
    expect(bench.status).toBe('silence');
  });
});

describe('plain files', () => {
  const record = (file: number, at: number, octets: Buffer): Buffer => {
    const head = Buffer.from([21, octets.length + 7, 6, 0, file, 0, 0, 0, octets.length / 2]);
    head.writeUInt16BE(at, 5);
    return Buffer.concat([head, octets]);
  };

  it('are written and read back, and run after a restart', async () => {
    const bench = new Bench({ method: 'plain-files' });
    for (let at = 0; at < 1000; at += 200) {
      const pdu = record(FIRST_FILE, at / 2, newImage.subarray(at, at + 200));
      expect(bench.ask(pdu)).toBe(pdu.toString('hex'));
    }
    const back = bench.ask(Buffer.from('140706000a00640032', 'hex'));
    expect(back).toBe(`14666506${newImage.subarray(200, 300).toString('hex')}`);
    expect(bench.ask(Buffer.from('0800010000', 'hex'))).toBe('0800010000');
    await running(bench);
    expect(bench.loader.bank(oldImage, newImage)).toBe('new');
  });
});
