// ejabberd as the second real MQTT broker (Erlang, MQTT 5 and 3.1.1, retained messages by wildcard), on a loopback port,
// with a folder of its own that goes with it. Started by `erl` itself: no account, no name server, nothing outside the folder.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../simulators/free-port.ts';
import { accepts, inFolder, run, start } from './program.ts';

/** ejabberd lets nobody in without a name; the password is not looked at. */
export const EJABBERD_LOGIN = { username: 'site', password: 'any' } as const;

interface Ejabberd {
  readonly port: number;
  /** `mqtt://127.0.0.1:PORT`. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Starts the broker and waits until it accepts connections. Nothing it kept survives `stop`. */
export async function startEjabberd(options: { readonly port?: number } = {}): Promise<Ejabberd> {
  const port = options.port ?? (await freePort());
  return inFolder('ejabberd', async (folder) => {
    const file = join(folder, 'ejabberd.yml');
    await writeFile(file, configuration(port));
    const environment = [
      `HOME=${folder}`,
      `ERL_LIBS=${await librariesFolder()}`,
      `EJABBERD_CONFIG_PATH=${file}`,
      `EJABBERD_LOG_PATH=${join(folder, 'ejabberd.log')}`,
      `ERL_CRASH_DUMP=${join(folder, 'crash.dump')}`,
    ];
    const database = JSON.stringify(join(folder, 'mnesia'));
    const words = [...environment, 'erl', '-noinput', '-mnesia', 'dir', database, '-s', 'ejabberd'];
    const running = await start('env', words, () => accepts(port));
    return { port, url: `mqtt://127.0.0.1:${port}`, stop: running.stop };
  });
}

function configuration(port: number): string {
  return [
    'hosts: [localhost]',
    'loglevel: error',
    'auth_method: [anonymous]',
    'anonymous_protocol: both',
    'allow_multiple_connections: true',
    'listen:',
    `  - port: ${port}`,
    '    ip: "127.0.0.1"',
    '    module: mod_mqtt',
    'modules:',
    '  mod_mqtt:',
    '    match_retained_limit: infinity',
    '    session_expiry: 7 days',
    '',
  ].join('\n');
}

/** Where Debian keeps the Erlang libraries beside OTP's own: above `ejabberd-VERSION/ebin`. */
async function librariesFolder(): Promise<string> {
  const { stdout } = await run('dpkg', ['-L', 'ejabberd']);
  const found = stdout.split('\n').find((line) => line.endsWith('/ebin/ejabberd.app'));
  if (!found) throw new Error('`dpkg -L ejabberd` names no ejabberd.app');
  return join(found, '..', '..', '..');
}
