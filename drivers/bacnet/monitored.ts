// Plant ─► who may see it: whose alarm it is. An event enrolment (12.12) alarms about another object: who may not see alarms of
// that one sees none of the enrolment. 1. What it monitors the device tells, and is read before its alarm is judged. 2. Where it
// cannot be told, the enrolment's own point, or the device, decides alone: no alarm is silenced by a question without an answer.

import type { Timers } from '../../src/contract/clock.ts';
import type { Caller } from '../../src/contract/gate.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { BacnetIndex } from './address.ts';
import type { Lists } from './lists.ts';
import { handleOfDevice, ownersOfObject, pointsOf } from './owners.ts';
import { type AccessServices, ReadAccess } from './read-access.ts';
import { type Reference, referencesIn } from './references.ts';
import type { PlantDevice } from './seam.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import { MAX_INSTANCE, type ObjectIdentifier } from './wire/primitive-content.ts';

const REFERENCE = P['object-property-reference'];
/** Enrolments that are looked up for one answer. */
const MOST_ASKED = 64;
/** How long an alarm waits for what it is about. */
const LONGEST_MS = 2000;

/** It alarms about another object. */
export function isMonitoring({ type }: ObjectIdentifier): boolean {
  return type === OBJECT_TYPES['event-enrollment'];
}

/** Reads what these objects monitor; `undefined` where nothing has to be read. Settles in any case, and soon. */
export function learnMonitored(
  { lists, timers }: { readonly lists: Lists; readonly timers: Timers },
  device: PlantDevice,
  objects: readonly ObjectIdentifier[],
): Promise<void> | undefined {
  const unknown = objects.filter((object) => isMonitoring(object) && lists.known({ device, object }) === undefined);
  if (unknown.length === 0) return undefined;
  return new Promise((resolve) => {
    const late = timers.after(LONGEST_MS, resolve);
    const asked = unknown
      .slice(0, MOST_ASKED)
      .map((object) => lists.learn({ device, object, properties: [REFERENCE] }));
    void Promise.allSettled(asked).then(() => {
      late.cancel();
      resolve();
    });
  });
}

/** Whether alarms of the object, and of what it monitors, may be seen. */
export function seesAlarm(
  judging: AccessServices,
  caller: Caller,
  device: PlantDevice,
  object: ObjectIdentifier,
): boolean {
  if (!new ReadAccess(judging, caller).seesAlarms(device, object)) return false;
  if (!isMonitoring(object)) return true;
  const reader = judging.gate.reader(caller, 'alarm.view');
  return monitoredBy(judging, device, object).every((handle) => reader.permits(handle));
}

/** Of whom one must see alarms besides the object's own: each a point or a device. Empty: of nobody, or it is not known. */
export function monitoredBy(
  { lists, index }: Pick<AccessServices, 'lists' | 'index'>,
  device: PlantDevice,
  object: ObjectIdentifier,
): readonly TargetHandle[] {
  const value = isMonitoring(object) ? lists.known({ device, object })?.get(REFERENCE) : undefined;
  const references = (value && referencesIn(REFERENCE, value)) ?? [];
  return references.flatMap((reference) => handlesOf(index(), device, reference));
}

function handlesOf(index: BacnetIndex | undefined, holder: PlantDevice, { object, device }: Reference): TargetHandle[] {
  if (object.instance === MAX_INSTANCE) return [];
  const own = handleOfDevice(index, holder);
  const isOwn = device === undefined || device === holder.instance || device === MAX_INSTANCE;
  // By instance alone a device cannot be told from its namesakes on other networks: all of them.
  const here = device === undefined ? undefined : index?.deviceAt(holder.network, device);
  const namesakes = here ? [here] : (index?.devices ?? []).filter(({ instance }) => instance === device);
  const devices = isOwn || namesakes.length === 0 ? [own] : namesakes.map(({ handle }) => handle);
  return devices.flatMap((handle) => {
    const owners = isOwn || namesakes.length > 0 ? ownersOfObject(object, pointsOf(index, handle, object)) : [];
    return owners.length === 0 ? [handle] : owners.map((point) => point.handle);
  });
}
