// 5.2 and 5.4: cutting messages, putting them together, and what a hostile peer may try with segments.

import { describe, expect, it } from 'vitest';
import type { ComplexAckApdu, ConfirmedRequestApdu, SegmentAckApdu } from '../../../../drivers/bacnet/wire/apdu.ts';
import { encodeApdu } from '../../../../drivers/bacnet/wire/apdu.ts';
import {
  beginReassembly,
  continueReassembly,
  type Reassembly,
  type ReassemblyStep,
  type SegmentedApdu,
  segmentsAccepted,
  splitApdu,
} from '../../../../drivers/bacnet/wire/segmentation.ts';

const LIMITS = { windowSize: 4, octets: 65_536, segments: 512 };

function request(length: number): ConfirmedRequestApdu {
  return {
    type: 'confirmed-request',
    invokeId: 7,
    serviceChoice: 16,
    segmentedResponseAccepted: true,
    maxSegments: 64,
    maxApduLength: 480,
    service: Uint8Array.from({ length }, (_, index) => index % 251),
  };
}

function ack(length: number): ComplexAckApdu {
  return { type: 'complex-ack', invokeId: 7, serviceChoice: 14, service: request(length).service };
}

function cut<A extends SegmentedApdu>(apdu: A, maxApduLength = 50, proposedWindowSize = 3): readonly A[] {
  const parts = splitApdu(apdu, { maxApduLength, maxSegments: 512, proposedWindowSize });
  if (!parts.ok) throw new Error(parts.fault);
  return parts.value;
}

function state(step: ReassemblyStep | undefined): Reassembly {
  if (step?.kind !== 'await') throw new Error(`got \`${step?.kind}\`, expected \`await\``);
  return step.state;
}

/** Feeds segments in the order given; the acks seen, and the last step. */
function feed(segments: readonly SegmentedApdu[]): { acks: SegmentAckApdu[]; last: ReassemblyStep } {
  const [first, ...rest] = segments;
  if (first === undefined) throw new Error('no segments');
  let last = beginReassembly(first, LIMITS);
  const acks: SegmentAckApdu[] = [];
  const note = (): void => {
    if (last.kind !== 'abort' && last.ack !== undefined) acks.push(last.ack);
  };
  note();
  for (const segment of rest) {
    last = continueReassembly(state(last), segment);
    note();
  }
  return { acks, last };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
}

describe('cutting', () => {
  it('leaves whole what fits, to the octet', () => {
    expect(cut(request(46))).toEqual([request(46)]);
    expect(cut(ack(47))).toEqual([ack(47)]);
    expect(cut(request(47))).toHaveLength(2);
    expect(cut(ack(48))).toHaveLength(2);
  });

  it('makes segments no longer than the maximum, numbered modulo 256, the last without more-follows', () => {
    const segments = cut(request(44 * 300));
    expect(segments).toHaveLength(300);
    expect(new Set(segments.map((segment) => encodeApdu(segment).length))).toEqual(new Set([50]));
    expect(segments.map((segment) => segment.segment?.sequenceNumber)).toEqual(
      Array.from({ length: 300 }, (_, index) => index % 256),
    );
    expect(segments.filter((segment) => segment.segment?.moreFollows === false)).toEqual([at(segments, 299)]);
  });

  it('says which abort it is when it cannot be', () => {
    const limits = { maxApduLength: 50, maxSegments: 2, proposedWindowSize: 1 };
    expect(splitApdu(request(89), limits)).toEqual({ ok: false, fault: 'buffer-overflow' });
    expect(splitApdu(request(89), { ...limits, maxApduLength: 6 })).toEqual({ ok: false, fault: 'apdu-too-long' });
  });

  it('reads what a peer accepts', () => {
    expect([segmentsAccepted(8, 1), segmentsAccepted('unspecified', 5), segmentsAccepted('more-than-64', 99)]).toEqual([
      8, 5, 99,
    ]);
  });
});

