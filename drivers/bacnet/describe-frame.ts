// Frame ─► what it says and what it would do, for a person: the decoders and the classification of the road, without the road.

import type { DescribedFrame, FrameContext, FrameMeaning, FrameRead } from '../../src/contract/described-frame.ts';
import { BacnetIndex } from './address.ts';
import { type Classification, classify } from './classify.ts';
import { classifyUnconfirmed } from './classify-unconfirmed.ts';
import type { BacnetSection } from './config.ts';
import { linesOf } from './frame-text.ts';
import { handleOfDevice, isDeviceObject, ownersOf, PRESENT_VALUE, pointsOf } from './owners.ts';
import type { PlantDevice } from './seam.ts';
import type { Site } from './site.ts';
import type { Apdu } from './wire/apdu.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { confirmedServiceName } from './wire/confirmed-service.ts';
import { decodeFrame, type Frame, type FrameFault } from './wire/frame.ts';
import { abortReasonName } from './wire/names/abort-reason.ts';
import { rejectReasonName } from './wire/names/reject-reason.ts';
import { BROADCAST_NETWORK, type NpduDestination } from './wire/npdu.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

const BACNET_IP = 0x81;
const SECURE_BACNET_IP = 0x82;

/** `undefined` for what does not begin as BACnet/IP does. */
export function describeFrame(octets: Uint8Array, context: FrameContext): DescribedFrame | undefined {
  const isOurs = octets[0] === BACNET_IP && octets.length >= 4 && (((octets[2] ?? 0) << 8) | (octets[3] ?? 0)) !== 0;
  if (!isOurs && octets[0] !== SECURE_BACNET_IP) return undefined;
  const frame = decodeFrame(octets);
  if (!frame.ok) return malformed(frame.fault);
  const { lines, remarks } = headerLines(frame.value);
  return { form: 'BACnet/IP', lines, ...meaningOf(frame.value, context, remarks) };
}

/** Where a frame says it goes; `undefined` where it stays on its network, or is none. */
export function destinationOf(octets: Uint8Array): NpduDestination | undefined {
  const frame = decodeFrame(octets);
  return frame.ok ? frame.value.npdu?.destination : undefined;
}

function malformed({ layer, code, message, offset, answer }: FrameFault): DescribedFrame {
  const answered = answer.kind === 'drop' ? 'dropped' : `answered with ${answer.kind} \`${answer.reason}\``;
  return {
    form: 'BACnet/IP',
    lines: [`${layer}: ${message} (\`${code}\`, octet ${offset} of the ${layer})`],
    meaning: { kind: 'malformed', why: message },
    remarks: [`it would be ${answered}, and recorded; nothing would go to a device`],
  };
}

function headerLines({ bvlc, npdu, apdu, service }: Frame): { lines: string[]; remarks: string[] } {
  const { function: name, ...link } = bvlc;
  const lines = [`BVLC ${name}`, ...linesOf({ ...link, npdu: undefined }, '  ')];
  const remarks: string[] = [];
  if (npdu !== undefined) {
    lines.push(`NPDU priority ${npdu.priority}${npdu.expectingReply ? ', expecting a reply' : ''}`);
    const { destination, source } = npdu;
    if (destination !== undefined) lines.push(`  to ${placeText(destination)}, hop count ${destination.hopCount}`);
    if (source !== undefined) {
      lines.push(`  from ${placeText(source)}`);
      if (apdu?.type.endsWith('request'))
        remarks.push('from a tool it would be refused: a source network is the gateway’s to write');
    }
    if (npdu.payload.kind === 'network-message') lines.push('network message', ...linesOf(npdu.payload.message, '  '));
  }
  if (apdu !== undefined) lines.push(...apduLines(apdu));
  if (service !== undefined) {
    const { value } = service;
    lines.push(value.service === 'unknown' ? `service ${value.choice}, not known` : value.service);
    lines.push(...linesOf('parameters' in value ? value.parameters : value.octets, '  '));
  }
  return { lines, remarks };
}

function placeText({ network, mac }: Pick<NpduDestination, 'network' | 'mac'>): string {
  const name = network === BROADCAST_NETWORK ? 'every network' : `network ${network}`;
  if (mac.length === 0) return `${name}, broadcast`;
  const octets = Buffer.from(mac);
  const ip = mac.length === 6 ? ` (${[...mac.subarray(0, 4)].join('.')}:${octets.readUInt16BE(4)})` : '';
  return `${name}, MAC ${octets.toString('hex')}${ip}`;
}

