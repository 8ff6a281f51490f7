// `gatehouse …`: the command line as one program. Every command ends with an exit code of `exit.ts`.

import { Command, CommanderError } from 'commander';
import { StartFault } from '../contract/driver.ts';
import { VERSION } from '../daemon/version.ts';
import { addCertificateCommands } from './certificate-commands.ts';
import { addConfigCommands } from './config-commands.ts';
import { addDaemonCommands } from './daemon-commands.ts';
import { addDecodeCommand } from './decode-command.ts';
import { addDiscoverCommand } from './discover-command.ts';
import { addEnrolCommand } from './enrol-command.ts';
import { CommandFault, EXIT, type ExitCode, type Terminal } from './exit.ts';
import { addFirmwareCommands } from './firmware-commands.ts';
import { addInventoryCommands } from './inventory-commands.ts';
import { addJournalCommands } from './journal-commands.ts';
import { addPolicyCommands } from './policy-commands.ts';
import { addRunCommand } from './run-command.ts';
import { addSyncCommands } from './sync-commands.ts';
import { addWorkCommands } from './work-commands.ts';

const exitHelp = `
Exit codes: 0 done, 1 failed, 2 bad input, 3 denied.
`;

/** Parses and runs one command line; never throws. Gives the exit code where it is known, else the terminal was told. */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<void> {
  const program = new Command('gatehouse')
    .description('a gate in front of a building’s devices: permission on every device involved, or nothing happens')
    .version(VERSION)
    .showHelpAfterError('(see --help)')
    .addHelpText('after', exitHelp)
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride();
  addRunCommand(program, terminal);
  addEnrolCommand(program, terminal);
  addConfigCommands(program, terminal);
  addPolicyCommands(program, terminal);
  addInventoryCommands(program, terminal);
  addDiscoverCommand(program, terminal);
  addDecodeCommand(program, terminal);
  addDaemonCommands(program, terminal);
  addJournalCommands(program, terminal);
  addCertificateCommands(program, terminal);
  addSyncCommands(program, terminal);
  addFirmwareCommands(program, terminal);
  addWorkCommands(program, terminal);
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
  if (error instanceof CommandFault) {
    terminal.err(error.message);
    return error.exitCode;
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput;
  if (error instanceof StartFault) {
    terminal.err(`${error.message} (${error.code})`);
    return EXIT.failed;
  }
  terminal.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return EXIT.failed;
}
