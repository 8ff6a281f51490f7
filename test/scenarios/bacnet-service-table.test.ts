// Every service, row by row: what it answers to who may not, in the form the service has, and what arrives of it. The devices'
// own records are the witness: of the refusal, and of the same request by somebody who may do everything.

import { expect, test } from 'vitest';
import { CONFIRMED_SERVICES, type ConfirmedServiceName } from '../../drivers/bacnet/wire/confirmed-service.ts';
import { UNCONFIRMED_SERVICES } from '../../drivers/bacnet/wire/unconfirmed-service.ts';
import { ask, type ServiceRequest, say } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { RoadRig } from '../drivers/bacnet/road-rig.ts';
import { arrivals, fence } from './bacnet-witness.ts';

type UnconfirmedServiceName = keyof typeof UNCONFIRMED_SERVICES;

/** The request of somebody who may nothing, its answer in hex, and whether it arrives where everything is permitted. */
interface Row {
  readonly octets: ServiceRequest | string;
  readonly answer: string;
  readonly permitted: 'arrives' | 'refused';
}

const arrives = (octets: ServiceRequest | string, answer: string): Row => ({ octets, answer, permitted: 'arrives' });
const refused = (octets: ServiceRequest | string, answer: string): Row => ({ octets, answer, permitted: 'refused' });

const readDenied = 'error 9102911b';
const writeDenied = 'error 91029128';
const serviceDenied = 'error 9105911d';
const listDenied = 'error 0e910291280f1901';

const event =
  '0901 1c020003e9 2c00000001 3e19013f 4901 5964 6905 8900 9901 a900 b903 ce5e0c42a033331a04802c3f8000003c42a000005fcf';
const changed = '0901 1c020003e9 2c00000001 3900 4e 0955 2e4442c600002f 4f';
const severalChanged = '0901 1c020003e9 293c 4e 0c00000001 1e 0955 2e44428200002f 1f 4f';
const message = '0c020003e9 2900 3b006869';
/** 10.0.0.7 on network 5, process 1, on all days and transitions. */
const recipient = '8201fe b400000000 b4173b3b63 1e 2105 65060a000007bac0 1f 2101 10 8205e0';

const CONFIRMED: { readonly [name in ConfirmedServiceName]: Row } = {
  'acknowledge-alarm': arrives('0901 1c00000001 2903 3e1905 3f 4c004d444c 5e1905 5f', serviceDenied),
  'confirmed-cov-notification': refused(changed, serviceDenied),
  'confirmed-event-notification': refused(event, serviceDenied),
  'get-alarm-summary': arrives(ask.getAlarmSummary(), serviceDenied),
  'get-enrollment-summary': arrives(ask.getEnrollmentSummary(), serviceDenied),
  'subscribe-cov': arrives(ask.subscribeCov(1, 'analog-input,1', false, 60), serviceDenied),
  'atomic-read-file': arrives(ask.readFile(1, 0, 100), readDenied),
  'atomic-write-file': arrives(ask.writeFile(2, 0, Buffer.from('x')), 'error 91059105'),
  'add-list-element': arrives(`0c03c00001 1966 3e ${recipient} 3f`, listDenied),
  'remove-list-element': arrives(`0c03c00001 1966 3e ${recipient} 3f`, listDenied),
  'create-object': arrives(ask.createObject(2), 'error 0e9105911d0f1900'),
  'delete-object': arrives(ask.deleteObject('analog-value,1'), 'error 91019117'),
  'read-property': arrives(ask.readProperty({ object: 'analog-input,1' }), readDenied),
  'read-property-multiple': arrives(
    ask.readPropertyMultiple([{ object: 'analog-input,1' }]),
    'complex-ack 0c000000011e29555e9102911b5f1f',
  ),
  'write-property': arrives(ask.writeProperty({ object: 'analog-value,2', value: [app.real(200)] }), writeDenied),
  'write-property-multiple': arrives(
    ask.writePropertyMultiple([{ object: 'analog-value,2', value: [app.real(200)] }]),
    'error 0e910291280f1e0c0080000219551f',
  ),
  'device-communication-control': arrives(ask.communicationControl(0), serviceDenied),
  'confirmed-private-transfer': refused(ask.privateTransfer(25, 8), 'error 0e9105911d0f19192908'),
  'confirmed-text-message': refused(message, serviceDenied),
  'reinitialize-device': arrives(ask.reinitialize(1), serviceDenied),
  'vt-open': refused('9100 2105', serviceDenied),
  'vt-close': refused('2105', 'error 0e9105911d0f'),
  'vt-data': refused('2105 626869 2100', serviceDenied),
  'read-range': arrives('0c05000001 1983 3e 2101 3105 3f', readDenied),
  'life-safety-operation': arrives(ask.lifeSafetyOperation(4, 'life-safety-point,1'), serviceDenied),
  'subscribe-cov-property': arrives(
    ask.subscribeCovProperty(1, { object: 'analog-input,1' }, false, 60),
    serviceDenied,
  ),
  'get-event-information': arrives(ask.getEventInformation(), serviceDenied),
  'subscribe-cov-property-multiple': arrives(
    '0901 1900 293c 3905 4e 0c00000001 1e 0e0955 0f 2900 1f 4f',
    'error 1e0c000000011e09551f2e9105911d2f1f',
  ),
  'confirmed-cov-notification-multiple': refused(severalChanged, serviceDenied),
  'confirmed-audit-notification': refused('0e09010f', serviceDenied),
  'audit-log-query': refused('0901', serviceDenied),
  'auth-request': refused('0901', serviceDenied),
};

