// The answer of Read Device Identification (V1.1b3, 6.21): a list of objects, each with its own length.
// 1. The counted objects account for every octet.

import type { Result } from '../../../src/model/result.ts';
import { fail, ok } from '../../../src/model/result.ts';
import type { PduFault } from './fault.ts';
import { gotExpected, responseFault } from './fault.ts';
import { isU8, u8 } from './octets.ts';
import type { ReadDeviceIdentification } from './request.ts';
import type { DeviceIdentification, IdentificationObject } from './response.ts';

/** Function code, MEI type, code, conformity level, more follows, next object id, number of objects. */
const headLength = 7;

/** Decodes the PDU between `start` (function code) and `end`; code and, for code 4, object must be those asked for. */
export function decodeDeviceIdentification(
  request: ReadDeviceIdentification,
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<DeviceIdentification, PduFault> {
  if (end - start < headLength)
    return fail(responseFault('length', gotExpected('pdu length', end - start, `${headLength} at least`)));
  const code = u8(bytes, start + 2);
  if (code !== request.readDeviceIdCode)
    return fail(
      responseFault('echo-mismatch', gotExpected('read device id code', code, `${request.readDeviceIdCode}`)),
    );
  const more = u8(bytes, start + 4);
  if (more !== 0 && more !== 0xff) return fail(responseFault('value', gotExpected('more follows', more, '0 or 255')));
  const objects = decodeObjects(bytes, start + headLength, end, u8(bytes, start + 6));
  if (!objects.ok) return objects;
  const identification: DeviceIdentification = {
    kind: 'readDeviceIdentification',
    readDeviceIdCode: code,
    conformityLevel: u8(bytes, start + 3),
    moreFollows: more === 0xff,
    nextObjectId: u8(bytes, start + 5),
    objects: objects.value,
  };
  const fault = checkDeviceIdentification(identification);
  if (fault !== undefined) return fail(fault);
  const [first] = objects.value;
  if (code === 4 && first?.id !== request.objectId)
    return fail(responseFault('echo-mismatch', gotExpected('object id', `${first?.id}`, `${request.objectId}`)));
  return ok(identification);
}

function decodeObjects(
  bytes: Uint8Array,
  from: number,
  end: number,
  count: number,
): Result<IdentificationObject[], PduFault> {
  const objects: IdentificationObject[] = [];
  let at = from;
  for (let index = 0; index < count; index += 1) {
    const next = at + 2 + u8(bytes, at + 1);
    if (at + 2 > end || next > end)
      return fail(responseFault('length', gotExpected('number of objects', count, `what ${end - from} octets hold`)));
    objects.push({ id: u8(bytes, at), value: bytes.subarray(at + 2, next) });
    at = next;
  }
  if (at !== end) return fail(responseFault('length', `\`${end - at}\` octets follow the last object, expected none`));
  return ok(objects);
}

/** 6.21: the conformity levels; one object, and none to follow, where one was asked for. */
export function checkDeviceIdentification(identification: DeviceIdentification): PduFault | undefined {
  const { conformityLevel, moreFollows, nextObjectId, objects, readDeviceIdCode } = identification;
  const level = conformityLevel & 0x7f;
  if (!isU8(conformityLevel) || level < 1 || level > 3)
    return responseFault('value', gotExpected('conformity level', conformityLevel, '1, 2, 3, 129, 130 or 131'));
  if (!isU8(nextObjectId)) return responseFault('value', gotExpected('next object id', nextObjectId, '0 to 255'));
  if (!(readDeviceIdCode >= 1 && readDeviceIdCode <= 4 && isU8(readDeviceIdCode)))
    return responseFault('value', gotExpected('read device id code', readDeviceIdCode, '1 to 4'));
  if (readDeviceIdCode === 4 && (objects.length !== 1 || moreFollows))
    return responseFault('quantity', gotExpected('number of objects', objects.length, '1, with none to follow'));
  const length = deviceIdentificationLength(identification);
  if (length > 253) return responseFault('length', gotExpected('pdu length', length, '253 at the most'));
  const odd = objects.find(({ id }) => !isU8(id));
  return odd === undefined ? undefined : responseFault('value', gotExpected('object id', odd.id, '0 to 255'));
}

/** The octets of the whole PDU. */
export function deviceIdentificationLength({ objects }: DeviceIdentification): number {
  return objects.reduce((length, { value }) => length + 2 + value.length, headLength);
}

/** Writes what follows the function code from octet `at`. */
export function putDeviceIdentification(bytes: Uint8Array, at: number, identification: DeviceIdentification): void {
  bytes[at] = 0x0e;
  bytes[at + 1] = identification.readDeviceIdCode;
  bytes[at + 2] = identification.conformityLevel;
  bytes[at + 3] = identification.moreFollows ? 0xff : 0;
  bytes[at + 4] = identification.nextObjectId;
  bytes[at + 5] = identification.objects.length;
  let next = at + 6;
  for (const { id, value } of identification.objects) {
    bytes[next] = id;
    bytes[next + 1] = value.length;
    bytes.set(value, next + 2);
    next += 2 + value.length;
  }
}
