// V1.1b3, clauses 6 and 7: the document's own examples go through the codec unchanged, both ways.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRequest } from '../../../../drivers/modbus/wire/decode-request.ts';
import { decodeResponse } from '../../../../drivers/modbus/wire/decode-response.ts';
import { encodeRequest } from '../../../../drivers/modbus/wire/encode-request.ts';
import { encodeResponse } from './encode-response.ts';
import { hex, toHex } from './hex.ts';

const examples = readFileSync(new URL('../../../captures/modbus-v1-1b3-examples.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

describe('the examples of the specification', () => {
  it('are all here', () => {
    expect(examples).toHaveLength(19);
  });

  it.each(examples)('%s: %s answered by %s', (_clause, request = '', response = '') => {
    const asked = decodeRequest(hex(request));
    if (!asked.ok) throw new Error(asked.fault.message);
    const answered = decodeResponse(asked.value, hex(response));
    if (!answered.ok) throw new Error(answered.fault.message);
    const again = encodeRequest(asked.value);
    const back = encodeResponse(answered.value);
    expect(again.ok && toHex(again.value)).toBe(toHex(hex(request)));
    expect(back.ok && toHex(back.value)).toBe(toHex(hex(response)));
  });
});
