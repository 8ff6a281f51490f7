// Where a worker thread's program lies. A thread loads compiled programs only, so that one started from the sources
// takes the compiled twin beside them in `dist/`.

const here = import.meta.url;

export function workerFile(name: 'journal-worker' | 'policy-worker' | 'override-worker'): URL {
  return here.endsWith('.ts') ? new URL(`../../dist/src/store/${name}.js`, here) : new URL(`./${name}.js`, here);
}
