// 5.4: sending segments, and both machines talking over a line that loses and doubles.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComplexAckApdu, SegmentAckApdu } from '../../../../drivers/bacnet/wire/apdu.ts';
import {
  beginReassembly,
  continueReassembly,
  type ReassemblyStep,
  splitApdu,
} from '../../../../drivers/bacnet/wire/segmentation.ts';
import {
  acknowledgeTransmission,
  beginTransmission,
  repeatTransmission,
  type Transmission,
  type TransmissionStep,
} from '../../../../drivers/bacnet/wire/transmission.ts';
import type { NonEmpty } from '../../../../src/model/result.ts';

function message(length: number): ComplexAckApdu {
  const service = Uint8Array.from({ length }, (_, index) => (index * 7) % 256);
  return { type: 'complex-ack', invokeId: 9, serviceChoice: 14, service };
}

function cut(apdu: ComplexAckApdu, proposedWindowSize: number): NonEmpty<ComplexAckApdu> {
  const parts = splitApdu(apdu, { maxApduLength: 50, maxSegments: 512, proposedWindowSize });
  if (!parts.ok) throw new Error(parts.fault);
  return parts.value;
}

function ack(sequenceNumber: number, actualWindowSize = 3, negative = false): SegmentAckApdu {
  return { type: 'segment-ack', negative, server: false, invokeId: 9, sequenceNumber, actualWindowSize };
}

function state(step: TransmissionStep<ComplexAckApdu>): Transmission<ComplexAckApdu> {
  if (step.kind !== 'send') throw new Error(`got \`${step.kind}\`, expected \`send\``);
  return step.state;
}

function numbers(step: TransmissionStep<ComplexAckApdu>): readonly (number | undefined)[] {
  return step.kind === 'send' ? step.segments.map(({ segment }) => segment?.sequenceNumber) : [];
}

describe('sending', () => {
  it('sends the first alone, then windows as granted, and ends with the last ack', () => {
    let step = beginTransmission(cut(message(45 * 6), 5));
    expect(numbers(step)).toEqual([0]);
    step = acknowledgeTransmission(state(step), ack(0));
    expect(numbers(step)).toEqual([1, 2, 3]);
    step = acknowledgeTransmission(state(step), ack(3));
    expect(numbers(step)).toEqual([4, 5]);
    expect(acknowledgeTransmission(state(step), ack(5))).toEqual({ kind: 'complete' });
  });

  it('goes on from what a negative ack says has arrived', () => {
    let step = beginTransmission(cut(message(45 * 6), 5));
    step = acknowledgeTransmission(state(step), ack(0));
    step = acknowledgeTransmission(state(step), ack(1, 3, true));
    expect(numbers(step)).toEqual([2, 3, 4]);
  });

  it('takes no larger a window than it proposed', () => {
    const step = acknowledgeTransmission(state(beginTransmission(cut(message(45 * 9), 2))), ack(0, 127));
    expect(numbers(step)).toEqual([1, 2]);
  });

  it('is not moved by an ack of what was not sent, or was acknowledged before', () => {
    const first = beginTransmission(cut(message(45 * 4), 5));
    expect(numbers(acknowledgeTransmission(state(first), ack(1)))).toEqual([]);
    const second = acknowledgeTransmission(state(first), ack(0));
    expect(acknowledgeTransmission(state(second), ack(0))).toEqual({
      kind: 'send',
      state: state(second),
      segments: [],
    });
    const third = acknowledgeTransmission(state(second), ack(1));
    expect(numbers(acknowledgeTransmission(state(third), ack(4)))).toEqual([]);
  });

  it('repeats the window', () => {
    const step = acknowledgeTransmission(state(beginTransmission(cut(message(45 * 9), 5))), ack(0));
    expect(numbers(repeatTransmission(state(step)))).toEqual([1, 2, 3]);
  });

  it('takes a message that is whole as one that proposes nothing', () => {
    const whole: NonEmpty<ComplexAckApdu> = [message(5), message(6), message(7)];
    expect(acknowledgeTransmission(state(beginTransmission(whole)), ack(0))).toMatchObject({ segments: [message(6)] });
  });
});

describe('sending and putting together', () => {
  it('gets the message across a line that loses and doubles, in bounded rounds', () => {
    const fates = fc.infiniteStream(fc.constantFrom('pass', 'pass', 'pass', 'pass', 'lose', 'double'));
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 45 * 300 }),
        fc.integer({ min: 1, max: 16 }),
        fates,
        (length, window, line) => {
          const segments = cut(message(length), window);
          let sending: TransmissionStep<ComplexAckApdu> = beginTransmission(segments);
          let receiving: ReassemblyStep<ComplexAckApdu> | undefined;
          const carry = <T>(items: readonly T[]): T[] =>
            items.flatMap((item) => {
              const fate = line.next().value;
              return fate === 'lose' ? [] : fate === 'double' ? [item, item] : [item];
            });
          const receive = (segment: ComplexAckApdu): SegmentAckApdu[] => {
            // The last ack may be lost: a receiver that is done says it again.
            if (receiving?.kind === 'complete') return [receiving.ack];
            receiving =
              receiving === undefined
                ? beginReassembly(segment, { windowSize: 8, octets: 20_000, segments: 512 })
                : receiving.kind === 'await'
                  ? continueReassembly(receiving.state, segment)
                  : receiving;
            return receiving.kind !== 'abort' && receiving.ack !== undefined ? [receiving.ack] : [];
          };
          for (let round = 0; sending.kind === 'send'; round += 1) {
            if (round > 5000) throw new Error('it does not end');
            // Nothing to send: the timer ran out.
            const step = sending.segments.length > 0 ? sending : repeatTransmission(sending.state);
            const outgoing = step.kind === 'send' ? step.segments : [];
            const acks = carry(carry(outgoing).flatMap(receive));
            let moved: TransmissionStep<ComplexAckApdu> = { ...sending, segments: [] };
            for (const one of acks) {
              if (moved.kind !== 'send') break;
              const next: TransmissionStep<ComplexAckApdu> = acknowledgeTransmission(moved.state, one);
              moved = next.kind === 'send' && next.segments.length === 0 ? moved : next;
            }
            sending = moved;
          }
          expect(receiving).toMatchObject({ kind: 'complete', apdu: message(length) });
        },
      ),
      { numRuns: 60 },
    );
  });
});
