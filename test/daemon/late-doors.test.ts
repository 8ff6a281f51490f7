// The daemon's own doors on addresses that come late: it runs without them and says so; a port in use ends the start.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { driver } from '../../drivers/modbus/driver.ts';
import { askDaemon } from '../../src/cli/control-client.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { parseSiteConfig } from '../../src/daemon/site-config.ts';

let folder: string;
const closers: (() => Promise<unknown> | unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-doors-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

function configure(sections: string) {
  const text = `format: gatehouse.site/1
gateway: late
data: ${join(folder, 'data')}
control: { socket: ${join(folder, 'control.sock')} }
log: { level: error }
drivers: { modbus: { listen: [{ name: north, address: 127.0.0.1, port: 0 }], lines: {}, units: [] } }
${sections}
`;
  const parsed = parseSiteConfig(text, [driver]);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault));
  return parsed.value;
}

it('starts without an address for page and health, and says which it waits for', async () => {
  const config = configure('http: { address: 203.0.113.1 }\nhealth: { address: 203.0.113.2 }');
  const daemon = await startDaemon(config, [driver]);
  closers.push(() => daemon.stop());
  expect(daemon.healthy()).toBe(true);
  const { ready, remarks } = (await askDaemon(join(folder, 'control.sock'), 'GET', '/v1/status')) as {
    readonly ready: boolean;
    readonly remarks: readonly string[];
  };
  expect(ready).toBe(false);
  expect(remarks.filter((remark) => remark.startsWith('degraded'))).toEqual([
    expect.stringMatching(
      /^degraded: health\.address: `203\.0\.113\.2` is no address of an interface that is up; found /,
    ),
    expect.stringMatching(
      /^degraded: http\.address: `203\.0\.113\.1` is no address of an interface that is up; found /,
    ),
  ]);
});

it.each(['http', 'health'])('a port in use ends the start: %s', async (door) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  closers.push(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(
    startDaemon(configure(`${door}: { address: 127.0.0.1, port: ${port} }`), [driver]),
  ).rejects.toMatchObject({
    code: `${door}-port`,
    message: `cannot listen on \`127.0.0.1:${port}\` (${door}): the port is in use`,
  });
});
