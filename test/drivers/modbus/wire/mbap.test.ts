// Messaging on TCP/IP V1.0b, 3.1.3: the stream is cut by the length field, and a broken header says what may follow.

import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../../drivers/modbus/wire/decode-request.ts';
import { type MbapAdu, type MbapFault, MbapFramer } from '../../../../drivers/modbus/wire/mbap.ts';
import { MbapBatch } from '../../../../drivers/modbus/wire/mbap-batch.ts';
import { hex, times, toHex } from './hex.ts';

const read = '0001 0000 0006 11 03 006b 0003';
const write = '0002 0000 0006 11 06 0001 0003';

function drain(framer: MbapFramer): (MbapAdu | MbapFault)[] {
  const events: (MbapAdu | MbapFault)[] = [];
  for (let event = framer.next(); event !== undefined; event = framer.next()) events.push(event);
  return events;
}

function shown(event: MbapAdu | MbapFault): unknown {
  if (event.kind === 'fault') return event;
  return [event.transactionId, event.unitId, toHex(event.bytes.subarray(event.start, event.end))];
}

function framed(...chunks: string[]): { events: unknown[]; framer: MbapFramer } {
  const framer = new MbapFramer();
  const events = chunks.flatMap((chunk) => {
    framer.push(hex(chunk));
    return drain(framer);
  });
  return { events: events.map(shown), framer };
}

describe('whole frames', () => {
  it('gives every ADU one read brought, as views of that read', () => {
    const framer = new MbapFramer();
    const chunk = hex(read + write);
    framer.push(chunk);
    const events = drain(framer);
    expect(events.map(shown)).toEqual([
      [1, 0x11, '03006b0003'],
      [2, 0x11, '0600010003'],
    ]);
    expect(events.every((event) => event.kind === 'adu' && event.bytes === chunk)).toBe(true);
    expect(framer.held).toBe(0);
  });

  it('joins an ADU cut between header and function code', () => {
    expect(framed('0001 0000 0006 11', '03 006b 0003').events).toEqual([[1, 0x11, '03006b0003']]);
  });

  it('joins an ADU that came octet by octet', () => {
    const octets = (read + write).replaceAll(' ', '').match(/../g) ?? [];
    expect(framed(...octets).events).toEqual([
      [1, 0x11, '03006b0003'],
      [2, 0x11, '0600010003'],
    ]);
  });

  it('keeps a cut rest, not the read it came in', () => {
    const { framer } = framed(read + read + write.slice(0, 9));
    expect(framer.held).toBe(4);
    framer.push(hex(write.slice(9)));
    const [adu] = drain(framer);
    expect(adu?.kind === 'adu' && adu.bytes.length).toBe(12);
  });

  it('keeps what was not drained when more is pushed', () => {
    const framer = new MbapFramer();
    framer.push(hex(read));
    framer.push(hex(write));
    expect(drain(framer)).toHaveLength(2);
  });

  it('takes the longest ADU', () => {
    const { events } = framed(`0001 0000 00fe 01 64 ${times('00', 252)}`);
    expect(events).toEqual([[1, 1, `64${times('00', 252)}`]]);
  });

  it('hands a length that hides a second request to the decoder, which refuses it', () => {
    const framer = new MbapFramer();
    framer.push(hex('0001 0000 000b 11 03 006b 0003 06 0001 0003'));
    const [adu] = drain(framer);
    if (adu?.kind !== 'adu') throw new Error('expected an ADU');
    expect(decodeRequest(adu.bytes, adu.start, adu.end)).toMatchObject({
      ok: false,
      fault: { code: 'length', answer: 3 },
    });
  });
});

describe('broken headers', () => {
  it('answers another protocol id, and goes on behind that frame', () => {
    const { events } = framed(`0007 0001 0006 11 06 0001 0003 ${read}`);
    expect(events).toEqual([
      {
        kind: 'fault',
        code: 'protocol-id',
        message: 'protocol id is `1`, expected 0',
        answer: { transactionId: 7, unitId: 0x11, functionCode: 6 },
        afterwards: 'continue',
      },
      [1, 0x11, '03006b0003'],
    ]);
  });

  it.each(['0000', '0001'])('closes without an answer at length %s', (length) => {
    const { events, framer } = framed(`0007 0000 ${length} 11 06 ${read}`, read);
    expect(events).toEqual([
      {
        kind: 'fault',
        code: 'length-short',
        message: `length is \`${Number(length)}\`, expected 2 to 254`,
        answer: undefined,
        afterwards: 'close',
      },
    ]);
    expect(framer.held).toBe(0);
  });

  it('answers a length over 254 as soon as it knows whom, then closes', () => {
    const framer = new MbapFramer();
    framer.push(hex('0007 0000 00ff 11'));
    expect(drain(framer)).toEqual([]);
    framer.push(hex('10'));
    expect(drain(framer)).toEqual([
      {
        kind: 'fault',
        code: 'length-long',
        message: 'length is `255`, expected 2 to 254',
        answer: { transactionId: 7, unitId: 0x11, functionCode: 0x10 },
        afterwards: 'close',
      },
    ]);
    framer.push(hex(read));
    expect(drain(framer)).toEqual([]);
    expect(framer.held).toBe(0);
  });
});

describe('writing', () => {
  it('puts a request and a response in one ADU each', () => {
    const batch = new MbapBatch();
    batch.addRequest(1, 0x11, { kind: 'readHoldingRegisters', address: 107, quantity: 3 });
    expect(toHex(batch.take())).toBe(toHex(hex(read)));
    batch.addResponse(0xfffe, 0xff, { kind: 'exception', functionCode: 3, exceptionCode: 2 });
    expect(toHex(batch.take())).toBe('fffe00000003ff8302');
  });

  it('passes a fault on, and adds nothing then', () => {
    const batch = new MbapBatch();
    expect(batch.addRequest(1, 1, { kind: 'readCoils', address: 0, quantity: 0 })).toBeDefined();
    expect(batch.addResponse(1, 1, { kind: 'readCoils', values: hex('') })).toBeDefined();
    expect([batch.frames, batch.take().length]).toEqual([0, 0]);
  });

  it('keeps one stretch of octets whatever its length, and never writes over what was taken', () => {
    const batch = new MbapBatch();
    const taken: { readonly octets: Uint8Array; readonly seen: string }[] = [];
    const all: string[] = [];
    for (let id = 0; id < 400; id += 1) {
      batch.addResponse(id, 1, { kind: 'readHoldingRegisters', values: new Uint8Array(250).fill(id) });
      all.push(
        `${id.toString(16).padStart(4, '0')}000000fd0103fa${(id & 0xff).toString(16).padStart(2, '0').repeat(250)}`,
      );
      if (id % 50 !== 49 && id % 7 !== 0) continue;
      const octets = batch.take();
      taken.push({ octets, seen: toHex(octets) });
    }
    expect(taken.map(({ octets }) => toHex(octets))).toEqual(taken.map(({ seen }) => seen));
    expect(taken.map(({ seen }) => seen).join('')).toBe(all.join(''));
  });
});
