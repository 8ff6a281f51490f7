// What an Error PDU carries (clause 21): the plain class and code, or the form the service has of its own.
// 1. Both are read, because devices send the plain one where they should not; what is sent is the caller's choice.

import { anyValue } from '../any-value.ts';
import { objectPropertyReference, plainError, unsigned8, unsigned16 } from '../constructed.ts';
import { unsigned } from '../primitive-content.ts';
import { application, choice, context, list, optional, sequence, wrapped } from '../schema.ts';
import { subscribeCovPropertyMultipleError } from './change-of-value.ts';

export const plainForm = choice('Error', { plain: plainError });

/** ChangeList-Error and CreateObject-Error. Elements count from 1; 0 is none in particular. */
export const firstFailedElementForm = choice('error with first failed element', {
  'first-failed-element': sequence('first failed element', {
    errorType: wrapped(0, plainError),
    firstFailedElementNumber: context(1, unsigned()),
  }),
  plain: plainError,
});

/** WritePropertyMultiple-Error. */
export const writePropertyMultipleForm = choice('WritePropertyMultiple-Error', {
  'first-failed-write': sequence('first failed write', {
    errorType: wrapped(0, plainError),
    firstFailedWriteAttempt: wrapped(1, objectPropertyReference),
  }),
  plain: plainError,
});

/** ConfirmedPrivateTransfer-Error. */
export const privateTransferForm = choice('ConfirmedPrivateTransfer-Error', {
  'private-transfer': sequence('private transfer error', {
    errorType: wrapped(0, plainError),
    vendorId: context(1, unsigned16),
    serviceNumber: context(2, unsigned()),
    errorParameters: optional(wrapped(3, anyValue)),
  }),
  plain: plainError,
});

/** VTClose-Error. */
export const vtCloseForm = choice('VTClose-Error', {
  'vt-close': sequence('VT sessions not closed', {
    errorType: wrapped(0, plainError),
    listOfVtSessionIdentifiers: optional(wrapped(1, list(application(unsigned8), { min: 0 }))),
  }),
  plain: plainError,
});

/** SubscribeCOVPropertyMultiple-Error. */
export const subscribeCovPropertyMultipleForm = choice('SubscribeCOVPropertyMultiple-Error', {
  'subscribe-cov-property-multiple': subscribeCovPropertyMultipleError,
  plain: plainError,
});
