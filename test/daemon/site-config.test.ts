// The site's configuration: what is wrong across its sections.

import { describe, expect, it } from 'vitest';
import { driver as bacnet } from '../../drivers/bacnet/driver.ts';
import { driver as modbus } from '../../drivers/modbus/driver.ts';
import { parseSiteConfig } from '../../src/daemon/site-config.ts';
import { describeFound } from '../../src/model/fault.ts';

function faultsWith(peer: string, routers: readonly object[] = []): readonly object[] {
  const networks = { plant: { networkNumber: 200, address: '192.0.2.129', routers } };
  const site = {
    format: 'gatehouse.site/1',
    gateway: 'hq',
    data: '/nowhere',
    drivers: { bacnet: { north: { networkNumber: 100, address: '192.0.2.1' }, networks } },
    neverGated: [{ peer, why: 'smoke control' }],
  };
  const parsed = parseSiteConfig(JSON.stringify(site), [bacnet, modbus]);
  return parsed.ok ? [] : parsed.fault;
}

describe('a peer that is never gated', () => {
  it.each(['192.0.2.7', '2001:db8::7', '200/c0000207bac0'])('may be `%s`', (peer) => {
    expect(faultsWith(peer)).toEqual([]);
  });

  it('behind a router may have any MAC', () => {
    expect(faultsWith('201/05', [{ address: '192.0.2.130', networks: [201] }])).toEqual([]);
  });

  it.each([
    'firepanel',
    '200',
    '200/',
    '200/05',
    '200/C0000207BAC0',
    '200/c0000207bac0/1',
    '201/c0000207bac0',
    '0200/c0000207bac0',
    'plant/c0000207bac0',
  ])('that nobody can ever be, `%s`, is a fault', (peer) => {
    expect(faultsWith(peer)).toEqual([
      {
        path: 'neverGated.0.peer',
        found: describeFound(peer),
        expected:
          'an IPv4 or IPv6 address, or `number/mac` of a station of a plant network, such as `200/c0000207bac0`',
      },
    ]);
  });
});

function hostsOf(images: object): unknown {
  const drivers = { bacnet: { north: { networkNumber: 100, address: '192.0.2.1' }, networks: {} } };
  const site = { format: 'gatehouse.site/1', gateway: 'hq', data: '/nowhere', drivers, images };
  const parsed = parseSiteConfig(JSON.stringify(site), [bacnet]);
  return parsed.ok ? parsed.value.images.hosts : parsed.fault;
}

describe('the hosts from which images may be fetched', () => {
  it('are none where none is named', () => {
    expect(hostsOf({})).toEqual([]);
  });

  it('are names and addresses, with a port where it is not 443', () => {
    const hosts = ['firmware.example.com', 'firmware.example.com:8443', '192.0.2.7', '[2001:db8::7]:8443'];
    expect(hostsOf({ hosts })).toEqual(hosts);
    expect(hostsOf({ hosts: ['Firmware.Example.com:443'] })).toEqual(['firmware.example.com']);
  });

  it.each([
    '*',
    '*.example.com',
    'https://example.com',
    'example.com/x',
    'a@example.com',
    'example.com:70000',
    '',
    '[x]',
  ])('are never `%s`', (host) => {
    expect(hostsOf({ hosts: [host] })).toEqual([
      {
        path: 'images.hosts.0',
        found: describeFound(host),
        expected: 'a host such as `firmware.example.com` or `firmware.example.com:8443`, without wildcards',
      },
    ]);
  });
});
