// Whatever is lost, doubled, late or refused for a while on the way: an acknowledged transfer left exactly the image in the file,
// nothing was ever written behind what the device held, and what was interrupted goes on to the same end.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from '../../drivers/bacnet/deadlines.ts';
import { parseFirmware } from '../../drivers/bacnet/firmware-address.ts';
import { DeviceFile } from '../../drivers/bacnet/firmware-file.ts';
import { Transfer } from '../../drivers/bacnet/firmware-transfer.ts';
import { DeviceLane } from '../../drivers/bacnet/lane.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from '../../drivers/bacnet/seam.ts';
import type { ConfirmedRequest } from '../../drivers/bacnet/wire/confirmed-service.ts';
import { valueOfPrimitive } from '../../drivers/bacnet/wire/primitive-value.ts';
import { Pace } from '../../src/contract/pace.ts';
import type { Outcome } from '../../src/model/journal-row.ts';

/** What becomes of one request. `cut`: the device restarts and has only a part left of what it held. */
const FATES = ['fine', 'answer-lost', 'request-lost', 'came-twice', 'busy', 'in-doubt', 'cut'] as const;
type Fate = (typeof FATES)[number];

const error = (errorClass: number, errorCode: number): PlantAnswer => ({
  kind: 'error',
  error: { service: 'read-property', parameters: { choice: 'error', value: { errorClass, errorCode } } } as never,
});

/** A device that is nothing but a file, and time that passes only while somebody waits. */
class Device {
  content = new Uint8Array();
  gaps = 0;
  now = 0;
  readonly device: PlantDevice;
  readonly #fates: Fate[];
  readonly #readable: boolean;

  constructor(fates: readonly Fate[], maxApduLength: number, readable: boolean) {
    this.#fates = [...fates];
    this.#readable = readable;
    const named = { network: 'plant', networkNumber: 1, mac: '01', instance: 1, vendorId: 1 };
    this.device = { ...named, maxApduLength, segmentation: 'none' };
  }

  request(request: ConfirmedRequest): PlantAnswer {
    switch (this.#fates.shift() ?? 'fine') {
      case 'answer-lost':
        this.#carryOut(request);
        return { kind: 'no-answer' };
      case 'request-lost':
        return { kind: 'no-answer' };
      case 'came-twice':
        this.#carryOut(request);
        return this.#carryOut(request);
      case 'busy':
        return error(0, 3);
      case 'in-doubt':
        this.#carryOut(request);
        return { kind: 'abort', reason: 10 };
      case 'cut':
        this.content = this.content.slice(0, this.content.length >> 1);
        return { kind: 'no-answer' };
      default:
        return this.#carryOut(request);
    }
  }

