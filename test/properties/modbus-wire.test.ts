// What must hold of the Modbus codec for any octets: no throw, no hidden octet, no frame that depends on how it was cut.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../drivers/modbus/wire/decode-request.ts';
import { decodeResponse } from '../../drivers/modbus/wire/decode-response.ts';
import { encodeRequest } from '../../drivers/modbus/wire/encode-request.ts';
import type { PduFault } from '../../drivers/modbus/wire/fault.ts';
import { MbapFramer } from '../../drivers/modbus/wire/mbap.ts';
import { MbapBatch } from '../../drivers/modbus/wire/mbap-batch.ts';
import { decodeValue, encodeValue, type NumberType, wordOrders } from '../../drivers/modbus/wire/registers.ts';
import { RtuFramer } from '../../drivers/modbus/wire/rtu.ts';
import { expectedResponseLength } from '../../drivers/modbus/wire/rtu-length.ts';
import { wrapRtu } from '../../simulators/modbus/framing.ts';
import type { Result } from '../../src/model/result.ts';
import { encodeResponse } from '../drivers/modbus/wire/encode-response.ts';
import { answersTo, exchanges, mutated, requests } from './modbus-arbitraries.ts';

function must(encoded: Result<Buffer, PduFault>): Uint8Array {
  if (!encoded.ok) throw new Error(encoded.fault.message);
  return Uint8Array.from(encoded.value);
}

const almostRequests = fc.oneof(
  requests.chain((request) => mutated(must(encodeRequest(request)))),
  fc.uint8Array({ maxLength: 300 }),
);

