// Every example of annex F and every row of the services, as whole APDUs: what fuzzers and properties mutate.

import { ANNEX_F } from '../../../captures/bacnet-annex-f.ts';
import { encodeService } from './encode-service.ts';
import { SERVICE_ROWS } from './service-rows.ts';

export const APDU_CORPUS: readonly Buffer[] = [
  ...ANNEX_F.map(([, apdu]) => Buffer.from(apdu.replace(/\s/g, ''), 'hex')),
  ...SERVICE_ROWS.filter(({ octets }) => octets.length < 2000).map(({ service }) => {
    const { serviceChoice, service: octets } = encodeService(service);
    const head = {
      'confirmed-request': [0x02, 0x75, 1, serviceChoice],
      'unconfirmed-request': [0x10, serviceChoice],
      'complex-ack': [0x30, 1, serviceChoice],
      error: [0x50, 1, serviceChoice],
    }[service.kind];
    return Buffer.from([...head, ...octets]);
  }),
];
