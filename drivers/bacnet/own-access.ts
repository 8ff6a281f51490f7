// The gateway itself ─► devices: values for the page and for jobs, and planned writes. A planned write is a change like any other:
// the same effects, the same lane turn, the same record. 1. Every fault of every write is named. 2. Nothing is sent without a permit.

import type { Performed, PointWrite, Reading, Watch } from '../../src/contract/driver.ts';
import type { Caller, Change, Effect, Permit } from '../../src/contract/gate.ts';
import type { Holds } from '../../src/contract/holds.ts';
import { type DocumentFault, describeFound } from '../../src/model/fault.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { PointValue } from '../../src/model/point.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../../src/model/result.ts';
import type { BacnetChange, Slot } from './bacnet-change.ts';
import { carryOut, plantDeviceOf } from './carry-out.ts';
import { classify } from './classify.ts';
import type { Subscriptions } from './cov.ts';
import { inTurn } from './lane-turn.ts';
import { PRESENT_VALUE } from './owners.ts';
import { pointValueOf, writtenValue } from './point-value.ts';
import { askerOf, readPriorityArray, readSlots } from './read-slots.ts';
import type { Changes } from './road-changes.ts';
import type { RoadParts } from './road-services.ts';
import type { PlantDevice } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';

type WriteProperty = Extract<ConfirmedRequest, { service: 'write-property' }>;

const LOWEST_PRIORITY = 16;
const NOBODY: Caller = {
  principal: null,
  channel: 'local',
  proof: { kind: 'gateway', why: 'plans a write' },
  from: 'gateway',
  peer: 'gateway',
};

export class OwnAccess {
  readonly #parts: RoadParts;
  readonly #changes: Changes;
  readonly #subscriptions: Subscriptions;

  constructor(parts: RoadParts, changes: Changes, subscriptions: Subscriptions) {
    this.#parts = parts;
    this.#changes = changes;
    this.#subscriptions = subscriptions;
  }

  async read(targets: readonly TargetHandle[]): Promise<readonly Reading[]> {
    const { plant, clock } = this.#parts;
    const index = this.#parts.index();
    const found = new Map<TargetHandle, Reading>();
    const byDevice = new Map<TargetHandle, Slot[]>();
    for (const target of targets) {
      const slot = this.#slotOf(target, undefined);
      if (slot === undefined) found.set(target, { target, ok: false, why: 'no point with a BACnet address' });
      else byDevice.set(slot.device, [...(byDevice.get(slot.device) ?? []), slot]);
    }
    await Promise.all(
      [...byDevice].map(async ([handle, slots]) => {
        const device = plantDeviceOf(plant, index, handle);
        const values = device && (await this.#inReadTurn(device, () => readSlots(askerOf(plant, device), slots)));
        const at = clock.now();
        for (const { target } of slots) {
          const value = values?.get(target) ?? { unknown: device ? 'the device is busy' : 'the device is not there' };
          found.set(
            target,
            'value' in value ? { target, ok: true, value: value.value, at } : { target, ok: false, why: value.unknown },
          );
        }
      }),
    );
    return targets.flatMap((target) => found.get(target) ?? []);
  }

  /** The command slots of a point from priority 1 to 16. */
  async slots(target: TargetHandle): Promise<readonly PointValue[] | undefined> {
    const { plant } = this.#parts;
    const slot = this.#slotOf(target, undefined);
    const device = slot && plantDeviceOf(plant, this.#parts.index(), slot.device);
    if (slot === undefined || device === undefined || slot.property !== PRESENT_VALUE) return undefined;
    const read = async () => ({ slots: await readPriorityArray(askerOf(plant, device), slot.object) });
    return (await this.#inReadTurn(device, read))?.slots;
  }

  /** By a subscription of the gateway's to the object, where the point is its present value. */
  async watch(target: TargetHandle, heard: (reading: Reading) => void, ended: () => void): Promise<Watch | undefined> {
    const { plant, clock } = this.#parts;
    const index = this.#parts.index();
    const slot = this.#slotOf(target, undefined);
    const device = slot && plantDeviceOf(plant, index, slot.device);
    if (slot === undefined || device === undefined || slot.property !== PRESENT_VALUE) return undefined;
    if (slot.index !== undefined) return undefined;
    const stop = await this.#subscriptions.watch(device, slot.object, {
      heard({ parameters }) {
        if (!('listOfValues' in parameters)) return;
        const told = parameters.listOfValues.find(({ propertyIdentifier }) => propertyIdentifier === PRESENT_VALUE);
        const value = told && pointValueOf(told.value);
        if (value !== undefined) heard({ target, ok: true, value, at: clock.now() });
      },
      ended,
    });
    if (this.#parts.index() === index) return stop;
    stop?.();
    return undefined;
  }

  plan(writes: NonEmpty<PointWrite>): Result<Change<BacnetChange>, NonEmpty<DocumentFault>> {
    const { plant } = this.#parts;
    const faults: DocumentFault[] = [];
    const requests: WriteProperty[] = [];
    let device: TargetHandle | undefined;
    for (const [at, write] of writes.entries()) {
      const slot = this.#slotOf(write.target, write.priority);
      if (slot === undefined) {
        faults.push({ path: `${at}.target`, found: `\`${write.target}\``, expected: 'a point with a BACnet address' });
        continue;
      }
      device ??= slot.device;
      if (slot.device !== device)
        faults.push({ path: `${at}.target`, found: 'a point of another device', expected: 'points of one device' });
      const request = requestFor(slot, write);
      if ('found' in request) faults.push({ ...request, path: `${at}.${request.path}` });
      else requests.push(request);
    }
    const to = device && plantDeviceOf(plant, this.#parts.index(), device);
    if (device !== undefined && to === undefined)
      faults.push({ path: '', found: 'no station with its instance', expected: 'the device to be on its network' });
    if (isNonEmpty(faults)) return fail(faults);
    return to === undefined || !isNonEmpty(requests)
      ? fail([{ path: '', found: 'nothing', expected: 'at least one write' }])
      : this.#changeOf(to, requests);
  }

  async perform(unknown: Permit<unknown>, holds?: Holds): Promise<Performed> {
    // A permit of this driver was issued for a change of its own `plan`.
    const permit = unknown as Permit<BacnetChange>;
    const { gate, plant } = this.#parts;
    const index = this.#parts.index();
    const [first] = permit.involves;
    const device = plantDeviceOf(plant, index, index?.inventory.point(first)?.device ?? first);
    const notSent = (why: string): Performed => {
      gate.abandon(permit, why);
      return { outcome: { kind: 'not-sent', why } };
    };
    if (index === undefined || device === undefined) return notSent('the device is not there');
    const { instance } = device;
    const slots = permit.effects.flatMap(({ target, priority }) => this.#slotOf(target, priority) ?? []);
    const changedMeanwhile = (): string | undefined =>
      this.#parts.index()?.inventory === index.inventory ? undefined : 'the inventory changed';
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          const parts = { gate, plant, index, to: device, instance, changedMeanwhile, readsBack: true, holds };
          const carried = carryOut(parts, permit, slots, () => undefined);
          resolve(await carried);
        } catch (fault) {
          reject(fault);
        } finally {
          this.#changes.wroteOf(device);
        }
      };
      const busy = (): void => resolve(notSent('the device is busy'));
      if (!plant.lane(device).change(run, { peer: 'gateway', expire: busy })) busy();
    });
  }

