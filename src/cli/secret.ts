// Reads one line; what is typed at a terminal is not shown.

export function readSecret(prompt: string): Promise<string> {
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
