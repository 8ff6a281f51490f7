// Request ─classify─► Observation, Change, Refused or Unknown: the one place that says what a request means for the policy
// (PROTOCOLS.md, the service table). 1. What the table does not list is refused. 2. What a change would move besides must be
// told in full, or the change is refused. 3. Without lists that are `needed`, the effects are only a part of the truth.

import type { Change } from '../../src/contract/gate.ts';
import type { ActionName } from '../../src/model/action.ts';
import type { DenialReason } from '../../src/model/decision.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import { type BacnetIndex, isFirmwareFile } from './address.ts';
import type { BacnetChange } from './bacnet-change.ts';
import { stationKey } from './callers.ts';
import { EffectList, type Write } from './effects.ts';
import type { ListNeed } from './lists.ts';
import { MoveList } from './move-list.ts';
import { handleOfDevice, isDeviceObject, PRESENT_VALUE, pointsOf } from './owners.ts';
import { isLifeSafety } from './property-action.ts';
import type { PlantDevice } from './seam.ts';
import type { Site } from './site.ts';
import { type ConfirmedRequest, encodeConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import type { UnconfirmedRequest } from './wire/unconfirmed-service.ts';

export type Classification =
  | { readonly kind: 'observation' }
  | {
      readonly kind: 'change';
      readonly change: Change<BacnetChange>;
      /** Lists that are missing: read them, then classify again. */
      readonly needed: readonly ListNeed[];
      /** It moves more than it names. */
      readonly fansOut: boolean;
    }
  | { readonly kind: 'refused'; readonly reason: DenialReason; readonly detail: string }
  | { readonly kind: 'unknown' };

const observation: Classification = { kind: 'observation' };
const unknown: Classification = { kind: 'unknown' };

function unsupported(detail: string): Classification {
  return { kind: 'refused', reason: 'unsupported', detail };
}

/** What a confirmed request to a plant device would do. */
export function classify(request: ConfirmedRequest, to: PlantDevice, site: Site): Classification {
  const device = handleOfDevice(site.index, to);
  switch (request.service) {
    case 'read-property':
    case 'read-property-multiple':
    case 'read-range':
    case 'atomic-read-file':
    case 'get-event-information':
    case 'get-alarm-summary':
    case 'get-enrollment-summary':
    case 'subscribe-cov':
    case 'subscribe-cov-property':
    case 'subscribe-cov-property-multiple':
    case 'confirmed-event-notification':
    case 'confirmed-cov-notification':
    case 'confirmed-cov-notification-multiple':
      return observation;
    case 'write-property': {
      const {
        objectIdentifier: object,
        propertyIdentifier,
        propertyArrayIndex,
        propertyValue,
        priority,
      } = request.parameters;
      const write = writeOf(object, propertyIdentifier, propertyArrayIndex, propertyValue, priority);
      return written(request, to, site, [write]);
    }
    case 'write-property-multiple':
      return written(
        request,
        to,
        site,
        request.parameters.flatMap(({ objectIdentifier: object, listOfProperties }) =>
          listOfProperties.map((property) =>
            writeOf(
              object,
              property.propertyIdentifier,
              property.propertyArrayIndex,
              property.value,
              property.priority,
            ),
          ),
        ),
      );
    case 'add-list-element':
    case 'remove-list-element': {
      const { objectIdentifier: object, propertyIdentifier, propertyArrayIndex, listOfElements } = request.parameters;
      return written(request, to, site, [
        writeOf(object, propertyIdentifier, propertyArrayIndex, listOfElements, undefined),
      ]);
    }
    case 'create-object': {
      const { objectSpecifier, listOfInitialValues = [] } = request.parameters;
      const object =
        objectSpecifier.choice === 'object-identifier'
          ? objectSpecifier.value
          : { type: objectSpecifier.value, instance: UNNAMED_INSTANCE };
      const writes = listOfInitialValues.map((value) =>
        writeOf(object, value.propertyIdentifier, value.propertyArrayIndex, value.value, value.priority),
      );
      return written(request, to, site, writes, (effects) => effects.ask(device, 'engineering.modify'));
    }
    case 'delete-object': {
      const effects = new EffectList(site.index);
      effects.ask(device, 'engineering.modify');
      effects.askObject(device, request.parameters.objectIdentifier, 'engineering.modify');
      return changeOf(request, to, effects);
    }
    case 'atomic-write-file':
      return fileWritten(request, to, site, device);
    case 'reinitialize-device':
      return reinitialized(request, to, site, device);
    case 'device-communication-control':
      return asked(request, to, site, device, 'device.control');
    case 'life-safety-operation': {
      const effects = new EffectList(site.index);
      const { objectIdentifier: object } = request.parameters;
      if (object !== undefined) effects.askObject(device, object, 'lifeSafety.operate');
      else for (const handle of lifeSafetyOf(site.index, device)) effects.ask(handle, 'lifeSafety.operate');
      return changeOf(request, to, effects);
    }
    case 'acknowledge-alarm': {
      const effects = new EffectList(site.index);
      effects.askObject(device, request.parameters.eventObjectIdentifier, 'alarm.acknowledge');
      return changeOf(request, to, effects);
    }
    case 'confirmed-private-transfer': {
      const { vendorId, serviceNumber } = request.parameters;
      const asks = site.permits(vendorId, serviceNumber);
      return asks === undefined
        ? unsupported(`private service \`${serviceNumber}\` of vendor \`${vendorId}\` is not named by the site`)
        : asked(request, to, site, device, asks);
    }
    case 'confirmed-text-message':
    case 'vt-open':
    case 'vt-close':
    case 'vt-data':
    case 'confirmed-audit-notification':
    case 'audit-log-query':
    case 'auth-request':
      return unsupported(`${request.service} is not among the services that are passed on`);
    case 'unknown':
      return unknown;
  }
}

/** What a peer that is never gated asks and the table refuses: it goes on all the same, and the record says what it was. */
export function ungated(request: ConfirmedRequest, to: PlantDevice, { index }: Site): Classification {
  const effects = new EffectList(index);
  effects.ask(handleOfDevice(index, to), 'engineering.modify');
  return changeOf(request, to, effects);
}

/** Objects that a device is to number itself. */
const UNNAMED_INSTANCE = 4_194_303;

function writeOf(
  object: ObjectIdentifier,
  property: number,
  index: number | undefined,
  value: Write['value'],
  priority: number | undefined,
): Write {
  return {
    object,
    property,
    ...(index !== undefined && { index }),
    ...(value !== undefined && { value }),
    ...(priority !== undefined && { priority }),
  };
}

function written(
  request: ConfirmedRequest,
  to: PlantDevice,
  site: Site,
  writes: readonly Write[],
  also?: (effects: EffectList) => void,
): Classification {
  const device = handleOfDevice(site.index, to);
  const effects = new EffectList(site.index);
  also?.(effects);
  let firmware = false;
  for (const write of writes) {
    effects.write(device, write);
    // Whatever is written to a firmware file, its size or its name, is done to the firmware.
    for (const handle of firmwareOf(site.index, device, write.object)) {
      effects.ask(handle, 'firmware.update');
      firmware = true;
    }
  }
  const moves = new MoveList(site, effects);
  const untold = moves.follow(to, writes);
  if (untold !== undefined) return unsupported(untold);
  const change = changeOf(request, to, effects, {
    ...(firmware && { rawImage: true as const, transfer: { device, ends: false } }),
  });
  if (change.kind !== 'change') return change;
  const isPlain = !moves.fansOut && !firmware && writes.every(({ property }) => property === PRESENT_VALUE);
  return {
    ...change,
    needed: moves.needed,
    fansOut: moves.fansOut,
    ...(isPlain && { change: { ...change.change, sameness: samenessOf(request, to) } }),
  };
}

const MOST_OCTETS_RECORDED = 256;

/** The standard's word; of what nobody here understands the record has vendor, service and octets in hex as well. */
export function operationOf(request: ConfirmedRequest | UnconfirmedRequest): string {
  switch (request.service) {
    case 'confirmed-private-transfer':
    case 'unconfirmed-private-transfer': {
      const { vendorId, serviceNumber, serviceParameters } = request.parameters;
      const octets = Buffer.from(serviceParameters?.octets ?? []);
      const rest = octets.length > MOST_OCTETS_RECORDED ? `… of ${octets.length} octets` : '';
      const text = octets.toString('hex', 0, MOST_OCTETS_RECORDED);
      return `${request.service} ${vendorId}/${serviceNumber} ${text}${rest}`.trimEnd();
    }
    default:
      return request.service;
  }
}

/** The same octets to the same device put the same values into the same slots. */
function samenessOf(request: ConfirmedRequest, device: PlantDevice): string {
  const { serviceChoice, service } = encodeConfirmedRequest(request);
  return `${stationKey(device)} ${device.instance} ${serviceChoice} ${Buffer.from(service).toString('hex')}`;
}

function changeOf(
  request: ConfirmedRequest,
  to: PlantDevice,
  effects: EffectList,
  marks: Pick<Change<BacnetChange>, 'rawImage' | 'transfer'> = {},
): Classification {
  const list = effects.effects;
  if (list === undefined) return unsupported(`${request.service} without a target`);
  const what = { kind: 'confirmed', to, requests: [request], slots: effects.slots } as const;
  return {
    kind: 'change',
    change: { what, operation: operationOf(request), effects: list, ...marks },
    needed: [],
    fansOut: false,
  };
}

function asked(
  request: ConfirmedRequest,
  to: PlantDevice,
  site: Site,
  device: TargetHandle,
  asks: ActionName,
): Classification {
  const effects = new EffectList(site.index);
  effects.ask(device, asks);
  const isImage = asks === 'firmware.update';
  return changeOf(request, to, effects, {
    ...(isImage && { rawImage: true as const, transfer: { device, ends: false } }),
  });
}

/** The points of a firmware file, or the device where its address alone names the file. Empty: it is none. */
function firmwareOf(index: BacnetIndex | undefined, device: TargetHandle, object: ObjectIdentifier): TargetHandle[] {
  const points = pointsOf(index, device, object)
    .map(({ handle }) => handle)
    .filter((handle) => index?.inventory.point(handle)?.class === 'firmware');
  const { type: objectType, instance } = object;
  if (points.length > 0 || !isFirmwareFile(index?.device(device), { objectType, instance })) return points;
  return [device];
}

function fileWritten(
  request: Extract<ConfirmedRequest, { service: 'atomic-write-file' }>,
  to: PlantDevice,
  site: Site,
  device: TargetHandle,
): Classification {
  const { fileIdentifier } = request.parameters;
  const effects = new EffectList(site.index);
  const files = pointsOf(site.index, device, fileIdentifier);
  const isFirmware = firmwareOf(site.index, device, fileIdentifier).length > 0;
  const asks = isFirmware ? 'firmware.update' : 'device.configure';
  effects.ask(device, asks);
  for (const { handle } of files) effects.ask(handle, asks);
  // What an unlisted file is for nobody here knows.
  if (files.length === 0 && !isFirmware) effects.ask(device, 'engineering.modify');
  return changeOf(request, to, effects, {
    transfer: { device, ends: false },
    ...(isFirmware && { rawImage: true as const }),
  });
}

/** Cold start, warm start, activate changes: what puts new firmware into use (16.4). */
const ACTIVATING: readonly number[] = [0, 1, 7];
const START_RESTORE = 4;
const END_RESTORE: readonly number[] = [5, 6];

function reinitialized(
  request: Extract<ConfirmedRequest, { service: 'reinitialize-device' }>,
  to: PlantDevice,
  site: Site,
  device: TargetHandle,
): Classification {
  const state = request.parameters.reinitializedStateOfDevice;
  const effects = new EffectList(site.index);
  if (site.inFirmwareTransfer(device) && ACTIVATING.includes(state)) {
    effects.ask(device, 'firmware.update');
    return changeOf(request, to, effects, { rawImage: true, transfer: { device, ends: true } });
  }
  effects.ask(device, 'device.control');
  // What somebody left there unverified would run from now on.
  if (ACTIVATING.includes(state) && site.mayHoldImage(device)) effects.ask(device, 'firmware.update');
  if (state === START_RESTORE) return changeOf(request, to, effects, { transfer: { device, ends: false } });
  return changeOf(request, to, effects, {
    ...(END_RESTORE.includes(state) && { transfer: { device, ends: true } }),
  });
}

/** The device and every life-safety point of it: objects without a point belong to the device. */
function lifeSafetyOf(index: BacnetIndex | undefined, device: TargetHandle): TargetHandle[] {
  const points = index?.device(device)?.points ?? [];
  return [device, ...points.filter((handle) => isLifeSafety(index?.place(handle)?.objectType))];
}

/** What puts an image into use that stands in the device. */
export function isActivating(request: ConfirmedRequest): boolean {
  return (
    request.service === 'reinitialize-device' && ACTIVATING.includes(request.parameters.reinitializedStateOfDevice)
  );
}

/** Changes that may have renumbered the device or put it out of its mind: its identity is read again. */
export function touchesIdentity(request: ConfirmedRequest): boolean {
  switch (request.service) {
    case 'reinitialize-device':
      return true;
    case 'write-property':
      return isDeviceObject(request.parameters.objectIdentifier);
    case 'write-property-multiple':
      return request.parameters.some(({ objectIdentifier }) => isDeviceObject(objectIdentifier));
    default:
      return false;
  }
}

/** Objects that a change writes to, whose lists must be read again. */
export function objectsWritten(request: ConfirmedRequest): readonly ObjectIdentifier[] {
  switch (request.service) {
    case 'write-property':
    case 'add-list-element':
    case 'remove-list-element':
    case 'delete-object':
      return [request.parameters.objectIdentifier];
    case 'write-property-multiple':
      return request.parameters.map(({ objectIdentifier }) => objectIdentifier);
    default:
      return [];
  }
}
