// Workstation – gateway – plant on cables of their own: real broadcasts, real link-layer addresses, no other path. With
// BACNET_TOOLS naming a folder of third-party tools (bacnet-stack's), those too.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatehouse } from '../../simulators/demo/gateway.ts';
import { type Namespaces, startNamespaces, WORKSTATION, whyNoNamespaces } from './bacnet-netns-rig.ts';
import { until } from './daemon-rig.ts';

const why = whyNoNamespaces();
if (why !== '') console.warn(why);
const tools = process.env.BACNET_TOOLS ?? '';
if (tools === '') console.warn('BACNET_TOOLS names no folder: third-party BACnet tools do not run here');

describe.skipIf(why !== '')('in network namespaces', () => {
  let site: Namespaces;
  const writes = (): number => site.plantLines.filter((line) => line.includes('write-property')).length;

  beforeAll(async () => {
    site = await startNamespaces();
    const found = async (): Promise<number> => (await site.tool('who-is')).stdout.match(/^device /gm)?.length ?? 0;
    await until('every device has been found', async () => (await found()) === 3);
  });
  afterAll(() => site?.stop());

  test('Who-Is by broadcast finds the plant behind the gateway’s network number', async () => {
    const { code, stdout } = await site.tool('who-is');
    expect(code).toBe(0);
    expect(stdout.match(/^device 100[123] at 10\.77\.1\.1:47808 behind it network 200/gm)).toHaveLength(3);
  });

  test('a gateway that boots before its switches says what it waits for, and goes on without another start', async () => {
    for (const [setting, address] of [
      ['north', '10.77.1.1'],
      ['networks.plant', '10.77.2.1'],
    ])
      expect(site.beforeCables).toContain(
        `degraded: bacnet: drivers.bacnet.${setting}.address: \`${address}\` is no address of an interface that is up; found none but loopback`,
      );
    for (const setting of ['http', 'health'])
      expect(site.beforeCables).toContain(
        `degraded: ${setting}.address: \`10.77.1.1\` is no address of an interface that is up; found none but loopback`,
      );
    const status = await gatehouse(['status', '--socket', site.socket]);
    expect(status.stdout).not.toContain('degraded');
    for (const url of ['http://10.77.1.1:9464/readyz', 'https://10.77.1.1/api/openapi.json'])
      expect(await site.onWorkstation('curl', ['-sfk', url])).toMatchObject({ code: 0 });
    expect(site.gatewayLines.filter((line) => line.includes('daemon.ready'))).toHaveLength(1);
  });

  test('there is no way to the plant but the gate', async () => {
    const direct = await site.onWorkstation('ping', ['-c', '1', '-W', '1', '10.77.2.21']).catch(() => ({ code: 1 }));
    expect(direct.code).not.toBe(0);
    expect((await site.tool('read', '1001', 'analog-input,1')).code).toBe(0);
  });

  test('a write is refused, and goes through once Anna claims the address, known by its link-layer entry', async () => {
    const words = ['write', '1001', 'analog-value,1', '20.5', '--priority', '8'];
    const before = writes();
    expect((await site.tool(...words)).stdout).toBe('error 2,40 (write-access-denied)\n');
    expect(writes()).toBe(before);
    const session = ['session', 'open', '--as', 'anna', '--for', '5m', '--socket', site.socket];
    const elsewhere = await gatehouse([...session, '--from', '10.77.1.99']);
    expect(elsewhere).toMatchObject({ code: 3 });
    expect(await gatehouse([...session, '--from', WORKSTATION])).toMatchObject({ code: 0, stderr: '' });
    expect((await site.tool(...words)).stdout).toBe('done\n');
    await until('the device says so', () => writes() === before + 1);
    expect((await site.tool('read', '1001', 'analog-value,1')).stdout).toBe('20.5\n');
    expect((await site.tool('write', '1001', 'analog-value,1', '20.5', '--priority', '5')).stdout).toContain('2,40');
    expect((await site.tool('write', '1001', 'analog-value,1', '35', '--priority', '8')).stdout).toContain('2,37');
    expect(writes()).toBe(before + 1);
  });

  describe.skipIf(tools === '')('third-party tools', () => {
    // Whoever runs these alone has no session yet.
    beforeAll(() =>
      gatehouse(['session', 'open', '--as', 'anna', '--for', '5m', '--socket', site.socket, '--from', WORKSTATION]),
    );

    const stack = (program: string, ...words: string[]) =>
      site.onWorkstation(join(tools, program), words, {
        BACNET_IFACE: site.workstationDevice,
        BACNET_IP_PORT: '47808',
      });

    test.skipIf(!existsSync(join(tools, 'bacwi')))(
      'bacwi finds the devices behind the router',
      async () => {
        const { stdout } = await stack('bacwi', '-1');
        for (const instance of ['1001', '1002', '1003']) expect(stdout).toContain(instance);
      },
      20_000,
    );

    test.skipIf(!existsSync(join(tools, 'bacrp')))(
      'bacrp reads, bacwp is refused at priority 5 and writes at 8',
      async () => {
        expect((await stack('bacrp', '1001', '2', '1', '85')).stdout).toMatch(/^\d+\.\d+/);
        const before = writes();
        const refused = await stack('bacwp', '1001', '2', '1', '85', '5', '-1', '4', '21.0');
        expect(`${refused.stdout}${refused.stderr}`).toContain('write-access-denied');
        expect(writes()).toBe(before);
        await stack('bacwp', '1001', '2', '1', '85', '8', '-1', '4', '21.0');
        await until('the device says so', () => writes() === before + 1);
      },
      30_000,
    );

    test.skipIf(!existsSync(join(tools, 'bacwpm')))(
      'bacwpm writes two objects or none, and names the one that was refused',
      async () => {
        const several = (high: string) =>
          stack('bacwpm', '1001', '2', '1', '85', '8', '4', '19.5', '2', '2', '85', '8', '4', high);
        const before = writes();
        const refused = await several('9000');
        expect(`${refused.stdout}${refused.stderr}`).toMatch(/value-out-of-range[\s\S]*analog-value 2/);
        expect(writes()).toBe(before);
        expect((await several('200')).stdout).toContain('Acknowledged');
        expect((await stack('bacrp', '1001', '2', '2', '85')).stdout).toMatch(/^200\./);
      },
      30_000,
    );

    const told = [
      ['bacrpm', 'every property of a device', ['1001', '8', '1001', '8'], /object-name: "Air handling unit 2"/],
      ['bacrr', 'the entries of a trend log', ['1001', '20', '1', '131', '1', '1', '5'], /log-buffer: \{/],
      ['bacwh', 'which devices have an object', ['0', '1'], /analog-input 1 from device 1001/],
      ['bacscov', 'changes of value', ['1001', '0', '1', '7', 'unconfirmed', '5'], /Received Notification/],
      ['bacge', 'event information, though it does not say that it expects a reply', ['1001'], /Re\w+ed Ack/],
      ['bacrd', 'that a restart is refused', ['1001', '1'], /service-request-denied/],
      ['bacdcc', 'that silencing is refused', ['1001', '1', '1'], /service-request-denied/],
      ['bacco', 'that an object is not created', ['1001', '2', '77'], /service-request-denied/],
      ['bacdo', 'that an object is not deleted', ['1001', '2', '1'], /object-deletion-not-permitted/],
    ] as const;
    test.each(told.filter(([program]) => existsSync(join(tools, program))))(
      '%s is told %s',
      async (program, _what, words, said) => {
        const before = writes();
        const { stdout, stderr } = await stack(program, ...words);
        expect(`${stdout}${stderr}`).toMatch(said);
        expect(writes()).toBe(before);
      },
      30_000,
    );
  });
});
