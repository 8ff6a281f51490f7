// The jobs and their documents: every change is durable, recorded and told here. Invariants: 1. a device goes only where the
// machine lets it; 2. what `enter` said is done is on the shelf; 3. one document is written at a time for each job;
// 4. a shelf that is full stops a job where it stands, until it can be written again.

import type { DeviceState, Job, JobDevice } from '../contract/jobs.ts';
import { type DeviceMemory, deviceIn, fromText, type JobMemory, type KeptJob, stateOf, toText } from './job-record.ts';
import { type JobServices, MOST_ENDED_JOBS } from './job-services.ts';
import { isEnded, mayGo, type StayFacts, stayMs } from './machine.ts';
import { retryAfterMs } from './plant.ts';

export interface LiveJob extends KeptJob {
  /** Of each device that has not ended: until when it may stay, on the monotonic clock. */
  readonly dueAt: ReadonlyMap<string, number>;
}

/** What a device takes along into its next state. `undefined` drops what was there. */
export interface Entry {
  readonly to: DeviceState;
  readonly device?: { readonly [Key in keyof JobDevice]?: JobDevice[Key] | undefined };
  readonly memory?: { readonly [Key in keyof DeviceMemory]?: DeviceMemory[Key] | undefined };
}

export interface JobBook {
  list(): readonly LiveJob[];
  get(id: string): LiveJob | undefined;
  /** For who looks from outside: none has ended before that is durable, recorded, and its devices are free. */
  shown(): readonly Job[];
  /** Of jobs that ended when the last run was cut off. */
  recordEnds(): Promise<void>;
  /** First the record, then the document: no job is found after a restart that nobody recorded. Rejects where one of them fails. */
  open(job: Job, memory: JobMemory, record: () => Promise<unknown>): Promise<void>;
  /** Tells everybody how it stands. */
  announce(id: string): void;
  /** False: the engine stops, and nothing of what the state announces may be done. */
  enter(id: string, device: string, entry: Entry): Promise<boolean>;
  /** The same for several devices in one document. */
  enterAll(id: string, entries: ReadonlyMap<string, Entry>): Promise<boolean>;
  /** Anything but a device's state. */
  amend(
    id: string,
    change: (kept: KeptJob) => KeptJob,
    row?: { readonly event: string; readonly detail: object },
  ): Promise<boolean>;
  /** In memory alone, and told: progress between two documents. */
  progress(id: string, device: string, progress: NonNullable<JobDevice['progress']>): void;
  onChange(listener: (job: Job) => void): () => void;
  stop(): Promise<void>;
}

interface Slot {
  live: LiveJob;
  told: Job;
  /** The rows of what stands in memory. */
  recording?: Promise<unknown>;
  writing?: Promise<boolean>;
  next?: Promise<boolean>;
}

