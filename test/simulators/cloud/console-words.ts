// `gatehouse-console` as a test speaks it: one call is one command line, with a folder of its own.

import type { ExitCode, Terminal } from '../../../simulators/cloud/console-exit.ts';
import { runConsole } from '../../../simulators/cloud/console-program.ts';

export interface Said {
  readonly exit: ExitCode;
  readonly out: string;
  readonly err: string;
}

export interface ConsoleWords {
  (...words: string[]): Promise<Said>;
  /** The same with --json, whose answer is read. Throws where it ended with another exit code. */
  json<T>(exit: ExitCode, ...words: string[]): Promise<T>;
}

/** `secret`: what is typed where a password is asked for. `interrupted`: the person's Ctrl-C. */
export function consoleIn(
  folder: string,
  options: { readonly secret?: string; readonly interrupted?: Promise<void> } = {},
): ConsoleWords {
  const say = async (...words: string[]): Promise<Said> => {
    const said = { exit: 0 as ExitCode, out: '', err: '' };
    const terminal: Terminal = {
      out: (text) => {
        said.out += `${text}\n`;
      },
      err: (text) => {
        said.err += `${text}\n`;
      },
      setExit: (code) => {
        said.exit = code;
      },
      secret: async () => options.secret ?? '',
      interrupted: options.interrupted ?? new Promise(() => {}),
    };
    await runConsole([...words, '--home', folder], terminal);
    return said;
  };
  return Object.assign(say, {
    async json<T>(exit: ExitCode, ...words: string[]): Promise<T> {
      const said = await say(...words, '--json');
      if (said.exit !== exit) throw new Error(`ended with ${said.exit}, expected ${exit}: ${said.out}${said.err}`);
      return JSON.parse(said.out) as T;
    },
  });
}
