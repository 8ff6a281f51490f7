import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileWatch } from '../../src/contract/file-watch.ts';

let folder: string;
let file: string;
let watch: FileWatch;
let changes: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-watch-'));
  file = join(folder, 'crl.pem');
  writeFileSync(file, 'one');
  watch = new FileWatch([file, join(folder, 'absent.pem')], (path) => readFileSync(path, 'utf8'));
  changes = 0;
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const begin = (): void =>
  watch.begin(() => {
    changes += 1;
  });
const look = (): void => void vi.advanceTimersByTime(500);

describe('a watch over files', () => {
  it('finds what changed between the reading and its first look', () => {
    writeFileSync(file, 'two');
    begin();
    look();
    expect(changes).toBe(1);
  });

  it('tells of each change once', () => {
    begin();
    look();
    expect(changes).toBe(0);
    writeFileSync(file, 'three');
    look();
    look();
    expect(changes).toBe(1);
  });

  it('tells of another file in its place, of one that went and of one that came', () => {
    begin();
    writeFileSync(join(folder, 'new.pem'), 'new');
    renameSync(join(folder, 'new.pem'), file);
    look();
    expect(changes).toBe(1);
    rmSync(file);
    look();
    expect(changes).toBe(2);
    writeFileSync(join(folder, 'absent.pem'), 'here');
    look();
    expect(changes).toBe(3);
  });

  it('tells of nothing once it is stopped', () => {
    begin();
    watch.stop();
    writeFileSync(file, 'two');
    look();
    expect(changes).toBe(0);
  });
});
