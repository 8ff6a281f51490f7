// What the box itself knows of an address: its link-layer entry (/proc/net/arp; `ip -6 neigh` for IPv6).
// A tool session is bound to it, so that another machine taking the address over ends the session.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { LinkEntry, LinkLayer } from '../gate/options.ts';

const NO_HARDWARE_ADDRESS = '00:00:00:00:00:00';

interface Neighbour {
  readonly address: string;
  readonly hardwareAddress: string;
}

/** The neighbours the kernel knows at this moment. */
export const linkLayer: LinkLayer = {
  lookup(address) {
    const neighbours = isIP(address) === 6 ? neighboursOfIpv6() : neighboursOfIpv4();
    return entryOf(address, neighbours);
  },
};

/** `alone` is false where the same hardware answers for another address too: a router, a proxy. */
function entryOf(address: string, neighbours: readonly Neighbour[]): LinkEntry | undefined {
  const found = neighbours.find((neighbour) => neighbour.address === address);
  if (!found) return undefined;
  const sharers = neighbours.filter(({ hardwareAddress }) => hardwareAddress === found.hardwareAddress);
  return { hardwareAddress: found.hardwareAddress, alone: sharers.length === 1 };
}

function neighboursOfIpv4(): Neighbour[] {
  let table: string;
  try {
    table = readFileSync('/proc/net/arp', 'utf8');
  } catch {
    return [];
  }
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [address, , flags, hardwareAddress] = line.split(/\s+/);
      // 0x2 = ATF_COM: the entry is complete.
      const complete = (Number(flags) & 2) !== 0;
      return address && hardwareAddress && hardwareAddress !== NO_HARDWARE_ADDRESS && complete
        ? [{ address, hardwareAddress: hardwareAddress.toLowerCase() }]
        : [];
    });
}

/** Link-local addresses are left out: every IPv6 host has one beside the address it works from. */
function neighboursOfIpv6(): Neighbour[] {
  let table: string;
  try {
    table = execFileSync('ip', ['-6', 'neigh', 'show'], { encoding: 'utf8', timeout: 2_000 });
  } catch {
    return [];
  }
  return table.split('\n').flatMap((line) => {
    const match = /^(\S+) .*lladdr ([0-9a-f:]{17})/.exec(line);
    const [, address, hardwareAddress] = match ?? [];
    return address && hardwareAddress && !address.startsWith('fe80') ? [{ address, hardwareAddress }] : [];
  });
}
