// A whole BACnet/IP frame, outermost to innermost, for who wants it in one go: the decode command, tests, fuzzers.

import { ok, type Result } from '../../../src/model/result.ts';
import { type Apdu, decodeApdu } from './apdu.ts';
import { type Bvlc, decodeBvlc } from './bvlc.ts';
import {
  type ComplexAck,
  type ConfirmedRequest,
  decodeComplexAck,
  decodeConfirmedRequest,
  decodeServiceError,
  type ServiceError,
} from './confirmed-service.ts';
import type { WireFault } from './fault.ts';
import { decodeNpdu, type Npdu } from './npdu.ts';
import { decodeUnconfirmedRequest, type UnconfirmedRequest } from './unconfirmed-service.ts';

/** The service an APDU carries whole. */
export type Service =
  | { readonly kind: 'confirmed-request'; readonly value: ConfirmedRequest }
  | { readonly kind: 'unconfirmed-request'; readonly value: UnconfirmedRequest }
  | { readonly kind: 'complex-ack'; readonly value: ComplexAck }
  | { readonly kind: 'error'; readonly value: ServiceError };

/** Absent: what the frame does not have. A segment and an APDU without parameters have no `service`. */
export interface Frame {
  readonly bvlc: Bvlc;
  readonly npdu?: Npdu;
  readonly apdu?: Apdu;
  readonly service?: Service;
}

/** `layer` says in which step the fault was; its offset counts from that step's own octets. */
export type FrameFault = WireFault & { readonly layer: 'bvlc' | 'npdu' | 'apdu' | 'service' };

export function decodeFrame(datagram: Uint8Array): Result<Frame, FrameFault> {
  const link = decodeBvlc(datagram);
  if (!link.ok) return faultIn('bvlc', link.fault);
  const bvlc = link.value;
  if (!('npdu' in bvlc)) return ok({ bvlc });
  const network = decodeNpdu(bvlc.npdu);
  if (!network.ok) return faultIn('npdu', network.fault);
  const npdu = network.value;
  if (npdu.payload.kind !== 'apdu') return ok({ bvlc, npdu });
  const header = decodeApdu(npdu.payload.apdu);
  if (!header.ok) return faultIn('apdu', header.fault);
  const apdu = header.value;
  const service = decodeService(apdu);
  if (service === undefined) return ok({ bvlc, npdu, apdu });
  if (!service.ok) return faultIn('service', service.fault);
  return ok({ bvlc, npdu, apdu, service: service.value });
}

/** The service of an unsegmented APDU; `undefined` where it has none or is a segment. A fault carries the invoke id. */
export function decodeService(apdu: Apdu): Result<Service, WireFault> | undefined {
  switch (apdu.type) {
    case 'confirmed-request': {
      if (apdu.segment !== undefined) return undefined;
      const request = decodeConfirmedRequest(apdu.serviceChoice, apdu.service);
      if (request.ok) return ok({ kind: 'confirmed-request', value: request.value });
      return { ok: false, fault: { ...request.fault, invokeId: apdu.invokeId } };
    }
    case 'unconfirmed-request': {
      const request = decodeUnconfirmedRequest(apdu.serviceChoice, apdu.service);
      return request.ok ? ok({ kind: 'unconfirmed-request', value: request.value }) : request;
    }
    case 'complex-ack': {
      if (apdu.segment !== undefined) return undefined;
      const ack = decodeComplexAck(apdu.serviceChoice, apdu.service);
      return ack.ok ? ok({ kind: 'complex-ack', value: ack.value }) : ack;
    }
    case 'error': {
      const error = decodeServiceError(apdu.serviceChoice, apdu.service);
      return error.ok ? ok({ kind: 'error', value: error.value }) : error;
    }
    default:
      return undefined;
  }
}

function faultIn(layer: FrameFault['layer'], fault: WireFault): { readonly ok: false; readonly fault: FrameFault } {
  return { ok: false, fault: { ...fault, layer } };
}
