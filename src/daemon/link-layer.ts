// What the box itself knows of an address: its link-layer entry (/proc/net/arp; `ip -6 neigh` for IPv6).
// A tool session is bound to it, so that another machine taking the address over ends the session.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

const NO_HARDWARE_ADDRESS = '00:00:00:00:00:00';

/** The link-layer address of an on-link neighbour, lower-case; `undefined` where there is none. */
export function linkLayerAddress(address: string): string | undefined {
  return isIP(address) === 6 ? neighbourOfIpv6(address) : neighbourOfIpv4(address);
}

function neighbourOfIpv4(address: string): string | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/net/arp', 'utf8');
  } catch {
    return undefined;
  }
  for (const line of table.split('\n').slice(1)) {
    const [ip, , flags, hardware] = line.split(/\s+/);
    // 0x2 = ATF_COM: the entry is complete.
    if (ip === address && hardware && hardware !== NO_HARDWARE_ADDRESS && (Number(flags) & 2) !== 0) return hardware;
  }
  return undefined;
}

function neighbourOfIpv6(address: string): string | undefined {
  try {
    const line = execFileSync('ip', ['-6', 'neigh', 'show', address], { encoding: 'utf8', timeout: 2_000 });
    return /lladdr ([0-9a-f:]{17})/.exec(line)?.[1];
  } catch {
    return undefined;
  }
}

/** True for the box's own addresses, which never have a neighbour's entry. */
export function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === address));
}
