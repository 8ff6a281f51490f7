// How a row of a service is written: octets, and the value they are.

import type { Service } from '../../../../drivers/bacnet/wire/frame.ts';
import { oid } from './octets.ts';

export interface ServiceRow {
  readonly clause: string;
  readonly octets: string;
  readonly service: Service;
}

type Value<K extends Service['kind']> = Extract<Service, { readonly kind: K }>['value'];

export function confirmed(clause: string, octets: string, request: Value<'confirmed-request'>): ServiceRow {
  return { clause, octets, service: { kind: 'confirmed-request', value: request } };
}

export function unconfirmed(clause: string, octets: string, request: Value<'unconfirmed-request'>): ServiceRow {
  return { clause, octets, service: { kind: 'unconfirmed-request', value: request } };
}

export function acked(clause: string, octets: string, ack: Value<'complex-ack'>): ServiceRow {
  return { clause, octets, service: { kind: 'complex-ack', value: ack } };
}

export function error(clause: string, octets: string, parameters: Value<'error'>): ServiceRow {
  return { clause, octets, service: { kind: 'error', value: parameters } };
}

export const date = { year: 126, month: 11, day: 22, weekday: 7 };
export const time = { hour: 12, minute: 30, second: 0, hundredths: 255 };
export const bits = (octet: number, unusedBits: number) => ({ unusedBits, octets: Uint8Array.of(octet) });
export const device = oid(8, 3);
export const av1 = oid(2, 1);
export const denied = { errorClass: 2, errorCode: 40 };