function apduLines(apdu: Apdu): string[] {
  const { type, ...rest } = apdu;
  const fields = linesOf({ ...rest, service: undefined, serviceChoice: undefined, reason: undefined }, '  ');
  if (apdu.type === 'reject')
    return [`APDU reject: ${rejectReasonName(apdu.reason) ?? 'of a vendor'} (${apdu.reason})`, ...fields];
  if (apdu.type === 'abort')
    return [`APDU abort: ${abortReasonName(apdu.reason) ?? 'of a vendor'} (${apdu.reason})`, ...fields];
  const named =
    'serviceChoice' in apdu && apdu.type !== 'unconfirmed-request'
      ? confirmedServiceName(apdu.serviceChoice)
      : undefined;
  return [`APDU ${type}${named === undefined ? '' : ` ${named}`}`, ...fields];
}

type Judged = Pick<DescribedFrame, 'meaning' | 'remarks'>;

function meaningOf(frame: Frame, context: FrameContext, remarks: readonly string[]): Judged {
  const { bvlc, apdu, service } = frame;
  const no = (why: string): Judged => ({ meaning: { kind: 'no-request', why }, remarks });
  if (bvlc.function === 'write-broadcast-distribution-table' || bvlc.function === 'delete-foreign-device-table-entry')
    return { meaning: { kind: 'refused', why: 'the gateway’s tables come from the configuration alone' }, remarks };
  if (apdu === undefined) return no('a message of the link or network: no device is asked for anything');
  if (apdu.type === 'confirmed-request' && apdu.segment !== undefined)
    return no('a segment: what the whole would do shows when all of them are there');
  const known = knownDevice(frame, context);
  if (service?.kind === 'confirmed-request') return confirmed(service.value, known, context, remarks);
  if (service?.kind === 'unconfirmed-request') return unconfirmed(service.value, known, context, remarks);
  return no('an answer: it counts only for the request that waits for it');
}

/** Stands for a device of which the inventory is all that is known. */
interface Addressed {
  readonly index: BacnetIndex;
  readonly device: PlantDevice;
}

/** By --device, else by the device object the request itself names, where the policy has one device of that instance. */
function knownDevice(frame: Frame, { index, device }: FrameContext): Addressed | undefined {
  if (!(index instanceof BacnetIndex)) return undefined;
  const named = device === undefined ? instanceNamed(frame) : undefined;
  const candidates = index.devices.filter(({ instance }) => instance === named);
  const indexed = device === undefined ? candidates[0] : index.device(device);
  if (indexed === undefined || candidates.length > 1) return undefined;
  const { network, instance } = indexed;
  const stands = { networkNumber: 0, mac: '', maxApduLength: 1476, segmentation: 'both', vendorId: undefined } as const;
  return { index, device: { ...stands, network, instance } };
}

function instanceNamed({ service }: Frame): number | undefined {
  if (service?.kind !== 'confirmed-request') return undefined;
  const { value } = service;
  const objects = value.service === 'read-property' || value.service === 'write-property' ? [value.parameters] : [];
  const [object] = objects.map(({ objectIdentifier }) => objectIdentifier).filter(isDeviceObject);
  return object?.instance;
}

function siteOf(known: Addressed | undefined, section: BacnetSection | undefined): Site {
  return {
    index: known?.index,
    find: () => undefined,
    permits: (vendor, service) =>
      section?.privateServices.find((entry) => entry.vendor === vendor && entry.service === service)?.action,
    lists: () => undefined,
    inFirmwareTransfer: () => false,
    mayHoldImage: () => false,
  };
}

const NOBODY: PlantDevice = {
  network: '',
  networkNumber: 0,
  mac: '',
  instance: undefined,
  maxApduLength: 1476,
  segmentation: 'both',
  vendorId: undefined,
};

function confirmed(
  request: ConfirmedRequest,
  known: Addressed | undefined,
  context: FrameContext,
  remarks: readonly string[],
): Judged {
  const site = siteOf(known, context.section as BacnetSection | undefined);
  const what = classify(request, known?.device ?? NOBODY, site);
  if (what.kind === 'observation')
    return { meaning: readMeaning(request, known), remarks: withDevice(known, context, remarks) };
  return classified(what, known, context, remarks);
}

