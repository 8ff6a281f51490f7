// Remote device management services (clause 16) and virtual terminal (clause 17).
// 1. Passwords stand in these values: they are never to be written to a log or a journal.

import { anyValue } from '../any-value.ts';
import { dateTime, deviceIdentifier, instanceNumber, unsigned8, unsigned16 } from '../constructed.ts';
import {
  boolean,
  type CharacterString,
  characterString,
  enumerated,
  objectIdentifier,
  octetString,
  unsigned,
} from '../primitive-content.ts';
import { application, type Codec, checked, choice, context, list, optional, sequence, wrapped } from '../schema.ts';

/** 1 to 20 characters (16.1, 16.4); of at most four octets each. */
function password(number: number): Codec<CharacterString> {
  return checked(context(number, characterString), 'parameter-range', ({ octets }) =>
    octets.length >= 1 && octets.length <= 80 ? undefined : `got a password of \`${octets.length}\` octets`,
  );
}

/** DeviceCommunicationControl-Request (16.1). Duration in minutes; absent is until further notice. */
export const deviceCommunicationControlRequest = sequence('DeviceCommunicationControl-Request', {
  timeDuration: optional(context(0, unsigned16)),
  enableDisable: context(1, enumerated(2)),
  password: optional(password(2)),
});

/** ConfirmedPrivateTransfer-Request and UnconfirmedPrivateTransfer-Request (16.2, 16.3). */
export const privateTransferRequest = sequence('private transfer', {
  vendorId: context(0, unsigned16),
  serviceNumber: context(1, unsigned()),
  serviceParameters: optional(wrapped(2, anyValue)),
});

/** ConfirmedPrivateTransfer-ACK (16.2). */
export const privateTransferAck = sequence('ConfirmedPrivateTransfer-ACK', {
  vendorId: context(0, unsigned16),
  serviceNumber: context(1, unsigned()),
  resultBlock: optional(wrapped(2, anyValue)),
});

/** ReinitializeDevice-Request (16.4): 0 coldstart, 1 warmstart, 2 to 6 backup and restore, 7 activate changes. */
export const reinitializeDeviceRequest = sequence('ReinitializeDevice-Request', {
  reinitializedStateOfDevice: context(0, enumerated(7)),
  password: optional(password(1)),
});

/** ConfirmedTextMessage-Request and UnconfirmedTextMessage-Request (16.5, 16.6). */
export const textMessageRequest = sequence('text message', {
  textMessageSourceDevice: context(0, objectIdentifier),
  messageClass: optional(
    wrapped(1, choice('messageClass', { numeric: context(0, unsigned()), character: context(1, characterString) })),
  ),
  messagePriority: context(2, enumerated(1)),
  message: context(3, characterString),
});

/** TimeSynchronization-Request and UTCTimeSynchronization-Request (16.7, 16.8). */
export const timeSynchronizationRequest = sequence('time synchronization', { time: dateTime });

function inOrder(low: number, high: number): string | undefined {
  return low <= high ? undefined : `got instances \`${low}\` to \`${high}\`, expected them in order`;
}

/** Who-Has-Request (16.9). */
export const whoHasRequest = sequence('Who-Has-Request', {
  limits: {
    optional: checked(
      sequence('limits', {
        deviceInstanceRangeLowLimit: context(0, instanceNumber),
        deviceInstanceRangeHighLimit: context(1, instanceNumber),
      }),
      'parameters-inconsistent',
      (limits) => inOrder(limits.deviceInstanceRangeLowLimit, limits.deviceInstanceRangeHighLimit),
    ),
  },
  object: choice('object', {
    'object-identifier': context(2, objectIdentifier),
    'object-name': context(3, characterString),
  }),
});

/** I-Have-Request (16.9). */
export const iHaveRequest = sequence('I-Have-Request', {
  deviceIdentifier,
  objectIdentifier: application(objectIdentifier),
  objectName: application(characterString),
});

/** Who-Is-Request (16.10): both limits or none. */
export const whoIsRequest = checked(
  sequence('Who-Is-Request', {
    deviceInstanceRangeLowLimit: optional(context(0, instanceNumber)),
    deviceInstanceRangeHighLimit: optional(context(1, instanceNumber)),
  }),
  'parameters-inconsistent',
  ({ deviceInstanceRangeLowLimit: low, deviceInstanceRangeHighLimit: high }) => {
    if (low === undefined && high === undefined) return undefined;
    if (low === undefined || high === undefined) return 'got one limit, expected both or none';
    return inOrder(low, high);
  },
);

/** I-Am-Request (16.10). Segmentation: 0 both, 1 transmit, 2 receive, 3 none. */
export const iAmRequest = sequence('I-Am-Request', {
  iAmDeviceIdentifier: deviceIdentifier,
  maxApduLengthAccepted: application(unsigned()),
  segmentationSupported: application(enumerated(3)),
  vendorId: application(unsigned16),
});

/** VT-Open-Request and VT-Open-ACK (17.2). */
export const vtOpenRequest = sequence('VT-Open-Request', {
  vtClass: application(enumerated(0xffff)),
  localVtSessionIdentifier: application(unsigned8),
});
export const vtOpenAck = sequence('VT-Open-ACK', { remoteVtSessionIdentifier: application(unsigned8) });

/** VT-Close-Request (17.3). */
export const vtCloseRequest = list(application(unsigned8), { min: 1 });

/** VT-Data-Request and VT-Data-ACK (17.4). */
export const vtDataRequest = sequence('VT-Data-Request', {
  vtSessionIdentifier: application(unsigned8),
  vtNewData: application(octetString),
  vtDataFlag: application(unsigned({ max: 1 })),
});
export const vtDataAck = sequence('VT-Data-ACK', {
  allNewDataAccepted: context(0, boolean),
  acceptedOctetCount: optional(context(1, unsigned())),
});
