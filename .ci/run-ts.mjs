// Runs a program of test/ (a benchmark, a fuzzer, a deep check): compiles it with everything it imports into
// a folder of its own under node_modules/.cache/programs, then runs it there with the words that follow.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [program, ...words] = process.argv.slice(2);
if (!program?.endsWith('.ts')) throw new Error('usage: run-ts.mjs test/…/program.ts [words]');
const out = `${root}node_modules/.cache/programs/${program.replace(/\W+/g, '-')}`;
const threads = ['src/store/journal-worker.ts', 'src/store/policy-worker.ts', 'src/daemon/compile-worker.ts'];
mkdirSync(out, { recursive: true });
const config = `${out}/tsconfig.json`;
writeFileSync(
  config,
  JSON.stringify({
    extends: `${root}tsconfig.json`,
    compilerOptions: { rootDir: root, outDir: out, tsBuildInfoFile: `${out}/.tsbuildinfo`, noEmitOnError: false },
    // Threads are started by file name: no import leads to them.
    files: [program, ...threads].map((file) => `${root}${file}`),
    include: [],
  }),
);
try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', config], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1);
}
if (!existsSync(`${out}/package.json`)) symlinkSync(`${root}package.json`, `${out}/package.json`);
const child = spawn(process.execPath, ['--expose-gc', `${out}/${program.replace(/\.ts$/, '.js')}`, ...words], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));
