// One spelling for every address.

import { describe, expect, it } from 'vitest';
import { addressKey, isInNetwork, normaliseAddress, parseNetwork } from '../../src/gate/address.ts';
import { createGate } from '../../src/gate/gate.ts';
import { Stage } from './stage.ts';

describe('normaliseAddress', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0db8:0000:0000:0000:0000:0002:0001', '2001:db8::2:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['10:0:0:20:0:0:0:30', '10:0:0:20::30'],
    ['fe80::1%ETH0', 'fe80::1%eth0'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ])('spells %s as %s', (text, expected) => {
    expect(normaliseAddress(text)).toBe(expected);
    expect(normaliseAddress(expected)).toBe(expected);
  });

  it.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4 ',
    '::1::',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::g',
    '::1.2.3',
    '1.2.3.4::',
    '1:2:3:4:5:6:7::8',
    ':1',
    '1:',
  ])('knows `%s` for no address', (text) => {
    expect(normaliseAddress(text)).toBeUndefined();
    expect(addressKey(text)).toBe(text);
  });
});

describe('networks', () => {
  it.each([
    ['127.0.0.0/8', '127.1.2.3', true],
    ['127.0.0.0/8', '::ffff:127.1.2.3', true],
    ['127.0.0.0/8', '128.0.0.1', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['192.0.2.128/25', '192.0.2.129', true],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '::1', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.6', false],
    ['192.0.2.7', 'localhost', false],
  ])('%s holds %s: %s', (network, address, expected) => {
    const parsed = parseNetwork(network);
    expect(parsed && isInNetwork(parsed, address)).toBe(expected);
  });

  it.each(['', '127.0.0.0/33', '::/129', '127.0.0.0/8/8', '127.0.0.0/-1', '127.0.0.0/', 'localhost/8'])(
    'knows `%s` for none',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
      expect(() => new Stage({ sharedNetworks: [text] })).toThrow('expected `address/bits`');
    },
  );

  it('starts with every network of the site', () => {
    expect(createGate).toBeTypeOf('function');
    expect(() => new Stage({ sharedNetworks: ['127.0.0.0/8', '::1'] })).not.toThrow();
  });
});
