// File access services (clause 14): streams of octets and lists of records.

import { objectIdentifier, octetString, signed, unsigned } from '../primitive-content.ts';
import { application, applicationBoolean, checked, choice, context, list, sequence, wrapped } from '../schema.ts';

function countBroken(count: number, records: readonly Uint8Array[]): string | undefined {
  return count === records.length ? undefined : `got \`${records.length}\` records, expected \`${count}\``;
}

const fileRecordData = list(application(octetString), { min: 0 });

/** AtomicReadFile-Request (14.1). */
export const atomicReadFileRequest = sequence('AtomicReadFile-Request', {
  fileIdentifier: application(objectIdentifier),
  accessMethod: choice('accessMethod', {
    'stream-access': wrapped(
      0,
      sequence('streamAccess', {
        fileStartPosition: application(signed),
        requestedOctetCount: application(unsigned()),
      }),
    ),
    'record-access': wrapped(
      1,
      sequence('recordAccess', {
        fileStartRecord: application(signed),
        requestedRecordCount: application(unsigned()),
      }),
    ),
  }),
});

/** AtomicReadFile-ACK (14.1). */
export const atomicReadFileAck = sequence('AtomicReadFile-ACK', {
  endOfFile: applicationBoolean,
  accessMethod: choice('accessMethod', {
    'stream-access': wrapped(
      0,
      sequence('streamAccess', { fileStartPosition: application(signed), fileData: application(octetString) }),
    ),
    'record-access': wrapped(
      1,
      checked(
        sequence('recordAccess', {
          fileStartRecord: application(signed),
          returnedRecordCount: application(unsigned()),
          fileRecordData,
        }),
        'parameters-inconsistent',
        (access) => countBroken(access.returnedRecordCount, access.fileRecordData),
      ),
    ),
  }),
});

/** AtomicWriteFile-Request (14.2). A start of -1 appends. */
export const atomicWriteFileRequest = sequence('AtomicWriteFile-Request', {
  fileIdentifier: application(objectIdentifier),
  accessMethod: choice('accessMethod', {
    'stream-access': wrapped(
      0,
      sequence('streamAccess', { fileStartPosition: application(signed), fileData: application(octetString) }),
    ),
    'record-access': wrapped(
      1,
      checked(
        sequence('recordAccess', {
          fileStartRecord: application(signed),
          recordCount: application(unsigned()),
          fileRecordData,
        }),
        'parameters-inconsistent',
        (access) => countBroken(access.recordCount, access.fileRecordData),
      ),
    ),
  }),
});

/** AtomicWriteFile-ACK (14.2): where the data went. */
export const atomicWriteFileAck = choice('AtomicWriteFile-ACK', {
  'file-start-position': context(0, signed),
  'file-start-record': context(1, signed),
});
