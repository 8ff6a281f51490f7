// Firmware updates over BACnet: AtomicWriteFile by stream access, ReinitializeDevice, and the Device object's word for what runs.
// 1. A step is redeemed in the device's lane and its first octet follows in the same tick. 2. One step of one device at a time.
// 3. Every redemption is settled once.

import type {
  FirmwareDriver,
  FirmwarePath,
  FirmwareStanding,
  FirmwareState,
  FirmwareStep,
  ImageSource,
  StepWatch,
} from '../../src/contract/firmware.ts';
import type { Change, Permit } from '../../src/contract/gate.ts';
import { Pace } from '../../src/contract/pace.ts';
import type { TargetHandle } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import type { BacnetChange } from './bacnet-change.ts';
import { outcomeOfAnswer, plantDeviceOf } from './carry-out.ts';
import { EffectList } from './effects.ts';
import { ACTIVATIONS, type FirmwarePlace } from './firmware-address.ts';
import { DeviceFile } from './firmware-file.ts';
import { Transfer } from './firmware-transfer.ts';
import { verifyImage } from './firmware-verify.ts';
import { inTurn } from './lane-turn.ts';
import { pointsOf } from './owners.ts';
import { pointValueOf } from './point-value.ts';
import type { Changes } from './road-changes.ts';
import type { RoadParts } from './road-services.ts';
import type { PlantDevice } from './seam.ts';
import { LostDevice, numberIn, SurveyReader, type Wanted } from './survey-reader.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import { characterStringOf } from './wire/primitive-value.ts';

type FirmwareChange = Extract<BacnetChange, { kind: 'firmware' }>;

const OPERATION: { readonly [Kind in FirmwareStep['kind']]: ConfirmedRequest['service'] } = {
  transfer: 'atomic-write-file',
  activate: 'reinitialize-device',
  revert: 'write-property',
};

/** BACnetDeviceStatus, in the order of its numbers. */
const STATES: readonly FirmwareState[] = ['running', 'running', 'boot-loader', 'receiving', 'busy', 'busy'];

export class FirmwareUpdates implements FirmwareDriver {
  readonly #parts: RoadParts;
  readonly #changes: Changes;
  readonly #underWay = new Set<PlantDevice>();
  readonly #pace = new Pace();
  readonly #end = new AbortController();

  constructor(parts: RoadParts, changes: Changes) {
    this.#parts = parts;
    this.#changes = changes;
  }

  /** Nothing more is sent; steps that are under way settle as stopped. */
  stop(): void {
    this.#end.abort();
  }

  path(handle: TargetHandle): FirmwarePath | undefined {
    const place = this.#placeOf(handle);
    if (place === undefined) return undefined;
    const { file, staging: reverts, confirmMs } = place;
    // The status of a Device object says nothing of what stands in a file.
    return { method: `BACnet file ${file}`, resumes: true, reverts, hides: true, confirmMs };
  }

