// The road of one frame behind its decoding: route, classify, judge, lane, answer. It decides nothing: gate and policy do.
// 1. Every frame gets one reply, an answer or silence. 2. A read is judged when it comes and again where rights or the
// inventory changed before its turn. 3. A change goes south only through `carryOut`.

import type { Clock } from '../../src/contract/clock.ts';
import type { Caller, Change, Denial, Gate, Judgement, Permit, Reader } from '../../src/contract/gate.ts';
import type { Log } from '../../src/contract/log.ts';
import type { RawTransfers } from '../../src/contract/raw-transfers.ts';
import type { DenialReason } from '../../src/model/decision.ts';
import type { IndexedDevice, ModbusIndex } from './address.ts';
import { asker as askerOf, type Carried, carryOut } from './carry-out.ts';
import { type Classification, classify, readVerdict, type SitePermits } from './classify.ts';
import type { Counters } from './counters.ts';
import type { Exponents } from './effects.ts';
import { isRestart } from './firmware-frame.ts';
import type { Turn } from './lane.ts';
import type { Answer } from './line.ts';
import type { ModbusChange } from './modbus-change.ts';
import { readExponents } from './point-reading.ts';
import { exceptionFor, exceptionForRead } from './refuse.ts';
import type { Route } from './routes.ts';
import { exceptionCodes } from './wire/fault.ts';
import { functionCodeOf, type Request } from './wire/request.ts';
import type { Response } from './wire/response.ts';

/** One conversation's side of the road. */
export interface Asker {
  /** The caller as of now. */
  caller(): Caller;
  /** A view valid in this tick. */
  reader(): Reader;
  readonly peer: string;
}

/** The one reply to a frame; `undefined` is silence. */
type Reply = (response: Response | undefined) => void;

/** What a road belongs to, as it is now. */
interface RoadServices {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: Log;
  readonly permits: SitePermits;
  readonly counters: Counters;
  readonly transfers: RawTransfers;
  /** The index in force; `undefined` without a policy. */
  index(): ModbusIndex | undefined;
  /** Grows with every change of rights. */
  standing(): number;
}

type Reachable = Exclude<Route, { readonly kind: 'nowhere' }>;

function exception(request: Request, exceptionCode: number): Response {
  return { kind: 'exception', functionCode: functionCodeOf(request), exceptionCode };
}

/** What a lost or unsent read is answered with; everything the device said is passed on. */
function responseOf(request: Request, answer: Answer): Response {
  return answer.kind === 'response'
    ? answer.response
    : exception(request, exceptionCodes.gatewayTargetDeviceFailedToRespond);
}

export class Road {
  readonly #services: RoadServices;
  readonly #transfers: RawTransfers;

  constructor(services: RoadServices) {
    this.#services = services;
    this.#transfers = services.transfers;
  }

  take(asker: Asker, route: Route | undefined, unitId: number, request: Request, reply: Reply): void {
    if (route === undefined || route.kind === 'nowhere') {
      this.#nowhere(asker, route, unitId, request, reply);
      return;
    }
    const answer = route.broadcast ? (): void => reply(undefined) : reply;
    const { gate, counters } = this.#services;
    const what = this.#classify(asker, route, request);
    switch (what.kind) {
      case 'observation':
        this.#observe(asker, route, request, answer);
        return;
      case 'unsupported':
        this.#refuse(asker, request, 'unsupported', what.detail, answer);
        return;
      case 'change': {
        counters.changes += 1;
        const judgement = gate.judge(asker.caller(), what.change);
        if (!judgement.permitted) this.#deny(request, judgement.denial, answer);
        else {
          // What comes right behind it is within the transfer, before this is answered.
          this.#begun(asker, route, what.change);
          this.#change(asker, route, request, judgement.permit, what, answer);
        }
      }
    }
  }

