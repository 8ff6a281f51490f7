// Breaks the engine on purpose, one small way at a time, in a copy outside the tree, and asks whether the differential
// check notices. Exit 1 where a mutation survives, or where its search text is not found exactly once any more.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTATIONS_OF_REQUESTS, type Mutation } from './mutation-list.ts';
import { MUTATIONS_OF_RIGHTS } from './mutation-list-rights.ts';

const MUTATIONS: readonly Mutation[] = [...MUTATIONS_OF_REQUESTS, ...MUTATIONS_OF_RIGHTS];
const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '2500' },
    seed: { type: 'string', default: '7' },
    only: { type: 'string', default: '' },
  },
});
const project = process.cwd();

/** Occurrences of the search text in the file as it stands. */
function occurrences({ file, search }: Mutation): number {
  return readFileSync(join(project, file), 'utf8').split(search).length - 1;
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'gatehouse-mutations-'));
  for (const folder of ['src/policy', 'src/model', 'test/reference']) {
    cpSync(join(project, folder), join(copy, folder), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}');
  const compilerOptions = { noEmit: false, noCheck: true, incremental: false, rootDir: '.', outDir: 'out' };
  const files = ['test/reference/deep.ts'];
  cpSync(join(project, 'tsconfig.json'), join(copy, 'base.json'));
  writeFileSync(
    join(copy, 'tsconfig.json'),
    JSON.stringify({ extends: './base.json', compilerOptions, files, include: [] }),
  );
  return copy;
}

type Outcome = 'caught' | 'survived' | 'does not compile' | 'ended without an answer';

/** Compiles the copy and runs the differential check in it. */
function check(copy: string): Outcome {
  const compiler = join(project, 'node_modules/typescript/bin/tsc');
  const compiled = spawnSync(process.execPath, [compiler, '-p', copy], { encoding: 'utf8' });
  if (compiled.status !== 0) return 'does not compile';
  const program = [
    join(copy, 'out/test/reference/deep.js'),
    '--policies',
    values.policies,
    '--seed',
    values.seed,
    '--quiet',
  ];
  const run = spawnSync(process.execPath, program, { encoding: 'utf8', timeout: 120_000 });
  if (run.status === 0) return 'survived';
  return run.status === 1 && run.stdout.includes('reference:') ? 'caught' : 'ended without an answer';
}

function main(): number {
  const stale = MUTATIONS.filter((mutation) => occurrences(mutation) !== 1);
  for (const mutation of stale) {
    console.log(
      `stale     ${mutation.name}: \`${mutation.file}\` holds its search text ${occurrences(mutation)} times, expected once`,
    );
  }
  if (stale.length > 0) return 1;
  const copy = makeCopy();
  try {
    const unchanged = check(copy);
    if (unchanged !== 'survived') {
      console.log(`the engine as it stands: ${unchanged}, expected agreement`);
      return 1;
    }
    const chosen = MUTATIONS.filter((mutation) => mutation.name.includes(values.only));
    const outcomes = chosen.map((mutation) => {
      const path = join(copy, mutation.file);
      const source = readFileSync(path, 'utf8');
      writeFileSync(
        path,
        source.replace(mutation.search, () => mutation.replacement),
      );
      const outcome = check(copy);
      writeFileSync(path, source);
      console.log(`${outcome.padEnd(9)} ${mutation.name}`);
      return outcome;
    });
    const caught = outcomes.filter((outcome) => outcome === 'caught').length;
    console.log(`${caught} of ${chosen.length} mutations caught`);
    return caught === chosen.length ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

process.exitCode = main();
