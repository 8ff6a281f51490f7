#!/usr/bin/env node
// The program `gatehouse-console`: hands the words of the command line to the console.

import type { Terminal } from './console-exit.ts';
import { runConsole } from './console-program.ts';

/** Reads one line; what is typed at a terminal is not shown. */
function readSecret(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  const typed = stdin.isTTY === true;
  return new Promise((resolve, reject) => {
    let text = '';
    const finish = (): void => {
      stdin.removeAllListeners('data');
      stdin.removeAllListeners('end');
      if (typed) {
        stdin.setRawMode(false);
        stderr.write('\n');
      }
      stdin.pause();
    };
    if (typed) {
      stderr.write(prompt);
      stdin.setRawMode(true);
    }
    stdin.setEncoding('utf8');
    stdin.on('end', () => {
      finish();
      resolve(text);
    });
    stdin.on('data', (chunk: string) => {
      for (const character of chunk) {
        if (character === '\n' || character === '\r') {
          finish();
          resolve(text);
          return;
        }
        if (typed && character === '\u0003') {
          finish();
          reject(new Error('interrupted'));
          return;
        }
        text = typed && character === '\u007f' ? text.slice(0, -1) : text + character;
      }
    });
  });
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

const terminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  setExit: (code) => {
    process.exitCode = code;
  },
  secret: readSecret,
  interrupted: new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  }),
};

await runConsole(process.argv.slice(2), terminal);
