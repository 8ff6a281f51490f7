// A simulated BACnet/IP device: objects that behave, a record of every byte that arrived, and failures on demand.
// 1. What arrives is recorded and announced before it is carried out.
// 2. `stop` leaves no timer, no socket and no port behind.

import { afterAwake } from '../awake-time.ts';
import { AlarmWatch } from './alarms.ts';
import { apduLengthOf } from './apci.ts';
import { BootLoader, type BootLoaderOptions } from './boot-loader.ts';
import { CovSubscriptions } from './cov.ts';
import { sendFrom } from './datagram-port.ts';
import { describeDatagram, kindOfService } from './describe.ts';
import { deviceObject } from './device-object.ts';
import { type Asker, DeviceState, type Service, type SimulatedFile } from './device-state.ts';
import { iAm, refusalOf } from './discovery.ts';
import { encodeElements, parseElements } from './elements.ts';
import { carriesOut, type Failure, type FailureScope, Misbehaviour } from './failures.ts';
import { FanOut } from './fan-out.ts';
import { errorPair, outcomeOf, SilenceFault } from './faults.ts';
import { describeFile, resizeFile } from './file-services.ts';
import { BVLC, type Endpoint, encodeBvlc } from './framing.ts';
import { CONFIRMED, confirmedName, OBJECT_TYPE, PROPERTY, propertyName, REJECT, UNCONFIRMED } from './names.ts';
import type { SimulatedObject } from './object.ts';
import { Parameters } from './parameters.ts';
import { type ArrivedRequest, nameOf, type Outcome, type Peer } from './peer.ts';
import { type ArrivedFrame, DeviceRecord } from './record.ts';
import { confirmedServices } from './service-table.ts';
import { Station, type StationOptions, type Transmit } from './station.ts';
import { TrendLogs } from './trend.ts';
import { carryOutUnconfirmed } from './unconfirmed-services.ts';
import { app, shown, within } from './values.ts';

export interface SimulatedDeviceOptions extends StationOptions {
  readonly instance: number;
  readonly name: string;
  readonly objects: readonly SimulatedObject[];
  readonly files?: ReadonlyMap<number, SimulatedFile>;
  readonly model?: string;
  readonly firmware?: string;
  readonly bootLoader?: BootLoaderOptions;
  /** Frames of the record that are kept, default 10 000. */
  readonly keptFrames?: number;
  /** Asked for by restarts and communication control. Absent: none is needed. */
  readonly password?: string;
  /** How I-Am and I-Have go out. Default `broadcast`. */
  readonly announces?: 'broadcast' | 'unicast';
  /** Inventory ids by `analog-value,1 present-value`. */
  readonly points?: ReadonlyMap<string, string>;
  /** Called by `advance` with the seconds since the last call and since the start. */
  readonly behave?: (device: SimulatedDevice, seconds: number, elapsed: number) => void;
  /** One line for every write that reached the device. Default: none. */
  readonly log?: (line: string, frame: ArrivedFrame) => void;
  readonly now?: () => number;
}

const ABORT_OTHER = 0;
const NOTIFICATIONS: readonly number[] = [
  CONFIRMED['confirmed-cov-notification'],
  CONFIRMED['confirmed-event-notification'],
];

export class SimulatedDevice {
  readonly name: string;
  readonly record: DeviceRecord;
  readonly state: DeviceState;
  readonly cov: CovSubscriptions;
  /** Notifications that reached this device, one line each. */
  readonly heard: string[] = [];
  readonly #options: SimulatedDeviceOptions;
  readonly #alarms: AlarmWatch;
  readonly #fanOut: FanOut;
  readonly #trends: TrendLogs;
  readonly #services: ReadonlyMap<number, Service>;
  readonly #timers = new Set<{ cancel(): void }>();
  readonly #loader: BootLoader | undefined;
  #station: Station | undefined;
  readonly #misbehaviour = new Misbehaviour();
  #held: (() => void)[] = [];
  #elapsed = 0;
  #down = false;
  #asking: Peer | undefined;

