// Firmware ─► device: the one file that takes images, each request in a lane turn of its own, so that reads and set points go on.
// 1. A write is sent once; whether it is sent again is the transfer's to say. 2. After an abort nothing that waits for its turn is
// sent. 3. An answer is named by what is to be done about it.

import type { Pace } from '../../src/contract/pace.ts';
import { inTurn } from './lane-turn.ts';
import { wordsOf } from './read-slots.ts';
import type { PlantAnswer, PlantDevice, PlantSide } from './seam.ts';
import type { ConfirmedRequest } from './wire/confirmed-service.ts';
import { ABORT_REASONS as ABORT } from './wire/names/abort-reason.ts';
import { ERROR_CLASSES as CLASS } from './wire/names/error-class.ts';
import { ERROR_CODES as CODE } from './wire/names/error-code.ts';
import { OBJECT_TYPES } from './wire/names/object-type.ts';
import { PROPERTY_IDENTIFIERS as P } from './wire/names/property-identifier.ts';
import { REJECT_REASONS as REJECT } from './wire/names/reject-reason.ts';
import type { ObjectIdentifier } from './wire/primitive-content.ts';
import { primitiveOf, valueOfPrimitive } from './wire/primitive-value.ts';

/**
 * `lost`: it may have been done. `busy`: it was not, and may be in a while. `too-long`: nor ever will be in this length.
 * `wants-size`: the device takes nothing beyond the size its file has. `gone`: nothing could be sent.
 */
export type FileAnswer<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'lost' | 'busy' | 'too-long' | 'wants-size' | 'refused' | 'gone'; readonly words: string };

/** Octets of an AtomicWriteFile or its read's ack around the data: APCI 4, object 5, tags of the choice 2, start 5, tag of the data 4. */
export const FILE_OVERHEAD = 20;
/** What fits into one Ethernet frame under any BVLC and NPDU header, so that no IP fragment can get lost. */
const MOST_UNSEGMENTED = 1412;
const OWN_MAX_APDU = 1476;
/** What one read asks of a device that answers in segments. */
const READ_SEGMENTED = 16_384;
/** With whom a firmware step waits in a lane: with nobody else. */
const PEER = 'gateway firmware';

/** Octets that go in one APDU to this device. */
export function unsegmentedOctets({ maxApduLength }: PlantDevice): number {
  return Math.max(16, Math.min(MOST_UNSEGMENTED, Math.min(maxApduLength, OWN_MAX_APDU) - FILE_OVERHEAD));
}

export class DeviceFile {
  readonly device: PlantDevice;
  readonly object: ObjectIdentifier;
  readonly #plant: PlantSide;
  readonly #pace: Pace;
  readonly #signal: AbortSignal | undefined;
  /** What to ask for at once; less where the device showed that this is too much. */
  #readStep: number;

  constructor(plant: PlantSide, device: PlantDevice, instance: number, pace: Pace, signal?: AbortSignal) {
    this.#plant = plant;
    this.#pace = pace;
    this.#signal = signal;
    this.device = device;
    this.object = { type: OBJECT_TYPES.file, instance };
    const { segmentation } = device;
    const isSegmented = segmentation === 'both' || segmentation === 'transmit';
    this.#readStep = isSegmented ? READ_SEGMENTED : unsegmentedOctets(device);
  }

  sizeRequest(): ConfirmedRequest {
    const parameters = { objectIdentifier: this.object, propertyIdentifier: P['file-size'] };
    return { service: 'read-property', parameters };
  }

  resizeRequest(size: number): ConfirmedRequest {
    const propertyValue = valueOfPrimitive({ type: 'unsigned', value: size });
    const parameters = { objectIdentifier: this.object, propertyIdentifier: P['file-size'], propertyValue };
    return { service: 'write-property', parameters };
  }

