// The fleet simulation itself, small: what it prints is what happened, and its exit code says whether that is well.

import { describe, expect, it } from 'vitest';
import { have, run } from '../scenarios/peers/program.ts';
import { MemoryJournal } from './memory-journal.ts';
import { readOptions } from './options.ts';
import type { FleetResult } from './run-fleet.ts';

describe('its command line', () => {
  it('has defaults, and refuses what is no number', () => {
    expect(readOptions([])).toEqual({
      gateways: 1000,
      processes: 3,
      killAt: 0.4,
      outageMs: 3000,
      rows: 20,
      withinMs: 60_000,
      json: false,
    });
    expect(readOptions(['--gateways', '10000', '--kill-at', '1'])).toMatchObject({ gateways: 10_000, killAt: 1 });
    expect(readOptions(['--help'])).toBeUndefined();
    for (const words of [
      ['--gateways', 'many'],
      ['--gateways', '0'],
      ['--rows', '1.5'],
      ['--outage', '-1'],
      ['--what'],
    ]) {
      expect(() => readOptions(words), words.join(' ')).toThrow();
    }
  });
});

describe('its journal', () => {
  it('is a chain like the real one', () => {
    const journal = new MemoryJournal();
    expect(journal.head()).toBeUndefined();
    for (let at = 1; at <= 3; at += 1) journal.append({ kind: 'system', at, event: 'x', detail: {} });
    expect(journal.rows({ after: 1, limit: 1 }).map(({ number }) => number)).toEqual([2]);
    expect(journal.verify()).toEqual({ intact: true, rows: 3, head: journal.head()?.hash });
  });
});

describe.runIf(have('mosquitto'))('a small fleet', () => {
  it('reports everywhere through a broker that dies, and loses no row', async () => {
    const words = ['--gateways', '30', '--processes', '2', '--rows', '4', '--outage', '0.5', '--json'];
    const { code, stdout, stderr } = await run('node', ['.ci/run-ts.mjs', 'test/fleet/main.ts', ...words], {
      timeoutMs: 110_000,
    });
    expect([code, stderr]).toEqual([0, '']);
    const result = JSON.parse(stdout) as FleetResult;
    expect(result).toMatchObject({ gateways: 30, rowsWritten: 120, rowsKept: 120, incomplete: [], disbelieved: [] });
    expect(result.all).toBeGreaterThan(0);
    expect(result.all).toBeLessThan(60);
    expect(result.brokerBackAfter).toBeGreaterThanOrEqual((result.brokerKilledAfter ?? 0) + 0.5);
    expect(result.bytes).toBeGreaterThan(10_000);
  });
});
