// A gateway reduced to its journal, to be killed or starved by a test: appends changes and notes without end, and tells
// each acknowledged row on its standard output, one line a row, written through at once.

import { existsSync, writeSync } from 'node:fs';
import { openJournal } from '../../dist/src/store/journal.js';

const [file, run] = process.argv.slice(2);
const MiB = 1024 * 1024;
const limits = { maxBytes: 64 * MiB, reserveBytes: MiB, noteBytes: MiB, noteRows: 1000, minFreeBytes: 0 };

/** Waits where the reader is slow, so that an acknowledged row is told before anything else happens here. */
function tell(line) {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const journal = await openJournal({ file, limits, probeMs: 20 });
journal.onState((state) => tell(JSON.stringify({ state })));

const who = { principal: 'anna', proof: { kind: 'none' }, from: '127.0.0.1:1' };
const base = {
  at: Date.now(),
  who,
  operation: 'write',
  effects: [{ target: 't', action: 'point.write' }],
  revision: 1,
};

/** A refused change leaves something to put right, for which space was kept. */
async function undo(decision) {
  const row = { kind: 'system', at: Date.now(), event: 'undone', detail: { decision, values: 'x'.repeat(4000) } };
  const receipt = await journal.append(row, { reserved: true }).catch(() => undefined);
  const reserved = existsSync(`${file}-reserve`);
  if (receipt !== undefined) tell(JSON.stringify({ ...receipt, kind: 'system', reserved }));
}

/** Each lane is one change after the other: intent, then its outcome. */
async function lane(name) {
  for (let turn = 0; ; turn += 1) {
    const decision = `${run}-${name}-${turn}`;
    try {
      const intent = await journal.append({ ...base, kind: 'intent', decision, by: 'permit' });
      tell(JSON.stringify({ ...intent, decision, kind: 'intent' }));
      if (turn % 3 === 0)
        journal.note({ ...base, kind: 'refusal', decision: `${decision}-n`, reason: 'locked', count: 1 });
      const outcome = { kind: 'outcome', at: Date.now(), decision, outcome: { kind: 'acknowledged' } };
      tell(JSON.stringify({ ...(await journal.append(outcome, { reserved: true })), decision, kind: 'outcome' }));
    } catch (error) {
      tell(JSON.stringify({ refused: error.message, decision }));
      await undo(decision);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

tell(JSON.stringify({ open: journal.openIntents().map(({ row }) => row.decision) }));
for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) void lane(name);