describe('putting together', () => {
  it('gives the message back, whole and unsegmented', () => {
    for (const apdu of [request(1000), ack(1000), request(44 * 300)]) {
      const { last } = feed(cut(apdu));
      expect(last).toMatchObject({ kind: 'complete', apdu });
      expect(last.kind === 'complete' && 'segment' in last.apdu).toBe(false);
    }
  });

  it('acknowledges the first, the last of each window and the last of all', () => {
    const { acks } = feed(cut(request(44 * 9)));
    expect(acks.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 3, 6, 8]);
    expect(acks[0]).toEqual({
      type: 'segment-ack',
      negative: false,
      server: true,
      invokeId: 7,
      sequenceNumber: 0,
      actualWindowSize: 3,
    });
  });

  it('takes no larger a window than its own, and acknowledges an ack as a client', () => {
    const { acks } = feed(cut(ack(45 * 9), 50, 100));
    expect(acks[0]).toMatchObject({ server: false, actualWindowSize: 4 });
    expect(acks.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 4, 8]);
  });

  it('starts only with number 0 of several', () => {
    const [first, second] = cut(request(100));
    const refused = { kind: 'abort', reason: 'invalid-apdu-in-this-state' };
    expect(beginReassembly(request(10), LIMITS)).toEqual(refused);
    expect(beginReassembly(at([second], 0) ?? request(1), LIMITS)).toEqual(refused);
    expect(first?.segment?.sequenceNumber).toBe(0);
  });

  it('takes a single segment with nothing to follow as the whole', () => {
    const segment = { moreFollows: false, sequenceNumber: 0, proposedWindowSize: 1 };
    expect(beginReassembly({ ...request(5), segment }, LIMITS)).toMatchObject({ kind: 'complete', apdu: request(5) });
  });

  it('answers a gap with what it last had in order, and goes on from there', () => {
    const segments = cut(request(44 * 6));
    const { acks, last } = feed([
      at(segments, 0),
      at(segments, 1),
      at(segments, 3),
      at(segments, 2),
      ...segments.slice(3),
    ]);
    expect(acks[1]).toMatchObject({ negative: true, sequenceNumber: 1 });
    expect(last).toMatchObject({ kind: 'complete', apdu: request(44 * 6) });
  });

  it('discards duplicates in silence, a window of them, then says where it is', () => {
    const segments = cut(request(44 * 9));
    let step: ReassemblyStep = beginReassembly(at(segments, 0), LIMITS);
    step = continueReassembly(state(step), at(segments, 1));
    for (let round = 0; round < 3; round += 1) {
      step = continueReassembly(state(step), at(segments, 1));
      expect(step).not.toHaveProperty('ack');
    }
    step = continueReassembly(state(step), at(segments, 1));
    expect(step).toMatchObject({ ack: { negative: true, sequenceNumber: 1 } });
  });

  it('acknowledges again what it acknowledged, when the ack was lost', () => {
    const segments = cut(request(44 * 9));
    const { last } = feed(segments.slice(0, 4));
    const again = [1, 2, 3].map((index) => continueReassembly(state(last), at(segments, index)));
    expect(again.map((step) => step.kind === 'await' && step.ack?.sequenceNumber)).toEqual([undefined, undefined, 3]);
    expect(continueReassembly(state(last), at(segments, 4)).kind).toBe('await');
  });

  it('aborts when the header changes', () => {
    const [first, second] = cut(request(100));
    if (first === undefined || second === undefined) throw new Error('too few segments');
    const started = state(beginReassembly(first, LIMITS));
    const changed: readonly SegmentedApdu[] = [
      { ...second, invokeId: 8 },
      { ...second, serviceChoice: 15 },
      { ...second, segmentedResponseAccepted: false },
      { ...second, maxSegments: 2 },
      { ...second, maxApduLength: 50 },
      request(10),
      at(cut({ ...ack(100), serviceChoice: 16 }), 1),
    ];
    for (const apdu of changed) {
      expect(continueReassembly(started, apdu)).toEqual({ kind: 'abort', reason: 'invalid-apdu-in-this-state' });
    }
    expect(continueReassembly(started, second).kind).toBe('await');
  });

  it('aborts over its limits, of octets and of segments', () => {
    const [first, second] = cut(request(100));
    if (first === undefined || second === undefined) throw new Error('too few segments');
    for (const limits of [
      { ...LIMITS, octets: 60 },
      { ...LIMITS, segments: 1 },
    ]) {
      const started = state(beginReassembly(first, limits));
      expect(continueReassembly(started, second)).toEqual({ kind: 'abort', reason: 'buffer-overflow' });
    }
    expect(beginReassembly(first, { ...LIMITS, octets: 10 })).toEqual({ kind: 'abort', reason: 'buffer-overflow' });
  });
});
