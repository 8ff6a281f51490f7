// Builds the page of src/web into dist/web: hashed assets, each also compressed, and the service worker that knows them.
// What was built from the same sources stands as it is, and a new build takes the place of the old one whole.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src/web');
const target = join(root, 'dist/web');
const COMPRESSED = /\.(?:js|css|html|svg|webmanifest)$/;

const filesOf = (folder, inside = '') =>
  readdirSync(join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
    return entry.isDirectory() ? filesOf(folder, path) : [path];
  });

const digest = (...texts) => texts.reduce((hash, text) => hash.update(text), createHash('sha256')).digest('hex');

export async function buildPage() {
  const inputs = filesOf(source).filter((path) => !path.startsWith('screenshots/'));
  const made = [
    fileURLToPath(import.meta.url),
    join(root, 'package-lock.json'),
    ...inputs.map((path) => join(source, path)),
  ];
  const from = digest(...made.flatMap((path) => [path.slice(root.length), readFileSync(path)]));
  const stamp = join(target, '.built-from');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === from) return;

  // Whoever builds this for a test gets what everybody gets.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  const out = `${target}-${process.pid}`;
  const common = { configFile: false, root: source, logLevel: 'warn' };
  const output = { target: 'es2022', sourcemap: false, modulePreload: { polyfill: false } };
  await build({
    ...common,
    publicDir: 'public',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    // Nothing as `data:` inside a style or a script: the content security policy has no room for it.
    build: { ...output, outDir: out, emptyOutDir: true, assetsInlineLimit: 0, assetsDir: 'assets' },
  });
  // Where a claim is confirmed from another machine: the same page under its own address.
  mkdirSync(join(out, 'confirm'));
  writeFileSync(join(out, 'confirm/index.html'), readFileSync(join(out, 'index.html')));
  const files = [
    '/',
    ...filesOf(out)
      .filter((path) => !path.endsWith('.html'))
      .map((path) => `/${path}`),
  ];
  const version = digest(...filesOf(out).flatMap((path) => [path, readFileSync(join(out, path))])).slice(0, 16);
  await build({
    ...common,
    publicDir: false,
    define: { BUILT: JSON.stringify({ version, files }) },
    build: {
      ...output,
      outDir: out,
      emptyOutDir: false,
      rollupOptions: {
        input: join(source, 'service-worker.ts'),
        output: { format: 'iife', entryFileNames: 'sw.js' },
      },
    },
  });
  for (const path of filesOf(out).filter((each) => COMPRESSED.test(each))) {
    const bytes = readFileSync(join(out, path));
    writeFileSync(join(out, `${path}.gz`), gzipSync(bytes, { level: 9 }));
    writeFileSync(join(out, `${path}.br`), brotliCompressSync(bytes));
  }
  writeFileSync(join(out, '.built-from'), from);
  mkdirSync(join(root, 'dist'), { recursive: true });
  const old = `${target}-old-${process.pid}`;
  if (existsSync(target)) renameSync(target, old);
  renameSync(out, target);
  rmSync(old, { recursive: true, force: true });
}
