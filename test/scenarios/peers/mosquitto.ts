// The real Mosquitto as MQTT broker, on a loopback port, with a folder of its own that goes with it.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../simulators/free-port.ts';
import { inFolder, type RunningProgram, start } from './program.ts';

interface Mosquitto extends RunningProgram {
  readonly port: number;
  /** `mqtt://127.0.0.1:PORT`. */
  readonly url: string;
}

interface MosquittoOptions {
  /** A port used before, so that a broker comes back where it was; default a free one. */
  readonly port?: number;
  /** Further lines of its configuration: `max_packet_size 20000` for example. */
  readonly configuration?: readonly string[];
}

/** Starts the broker and waits until it accepts connections. Nothing it kept survives `stop`. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const port = options.port ?? (await freePort());
  return inFolder('mosquitto', async (folder) => {
    const file = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      ...(options.configuration ?? []),
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const running = await start('mosquitto', ['-v', '-c', file], (output) => output.includes(' running'));
    return { ...running, port, url: `mqtt://127.0.0.1:${port}` };
  });
}
