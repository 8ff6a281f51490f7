// `npm run test:kills`: the gateway is killed 200 times in the middle of firmware updates; every device must end old or new, and
// the record must explain each. `--kills N`, `--seed N`, `--devices N`, `--kib N`. The gateway is compiled along with it.

import { gatehouse } from '../../simulators/demo/gateway.ts';
import { JobsRig } from '../scenarios/jobs-rig.ts';
import { killUpdates } from './updates.ts';

function wordAfter(flag: string, usual: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? usual : Number(process.argv[at + 1]);
}

const perKey = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([key, times]) => `${key} ${times}`)
    .join(', ');

async function main(): Promise<void> {
  const seed = wordAfter('--seed', Date.now() % 1_000_000);
  const began = performance.now();
  const rig = await JobsRig.start({
    count: wordAfter('--devices', 6),
    loader: (index) => ({ banks: index % 3 === 2 ? 'single' : 'dual', timeScale: 0.1 }),
    program: process.argv[1] ?? '',
  });
  try {
    const kills = wordAfter('--kills', 200);
    const report = await killUpdates(rig, {
      kills,
      seed,
      size: wordAfter('--kib', 256) * 1024,
      log: (line) => console.info(line),
    });
    const verdict = await gatehouse(['journal', 'verify', '--data', rig.data], '', process.argv[1]);
    if (verdict.code !== 0) report.faults.push(`the record does not verify: ${verdict.stderr}`);
    console.info(
      `seed ${seed}: ${report.kills} kills in ${report.updates} updates, ${Math.round((performance.now() - began) / 1000)} s`,
    );
    console.info(`devices stood, when it was killed: ${perKey(report.states)}`);
    console.info(
      `devices ended: ${perKey(report.ends)}; with the old image ${report.old}, with the new one ${report.fresh}`,
    );
    console.info(`journal: ${verdict.stdout.trim()}`);
    for (const fault of report.faults) console.error(`FAULT ${fault}`);
    if (report.faults.length > 0) process.exitCode = 1;
  } finally {
    await rig.stop();
  }
}

// As the gateway itself, and its command line.
if (process.argv[2] === 'run' || process.argv[2] === 'journal') {
  // The daemon looks for its drivers in their folders: no import leads there.
  await import('../../drivers/bacnet/driver.ts');
  await import('../../src/main.ts');
} else await main();
