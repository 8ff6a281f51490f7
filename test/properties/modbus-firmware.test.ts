// Whatever answers of a device are lost, late or refused as busy: it ends up with exactly the image, interrupted or not.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../simulators/modbus/failures.ts';
import { FirmwareRig, type FirmwareRigOptions } from '../drivers/modbus/firmware-rig.ts';

const firmware = { stallSeconds: 10, pollMs: 10 };
const METHODS: readonly (readonly [name: string, options: FirmwareRigOptions])[] = [
  ['numbered blocks', { method: 'registers' }],
  ['blocks without numbers', { method: 'registers', loader: { numbered: false } }],
  ['files with commands', { method: 'files', firmware: { ...firmware, words: 64 } }],
  ['plain files', { method: 'plain-files', firmware: { ...firmware, words: 64 } }],
  ['numbered blocks on a serial line', { method: 'registers', line: 'rtu' }],
  ['blocks without numbers on a serial line', { method: 'registers', line: 'rtu', loader: { numbered: false } }],
  ['plain files on a serial line', { method: 'plain-files', line: 'rtu', firmware: { ...firmware, words: 64 } }],
];

const failure = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  fc.constant<Failure>({ kind: 'silence' }),
  fc.constant<Failure>({ kind: 'silence', carriedOut: false }),
  fc.constant<Failure>({ kind: 'delay', ms: 40 }),
  fc.constant<Failure>({ kind: 'refuse' }),
  fc.constant<Failure>({ kind: 'exception', code: 6 }),
  fc.constant<Failure>({ kind: 'exception', code: 11 }),
  fc.constant<Failure>({ kind: 'raw', pdu: Buffer.from('83', 'hex') }),
  fc.constant<Failure>({ kind: 'twice' }),
);

describe('firmware over a bad line', () => {
  it.concurrent.for(METHODS)('by %s', async ([, options], { onTestFinished }) => {
    const rig = await FirmwareRig.start({ firmware, timeoutMs: 25, ...options }, onTestFinished);
    const device = rig.plant.device('fw1');
    let version = 1;
    const property = fc.asyncProperty(
      fc.array(failure, { maxLength: 40 }),
      fc.integer({ min: 1, max: 1500 }),
      fc.option(fc.integer({ min: 1, max: 1500 })),
      async (failures, more, abortAt) => {
        version += 1;
        const image = rig.plant.image(`2.0.${version}`, 72 + more);
        device.failInTurn(failures);
        const abort = new AbortController();
        const progress = (octets: number): void => {
          if (abortAt !== null && octets >= abortAt) abort.abort();
        };
        const first = await rig.transfer(image, { signal: abort.signal, progress });
        if (typeof first === 'string') throw new Error(first);
        if (first.kind === 'stopped')
          expect(await rig.transfer(image, { goesOn: true })).toEqual({ kind: 'acknowledged' });
        else expect(first).toEqual({ kind: 'acknowledged' });
        device.behave();
        expect(rig.loader().staged.subarray(0, image.length).equals(image)).toBe(true);
        expect(rig.loader().transfers.at(-1)?.gaps).toBe(0);
        expect(await rig.verify(image)).toEqual({ ok: true, value: undefined });
      },
    );
    await fc.assert(property, { numRuns: 20, interruptAfterTimeLimit: 5000, endOnFailure: true });
  });
});
