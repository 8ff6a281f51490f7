// Change ─judge─► Permit ─► device: the road of everything that changes something, from stations and from other plant networks.
// 1. Who has no right causes no octet at the device, not even a read of its lists. 2. What moves along is known in full before the
// permit that counts is asked for, and still holds in the change's lane turn, or nothing is sent.

import type { Caller, Denial, Permit } from '../../src/contract/gate.ts';
import { RawTransfers } from '../../src/contract/raw-transfers.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { BacnetChange } from './bacnet-change.ts';
import { type Callers, turnKey } from './callers.ts';
import { type Carried, carryOut } from './carry-out.ts';
import { type Classification, classify, isActivating, objectsWritten, touchesIdentity, ungated } from './classify.ts';
import type { Lists } from './lists.ts';
import { isMonitoring } from './monitored.ts';
import { isMoving } from './moves.ts';
import { handleOfDevice, pointsOf } from './owners.ts';
import { BUSY, errorAnswer, lostAnswer, refusalOf, type VisibleAnswer } from './refuse.ts';
import type { RoadParts } from './road-services.ts';
import type { IncomingRequest, PlantDevice } from './seam.ts';
import { isShowing } from './showing.ts';
import type { Site } from './site.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';

type ClassifiedChange = Extract<Classification, { kind: 'change' }>;
type KnownRequest = Exclude<ConfirmedRequest, { service: 'unknown' }>;

/** Rounds of reading lists: one for each object that moves the next, and some for lists that were written meanwhile. */
const MOST_ROUNDS = 12;
const MOST_LISTS = 256;

export class Changes {
  readonly #services: RoadParts;
  readonly #callers: Callers;
  readonly #lists: Lists;
  readonly #firmware: RawTransfers;

  constructor(services: RoadParts, callers: Callers, lists: Lists) {
    this.#services = services;
    this.#callers = callers;
    this.#lists = lists;
    this.#firmware = new RawTransfers(services);
  }

  /** The site as it is now, for one who asks. */
  siteFor(caller: Caller): Site {
    const { plant, index, permits } = this.#services;
    const now = index();
    return {
      index: now,
      find: (network, instance) => plant.find(network, instance),
      permits,
      lists: (device, object) => this.#lists.known({ device, object }),
      inFirmwareTransfer: (device: TargetHandle) =>
        now?.device(device) !== undefined && this.#firmware.isUnderWay(now.inventory.idOf(device), caller),
      mayHoldImage: (device: TargetHandle) =>
        now?.device(device) !== undefined && this.#firmware.mayHold(now.inventory.idOf(device)),
    };
  }

  async answer(incoming: IncomingRequest, request: KnownRequest): Promise<VisibleAnswer> {
    const { from, to } = incoming;
    const { gate, counted } = this.#services;
    counted.changes += 1;
    let lists = 0;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const caller = this.#callers.callerOf(from);
      const site = this.siteFor(caller);
      const classified = classify(request, to, site);
      const what = caller.neverGated && classified.kind === 'refused' ? ungated(request, to, site) : classified;
      if (what.kind !== 'change') {
        const detail = what.kind === 'refused' ? what.detail : 'it is no change any more';
        return this.#refuse(caller, to, request, detail);
      }
      const judgement = gate.judge(caller, what.change);
      if (!judgement.permitted) return this.#deny(request, to, judgement.denial);
      if (what.needed.length === 0 || caller.neverGated) {
        // What comes right behind it is within the transfer, before this is answered.
        if (what.change.transfer?.ends === false) this.#begun(from, what);
        return this.#send(incoming, request, what, judgement.permit);
      }
      // The first permit only told that the rights are there; it goes nowhere, and the last judgement is the record.
      for (const need of what.needed) {
        lists += 1;
        counted.lists_read += 1;
        if (lists > MOST_LISTS || !(await this.#lists.learn(need))) {
          const name = `\`${need.object.type},${need.object.instance}\``;
          return this.#refuse(caller, to, request, `what ${name} moves could not be read`);
        }
      }
    }
    return this.#refuse(this.#callers.callerOf(from), to, request, 'what it moves changes all the time');
  }