/** Nothing is answered; what is not passed on is dropped and recorded, or only counted where it changes nothing. */
const UNCONFIRMED: { readonly [name in UnconfirmedServiceName]: Omit<Row, 'answer'> } = {
  'i-am': refused(say.iAm(1001), ''),
  'i-have': refused('c4020003e9 c400000001 7500', ''),
  'unconfirmed-cov-notification': refused(changed, ''),
  'unconfirmed-event-notification': refused(event, ''),
  'unconfirmed-private-transfer': refused('0919 1908', ''),
  'unconfirmed-text-message': refused(message, ''),
  'time-synchronization': arrives(say.timeSynchronization(new Date(0)), ''),
  'who-has': arrives(say.whoHas({ object: 'analog-input,1' }), ''),
  'who-is': arrives(say.whoIs(), ''),
  'utc-time-synchronization': arrives(say.timeSynchronization(new Date(0), true), ''),
  'write-group': arrives(say.writeGroup(7, 10, [{ channel: 5, value: app.real(20) }]), ''),
  'unconfirmed-cov-notification-multiple': refused(severalChanged, ''),
  'unconfirmed-audit-notification': refused('0901', ''),
  'who-am-i': refused('2163', ''),
  'you-are': refused('2163', ''),
};

const request = (service: number, octets: ServiceRequest | string): ServiceRequest =>
  typeof octets === 'string' ? { service, payload: Buffer.from(octets.replaceAll(' ', ''), 'hex') } : octets;

/** Anna may do everything, Carla looks (the fence's reads are hers), and nobody may nothing. */
function start(): Promise<RoadRig> {
  const grants = [
    { to: 'user:anna', role: 'engineer', at: 'hq' },
    { to: 'user:carla', role: 'viewer', at: 'hq' },
  ];
  return RoadRig.start({ bundle: { grants } });
}

async function arrivedWhile(rig: RoadRig, act: () => Promise<unknown>): Promise<boolean> {
  await fence(rig);
  const before = arrivals(rig);
  await act();
  await fence(rig);
  return arrivals(rig) > before;
}

test('confirmed services: the refusal in the service’s own form, and nothing at the device', async () => {
  const rig = await start();
  const [nobody, anna] = [await rig.tool('nobody'), await rig.tool('anna')];
  const seen: Record<string, object> = {};
  for (const [name, { octets }] of Object.entries(CONFIRMED)) {
    const { choice } = CONFIRMED_SERVICES[name as ConfirmedServiceName];
    let answer = '';
    const leaked = await arrivedWhile(rig, async () => {
      const outcome = await nobody.request(rig.device('ahu2'), request(choice, octets));
      answer = `${outcome.kind} ${'payload' in outcome ? outcome.payload.toString('hex') : ''}`;
    });
    const arrived = await arrivedWhile(rig, () => anna.request(rig.device('ahu2'), request(choice, octets)));
    seen[name] = { answer, leaked, permitted: arrived ? 'arrives' : 'refused' };
  }
  const expected = Object.entries(CONFIRMED).map(([name, { answer, permitted }]) => [
    name,
    { answer, leaked: false, permitted },
  ]);
  expect(seen).toEqual(Object.fromEntries(expected));
});

test('a service nobody knows is rejected as unrecognized', async () => {
  const rig = await start();
  for (const choice of [13, 24, 25, 35, 127, 255])
    expect(await rig.ask('anna', { service: choice, payload: Buffer.of(9, 1) })).toBe('reject 9');
});

test('unconfirmed services: dropped without a word', async () => {
  const rig = await start();
  const [nobody, anna] = [await rig.tool('nobody'), await rig.tool('anna')];
  const seen: Record<string, object> = {};
  for (const [name, { octets }] of Object.entries(UNCONFIRMED)) {
    const { choice } = UNCONFIRMED_SERVICES[name as UnconfirmedServiceName];
    const one = request(choice, octets);
    const leaked = await arrivedWhile(rig, async () => nobody.tell(one, rig.device('ahu2'), rig.device('ahu2').route));
    const arrived = await arrivedWhile(rig, async () => anna.tell(one, rig.device('ahu2'), rig.device('ahu2').route));
    seen[name] = { leaked, permitted: arrived ? 'arrives' : 'refused' };
  }
  const expected = Object.entries(UNCONFIRMED).map(([name, { permitted }]) => [name, { leaked: false, permitted }]);
  expect(seen).toEqual(Object.fromEntries(expected));
});