export function createBook(services: JobServices): JobBook {
  const { shelf, journal, clock, timers, log } = services;
  const slots = new Map<string, Slot>();
  const listeners = new Set<(job: Job) => void>();
  let stopped = false;
  let wakeAll: () => void = () => {};
  const stopping = new Promise<void>((resolve) => {
    wakeAll = resolve;
  });

  for (const { id, body } of shelf.list('job')) {
    const kept = read(id, body);
    if (kept === undefined) continue;
    const dueAt = new Map<string, number>();
    for (const { device, state, deadline } of kept.job.devices) {
      const stay = stayMs(state, factsOf(kept.memory, device));
      if (stay === undefined) continue;
      // Across a restart the wall clock counts; where it is not sure, the whole time begins anew.
      const left = clock.sure() && deadline !== undefined ? Math.min(stay, deadline - clock.now()) : stay;
      dueAt.set(device, clock.monotonic() + Math.max(0, left));
    }
    slots.set(kept.job.id, { live: { ...kept, dueAt }, told: kept.job });
  }

  function read(id: string, body: string): KeptJob | undefined {
    try {
      return fromText(id, body);
    } catch (error) {
      // The gateway is needed for more than one job.
      log.write('error', 'job.unreadable', { job: id, why: String(error) }, `job \`${id}\` cannot be read: ${error}`);
      return undefined;
    }
  }

  const slotOf = (id: string): Slot => {
    const slot = slots.get(id);
    if (slot === undefined) throw new Error(`got job \`${id}\`, expected one that is known`);
    return slot;
  };

  function tell(slot: Slot): void {
    const { job, memory } = slot.live;
    // Another device has ended it meanwhile: whoever records that tells it.
    if (job.endedAt !== undefined && !memory.endRecorded) return;
    slot.told = job;
    for (const listener of listeners) {
      try {
        listener(job);
      } catch (error) {
        // Who looks on does not hinder the work.
        const why = String(error);
        log.write('error', 'job.fault', { job: job.id, why }, `nobody was told of job \`${job.id}\`: ${why}`);
      }
    }
  }

  async function write(slot: Slot): Promise<boolean> {
    for (let tries = 0; !stopped; tries += 1) {
      // Whatever ends the gateway in between: no document says more than the record.
      for (let rows: unknown; rows !== slot.recording; ) {
        rows = slot.recording;
        await rows;
      }
      const { job, memory } = slot.live;
      try {
        await shelf.put('job', { id: job.id, at: job.startedAt, body: toText({ job, memory }) });
        return !stopped;
      } catch (error) {
        const why = String(error);
        const fields = { job: job.id, why };
        if (tries === 0)
          log.write('error', 'job.not-saved', fields, `job \`${job.id}\` waits, it cannot be saved: ${why}`);
        await Promise.race([stopping, new Promise<void>((resolve) => void timers.after(retryAfterMs(tries), resolve))]);
      }
    }
    return false;
  }

  /** Joins the document that is not begun yet: it will hold what stands in memory when it is. */
  function save(slot: Slot): Promise<boolean> {
    slot.next ??= (slot.writing ?? Promise.resolve(true)).then(() => {
      delete slot.next;
      slot.writing = write(slot);
      return slot.writing;
    });
    return slot.next;
  }

  function record(slot: Slot, event: string, detail: object): Promise<unknown> {
    slot.recording = Promise.all([slot.recording, append(event, detail)]);
    return slot.recording;
  }

  async function append(event: string, detail: object): Promise<void> {
    const stamp = { at: clock.now(), ...(!clock.sure() && { clockUnsure: true as const }) };
    // Each step that changes something has an intent row that it cannot go without.
    await journal
      .append({ kind: 'system', ...stamp, event, detail: { ...detail } }, { reserved: true })
      .catch((error: unknown) => {
        const why = String(error);
        log.write('error', 'job.not-recorded', { event, why }, `\`${event}\` could not be recorded: ${why}`);
      });
  }

  function replace(slot: Slot, job: Job, memory: JobMemory, dueAt = slot.live.dueAt): void {
    const state = stateOf(job, memory.aborted === true);
    const ends = job.devices.every((device) => isEnded(device.state));
    const { endedAt, paused, ...rest } = job;
    const whole: Job = {
      ...rest,
      ...(paused && !ends && { paused }),
      state,
      revision: job.revision + 1,
      ...(ends && { endedAt: endedAt ?? clock.now() }),
    };
    const { endRecorded: _endRecorded, ...remembered } = memory;
    slot.live = { job: whole, memory: ends ? memory : remembered, dueAt };
  }

  async function enterAll(id: string, entries: ReadonlyMap<string, Entry>): Promise<boolean> {
    const slot = slotOf(id);
    const rows: object[] = [];
    for (const [device, entry] of entries) rows.push(step(slot, device, entry));
    const { job } = slot.live;
    for (const row of rows) void record(slot, 'job-step', row);
    const durable = await save(slot);
    if (!durable) return false;
    if (job.endedAt !== undefined) await recordEnd(slot);
    tell(slot);
    return true;
  }

  /** In memory; gives the row. */
  function step(slot: Slot, id: string, { to, device: more = {}, memory: remember = {} }: Entry): object {
    const { job, memory, dueAt } = slot.live;
    const before = deviceIn(job, id);
    if (!mayGo(before.state, to)) throw new Error(`got \`${before.state}\` to \`${to}\`, expected a step of the table`);
    const remembered = without({ ...memory.devices[id], ...remember }) as DeviceMemory;
    const devices = { ...memory.devices, [id]: remembered };
    const stay = stayMs(to, factsOf({ ...memory, devices }, id));
    const due = new Map(dueAt);
    if (stay === undefined) due.delete(id);
    else due.set(id, clock.monotonic() + stay);
    const { deadline: _deadline, why: _why, denial: _denial, ...rest } = before;
    const after = without({
      ...rest,
      state: to,
      since: clock.now(),
      ...(stay !== undefined && { deadline: clock.now() + stay }),
      ...more,
    }) as unknown as JobDevice;
    const list = job.devices.map((each) => (each.device === id ? after : each));
    replace(slot, { ...job, devices: list }, { ...memory, devices }, due);
    const { why, oldVersion, newVersion, decisions } = after;
    return without({
      job: job.id,
      target: id,
      from: before.state,
      to,
      why,
      image: job.order.kind === 'firmware' ? job.order.image : undefined,
      oldVersion,
      newVersion,
      decision: decisions.at(-1),
      principal: job.starter.principal,
    });
  }

  /** Once the row is there, the document says so: of an end that a restart cut off the row is written then. */
  async function recordEnd(slot: Slot): Promise<void> {
    const { job } = slot.live;
    const rows = job.devices.map(({ device, state, oldVersion, newVersion, why }) =>
      without({ target: device, state, oldVersion, newVersion, why }),
    );
    const image = job.order.kind === 'firmware' ? { image: job.order.image } : {};
    await record(slot, 'job-ended', {
      job: job.id,
      state: job.state,
      principal: job.starter.principal,
      ...image,
      rows,
    });
    const { memory } = slot.live;
    if (slot.live.job.endedAt !== job.endedAt) return;
    slot.live = { ...slot.live, memory: { ...memory, endRecorded: true } };
    await save(slot);
    await trim();
  }

  async function trim(): Promise<void> {
    const ended = [...slots.values()].map(({ live }) => live.job).filter(({ endedAt }) => endedAt !== undefined);
    const old = ended.sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0)).slice(MOST_ENDED_JOBS);
    for (const { id } of old) {
      slots.delete(id);
      // What stays behind is dropped at the next end.
      await shelf.remove('job', id).catch(() => {});
    }
  }

  return {
    list: () => [...slots.values()].map(({ live }) => live),
    get: (id) => slots.get(id)?.live,
    async recordEnds() {
      const open = [...slots.values()].filter(({ live }) => live.job.endedAt !== undefined && !live.memory.endRecorded);
      for (const slot of open) await recordEnd(slot);
    },
    shown: () => [...slots.values()].map(({ live, told }) => (live.job.endedAt === undefined ? live.job : told)),
    async open(job, memory, recorded) {
      const dueAt = new Map<string, number>();
      for (const { device, state } of job.devices) {
        dueAt.set(device, clock.monotonic() + (stayMs(state, factsOf(memory, device)) ?? 0));
      }
      // Known at once, so that nobody else begins with its devices meanwhile.
      slots.set(job.id, { live: { job, memory, dueAt }, told: job });
      try {
        await recorded();
        await shelf.put('job', { id: job.id, at: job.startedAt, body: toText({ job, memory }) });
      } catch (error) {
        slots.delete(job.id);
        throw error;
      }
    },
    announce(id) {
      tell(slotOf(id));
    },
    enter: (id, device, entry) => enterAll(id, new Map([[device, entry]])),
    enterAll,
    async amend(id, change, row) {
      const slot = slotOf(id);
      const { job, memory } = change(slot.live);
      replace(slot, job, memory);
      if (row) void record(slot, row.event, { job: id, ...row.detail });
      const durable = await save(slot);
      if (durable) tell(slot);
      return durable;
    },
    progress(id, device, progress) {
      const slot = slotOf(id);
      const { job, memory } = slot.live;
      const devices = job.devices.map((each) => (each.device === device ? { ...each, progress } : each));
      replace(slot, { ...job, devices }, memory);
      tell(slot);
      void save(slot);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      stopped = true;
      wakeAll();
      await Promise.all([...slots.values()].flatMap(({ writing, next }) => [writing, next]));
    },
  };
}

function factsOf({ image, devices }: JobMemory, device: string): StayFacts {
  const confirmMs = devices[device]?.confirmMs;
  return { ...(image && { octets: image.size }), ...(confirmMs !== undefined && { confirmMs }) };
}

function without(fields: { readonly [key: string]: unknown }): { readonly [key: string]: unknown } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
