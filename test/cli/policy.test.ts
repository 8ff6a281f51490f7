// POLICY.md, "From the command line", sentence by sentence, on the compiled program.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { demoBundle } from '../../simulators/demo/policy.ts';
import { command, folderWith } from './command.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function files(contents: Readonly<Record<string, string>>): Promise<(name: string) => string> {
  const { path, remove } = await folderWith(contents);
  closers.push(remove);
  return path;
}

const casesFolder = process.env.GATEHOUSE_CASES ?? join(import.meta.dirname, '../../../shared/cases');
const load = (name: string) => JSON.parse(readFileSync(join(casesFolder, name), 'utf8'));
const bundle = JSON.stringify(demoBundle(1));
const permitted = '{"principal":"anna","action":"point.write","targets":["ahu1/sat-sp"]}';
const denied = '{"principal":"ben","action":"point.write","targets":["ahu1/sat-sp"]}';
const lines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('policy decide', () => {
  it('answers the worked cases as they are, one compact object a line, in order, exit 0 with denials included', async () => {
    const names = readdirSync(casesFolder).filter((name) => name.endsWith('.json') && name !== 'refused.json');
    const cases = names.flatMap((name) => load(name)).slice(0, 12);
    const answered = await Promise.all(
      cases.map(async ({ bundle, requests }) => {
        const path = await files({
          'bundle.json': JSON.stringify(bundle),
          'requests.jsonl': `${requests.map((row: object) => JSON.stringify(row)).join('\n')}\n`,
        });
        const { code, stdout } = await command([
          'policy',
          'decide',
          path('bundle.json'),
          path('requests.jsonl'),
          '--json',
        ]);
        return { code, answers: lines(stdout), text: stdout };
      }),
    );
    for (const [index, { code, answers, text }] of answered.entries()) {
      expect(code).toBe(0);
      const expected = cases[index].requests.map(({ decision, reason, target }: Record<string, string>) => ({
        decision,
        ...(reason === undefined ? {} : { reason }),
        ...(target === undefined ? {} : { target }),
      }));
      expect(answers).toMatchObject(expected);
      expect(answers).toHaveLength(expected.length);
      expect(text).not.toMatch(/": |, "/);
    }
  });

  it('reads YAML bundles and standard input; skips empty lines; knows seconds, instants and missing targets', async () => {
    const path = await files({ 'bundle.yaml': stringify(demoBundle(1)) });
    const requests = [
      permitted,
      '',
      '   ',
      '{"principal":"anna","action":"point.write","targets":["ahu1/sat-sp"],"at":1795000000,"colour":"green"}',
      '{"principal":"anna","action":"point.write","targets":["ahu1/sat-sp"],"at":"2026-11-22T08:00:00Z"}',
      '{"principal":"anna","action":"point.write"}',
      '{"principal":"anna","action":"point.write","targets":["ahu1/sat-sp"],"channel":null,"priority":null,"identity":null,"at":null}',
    ];
    const { code, stdout, stderr } = await command(['policy', 'decide', path('bundle.yaml'), '-'], requests.join('\n'));
    expect([code, stderr]).toEqual([0, '']);
    expect(lines(stdout)).toEqual([
      { decision: 'permit' },
      { decision: 'permit' },
      { decision: 'permit' },
      { decision: 'deny', reason: 'no-target' },
      { decision: 'permit' },
    ]);
  });

  it('puts an error in the place of a bad line, goes on, and exits 2', async () => {
    const path = await files({
      'bundle.json': bundle,
      'requests.jsonl': [
        permitted,
        'no JSON',
        '[]',
        '{"principal":null,"action":7}',
        '',
        '{"principal":null,"action":"point.read","at":"noon"}',
        denied,
      ].join('\n'),
    });
    const { code, stdout } = await command(['policy', 'decide', path('bundle.json'), path('requests.jsonl'), '--json']);
    expect(code).toBe(2);
    expect(lines(stdout)).toMatchObject([
      { decision: 'permit' },
      { error: expect.any(String), line: 2 },
      { error: expect.any(String), line: 3 },
      { error: expect.stringContaining('action'), line: 4 },
      { error: expect.stringContaining('at'), line: 6 },
      { decision: 'deny', reason: 'no-permission', target: 'ahu1/sat-sp' },
    ]);
  });

  it('a refused bundle: faults on standard error, nothing on standard output, exit 2', async () => {
    const refused = load('refused.json').find((row: { refused: boolean }) => row.refused);
    const path = await files({ 'bundle.json': JSON.stringify(refused.bundle), 'requests.jsonl': permitted });
    const { code, stdout, stderr } = await command(['policy', 'decide', path('bundle.json'), path('requests.jsonl')]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/found .*, expected /);
    for (const missing of [
      ['policy', 'decide', path('no.json'), path('requests.jsonl')],
      ['policy', 'decide', path('bundle.json'), path('no.jsonl')],
    ]) {
      const answer = await command(missing);
      expect(answer.stderr + answer.stdout).not.toBe('');
      expect(answer.code).toBe(2);
    }
  });

  it('no file of requests, or a folder: says so in one line, exit 2', async () => {
    const path = await files({ 'bundle.json': bundle });
    for (const requests of [path('no.jsonl'), path('.')]) {
      const { code, stdout, stderr } = await command(['policy', 'decide', path('bundle.json'), requests]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^could not read `[^\n]*\n$/);
    }
  });

  it('a line ends with a line feed and nothing else, and is of bounded length; a day must be in the calendar', async () => {
    const path = await files({ 'bundle.json': bundle });
    const on = (at: string) => `{"principal":"anna","action":"point.write","targets":["ahu1/sat-sp"],"at":"${at}"}`;
    const requests = [
      permitted.replace(',', ',\r'),
      `{"note":"\u2028",${permitted.slice(1)}`,
      `{"note":"${'x'.repeat(5_000_000)}",${permitted.slice(1)}`,
      `${permitted}\r`,
      on('2026-02-30T00:00:00Z'),
      on('2028-02-29T23:30:00-01:00'),
    ];
    const { code, stdout } = await command(['policy', 'decide', path('bundle.json'), '-'], requests.join('\n'));
    expect(code).toBe(2);
    expect(lines(stdout)).toEqual([
      { decision: 'permit' },
      { decision: 'permit' },
      { error: 'found a line too long, expected at most 4194304 bytes', line: 3 },
      { decision: 'permit' },
      { error: expect.stringContaining('at: found'), line: 5 },
      { decision: 'permit' },
    ]);
  });

  it('applies neither audience, expiry nor freshness', async () => {
    const expired = {
      ...demoBundle(1),
      audience: ['somewhere-else'],
      issuedAt: '1999-01-01T00:00:00Z',
      expiresAt: '1999-02-01T00:00:00Z',
    };
    const path = await files({ 'bundle.json': JSON.stringify(expired) });
    const { code, stdout } = await command(['policy', 'decide', path('bundle.json'), '-'], permitted);
    expect([code, lines(stdout)]).toEqual([0, [{ decision: 'permit' }]]);
  });

  it('streams: 200 000 requests take no more memory than 20 000, and the reader’s pace is kept', async () => {
    const path = await files({ 'bundle.json': bundle });
    async function* requests(count: number): AsyncGenerator<string> {
      const thousand = `${permitted}\n${denied}\n`.repeat(500);
      for (let sent = 0; sent < count; sent += 1000) yield thousand;
    }
    const ask = (count: number) => command(['policy', 'decide', path('bundle.json'), '-', '--json'], requests(count));
    const few = await ask(20_000);
    const many = await ask(200_000);
    for (const [answer, count] of [
      [few, 20_000],
      [many, 200_000],
    ] as const) {
      expect(answer.code).toBe(0);
      expect(answer.stdout.split('\n').length).toBe(count + 1);
    }
    const mebibyte = 1_048_576;
    console.info(
      `policy decide: ${Math.round(few.mostMemory / mebibyte)} MiB for 20 000, ${Math.round(many.mostMemory / mebibyte)} MiB for 200 000`,
    );
    expect(many.mostMemory - few.mostMemory).toBeLessThan(48 * mebibyte);
  });
});

describe('policy check', () => {
  it('prints notices of an accepted bundle, exit 0', async () => {
    const path = await files({ 'bundle.json': bundle });
    const text = await command(['policy', 'check', path('bundle.json')]);
    expect(text).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('accepted: revision 1, 4 devices, 85 points'),
    });
    const json = JSON.parse((await command(['policy', 'check', path('bundle.json'), '--json'])).stdout);
    expect(json).toMatchObject({ accepted: true, faults: [] });
    expect(json.notices.length).toBeGreaterThan(0);
  });

  it('names every fault of a refused one, a driver’s among them, exit 2', async () => {
    const text = JSON.stringify({ ...demoBundle(1), colour: 1 }).replace('"register":102,', '"register":101,');
    const path = await files({ 'bundle.json': text.replace('"colour":1,', ''), 'unknown.json': text });
    const overlap = await command(['policy', 'check', path('bundle.json'), '--json']);
    expect(overlap.code).toBe(2);
    const unknown = await command(['policy', 'check', path('unknown.json')]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/colour/)]);
    const broken = await files({ 'bundle.yaml': 'format: [gatehouse' });
    expect(await command(['policy', 'check', broken('bundle.yaml')])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/line \d+, column \d+/),
    });
  });
});

describe('explain with a bundle file', () => {
  it('exit 3 is denied, 0 permitted, 2 bad input', async () => {
    const path = await files({ 'bundle.json': bundle });
    const explain = (...words: string[]) => command(['explain', '--bundle', path('bundle.json'), ...words]);
    const ask = ['--action', 'point.write', '--targets', 'ahu1/sat-sp'];
    const answers = await Promise.all([
      explain('--principal', 'anna', ...ask),
      explain('--principal', 'ben', ...ask),
      explain(...ask),
      explain(...ask, '--priority', '17'),
      explain(...ask, '--at', 'noon'),
      explain('--principal', 'anna'),
    ]);
    expect(answers.map(({ code }) => code)).toEqual([0, 3, 3, 2, 2, 2]);
    expect(answers[1]?.stdout).toContain('no-permission');
  });
});
