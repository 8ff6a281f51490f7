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

/** Nobody waits six seconds for an air handler to restart. */
const TIME_SCALE = 0.25;

/** Gives the exit code. `asked` ends it early, and then it has failed. */
export async function playTour(terminal: DemoTerminal, asked: Promise<void>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-tour-'));
  try {
    const held = await playIn(folder, terminal, asked);
    terminal.say(`\n${held} of ${STEPS.length} steps hold`);
    return held === STEPS.length ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How many steps held. */
async function playIn(folder: string, terminal: DemoTerminal, asked: Promise<void>): Promise<number> {
  let stopped = false;
  void asked.then(() => {
    stopped = true;
  });
  const site = await startSite({ folder, ports: ANY_PORTS, timeScale: TIME_SCALE }, terminal);
  const stage = new Stage(site);
  let held = 0;
  try {
    await site.push();
    for (const { sentence, play } of STEPS) {
      await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, PAUSE_MS))]);
      if (stopped) break;
      const fault = await play(stage).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      held += fault === undefined ? 1 : 0;
      terminal.say(fault === undefined ? `✓ ${sentence}\n` : `✗ ${sentence}\n  ${fault}\n`);
    }
  } finally {
    await stage.dropTools();
    await site.stop();
  }
  return held;
}
