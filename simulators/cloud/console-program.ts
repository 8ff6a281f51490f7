// `gatehouse-console …` as one program. Every command ends with an exit code of `console-exit.ts`.

import { Command, CommanderError } from 'commander';
import { ConsoleFault, EXIT, type ExitCode, type Terminal } from './console-exit.ts';
import { addCredentialCommands } from './credential-commands.ts';
import { addFleetCommands } from './fleet-commands.ts';
import { addImageCommands } from './image-commands.ts';
import { addJobCommands } from './job-commands.ts';
import { addJournalCommands } from './journal-commands.ts';
import { addLockCommands } from './lock-commands.ts';
import { addPolicyCommands } from './policy-commands.ts';
import { addRemoteCommands } from './remote-commands.ts';
import { addRootCommands } from './root-commands.ts';
import { addSetupCommands } from './setup-commands.ts';

const exitHelp = `
The console lives in a folder: --home, else GATEHOUSE_CONSOLE, else ./gatehouse-console.
Exit codes: 0 done, 1 failed, 2 bad input, 3 denied.
`;

/** What every command takes. */
function shape(command: Command): Command {
  return command
    .option('--home <folder>', 'the console’s folder (default $GATEHOUSE_CONSOLE, else ./gatehouse-console)')
    .option('--json', 'print JSON');
}

/** Parses and runs one command line; never throws. */
export async function runConsole(words: readonly string[], terminal: Terminal): Promise<void> {
  const program = new Command('gatehouse-console')
    .description('the cloud side of gateways: policy, locks, commands and records, over any MQTT broker')
    .showHelpAfterError('(see --help)')
    .addHelpText('after', exitHelp)
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride();
  const groups = [
    addSetupCommands,
    addRootCommands,
    addPolicyCommands,
    addLockCommands,
    addRemoteCommands,
    addJobCommands,
    addJournalCommands,
    addFleetCommands,
    addCredentialCommands,
    addImageCommands,
  ];
  for (const add of groups) add(program, terminal, shape);
  inheritExit(program);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    terminal.setExit(exitOf(error, terminal));
  }
}

/** Sub-commands do not inherit `exitOverride` and output by themselves once they were added. */
function inheritExit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritExit(child);
  }
}

function exitOf(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof ConsoleFault) {
    terminal.err(error.message);
    return error.exitCode;
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  terminal.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.failed;
}