  #refuse(caller: Caller, to: PlantDevice, request: KnownRequest, detail: string): VisibleAnswer {
    const { gate, counted, index } = this.#services;
    counted.refused += 1;
    const target = handleOfDevice(index(), to);
    gate.refuse(caller, { operation: request.service, reason: 'unsupported', target, detail });
    return refusalOf(request, 'unsupported');
  }

  #deny(request: KnownRequest, to: PlantDevice, { reason, target }: Denial): VisibleAnswer {
    const { counted, index } = this.#services;
    counted.refused += 1;
    const now = index();
    const device = handleOfDevice(now, to);
    const isDenied = ({ objectIdentifier, propertyIdentifier }: ObjectPropertyReference): boolean => {
      const points = pointsOf(now, device, objectIdentifier);
      if (target === undefined || now === undefined || points.length === 0) return true;
      return points.some(
        ({ handle, property }) => property === propertyIdentifier && now.inventory.idOf(handle) === target,
      );
    };
    return refusalOf(request, reason, isDenied);
  }

  #send(
    { from, to }: IncomingRequest,
    request: KnownRequest,
    what: ClassifiedChange,
    permit: Permit<BacnetChange>,
  ): Promise<VisibleAnswer> {
    const { gate, plant, counted, index, log } = this.#services;
    const inventory = index()?.inventory;
    const { generation } = this.#lists;
    const { instance } = to;
    const slots = what.change.what.kind === 'confirmed' ? what.change.what.slots : [];
    return new Promise((resolve) => {
      const busy = (why: string): void => {
        counted.busy += 1;
        gate.abandon(permit, why);
        resolve(errorAnswer(request, BUSY));
      };
      const changedMeanwhile = (): string | undefined => {
        if (index()?.inventory !== inventory) return 'the inventory changed';
        return what.fansOut && this.#lists.generation !== generation ? 'a list it moves by was written' : undefined;
      };
      const run = async (): Promise<void> => {
        try {
          await carryOut(
            { gate, plant, index: index(), to, instance, changedMeanwhile, readsBack: false },
            permit,
            slots,
            (carried) => {
              this.#carried(from, request, what, carried, to);
              resolve(this.#told(request, to, carried));
            },
          );
        } catch (fault) {
          log.write('error', 'own.fault', { fault: String(fault) }, `a change could not be carried: ${fault}`);
        } finally {
          // Whatever went wrong, the one who asked is told; after an answer this does nothing.
          resolve(lostAnswer());
        }
      };
      const isQueued = plant.lane(to).change(run, {
        peer: turnKey(from),
        expire: () => busy('the device was busy for too long'),
      });
      if (!isQueued) busy('too many requests wait for the device');
    });
  }

  /** What a change that went out leaves behind. */
  #carried(
    from: IncomingRequest['from'],
    request: KnownRequest,
    what: ClassifiedChange,
    carried: Carried,
    to: PlantDevice,
  ): void {
    if (carried.kind === 'refused' || carried.kind === 'withdrawn') return;
    this.wrote(to, request);
    const isRefused = carried.kind === 'answered' && REFUSALS.has(carried.answer.kind);
    this.#transferred(from, what, isRefused);
    if (isActivating(request) && !isRefused) this.imageSettled(to);
  }

  /** Nothing that came as raw frames waits in the device any more. */
  imageSettled(to: PlantDevice): void {
    const index = this.#services.index();
    const handle = handleOfDevice(index, to);
    if (index?.device(handle) !== undefined) this.#firmware.settled(index.inventory.idOf(handle));
  }

  /** A frame of a firmware transfer may go out. */
  #begun(from: IncomingRequest['from'], { change }: ClassifiedChange): void {
    const device = this.#imageOf(change);
    if (device !== undefined) this.#firmware.begun(device, this.#callers.callerOf(from));
  }

  /** It went out: what is under way, or ended, from here on, and what the device may hold. */
  #transferred(from: IncomingRequest['from'], { change }: ClassifiedChange, isRefused: boolean): void {
    const device = this.#imageOf(change);
    if (device === undefined) return;
    if (change.transfer?.ends) this.#firmware.ended(device);
    else if (isRefused) this.#firmware.begun(device, this.#callers.callerOf(from));
    else this.#firmware.wrote(device, this.#callers.callerOf(from));
  }

  /** The device to which a change is a frame of a firmware transfer; `undefined`: it is none. */
  #imageOf({ transfer, rawImage }: ClassifiedChange['change']): string | undefined {
    const index = this.#services.index();
    const indexed = transfer && index?.device(transfer.device);
    return indexed === undefined || rawImage !== true ? undefined : index?.inventory.idOf(indexed.handle);
  }

  /** A request that changes something has gone to a device: what was known of it may be so no more. */
  wrote(to: PlantDevice, request: ConfirmedRequest): void {
    for (const object of objectsWritten(request))
      if (isMoving(object.type) || isShowing(object) || isMonitoring(object)) this.#lists.forget(to, object);
    if (WHOLE_DEVICE.has(request.service) || objectsWritten(request).some(({ type }) => type === OBJECT_TYPES.device))
      this.#lists.forgetDevice(to);
    if (touchesIdentity(request)) this.#services.plant.verify(to);
  }

  /** The gateway itself wrote to a device. */
  wroteOf(device: PlantDevice): void {
    this.#lists.forgetDevice(device);
  }

  #told(request: KnownRequest, to: PlantDevice, carried: Carried): VisibleAnswer {
    switch (carried.kind) {
      case 'answered':
        return carried.answer;
      case 'refused':
        return this.#deny(request, to, carried.denial);
      case 'withdrawn':
        this.#services.counted.busy += 1;
        return errorAnswer(request, BUSY);
      case 'lost':
        return lostAnswer(carried.abort);
    }
  }
}

/** A device that answers so did nothing. */
const REFUSALS: ReadonlySet<Carried['kind'] | VisibleAnswer['kind']> = new Set(['error', 'reject', 'abort']);

/** Services after which any list of the device may be another. */
const WHOLE_DEVICE: ReadonlySet<string> = new Set<ConfirmedRequest['service']>([
  'reinitialize-device',
  'atomic-write-file',
  'create-object',
  'confirmed-private-transfer',
]);
