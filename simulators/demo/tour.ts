// `npm start -- --tour`: the demo plays by itself in a folder and on ports of its own, a sentence a step, each step held to
// the devices' records; exit code 0 where all of it held.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ANY_PORTS } from './options.ts';
import { startSite } from './site.ts';
import { Stage } from './stage.ts';
import { STEPS } from './steps.ts';
import type { DemoTerminal } from './terminal.ts';

/** At a terminal a person reads along. */
const PAUSE_MS = process.stdout.isTTY ? 1200 : 0;

/** Gives the exit code. `asked` ends it early, and then it has failed. */
export async function playTour(terminal: DemoTerminal, asked: Promise<void>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tour-'));
  let stopped = false;
  void asked.then(() => {
    stopped = true;
  });
  try {
    const site = await startSite({ folder, ports: ANY_PORTS }, terminal);
    const stage = new Stage(site);
    try {
      await site.push();
      let failures = 0;
      for (const { sentence, play } of STEPS) {
        if (stopped) return 1;
        await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, PAUSE_MS))]);
        const fault = await play(stage).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        failures += fault === undefined ? 0 : 1;
        terminal.say(fault === undefined ? `✓ ${sentence}\n` : `✗ ${sentence}\n  ${fault}\n`);
      }
      terminal.say(failures === 0 ? `all ${STEPS.length} steps hold` : `${failures} of ${STEPS.length} steps failed`);
      return failures === 0 ? 0 : 1;
    } finally {
      await stage.dropTools();
      await site.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
