// One simulated Modbus device: registers that behave, a record of all that arrived, and failures on demand.
// 1. What arrives is recorded and announced before it is carried out.
// 2. The transports know nothing of registers; this file knows nothing of sockets.

import { ArrivalRecord } from '../arrival-record.ts';
import { afterAwake } from '../awake-time.ts';
import { BootLoader, type BootLoaderOptions } from './boot-loader.ts';
import { carriesOut, disfigure, type Failure, type FailureScope, type Reply } from './failures.ts';
import { type DeviceState, type Execution, exceptionPdu, execute } from './functions.ts';
import { LoaderFront, type LoaderFrontOptions } from './loader-front.ts';
import { type ArrivedFrame, describeRequest } from './record.ts';
import { type MappedPoint, type PlainRegisters, RegisterBank } from './register-bank.ts';

interface SimulatedDeviceOptions {
  readonly name: string;
  readonly points: readonly MappedPoint[];
  readonly plain?: readonly PlainRegisters[];
  readonly files?: ReadonlyMap<number, readonly number[]>;
  readonly queues?: ReadonlyMap<number, readonly number[]>;
  /** Identification objects 0 to 6: vendor, product code, revision, URL, product, model, application. */
  readonly identification?: ReadonlyMap<number, string>;
  /** Its boot loader, and how that is spoken to. */
  readonly bootLoader?: BootLoaderOptions & LoaderFrontOptions;
  /** Called by `advance` with the seconds since the last call and since the start: drift and reactions. */
  readonly behave?: (bank: RegisterBank, seconds: number, elapsed: number) => void;
  /** One line for every write (and every frame nobody knows) that reached the device. Default: none. */
  readonly log?: (line: string, frame: ArrivedFrame) => void;
  readonly now?: () => number;
}

/** A request as a transport hands it over. */
interface ArrivedRequest {
  readonly peer: string;
  readonly unit: number;
  readonly pdu: Buffer;
  readonly bytes: Buffer;
}

/** Where the transport wants the answer; `close` ends the connection without one. */
export interface ReplyPath {
  readonly send: (reply: Reply) => void;
  readonly close: () => void;
}

interface Misbehaviour {
  readonly failure: Failure;
  readonly scope: FailureScope;
  left: number;
}

export class SimulatedDevice {
  readonly name: string;
  readonly record = new ArrivalRecord<ArrivedFrame>();
  readonly bank: RegisterBank;
  readonly state: DeviceState;
  readonly #options: SimulatedDeviceOptions;
  readonly #front: LoaderFront | undefined;
  readonly #timers = new Set<{ cancel(): void }>();
  #misbehaviour: Misbehaviour | undefined;
  #inTurn: (Failure | undefined)[] = [];
  #held: (() => void)[] = [];
  #elapsed = 0;

  constructor(options: SimulatedDeviceOptions) {
    this.name = options.name;
    this.#options = options;
    this.bank = new RegisterBank(options.points, options.plain);
    const { bootLoader, now = Date.now } = options;
    if (bootLoader !== undefined) {
      const later = (ms: number, then: () => void): void => this.#later(ms, then);
      this.#front = new LoaderFront(new BootLoader(bootLoader, { later, now }), bootLoader);
    }
    this.state = {
      bank: this.bank,
      files: copied(options.files),
      queues: copied(options.queues),
      identification: options.identification ?? new Map([[1, options.name]]),
      exceptionStatus: 0,
      listenOnly: false,
      restarts: 0,
      eventCount: 0,
      messageCount: 0,
      exceptionCount: 0,
    };
  }

  /** From now on the device fails in this way, until `times` is used up or `behave()` is called. */
  fail(failure: Failure, scope: FailureScope = {}): void {
    this.#misbehaviour = { failure, scope, left: scope.times ?? Number.POSITIVE_INFINITY };
  }

  /** One for each request that comes, in this order, none where it is `undefined`; after them what `fail` says. */
  failInTurn(failures: readonly (Failure | undefined)[]): void {
    this.#inTurn = [...failures];
  }

  /** No more failures. Answers that are held stay held. */
  behave(): void {
    this.#misbehaviour = undefined;
    this.#inTurn = [];
  }

