// Compiles src, drivers and simulators into dist/, builds the page, and makes the command-line program executable,
// so that `npx --no-install gatehouse` works straight from a checkout.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPage } from './build-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
await buildPage();
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.ci/tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});

// npx would install a package that names a `bin` into its cache first; a link of our own is found at once, offline.
const programs = {
  gatehouse: 'dist/src/main.js',
  'gatehouse-console': 'dist/simulators/cloud/console-main.js',
};
mkdirSync(`${root}/node_modules/.bin`, { recursive: true });
for (const [name, file] of Object.entries(programs)) {
  chmodSync(`${root}/${file}`, 0o755);
  const link = `${root}/node_modules/.bin/${name}`;
  rmSync(link, { force: true });
  symlinkSync(`../../${file}`, link);
}
