// The road between fake sides: every answer of a device is the test's, and everything that goes out is kept.

import { compileAddresses } from '../../../drivers/bacnet/address.ts';
import { bacnetSection } from '../../../drivers/bacnet/config.ts';
import { createRoad } from '../../../drivers/bacnet/road.ts';
import type {
  Answer,
  IncomingRequest,
  InLane,
  Lane,
  NorthSide,
  NorthStation,
  PlantAnswer,
  PlantDevice,
  PlantSide,
  ReadTurn,
  RequestOptions,
  RunningRoad,
} from '../../../drivers/bacnet/seam.ts';
import type { ConfirmedRequest } from '../../../drivers/bacnet/wire/confirmed-service.ts';
import type { NetworkPriority } from '../../../drivers/bacnet/wire/npdu.ts';
import type { UnconfirmedRequest } from '../../../drivers/bacnet/wire/unconfirmed-service.ts';
import type { ServiceRequest } from '../../../simulators/bacnet/requests.ts';
import type { GateControl, SiteRules } from '../../../src/gate/options.ts';
import { driverName } from '../../../src/model/ids.ts';
import { type StageJournal, type StageLog, StageTime, snapshot } from '../../gate/stage.ts';
import { openGate, openSession } from '../gate-stage.ts';
import { AHU, request, station, VAV } from './classify-stage.ts';
import { type BundleChanges, rigBundle } from './road-rig.ts';

/** A device of another plant network, which the site says is the application `bms`. */
export const BMS = station(2001, 'other');

class FakeSides implements PlantSide, NorthSide {
  readonly sent: { readonly to: PlantDevice; readonly request: ConfirmedRequest; readonly retry: boolean }[] = [];
  readonly said: { readonly to: PlantDevice | string; readonly request: UnconfirmedRequest }[] = [];
  readonly told: {
    readonly to: NorthStation | 'broadcast';
    readonly request: UnconfirmedRequest | ConfirmedRequest;
  }[] = [];
  /** Of everything that was passed on unasked, by whichever way. */
  readonly priorities: (NetworkPriority | undefined)[] = [];
  readonly verified: PlantDevice[] = [];
  readonly known: PlantDevice[] = [AHU, VAV, BMS];
  readonly listeners: ((device: PlantDevice) => void)[] = [];
  readonly north: NorthStation[] = [];
  /** What lanes do: run at once, refuse, or let it wait too long. */
  lanes: 'run' | 'full' | 'expire' = 'run';
  /** Called while a turn begins, so that things change just before it. */
  beforeTurn: (() => void) | undefined;
  answer: (request: ConfirmedRequest, to: PlantDevice) => PlantAnswer = () => ({ kind: 'simple-ack' });

  devices(): Iterable<PlantDevice> {
    return this.known;
  }

  find(network: string, instance: number): PlantDevice | undefined {
    return this.known.find((one) => one.network === network && one.instance === instance);
  }

  lane(): Lane {
    const enter = (run: ReadTurn, waiting?: InLane): boolean => {
      if (this.lanes === 'full') return false;
      if (this.lanes === 'expire') waiting?.expire();
      else {
        this.beforeTurn?.();
        run(() => undefined)?.catch(() => undefined);
      }
      return true;
    };
    return { read: enter, change: (run, waiting) => enter(run, waiting) };
  }

  read(to: PlantDevice, request: ConfirmedRequest, answered: (answer: PlantAnswer) => void): void {
    this.sent.push({ to, request, retry: true });
    const answer = this.answer(request, to);
    queueMicrotask(() => answered(answer));
  }

  afterSends(run: () => void): void {
    run();
  }

