// Values as the page sees them: read once for everybody who looks, kept with quality and age. Invariants: 1. a device is asked
// for one round at a time, and rests at least four times as long as a round took; 2. what nobody looks at is read only for
// its trend; 3. handles are looked up anew for every round, so an inventory may be replaced in between; 4. what a device tells of
// by itself is read only now and then, to be sure that it still does.

import type { Clock, Timers } from '../contract/clock.ts';
import type { Reading, RunningDriver, Watch } from '../contract/driver.ts';
import type { InventoryDevice, InventoryView, PointValue } from '../model/point.ts';
import { isSameValue } from '../model/same-value.ts';
import type { Trends } from './trend.ts';

const AT_ONCE = 32;
const RESTS = 4;
/** How often what a device tells of by itself is read all the same. */
const SURE_MS = 60_000;
/** A value that stays the same is told again when it has been read so much later: what is shown of its age stays true. */
const REPEAT_MS = 10_000;

export type LiveValue =
  | { readonly quality: 'never'; readonly why?: string }
  | { readonly quality: 'good'; readonly value: PointValue; readonly at: number }
  | { readonly quality: 'bad'; readonly value: PointValue; readonly at: number; readonly why: string };

export interface LiveValues {
  cached(point: string): LiveValue;
  /** Not older than `maxAgeMs`, or read now. */
  fresh(point: string, maxAgeMs: number): Promise<LiveValue>;
  /** Told whenever a value or its quality changed, and now and then that it is the same still, until the returned function is called. */
  subscribe(points: readonly string[], changed: (point: string, value: LiveValue) => void): () => void;
  /** Read again at once: somebody wrote. */
  touch(points: readonly string[]): void;
  /** How many points somebody looks at. */
  readonly looked: number;
  driverOf(device: InventoryDevice): { readonly name: string; readonly driver: RunningDriver } | undefined;
  stop(): void;
}

interface LiveOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly drivers: ReadonlyMap<string, RunningDriver>;
  readonly trends: Trends;
  readonly pollMs: number;
  /** 0 = never. */
  readonly sampleMs: number;
  inventory(): InventoryView | undefined;
}

type Listener = (point: string, value: LiveValue) => void;

/** Of a point that somebody looks at; where the device does not tell, it stays without `stop` and is read. */
interface Told {
  stop?: Watch;
  isOver: boolean;
}

interface Loop {
  readonly looked: Set<string>;
  timer: { cancel(): void } | undefined;
  running: boolean;
}

