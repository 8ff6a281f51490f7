// How the command line ends: 0 done, 1 failed, 2 bad input, 3 denied. Errors say what was found and what to do.

import { printable } from '../model/printable.ts';
import { readSecret } from './secret.ts';

export const EXIT = { done: 0, failed: 1, badInput: 2, denied: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with one line on standard error and this exit code. */
export class CommandFault extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export function badInput(message: string): CommandFault {
  return new CommandFault(EXIT.badInput, message);
}

export function failed(message: string, cause?: unknown): CommandFault {
  return new CommandFault(EXIT.failed, message, { cause });
}

/** Where a command writes; tests bring their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  setExit(code: ExitCode): void;
  /** A secret: typed without being shown, or the first line of standard input. Absent where nobody can be asked. */
  secret?(prompt: string): Promise<string>;
  /** Shows one line that the next one replaces; an empty one takes it away. Absent where nobody looks on. */
  progress?(line: string): void;
}

/** Writes what may be shown of a text; a reader that goes away (`| head`) ends the program quietly. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
  return {
    out: (text) => void process.stdout.write(`${printable(text)}\n`),
    err: (text) => void process.stderr.write(`${printable(text)}\n`),
    setExit: (code) => {
      process.exitCode = code;
    },
    secret: readSecret,
    ...(process.stderr.isTTY && { progress: (line) => void process.stderr.write(`\r\u001b[K${printable(line)}`) }),
  };
}
