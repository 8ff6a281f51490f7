// Endpoints as numbers: what the plant's stations are found by must tell any two of them apart.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { endpointKey, endpointNumber, endpointOfMac, macNumber, macOf } from '../../../drivers/bacnet/endpoint.ts';

const endpoint = fc.record({ address: fc.ipV4(), port: fc.integer({ min: 1, max: 65_535 }) });

it('a socket’s address and a MAC give the same number', () => {
  fc.assert(
    fc.property(endpoint, (one) => {
      expect(macNumber(macOf(one))).toBe(endpointNumber(one));
      expect(endpointOfMac(macOf(one))).toEqual(one);
    }),
  );
});

it('two endpoints have the same number only where they are the same', () => {
  fc.assert(
    fc.property(endpoint, endpoint, (one, other) => {
      expect(endpointNumber(one) === endpointNumber(other)).toBe(endpointKey(one) === endpointKey(other));
    }),
  );
  const all = ['0.0.0.0', '0.0.0.1', '0.0.1.0', '1.0.0.0', '255.255.255.255'].flatMap((address) =>
    [1, 256, 65_535].map((port) => endpointNumber({ address, port })),
  );
  expect(new Set(all).size).toBe(all.length);
});

it('what is no MAC of B/IP has none', () => {
  expect(macNumber(Uint8Array.of(127, 0, 0, 1, 0, 0))).toBeUndefined();
  expect(macNumber(Uint8Array.of(5))).toBeUndefined();
  expect(macNumber(new Uint8Array())).toBeUndefined();
});