  #classify(asker: Asker, route: Reachable, request: Request, exponents?: Exponents): Classification {
    const idOf = ({ handle }: IndexedDevice): string => route.index.inventory.idOf(handle);
    return classify(request, route, this.#services.permits, exponents, {
      isUnderWay: (device) => this.#transfers.isUnderWay(idOf(device), asker.caller()),
      mayHold: (device) => this.#transfers.mayHold(idOf(device)),
    });
  }

  #nowhere(asker: Asker, route: Route | undefined, unitId: number, request: Request, reply: Reply): void {
    const { gate, counters, index } = this.#services;
    const hasPolicy = index() !== undefined;
    const detail =
      route?.kind === 'nowhere' ? `unit \`${unitId}\`: ${route.why}` : `unit \`${unitId}\` is no device here`;
    counters.refused += 1;
    const reason = hasPolicy ? 'unknown-target' : 'no-policy';
    gate.refuse(asker.caller(), { operation: operationOf(request), reason, detail });
    const isBroadcast = route?.kind === 'nowhere' && route.silent;
    reply(isBroadcast ? undefined : exception(request, exceptionCodes.gatewayPathUnavailable));
  }

  #refuse(asker: Asker, request: Request, reason: DenialReason, detail: string, reply: Reply): void {
    this.#services.counters.refused += 1;
    this.#services.gate.refuse(asker.caller(), { operation: operationOf(request), reason, detail });
    reply(exception(request, exceptionFor(reason)));
  }

  #deny(request: Request, denial: Denial, reply: Reply): void {
    this.#services.counters.refused += 1;
    reply(exception(request, exceptionFor(denial.reason)));
  }

  #observe(asker: Asker, route: Reachable, request: Request, reply: Reply): void {
    if (!this.#mayRead(asker, route, request, reply)) return;
    const { standing } = this.#services;
    if (!route.track.lane.enter(new ReadTurn(asker, route, request, reply, this, standing())))
      this.busy(request, reply);
  }

  #mayRead(asker: Asker, route: Reachable, request: Request, reply: Reply): boolean {
    const verdict = readVerdict(request, route.index, route.device, asker.reader());
    const { counters, gate } = this.#services;
    counters.reads += 1;
    if (verdict.denied === 0) return true;
    counters.reads_refused += 1;
    gate.countDeniedReads(asker.caller(), verdict.denied);
    reply(exception(request, exceptionForRead(verdict)));
    return false;
  }

  busy(request: Request, reply: Reply): void {
    this.#services.counters.busy += 1;
    reply(exception(request, exceptionCodes.serverDeviceBusy));
  }

  /** Whether what was judged before may still go out: rights are looked at again where they moved. */
  stillReads(turn: ReadTurn): boolean {
    if (turn.standing === this.#services.standing()) return true;
    if (!this.#isCurrent(turn.route.index)) {
      this.busy(turn.request, turn.reply);
      return false;
    }
    return this.#mayRead(turn.asker, turn.route, turn.request, turn.reply);
  }

  #isCurrent(index: ModbusIndex): boolean {
    return this.#services.index()?.inventory === index.inventory;
  }

  #change(
    asker: Asker,
    route: Reachable,
    request: Request,
    permit: Permit<ModbusChange>,
    what: Extract<Classification, { kind: 'change' }>,
    reply: Reply,
  ): void {
    const { gate, log } = this.#services;
    const { lane } = route.track;
    let isTold = false;
    const tellOnce: Reply = (response) => {
      if (!isTold) reply(response);
      isTold = true;
    };
    const turn: Turn = {
      exclusive: true,
      peer: asker.peer,
      start: () => {
        this.#carry(asker, route, request, permit, what, tellOnce)
          .catch((error: unknown) => {
            // Only our own bug comes here: this change is refused, and it is said loudly.
            const why = error instanceof Error ? error.message : String(error);
            log.write('error', 'change.failed', { operation: request.kind, why }, `a change failed: ${why}`);
            tellOnce(exception(request, exceptionCodes.serverDeviceFailure));
          })
          .finally(() => lane.done());
      },
      expire: () => {
        gate.abandon(permit, 'the device was busy for too long');
        this.busy(request, reply);
      },
    };
    if (lane.enter(turn)) return;
    gate.abandon(permit, 'too many requests wait for the device');
    this.busy(request, reply);
  }

  async #carry(
    asker: Asker,
    route: Reachable,
    request: Request,
    permit: Permit<ModbusChange>,
    what: Extract<Classification, { kind: 'change' }>,
    reply: Reply,
  ): Promise<void> {
    const { gate } = this.#services;
    const { index, devices, track } = route;
    let current = permit;
    if (what.needed.size > 0) {
      const scaled = await this.#judgeScaled(asker, route, request, permit, what.needed);
      if (typeof scaled === 'string') {
        reply(exception(request, exceptionCodes.gatewayTargetDeviceFailedToRespond));
        return;
      }
      if (!scaled.permitted) {
        this.#deny(request, scaled.denial, reply);
        return;
      }
      current = scaled.permit;
    }
    const isCurrent = (): boolean => this.#isCurrent(index);
    const parts = { gate, line: track.line, index, isCurrent, readsBack: false };
    await carryOut(parts, current, devices, (carried) => {
      this.#transferred(asker, route, request, what.change, carried);
      reply(this.#told(request, carried));
    });
  }

  #begun(asker: Asker, { index }: Reachable, { transfer, rawImage }: Change<ModbusChange>): void {
    if (transfer === undefined || rawImage !== true || transfer.ends) return;
    this.#transfers.begun(index.inventory.idOf(transfer.device), asker.caller());
  }

  /** A frame that went out: until its transfer ends, a restart by the same person belongs to it; what it left or put into use is known. */
  #transferred(
    asker: Asker,
    { index, devices }: Reachable,
    request: Request,
    { transfer, rawImage }: Change<ModbusChange>,
    carried: Carried,
  ): void {
    const wasSent =
      carried.kind !== 'refused' && carried.kind !== 'withdrawn' && (carried.kind !== 'failed' || carried.sent);
    if (!wasSent) return;
    const isRefused = carried.kind === 'response' && carried.response.kind === 'exception';
    const ids = devices.map(({ handle }) => index.inventory.idOf(handle));
    if (transfer !== undefined && rawImage === true) {
      const device = index.inventory.idOf(transfer.device);
      if (transfer.ends) this.#transfers.ended(device);
      else if (isRefused) this.#transfers.begun(device, asker.caller());
      else this.#transfers.wrote(device, asker.caller());
    }
    if (!isRefused && (transfer?.ends || isRestart(request))) for (const id of ids) this.#transfers.settled(id);
  }

  /**
   * The value of a scaled point is known only with its exponent: read it, then judge what the point would really get.
   * It is the lane turn in which the change is sent, so no other change of the gateway's comes between.
   */
  async #judgeScaled(
    asker: Asker,
    route: Reachable,
    request: Request,
    permit: Permit<ModbusChange>,
    needed: ReadonlySet<number>,
  ): Promise<Judgement<ModbusChange> | string> {
    const { gate } = this.#services;
    const exponents = await readExponents(route.device, needed, askerOf(route.track.line));
    if (typeof exponents === 'string') {
      gate.abandon(permit, `a scale register could not be read: ${exponents}`);
      return exponents;
    }
    // The first permit only told that the rights are there; it goes nowhere, and the second judgement is the record.
    const again = this.#classify(asker, route, request, exponents);
    if (again.kind !== 'change') return 'the request changed its kind';
    return gate.judge(asker.caller(), again.change);
  }

  #told(request: Request, carried: Carried): Response | undefined {
    switch (carried.kind) {
      case 'response':
        return carried.response;
      case 'unanswered':
        return undefined;
      case 'refused':
        this.#services.counters.refused += 1;
        return exception(request, exceptionFor(carried.denial.reason));
      case 'withdrawn':
        return exception(request, exceptionCodes.serverDeviceBusy);
      case 'failed':
        return exception(request, exceptionCodes.gatewayTargetDeviceFailedToRespond);
    }
  }
}

/** The standard's word for a request; a function nobody knows by its code. */
function operationOf(request: Request): string {
  return request.kind === 'unsupported' ? `function${request.functionCode}` : request.kind;
}

/** One permitted read in a lane. */
class ReadTurn implements Turn {
  readonly exclusive = false;
  readonly peer: string;
  readonly asker: Asker;
  readonly route: Reachable;
  readonly request: Request;
  readonly reply: Reply;
  readonly standing: number;
  readonly #road: Road;

  constructor(asker: Asker, route: Reachable, request: Request, reply: Reply, road: Road, standing: number) {
    this.peer = asker.peer;
    this.asker = asker;
    this.route = route;
    this.request = request;
    this.reply = reply;
    this.standing = standing;
    this.#road = road;
  }

  start(): void {
    const { lane, line } = this.route.track;
    if (!this.#road.stillReads(this)) {
      lane.done();
      return;
    }
    line.exchange(this.route.device.unit, this.request, false, (answer) => {
      lane.done();
      this.reply(responseOf(this.request, answer));
    });
  }

  expire(): void {
    this.#road.busy(this.request, this.reply);
  }
}
