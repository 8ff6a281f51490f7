// Valid frames to mutate: the standard's examples, every service, the frames that kill others, and requests about objects that
// exist, permitted ones among them, so that mutations come near what matters.

import { encodeApdu } from '../../simulators/bacnet/apci.ts';
import { BVLC, encodeBvlc, encodeNpdu } from '../../simulators/bacnet/framing.ts';
import { ask, type ServiceRequest, say } from '../../simulators/bacnet/requests.ts';
import { app } from '../../simulators/bacnet/values.ts';
import { APDU_CORPUS } from '../drivers/bacnet/wire/apdu-corpus.ts';

const PLANT_NETWORK = 200;

const KILLERS = [
  '810a000a010050810f0d',
  '810a000b0100420100d801',
  '810a001501040005060a0e1c008000070f1e09552e',
  '810c0004',
  '81ff0004',
  '810a0007012000',
  '81050006003c',
  '8103000a0100000000',
  '8101000e7f000001bac0ffffffff',
  '810a000a018f00c80102',
].map((hex) => Buffer.from(hex, 'hex'));

/** A confirmed request to the station at a MAC behind the gateway. */
export function confirmedFrame(mac: Buffer, { service, payload }: ServiceRequest, invokeId = 1): Buffer {
  const apdu = encodeApdu({
    kind: 'confirmed-request',
    invokeId,
    service,
    payload,
    segmentedAnswerAccepted: true,
    maxSegments: 0,
    maxApdu: 5,
  });
  return routed(mac, apdu);
}

function routed(mac: Buffer, apdu: Buffer): Buffer {
  const destination = { network: PLANT_NETWORK, mac };
  return encodeBvlc(
    BVLC.unicast,
    encodeNpdu({ expectingReply: true, priority: 0, destination, hops: 255, payload: apdu }),
  );
}

const near: readonly ServiceRequest[] = [
  ask.readProperty({ object: 'analog-value,1' }),
  ask.readPropertyMultiple([{ object: 'analog-value,1' }, { object: 'analog-input,1', property: 'high-limit' }]),
  ask.writeProperty({ object: 'analog-value,1', value: [app.real(20)], priority: 10 }),
  ask.writeProperty({ object: 'analog-value,1', value: [app.real(21)], priority: 5 }),
  ask.writeProperty({ object: 'binary-value,1', value: [app.enumerated(1)], priority: 9 }),
  ask.writeProperty({ object: 'channel,1', value: [app.real(20)], priority: 10 }),
  ask.writePropertyMultiple([
    { object: 'analog-value,1', value: [app.real(20)], priority: 10 },
    { object: 'analog-value,2', value: [app.real(250)], priority: 10 },
    { object: 'analog-input,1', property: 'high-limit', value: [app.real(30)] },
  ]),
  ask.subscribeCov(1, 'analog-value,1', false, 10),
  ask.readFile(1, 0, 400),
  ask.writeFile(1, 0, Buffer.from('FIRMWARE 9.9.9\n')),
  ask.readRange({ object: 'trend-log,1', property: 'log-buffer' }, { by: 'position', from: 1, count: 5 }),
];

/** Frames for every station of these MACs. */
export function bacnetSeeds(macs: readonly Buffer[]): readonly Buffer[] {
  const mac = macs[0] ?? Buffer.alloc(6);
  const examples = APDU_CORPUS.map((apdu) => routed(mac, apdu));
  const close = macs.flatMap((one) => near.map((request, at) => confirmedFrame(one, request, at + 1)));
  const said = [say.whoIs(), say.whoIs(1001, 1003)].map(({ service, payload }) =>
    encodeBvlc(
      BVLC.broadcast,
      encodeNpdu({
        expectingReply: false,
        priority: 0,
        destination: { network: 0xffff, mac: Buffer.alloc(0) },
        hops: 255,
        payload: Buffer.concat([Buffer.from([0x10, service]), payload]),
      }),
    ),
  );
  return [...examples, ...KILLERS, ...said, ...close, ...close, ...close];
}