function unconfirmed(
  request: UnconfirmedRequest,
  known: Addressed | undefined,
  context: FrameContext,
  remarks: readonly string[],
): Judged {
  switch (request.service) {
    case 'who-is':
    case 'who-has':
      return { meaning: { kind: 'read' }, remarks: [...remarks, 'a search: passed on, at a bounded rate'] };
    case 'i-am':
    case 'i-have':
    case 'unconfirmed-cov-notification':
    case 'unconfirmed-event-notification':
    case 'unconfirmed-cov-notification-multiple':
      return {
        meaning: { kind: 'no-request', why: 'something a device says: believed of a verified device only' },
        remarks,
      };
    default: {
      const site = siteOf(known, context.section as BacnetSection | undefined);
      const to = known?.device ?? NOBODY;
      return classified(classifyUnconfirmed(request, to, site, [to]), known, context, remarks);
    }
  }
}

function classified(
  what: Classification,
  known: Addressed | undefined,
  context: FrameContext,
  remarks: readonly string[],
): Judged {
  switch (what.kind) {
    case 'observation':
      return { meaning: { kind: 'read' }, remarks };
    case 'unknown':
      return {
        meaning: { kind: 'refused', why: 'a service nobody here knows: Reject `unrecognized-service`' },
        remarks,
      };
    case 'refused':
      return { meaning: { kind: 'refused', why: what.detail }, remarks };
    case 'change': {
      const lists = what.needed.length > 0 || what.fansOut;
      const more = lists
        ? ['it moves more than it names: the gateway reads the device’s lists and judges what they hold too']
        : [];
      const meaning: FrameMeaning = known === undefined ? { kind: 'change' } : { kind: 'change', change: what.change };
      return { meaning, remarks: withDevice(known, context, [...remarks, ...more]) };
    }
  }
}

function withDevice(
  known: Addressed | undefined,
  { index, device }: FrameContext,
  remarks: readonly string[],
): readonly string[] {
  if (known !== undefined || index === undefined) return remarks;
  const why =
    device === undefined
      ? 'the frame names its device by a MAC the policy does not hold: say which it is with --device'
      : 'the device has no BACnet address in this policy';
  return [...remarks, why];
}

function readMeaning(request: ConfirmedRequest, known: Addressed | undefined): FrameMeaning {
  if (known === undefined) return { kind: 'read' };
  const { index, device } = known;
  const handle = handleOfDevice(index, device);
  const reads = new Map<string, FrameRead>();
  const add = (read: FrameRead): void => void reads.set(`${read.target} ${read.asks}`, read);
  const element = (object: ObjectIdentifier, property: number, at?: number): void => {
    const points = pointsOf(index, handle, object);
    const { own, others } = ownersOf(object, points, property, at);
    if (own.length > 0) for (const point of own) add({ target: point.handle, asks: 'point.read' });
    else if (isDeviceObject(object)) add({ target: handle, asks: 'device.view' });
    else if (points.length === 0) add({ target: handle, asks: 'point.read' });
    else for (const point of others) add({ target: point.handle, asks: 'point.read' });
  };
  switch (request.service) {
    case 'read-property':
    case 'read-range': {
      const { objectIdentifier, propertyIdentifier, propertyArrayIndex } = request.parameters;
      element(objectIdentifier, propertyIdentifier, propertyArrayIndex);
      break;
    }
    case 'read-property-multiple':
      for (const { objectIdentifier, listOfPropertyReferences } of request.parameters)
        for (const { propertyIdentifier, propertyArrayIndex } of listOfPropertyReferences)
          element(objectIdentifier, propertyIdentifier, propertyArrayIndex);
      break;
    case 'atomic-read-file':
      element(request.parameters.fileIdentifier, PRESENT_VALUE);
      break;
    case 'subscribe-cov':
      element(request.parameters.monitoredObjectIdentifier, PRESENT_VALUE);
      break;
    case 'subscribe-cov-property':
      element(
        request.parameters.monitoredObjectIdentifier,
        request.parameters.monitoredPropertyIdentifier.propertyIdentifier,
      );
      break;
    case 'get-event-information':
    case 'get-alarm-summary':
    case 'get-enrollment-summary':
      add({ target: handle, asks: 'alarm.view' });
      break;
    default:
      return { kind: 'read' };
  }
  return { kind: 'read', reads: [...reads.values()] };
}