  private constructor(options: SimulatedDeviceOptions) {
    this.name = options.name;
    this.#options = options;
    const now = options.now ?? Date.now;
    this.record = new DeviceRecord(options.keptFrames);
    const device = deviceObject(
      options,
      () => this.state,
      () => this.cov.active(),
    );
    this.state = new DeviceState(device, options.password, now);
    this.cov = new CovSubscriptions(this.state, now);
    this.#alarms = new AlarmWatch(this.state);
    this.#fanOut = new FanOut(this.state);
    this.#trends = new TrendLogs(this.state);
    for (const object of options.objects) this.state.add(object);
    for (const [instance, file] of options.files ?? []) {
      this.state.files.set(instance, { ...file });
      const object = this.state.objects.get(`file,${instance}`);
      if (object !== undefined) describeFile(this.state, object, file);
    }
    this.state.watchers.push((change) => {
      if (change.object.ref.type === OBJECT_TYPE.file && change.property === PROPERTY['file-size'])
        resizeFile(this.state, change.object);
      if (this.#asking === undefined) return;
      this.record.addApplied({
        at: now(),
        target: `${change.object.key} ${propertyName(change.property)}`,
        value: shown(change.value),
        peer: nameOf(this.#asking),
        ...(change.priority === undefined ? {} : { priority: change.priority }),
      });
    });
    this.#services = confirmedServices(this.cov, () => this.#restarted());
    if (options.bootLoader !== undefined) {
      const later = (ms: number, then: () => void): void => this.#later(ms, then);
      const host = { state: this.state, later, now, restarted: () => this.#restarted() };
      this.#loader = new BootLoader(options.bootLoader, host);
      this.state.loader = this.#loader;
    }
  }

  /** Starts a device at its address. Fails as `dgram` does where the address or port cannot be had. */
  static async start(options: SimulatedDeviceOptions): Promise<SimulatedDevice> {
    const device = new SimulatedDevice(options);
    const station = await Station.open(options, {
      datagram: (bytes, from, direction) => {
        if (direction === 'in' && from !== 'broadcast') device.#note(bytes, from);
      },
      confirmed: (request) => device.#confirmed(request),
      unconfirmed: (service, payload, peer) => device.#unconfirmed(service, payload, peer),
      control: (bvlcFunction, _payload, from) => device.#control(bvlcFunction, from),
    });
    device.#station = station;
    device.state.outbound = {
      confirmed: (to, service, payload) => {
        if (device.#mute) return;
        // Nobody hears of a notification that was not acknowledged; the station has tried again.
        station.request(to, service, payload).catch(() => undefined);
      },
      unconfirmed: (to, service, payload) => {
        if (!device.#mute) station.unconfirmed(service, payload, to);
      },
    };
    return device;
  }

  get endpoint(): Endpoint {
    return this.#running.endpoint;
  }

  get instance(): number {
    return this.state.instance;
  }

  /** Throws where the device has no such object. */
  object(key: string): SimulatedObject {
    const found = this.state.objects.get(key);
    if (found === undefined) throw new Error(`\`${this.name}\` has no object \`${key}\``);
    return found;
  }

  /** Throws where the device has none. */
  get loader(): BootLoader {
    if (this.#loader === undefined) throw new Error(`\`${this.name}\` has no boot loader`);
    return this.#loader;
  }

  /** A measured analog value as the process brings it about. */
  measure(key: string, value: number): void {
    this.object(key).set('present-value', [app.real(value)]);
  }

  /** From now on the device fails in this way, until `times` is used up or `behave()` is called. */
  fail(failure: Failure, scope: FailureScope = {}): void {
    this.#misbehaviour.begin(failure, scope);
  }

  /** Fails, or does not, with each of the next requests in this order. */
  failInTurn(failures: readonly (Failure | undefined)[]): void {
    this.#misbehaviour.beginInTurn(failures);
  }

  /** No more failures. Answers that are held stay held. */
  behave(): void {
    this.#misbehaviour.end();
  }

  get held(): number {
    return this.#held.length;
  }

  /** Sends the answers that were held back, oldest first. */
  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const send of held) send();
  }

  /** Takes the device off the network as a power failure does: it hears nothing and forgets its subscriptions. Until `boot()`. */
  powerOff(): void {
    this.#down = true;
    this.cov.clear();
  }

  boot(): void {
    this.#down = false;
    if (this.#loader === undefined) this.#restarted();
    else this.#loader.powered();
  }

  /** The device gives itself another instance number and says so. */
  renumber(instance: number): void {
    this.state.device.set('object-identifier', [app.object({ type: OBJECT_TYPE.device, instance })]);
    this.announce();
  }

  /** An unsolicited I-Am. */
  announce(): void {
    this.state.outbound.unconfirmed('broadcast', UNCONFIRMED['i-am'], this.#iAm());
  }

  /** Lets the plant go on by so many seconds. */
  advance(seconds: number): void {
    this.#elapsed += seconds;
    this.#options.behave?.(this, seconds, this.#elapsed);
    this.#fanOut.advance();
    this.#alarms.advance(seconds);
    this.#trends.advance(seconds);
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#held = [];
    await this.#station?.stop();
  }

  #iAm(): Buffer {
    return iAm(this.state.device, this.#running);
  }

  get #running(): Station {
    if (this.#station === undefined) throw new Error(`\`${this.name}\` is not running`);
    return this.#station;
  }

  /** Says nothing of its own accord. */
  get #mute(): boolean {
    return this.#isOff || this.state.communication !== 'enabled';
  }

  get #isOff(): boolean {
    return this.#down || this.#loader?.isSilent === true;
  }

  #note(bytes: Buffer, from: Endpoint): void {
    const at = (this.#options.now ?? Date.now)();
    const described = describeDatagram(bytes);
    const points = described.targets.flatMap((target) => this.#options.points?.get(target) ?? []);
    const summary = points.length === 0 ? described.summary : `${described.summary} (${points.join(', ')})`;
    const peer = `${from.host}:${from.port}`;
    const frame = { ...described, at, peer, bytes: Buffer.from(bytes), points, summary };
    this.record.add(frame);
    if (frame.kind === 'write') this.#options.log?.(`${this.name}: ${summary} from ${peer}`, frame);
  }

  #confirmed(request: ArrivedRequest): void {
    const { service } = request.header;
    const isControl: readonly number[] = [CONFIRMED['device-communication-control'], CONFIRMED['reinitialize-device']];
    const deaf = this.state.communication === 'disabled' && !isControl.includes(service);
    if (this.#isOff || deaf) return;
    const failure = this.#misbehaviour.next(kindOfService(confirmedName(service) ?? ''));
    const outcome = this.#outcome(request, failure);
    if (outcome !== undefined) this.#later(this.#loader?.takeMs() ?? 0, () => this.#send(request, outcome, failure));
    this.state.answered();
  }

  #outcome(request: ArrivedRequest, failure: Failure | undefined): Outcome | undefined {
    if (failure?.kind === 'error') {
      return { kind: 'error', payload: encodeElements(errorPair([failure.errorClass, failure.errorCode])) };
    }
    if (failure?.kind === 'reject' || failure?.kind === 'abort') return { kind: failure.kind, reason: failure.reason };
    if (!carriesOut(failure)) return { kind: 'abort', reason: ABORT_OTHER };
    const { header, peer, payload } = request;
    const service = this.#services.get(header.service);
    if (service === undefined) return { kind: 'reject', reason: REJECT['unrecognized-service'] };
    const limit = Math.min(apduLengthOf(header.maxApdu), this.#running.maxApdu);
    const whole = !this.#running.segmented || !header.segmentedAnswerAccepted;
    const asker: Asker = { peer, room: whole ? limit - 3 : 32_768 };
    this.#asking = peer;
    try {
      this.#loader?.checkService(header.service);
      const acknowledged = service(this.state, new Parameters(parseElements(payload)), asker);
      if (NOTIFICATIONS.includes(header.service))
        this.heard.push(`${confirmedName(header.service)} from ${nameOf(peer)}`);
      return acknowledged === undefined ? { kind: 'simple-ack' } : { kind: 'complex-ack', payload: acknowledged };
    } catch (fault) {
      return fault instanceof SilenceFault ? undefined : outcomeOf(fault);
    } finally {
      this.#asking = undefined;
    }
  }

  #send(request: ArrivedRequest, outcome: Outcome, failure: Failure | undefined): void {
    const station = this.#running;
    const answer = (shift = 0, transmit?: Transmit): void => station.answer(request, outcome, shift, transmit);
    switch (failure?.kind) {
      case 'silence':
        return;
      case 'raw':
        station.sendRaw(failure.bytes, request.peer.endpoint);
        return;
      case 'hold':
        this.#held.push(answer);
        return;
      case 'delay':
        this.#later(failure.ms, answer);
        return;
      case 'twice':
        answer();
        answer();
        return;
      case 'wrong-invoke-id':
        answer(failure.by);
        return;
      case 'elsewhere':
        answer(0, (bytes, to) => sendFrom(failure.host, bytes, to));
        return;
      default:
        answer();
    }
  }

  #unconfirmed(service: number, payload: Buffer, peer: Peer): void {
    if (this.#isOff || this.state.communication === 'disabled') return;
    this.#asking = peer;
    try {
      const host = { state: this.state, fanOut: this.#fanOut, heard: this.heard, iAm: this.#iAm() };
      const answer = carryOutUnconfirmed(host, service, new Parameters(parseElements(payload)), peer);
      if (answer !== undefined) this.#announceTo(peer, answer.service, answer.payload);
    } catch (fault) {
      // There is no answer to give; what cannot be read is dropped. A bug of the device's own still comes out.
      outcomeOf(fault);
    } finally {
      this.#asking = undefined;
    }
    this.state.answered();
  }

  #announceTo(peer: Peer, service: number, payload: Buffer): void {
    if (this.#options.announces === 'unicast') this.#running.unconfirmed(service, payload, peer);
    else
      this.#running.unconfirmed(
        service,
        payload,
        'broadcast',
        peer.route && { network: peer.route.network, mac: Buffer.alloc(0) },
      );
  }

  /** What every restart is followed by: subscriptions gone, the device back on the network. */
  #restarted(): void {
    this.cov.clear();
    this.state.setCommunication('enabled', undefined);
    this.state.device.set('time-of-device-restart', [
      within(2, app.date(this.state.now()), app.time(this.state.now())),
    ]);
    this.announce();
  }

  /** A device that is no BBMD refuses to be one. */
  #control(bvlcFunction: number, from: Endpoint): void {
    const refusal = refusalOf(bvlcFunction);
    if (this.#isOff || refusal === undefined) return;
    this.#running.sendRaw(encodeBvlc(BVLC.result, Buffer.from([0, refusal])), from);
  }

  #later(ms: number, send: () => void): void {
    if (ms === 0) {
      send();
      return;
    }
    const timer = afterAwake(ms, () => {
      this.#timers.delete(timer);
      send();
    });
    this.#timers.add(timer);
  }
}