  async standing(handle: TargetHandle): Promise<Result<FirmwareStanding, string>> {
    const place = this.#placeOf(handle);
    if (place === undefined) return fail(NO_WAY);
    const device = this.#deviceOf(handle);
    if (device?.instance === undefined) return fail('no station of its network has its instance');
    const object = { type: OBJECT_TYPES.device, instance: device.instance };
    const of = (property: number): Wanted => ({ object, property });
    const [vendor, model, version, status] = [P['vendor-name'], P['model-name'], P[place.version], P['system-status']];
    const file = { object: { type: OBJECT_TYPES.file, instance: place.file }, property: P['file-size'] };
    const wanted = [of(vendor), of(model), of(version), of(status), file];
    try {
      const values = await new SurveyReader(device, this.#parts.plant).read(wanted);
      const state = STATES[numberIn(values.get(wanted[3] ?? file)) ?? 0] ?? 'running';
      const text = (at: number): string | undefined => {
        const value = values.get(wanted[at] ?? file);
        const read = value && pointValueOf(value);
        return typeof read === 'string' ? read : undefined;
      };
      const received = state === 'receiving' ? numberIn(values.get(file)) : undefined;
      return ok({ state, ...defined({ vendor: text(0), model: text(1), version: text(2), received }) });
    } catch (fault) {
      if (fault instanceof LostDevice) return fail('the device did not answer');
      throw fault;
    }
  }

  plan(handle: TargetHandle, step: FirmwareStep): Result<Change<BacnetChange>, string> {
    const index = this.#parts.index();
    const place = this.#placeOf(handle);
    if (index === undefined || place === undefined) return fail(NO_WAY);
    if (step.kind === 'revert' && !place.staging)
      return fail('its address does not say that the file stands beside what runs: emptying it could end the device');
    const to = this.#deviceOf(handle);
    if (to === undefined) return fail('no station of its network has its instance');
    const effects = new EffectList(index);
    effects.ask(handle, 'firmware.update');
    const file = { type: OBJECT_TYPES.file, instance: place.file };
    if (step.kind !== 'activate')
      for (const point of pointsOf(index, handle, file)) effects.ask(point.handle, 'firmware.update');
    const asked = effects.effects;
    if (asked === undefined) return fail(NO_WAY);
    return ok({
      what: { kind: 'firmware', to, place, step },
      operation: OPERATION[step.kind],
      effects: asked,
      transfer: { device: handle, ends: step.kind !== 'transfer' },
      ...(step.kind === 'revert' && { reverts: true }),
    });
  }

  async perform(unknown: Permit<unknown>, given: StepWatch): Promise<Outcome> {
    // A permit of this driver was issued for a change of its own `plan`.
    const permit = unknown as Permit<BacnetChange>;
    const { gate } = this.#parts;
    const device = this.#deviceOf(permit.involves[0]);
    const notSent = (why: string): Outcome => {
      gate.abandon(permit, why);
      return { kind: 'not-sent', why };
    };
    if (device === undefined) return notSent('no station of its network has its instance');
    const signal = AbortSignal.any([given.signal, this.#end.signal]);
    const watch: StepWatch = { signal, progress: (octets) => given.progress(octets) };
    if (watch.signal.aborted) return notSent(ABORTED);
    if (this.#underWay.has(device)) return notSent('another step of its firmware is under way');
    this.#underWay.add(device);
    try {
      const outcome = await this.#carryOut(permit, device, watch);
      return typeof outcome === 'string' ? notSent(outcome) : outcome;
    } finally {
      this.#underWay.delete(device);
    }
  }

  async verify(handle: TargetHandle, image: ImageSource, watch: StepWatch): Promise<Result<void, string>> {
    const place = this.#placeOf(handle);
    const device = this.#deviceOf(handle);
    if (place === undefined) return fail(NO_WAY);
    if (device === undefined) return fail('no station of its network has its instance');
    const { plant, clock, timers } = this.#parts;
    const file = new DeviceFile(plant, device, place.file, this.#pace, watch.signal);
    return verifyImage({ file, image, place, watch, clock, timers });
  }

  /** A text: why nothing was sent; the permit stands. */
  async #carryOut(permit: Permit<BacnetChange>, to: PlantDevice, watch: StepWatch): Promise<Outcome | string> {
    const { gate, plant } = this.#parts;
    const { instance } = to;
    let redeemed = false;
    let outcome: Outcome = { kind: 'unknown', why: 'a fault of the gateway’s own came between' };
    try {
      const first = await inTurn(plant.lane(to), 'change', 'gateway firmware', async () => {
        if (watch.signal.aborted) return ABORTED;
        const redemption = await gate.redeem(permit, new Map());
        if (!redemption.redeemed) return { kind: 'withdrawn', reason: redemption.denial.reason } as const;
        redeemed = true;
        const { change } = redemption;
        if (change.kind !== 'firmware' || change.to !== to)
          throw new RangeError('got the permit of another change, expected one for a firmware step of the device');
        if (watch.signal.aborted) return { kind: 'not-sent', why: ABORTED } as const;
        // It waited for its turn and for the record.
        if (to.instance !== instance) return { kind: 'not-sent', why: ANOTHER } as const;
        const file = new DeviceFile(plant, to, change.place.file, this.#pace, watch.signal);
        const request = firstRequest(change, file);
        const retry = request.service === 'read-property';
        return { kind: 'sent', change, file, request, answer: await plant.request(to, request, { retry }) } as const;
      });
      if (first === undefined) return 'too much waits for the device';
      if (typeof first === 'string') return first;
      if (first.kind !== 'sent') {
        outcome = first;
        return first;
      }
      const { change, file, request, answer } = first;
      if (change.step.kind === 'transfer') {
        const { clock, timers } = this.#parts;
        const { place, step } = change;
        const transfer = new Transfer({ file, image: step.image, place, watch, clock, timers });
        outcome = await (step.goesOn ? transfer.goOn(answer) : transfer.begin(answer));
      } else outcome = outcomeOfAnswer(answer);
      this.#changes.wrote(to, request);
      if (outcome.kind === 'acknowledged') this.#changes.imageSettled(to);
      return outcome;
    } finally {
      if (redeemed) gate.settle(permit, outcome);
    }
  }

  #placeOf(handle: TargetHandle): FirmwarePlace | undefined {
    return this.#parts.index()?.device(handle)?.firmware;
  }

  #deviceOf(handle: TargetHandle): PlantDevice | undefined {
    return plantDeviceOf(this.#parts.plant, this.#parts.index(), handle);
  }
}

const ABORTED = 'it was aborted before it began';
const ANOTHER = 'the station is no longer the device';
const NO_WAY = 'its address describes no way for firmware';

function firstRequest({ step, place }: FirmwareChange, file: DeviceFile): ConfirmedRequest {
  if (step.kind === 'transfer') return step.goesOn ? file.sizeRequest() : file.resizeRequest(0);
  if (step.kind === 'revert') return file.resizeRequest(0);
  const { activate, password } = place;
  return {
    service: 'reinitialize-device',
    parameters: {
      reinitializedStateOfDevice: ACTIVATIONS[activate],
      ...(password !== undefined && { password: characterStringOf(password) }),
    },
  };
}

type Defined<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
