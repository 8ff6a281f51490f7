// What a device or a tool has put into its texts commands nobody's terminal and makes no second line.

import { describe, expect, it } from 'vitest';
import { describeRow } from '../../src/cli/journal-line.ts';
import { createLog } from '../../src/daemon/log.ts';
import { decisionId, principalId, targetId } from '../../src/model/ids.ts';
import type { IntentRow } from '../../src/model/journal-row.ts';
import { oneLine, printable } from '../../src/model/printable.ts';

const hostile = 'fan\u001b[2J\r\n     9 forged\u0085\u202e\u2028';
const harmless = 'fan\\u001b[2J\\u000d\\u000a     9 forged\\u0085\\u202e\\u2028';

const approved: IntentRow = {
  kind: 'intent',
  at: 0,
  decision: 'd-1',
  who: { principal: 'anna', channel: 'local', proof: { kind: 'job', job: 'j-1' }, from: 'job j-1' },
  operation: 'transfer',
  effects: [{ target: 'ahu1', action: 'firmware.update' }],
  by: 'permit',
  revision: 7,
  job: 'j-1',
  approvedBy: ['dora', 'emil'],
};

describe('a step of a job', () => {
  it('says who approved it, and that it was stopped half-way', () => {
    expect(describeRow({ number: 1, hash: '', row: approved })).toContain(
      'd-1: anna (job) from job j-1 transfer firmware.update ahu1, approved by dora, emil [revision 7]',
    );
    const row = {
      kind: 'outcome',
      at: 0,
      decision: 'd-1',
      outcome: { kind: 'stopped', why: 'aborted by dora' },
    } as const;
    expect(describeRow({ number: 2, hash: '', row })).toContain('d-1: stopped before it was whole: aborted by dora');
  });
});

describe('texts of others', () => {
  it('stand in one line of the record, escaped', () => {
    const row: IntentRow = {
      kind: 'intent',
      at: 0,
      decision: decisionId('d-1'),
      who: { principal: principalId('anna'), channel: 'tool', proof: { kind: 'none' }, from: '192.0.2.7:1' },
      operation: 'writeMultipleRegisters',
      effects: [{ target: targetId('ahu1/name'), action: 'point.write', old: hostile, new: 'x' }],
      by: 'permit',
      revision: 1,
    };
    expect(describeRow({ number: 1, hash: '', row })).toContain(`ahu1/name ${harmless} → x`);
  });

  it('stand in one line of the log', () => {
    const lines: string[] = [];
    createLog({ level: 'info', format: 'text' }, (line) => lines.push(line)).write('warn', 'line.down', {}, hostile);
    expect(lines).toEqual([expect.stringMatching(/^[^\p{Cc}]* line\.down: fan[^\p{Cc}]*\n$/u)]);
  });

  it('keep what is meant: letters of every script, and lines where there are several', () => {
    expect(oneLine('Zulufttemperatur °C 温度')).toBe('Zulufttemperatur °C 温度');
    expect(printable('a\n\tb\u001b\r')).toBe('a\n\tb\\u001b\\u000d');
  });
});
