// Every example APDU of annex F decodes, and encodes to the octets the annex prints.

import { describe, expect, it } from 'vitest';
import { decodeApdu, encodeApdu } from '../../../../drivers/bacnet/wire/apdu.ts';
import { decodeService } from '../../../../drivers/bacnet/wire/frame.ts';
import { ANNEX_F } from '../../../captures/bacnet-annex-f.ts';
import { encodeService } from './encode-service.ts';
import { hex, show } from './octets.ts';

describe('annex F: examples of APDU encoding', () => {
  it.each(ANNEX_F)('%s', (_name, apduHex) => {
    const apdu = decodeApdu(hex(apduHex));
    if (!apdu.ok) throw new Error(apdu.fault.message);
    const service = decodeService(apdu.value);
    if (service === undefined) {
      expect(show(encodeApdu(apdu.value))).toBe(apduHex);
      return;
    }
    if (!service.ok) throw new Error(service.fault.message);
    expect(service.value.value.service).not.toBe('unknown');
    expect(show(encodeApdu({ ...apdu.value, ...encodeService(service.value) }))).toBe(apduHex);
  });
});