  #carryOut(request: ConfirmedRequest): PlantAnswer {
    switch (request.service) {
      case 'read-property':
        return this.#ack('read-property', {
          ...request.parameters,
          propertyValue: valueOfPrimitive({ type: 'unsigned', value: this.content.length }),
        });
      case 'write-property': {
        const size = request.parameters.propertyValue.octets.at(-1) ?? 0;
        if (size === 0) this.content = new Uint8Array();
        return { kind: 'simple-ack' };
      }
      case 'atomic-read-file': {
        if (!this.#readable) return error(5, 5);
        const { value } = request.parameters.accessMethod;
        if (!('requestedOctetCount' in value)) return error(5, 10);
        const { fileStartPosition: start, requestedOctetCount: count } = value;
        const fileData = this.content.slice(start, start + count);
        const accessMethod = { choice: 'stream-access', value: { fileStartPosition: start, fileData } };
        return this.#ack('atomic-read-file', { endOfFile: false, accessMethod });
      }
      case 'atomic-write-file': {
        const { value } = request.parameters.accessMethod;
        if (!('fileData' in value)) return error(5, 10);
        const { fileStartPosition: start, fileData } = value;
        if (start > this.content.length) this.gaps += 1;
        const grown = new Uint8Array(Math.max(this.content.length, start + fileData.length));
        grown.set(this.content);
        grown.set(fileData, start);
        this.content = grown;
        return this.#ack('atomic-write-file', { choice: 'file-start-position', value: start });
      }
      default:
        return { kind: 'reject', reason: 9 };
    }
  }

  #ack(service: string, parameters: object): PlantAnswer {
    return { kind: 'complex-ack', ack: { service, parameters } as never };
  }

  /** A transfer, anew or going on, of which the device takes at most so many requests until somebody aborts. */
  async transfer(image: Uint8Array, goesOn: boolean, abortAt = Number.POSITIVE_INFINITY): Promise<Outcome> {
    const clock = { now: () => this.now, monotonic: () => this.now, sure: () => true };
    const timers = {
      after: (delayMs: number, run: () => void) => {
        const timer = setImmediate(() => {
          this.now += delayMs;
          run();
        });
        return { cancel: () => clearImmediate(timer) };
      },
    };
    const lane = new DeviceLane({ inFlight: 1, waiting: 8, waitMs: 1000 }, new Deadlines(clock, timers));
    const abort = new AbortController();
    let asked = 0;
    const plant: Pick<PlantSide, 'lane' | 'request'> = {
      lane: () => lane,
      request: async (_device, request) => {
        asked += 1;
        if (asked >= abortAt) abort.abort();
        return this.request(request);
      },
    };
    const file = new DeviceFile(plant as PlantSide, this.device, 1, new Pace());
    const place = parseFirmware({ file: 1 }, '');
    if (!place.ok) throw new Error('the address is good');
    const source = {
      id: '',
      vendor: '',
      model: '',
      version: '',
      size: image.length,
      read: async (offset: number, length: number) => image.subarray(offset, offset + length),
    };
    const watch = { signal: abort.signal, progress: () => undefined };
    const transfer = new Transfer({ file, image: source, place: place.value, watch, clock, timers });
    return goesOn
      ? transfer.goOn(this.request(file.sizeRequest()))
      : transfer.begin(this.request(file.resizeRequest(0)));
  }
}

/** No octet of which is what it would be at another place. */
const images = fc
  .record({ size: fc.integer({ min: 1, max: 3000 }), seed: fc.integer({ min: 1, max: 250 }) })
  .map(({ size, seed }) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) * seed) & 0xff));
const fates = (more: readonly Fate[]) =>
  fc.array(fc.constantFrom('fine' as const, ...more), { maxLength: 60, size: 'max' });
const maxApdu = fc.constantFrom(50, 128, 480);

test('losses, doubles and busy answers end in exactly the image', async () => {
  const property = fc.asyncProperty(
    images,
    fates(['answer-lost', 'request-lost', 'came-twice', 'busy', 'in-doubt']),
    maxApdu,
    fc.boolean(),
    fc.boolean(),
    async (image, given, apdu, readable, goesOn) => {
      const device = new Device(given, apdu, readable);
      expect(await device.transfer(image, goesOn)).toEqual({ kind: 'acknowledged' });
      expect(Buffer.compare(device.content, image)).toBe(0);
      expect(device.gaps).toBe(0);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test('a device that loses what it held is never told to be done, and nothing is written behind what it lost', async () => {
  const property = fc.asyncProperty(images, fates([...FATES]), maxApdu, async (image, given, apdu) => {
    const device = new Device(given, apdu, true);
    const outcome = await device.transfer(image, false);
    expect(['acknowledged', 'unknown']).toContain(outcome.kind);
    if (outcome.kind === 'acknowledged') expect(Buffer.compare(device.content, image)).toBe(0);
    expect(device.gaps).toBe(0);
  });
  await fc.assert(property, { numRuns: 150 });
});

test('what was interrupted anywhere, by whatever, goes on to exactly the image', async () => {
  const property = fc.asyncProperty(
    images,
    fates(['answer-lost', 'request-lost', 'cut']),
    fc.integer({ min: 1, max: 60 }),
    maxApdu,
    fc.uint8Array({ maxLength: 500 }),
    async (image, given, abortAt, apdu, before) => {
      const device = new Device(given, apdu, true);
      device.content = before;
      await device.transfer(image, before.length > 250, abortAt);
      const goingOn = await device.transfer(image, true);
      const outcome = goingOn.kind === 'acknowledged' ? goingOn : await device.transfer(image, true);
      if (outcome.kind === 'acknowledged') expect(Buffer.compare(device.content, image)).toBe(0);
      expect(device.gaps).toBe(0);
    },
  );
  await fc.assert(property, { numRuns: 150 });
});
