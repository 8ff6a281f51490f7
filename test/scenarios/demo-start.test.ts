// `npm start` as a user meets it: ready in seconds, twice in the same folder, one sentence where a port is taken, and nothing
// left of it after Ctrl-C.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HELP } from '../../simulators/demo/options.ts';
import { freePort } from '../../simulators/free-port.ts';
import { until } from './daemon-rig.ts';
import { accepts, run } from './peers/program.ts';

const DEMO = new URL('../../dist/simulators/demo/main.js', import.meta.url).pathname;
const ASKED = ['modbus', 'meters', 'secure'];
const ANY = [...ASKED, 'bacnet', 'health', 'http', 'broker'].flatMap((name) => [`--${name}-port`, '0']);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-demo-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts it, waits until it is ready, ends it with the signal; gives what it said and how it ended. */
async function comeAndGo(signal: 'SIGINT' | 'SIGTERM') {
  // When it has gone nobody else may have them.
  const ports = await Promise.all(ASKED.map(freePort));
  const chosen = ASKED.flatMap((name, at) => [`--${name}-port`, String(ports[at])]);
  const began = performance.now();
  const child = spawn(process.execPath, [DEMO, '--data', folder, ...ANY, ...chosen], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  await until('it is ready', () => said.includes('Ready after') && said.includes('Ctrl-C ends')).catch((error) => {
    child.kill('SIGKILL');
    throw new Error(`${error.message}: ${said}`);
  });
  const readyMs = performance.now() - began;
  const listening = await Promise.all(ports.map((port) => accepts(port)));
  child.kill(signal);
  const [code] = await closed;
  const left = await Promise.all(ports.map((port) => accepts(port)));
  return { said, readyMs, code, listening, left };
}

test('is ready and says how soon, says who may do what, ends cleanly, and again in the same folder', async () => {
  const first = await comeAndGo('SIGINT');
  console.info(`demo ready after ${Math.round(first.readyMs)} ms`);
  expect(first.said).toMatch(/Anna +yes +yes/);
  expect(first.said).toContain('the gateway reports revision 1 active');
  expect(first.said).toMatch(/mbpoll -m tcp -p \d+ -a 1 -0 -1 -r 100 -t 4:float 127\.0\.0\.1 -- 21\.5/);
  // No colours where there is no terminal.
  expect(first.said).not.toContain('\x1b[');
  const second = await comeAndGo('SIGTERM');
  expect(second.said).toContain('the gateway reports revision 2 active');
  for (const { code, listening, left, said } of [first, second]) {
    expect(said).toContain('daemon.stopped');
    expect([code, listening, left]).toEqual([0, [true, true, true], [false, false, false]]);
  }
});

test('a port in use is one sentence with the flag to change it; words nobody knows are said', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  try {
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const busy = await run(process.execPath, [DEMO, '--data', folder, ...ANY, '--broker-port', port]);
    expect(busy).toMatchObject({
      code: 1,
      stderr: `port ${port} of 127.0.0.1 is in use: choose another one with --broker-port\n`,
      stdout: '',
    });
  } finally {
    taken.close();
  }
  const wrong = await run(process.execPath, [DEMO, '--modbus-port', 'x']);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('`--modbus-port x`')]);
  expect((await run(process.execPath, [DEMO, '--colour'])).code).toBe(1);
  expect(await run(process.execPath, [DEMO, '--help'])).toMatchObject({ code: 0, stdout: `${HELP}\n` });
});
