// A response's PDU, cut out of the ADU that goes to the technician.

import type { PduFault } from '../../../../drivers/modbus/wire/fault.ts';
import { headerLength } from '../../../../drivers/modbus/wire/mbap.ts';
import { MbapBatch } from '../../../../drivers/modbus/wire/mbap-batch.ts';
import type { Response } from '../../../../drivers/modbus/wire/response.ts';
import { fail, ok, type Result } from '../../../../src/model/result.ts';

export function encodeResponse(response: Response): Result<Buffer, PduFault> {
  const batch = new MbapBatch();
  const fault = batch.addResponse(0, 0, response);
  return fault === undefined ? ok(batch.take().subarray(headerLength)) : fail(fault);
}
