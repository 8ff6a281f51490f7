// Reads one line; what is typed at a terminal is not shown.

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

export function readSecret(prompt: string): Promise<string> {
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