describe('request pdus', () => {
  it('decode to the value that was encoded', () => {
    fc.assert(
      fc.property(requests, (request) => {
        expect(decodeRequest(must(encodeRequest(request)))).toEqual({ ok: true, value: request });
      }),
      { numRuns: 2000 },
    );
  });

  it('either are a fault or encode to the same octets', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(almostRequests, (bytes) => {
        const decoded = decodeRequest(bytes);
        if (!decoded.ok) {
          refused += 1;
          return;
        }
        accepted += 1;
        expect(must(encodeRequest(decoded.value))).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(500);
  });
});

describe('response pdus', () => {
  it('decode to the value that was encoded', () => {
    fc.assert(
      fc.property(exchanges, ({ request, response }) => {
        expect(decodeResponse(request, must(encodeResponse(response)))).toEqual({ ok: true, value: response });
      }),
      { numRuns: 2000 },
    );
  });

  it('either are a fault or encode to the same octets, but for bits nobody asked for', () => {
    const almost = exchanges.chain(({ request, response }) =>
      mutated(must(encodeResponse(response))).map((bytes) => ({ request, bytes })),
    );
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(almost, ({ request, bytes }) => {
        const decoded = decodeResponse(request, bytes);
        if (!decoded.ok) {
          refused += 1;
          return;
        }
        accepted += 1;
        const encoded = must(encodeResponse(decoded.value));
        expect(decodeResponse(request, encoded)).toEqual(decoded);
        if (request.kind !== 'readCoils' && request.kind !== 'readDiscreteInputs') expect(encoded).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(500);
  });

  it('are never taken for the answer to a request of another function', () => {
    fc.assert(
      fc.property(requests, exchanges, (request, { response }) => {
        const bytes = must(encodeResponse(response));
        const decoded = decodeResponse(request, bytes);
        const asked = must(encodeRequest(request))[0] ?? 0;
        if (bytes[0] !== asked && bytes[0] !== (asked | 0x80)) expect(decoded.ok).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});

interface Framer {
  push(chunk: Uint8Array): void;
  next(): object | undefined;
  readonly held: number;
}

function framed(framer: Framer, stream: Uint8Array, cuts: readonly number[], most: number): unknown[] {
  const events: unknown[] = [];
  let from = 0;
  for (const to of [...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length]) {
    framer.push(stream.slice(from, to));
    from = to;
    for (let event = framer.next(); event !== undefined; event = framer.next()) events.push(shown(event));
    expect(framer.held).toBeLessThanOrEqual(most);
  }
  return events;
}

function shown(event: object): unknown {
  if (!('bytes' in event && event.bytes instanceof Uint8Array && 'start' in event && 'end' in event)) return event;
  const { bytes, start, end, ...rest } = event;
  return { ...rest, pdu: Buffer.from(bytes.subarray(Number(start), Number(end))).toString('hex') };
}

const cuts = fc.array(fc.nat({ max: 1000 }), { maxLength: 12 });
const everywhere = Array.from({ length: 3000 }, (_, at) => at);

describe('framers', () => {
  const adus = fc
    .array(fc.tuple(fc.nat({ max: 65535 }), fc.nat({ max: 255 }), requests), { minLength: 1, maxLength: 6 })
    .map((list) => {
      const batch = new MbapBatch();
      for (const [id, unit, request] of list) batch.addRequest(id, unit, request);
      return batch.take();
    });
  const streams = fc.oneof(
    adus,
    adus.chain((bytes) => mutated(bytes)),
    fc.uint8Array({ maxLength: 600 }),
  );

  it('give the same MODBUS/TCP events however the stream is cut', () => {
    fc.assert(
      fc.property(streams, cuts, (stream, at) => {
        const whole = framed(new MbapFramer(), stream, [], 259);
        expect(framed(new MbapFramer(), stream, at, 259)).toEqual(whole);
        expect(framed(new MbapFramer(), stream, everywhere, 259)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('give the same RTU events however the line is cut', () => {
    const lines = requests.chain((request) => {
      const answers = fc
        .array(answersTo(request), { minLength: 1, maxLength: 6 })
        .map((list) => list.map((response) => wrapRtu(17, must(encodeResponse(response)))))
        .map((frames) =>
          Buffer.concat(frames.filter((frame) => expectedResponseLength(request, frame) === frame.length)),
        );
      return fc.tuple(fc.constant(request), fc.oneof(answers, answers.chain(mutated)));
    });
    fc.assert(
      fc.property(lines, cuts, ([request, line], at) => {
        const whole = framed(new RtuFramer(request), line, [], 256);
        expect(framed(new RtuFramer(request), line, at, 256)).toEqual(whole);
        expect(framed(new RtuFramer(request), line, everywhere, 256)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('know the length of every RTU answer, or that silence ends it', () => {
    fc.assert(
      fc.property(exchanges, ({ request, response }) => {
        const bytes = wrapRtu(17, must(encodeResponse(response)));
        const framer = new RtuFramer(request);
        framer.push(bytes.subarray(0, bytes.length - 1));
        expect(framer.next()).toBeUndefined();
        framer.push(bytes.subarray(bytes.length - 1));
        const event = framer.next() ?? framer.silence();
        expect(event).toMatchObject({ kind: 'adu', unitId: 17, start: 1, end: bytes.length - 2 });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('point values', () => {
  const widths: readonly (readonly [NumberType, number])[] = [
    ['int16', 2],
    ['uint16', 2],
    ['int32', 4],
    ['uint32', 4],
    ['int64', 8],
    ['uint64', 8],
    ['float32', 4],
    ['float64', 8],
    ['bcd16', 2],
    ['bcd32', 4],
  ];

  it.each(widths)('%s: what is read can be written back as the same registers, in every order', (type, width) => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: width, maxLength: width }),
        fc.constantFrom(...wordOrders),
        (octets, order) => {
          const value = decodeValue({ type, order }, octets);
          if (!value.ok || (typeof value.value === 'number' && !Number.isFinite(value.value))) return;
          expect(encodeValue({ type, order }, value.value)).toEqual({ ok: true, value: octets });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a text that is written is the text that is read', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.constantFrom('ABCD' as const, 'BADC' as const),
        (text, order) => {
          const format = { type: 'string', registers: 16, order, encoding: 'utf8' } as const;
          const encoded = encodeValue(format, text);
          if (encoded.ok) expect(decodeValue(format, encoded.value)).toEqual({ ok: true, value: text });
        },
      ),
      { numRuns: 500 },
    );
  });
});
