// device ─► who it is: reads of the Device object at one MAC. An I-Am says who somebody claims to be; the MAC's own answer counts.

import { type Capabilities, type KnownDevice, SEGMENTATIONS } from './device.ts';
import type { PlantAnswer } from './seam.ts';
import type { AnyValue } from './wire/any-value.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS } from './wire/names/property-identifier.ts';
import { primitiveOf } from './wire/primitive-value.ts';

/** `silent`: no answer came, which says nothing. `other`: it answered, but not as the one it was asked to be. */
type Identity = { readonly kind: 'confirmed'; readonly can: Capabilities } | { readonly kind: 'other' | 'silent' };

type PropertyName = 'object-identifier' | 'max-apdu-length-accepted' | 'segmentation-supported' | 'vendor-identifier';

/** Whether the station at this device's MAC is this instance, and what it can do. Takes the device's lane only for a turn of reading. */
export async function identify(device: KnownDevice, instance: number, said: Capabilities): Promise<Identity> {
  const own = await read(device, instance, 'object-identifier');
  if (own === undefined) return { kind: 'silent' };
  const identifier = own.value === undefined ? undefined : primitiveOf(own.value);
  if (identifier?.type !== 'object-identifier') return { kind: 'other' };
  const { value } = identifier;
  if (value.type !== OBJECT_TYPES.device || value.instance !== instance) return { kind: 'other' };
  const length = await numberOf(device, instance, 'max-apdu-length-accepted');
  const segmentation = await numberOf(device, instance, 'segmentation-supported');
  const vendor = await numberOf(device, instance, 'vendor-identifier');
  return {
    kind: 'confirmed',
    can: {
      maxApduLength: length === undefined ? said.maxApduLength : Math.max(50, length),
      segmentation: (segmentation === undefined ? undefined : SEGMENTATIONS[segmentation]) ?? said.segmentation,
      vendorId: vendor ?? said.vendorId,
    },
  };
}

async function numberOf(device: KnownDevice, instance: number, property: PropertyName): Promise<number | undefined> {
  const answer = await read(device, instance, property);
  const value = answer?.value === undefined ? undefined : primitiveOf(answer.value);
  return value?.type === 'unsigned' || value?.type === 'enumerated' ? Number(value.value) : undefined;
}

/** `undefined`: no answer. Without a value: it refused. */
function read(
  device: KnownDevice,
  instance: number,
  property: PropertyName,
): Promise<{ readonly value?: AnyValue } | undefined> {
  return new Promise((resolve) => {
    const run = async (): Promise<void> => {
      try {
        const answer = await device.asking.request(
          {
            service: 'read-property',
            parameters: {
              objectIdentifier: { type: OBJECT_TYPES.device, instance },
              propertyIdentifier: PROPERTY_IDENTIFIERS[property],
            },
          },
          true,
        );
        resolve(answered(answer));
      } finally {
        // After an answer this does nothing; a fault says as much as silence.
        resolve(undefined);
      }
    };
    if (!device.lane.read(run)) resolve(undefined);
  });
}

function answered(answer: PlantAnswer): { readonly value?: AnyValue } | undefined {
  if (answer.kind === 'no-answer' || answer.kind === 'unreachable') return undefined;
  if (answer.kind !== 'complex-ack' || answer.ack.service !== 'read-property') return {};
  return { value: answer.ack.parameters.propertyValue };
}
