// Requests as values, the demo plant's inventory, and effects as text: what classifying is compared by.

import { type BacnetIndex, compileAddresses } from '../../../drivers/bacnet/address.ts';
import { type Classification, classify } from '../../../drivers/bacnet/classify.ts';
import type { KnownLists } from '../../../drivers/bacnet/moves.ts';
import type { PlantDevice } from '../../../drivers/bacnet/seam.ts';
import type { Site } from '../../../drivers/bacnet/site.ts';
import { type AnyValue, anyValue } from '../../../drivers/bacnet/wire/any-value.ts';
import { type ConfirmedRequest, decodeConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import {
  PROPERTY_IDENTIFIERS,
  type PropertyIdentifierName,
} from '../../../drivers/bacnet/wire/names/property-identifier.ts';
import { decodeUnconfirmedRequest, type UnconfirmedRequest } from '../../../drivers/bacnet/wire/unconfirmed-service.ts';
import { decodeWhole } from '../../../drivers/bacnet/wire/whole.ts';
import { type Element, encodeElements } from '../../../simulators/bacnet/elements.ts';
import { type ObjectText, objectRef } from '../../../simulators/bacnet/names.ts';
import type { ServiceRequest } from '../../../simulators/bacnet/requests.ts';
import { ctx } from '../../../simulators/bacnet/values.ts';
import { snapshot } from '../../gate/stage.ts';
import { type BundleChanges, rigBundle } from './road-rig.ts';

export function station(instance: number | undefined, network = 'plant'): PlantDevice {
  return {
    network,
    networkNumber: network === 'plant' ? 200 : 300,
    mac: `7f00${String(instance ?? 0).padStart(4, '0')}bac0`,
    instance,
    maxApduLength: 1476,
    segmentation: 'both',
    vendorId: 999,
  };
}

export const AHU = station(1001);
export const VAV = station(1002);

export async function indexOf(changes?: BundleChanges): Promise<BacnetIndex> {
  const index = await compileAddresses(snapshot(rigBundle(changes)).inventory, async () => undefined);
  if (!index.ok) throw new Error(JSON.stringify(index.fault));
  return index.value.index;
}

export function request({ service, payload }: ServiceRequest): ConfirmedRequest {
  const decoded = decodeConfirmedRequest(service, payload);
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

export function told({ service, payload }: ServiceRequest): UnconfirmedRequest {
  const decoded = decodeUnconfirmedRequest(service, payload);
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

export function value(...elements: readonly Element[]): AnyValue {
  const decoded = decodeWhole(anyValue, encodeElements(elements));
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

/** Lists by `network-less` object text, as if they had been read. */
export type Lists = { readonly [object: string]: { readonly [Name in PropertyIdentifierName]?: readonly Element[] } };

export function siteWith(index: BacnetIndex | undefined, lists: Lists = {}, more: Partial<Site> = {}): Site {
  return {
    index,
    find: (network, instance) => [AHU, VAV].find((one) => one.network === network && one.instance === instance),
    permits: () => undefined,
    lists: (device, { type, instance }): KnownLists | undefined => {
      const found = Object.entries(lists).find(([text]) => {
        const [object, at = '1001'] = text.split('@') as [ObjectText, string | undefined];
        const ref = objectRef(object);
        return ref.type === type && ref.instance === instance && Number(at) === device.instance;
      });
      if (found === undefined) return undefined;
      return new Map(
        Object.entries(found[1]).map(([name, elements]) => [
          PROPERTY_IDENTIFIERS[name as PropertyIdentifierName],
          value(...(elements ?? [])),
        ]),
      );
    },
    inFirmwareTransfer: () => false,
    mayHoldImage: () => false,
    ...more,
  };
}

/** `ahu2/sat-sp write 21 @8`, in order; `?` where the value is not known; the kind and detail where it is no change. */
export function effectsOf(what: Classification, index: BacnetIndex | undefined): readonly string[] {
  if (what.kind !== 'change') return ['detail' in what ? `${what.kind}: ${what.detail}` : what.kind];
  const lines = what.change.effects.map(({ target, asks, value: given, priority }) => {
    const id = index !== undefined && target >= 0 ? index.inventory.idOf(target) : 'nowhere';
    return `${id} ${asks}${given === undefined ? '' : ` ${given}`}${priority === undefined ? '' : ` @${priority}`}`;
  });
  const needs = what.needed.map(({ object }) => `needs ${object.type},${object.instance}`);
  return [...lines, ...needs];
}

export function effects(asked: ServiceRequest, site: Site, to: PlantDevice = AHU): readonly string[] {
  return effectsOf(classify(request(asked), to, site), site.index);
}

/** BACnetDeviceObjectPropertyReference. */
export function reference(object: ObjectText, device?: number, property = 85): readonly Element[] {
  return [
    ctx.object(0, objectRef(object)),
    ctx.unsigned(1, property),
    ...(device === undefined ? [] : [ctx.object(3, { type: 8, instance: device })]),
  ];
}
