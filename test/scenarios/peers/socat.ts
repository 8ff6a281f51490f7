// A pair of pseudo-terminals joined back to back by socat: a serial line without wires.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder, start } from './program.ts';

interface PtyPair {
  /** Path of the end the gateway opens. */
  readonly near: string;
  /** Path of the end the simulated line opens. */
  readonly far: string;
  stop(): Promise<void>;
}

/** Makes the pair; the paths exist until `stop`. */
export async function startPtyPair(): Promise<PtyPair> {
  return inFolder('pty', async (folder) => {
    const near = join(folder, 'near');
    const far = join(folder, 'far');
    const args = [`PTY,raw,echo=0,link=${near}`, `PTY,raw,echo=0,link=${far}`];
    const running = await start('socat', args, () => existsSync(near) && existsSync(far));
    return { near, far, stop: running.stop };
  });
}
