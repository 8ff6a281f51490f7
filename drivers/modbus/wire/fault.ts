// What is wrong with a frame, as a value with a hint of what to answer.
// 1. A fault of a request says which exception answers it, or that nothing can be answered.
// 2. A fault of a response is the device's; nothing of that response may be passed on.

/** MODBUS exception codes (V1.1b3, 7), in the standard's words. */
export const exceptionCodes = {
  illegalFunction: 0x01,
  illegalDataAddress: 0x02,
  illegalDataValue: 0x03,
  serverDeviceFailure: 0x04,
  acknowledge: 0x05,
  serverDeviceBusy: 0x06,
  memoryParityError: 0x08,
  gatewayPathUnavailable: 0x0a,
  gatewayTargetDeviceFailedToRespond: 0x0b,
} as const;

export type PduFaultCode =
  | 'empty'
  | 'length'
  | 'byte-count'
  | 'quantity'
  | 'address'
  | 'address-wrap'
  | 'value'
  | 'padding'
  | 'file-reference'
  | 'function-mismatch'
  | 'echo-mismatch';

/** What is wrong with one PDU. `answer` is the exception code for the peer who sent a request, `none` where no answer is possible or wanted. */
export interface PduFault {
  readonly code: PduFaultCode;
  readonly message: string;
  readonly answer: 0x01 | 0x02 | 0x03 | 'none';
}

/** A request's fault: exception 03 unless the clause says otherwise. */
export function requestFault(code: PduFaultCode, message: string, answer: PduFault['answer'] = 0x03): PduFault {
  return { code, message, answer };
}

/** A response's fault: devices are not answered. */
export function responseFault(code: PduFaultCode, message: string): PduFault {
  return { code, message, answer: 'none' };
}

/** What was got and what was expected, in the one form all faults share. */
export function gotExpected(what: string, got: number | string, expected: string): string {
  return `${what} is \`${got}\`, expected ${expected}`;
}
