// What is wrong with a point's value, read from registers or to be written to them.

export type ValueFaultCode =
  | 'registers'
  | 'type'
  | 'not-finite'
  | 'not-whole'
  | 'range'
  | 'digit'
  | 'text'
  | 'off-step'
  | 'precision';

export interface ValueFault {
  readonly code: ValueFaultCode;
  readonly message: string;
}

export function valueFault(code: ValueFaultCode, message: string): ValueFault {
  return { code, message };
}
