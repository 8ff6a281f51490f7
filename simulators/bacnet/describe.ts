// A datagram in one line and sorted by what it could do. Reading here is tolerant and total: a record never refuses an entry.

import type { FrameKind } from '../arrival-record.ts';
import { type Apdu, decodeApdu } from './apci.ts';
import { type Element, parseElements } from './elements.ts';
import { BVLC, decodeBvlc, decodeNpdu, type Route } from './framing.ts';
import { confirmedName, objectName, propertyName, unconfirmedName } from './names.ts';
import { decoded, shown, TAG } from './values.ts';

interface Description {
  readonly kind: FrameKind;
  readonly service?: string;
  readonly invokeId?: number;
  readonly targets: readonly string[];
  readonly summary: string;
}

const READS = new Set([
  'get-alarm-summary',
  'get-enrollment-summary',
  'subscribe-cov',
  'atomic-read-file',
  'read-property',
  'read-property-multiple',
  'read-range',
  'subscribe-cov-property',
  'get-event-information',
  'who-is',
  'who-has',
]);
/** What tells without asking for anything to be done. */
const TELLINGS = new Set([
  'i-am',
  'i-have',
  'confirmed-cov-notification',
  'confirmed-event-notification',
  'unconfirmed-cov-notification',
  'unconfirmed-event-notification',
]);
const BVLC_NAMES = new Map<number, string>(Object.entries(BVLC).map(([name, code]) => [code, name]));

export function describeDatagram(bytes: Buffer): Description {
  const bvlc = decodeBvlc(bytes);
  if (bvlc === undefined) return other(`${bytes.length} bytes that are no frame`);
  const carried =
    bvlc.function === BVLC.unicast || bvlc.function === BVLC.broadcast || bvlc.function === BVLC.forwarded;
  if (!carried) return other(`bvlc ${BVLC_NAMES.get(bvlc.function) ?? bvlc.function}`);
  const npdu = decodeNpdu(bvlc.payload);
  if (npdu === undefined) return other('no network layer');
  const how =
    (bvlc.function === BVLC.unicast ? '' : ` (${BVLC_NAMES.get(bvlc.function)})`) +
    (npdu.source === undefined ? '' : ` from station ${routeText(npdu.source)}`) +
    (npdu.destination === undefined ? '' : ` to ${routeText(npdu.destination)}`);
  if (npdu.message !== undefined) return other(`network message ${npdu.message}${how}`);
  const apdu = decodeApdu(npdu.payload);
  if (apdu === undefined) return other(`no application layer${how}`);
  const described = describeApdu(apdu);
  return { ...described, summary: `${described.summary}${how}` };
}

function other(summary: string): Description {
  return { kind: 'other', targets: [], summary };
}

function routeText(route: Route): string {
  return `${route.network}:${route.mac.length === 0 ? 'all' : route.mac.toString('hex')}`;
}

function describeApdu(apdu: Apdu): Description {
  switch (apdu.kind) {
    case 'confirmed-request': {
      const name = confirmedName(apdu.service) ?? `confirmed service ${apdu.service}`;
      const described = describeService(name, apdu.segment === undefined ? apdu.payload : undefined);
      const part = apdu.segment === undefined ? '' : ` segment ${apdu.segment.sequence}`;
      return { ...described, invokeId: apdu.invokeId, summary: `${described.summary}${part}` };
    }
    case 'unconfirmed-request':
      return describeService(unconfirmedName(apdu.service) ?? `unconfirmed service ${apdu.service}`, apdu.payload);
    default:
      return { ...other(`${apdu.kind} ${apdu.invokeId}`), invokeId: apdu.invokeId };
  }
}

/** What a service could do, by its name. */
export function kindOfService(service: string): FrameKind {
  if (READS.has(service)) return 'read';
  return TELLINGS.has(service) ? 'other' : 'write';
}

function describeService(service: string, payload: Buffer | undefined): Description {
  const kind = kindOfService(service);
  if (payload === undefined) return { kind, service, targets: [], summary: service };
  const named = readTargets(service, payload);
  return {
    kind,
    service,
    targets: named.map(({ target }) => target),
    summary: [service, ...named.map(lineOf)].join(' '),
  };
}

interface Target {
  readonly target: string;
  readonly detail?: string;
}

function lineOf({ target, detail }: Target): string {
  return detail === undefined ? target : `${target} = ${detail}`;
}

function readTargets(service: string, payload: Buffer): readonly Target[] {
  try {
    const items = parseElements(payload);
    if (service === 'read-property-multiple' || service === 'write-property-multiple') return specifications(items);
    if (service === 'write-property') return [single(items, 3, 4)];
    if (service === 'read-property' || service === 'read-range') return [single(items, 3, undefined)];
    if (service === 'add-list-element' || service === 'remove-list-element') return [single(items, 3, undefined)];
    return objects(items);
  } catch {
    return [{ target: 'undecodable' }];
  }
}

function single(items: readonly Element[], valueTag: number, priorityTag: number | undefined): Target {
  const octets = (tag: number): Buffer | undefined => {
    const found = items.find((item) => item.kind === 'context' && item.tag === tag);
    return found?.kind === 'context' ? found.octets : undefined;
  };
  const value = items.find((item) => item.kind === 'constructed' && item.tag === valueTag);
  const priority = priorityTag === undefined ? undefined : octets(priorityTag);
  const index = octets(2);
  const target =
    `${objectName(decoded.object(octets(0) ?? Buffer.alloc(4)))} ${propertyName(decoded.unsigned(octets(1) ?? Buffer.alloc(1)))}` +
    (index === undefined ? '' : `[${decoded.unsigned(index)}]`);
  if (value?.kind !== 'constructed' || priorityTag === undefined) return { target };
  return { target, detail: shown(value.items) + (priority === undefined ? '' : ` @${decoded.unsigned(priority)}`) };
}

/** The (object, list) pairs of both multiple services; in a write the value is at tag 2, in a read there is none. */
function specifications(items: readonly Element[]): readonly Target[] {
  const found: Target[] = [];
  let object = '';
  for (const item of items) {
    if (item.kind === 'context' && item.tag === 0) object = objectName(decoded.object(item.octets));
    if (item.kind !== 'constructed') continue;
    for (const [at, part] of item.items.entries()) {
      if (part.kind !== 'context' || part.tag !== 0) continue;
      const next = item.items.slice(at + 1);
      const [first] = next;
      const index = first?.kind === 'context' && first.tag === 1 ? `[${decoded.unsigned(first.octets)}]` : '';
      const value = next[index === '' ? 0 : 1];
      const target = `${object} ${propertyName(decoded.unsigned(part.octets))}${index}`;
      found.push(value?.kind === 'constructed' ? { target, detail: shown(value.items) } : { target });
    }
  }
  return found;
}

/** Services that name objects: the first identifier, whatever tag the service gives it. */
function objects(items: readonly Element[]): readonly Target[] {
  for (const item of items) {
    if (item.kind === 'application' && item.tag === TAG.object)
      return [{ target: objectName(decoded.object(item.octets)) }];
    if (item.kind === 'context' && item.octets.length === 4)
      return [{ target: objectName(decoded.object(item.octets)) }];
  }
  return [];
}
