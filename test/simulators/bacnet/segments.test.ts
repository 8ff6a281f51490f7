import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SegmentReceiver, SegmentSender } from '../../../simulators/bacnet/segments.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const after = (delayMs: number, run: () => void) => {
  const timer = setTimeout(run, delayMs);
  return { cancel: () => clearTimeout(timer) };
};

interface Ended {
  readonly got: readonly Buffer[];
  readonly sent: 'done' | 'failed' | undefined;
  readonly received: 'failed' | undefined;
}

/** A message over a line that loses what `loses` says, datagram by datagram. */
async function carry(options: {
  readonly payload: Buffer;
  readonly size: number;
  readonly windows: readonly [proposed: number, taken: number];
  readonly loses: (datagram: number) => boolean;
  readonly maxOctets?: number;
}): Promise<Ended> {
  const got: Buffer[] = [];
  let sent: Ended['sent'];
  let received: Ended['received'];
  let datagrams = 0;
  const pass = (deliver: () => void): void => {
    datagrams += 1;
    if (!options.loses(datagrams)) setImmediate(deliver);
  };
  const receiver = new SegmentReceiver({
    after,
    window: options.windows[1],
    timeoutMs: 4000,
    maxOctets: options.maxOctets ?? 1 << 20,
    acknowledge: (sequence, window) => pass(() => sender.acknowledged(sequence, window)),
    done: (payload) => got.push(payload),
    failed: () => {
      received = 'failed';
    },
  });
  const sender = new SegmentSender({
    after,
    payload: options.payload,
    size: options.size,
    proposedWindow: options.windows[0],
    timeoutMs: 1000,
    retries: 3,
    send: (chunk, segment) => pass(() => got.length === 0 && receiver.take(chunk, segment)),
    done: () => {
      sent = 'done';
    },
    failed: () => {
      sent = 'failed';
    },
  });
  sender.start();
  await vi.runAllTimersAsync();
  receiver.stop();
  sender.stop();
  return { got, sent, received };
}

const numbered = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, index) => (index * 7) & 0xff));

describe('segments over a line', () => {
  test('that loses now and then arrive whole and once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 3 }),
        async (length, proposed, taken, lost) => {
          const payload = numbered(length);
          const ended = await carry({
            payload,
            size: 40,
            windows: [proposed, taken],
            loses: (at) => lost.includes(at),
          });
          expect(ended.got).toEqual([payload]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('go on after sequence number 255', async () => {
    const payload = numbered(700);
    const ended = await carry({ payload, size: 1, windows: [16, 16], loses: (at) => at === 300 });
    expect(ended).toEqual({ got: [payload], sent: 'done', received: undefined });
  });

  test('that is cut are given up on both sides', async () => {
    const ended = await carry({ payload: numbered(400), size: 40, windows: [4, 4], loses: (at) => at > 5 });
    expect(ended).toEqual({ got: [], sent: 'failed', received: 'failed' });
  });

  test('beyond what the receiver takes are given up', async () => {
    const ended = await carry({
      payload: numbered(400),
      size: 40,
      windows: [4, 4],
      loses: () => false,
      maxOctets: 200,
    });
    expect(ended).toMatchObject({ got: [], received: 'failed' });
  });
});