export function createLiveValues(options: LiveOptions): LiveValues {
  const { clock, timers, drivers, trends, pollMs, sampleMs } = options;
  const cache = new Map<string, LiveValue>();
  /** The time of each value that was told last. */
  const toldAt = new Map<string, number>();
  /** Written since they were read. */
  const written = new Set<string>();
  /** By device id. */
  const loops = new Map<string, Loop>();
  /** By point. */
  const listeners = new Map<string, Set<Listener>>();
  const reading = new Map<string, Promise<void>>();
  /** By point, from the first who looks to the last. */
  const told = new Map<string, Told>();
  let stopped = false;
  let sampler: { cancel(): void } | undefined;

  const cached = (point: string): LiveValue => cache.get(point) ?? { quality: 'never' };

  const driverOf = (device: InventoryDevice) => driverFor(drivers, device);

  function deviceOf(point: string): InventoryDevice | undefined {
    const inventory = options.inventory();
    const handle = inventory?.find(point);
    const found = handle === undefined ? undefined : inventory?.point(handle);
    return found && inventory?.device(found.device);
  }

  function keep(point: string, value: LiveValue): void {
    written.delete(point);
    const before = cache.get(point);
    cache.set(point, value);
    const changed =
      before?.quality !== value.quality ||
      (before.quality !== 'never' && value.quality !== 'never' && !Object.is(before.value, value.value));
    if (value.quality === 'good') {
      const { value: read, at } = value;
      if (typeof read === 'number' || typeof read === 'bigint' || typeof read === 'boolean') {
        trends.add(point, at, Number(read));
      }
    }
    const isSameStill = value.quality === 'good' && value.at - (toldAt.get(point) ?? 0) >= REPEAT_MS;
    if (!changed && !isSameStill) return;
    if (value.quality === 'good') toldAt.set(point, value.at);
    for (const listener of listeners.get(point) ?? []) listener(point, value);
  }

  function forgetGone(point: string): void {
    if (options.inventory()?.find(point) !== undefined) return;
    cache.delete(point);
    toldAt.delete(point);
  }

  function keepFault(point: string, why: string): void {
    const before = cached(point);
    if (before.quality === 'never') keep(point, { quality: 'never', why });
    else keep(point, { quality: 'bad', value: before.value, at: before.at, why });
  }

  /** Points of one device; never rejects. */
  async function readNow(points: readonly string[]): Promise<void> {
    for (let from = 0; from < points.length; from += AT_ONCE) {
      const ids = points.slice(from, from + AT_ONCE);
      const inventory = options.inventory();
      const [first] = ids;
      const device = first === undefined ? undefined : deviceOf(first);
      const driver = device && driverOf(device)?.driver;
      const handles = ids.flatMap((id) => {
        const handle = inventory?.find(id);
        return handle === undefined ? [] : [[id, handle] as const];
      });
      if (!driver || handles.length < ids.length) {
        for (const id of ids) keepFault(id, 'no driver reaches it');
        if (!driver) continue;
      }
      let readings: readonly Reading[];
      try {
        readings = await driver.read(handles.map(([, handle]) => handle));
      } catch (error) {
        for (const [id] of handles) keepFault(id, error instanceof Error ? error.message : String(error));
        continue;
      }
      const byHandle = new Map(readings.map((each) => [each.target, each]));
      for (const [id, handle] of handles) {
        const each = byHandle.get(handle);
        if (each?.ok) {
          doubt(id, each.value);
          keep(id, { quality: 'good', value: each.value, at: each.at });
        } else keepFault(id, each?.why ?? 'it was not read');
      }
    }
  }

  /** Asks the device to tell of a point by itself. Never rejects. */
  async function listen(point: string): Promise<void> {
    if (told.has(point)) return;
    const mine: Told = { isOver: false };
    told.set(point, mine);
    const handle = options.inventory()?.find(point);
    const device = deviceOf(point);
    const driver = device && driverOf(device)?.driver;
    if (handle === undefined || !driver?.watch) return;
    const heard = (each: Reading): void => {
      if (!mine.isOver && each.ok) keep(point, { quality: 'good', value: each.value, at: each.at });
    };
    const stop = await driver.watch(handle, heard, () => end(point, mine)).catch(() => undefined);
    if (mine.isOver) stop?.();
    else if (stop) mine.stop = stop;
  }

  function end(point: string, mine = told.get(point)): void {
    if (!mine || mine.isOver) return;
    mine.isOver = true;
    mine.stop?.();
    if (told.get(point) === mine) told.delete(point);
  }

  /** Read to be another value than the device told of: it may have forgotten whom to tell, and is asked anew. */
  function doubt(point: string, read: PointValue): void {
    const value = cached(point);
    if (!told.get(point)?.stop || written.has(point) || value.quality !== 'good') return;
    if (!isSameValue(value.value, read)) end(point);
  }

  function isDue(point: string): boolean {
    const value = cached(point);
    if (!told.get(point)?.stop || written.has(point) || value.quality !== 'good') return true;
    return clock.now() - value.at >= SURE_MS;
  }

  function plan(loop: Loop, delayMs: number): void {
    loop.timer?.cancel();
    if (stopped || loop.looked.size === 0) return;
    loop.timer = timers.after(delayMs, () => void round(loop));
  }

  async function round(loop: Loop): Promise<void> {
    if (loop.running) return;
    loop.running = true;
    const began = clock.monotonic();
    for (const point of loop.looked) void listen(point);
    await readNow([...loop.looked].filter(isDue));
    loop.running = false;
    plan(loop, Math.max(pollMs, RESTS * (clock.monotonic() - began)));
  }

  async function sample(): Promise<void> {
    const inventory = options.inventory();
    if (inventory) {
      const byDevice = new Map<string, string[]>();
      for (const point of inventory.points()) {
        const device = inventory.device(point.device);
        const value = cached(point.id);
        const isRecent = value.quality === 'good' && clock.now() - value.at < sampleMs;
        if (!device || isRecent || !driverOf(device)) continue;
        byDevice.set(device.id, [...(byDevice.get(device.id) ?? []), point.id]);
      }
      for (const points of byDevice.values()) {
        for (let from = 0; from < points.length && !stopped; from += AT_ONCE) {
          if (options.inventory() !== inventory) break;
          const began = clock.monotonic();
          await readNow(points.slice(from, from + AT_ONCE));
          const restMs = RESTS * (clock.monotonic() - began);
          await new Promise<void>((resolve) => {
            sampler = timers.after(restMs, resolve);
          });
        }
      }
      for (const id of [...cache.keys()]) forgetGone(id);
    }
    if (!stopped) sampler = timers.after(sampleMs, () => void sample());
  }

  if (sampleMs > 0) sampler = timers.after(Math.min(5000, sampleMs), () => void sample());

  return {
    cached,
    driverOf,
    async fresh(point, maxAgeMs) {
      const known = cached(point);
      const isOld = written.has(point) || known.quality !== 'good' || clock.now() - known.at > maxAgeMs;
      if (!isOld) return known;
      let under = reading.get(point);
      if (!under) {
        under = readNow([point]).finally(() => reading.delete(point));
        reading.set(point, under);
      }
      await under;
      return cached(point);
    },
    get looked() {
      return listeners.size;
    },
    subscribe(points, changed) {
      const mine = points.map((point) => {
        const device = deviceOf(point)?.id ?? '';
        const loop = loops.get(device) ?? { looked: new Set<string>(), timer: undefined, running: false };
        loops.set(device, loop);
        loop.looked.add(point);
        listeners.set(point, (listeners.get(point) ?? new Set()).add(changed));
        return { loop, device, point };
      });
      for (const loop of new Set(mine.map((each) => each.loop))) if (!loop.running) plan(loop, 0);
      return () => {
        for (const { loop, device, point } of mine) {
          const others = listeners.get(point);
          others?.delete(changed);
          if (others?.size !== 0) continue;
          listeners.delete(point);
          loop.looked.delete(point);
          end(point);
          if (loop.looked.size > 0) continue;
          loop.timer?.cancel();
          if (!loop.running && loops.get(device) === loop) loops.delete(device);
        }
      };
    },
    touch(points) {
      const unseen = new Map<string, string[]>();
      for (const point of points) {
        written.add(point);
        const device = deviceOf(point)?.id ?? '';
        const loop = loops.get(device);
        if (!loop?.looked.has(point)) unseen.set(device, [...(unseen.get(device) ?? []), point]);
        else if (!loop.running) plan(loop, 0);
      }
      // What nobody looks at is read once, so that whoever looks next does not see what was there before.
      for (const ids of unseen.values()) void readNow(ids);
    },
    stop() {
      stopped = true;
      sampler?.cancel();
      for (const { timer } of loops.values()) timer?.cancel();
      for (const point of [...told.keys()]) end(point);
    },
  };
}

/** By the first name in the device's address that is a driver here. */
export function driverFor(
  drivers: ReadonlyMap<string, RunningDriver>,
  { address }: InventoryDevice,
): { readonly name: string; readonly driver: RunningDriver } | undefined {
  for (const name of Object.keys(address ?? {})) {
    const driver = drivers.get(name);
    if (driver) return { name, driver };
  }
  return undefined;
}
