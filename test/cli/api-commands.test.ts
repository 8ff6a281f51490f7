// `gatehouse firmware|config|alarm|batch|job` against a gateway that listens: as a person with a password and as a program.

import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExitCode, Terminal } from '../../src/cli/exit.ts';
import { runProgram } from '../../src/cli/program.ts';
import { rowsOf, typedValue } from '../../src/cli/work-commands.ts';
import { principalId, targetId } from '../../src/model/ids.ts';
import { bootInventory, DeviceStage } from '../http/device-stage.ts';
import { type HttpRig, startHttpRig } from '../http/rig.ts';
import { PASSWORD, TOKEN } from '../http/site-bundle.ts';
import { digestOf, imageBytes, manifestFor, signedManifest } from '../store/image-rig.ts';

const octets = imageBytes(2_500_000);
const id = digestOf(octets);
const small = imageBytes(2000);
const stage = new DeviceStage();
let rig: HttpRig;
let folder: string;
let proof: string[];
let url: string;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  rig = await startHttpRig({
    changes: {
      grants: [
        { to: 'user:carla', role: 'chief', at: 'root' },
        { to: 'user:carla', role: 'updater', at: 'root' },
        { to: 'user:anna', role: 'updater', at: 'hq' },
        { to: 'user:ben', role: 'viewer', at: 'hq' },
        { to: 'application:optimizer', role: 'updater', at: 'hq' },
      ],
      inventory: bootInventory(),
    },
    drivers: stage.drivers,
  });
  url = `https://127.0.0.1:${await rig.listen()}`;
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-api-'));
  const { certificate } = rig.context.options.settings;
  const fingerprint = createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');
  proof = ['--url', url, '--fingerprint', fingerprint];
  writeFileSync(file('token'), `${TOKEN}\n`);
  writeFileSync(file('ca.pem'), certificate);
  writeFileSync(file('image.bin'), octets);
  writeFileSync(file('image.manifest'), `${signedManifest(manifestFor(octets, { model: 'X1', version: '2.0' }))}\n`);
  writeFileSync(file('small.bin'), small);
  writeFileSync(file('small.manifest'), signedManifest(manifestFor(small, { model: 'X1', version: '1.5' })));
});
afterAll(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Said {
  readonly exit: ExitCode;
  readonly out: string;
  readonly err: string;
  readonly lines: readonly string[];
}

async function run(words: readonly string[], password = PASSWORD): Promise<Said> {
  const said = { exit: 0 as ExitCode, out: '', err: '', lines: [] as string[] };
  const terminal: Terminal = {
    out: (text) => {
      said.out += `${text}\n`;
    },
    err: (text) => {
      said.err += `${text}\n`;
    },
    setExit: (code) => {
      said.exit = code;
    },
    secret: async () => password,
    progress: (line) => void said.lines.push(line),
  };
  await runProgram(words, terminal);
  return said;
}

const as = (person: string, ...words: string[]) => run([...words, ...proof, '--user', `${person}@acme.example`]);
const program = (...words: string[]) => run([...words, ...proof, '--token-file', file('token')]);

describe('a gateway', () => {
  it('is believed by its authority or its fingerprint, and by nothing else', async () => {
    const words = ['firmware', 'images', '--url', url, '--token-file', file('token')];
    expect((await run([...words, '--ca', file('ca.pem')])).exit).toBe(0);
    const unknown = await run(words);
    expect([unknown.exit, unknown.err]).toEqual([
      1,
      expect.stringContaining('--ca, or its certificate with --fingerprint'),
    ]);
    const wrong = await run([...words, '--fingerprint', 'a'.repeat(64)]);
    expect([wrong.exit, wrong.err]).toEqual([1, expect.stringContaining('its certificate has fingerprint')]);
    expect((await run([...words, '--fingerprint', 'xyz'])).exit).toBe(2);
    expect((await run([...words.slice(0, 2), '--url', 'http://127.0.0.1/'])).exit).toBe(2);
    const nobody = await run(['firmware', 'images', '--url', 'https://127.0.0.1:1', '--token-file', file('token')]);
    expect([nobody.exit, nobody.err]).toEqual([1, expect.stringContaining('could not reach the gateway')]);
  });

  it('wants to know who asks, and signs people out again', async () => {
    expect(await run(['job', 'status', ...proof])).toMatchObject({ exit: 2, err: expect.stringContaining('who asks') });
    const wrong = await run(['job', 'status', ...proof, '--user', 'anna@acme.example'], 'wrong password');
    expect(wrong.exit).toBe(3);
    expect((await as('anna', 'job', 'status')).out).toBe('no jobs\n');
    expect(rig.context.sessions.size).toBe(0);
    expect((await program('job', 'status', '--user', 'x')).exit).toBe(2);
    expect((await run(['job', 'status', ...proof, '--token-file', file('none')])).exit).toBe(2);
  });
});

describe('gatehouse firmware', () => {
  it('uploads an image in pieces, and knows it again', async () => {
    const words = ['firmware', 'upload', file('image.bin'), '--manifest', file('image.manifest')];
    const sent = await program(...words);
    expect([sent.exit, sent.out]).toEqual([0, expect.stringContaining(`${id}  Acme`)]);
    expect(sent.lines).toEqual(['1.0 MiB of 2.4 MiB', '2.0 MiB of 2.4 MiB', '2.4 MiB of 2.4 MiB', '']);
    expect((await rig.images.open(id)).ok).toBe(true);
    expect((await program(...words)).exit).toBe(0);
    expect(await program('firmware', 'upload', file('small.bin'), '--manifest', file('image.manifest'))).toMatchObject({
      exit: 2,
      err: expect.stringContaining('of 2000 octets, the manifest says 2500000'),
    });
    expect((await program('firmware', 'upload', file('none'), '--manifest', file('image.manifest'))).exit).toBe(2);
    expect((await as('ben', ...words)).exit).toBe(3);
    await program('firmware', 'upload', file('small.bin'), '--manifest', file('small.manifest'));
    const listed = await program('firmware', 'images', '--json');
    expect(JSON.parse(listed.out)).toHaveLength(2);
  });

  it('says per device what would become of it, and starts nothing where one is denied', async () => {
    const update = ['firmware', 'update', '--image', id.slice(0, 8), '--device', 'd1', '--device', 'd2'];
    const looked = await as('anna', ...update, '--dry-run');
    expect([looked.exit, looked.out]).toEqual([0, expect.stringMatching(/d1 +permitted +1\.0/)]);
    const denied = await as('anna', 'firmware', 'update', '--image', id, '--device', 'nowhere', '--dry-run');
    expect([denied.exit, denied.out]).toEqual([2, expect.stringContaining('devices.0: no such device')]);
    const ben = await as('ben', 'firmware', 'update', '--image', id, '--device', 'd1', '--dry-run');
    expect([ben.exit, ben.out]).toEqual([3, expect.stringMatching(/d1 +denied .*needs firmware\.update/)]);
    const refused = await as('ben', 'firmware', 'update', '--image', id, '--device', 'd1');
    expect([refused.exit, refused.err]).toEqual([3, expect.stringMatching(/d1: .*needs firmware\.update/)]);
    expect(refused.err).toMatch(/decision /);
    expect(rig.jobs.list()).toEqual([]);
    for (const wrong of [
      [...update, '--at-once', '33'],
      [...update, '--stop-at', '0'],
      [...update, '--from', '1h'],
      [...update, '--until', 'yesterday'],
      [...update, '--until', '2026-02-30T08:00:00Z'],
      ['firmware', 'update', '--image', 'ffffff', '--device', 'd1'],
      ['firmware', 'update', '--image', id],
    ]) {
      expect((await as('anna', ...wrong)).exit).toBe(2);
    }
  });

  it('updates, follows, and ends with how it ended', async () => {
    const { image } = { image: digestOf(small) };
    const done = await program('firmware', 'update', '--image', image, '--device', 'd1', '--no-canary', '--wait');
    expect([done.exit, done.out]).toEqual([0, expect.stringMatching(/d1 +done +1\.0 +1\.5 +100 %/)]);
    expect(done.lines.at(-1)).toBe('');
    const busy = ['firmware', 'update', '--image', image, '--device', 'd2', '--from', '1h', '--until', '2h'];
    const started = await as('anna', ...busy, '--note', 'spring');
    const job = started.out.split(':')[0] ?? '';
    expect(started.exit).toBe(0);
    expect((await as('anna', ...busy)).exit).toBe(1);
    expect((await as('anna', 'firmware', 'status')).out).toMatch(/firmware +waiting-window .*1 waiting-window/);
    expect((await as('anna', 'firmware', 'pause', job, '--why', 'lunch')).out).toContain(': lunch');
    expect((await as('anna', 'job', 'resume', job)).exit).toBe(0);
    expect((await as('ben', 'firmware', 'abort', job)).exit).toBe(2);
    expect((await as('anna', 'firmware', 'approve', job)).exit).toBe(1);
    expect((await as('anna', 'firmware', 'abort', job, '--why', 'enough')).exit).toBe(0);
    const ended = await as('anna', 'firmware', 'status', job, '--wait');
    expect([ended.exit, ended.out]).toEqual([1, expect.stringContaining('d2')]);
    expect(JSON.parse((await as('anna', 'firmware', 'status', job, '--json')).out)).toMatchObject({ note: 'spring' });
    expect((await as('anna', 'firmware', 'status', 'j-none')).exit).toBe(2);
    expect((await program('firmware', 'remove', image)).exit).toBe(0);
  });
});

describe('gatehouse config, alarm and batch', () => {
  it('show the difference of a copy before it is made', async () => {
    const copy = ['config', 'copy', '--from', 'd2', '--to', 'd1', '--to', 'd4'];
    const looked = await as('anna', ...copy, '--dry-run');
    expect([looked.exit, looked.out]).toEqual([0, expect.stringMatching(/d1\/gain +1 +2 +differs/)]);
    expect((await as('ben', ...copy, '--dry-run')).exit).toBe(3);
    expect((await as('anna', ...copy, '--class', 'all')).exit).toBe(2);
    const later = await as('anna', ...copy, '--class', 'parameter', '--not-before', '1h', '--until', '2h');
    expect(later.exit).toBe(0);
    expect((await as('anna', 'job', 'abort', later.out.split(':')[0] ?? '')).exit).toBe(0);
  });

  it('set alarm limits, list alarms and acknowledge them', async () => {
    const limits = ['alarm', 'set', '--device', 'd1', '--value', 'high=30'];
    expect((await as('carla', ...limits, '--dry-run')).out).toMatch(/d1\/high +1 +30 +differs/);
    expect((await as('anna', ...limits, '--dry-run')).exit).toBe(3);
    expect((await as('carla', 'alarm', 'set', '--device', 'd1', '--value', 'high')).exit).toBe(2);
    stage.alarms.set('d1', [{ key: 'k1', state: 'high-limit', acknowledged: false, point: 'd1/high' }]);
    const listed = await as('anna', 'alarm', 'list', '--device', 'd1');
    expect([listed.exit, listed.out]).toEqual([0, expect.stringMatching(/d1 +d1\/high +high-limit +no +k1/)]);
    expect((await as('ben', 'alarm', 'acknowledge', 'd1', 'k1')).exit).toBe(3);
    expect(await as('anna', 'alarm', 'acknowledge', 'd1', 'k1')).toMatchObject({ exit: 0, out: 'done\n' });
    expect(await as('anna', 'alarm', 'list', '--location', 'attic')).toMatchObject({ exit: 0, out: 'no alarms\n' });
    stage.silent = 'd2';
    expect((await as('anna', 'alarm', 'list')).exit).toBe(1);
  });

  it('take a batch from CSV or YAML', async () => {
    writeFileSync(file('rows.csv'), 'point,value,priority,for\nahu1/sat-sp,19.5,,30m\n');
    writeFileSync(file('rows.yaml'), '- {point: ahu1/sat-sp, value: 20, for: none}\n- {point: d1/gain, value: 3}\n');
    expect((await as('carla', 'batch', file('rows.csv'), '--dry-run')).exit).toBe(0);
    expect((await as('ben', 'batch', file('rows.yaml'), '--dry-run')).exit).toBe(3);
    const done = await as('carla', 'batch', file('rows.csv'), '--wait', '--for', '1h');
    expect([done.exit, done.out]).toEqual([0, expect.stringMatching(/ahu1\/sat-sp +done +18 +19\.5 +19\.5/)]);
    expect((await as('carla', 'batch', file('none.csv'))).exit).toBe(2);
    expect(existsSync(file('none.csv'))).toBe(false);
  });
});

describe('rows of a file', () => {
  it('are read as they are meant', () => {
    expect(rowsOf('a.csv', '\uFEFFvalue,point\r\n"a ""b"", c",p1\r\n-1.5e3,p2\r\ntrue,p3\r\nnull,p4\r\n\r\n')).toEqual([
      { point: 'p1', value: 'a "b", c' },
      { point: 'p2', value: -1500 },
      { point: 'p3', value: true },
      { point: 'p4', value: null },
    ]);
    expect(rowsOf('a.json', '[{"point": "p", "value": 1, "priority": 8, "for": "2h"}]')).toEqual([
      { point: 'p', value: 1, priority: 8, overrideMs: 7_200_000 },
    ]);
    expect(typedValue('9007199254740993')).toEqual({ integer: '9007199254740993' });
    expect(typedValue('"12"')).toBe('12');
  });

  it.each([
    ['a.csv', 'point\np1'],
    ['a.csv', 'point,value,unit\np1,1,K'],
    ['a.csv', 'point,value\n,1'],
    ['a.csv', 'point,value\np1,'],
    ['a.csv', 'point,value\np1,1,2,3'],
    ['a.csv', 'point,value,priority\np1,1,high'],
    ['a.csv', 'point,value\n'],
    ['a.yaml', 'point: p'],
    ['a.yaml', '- {point: p, value: 1, unit: K}'],
    ['a.yaml', '- {point: p, value: 1, for: soon}'],
    ['a.yaml', '- [1'],
    ['a.yaml', '- null'],
  ])('are refused with their place: %s %j', (name, text) => {
    expect(() => rowsOf(name, text)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

describe('gatehouse transfers', () => {
  it('lists who holds a device, and ends it for who may control that', async () => {
    expect(await as('anna', 'transfers')).toMatchObject({ exit: 0, out: 'no transfers\n' });
    const device = rig.gate.policy()?.inventory.find('d1');
    if (device === undefined) throw new Error('no d1');
    const from = { channel: 'local', proof: { kind: 'none' }, from: '', peer: '' } as const;
    expect(rig.gate.holdDevice({ ...from, principal: principalId('anna') }, device, 'job-0')).toMatchObject({
      ok: true,
    });
    const listed = await as('anna', 'transfers');
    expect([listed.exit, listed.out]).toEqual([0, expect.stringMatching(/d1 +job +Anna .* no/)]);
    expect(JSON.parse((await as('anna', 'transfers', 'list', '--json')).out)).toMatchObject([{ device: { id: 'd1' } }]);
    const denied = await as('anna', 'transfers', 'end', 'd1');
    expect([denied.exit, denied.err]).toEqual([3, expect.stringContaining('device.control')]);
    expect((await as('anna', 'transfers', 'end', 'nowhere')).exit).not.toBe(0);
    rig.gate.releaseDevice(targetId('d1'), 'job-0', 'over');
  });
});
