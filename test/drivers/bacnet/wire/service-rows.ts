// One row a form of a service: octets and the value they are. Used for conformance, for mutation and for other readers.

import { value } from './octets.ts';
import { av1, denied, error, type ServiceRow } from './service-row.ts';
import { ALARM_AND_EVENT_ROWS } from './service-rows-13.ts';
import { FILE_OBJECT_AND_DEVICE_ROWS } from './service-rows-14-to-17.ts';

export const SERVICE_ROWS: readonly ServiceRow[] = [
  ...ALARM_AND_EVENT_ROWS,
  ...FILE_OBJECT_AND_DEVICE_ROWS,
  error('20.1.7', '9102 9128', { service: 'write-property', parameters: { choice: 'plain', value: denied } }),
  error('20.1.7 of a service not in the table', '9102 9128', {
    service: 'unknown',
    choice: 200,
    parameters: { choice: 'plain', value: denied },
  }),
  ...(['add-list-element', 'remove-list-element', 'create-object'] as const).map((service) =>
    error('21 first failed element', '0e910291280f 1901', {
      service,
      parameters: {
        choice: 'first-failed-element',
        value: { errorType: denied, firstFailedElementNumber: 1 },
      },
    }),
  ),
  error('21 first failed write', '0e910291280f 1e0c008000011955 29081f', {
    service: 'write-property-multiple',
    parameters: {
      choice: 'first-failed-write',
      value: {
        errorType: denied,
        firstFailedWriteAttempt: { objectIdentifier: av1, propertyIdentifier: 85, propertyArrayIndex: 8 },
      },
    },
  }),
  error('21 plain, where a form of its own is called for', '9102 9128', {
    service: 'write-property-multiple',
    parameters: { choice: 'plain', value: denied },
  }),
  error('21 private transfer', '0e910291280f 1919 2908 3e21013f', {
    service: 'confirmed-private-transfer',
    parameters: {
      choice: 'private-transfer',
      value: { errorType: denied, vendorId: 25, serviceNumber: 8, errorParameters: value('2101') },
    },
  }),
  error('21 VT-Close', '0e910291280f 1e211d1f', {
    service: 'vt-close',
    parameters: { choice: 'vt-close', value: { errorType: denied, listOfVtSessionIdentifiers: [29] } },
  }),
  error('21 subscribe multiple, in general', '0e910291280f', {
    service: 'subscribe-cov-property-multiple',
    parameters: {
      choice: 'subscribe-cov-property-multiple',
      value: { choice: 'error-type', value: denied },
    },
  }),
  error('21 subscribe multiple, one', '1e 0c00800001 1e09551f 2e910291282f 1f', {
    service: 'subscribe-cov-property-multiple',
    parameters: {
      choice: 'subscribe-cov-property-multiple',
      value: {
        choice: 'first-failed-subscription',
        value: {
          monitoredObjectIdentifier: av1,
          monitoredPropertyReference: { propertyIdentifier: 85 },
          errorType: denied,
        },
      },
    },
  }),
];
