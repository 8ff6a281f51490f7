// Clauses 14 to 17: files, objects, devices, terminals; and what is not read.

import { hex, oid, text, value } from './octets.ts';
import { acked, av1, bits, confirmed, date, device, type ServiceRow, time, unconfirmed } from './service-row.ts';

const message = {
  textMessageSourceDevice: device,
  messageClass: { choice: 'numeric', value: 5 },
  messagePriority: 1,
  message: text('stop'),
} as const;
const messageOctets = '0c02000003 1e09051f 2901 3d050073746f70';

export const FILE_OBJECT_AND_DEVICE_ROWS: readonly ServiceRow[] = [
  confirmed('14.1 stream', 'c402800001 0e3100211b0f', {
    service: 'atomic-read-file',
    parameters: {
      fileIdentifier: oid(10, 1),
      accessMethod: { choice: 'stream-access', value: { fileStartPosition: 0, requestedOctetCount: 27 } },
    },
  }),
  confirmed('14.1 records', 'c402800001 1e310e21031f', {
    service: 'atomic-read-file',
    parameters: {
      fileIdentifier: oid(10, 1),
      accessMethod: { choice: 'record-access', value: { fileStartRecord: 14, requestedRecordCount: 3 } },
    },
  }),
  acked('14.1 stream', '10 0e3100650501020304050f', {
    service: 'atomic-read-file',
    parameters: {
      endOfFile: false,
      accessMethod: { choice: 'stream-access', value: { fileStartPosition: 0, fileData: hex('0102030405') } },
    },
  }),
  acked('14.1 records', '11 1e310e210262abcd601f', {
    service: 'atomic-read-file',
    parameters: {
      endOfFile: true,
      accessMethod: {
        choice: 'record-access',
        value: { fileStartRecord: 14, returnedRecordCount: 2, fileRecordData: [hex('abcd'), hex('')] },
      },
    },
  }),
  confirmed('14.2 stream', `c402800001 0e33018000 65fe0584${'a5'.repeat(1412)} 0f`, {
    service: 'atomic-write-file',
    parameters: {
      fileIdentifier: oid(10, 1),
      accessMethod: {
        choice: 'stream-access',
        value: { fileStartPosition: 98_304, fileData: new Uint8Array(1412).fill(0xa5) },
      },
    },
  }),
  confirmed('14.2 records, appended', 'c402800001 1e31ff210162abcd1f', {
    service: 'atomic-write-file',
    parameters: {
      fileIdentifier: oid(10, 1),
      accessMethod: {
        choice: 'record-access',
        value: { fileStartRecord: -1, recordCount: 1, fileRecordData: [hex('abcd')] },
      },
    },
  }),
  acked('14.2 stream', '0b018000', {
    service: 'atomic-write-file',
    parameters: { choice: 'file-start-position', value: 98_304 },
  }),
  acked('14.2 records', '190e', {
    service: 'atomic-write-file',
    parameters: { choice: 'file-start-record', value: 14 },
  }),
  ...(['add-list-element', 'remove-list-element'] as const).map((service) =>
    confirmed('15.1, 15.2', '0c02c00003 1935 2901 3e0c0000000f1e095509671f3f', {
      service,
      parameters: {
        objectIdentifier: oid(11, 3),
        propertyIdentifier: 53,
        propertyArrayIndex: 1,
        listOfElements: value('0c0000000f1e095509671f'),
      },
    }),
  ),
  confirmed('15.3 by type', '0e090a0f', {
    service: 'create-object',
    parameters: { objectSpecifier: { choice: 'object-type', value: 10 } },
  }),
  confirmed('15.3 by identifier', '0e1c028000010f 1e 094d 2e74006162632f 1f', {
    service: 'create-object',
    parameters: {
      objectSpecifier: { choice: 'object-identifier', value: oid(10, 1) },
      listOfInitialValues: [{ propertyIdentifier: 77, value: value('7400616263') }],
    },
  }),
  acked('15.3', 'c402800001', { service: 'create-object', parameters: oid(10, 1) }),
  confirmed('15.4', 'c402800001', { service: 'delete-object', parameters: { objectIdentifier: oid(10, 1) } }),
  confirmed('15.5', '0c00800001 1957 2908', {
    service: 'read-property',
    parameters: { objectIdentifier: av1, propertyIdentifier: 87, propertyArrayIndex: 8 },
  }),
  acked('15.5', '0c00800001 1955 3e44428200003f', {
    service: 'read-property',
    parameters: { objectIdentifier: av1, propertyIdentifier: 85, propertyValue: value('4442820000') },
  }),
  confirmed('15.7', '0c00800001 1e095509671f 0c00800002 1e095719081f', {
    service: 'read-property-multiple',
    parameters: [
      { objectIdentifier: av1, listOfPropertyReferences: [{ propertyIdentifier: 85 }, { propertyIdentifier: 103 }] },
      { objectIdentifier: oid(2, 2), listOfPropertyReferences: [{ propertyIdentifier: 87, propertyArrayIndex: 8 }] },
    ],
  }),
  acked('15.7', '0c00800001 1e 2955 4e44428200004f 2957 3908 5e9102911b5f 1f', {
    service: 'read-property-multiple',
    parameters: [
      {
        objectIdentifier: av1,
        listOfResults: [
          { propertyIdentifier: 85, readResult: { choice: 'property-value', value: value('4442820000') } },
          {
            propertyIdentifier: 87,
            propertyArrayIndex: 8,
            readResult: { choice: 'property-access-error', value: { errorClass: 2, errorCode: 27 } },
          },
        ],
      },
    ],
  }),
  confirmed('15.8 whole', '0c05000001 1983', {
    service: 'read-range',
    parameters: { objectIdentifier: oid(20, 1), propertyIdentifier: 131 },
  }),
  confirmed('15.8 by position', '0c05000001 1983 3e210131f63f', {
    service: 'read-range',
    parameters: {
      objectIdentifier: oid(20, 1),
      propertyIdentifier: 131,
      range: { choice: 'by-position', value: { referenceIndex: 1, count: -10 } },
    },
  }),
  confirmed('15.8 by sequence number', '0c05000001 1983 6e220100 320100 6f', {
    service: 'read-range',
    parameters: {
      objectIdentifier: oid(20, 1),
      propertyIdentifier: 131,
      range: { choice: 'by-sequence-number', value: { referenceSequenceNumber: 256, count: 256 } },
    },
  }),
  confirmed(
    '15.8 by position, with numbers of three and four octets',
    '0c05000001 1983 2b010000 3e24ffffffff 3480000000 3f',
    {
      service: 'read-range',
      parameters: {
        objectIdentifier: oid(20, 1),
        propertyIdentifier: 131,
        propertyArrayIndex: 65_536,
        range: { choice: 'by-position', value: { referenceIndex: 4_294_967_295, count: -2_147_483_648 } },
      },
    },
  ),
  confirmed('15.8 by time', '0c05000001 1983 7ea47e0b1607b40c1e00ff31047f', {
    service: 'read-range',
    parameters: {
      objectIdentifier: oid(20, 1),
      propertyIdentifier: 131,
      range: { choice: 'by-time', value: { referenceTime: { date, time }, count: 4 } },
    },
  }),
  acked('15.8', '0c05000001 1983 3a05c0 4901 5e0ea47e0b1607b40c1e00ff0f1e2c419000001f2a04005f 6b013561', {
    service: 'read-range',
    parameters: {
      objectIdentifier: oid(20, 1),
      propertyIdentifier: 131,
      resultFlags: bits(0xc0, 5),
      itemCount: 1,
      itemData: value('0ea47e0b1607b40c1e00ff0f1e2c419000001f2a0400'),
      firstSequenceNumber: 79_201,
    },
  }),
  confirmed('15.9', '0c00800001 1955 3e44433400003f 4908', {
    service: 'write-property',
    parameters: {
      objectIdentifier: av1,
      propertyIdentifier: 85,
      propertyValue: value('4443340000'),
      priority: 8,
    },
  }),
  confirmed('15.9 an empty list', '0c02c00003 1935 3e3f', {
    service: 'write-property',
    parameters: { objectIdentifier: oid(11, 3), propertyIdentifier: 53, propertyValue: value('') },
  }),
  confirmed('15.10', '0c00800001 1e 0955 2e44428600002f 3910 1f 0c00800002 1e 0955 2e002f 1f', {
    service: 'write-property-multiple',
    parameters: [
      {
        objectIdentifier: av1,
        listOfProperties: [{ propertyIdentifier: 85, value: value('4442860000'), priority: 16 }],
      },
      { objectIdentifier: oid(2, 2), listOfProperties: [{ propertyIdentifier: 85, value: value('00') }] },
    ],
  }),
  unconfirmed('15.11', '0917 1908 2e 090c 1905 4442820000 090d 0e09010f 2f 3901', {
    service: 'write-group',
    parameters: {
      groupNumber: 23,
      writePriority: 8,
      changeList: [
        { channel: 12, overridingPriority: 5, value: value('4442820000') },
        { channel: 13, value: value('0e09010f') },
      ],
      inhibitDelay: true,
    },
  }),
  confirmed('16.1', '0905 1901 2d080023656762646621', {
    service: 'device-communication-control',
    parameters: { timeDuration: 5, enableDisable: 1, password: text('#egbdf!') },
  }),
  confirmed('16.2', '0919 1908 2e444290cccd6216492f', {
    service: 'confirmed-private-transfer',
    parameters: { vendorId: 25, serviceNumber: 8, serviceParameters: value('444290cccd621649') },
  }),
  acked('16.2', '0919 1908', { service: 'confirmed-private-transfer', parameters: { vendorId: 25, serviceNumber: 8 } }),
  acked('16.2 result', '0919 1908 2e21012f', {
    service: 'confirmed-private-transfer',
    parameters: { vendorId: 25, serviceNumber: 8, resultBlock: value('2101') },
  }),
  unconfirmed('16.3', '0919 1908', {
    service: 'unconfirmed-private-transfer',
    parameters: { vendorId: 25, serviceNumber: 8 },
  }),
  confirmed('16.4', '0907 1d09004162436445664768', {
    service: 'reinitialize-device',
    parameters: { reinitializedStateOfDevice: 7, password: text('AbCdEfGh') },
  }),
  confirmed('16.5', messageOctets, { service: 'confirmed-text-message', parameters: message }),
  unconfirmed('16.6', messageOctets, { service: 'unconfirmed-text-message', parameters: message }),
  unconfirmed('16.6 of a class in words', '0c02000003 1e1d0500666972651f 2900 3a0073', {
    service: 'unconfirmed-text-message',
    parameters: {
      textMessageSourceDevice: device,
      messageClass: { choice: 'character', value: text('fire') },
      messagePriority: 0,
      message: text('s'),
    },
  }),
  unconfirmed('16.7', 'a47e0b1607 b40c1e00ff', {
    service: 'time-synchronization',
    parameters: { time: { date, time } },
  }),
  unconfirmed('16.8', 'a47e0b1607 b40c1e00ff', {
    service: 'utc-time-synchronization',
    parameters: { time: { date, time } },
  }),
  unconfirmed('16.9 by name', '3d07004f4154656d70', {
    service: 'who-has',
    parameters: { object: { choice: 'object-name', value: text('OATemp') } },
  }),
  unconfirmed('16.9 within limits', '0901 1b3fffff 2c00800001', {
    service: 'who-has',
    parameters: {
      limits: { deviceInstanceRangeLowLimit: 1, deviceInstanceRangeHighLimit: 4_194_303 },
      object: { choice: 'object-identifier', value: av1 },
    },
  }),
  unconfirmed('16.9', 'c402000003 c400800001 7507004f4154656d70', {
    service: 'i-have',
    parameters: { deviceIdentifier: device, objectIdentifier: av1, objectName: text('OATemp') },
  }),
  unconfirmed('16.10', '', { service: 'who-is', parameters: {} }),
  unconfirmed('16.10 within limits', '0903 1903', {
    service: 'who-is',
    parameters: { deviceInstanceRangeLowLimit: 3, deviceInstanceRangeHighLimit: 3 },
  }),
  unconfirmed('16.10', 'c402000003 2201e0 9101 2163', {
    service: 'i-am',
    parameters: {
      iAmDeviceIdentifier: device,
      maxApduLengthAccepted: 480,
      segmentationSupported: 1,
      vendorId: 99,
    },
  }),
  confirmed('17.2', '9101 2105', {
    service: 'vt-open',
    parameters: { vtClass: 1, localVtSessionIdentifier: 5 },
  }),
  acked('17.2', '211d', { service: 'vt-open', parameters: { remoteVtSessionIdentifier: 29 } }),
  confirmed('17.3', '211d 2105', { service: 'vt-close', parameters: [29, 5] }),
  confirmed('17.4', '211d 624652 2100', {
    service: 'vt-data',
    parameters: { vtSessionIdentifier: 29, vtNewData: hex('4652'), vtDataFlag: 0 },
  }),
  acked('17.4', '0900 1902', { service: 'vt-data', parameters: { allNewDataAccepted: false, acceptedOctetCount: 2 } }),
  confirmed('unread', '0e09010f', { service: 'confirmed-audit-notification', parameters: value('0e09010f') }),
  confirmed('unread', '0901', { service: 'audit-log-query', parameters: value('0901') }),
  acked('unread', '0901', { service: 'audit-log-query', parameters: value('0901') }),
  confirmed('unread', '0901', { service: 'auth-request', parameters: value('0901') }),
  acked('unread', '', { service: 'auth-request', parameters: value('') }),
  unconfirmed('unread', '0901', { service: 'unconfirmed-audit-notification', parameters: value('0901') }),
  unconfirmed('unread', '2163', { service: 'who-am-i', parameters: value('2163') }),
  unconfirmed('unread', '2163', { service: 'you-are', parameters: value('2163') }),
  confirmed('not in the table', 'ff00', { service: 'unknown', choice: 13, octets: hex('ff00') }),
  unconfirmed('not in the table', 'ff00', { service: 'unknown', choice: 200, octets: hex('ff00') }),
];
