// Unconfirmed request ─classify─► Change or Refused (PROTOCOLS.md, the service table). 1. A broadcast is a change of every device
// it reaches, and one of them that the inventory does not hold denies it. 2. What a group write moves is told by the device's own
// channels, or it is refused.

import type { ActionName } from '../../src/model/action.ts';
import { type Classification, operationOf } from './classify.ts';
import { EffectList, type Write } from './effects.ts';
import type { ListNeed } from './lists.ts';
import { MoveList } from './move-list.ts';
import { listsOf } from './moves.ts';
import { handleOfDevice, PRESENT_VALUE } from './owners.ts';
import type { PlantDevice } from './seam.ts';
import type { Site } from './site.ts';
import { type AnyValue, elementsOf } from './wire/any-value.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import { primitiveOfElement } from './wire/primitive-value.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

type WriteGroup = Extract<UnconfirmedRequest, { service: 'write-group' }>;

function unsupported(detail: string): Classification {
  return { kind: 'refused', reason: 'unsupported', detail };
}

/** What it would do to one device, or to everything on plant networks. `known`: the stations heard of there. */
export function classifyUnconfirmed(
  request: UnconfirmedRequest,
  to: PlantDevice | readonly string[],
  site: Site,
  known: Iterable<PlantDevice>,
): Classification {
  switch (request.service) {
    case 'time-synchronization':
    case 'utc-time-synchronization':
      return asked(request, to, site, reached(to, site, known), 'device.control');
    case 'unconfirmed-private-transfer': {
      const { vendorId, serviceNumber } = request.parameters;
      const asks = site.permits(vendorId, serviceNumber);
      return asks === undefined
        ? unsupported(`private service \`${serviceNumber}\` of vendor \`${vendorId}\` is not named by the site`)
        : asked(request, to, site, reached(to, site, known), asks);
    }
    case 'write-group':
      return 'mac' in to
        ? groupWritten(request, to, site)
        : unsupported('what a broadcast group write moves cannot be told');
    default:
      return unsupported(`${request.service} is not among the services that are passed on`);
  }
}

/** What a peer that is never gated says and the table refuses: it goes on all the same, and the record says what it was. */
export function ungatedUnconfirmed(
  request: UnconfirmedRequest,
  to: PlantDevice | readonly string[],
  site: Site,
  known: Iterable<PlantDevice>,
): Classification {
  return asked(request, to, site, reached(to, site, known), 'engineering.modify');
}

function reached(
  to: PlantDevice | readonly string[],
  { index }: Site,
  known: Iterable<PlantDevice>,
): ReadonlySet<ReturnType<typeof handleOfDevice>> {
  if ('mac' in to) return new Set([handleOfDevice(index, to)]);
  const handles = new Set(
    (index?.devices ?? []).filter(({ network }) => to.includes(network)).map(({ handle }) => handle),
  );
  for (const device of known) if (to.includes(device.network)) handles.add(handleOfDevice(index, device));
  return handles;
}

function asked(
  request: UnconfirmedRequest,
  to: PlantDevice | readonly string[],
  site: Site,
  handles: Iterable<ReturnType<typeof handleOfDevice>>,
  asks: ActionName,
): Classification {
  const effects = new EffectList(site.index);
  for (const handle of handles) effects.ask(handle, asks);
  return changeOf(request, to, effects, [], false);
}

function changeOf(
  request: UnconfirmedRequest,
  to: PlantDevice | readonly string[],
  { effects }: EffectList,
  needed: readonly ListNeed[],
  fansOut: boolean,
): Classification {
  if (effects === undefined) return unsupported(`${request.service} reaches nothing`);
  const change = { what: { kind: 'unconfirmed', to, request } as const, operation: operationOf(request), effects };
  return { kind: 'change', change, needed, fansOut };
}

function groupWritten(request: WriteGroup, to: PlantDevice, site: Site): Classification {
  const device = handleOfDevice(site.index, to);
  const effects = new EffectList(site.index);
  const { groupNumber, writePriority, changeList } = request.parameters;
  if (to.instance === undefined) return unsupported('the device is not verified');
  const itself: ObjectIdentifier = { type: OBJECT_TYPES.device, instance: to.instance };
  const needed: ListNeed[] = [];
  const moves = new MoveList(site, effects);
  const objects = site.lists(to, itself)?.get(OBJECT_LIST);
  if (objects === undefined) needed.push({ device: to, object: itself, properties: [OBJECT_LIST] });
  for (const object of objects === undefined ? [] : channelsIn(objects)) {
    const known = site.lists(to, object);
    if (known === undefined) {
      needed.push({ device: to, object, properties: listsOf(object.type) });
      continue;
    }
    const numbers = numbersIn(known.get(P['channel-number']));
    if (!numbersIn(known.get(P['control-groups'])).includes(groupNumber)) continue;
    const writes = changeList
      .filter(({ channel }) => numbers.includes(channel))
      .map(
        ({ overridingPriority: priority = writePriority, value }): Write => ({
          object,
          property: PRESENT_VALUE,
          value,
          priority,
        }),
      );
    for (const write of writes) effects.write(device, write);
    const untold = moves.follow(to, writes);
    if (untold !== undefined) return unsupported(untold);
  }
  needed.push(...moves.needed);
  // Who may not even view the device does not have its channels looked at.
  if (needed.length > 0) effects.ask(device, 'device.view');
  return changeOf(request, to, effects, needed, true);
}

const OBJECT_LIST = P['object-list'];

function channelsIn(objects: AnyValue): readonly ObjectIdentifier[] {
  return elementsOf(objects).flatMap((element) => {
    const primitive = primitiveOfElement(element);
    const isChannel = primitive?.type === 'object-identifier' && primitive.value.type === OBJECT_TYPES.channel;
    return isChannel ? [primitive.value] : [];
  });
}

function numbersIn(value: AnyValue | undefined): readonly number[] {
  return (value === undefined ? [] : elementsOf(value)).flatMap((element) => {
    const primitive = primitiveOfElement(element);
    return primitive?.type === 'unsigned' && typeof primitive.value === 'number' ? [primitive.value] : [];
  });
}
