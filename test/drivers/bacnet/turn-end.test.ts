// The end of a turn of the loop: in order, all of it, whatever throws; and the next read of a lane goes out before an answer.

import { expect, it } from 'vitest';
import { Deadlines } from '../../../drivers/bacnet/deadlines.ts';
import { DeviceLane } from '../../../drivers/bacnet/lane.ts';
import { type Asked, LaneRead, type ReadRequest } from '../../../drivers/bacnet/lane-read.ts';
import type { RoadParts } from '../../../drivers/bacnet/road-services.ts';
import type { PlantAnswer } from '../../../drivers/bacnet/seam.ts';
import { TurnEnd } from '../../../drivers/bacnet/turn-end.ts';
import { value } from './wire/octets.ts';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('runs what was added in its order, what is added meanwhile with it, and goes on behind a fault', async () => {
  const seen: string[] = [];
  const turn = new TurnEnd((error) => seen.push(String(error)));
  turn.add(() => {
    seen.push('one');
    turn.add(() => seen.push('three'));
    throw new Error('a fault');
  });
  turn.add(() => seen.push('two'));
  expect(seen).toEqual([]);
  await immediate();
  expect(seen).toEqual(['one', 'Error: a fault', 'two', 'three']);
  turn.add(() => seen.push('four'));
  await immediate();
  expect(seen.at(-1)).toBe('four');
});

const REQUEST: ReadRequest = {
  service: 'read-property',
  parameters: { objectIdentifier: { type: 2, instance: 1 }, propertyIdentifier: 85 },
};
const ACK: PlantAnswer = {
  kind: 'complex-ack',
  ack: { service: 'read-property', parameters: { ...REQUEST.parameters, propertyValue: value('2105') } },
};

it('sends the next read of a lane before it gives an answer, and gives what is no value at once', async () => {
  const seen: string[] = [];
  const answers: ((answer: PlantAnswer) => void)[] = [];
  const turn = new TurnEnd((error) => seen.push(String(error)));
  const clock = { now: () => 0, monotonic: () => 0, sure: () => true };
  const deadlines = new Deadlines(clock, { after: () => ({ cancel: () => undefined }) });
  const lane = new DeviceLane({ inFlight: 1, waiting: 8, waitMs: 1000 }, deadlines);
  const plant = {
    lane: () => lane,
    read(_to: unknown, _request: ReadRequest, answered: (answer: PlantAnswer) => void) {
      seen.push('asked');
      answers.push(answered);
    },
    afterSends: (run: () => void) => turn.add(run),
  };
  const parts = { plant, counted: { busy: 0 } } as unknown as RoadParts;
  const from = { peer: { driver: 'bacnet', listener: 'north', address: '127.0.0.9', port: 1 }, key: '127.0.0.9:1' };
  class Read extends LaneRead<ReadRequest> {
    begin(): void {
      this.enter();
    }
    protected again(): ReadRequest {
      return this.request;
    }
    protected seen({ kind }: Asked): void {
      seen.push(kind);
    }
    protected broken(fault: unknown): void {
      seen.push(String(fault));
    }
  }
  const incoming = { from, to: {}, request: REQUEST } as unknown as ConstructorParameters<typeof Read>[1];
  for (let count = 0; count < 3; count += 1) new Read(parts, incoming, REQUEST).begin();
  expect(seen).toEqual(['asked']);
  answers[0]?.(ACK);
  expect(seen).toEqual(['asked', 'asked']);
  await immediate();
  expect(seen).toEqual(['asked', 'asked', 'complex-ack']);
  answers[1]?.({ kind: 'no-answer' });
  expect(seen.slice(3)).toEqual(['asked', 'abort']);
});
