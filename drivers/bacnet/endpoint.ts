// B/IP addresses in the three forms they are met in: what a socket says, six octets of a MAC, and text to match by.

import type { IpEndpoint } from './wire/bvlc.ts';
import { octetAt } from './wire/octet.ts';

/** An address and port as a socket gives and takes them. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const DOT = 46;
const ZERO = 48;

/** `192.0.2.1:47808`: the key everything of one station is found by. */
export function endpointKey({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}

/** The same as one number, which is found quicker than text: address before port, as in a MAC. */
export function endpointNumber({ address, port }: Endpoint): number {
  let number = 0;
  let octet = 0;
  for (let at = 0; at < address.length; at += 1) {
    const code = address.charCodeAt(at);
    if (code === DOT) {
      number = number * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + code - ZERO;
  }
  return (number * 256 + octet) * 65_536 + port;
}

/** Of a B/IP MAC's six octets; `undefined` where it is none. */
export function macNumber(mac: Uint8Array): number | undefined {
  if (mac.length !== 6 || (mac[4] === 0 && mac[5] === 0)) return undefined;
  let number = 0;
  for (let at = 0; at < mac.length; at += 1) number = number * 256 + octetAt(mac, at);
  return number;
}

/** Four octets of address, two of port (J.1.2). */
export function macOf({ address, port }: Endpoint): Uint8Array {
  return Uint8Array.of(...octetsOf(address), port >> 8, port & 0xff);
}

export function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('hex');
}

/** `undefined` where the MAC is none of B/IP. */
export function endpointOfMac(mac: Uint8Array): Endpoint | undefined {
  const [a, b, c, d, high, low] = mac;
  if (mac.length !== 6 || high === undefined || low === undefined) return undefined;
  const port = (high << 8) | low;
  return port === 0 ? undefined : { address: `${a}.${b}.${c}.${d}`, port };
}

export function ipEndpointOf({ address, port }: Endpoint): IpEndpoint {
  return { address: octetsOf(address), port };
}

export function endpointOfIp({ address, port }: IpEndpoint): Endpoint {
  return { address: address.join('.'), port };
}

export function octetsOf(address: string): [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [a, b, c, d];
}

/** The broadcast address of the subnet: all bits of the host set. */
export function broadcastOf(address: string, mask: string): string {
  const bits = octetsOf(mask);
  return octetsOf(address)
    .map((octet, at) => octet | (~(bits[at] ?? 255) & 0xff))
    .join('.');
}

/** Whether two addresses are of one subnet. */
export function sameSubnet(one: string, other: string, mask: string): boolean {
  return broadcastOf(one, mask) === broadcastOf(other, mask);
}
