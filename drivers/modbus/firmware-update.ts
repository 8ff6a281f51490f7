// Firmware updates over Modbus: file records or the registers of a boot loader, as the device's address describes it.
// 1. A step is redeemed in the device's lane and its first octet follows in the same tick. 2. One step of one device at a time.
// 3. Every redemption is settled once.

import type { Clock, Timers } from '../../src/contract/clock.ts';
import type {
  FirmwareDriver,
  FirmwarePath,
  FirmwareStanding,
  FirmwareState,
  FirmwareStep,
  ImageSource,
  StepWatch,
} from '../../src/contract/firmware.ts';
import type { Change, Effect, Gate, Permit } from '../../src/contract/gate.ts';
import { Pace } from '../../src/contract/pace.ts';
import type { RawTransfers } from '../../src/contract/raw-transfers.ts';
import type { TargetHandle, TargetId } from '../../src/model/ids.ts';
import type { Outcome } from '../../src/model/journal-row.ts';
import { fail, ok, type Result } from '../../src/model/result.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import { lineUp } from './carry-out.ts';
import { holdingTable } from './effects.ts';
import type { FirmwarePlace, LoaderState, TextPlace } from './firmware-address.ts';
import { commandRequest, sizeFault } from './firmware-blocks.ts';
import type { FirmwareChange } from './firmware-change.ts';
import { DeviceLoader, firmwarePeer, type LoaderAnswer } from './firmware-loader.ts';
import { Transfer } from './firmware-transfer.ts';
import { verifyImage } from './firmware-verify.ts';
import { inTurn } from './lane-turn.ts';
import type { Track } from './plant.ts';
import { trackOf } from './routes.ts';
import type { Request } from './wire/request.ts';

interface FirmwareParts {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly transfers: Pick<RawTransfers, 'settled'>;
  readonly tracks: ReadonlyMap<string, Track>;
  index(): ModbusIndex | undefined;
}

interface AtHand {
  readonly index: ModbusIndex;
  readonly device: IndexedDevice;
  readonly place: FirmwarePlace;
  readonly track: Track;
}

const STATES: Readonly<Record<LoaderState, FirmwareState>> = {
  idle: 'running',
  receiving: 'receiving',
  ready: 'receiving',
  error: 'receiving',
  verified: 'staged',
  busy: 'busy',
  'boot-loader': 'boot-loader',
};

const ABORTED = 'it was aborted before it began';

/** FC 8/1 without clearing the event log (V1.1b3, 6.8.1). */
const restart: Request = { kind: 'diagnostics', subFunction: 1, data: Uint8Array.of(0, 0) };

export class FirmwareUpdates implements FirmwareDriver {
  readonly #parts: FirmwareParts;
  readonly #underWay = new Set<TargetId>();
  readonly #pace = new Pace();

  constructor(parts: FirmwareParts) {
    this.#parts = parts;
  }

  path(handle: TargetHandle): FirmwarePath | undefined {
    const place = this.#parts.index()?.device(handle)?.firmware;
    if (place === undefined) return undefined;
    const { image, command, status, received, checksum, confirmMs } = place;
    const isFiles = image.kind === 'file-record';
    return {
      method: isFiles ? 'Modbus file record' : 'register boot loader',
      resumes: isFiles
        ? status !== undefined || command?.start === undefined
        : received !== undefined && checksum !== undefined,
      reverts: command?.abort !== undefined || command?.revert !== undefined,
      confirmMs,
    };
  }

