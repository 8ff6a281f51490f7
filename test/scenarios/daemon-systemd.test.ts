// What systemd sees: the unit's exposure by its own judge, and the words the daemon says on a real datagram socket.

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { startRig, until } from './daemon-rig.ts';
import { have, run } from './peers/program.ts';
import { SYSTEM_PYTHON } from './peers/pymodbus.ts';

const UNIT = new URL('../../systemd/gatehouse.service', import.meta.url).pathname;
const MOST_EXPOSURE = 2.0;

const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-systemd-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe.runIf(have('systemd-analyze'))('the unit', () => {
  test(`its exposure is at most ${MOST_EXPOSURE}`, async () => {
    const { code, stdout, stderr } = await run('systemd-analyze', ['security', '--offline=yes', '--no-pager', UNIT]);
    const exposure = Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1]);
    console.info(`exposure of gatehouse.service: ${exposure}`);
    expect(exposure, `${stdout}${stderr}`).toBeLessThanOrEqual(MOST_EXPOSURE);
    expect(code).toBe(0);
  });

  test('systemd reads every line of it', async () => {
    // The program it starts is not installed here; everything else must be without a word.
    const folder = await temporaryFolder();
    const file = join(folder, 'gatehouse.service');
    const text = await readFile(UNIT, 'utf8');
    await writeFile(file, text.replace(/^ExecStart=\S+ \S+/m, `ExecStart=${process.execPath} /dev/null`));
    const { code, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
    const own = stderr.split('\n').filter((line) => line.includes('gatehouse'));
    expect([code, own]).toEqual([0, []]);
  });
});

/** Prints every datagram that comes, one a line as JSON. */
const RECEIVER = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(json.dumps(receiver.recv(4096).decode()), flush=True)
`;

describe.runIf(have('systemd-notify') && have(SYSTEM_PYTHON))('Type=notify', () => {
  test('ready with a status once it is, beats the watchdog, and says that it stops', async () => {
    const path = join(await temporaryFolder(), 'notify');
    const receiver = spawn(SYSTEM_PYTHON, ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    closers.push(() => receiver.kill());
    const lines: string[] = [];
    createInterface({ input: receiver.stdout }).on('line', (line) => lines.push(line));
    await until('the receiver listens', () => lines.includes('bound'));
    const heard = (word: string): number => lines.filter((line) => line.includes(word)).length;

    const environment = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' };
    const rig = await startRig({ environment, policy: false });
    closers.push(() => rig.stop());
    await until('it is said to be ready', () => heard('READY=1') === 1);
    expect(lines.find((line) => line.includes('READY=1'))).toContain('STATUS=gateway demo, policy none yet');
    await until('the watchdog hears it several times', () => heard('WATCHDOG=1') >= 3);
    expect(await rig.gateway().stop()).toBe(0);
    await until('it is said to stop', () => heard('STOPPING=1') === 1);
    const beats = heard('WATCHDOG=1');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(heard('WATCHDOG=1')).toBe(beats);
  });
});
