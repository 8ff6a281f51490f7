#!/usr/bin/env node
// The program `gatehouse-console`: hands the words of the command line to the console.

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Terminal } from './console-exit.ts';
import { runConsole } from './console-program.ts';

/** Reads one line; what is typed at a terminal is not shown. */
function readSecret(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  const typed = stdin.isTTY === true;
  if (typed) stderr.write(prompt);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: unseen, terminal: typed, historySize: 0 });
  return new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    lines.once('SIGINT', () => reject(new Error('interrupted')));
    lines.once('close', () => resolve(''));
  }).finally(() => {
    lines.close();
    if (typed) stderr.write('\n');
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
