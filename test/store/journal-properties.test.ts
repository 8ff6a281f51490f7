import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JournalRow } from '../../src/model/journal-row.ts';
import { encodeRow } from '../../src/store/chain.ts';
import { JournalCore } from '../../src/store/journal-core.ts';
import { openJournalReader } from '../../src/store/journal-reader.ts';
import type { Entry, Space } from '../../src/store/journal-space.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { intent, outcome, refusal, smallLimits, temporaryFolder } from './store-rig.ts';

type Step =
  | {
      readonly kind: 'write';
      readonly rows: readonly { readonly what: 'intent' | 'outcome' | 'note'; readonly name: number }[];
    }
  | { readonly kind: 'crash' | 'reopen' }
  | { readonly kind: 'prune'; readonly upTo: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      rows: fc.array(fc.record({ what: fc.constantFrom('intent', 'outcome', 'note'), name: fc.nat(5) }), {
        minLength: 1,
        maxLength: 6,
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('crash', 'reopen') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const), upTo: fc.nat(40) }) },
);

/** What must be in the journal, kept the simplest way. */
interface Model {
  rows: { readonly number: number; readonly hash: string; readonly row: JournalRow }[];
  pruned: number;
}

const quota = { ...smallLimits, noteRows: 8 };

function openNames({ rows }: Model): string[] {
  const open = new Map<string, number[]>();
  for (const { number, row } of rows) {
    if (row.kind === 'intent') open.set(row.decision, [...(open.get(row.decision) ?? []), number]);
    if (row.kind === 'outcome') open.delete(row.decision);
  }
  return [...open].flatMap(([name, numbers]) => numbers.map((number) => `${number} ${name}`)).sort();
}

test('any sequence of writing, pruning, crashing and starting keeps chain, order and every acknowledged row', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), (steps) => {
      const folder = temporaryFolder();
      const model: Model = { rows: [], pruned: 0 };
      let generation = 0;
      let file = join(folder, `${generation}.sqlite`);
      let core = new JournalCore({ file, limits: quota });
      expect(core.probe()).toBeUndefined();
      let count = 0;
      try {
        for (const action of steps) {
          if (action.kind === 'write') write(action.rows);
          else if (action.kind === 'prune') prune(action.upTo);
          else start(action.kind === 'crash');
          check();
        }
      } finally {
        core.close();
      }

      function write(rows: (Step & { kind: 'write' })['rows']): void {
        const made = rows.map(({ what, name }): { row: JournalRow; space: Space } => {
          count += 1;
          if (what === 'note') return { row: refusal(`n${count}`, 'x', count), space: 'note' };
          if (what === 'intent') return { row: intent(`d${name}`, [`t${name}`, `u${count}`], count), space: 'change' };
          return { row: outcome(`d${name}`, count), space: 'reserve' };
        });
        const entries = made.map(({ row, space }): Entry => ({ row: encodeRow(row), space }));
        let notes = model.rows.filter(({ row }) => row.kind === 'refusal').length;
        for (const [index, answer] of core.write(entries).answers.entries()) {
          const { row, space } = made[index] ?? { row: outcome('none'), space: 'change' };
          if (space === 'note') notes += 1;
          if (space === 'note' && notes > quota.noteRows) {
            expect(answer).toMatch(/quota of notes/);
            notes -= 1;
            continue;
          }
          if (typeof answer === 'string') throw new Error(answer);
          expect(answer.number).toBe(model.pruned + model.rows.length + 1);
          model.rows.push({ ...answer, row });
        }
      }

      function prune(upTo: number): void {
        const firstOpen = Math.min(...openNames(model).map((name) => Number(name.split(' ')[0])));
        const gone = model.rows.filter(({ number }) => number <= upTo && number < firstOpen);
        expect(core.prune(1e15, upTo, 100)).toBe(gone.length);
        model.rows.splice(0, gone.length);
        model.pruned += gone.length;
      }

      /** A crash is what the disk holds at that moment, without the shared memory and without a close. */
      function start(crash: boolean): void {
        const next = crash ? join(folder, `${generation + 1}.sqlite`) : file;
        generation += crash ? 1 : 0;
        if (crash) {
          for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) cpSync(file + suffix, next + suffix);
        }
        core.close();
        file = next;
        core = new JournalCore({ file, limits: quota });
        expect(core.probe()).toBeUndefined();
        const open = core.openIntents().map(({ number, row }) => `${number} ${'decision' in row ? row.decision : ''}`);
        expect(open.sort()).toEqual(openNames(model));
      }

      function check(): void {
        const reader = openJournalReader(file);
        try {
          expect(reader.verify()).toMatchObject({ intact: true, rows: model.rows.length });
          expect(reader.rows({ limit: 1000 })).toEqual(model.rows);
        } finally {
          reader.close();
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('any single change of a stored byte or row is found, at its place', () => {
  const file = join(temporaryFolder(), 'journal.sqlite');
  const core = new JournalCore({ file, limits: smallLimits });
  core.probe();
  const names = Array.from({ length: 8 }, (_, index) => `d${index + 1}`);
  core.write(names.map((name): Entry => ({ row: encodeRow(intent(name)), space: 'change' })));
  core.close();
  const database = new Sqlite(file);
  database.exec('DROP TRIGGER row_never_changes');
  const body = database.prepare<[number], Buffer>('SELECT CAST(body AS BLOB) FROM row WHERE number = ?').pluck();
  const setBody = database.prepare('UPDATE row SET body = CAST(? AS TEXT) WHERE number = ?');
  const reader = openJournalReader(file);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (number, at, mask) => {
      const bytes = body.get(number) ?? Buffer.alloc(0);
      const changed = Buffer.from(bytes);
      const place = at % bytes.length;
      changed[place] = (changed[place] ?? 0) ^ mask;
      setBody.run(changed, number);
      expect(reader.verify()).toMatchObject({ intact: false, firstBroken: number });
      setBody.run(bytes, number);
      expect(reader.verify()).toMatchObject({ intact: true, rows: 8 });
    }),
    { numRuns: 100 },
  );
  reader.close();
  database.close();
});