  async standing(handle: TargetHandle): Promise<Result<FirmwareStanding, string>> {
    const at = this.#reach(handle);
    if (!at.ok) return at;
    const { device, place, track } = at.value;
    const loader = new DeviceLoader(track, device, place, this.#pace);
    const { status, received, banks } = place;
    const said = status && (await loader.status(status.at, status.states));
    if (said !== undefined && said.kind !== 'done') return fail(said.words);
    const loaderState = said?.value ?? 'idle';
    const state = STATES[loaderState];
    const isPart = state === 'receiving' || state === 'boot-loader';
    const holds = received && isPart && loaderState !== 'error' ? await loader.number(received) : undefined;
    const texts: Partial<Record<'version' | 'vendor' | 'model', string>> = {};
    for (const what of ['version', 'vendor', 'model'] as const) {
      const text = await textIn(loader, place[what]);
      if (text === undefined) continue;
      if (text.kind === 'lost' || text.kind === 'gone') return fail(text.words);
      // A device that has nothing but its boot loader runs no version.
      if (text.kind === 'done' && text.value !== '') texts[what] = text.value;
    }
    return ok({
      // What is overwritten does not run.
      state: banks === 'single' && state === 'receiving' ? 'boot-loader' : state,
      ...texts,
      ...(holds?.kind === 'done' && { received: holds.value }),
    });
  }

  plan(handle: TargetHandle, step: FirmwareStep): Result<Change<FirmwareChange>, string> {
    const at = this.#reach(handle);
    if (!at.ok) return at;
    const { index, device, place } = at.value;
    if (step.kind === 'revert' && place.command?.abort === undefined && place.command?.revert === undefined)
      return fail('its address names no command that drops an image or brings the former back');
    const fault = step.kind === 'transfer' ? sizeFault(place.image, step.image.size) : undefined;
    if (fault !== undefined) return fail(fault);
    const effect = (target: TargetHandle): Effect => ({ target, asks: 'firmware.update' });
    return ok({
      what: { device, place, step },
      operation: operationOf(place, step),
      effects: [effect(handle), ...pointsOf(index, device, place, step).map(effect)],
      transfer: { device: handle, ends: step.kind !== 'transfer' },
      ...(step.kind === 'revert' && { reverts: true }),
    });
  }

  async perform(unknown: Permit<unknown>, watch: StepWatch): Promise<Outcome> {
    // A permit of this driver was issued for a change of its own `plan`.
    const permit = unknown as Permit<FirmwareChange>;
    const { gate } = this.#parts;
    const at = this.#reach(permit.effects[0].target);
    const notSent = (why: string): Outcome => {
      gate.abandon(permit, why);
      return { kind: 'not-sent', why };
    };
    if (!at.ok) return notSent(at.fault);
    if (watch.signal.aborted) return notSent(ABORTED);
    const { index, device } = at.value;
    const id = index.inventory.idOf(device.handle);
    if (this.#underWay.has(id)) return notSent('another step of its firmware is under way');
    this.#underWay.add(id);
    try {
      const outcome = await this.#carryOut(permit, at.value, watch);
      if (typeof outcome === 'string') return notSent(outcome);
      if (outcome.kind === 'acknowledged') this.#parts.transfers.settled(id);
      return outcome;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async verify(handle: TargetHandle, image: ImageSource, watch: StepWatch): Promise<Result<void, string>> {
    const at = this.#reach(handle);
    if (!at.ok) return at;
    const { device, place, track } = at.value;
    const { clock, timers } = this.#parts;
    return verifyImage({ loader: new DeviceLoader(track, device, place, this.#pace), image, watch, clock, timers });
  }

  /** A text: why nothing was sent; the permit stands. */
  async #carryOut(permit: Permit<FirmwareChange>, at: AtHand, watch: StepWatch): Promise<Outcome | string> {
    const { gate } = this.#parts;
    const { index, device, track } = at;
    let redeemed = false;
    let outcome: Outcome = { kind: 'unknown', why: 'a fault of the gateway’s own came between' };
    try {
      const first = await inTurn(track.lane, { exclusive: true, peer: firmwarePeer }, async (): Promise<First> => {
        if (!(await lineUp(track.line)))
          return { kind: 'not-sent', why: track.line.health().why ?? 'its line is down' };
        if (watch.signal.aborted) return { kind: 'not-sent', why: ABORTED };
        if (this.#parts.index()?.inventory !== index.inventory)
          return { kind: 'not-sent', why: 'the inventory changed' };
        const redemption = await gate.redeem(permit, new Map());
        if (!redemption.redeemed) return { kind: 'withdrawn', reason: redemption.denial.reason };
        redeemed = true;
        const { change } = redemption;
        if (change.device !== device)
          throw new RangeError('got the permit of another change, expected one for a firmware step of the device');
        const loader = new DeviceLoader(track, device, change.place, this.#pace, watch.signal);
        // The turn ends with the step's first request; the others come in turns of their own.
        return new Promise((resolve) => {
          const rest = () => done;
          loader.hold(() => resolve({ kind: 'begun', rest }));
          const done = this.#step(change, loader, watch).finally(() => resolve({ kind: 'begun', rest }));
        });
      });
      if (typeof first === 'string') return first;
      if (first.kind === 'not-sent') return first.why;
      outcome = first.kind === 'begun' ? await first.rest() : first;
      return outcome;
    } finally {
      if (redeemed) gate.settle(permit, outcome);
    }
  }

  /** Its first request goes out in the tick of the call. */
  async #step({ place, step, device }: FirmwareChange, loader: DeviceLoader, watch: StepWatch): Promise<Outcome> {
    if (step.kind === 'transfer') {
      const { clock, timers } = this.#parts;
      const isStill = this.#stillAt(device);
      return new Transfer({ loader, image: step.image, watch, clock, timers, isStill }).run(step.goesOn);
    }
    const request = step.kind === 'activate' ? activationOf(place) : await takenBack(place, loader);
    return typeof request === 'string' ? { kind: 'not-sent', why: request } : outcomeOf(await loader.write(request));
  }

  #stillAt({ handle, line, unit }: IndexedDevice): () => boolean {
    const id = this.#parts.index()?.inventory.idOf(handle);
    return () => {
      const index = this.#parts.index();
      const current = id === undefined ? undefined : index?.inventory.find(id);
      const device = current === undefined ? undefined : index?.device(current);
      return device?.line === line && device.unit === unit;
    };
  }

  #reach(handle: TargetHandle): Result<AtHand, string> {
    const index = this.#parts.index();
    const device = index?.device(handle);
    const place = device?.firmware;
    if (index === undefined || device === undefined || place === undefined)
      return fail('its address describes no way for firmware');
    const track = trackOf(device, index, this.#parts.tracks);
    return 'why' in track ? fail(track.why) : ok({ index, device, place, track });
  }
}

type First =
  | { readonly kind: 'not-sent'; readonly why: string }
  | Extract<Outcome, { kind: 'withdrawn' }>
  | { readonly kind: 'begun'; rest(): Promise<Outcome> };

async function textIn(loader: DeviceLoader, at: TextPlace | undefined): Promise<LoaderAnswer<string> | undefined> {
  return at && loader.text(at);
}

function operationOf({ image, activate }: FirmwarePlace, { kind }: FirmwareStep): Request['kind'] {
  if (kind === 'transfer') return image.kind === 'file-record' ? 'writeFileRecord' : 'writeMultipleRegisters';
  return kind === 'activate' && activate === 'restart' ? restart.kind : 'writeSingleRegister';
}

/** The points whose registers a step writes. */
function pointsOf(
  index: ModbusIndex,
  device: IndexedDevice,
  { written, command }: FirmwarePlace,
  { kind }: FirmwareStep,
): TargetHandle[] {
  const spans =
    kind === 'transfer' ? written : command === undefined ? [] : [{ from: command.register, to: command.register + 1 }];
  const found = new Set<TargetHandle>();
  for (const { from, to } of spans) {
    const entries = index.span(device, holdingTable, from, to - from);
    for (let entry = entries.from; entry < entries.to; entry += 1) found.add(index.handleOf(entry));
  }
  return [...found];
}

function activationOf(place: FirmwarePlace): Request {
  return commandRequest(place, 'commit') ?? restart;
}

/** Drops what came in, or brings the former image back; a text: why neither. */
async function takenBack(place: FirmwarePlace, loader: DeviceLoader): Promise<Request | string> {
  const abort = commandRequest(place, 'abort');
  const revert = commandRequest(place, 'revert');
  const { status } = place;
  if (status === undefined) return abort ?? revert ?? 'its address names no command for it';
  const state = await loader.status(status.at, status.states);
  if (state.kind !== 'done') return state.words;
  if (state.value === 'busy') return 'it says `busy`';
  const isStaged = state.value !== 'idle' && state.value !== 'boot-loader';
  return (isStaged ? abort : revert) ?? (isStaged ? revert : abort) ?? 'its address names no command for it';
}

function outcomeOf(answer: LoaderAnswer<void>): Outcome {
  switch (answer.kind) {
    case 'done':
      return { kind: 'acknowledged' };
    case 'lost':
      return { kind: 'unknown', why: answer.words };
    case 'gone':
      return { kind: 'not-sent', why: answer.words };
    case 'busy':
    case 'refused':
      return { kind: 'refused-by-device', answer: answer.words };
  }
}
