// Every refusal in the form its service has: what a tool is shown, octet for octet.

import { describe, expect, test } from 'vitest';
import {
  BUSY,
  errorAnswer,
  errorFor,
  lostAnswer,
  NO_SPACE,
  READ_DENIED,
  refusalOf,
} from '../../../drivers/bacnet/refuse.ts';
import type { Answer } from '../../../drivers/bacnet/seam.ts';
import {
  CONFIRMED_SERVICES,
  type ConfirmedRequest,
  type ConfirmedServiceName,
  encodeServiceError,
} from '../../../drivers/bacnet/wire/confirmed-service.ts';
import { PROPERTY_IDENTIFIERS as P } from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import { ask } from '../../../simulators/bacnet/requests.ts';
import { app } from '../../../simulators/bacnet/values.ts';
import { GATE_REASONS, POLICY_REASONS } from '../../../src/model/decision.ts';
import { request, value } from './classify-stage.ts';

/** The service octets of an error as hex; the kind and reason of what is none. */
function octets(answer: Answer): string {
  if (answer.kind === 'error') return Buffer.from(encodeServiceError(answer.error).service).toString('hex');
  return answer.kind === 'reject' || answer.kind === 'abort' ? `${answer.kind} ${answer.reason}` : answer.kind;
}

const denied = (asked: ConfirmedRequest) => octets(refusalOf(asked, 'no-permission'));

describe('the error of each service', () => {
  test.each([
    ['ReadProperty', ask.readProperty({ object: 'analog-value,1' }), '9102911b'],
    ['ReadPropertyMultiple', ask.readPropertyMultiple([{ object: 'analog-value,1' }]), '9102911b'],
    ['ReadRange', ask.readRange({ object: 'trend-log,1', property: 'log-buffer' }), '9102911b'],
    ['AtomicReadFile', ask.readFile(1, 0, 1), '9102911b'],
    ['SubscribeCOV', ask.subscribeCov(1, 'analog-value,1', true, 1), '9105911d'],
    ['SubscribeCOVProperty', ask.subscribeCovProperty(1, { object: 'analog-value,1' }, true, 1), '9105911d'],
    ['GetAlarmSummary', ask.getAlarmSummary(), '9105911d'],
    ['GetEnrollmentSummary', ask.getEnrollmentSummary(), '9105911d'],
    ['GetEventInformation', ask.getEventInformation(), '9105911d'],
    ['WriteProperty', ask.writeProperty({ object: 'analog-value,1', value: [app.real(1)] }), '91029128'],
    [
      'WritePropertyMultiple: its first reference',
      ask.writePropertyMultiple([{ object: 'analog-value,1', value: [app.real(1)] }]),
      '0e910291280f1e0c0080000119551f',
    ],
    [
      'WritePropertyMultiple: with its index',
      ask.writePropertyMultiple([{ object: 'analog-value,1', index: 3, value: [app.real(1)] }]),
      '0e910291280f1e0c00800001195529031f',
    ],
    ['AddListElement', ask.addListElement({ object: 'schedule,1' }, [app.real(1)]), '0e910291280f1901'],
    ['RemoveListElement', ask.removeListElement({ object: 'schedule,1' }, [app.real(1)]), '0e910291280f1901'],
    ['CreateObject', ask.createObject(2), '0e9105911d0f1900'],
    [
      'WriteProperty of a life-safety object',
      ask.writeProperty({ object: 'life-safety-point,1', property: 'mode', value: [app.enumerated(1)] }),
      '9105911d',
    ],
    [
      'WritePropertyMultiple of a life-safety object',
      ask.writePropertyMultiple([{ object: 'life-safety-zone,1', property: 'mode', value: [app.enumerated(1)] }]),
      '0e9105911d0f1e0c0580000119a01f',
    ],
    [
      'AddListElement of a life-safety object',
      ask.addListElement({ object: 'life-safety-zone,1', property: P['zone-members'] }, [app.unsigned(1)]),
      '0e9105911d0f1901',
    ],
    ['DeleteObject', ask.deleteObject('analog-value,1'), '91019117'],
    ['AtomicWriteFile', ask.writeFile(1, 0, Buffer.of(1)), '91059105'],
    ['ReinitializeDevice', ask.reinitialize(0), '9105911d'],
    ['DeviceCommunicationControl', ask.communicationControl(0), '9105911d'],
    ['LifeSafetyOperation', ask.lifeSafetyOperation(1), '9105911d'],
    [
      'AcknowledgeAlarm',
      ask.acknowledgeAlarm('analog-input,1', 3, [{ kind: 'context', tag: 1, octets: Buffer.of(1) }], 'x'),
      '9105911d',
    ],
    ['private transfer', ask.privateTransfer(7, 3), '0e9105911d0f19072903'],
  ] as const)('%s', (_name, asked, expected) => expect(denied(request(asked))).toBe(expected));

  test('VT-Close has a form of its own', () => {
    expect(denied({ service: 'vt-close', parameters: [1] })).toBe('0e9105911d0f');
  });

  test('SubscribeCOVPropertyMultiple names the first subscription that failed', () => {
    const reference = (propertyIdentifier: number) => ({ monitoredProperty: { propertyIdentifier } });
    const asked: ConfirmedRequest = {
      service: 'subscribe-cov-property-multiple',
      parameters: {
        subscriberProcessIdentifier: 1,
        listOfCovSubscriptionSpecifications: [
          { monitoredObjectIdentifier: { type: 2, instance: 1 }, listOfCovReferences: [reference(85), reference(87)] },
        ],
      },
    };
    expect(denied(asked)).toBe('1e0c008000011e09551f2e9105911d2f1f');
    const isSecond = ({ propertyIdentifier }: { propertyIdentifier: number }) => propertyIdentifier === 87;
    expect(octets(refusalOf(asked, 'no-permission', isSecond))).toBe('1e0c008000011e09571f2e9105911d2f1f');
    const none = { ...asked, parameters: { ...asked.parameters, listOfCovSubscriptionSpecifications: [] } };
    expect(denied(none)).toBe('9105911d');
  });

  test('WritePropertyMultiple names the reference that was refused', () => {
    const asked = request(
      ask.writePropertyMultiple([
        { object: 'analog-value,1', value: [app.real(1)] },
        { object: 'analog-value,2', property: 'units', value: [app.enumerated(1)] },
      ]),
    );
    const isUnits = ({ propertyIdentifier }: { propertyIdentifier: number }) => propertyIdentifier === P.units;
    expect(octets(refusalOf(asked, 'out-of-limits', isUnits))).toBe('0e910291250f1e0c0080000219751f');
    expect(octets(refusalOf(asked, 'out-of-limits', () => false))).toBe('0e910291250f1e0c0080000119551f');
    expect(octets(refusalOf({ service: 'write-property-multiple', parameters: [] }, 'locked'))).toBe('91029128');
  });

  test('WritePropertyMultiple answers for the object that was refused, not for its neighbour', () => {
    const asked = request(
      ask.writePropertyMultiple([
        { object: 'analog-value,1', value: [app.real(1)] },
        { object: 'life-safety-point,1', property: 'mode', value: [app.enumerated(1)] },
      ]),
    );
    const isMode = ({ propertyIdentifier }: { propertyIdentifier: number }) => propertyIdentifier === P.mode;
    expect(octets(refusalOf(asked, 'no-permission', isMode))).toBe('0e9105911d0f1e0c0540000119a01f');
    expect(octets(refusalOf(asked, 'no-permission', () => true))).toBe('0e910291280f1e0c0080000119551f');
    expect(octets(refusalOf(asked, 'out-of-limits', isMode))).toBe('0e910291250f1e0c0540000119a01f');
  });

  test('an unknown service is rejected as one', () => {
    expect(denied({ service: 'unknown', choice: 13, octets: new Uint8Array() })).toBe('reject 9');
  });
});