  #changeOf(to: PlantDevice, requests: NonEmpty<WriteProperty>): Result<Change<BacnetChange>, NonEmpty<DocumentFault>> {
    const site = this.#changes.siteFor(NOBODY);
    const faults: DocumentFault[] = [];
    const effects: Effect[] = [];
    const slots: Slot[] = [];
    let marks: Pick<Change<BacnetChange>, 'rawImage' | 'transfer'> = {};
    for (const [at, request] of requests.entries()) {
      const what = classify(request, to, site);
      if (what.kind !== 'change' || what.needed.length > 0) {
        const found = what.kind === 'refused' ? what.detail : 'an object that moves others';
        faults.push({ path: `${at}.target`, found, expected: 'a point that moves nothing else' });
        continue;
      }
      const { change } = what;
      effects.push(...change.effects);
      if (change.what.kind === 'confirmed') slots.push(...change.what.slots);
      if (change.rawImage) marks = { rawImage: true, ...(change.transfer && { transfer: change.transfer }) };
    }
    if (isNonEmpty(faults)) return fail(faults);
    if (!isNonEmpty(effects)) return fail([{ path: '', found: 'nothing', expected: 'at least one write' }]);
    const what = { kind: 'confirmed', to, requests, slots } as const;
    return ok({ what, operation: 'write-property', effects, ...marks });
  }

  #slotOf(target: TargetHandle, priority: number | undefined): Slot | undefined {
    const place = this.#parts.index()?.place(target);
    if (place === undefined) return undefined;
    const { device, objectType: type, instance, property, index } = place;
    return {
      target,
      device,
      object: { type, instance },
      property,
      ...(index !== undefined && { index }),
      ...(priority !== undefined && property === PRESENT_VALUE && { priority }),
    };
  }

  #inReadTurn<T>(device: PlantDevice, run: () => Promise<T>): Promise<T | undefined> {
    return inTurn(this.#parts.plant.lane(device), 'read', 'gateway', run);
  }
}

function requestFor({ object, property, index }: Slot, { value, priority }: PointWrite): WriteProperty | DocumentFault {
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 1 && priority <= LOWEST_PRIORITY))
    return { path: 'priority', found: describeFound(priority), expected: 'a priority of 1 to 16' };
  const propertyValue = writtenValue(object, property, value);
  if (typeof propertyValue === 'string') return { path: 'value', found: describeFound(value), expected: propertyValue };
  return {
    service: 'write-property',
    parameters: {
      objectIdentifier: object,
      propertyIdentifier: property,
      ...(index !== undefined && { propertyArrayIndex: index }),
      propertyValue,
      ...(priority !== undefined && { priority }),
    },
  };
}
