// The table of states itself, its diagram in the README, and the pure parts beside it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEVICE_STATES, type DeviceState } from '../../src/contract/jobs.ts';
import { fitOf } from '../../src/jobs/firmware-fit.ts';
import { fromText, toText } from '../../src/jobs/job-record.ts';
import { isEnded, mayGo, rowOf, stayMs } from '../../src/jobs/machine.ts';
import { turnOf } from '../../src/jobs/rollout.ts';
import { compareVersions } from '../../src/jobs/version.ts';
import { manifest } from './job-stage.ts';

const aState = fc.constantFrom(...DEVICE_STATES);

const DAY_MS = 86_400_000;

/** The table as a Mermaid state diagram. */
function diagram(): string {
  const name = (state: string): string => state.replaceAll('-', '_');
  const lines = ['stateDiagram-v2', '  [*] --> queued'];
  for (const [state, row] of DEVICE_STATES.map((one) => [one, rowOf(one)] as const)) {
    const within =
      row.phase === 'ended' ? '' : ` (${spanText(row.withinMs)}${row.perOctetMs ? ' and more by size' : ''})`;
    lines.push(`  ${name(state)}: ${state}${within}<br>${row.says}`);
    for (const [to, why] of Object.entries(row.to)) lines.push(`  ${name(state)} --> ${name(to)}: ${why}`);
    if (row.phase === 'ended') lines.push(`  ${name(state)} --> [*]`);
  }
  return `${lines.join('\n')}\n`;
}

function spanText(ms: number): string {
  return ms % DAY_MS === 0 ? `${ms / DAY_MS} d` : `${ms / 60_000} min`;
}

describe('the machine', () => {
  it('has no state without a deadline, and none whose deadline leads nowhere', () => {
    fc.assert(
      fc.property(aState, fc.nat(100_000_000), (state, octets) => {
        const row = rowOf(state);
        const stay = stayMs(state, { octets });
        if (row.phase === 'ended') {
          expect(stay).toBeUndefined();
          return;
        }
        expect(stay).toBeGreaterThan(0);
        expect(Number.isFinite(stay)).toBe(true);
        const late = row.phase === 'waits' ? row.late : row.halts.late;
        expect(mayGo(state, late)).toBe(true);
      }),
    );
  });

  it('ends from every state by deadlines alone', () => {
    for (const start of DEVICE_STATES) {
      let state: DeviceState = start;
      for (let steps = 0; !isEnded(state); steps += 1) {
        expect(steps).toBeLessThan(4);
        const row = rowOf(state);
        if (row.phase === 'ended') break;
        state = row.phase === 'waits' ? row.late : row.halts.late;
      }
    }
  });

  it('lets interruptions and restarts lead only where the table goes', () => {
    for (const state of DEVICE_STATES) {
      const row = rowOf(state);
      if (row.phase !== 'works') continue;
      for (const to of Object.values(row.halts)) expect(mayGo(state, to), `${state} to ${to}`).toBe(true);
      expect(row.afterRestart === state || mayGo(state, row.afterRestart), state).toBe(true);
    }
  });

  it('reaches every state from the first, and activates nothing that was not verified', () => {
    const seen = new Set<DeviceState>(['queued']);
    for (const state of seen) for (const to of DEVICE_STATES) if (mayGo(state, to)) seen.add(to);
    expect([...seen].sort()).toEqual([...DEVICE_STATES].sort());
    expect(DEVICE_STATES.filter((state) => mayGo(state, 'activating'))).toEqual(['verifying']);
  });

  it('stands in the README of the jobs as it is', () => {
    const readme = readFileSync(fileURLToPath(new URL('../../src/jobs/README.md', import.meta.url)), 'utf8');
    const block = /<!-- machine:begin -->\s*```mermaid\n([\s\S]*?)```\s*<!-- machine:end -->/.exec(readme)?.[1];
    expect(block).toBe(diagram());
    expect(diagram()).toContain('  verifying --> activating: it is the image, and the activation is permitted\n');
  });
});

