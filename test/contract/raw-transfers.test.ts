// Raw firmware as the frames show it: whose transfer it is, how long, and what a device may still hold.

import { expect, it } from 'vitest';
import type { Caller } from '../../src/contract/gate.ts';
import { RawTransfers } from '../../src/contract/raw-transfers.ts';
import { principalId } from '../../src/model/ids.ts';
import { StageLog, StageTime } from '../gate/stage.ts';
import { MemoryShelf } from '../jobs/slot-driver.ts';

const by = (principal: string | null, peer = '192.0.2.7'): Caller => ({
  principal: principal === null ? null : principalId(principal),
  channel: 'tool',
  proof: { kind: 'none' },
  from: `${peer}:1`,
  peer,
});

function staged(shelf = new MemoryShelf()) {
  const [clock, log] = [new StageTime(), new StageLog()];
  return { clock, log, shelf, raw: new RawTransfers({ clock, log, shelf }) };
}

it('is within it for 30 s after a frame: one person from whatever address, nobody known by theirs', () => {
  const { raw, clock } = staged();
  raw.begun('a', by('anna'));
  raw.begun('b', by(null));
  expect(raw.isUnderWay('a', by('anna', '192.0.2.8'))).toBe(true);
  expect(raw.isUnderWay('a', by('ben'))).toBe(false);
  expect(raw.isUnderWay('b', by(null))).toBe(true);
  expect(raw.isUnderWay('b', by(null, '192.0.2.8'))).toBe(false);
  clock.pass(30_000);
  expect(raw.isUnderWay('a', by('anna'))).toBe(false);
  raw.begun('a', by('anna'));
  raw.ended('a');
  expect(raw.isUnderWay('a', by('anna'))).toBe(false);
});

it('bounds how many it follows, the oldest first', () => {
  const { raw } = staged();
  for (let number = 0; number <= 256; number += 1) raw.begun(`d${number}`, by('anna'));
  expect([raw.isUnderWay('d0', by('anna')), raw.isUnderWay('d1', by('anna'))]).toEqual([false, true]);
});

it('what a device took it may hold, however long ago and in the next process, until that is settled', () => {
  const { raw, clock, shelf } = staged();
  raw.begun('a', by('anna'));
  expect(raw.mayHold('a')).toBe(false);
  raw.wrote('a', by('anna'));
  raw.wrote('b', by('anna'));
  raw.ended('a');
  clock.pass(3_600_000);
  const next = staged(shelf);
  for (const each of [raw, next.raw])
    expect(['a', 'b', 'c'].map((id) => each.mayHold(id))).toEqual([true, true, false]);
  next.raw.settled('a');
  next.raw.settled('c');
  expect(next.raw.mayHold('a')).toBe(false);
  expect(shelf.list('raw-image')).toMatchObject([{ id: 'b' }]);
});

it('counts what cannot be kept all the same, and says so', async () => {
  const shelf = new MemoryShelf();
  shelf.put = () => Promise.reject(new Error('disk full'));
  const { raw, log } = staged(shelf);
  raw.wrote('a', by('anna'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(raw.mayHold('a')).toBe(true);
  expect(log.of('raw-image.not-saved')).toHaveLength(1);
  const [clock, plain] = [new StageTime(), new StageLog()];
  const alone = new RawTransfers({ clock, log: plain });
  alone.wrote('a', by('anna'));
  alone.settled('a');
  expect(alone.mayHold('a')).toBe(false);
});
