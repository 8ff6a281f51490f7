// A pair of pseudo-terminals joined back to back by socat: a serial line without wires.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from './program.ts';

interface PtyPair {
  /** Path of the end the gateway opens. */
  readonly near: string;
  /** Path of the end the simulated line opens. */
  readonly far: string;
  stop(): Promise<void>;
}

/** Makes the pair; the paths exist until `stop`. */
export async function startPtyPair(): Promise<PtyPair> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-pty-'));
  const near = join(folder, 'near');
  const far = join(folder, 'far');
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const args = [`PTY,raw,echo=0,link=${near}`, `PTY,raw,echo=0,link=${far}`];
    const running = await start('socat', args, () => existsSync(near) && existsSync(far));
    return {
      near,
      far,
      stop: async () => {
        await running.stop();
        await clean();
      },
    };
  } catch (fault) {
    await clean();
    throw fault;
  }
}
