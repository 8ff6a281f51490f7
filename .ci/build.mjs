// Compiles src, drivers and simulators into dist/ and makes the command-line program executable,
// so that `npx --no-install gatehouse` works straight from a checkout.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
execFileSync(process.execPath, [tsc, '-p', '.ci/tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
for (const program of ['dist/src/main.js']) {
  if (existsSync(`${root}/${program}`)) chmodSync(`${root}/${program}`, 0o755);
}
