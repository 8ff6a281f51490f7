// Compiles the program once before a run: worker threads and the command line start from dist/. A type error is told,
// not judged here: the compiler emits all the same, and `npm run typecheck` is the judge.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function setup(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const build = spawnSync(process.execPath, ['.ci/build.mjs'], { cwd: root, encoding: 'utf8' });
  if (build.status !== 0) process.stderr.write(`the build has faults:\n${build.stdout}`);
}