  /** Throws where the device has no boot loader. */
  get front(): LoaderFront {
    if (this.#front === undefined) throw new Error(`\`${this.name}\` has no boot loader`);
    return this.#front;
  }

  get loader(): BootLoader {
    return this.front.loader;
  }

  /** How many answers are held back. */
  get held(): number {
    return this.#held.length;
  }

  /** Sends the answers that were held back, oldest first. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
  }

  /** Lets the plant go on by so many seconds. */
  advance(seconds: number): void {
    this.#elapsed += seconds;
    this.#options.behave?.(this.bank, seconds, this.#elapsed);
  }

  /** One request, recorded, carried out and answered along `path`. A broadcast comes with a path that drops the answer. */
  receive(request: ArrivedRequest, path: ReplyPath): void {
    const described = describeRequest(request.pdu, this.bank);
    const functionCode = request.pdu.readUInt8(0);
    const frame = this.#note(request, { ...described, functionCode });
    const failure = this.#failureFor(frame);
    if (this.#front?.loader.isSilent) return;
    const result = carriesOut(failure) ? this.#execute(request.pdu) : 'no-answer';
    if (frame.kind !== 'read' && !this.#goesOn(request.pdu))
      this.#announce(frame, typeof result === 'number' ? ` -> exception ${result}` : '');
    if (failure?.kind === 'refuse') path.close();
    else if (failure?.kind === 'exception') path.send({ pdu: exceptionPdu(functionCode, failure.code) });
    else if (failure?.kind === 'raw') path.send({ pdu: failure.pdu });
    else if (failure?.kind !== 'silence' && result !== 'no-answer') {
      const pdu = typeof result === 'number' ? exceptionPdu(functionCode, result) : Buffer.from(result);
      this.#answer(disfigure(pdu, failure), failure, path);
    }
  }

  /** Bytes that were no frame, or the beginning of one that never ended. */
  receiveJunk(peer: string, bytes: Buffer): void {
    const summary = `${bytes.length} bytes that are no frame`;
    const frame = this.#note({ peer, unit: 0, bytes }, { kind: 'other', points: [], summary, functionCode: 0 });
    this.#announce(frame, '');
  }

  /** Ends what is still delayed or held. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#held = [];
  }

  /** Of an image that comes in a thousand pieces the first one is told. */
  #goesOn(pdu: Buffer): boolean {
    const isPiece = this.#front?.isPiece(pdu) === true;
    return isPiece && (this.#front?.loader.transfers.at(-1)?.blocks ?? 0) > 1;
  }

  #execute(pdu: Buffer): Execution {
    return this.#front?.execute(pdu) ?? execute(pdu, this.state);
  }

  #note(
    from: { readonly peer: string; readonly unit: number; readonly bytes: Buffer },
    described: Pick<ArrivedFrame, 'kind' | 'points' | 'summary' | 'functionCode'>,
  ): ArrivedFrame {
    const at = (this.#options.now ?? Date.now)();
    const frame = { at, peer: from.peer, unit: from.unit, bytes: Buffer.from(from.bytes), ...described };
    this.record.add(frame);
    return frame;
  }

  #announce(frame: ArrivedFrame, outcome: string): void {
    const values = frame.points.map((id) => ` ${id}=${shown(this.bank.get(id))}`).join('');
    this.#options.log?.(
      `${this.name}: ${frame.summary} from ${frame.peer}${outcome}${values && ` ->${values}`}`,
      frame,
    );
  }

  #failureFor(frame: ArrivedFrame): Failure | undefined {
    if (this.#inTurn.length > 0) return this.#inTurn.shift();
    const current = this.#misbehaviour;
    if (current === undefined || (current.scope.on !== undefined && current.scope.on !== frame.kind)) return undefined;
    current.left -= 1;
    if (current.left <= 0) this.#misbehaviour = undefined;
    return current.failure;
  }

  #answer(reply: Reply, failure: Failure | undefined, path: ReplyPath): void {
    if (failure?.kind === 'hold') this.#held.push(() => path.send(reply));
    else if (failure?.kind === 'delay') this.#later(failure.ms, () => path.send(reply));
    else path.send(reply);
  }

  #later(ms: number, send: () => void): void {
    const timer = afterAwake(ms, () => {
      this.#timers.delete(timer);
      send();
    });
    this.#timers.add(timer);
  }
}

function copied(lists: ReadonlyMap<number, readonly number[]> | undefined): Map<number, number[]> {
  return new Map([...(lists ?? [])].map(([key, values]) => [key, [...values]]));
}

function shown(value: number | bigint | boolean | string): string {
  return typeof value === 'number' ? String(Math.round(value * 1000) / 1000) : String(value);
}
