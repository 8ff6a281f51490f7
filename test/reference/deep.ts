// A long run of the differential check: `deep.js [--policies 100000] [--requests 24] [--seed 1] [--quiet]`.
// Prints the distribution of reasons; exit 0 where engine and reference agree, 1 with a small counterexample where not.

import { parseArgs } from 'node:util';
import { describeDisagreement, describeDistribution, runDifferential } from './differential.ts';

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '100000' },
    requests: { type: 'string', default: '24' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    quiet: { type: 'boolean', default: false },
  },
});
const options = { policies: Number(values.policies), requests: Number(values.requests), seed: Number(values.seed) };
if (!Object.values(options).every((number) => Number.isSafeInteger(number) && number >= 0)) {
  throw new Error(`got \`${JSON.stringify(values)}\`, expected whole numbers`);
}

const started = performance.now();
const run = runDifferential(options, (done) => {
  if (!values.quiet && done % 5_000 === 0)
    console.error(`${done} policies, ${Math.round(performance.now() - started)} ms`);
});
if (!values.quiet) console.log(`seed ${options.seed}, ${describeDistribution(run)}`);
if (run.disagreement !== undefined) {
  console.log(describeDisagreement(run.disagreement));
  process.exitCode = 1;
}