  async size(): Promise<FileAnswer<number>> {
    return sizeIn(await this.#turn('read', this.sizeRequest(), true));
  }

  async resize(size: number): Promise<FileAnswer<void>> {
    return doneIn(await this.#turn('change', this.resizeRequest(size), false));
  }

  /** From `at`, at most `count` octets; fewer where the device gives fewer, none at its end. */
  async read(at: number, count: number): Promise<FileAnswer<Uint8Array>> {
    const streamAccess = { fileStartPosition: at, requestedOctetCount: Math.min(count, this.#readStep) };
    const answer = await this.#turn(
      'read',
      {
        service: 'atomic-read-file',
        parameters: { fileIdentifier: this.object, accessMethod: { choice: 'stream-access', value: streamAccess } },
      },
      true,
    );
    if (answer?.kind === 'complex-ack' && answer.ack.service === 'atomic-read-file') {
      const { accessMethod } = answer.ack.parameters;
      if (accessMethod.choice === 'stream-access' && accessMethod.value.fileStartPosition === at)
        return { kind: 'done', value: accessMethod.value.fileData.subarray(0, count) };
      return { kind: 'refused', words: 'it answered with other octets than it was asked for' };
    }
    const fault = faultIn(answer);
    const least = unsegmentedOctets(this.device);
    if (this.#readStep <= least || (fault.kind !== 'too-long' && answer?.kind !== 'abort')) return fault;
    this.#readStep = least;
    return this.read(at, count);
  }

  /**
   * The value: where the device says the octets went. A piece of a file moves no point, so reads go on beside it (nobody waits
   * for a device that writes its flash); no change does.
   */
  async write(at: number, fileData: Uint8Array): Promise<FileAnswer<number>> {
    const answer = await this.#turn(
      'read',
      {
        service: 'atomic-write-file',
        parameters: {
          fileIdentifier: this.object,
          accessMethod: { choice: 'stream-access', value: { fileStartPosition: at, fileData } },
        },
      },
      false,
    );
    if (answer?.kind !== 'complex-ack' || answer.ack.service !== 'atomic-write-file') return faultIn(answer);
    const { choice, value } = answer.ack.parameters;
    return choice === 'file-start-position'
      ? { kind: 'done', value }
      : { kind: 'refused', words: 'it answered as for records, expected a stream of octets' };
  }

  #turn(kind: 'read' | 'change', request: ConfirmedRequest, retry: boolean): Promise<PlantAnswer | undefined> {
    const { device } = this;
    return this.#pace.turn(() =>
      inTurn(this.#plant.lane(device), kind, PEER, () =>
        this.#signal?.aborted ? Promise.resolve(undefined) : this.#plant.request(device, request, { retry }),
      ),
    );
  }
}

export function doneIn(answer: PlantAnswer | undefined): FileAnswer<void> {
  return answer?.kind === 'simple-ack' ? { kind: 'done', value: undefined } : faultIn(answer);
}

export function sizeIn(answer: PlantAnswer | undefined): FileAnswer<number> {
  if (answer?.kind !== 'complex-ack' || answer.ack.service !== 'read-property') return faultIn(answer);
  const primitive = primitiveOf(answer.ack.parameters.propertyValue);
  return primitive?.type === 'unsigned'
    ? { kind: 'done', value: Number(primitive.value) }
    : { kind: 'refused', words: 'its file-size is no number' };
}

const LOST: readonly number[] = [ABORT['application-exceeded-reply-time'], ABORT['tsm-timeout']];
const LATER: readonly number[] = [ABORT['preempted-by-higher-priority-task'], ABORT['out-of-resources']];
const TOO_LONG: readonly (number | undefined)[] = [
  ABORT['buffer-overflow'],
  ABORT['segmentation-not-supported'],
  ABORT['window-size-out-of-range'],
  ABORT['apdu-too-long'],
];
const DEVICE_BUSY: readonly number[] = [
  CODE['device-busy'],
  CODE['configuration-in-progress'],
  CODE['operational-problem'],
];
const BEYOND: readonly number[] = [CODE['invalid-file-start-position'], CODE['file-full']];

function faultIn(answer: PlantAnswer | undefined): Exclude<FileAnswer<never>, { kind: 'done' }> {
  if (answer === undefined) return { kind: 'busy', words: 'too much waits for the device' };
  const words = wordsOf(answer);
  switch (answer.kind) {
    case 'no-answer':
      return { kind: 'lost', words };
    case 'unreachable':
      return { kind: TOO_LONG.includes(answer.abort) ? 'too-long' : 'gone', words };
    case 'abort':
      if (LOST.includes(answer.reason)) return { kind: 'lost', words };
      if (LATER.includes(answer.reason)) return { kind: 'busy', words };
      return { kind: TOO_LONG.includes(answer.reason) ? 'too-long' : 'refused', words };
    case 'reject':
      return { kind: answer.reason === REJECT['buffer-overflow'] ? 'too-long' : 'refused', words };
    case 'error': {
      const { value } = answer.error.parameters;
      const { errorClass, errorCode } = 'errorCode' in value ? value : { errorClass: -1, errorCode: -1 };
      if (errorClass === CLASS.device && DEVICE_BUSY.includes(errorCode)) return { kind: 'busy', words };
      return { kind: BEYOND.includes(errorCode) ? 'wants-size' : 'refused', words };
    }
    case 'simple-ack':
    case 'complex-ack':
      return { kind: 'refused', words: 'it acknowledged something else' };
  }
}
