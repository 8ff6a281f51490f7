// `gatehouse run --config FILE`: the daemon in the foreground, until SIGINT or SIGTERM.

import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';
import { describeFault } from '../model/fault.ts';
import { EXIT, type Terminal } from './exit.ts';
import { driversNamedIn, readSite } from './site-file.ts';

/** What is closed and on disk by then may take this long to let the process go. */
const LINGER_MS = 1_000;

/**
 * Loading programs and policy fills the engine's space for young objects to its most, 16 MB three times over, and it never
 * gives them back; what comes afterwards dies young. So it may not grow until the daemon is ready.
 */
function growYoungSpace(may: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`);
}

export function addRunCommand(program: Command, terminal: Terminal): void {
  program
    .command('run')
    .description('run the gateway in the foreground')
    .requiredOption('--config <file>', 'gatehouse.yaml')
    .action(async (options: { config: string }) => {
      growYoungSpace(false);
      const drivers = await driversNamedIn(options.config);
      const config = await readSite(options.config, drivers);
      if (!config.ok) {
        for (const fault of config.fault) terminal.err(describeFault(fault));
        terminal.err(
          `refused: ${config.fault.length} ${config.fault.length === 1 ? 'fault' : 'faults'} in \`${options.config}\``,
        );
        terminal.setExit(EXIT.badInput);
        return;
      }
      const { startDaemon } = await import('../daemon/daemon.ts');
      const daemon = await startDaemon(config.value, drivers);
      growYoungSpace(true);
      const stop = new Promise<void>((resolve) => {
        // Heard as often as it comes: a second one, from a shell to its whole group, must not cut off the first one's work.
        process.on('SIGINT', () => resolve());
        process.on('SIGTERM', () => resolve());
      });
      await Promise.race([stop, daemon.failed]);
      await daemon.stop();
      terminal.setExit(daemon.healthy() ? EXIT.done : EXIT.failed);
      // Everything is closed and on disk: nothing that a library left behind may hold the process up.
      setTimeout(() => process.exit(), LINGER_MS).unref();
    });
}