describe('versions', () => {
  it('compare as vendors mean them', () => {
    const ordered = ['0.9', '1.0rc1', '1.0rc2', '1.0', '1.0.1', '1.9', 'V1.10', '2026.2', '2026.11'];
    for (const [at, version] of ordered.entries()) {
      for (const [other, than] of ordered.entries()) {
        expect(Math.sign(compareVersions(version, than)), `${version} ${than}`).toBe(Math.sign(at - other));
      }
    }
    expect(compareVersions('1.0', 'v01.00.0')).toBe(0);
  });

  it('are in one order, whatever they are', () => {
    const version = fc.stringMatching(/^[v0-9a-c.-]{0,8}$/);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const sign = (x: string, y: string) => Math.sign(compareVersions(x, y));
        expect(sign(a, b) + sign(b, a)).toBe(0);
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('a device and an image', () => {
  const path = { method: 'test', resumes: true, reverts: true, confirmMs: 1 };
  const verdict = (standing: Parameters<typeof fitOf>[2], device = {}, sent = false) =>
    fitOf(manifest, device, standing, path, { sent, last: undefined });

  it('fit only where somebody says vendor and model', () => {
    expect(verdict({ state: 'running', version: '1.0' })).toMatchObject({ kind: 'unfit' });
    expect(verdict({ state: 'running', version: '1.0' }, { vendor: 'Acme', model: 'X1' })).toEqual({
      kind: 'fits',
      goesOn: false,
    });
    const lies = { state: 'running', version: '1.0', vendor: 'Acme', model: 'X9' } as const;
    expect(verdict(lies, { vendor: 'Acme', model: 'X1' })).toMatchObject({
      kind: 'unfit',
      why: expect.stringContaining('X9'),
    });
  });

  it('go on only with what was sent, and are done where it runs', () => {
    const known = { vendor: 'Acme', model: 'X1' };
    expect(verdict({ state: 'receiving', version: '1.0', ...known }, {}, true)).toEqual({ kind: 'fits', goesOn: true });
    expect(verdict({ state: 'staged', version: '1.0', ...known }, {}, true)).toEqual({ kind: 'staged' });
    expect(verdict({ state: 'staged', version: '1.0', ...known })).toEqual({ kind: 'fits', goesOn: false });
    expect(verdict({ state: 'running', version: '2.0', ...known })).toEqual({ kind: 'runs-it' });
    expect(verdict({ state: 'busy', ...known })).toEqual({ kind: 'busy' });
    expect(verdict({ state: 'running', ...known })).toMatchObject({ kind: 'unfit' });
  });

  it('whose boot loader alone runs counts as what it ran last, whatever the loader says', () => {
    const image = { ...manifest, version: '2.0', minimumVersion: '1.5' };
    const rescue = (last: string | undefined, more: object = {}) =>
      fitOf({ ...image, ...more }, { vendor: 'Acme', model: 'X1' }, { state: 'boot-loader', version: '1.9' }, path, {
        sent: false,
        last,
      });
    expect(['1.5', '1.9', '2.0'].map((last) => rescue(last))).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'fits', goesOn: false })),
    );
    expect(rescue('1.4')).toEqual({
      kind: 'unfit',
      why: 'got a boot loader, and before it version `1.4`, expected `1.5` or newer',
    });
    const older =
      'got a boot loader, and before it version `2.1`, expected one older than `2.0`, or an image that permits to go back';
    expect(rescue('2.1')).toEqual({ kind: 'unfit', why: older });
    expect(rescue('2.1', { permitsDowngrade: true })).toEqual({ kind: 'fits', goesOn: false });
    expect(rescue('1.4', { permitsDowngrade: true })).toMatchObject({ kind: 'unfit' });
  });

  it('may be rescued without a known version by an image that asks for none, and it is said', () => {
    const rescue = (image: object) =>
      fitOf({ ...manifest, ...image }, { vendor: 'Acme', model: 'X1' }, { state: 'boot-loader' }, path, {
        sent: false,
        last: undefined,
      });
    expect(rescue({})).toEqual({
      kind: 'fits',
      goesOn: false,
      remark:
        'only its boot loader runs, and what it ran before is not known: whether the image is older cannot be said',
    });
    expect(rescue({ minimumVersion: '1.0', permitsDowngrade: true })).toEqual({
      kind: 'unfit',
      why: 'only its boot loader runs, and what it ran before is not known; expected `1.0` or newer',
    });
  });
});

describe('whose turn it is', () => {
  it('never exceeds what is allowed at once, begins in order, and stops past the threshold', () => {
    const rollout = fc.record({
      canary: fc.boolean(),
      atOnce: fc.integer({ min: 1, max: 32 }),
      stopAtFailedPercent: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(aState, { minLength: 1, maxLength: 40 }), rollout, (states, order) => {
        const turn = turnOf(states, order);
        const failed = states.filter((state) => state === 'failed' || state === 'rolled-back').length;
        if (turn.kind === 'stop') return;
        expect(failed === 0 || failed * 100 < order.stopAtFailedPercent * states.length).toBe(true);
        const busy = states.filter((state) => rowOf(state).phase === 'works').length;
        expect(turn.places.length === 0 || busy + turn.places.length <= order.atOnce).toBe(true);
        expect(turn.places.every((place) => states[place] === 'queued')).toBe(true);
        if (order.canary && states[0] !== 'done') expect(turn.places.every((place) => place === 0)).toBe(true);
      }),
    );
  });
});

describe('a document', () => {
  it('keeps 64-bit integers and NaN', () => {
    const values = [2n ** 60n, Number.NaN, Number.NEGATIVE_INFINITY, null, 'x', 1.5];
    const kept = {
      job: {
        id: 'job-1',
        order: { kind: 'batch', rows: values.map((value, at) => ({ point: `p${at}`, value })) },
        starter: { principal: 'anna' },
        startedAt: 1,
        approvals: { needed: 0, given: [] },
        devices: [{ device: 'd1', state: 'queued' }],
      },
      memory: { devices: {} },
    };
    const text = toText(kept as unknown as Parameters<typeof toText>[0]);
    expect(fromText('job-1', text)).toEqual(kept);
    expect(() => fromText('job-2', text)).toThrow('got job `job-1`, expected `job-2`');
  });
});