  request(
    to: PlantDevice | NorthStation,
    request: ConfirmedRequest | PlantDevice,
    more: unknown,
    priority?: NetworkPriority,
  ): Promise<PlantAnswer> {
    if ('peer' in to) {
      this.priorities.push(priority);
      this.told.push({ to, request: more as ConfirmedRequest });
      return Promise.resolve({ kind: 'simple-ack' });
    }
    const asked = request as ConfirmedRequest;
    const options = more as RequestOptions;
    if (options.priority !== undefined) this.priorities.push(options.priority);
    this.sent.push({ to, request: asked, retry: options.retry });
    return Promise.resolve(this.answer(asked, to));
  }

  unconfirmed(
    to: PlantDevice | NorthStation | string,
    request: UnconfirmedRequest | PlantDevice,
    more?: unknown,
    priority?: NetworkPriority,
  ): boolean {
    this.priorities.push(priority);
    if (typeof to === 'object' && 'peer' in to) this.told.push({ to, request: more as UnconfirmedRequest });
    else this.said.push({ to, request: request as UnconfirmedRequest });
    return true;
  }

  onDevice(listener: (device: PlantDevice) => void): void {
    this.listeners.push(listener);
  }

  verify(device: PlantDevice): void {
    this.verified.push(device);
  }

  stations(): Iterable<NorthStation> {
    return this.north;
  }

  /** What went out that is no read. */
  get changes(): readonly ConfirmedRequest[] {
    return this.sent.filter(({ retry }) => !retry).map(({ request: sent }) => sent);
  }
}

export interface FakeStage {
  readonly sides: FakeSides;
  readonly road: RunningRoad;
  readonly gate: GateControl;
  readonly journal: StageJournal;
  readonly log: StageLog;
  readonly time: StageTime;
  readonly anna: NorthStation;
  handle(id: string): ReturnType<typeof handleIn>;
  ask(from: NorthStation | PlantDevice, asked: ServiceRequest, to?: PlantDevice): Promise<Answer>;
}

const driver = driverName('bacnet');

/** What a road answers. */
export function answerOf(road: RunningRoad, incoming: IncomingRequest): Promise<Answer> {
  return new Promise((resolve) => road.confirmed(incoming, resolve));
}

export function northAt(address: string): NorthStation {
  return { peer: { driver, listener: 'north', address, port: 47_808 }, key: `${address}:47808` };
}

export async function fakeStage(
  changes: BundleChanges & { readonly site?: Partial<SiteRules>; readonly section?: object } = {},
): Promise<FakeStage> {
  const sides = new FakeSides();
  const time = new StageTime();
  time.wall = Date.now();
  const current = snapshot(rigBundle(changes));
  const { gate, journal, log } = openGate(current, changes.site, { clock: time, timers: time });
  const anna = northAt('127.0.0.9');
  await openSession(gate, 'anna', '127.0.0.9');
  sides.north.push(anna);
  const network = { networkNumber: 200, address: '127.0.0.1' };
  const section = bacnetSection.parse({
    north: { networkNumber: 100, address: '127.0.0.2' },
    networks: { plant: network, other: { ...network, networkNumber: 300, address: '127.0.0.3' } },
    applications: [{ network: 'other', mac: BMS.mac, principal: 'bms' }],
    ...changes.section,
  });
  const own = await compiledOver(current);
  const road = createRoad({
    driver,
    section,
    gate,
    log,
    clock: time,
    timers: time,
    plant: sides,
    north: sides,
    index: () => own,
  });
  return {
    sides,
    road,
    gate,
    journal,
    log,
    time,
    anna,
    handle: (id) => handleIn(own, id),
    ask: (from, asked, to = AHU) => answerOf(road, { from, to, request: request(asked) }),
  };
}

async function compiledOver(policy: ReturnType<typeof snapshot>) {
  const index = await compileAddresses(policy.inventory, async () => undefined);
  if (!index.ok) throw new Error(JSON.stringify(index.fault));
  return index.value.index;
}

function handleIn(index: Awaited<ReturnType<typeof compiledOver>>, id: string) {
  const handle = index.inventory.find(id);
  if (handle === undefined) throw new Error(`no \`${id}\``);
  return handle;
}
