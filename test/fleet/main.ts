// `npm run sim:fleet -- --gateways N`: prints how long a push takes to be in force everywhere, through a broker that dies.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runGatewayProcess } from './gateway-process.ts';
import { type FleetOptions, HELP, readOptions } from './options.ts';
import { type FleetResult, runFleet } from './run-fleet.ts';

/** Sockets of the broker and of one process, and what else they have open. */
const SPARE_FILES = 256;

function describe(result: FleetResult, { withinMs }: FleetOptions): string {
  const time = (value: number | null): string => (value === null ? 'never' : `${value.toFixed(1)} s`);
  const lost = result.rowsWritten - result.rowsKept;
  return [
    `in force at 50 % after ${time(result.half)}, at 99 % after ${time(result.most)} (expected ${withinMs / 1000} s), at 100 % after ${time(result.all)}`,
    `${result.messages} MQTT packets, ${(result.bytes / 1e6).toFixed(1)} MB through the broker, both ways`,
    `${result.rowsWritten} journal rows written, ${result.rowsKept} kept by the cloud, ${lost} lost`,
    ...result.disbelieved.slice(0, 5).map((text) => `not believed: ${text}`),
    ...(result.incomplete.length > 0 ? [`incomplete journals: ${result.incomplete.slice(0, 10).join(', ')}`] : []),
  ].join('\n');
}

/** Open files one process may have. */
function fileLimit(): number {
  const { stdout } = spawnSync('/bin/sh', ['-c', 'ulimit -n'], { encoding: 'utf8' });
  return stdout.trim() === 'unlimited' ? Number.POSITIVE_INFINITY : Number(stdout);
}

async function main(words: readonly string[]): Promise<number> {
  let options: FleetOptions | undefined;
  try {
    options = readOptions(words);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  const needed = options.gateways + SPARE_FILES;
  if (fileLimit() < needed) {
    process.stderr.write(
      `got at most ${fileLimit()} open files, expected ${needed}: raise it with \`ulimit -n ${needed}\`\n`,
    );
    return 2;
  }
  const say = options.json ? () => {} : (text: string) => void process.stdout.write(`${text}\n`);
  const result = await runFleet(options, fileURLToPath(import.meta.url), say);
  process.stdout.write(`${options.json ? JSON.stringify(result) : describe(result, options)}\n`);
  const inTime = result.all !== null && result.most !== null && result.most * 1000 <= options.withinMs;
  return inTime && result.incomplete.length === 0 && result.disbelieved.length === 0 ? 0 : 1;
}

if (process.argv[2] === 'gateway-process') runGatewayProcess();
else process.exitCode = await main(process.argv.slice(2));
