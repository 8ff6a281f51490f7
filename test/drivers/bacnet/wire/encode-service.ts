// The octets of any service a frame carries whole: what an APDU takes of it is `{ ...apdu, ...encodeService(service) }`.

import {
  choiceOf,
  encodeConfirmedRequest,
  encodeServiceError,
  type ServiceOctets,
  writeComplexAck,
} from '../../../../drivers/bacnet/wire/confirmed-service.ts';
import type { Service } from '../../../../drivers/bacnet/wire/frame.ts';
import { encodeUnconfirmedRequest } from '../../../../drivers/bacnet/wire/unconfirmed-service.ts';
import { TagWriter } from '../../../../drivers/bacnet/wire/writer.ts';

/** Throws a RangeError for what no frame carries. */
export function encodeService(service: Service): ServiceOctets {
  switch (service.kind) {
    case 'confirmed-request':
      return encodeConfirmedRequest(service.value);
    case 'unconfirmed-request':
      return encodeUnconfirmedRequest(service.value);
    case 'complex-ack': {
      const writer = new TagWriter();
      writeComplexAck(writer, service.value);
      return { serviceChoice: choiceOf(service.value), service: writer.finish() };
    }
    case 'error':
      return encodeServiceError(service.value);
  }
}