describe('the error of each reason', () => {
  const own = {
    'out-of-limits': [2, 37],
    'rate-limited': [0, 3],
    'transfer-in-progress': [0, 2],
    'journal-unavailable': [0, 25],
  } as const;

  test.each([...POLICY_REASONS, ...GATE_REASONS])('%s', (reason) => {
    const [errorClass, errorCode] = reason in own ? own[reason as keyof typeof own] : [2, 40];
    expect(errorFor('write-property', reason)).toEqual({ errorClass, errorCode });
  });

  test.each(Object.keys(CONFIRMED_SERVICES) as ConfirmedServiceName[])('%s has one', (service) => {
    expect(errorFor(service, 'no-role').errorCode).toBeGreaterThan(0);
  });

  test('busy, full and lost', () => {
    const asked = {
      service: 'vt-data',
      parameters: { vtSessionIdentifier: 1, vtNewData: new Uint8Array(), vtDataFlag: 0 },
    } as const;
    expect(octets(errorAnswer(asked, BUSY))).toBe('91009103');
    expect(octets(errorAnswer(asked, NO_SPACE))).toBe('91039113');
    expect(READ_DENIED).toEqual({ errorClass: 2, errorCode: 27 });
    expect(octets(lostAnswer())).toBe('abort 10');
    expect(octets(lostAnswer(4))).toBe('abort 4');
    expect(value(app.null()).octets).toEqual(Buffer.of(0));
  });
});
