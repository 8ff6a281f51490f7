// Firmware ─► device: its boot loader, each request in a lane turn of its own, so that reads and set points go on.
// 1. A write is sent once; whether it is sent again is the transfer's to say. 2. After an abort nothing that waits for its turn is sent.
// 3. An answer is named by what is to be done about it.

import type { Pace } from '../../src/contract/pace.ts';
import type { IndexedDevice } from './address.ts';
import { lineUp } from './carry-out.ts';
import type { FirmwarePlace, LoaderState, NumberPlace, TextPlace } from './firmware-address.ts';
import { readNumber, readRequest } from './firmware-blocks.ts';
import { inTurn } from './lane-turn.ts';
import type { Answer } from './line.ts';
import type { Track } from './plant.ts';
import { exceptionCodes as exception } from './wire/fault.ts';
import { decodeValue } from './wire/registers.ts';
import type { Request } from './wire/request.ts';
import type { NormalResponse } from './wire/response.ts';

/** `lost`: it may have been done. `busy`: it was not, and may be in a while. `gone`: nothing was sent. */
export type LoaderAnswer<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'lost' | 'busy' | 'refused' | 'gone'; readonly words: string };
type LoaderFault = Exclude<LoaderAnswer<never>, { kind: 'done' }>;

/** With whom a firmware step waits in a lane: with nobody else. */
export const firmwarePeer = 'gateway firmware';

export class DeviceLoader {
  readonly device: IndexedDevice;
  readonly place: FirmwarePlace;
  readonly #track: Track;
  readonly #pace: Pace;
  readonly #signal: AbortSignal | undefined;
  #over: (() => void) | undefined;

  constructor(track: Track, device: IndexedDevice, place: FirmwarePlace, pace: Pace, signal?: AbortSignal) {
    this.#track = track;
    this.#pace = pace;
    this.device = device;
    this.place = place;
    this.#signal = signal;
  }

  /** The next request goes out at once, in the turn of whoever calls this; `over` is called when it is answered. */
  hold(over: () => void): void {
    this.#over = over;
  }

  async write(request: Request): Promise<LoaderAnswer<void>> {
    const answer = await this.#turn(request, true);
    // Accepted, and it takes long: what comes next is answered that it is busy.
    if (isException(answer, exception.acknowledge)) return { kind: 'done', value: undefined };
    const answered = answeredBy(answer);
    return answered.kind === 'done' ? { kind: 'done', value: undefined } : answered;
  }

  /** What its status register says. */
  async status(at: NumberPlace, states: ReadonlyMap<number, LoaderState>): Promise<LoaderAnswer<LoaderState>> {
    const code = await this.number(at);
    if (code.kind !== 'done') return code;
    const state = states.get(code.value);
    if (state !== undefined) return { kind: 'done', value: state };
    return { kind: 'refused', words: `its status is \`${code.value}\`, expected one that its address names` };
  }

  async number(at: NumberPlace): Promise<LoaderAnswer<number>> {
    const values = await this.#registers(readNumber(at));
    if (values.kind !== 'done') return values;
    const decoded = decodeValue(at, values.value);
    return decoded.ok
      ? { kind: 'done', value: Number(decoded.value) }
      : { kind: 'refused', words: decoded.fault.message };
  }

  async text({ table, register, registers, order }: TextPlace): Promise<LoaderAnswer<string>> {
    const kind = table === 'holding' ? 'readHoldingRegisters' : 'readInputRegisters';
    const values = await this.#registers({ kind, address: register, quantity: registers });
    if (values.kind !== 'done') return values;
    const decoded = decodeValue({ type: 'string', registers, order, encoding: 'latin1' }, values.value);
    return decoded.ok
      ? { kind: 'done', value: String(decoded.value).trimEnd() }
      : { kind: 'refused', words: decoded.fault.message };
  }

  /** From an even place on, at most `length` octets; `undefined`: its image cannot be read back by anybody. */
  async readBack(at: number, length: number): Promise<LoaderAnswer<Uint8Array> | undefined> {
    const { image } = this.place;
    if (image.kind !== 'file-record') return undefined;
    const answer = answeredBy(await this.#turn(readRequest(image, at, length), false));
    if (answer.kind !== 'done') return answer;
    const [octets] = answer.value.kind === 'readFileRecord' ? answer.value.records : [];
    return octets === undefined ? otherAnswer : { kind: 'done', value: octets.subarray(0, length) };
  }

  async #registers(request: Request): Promise<LoaderAnswer<Uint8Array>> {
    const answer = answeredBy(await this.#turn(request, false));
    if (answer.kind !== 'done') return answer;
    return 'values' in answer.value ? { kind: 'done', value: answer.value.values } : otherAnswer;
  }

  async #turn(request: Request, exclusive: boolean): Promise<Answer> {
    const over = this.#over;
    if (over !== undefined) {
      this.#over = undefined;
      // Aborted while its permit was redeemed.
      if (this.#signal?.aborted) {
        over();
        return aborted;
      }
      return this.#exchange(request, exclusive).finally(over);
    }
    const { lane, line } = this.#track;
    const exchange = async (): Promise<Answer> => {
      if (exclusive) await lineUp(line);
      if (this.#signal?.aborted) return aborted;
      return this.#exchange(request, exclusive);
    };
    const answer = await this.#pace.turn(() => inTurn(lane, { exclusive, peer: firmwarePeer }, exchange));
    return typeof answer === 'string' ? { kind: 'down', why: answer } : answer;
  }

  #exchange(request: Request, change: boolean): Promise<Answer> {
    return new Promise((resolve) => this.#track.line.exchange(this.device.unit, request, change, resolve));
  }
}

const aborted: Answer = { kind: 'down', why: 'it was aborted' };
const otherAnswer: LoaderFault = { kind: 'refused', words: 'the device answered something else' };
const later: readonly number[] = [exception.acknowledge, exception.serverDeviceBusy, exception.gatewayPathUnavailable];

function isException(answer: Answer, code: number): boolean {
  return answer.kind === 'response' && answer.response.kind === 'exception' && answer.response.exceptionCode === code;
}

function answeredBy(answer: Answer): LoaderAnswer<NormalResponse> {
  switch (answer.kind) {
    case 'down':
      return { kind: 'gone', words: answer.why };
    case 'lost':
      return { kind: 'lost', words: answer.why };
    case 'unanswered':
      return { kind: 'lost', words: 'no answer is given to this' };
    case 'response': {
      const { response } = answer;
      if (response.kind !== 'exception') return { kind: 'done', value: response };
      const words = `exception ${response.exceptionCode}`;
      // A gateway on the way heard nothing of the device: it may have done it.
      if (response.exceptionCode === exception.gatewayTargetDeviceFailedToRespond) return { kind: 'lost', words };
      return { kind: later.includes(response.exceptionCode) ? 'busy' : 'refused', words };
    }
  }
}
