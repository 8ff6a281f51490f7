// `npm start`: brings the demo site up, says who may do what, and stays until Ctrl-C; with --tour it plays by itself.
// Imports nothing of the gateway: it meets it as a child process, on its ports and on its command line.

import { guide } from './guide.ts';
import { DemoFault, type DemoOptions, HELP, readOptions } from './options.ts';
import { type DemoSite, startSite } from './site.ts';
import { type DemoTerminal, terminalOn } from './terminal.ts';
import { playTour } from './tour.ts';

async function main(words: readonly string[], terminal: DemoTerminal): Promise<number> {
  const options = readOptions(words);
  if (options === undefined) {
    terminal.say(HELP);
    return 0;
  }
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  return options.tour ? playTour(terminal, asked) : stay(options, terminal, asked);
}

async function stay(options: DemoOptions, terminal: DemoTerminal, asked: Promise<void>): Promise<number> {
  const began = performance.now();
  const site = await startSite(options, terminal);
  try {
    const report = await site.push();
    if (report.state !== 'active') {
      const faults = report.faults.map(({ path, found, expected }) => `${path}: found ${found}, expected ${expected}`);
      throw new DemoFault(`the gateway refused the demo's policy (${report.code}): ${faults.join('; ')}`);
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    terminal.say(`\nReady after ${seconds} s; everything lives in \`${site.folder}\`.`);
    terminal.say(guide(site, portOf(site, 'plant') ?? 0, portOf(site, 'secure')));
    const died = site.gateway().exited.then((how) => `the gateway ended by itself with \`${how}\``);
    const why = await Promise.race([asked, died]);
    if (why !== undefined) throw new DemoFault(why);
    terminal.say('\nStopping.');
    return 0;
  } finally {
    await site.stop();
  }
}

function portOf(site: DemoSite, listener: string): number | undefined {
  return site.gateway().ports.get(listener);
}

// A reader that goes away (`| head`) ends the demo as Ctrl-C does, not with a stack.
process.stdout.on('error', () => process.kill(process.pid, 'SIGTERM'));
try {
  process.exitCode = await main(process.argv.slice(2), terminalOn(process.stdout));
} catch (error) {
  const known = error instanceof DemoFault;
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}
