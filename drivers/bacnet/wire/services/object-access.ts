// Object access services (clause 15): what reads, writes, creates and deletes. Requests and acks.

import { anyElement, anyValue } from '../any-value.ts';
import {
  dateTime,
  objectPropertyReference,
  plainError,
  propertyIdentifier,
  propertyReference,
  propertyValue,
  unsigned16,
  writePriority,
} from '../constructed.ts';
import { bitString, boolean, enumerated, objectIdentifier, signed, unsigned } from '../primitive-content.ts';
import { application, choice, context, list, optional, sequence, type ValueOf, wrapped } from '../schema.ts';

/** AddListElement-Request and RemoveListElement-Request (15.1, 15.2). */
export const changeListRequest = sequence('list element request', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
  listOfElements: wrapped(3, anyValue),
});

/** CreateObject-Request (15.3). */
export const createObjectRequest = sequence('CreateObject-Request', {
  objectSpecifier: wrapped(
    0,
    choice('objectSpecifier', {
      'object-type': context(0, enumerated(1023)),
      'object-identifier': context(1, objectIdentifier),
    }),
  ),
  listOfInitialValues: optional(wrapped(1, list(propertyValue, { min: 0 }))),
});

/** CreateObject-ACK (15.3). */
export const createObjectAck = application(objectIdentifier);

/** DeleteObject-Request (15.4). */
export const deleteObjectRequest = sequence('DeleteObject-Request', {
  objectIdentifier: application(objectIdentifier),
});

/** ReadProperty-Request (15.5). */
export const readPropertyRequest = objectPropertyReference;

/** ReadProperty-ACK (15.5). */
export const readPropertyAck = sequence('ReadProperty-ACK', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
  propertyValue: wrapped(3, anyValue),
});

/** ReadPropertyMultiple-Request (15.7). */
export const readPropertyMultipleRequest = list(
  sequence('ReadAccessSpecification', {
    objectIdentifier: context(0, objectIdentifier),
    listOfPropertyReferences: wrapped(1, list(propertyReference, { min: 1 })),
  }),
  { min: 1 },
);
export type ReadPropertyMultipleRequest = ValueOf<typeof readPropertyMultipleRequest>;

/** ReadPropertyMultiple-ACK (15.7): a value or an error per reference. */
export const readPropertyMultipleAck = list(
  sequence('ReadAccessResult', {
    objectIdentifier: context(0, objectIdentifier),
    listOfResults: wrapped(
      1,
      list(
        sequence('read result', {
          propertyIdentifier: context(2, propertyIdentifier),
          propertyArrayIndex: optional(context(3, unsigned())),
          readResult: choice('readResult', {
            'property-value': wrapped(4, anyValue),
            'property-access-error': wrapped(5, plainError),
          }),
        }),
        { min: 0 },
      ),
    ),
  }),
  { min: 0 },
);
export type ReadPropertyMultipleAck = ValueOf<typeof readPropertyMultipleAck>;

/** ReadRange-Request (15.8). An absent range is the whole list. A negative count reads backwards. */
export const readRangeRequest = sequence('ReadRange-Request', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
  range: optional(
    choice('range', {
      'by-position': wrapped(
        3,
        sequence('byPosition', { referenceIndex: application(unsigned()), count: application(signed) }),
      ),
      'by-sequence-number': wrapped(
        6,
        sequence('bySequenceNumber', { referenceSequenceNumber: application(unsigned()), count: application(signed) }),
      ),
      'by-time': wrapped(7, sequence('byTime', { referenceTime: dateTime, count: application(signed) })),
    }),
  ),
});

/** ReadRange-ACK (15.8). */
export const readRangeAck = sequence('ReadRange-ACK', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
  resultFlags: context(3, bitString),
  itemCount: context(4, unsigned()),
  itemData: wrapped(5, anyValue),
  firstSequenceNumber: optional(context(6, unsigned())),
});

/** WriteProperty-Request (15.9). An absent priority is 16 where the property is commandable. */
export const writePropertyRequest = sequence('WriteProperty-Request', {
  objectIdentifier: context(0, objectIdentifier),
  propertyIdentifier: context(1, propertyIdentifier),
  propertyArrayIndex: optional(context(2, unsigned())),
  propertyValue: wrapped(3, anyValue),
  priority: optional(context(4, writePriority)),
});

/** WritePropertyMultiple-Request (15.10). */
export const writePropertyMultipleRequest = list(
  sequence('WriteAccessSpecification', {
    objectIdentifier: context(0, objectIdentifier),
    listOfProperties: wrapped(1, list(propertyValue, { min: 1 })),
  }),
  { min: 1 },
);

/** WriteGroup-Request (15.11). Group 0 is not one. */
export const writeGroupRequest = sequence('WriteGroup-Request', {
  groupNumber: context(0, unsigned({ min: 1 })),
  writePriority: context(1, writePriority),
  changeList: wrapped(
    2,
    list(
      sequence('BACnetGroupChannelValue', {
        channel: context(0, unsigned16),
        overridingPriority: optional(context(1, writePriority)),
        value: anyElement,
      }),
      { min: 1 },
    ),
  ),
  inhibitDelay: optional(context(3, boolean)),
});
