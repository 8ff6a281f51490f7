// The console's memory: private, whole after a crash, and one writer at a time.

import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConsoleFolder } from '../../../simulators/cloud/console-folder.ts';
import { CHAIN_START } from '../../../simulators/cloud/journal-chain.ts';
import { UploadedJournal } from '../../../simulators/cloud/uploaded-journal.ts';

let path: string;
let folder: ConsoleFolder;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'gatehouse-folder-'));
  const broker = { url: 'mqtt://127.0.0.1' };
  folder = ConsoleFolder.create(path, { format: 'gatehouse.console/1', broker, epoch: 1 });
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const row = (number: number, size = 10) => ({
  number,
  hash: String(number).padStart(64, '0'),
  row: { kind: 'system', at: number, text: 'ä'.repeat(size) },
});

describe('a kept journal', () => {
  it('gives its newest rows, however long it is', () => {
    const journal = new UploadedJournal(folder, 'site-1');
    expect([journal.rows(), journal.place()]).toEqual([[], CHAIN_START]);
    for (let number = 1; number <= 40; number += 1) journal.keep([row(number, 100_000)]);
    expect(journal.rows(3).map(({ number }) => number)).toEqual([38, 39, 40]);
    expect(journal.rows().map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    expect([journal.rows(0), journal.rows(40).length, journal.rows(41).length]).toEqual([[], 40, 40]);
    expect(journal.place()).toEqual({ number: 40, hash: row(40).hash });
    expect(statSync(folder.at('gateways', 'site-1', 'journal.ndjson')).mode & 0o777).toBe(0o600);
  });

  it('forgets a line that was cut short, and only its one writer takes it away', async () => {
    const journal = new UploadedJournal(folder, 'site-1');
    const file = folder.at('gateways', 'site-1', 'journal.ndjson');
    journal.keep([row(1), row(2)]);
    const { size } = statSync(file);
    appendFileSync(file, '{"number":3,"ha');
    expect(journal.place().number).toBe(2);
    expect(statSync(file).size).toBeGreaterThan(size);
    await journal.alone(async () => {
      expect(statSync(file).size).toBe(size);
      await expect(journal.alone(async () => {})).rejects.toThrow('another console works on it');
      journal.keep([row(3)]);
    });
    expect(journal.place().number).toBe(3);
    writeFileSync(`${file}.lock`, '2147483646');
    expect(await journal.alone(async () => 'the holder is dead')).toBe('the holder is dead');
  });
});

describe('a folder', () => {
  it('says what it could not read', () => {
    folder.writeText('passwords.json', '{');
    expect(() => folder.readJson('passwords.json')).toThrow(/could not read `.*passwords.json`/);
    folder.writeText('console.json', '{}');
    expect(() => folder.settings()).toThrow('got a `console.json` that is none');
    expect(folder.gateways()).toEqual([]);
  });
});
