// The fast road for "stop this person now" (SYNC.md, `policy/locks`): a signed list with a floor of its own, beside policy.
// Invariants: 1. the list in force is the highest ever accepted, through every restart; 2. it is durable before it is in
// force; 3. anything wrong leaves the list that was.

import { z } from 'zod';
import type { Log } from '../contract/log.ts';
import type { PolicyStore } from '../contract/policy-store.ts';
import { describeFault } from '../model/fault.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { FastLock } from '../policy/lock.ts';
import { checkAudience, checkFloor, checkIssued, type SignedMessage } from './acceptance-steps.ts';
import type { PolicyClock } from './clock.ts';
import { Lane } from './lane.ts';
import { MAX_MESSAGE_BYTES, sha256Hex } from './manifest.ts';
import { type Refused, refused } from './nack.ts';
import type { LocksReport } from './report.ts';
import type { TrustedRoot } from './root.ts';
import { schemaFaults } from './schema-faults.ts';
import { openCompact, parseJsonBytes } from './signed-text.ts';
import type { Trust } from './trust.ts';

export const LOCKS_TYP = 'gatehouse.locks+jws';
const TEXT_SETTING = 'locks.text';
const FLOOR_SETTING = 'locks.floor';
const LONGEST_MS = 7 * 86_400_000;
const MOST_WAITING = 16;
const MOST_FAULTS = 100;

const instant = z.iso.datetime({ offset: true });
const name = z.string().min(1);
const lockSchema = z
  .strictObject({
    id: name,
    why: z.string(),
    organization: name.optional(),
    principal: name.optional(),
    group: name.optional(),
    role: name.optional(),
    action: name.optional(),
    from: instant.optional(),
    until: instant,
  })
  .refine(({ principal, group, role, action }) => [principal, group, role, action].some((key) => key !== undefined), {
    error: 'a principal, group, role or action',
  });

/** Message `policy/locks`: the payload of its JWS. */
export const locksSchema = z
  .strictObject({
    format: z.literal('gatehouse.locks/1'),
    epoch: z.int().min(0),
    revision: z.int().min(0),
    audience: z.array(name).min(1),
    issuedAt: instant,
    locks: z.array(lockSchema),
  })
  .superRefine(({ issuedAt, locks }, context) => {
    for (const [index, { until }] of locks.entries()) {
      if (Date.parse(until) <= Date.parse(issuedAt) + LONGEST_MS) continue;
      context.addIssue({ code: 'custom', path: ['locks', index, 'until'], message: 'at most 7 days after `issuedAt`' });
    }
  });

const floorSchema = z.strictObject({ epoch: z.int(), revision: z.int(), manifestSha256: z.string() });

interface LockList extends SignedMessage {
  readonly payload: z.output<typeof locksSchema>;
  readonly text: string;
}

/** The whole list that is in force from now on. */
export type SetLocks = (locks: readonly FastLock[]) => void;

interface LocksOptions {
  readonly gateway: string;
  readonly trust: Pick<Trust, 'root' | 'before'>;
  readonly store: Pick<PolicyStore, 'setting' | 'putSetting'>;
  readonly clock: PolicyClock;
  readonly log: Log;
  readonly setLocks: SetLocks;
  readonly report?: (report: LocksReport) => void;
}

export class Locks {
  readonly #options: LocksOptions;
  #active: LockList | undefined;
  readonly #lane: Lane;
  #lastRefused = '';

  constructor(options: LocksOptions) {
    this.#options = options;
    this.#lane = new Lane(options.log, 'locks');
  }

  inForce(): { readonly epoch: number; readonly revision: number; readonly count: number } | undefined {
    const { epoch, revision, locks } = this.#active?.payload ?? {};
    if (epoch === undefined || revision === undefined) return undefined;
    return { epoch, revision, count: locks?.length ?? 0 };
  }

  /** `policy/locks` came. Of a flood, what does not fit the queue is dropped: the broker keeps the latest. */
  arrive(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#lane.waiting >= MOST_WAITING) return;
    this.#lane.add(async () => {
      const why = await this.#consider(bytes);
      if (why) this.#refuse(sha256Hex(bytes), why);
    });
  }

  async idle(): Promise<void> {
    await this.#lane.idle();
  }

  /** At boot, before any policy: the stored list, its signature checked again. */
  async loadStored(): Promise<void> {
    const { store, trust } = this.#options;
    const text = store.setting(TEXT_SETTING);
    if (text === undefined) return;
    const now = await this.#open(text, trust.root());
    const before = now.ok || now.fault.code !== 'bad-signature' ? undefined : trust.before();
    const list = before ? await this.#open(text, before) : now;
    const why = list.ok ? checkAudience(list.value, this.#options.gateway) : list.fault;
    if (list.ok && !why) this.#putInForce(list.value);
    else if (why) this.#refuse('stored', why);
  }

  async #consider(bytes: Uint8Array): Promise<Refused | undefined> {
    const { gateway, clock, store, trust } = this.#options;
    const opened = await this.#open(Buffer.from(bytes).toString('latin1'), trust.root());
    if (!opened.ok) return opened.fault;
    const list = opened.value;
    if (list.sha256 === this.#active?.sha256) return undefined;
    const astray = checkAudience(list, gateway);
    if (astray) return astray;
    try {
      const stored = store.setting(FLOOR_SETTING);
      const floor = checkFloor(list, stored === undefined ? undefined : floorSchema.parse(JSON.parse(stored)));
      if (floor.is === 'refused') return floor.why;
      const early = checkIssued(list, clock);
      if (early) return early;
      const { epoch, revision } = list.payload;
      // The floor first: a crash in between leaves a floor that this very list, coming again, meets.
      await store.putSetting(FLOOR_SETTING, JSON.stringify({ epoch, revision, manifestSha256: list.sha256 }));
      await store.putSetting(TEXT_SETTING, list.text);
      if (floor.is === 'above') clock.confirm(list.issuedAt);
    } catch (error) {
      return refused('not-durable', '', error instanceof Error ? error.message : String(error), 'locks stored on disk');
    }
    this.#putInForce(list);
    return undefined;
  }

  async #open(text: string, root: TrustedRoot): Promise<Result<LockList, Refused>> {
    if (text.length > MAX_MESSAGE_BYTES) {
      return fail(refused('too-large', '', `${text.length} bytes`, `at most ${MAX_MESSAGE_BYTES}`));
    }
    const opened = await openCompact(text, LOCKS_TYP, (kid) => root.keyFor('locks', kid));
    if (!opened.ok) return fail(refused('bad-signature', '', opened.fault, 'a JWS by a key the root names for locks'));
    const json = parseJsonBytes(opened.value.payload);
    const parsed = locksSchema.safeParse(json.ok ? json.value : undefined);
    if (!parsed.success) {
      return fail({ code: 'malformed', faults: schemaFaults(json.ok ? json.value : undefined, parsed.error) });
    }
    const payload = parsed.data;
    return ok({ payload, text, sha256: sha256Hex(text), issuedAt: Date.parse(payload.issuedAt) });
  }

  #putInForce(list: LockList): void {
    const { log, setLocks } = this.#options;
    this.#active = list;
    this.#lastRefused = '';
    setLocks(list.payload.locks.map(fastLock));
    const { epoch, revision, locks } = list.payload;
    const text = `locks epoch ${epoch} revision ${revision} in force: ${locks.length}`;
    log.write('info', 'locks.accepted', { epoch, revision, count: locks.length }, text);
    this.#say(list, 'active', undefined);
  }

  #say(
    list: LockList | undefined,
    state: LocksReport['state'],
    refusal: { readonly hash: string; readonly why: Refused } | undefined,
  ): void {
    this.#options.report?.({
      epoch: list?.payload.epoch ?? null,
      revision: list?.payload.revision ?? null,
      manifestSha256: refusal?.hash ?? list?.sha256 ?? null,
      state,
      code: refusal?.why.code ?? null,
      faults: [...(refusal?.why.faults ?? [])].slice(0, MOST_FAULTS),
      count: this.#active?.payload.locks.length ?? 0,
      at: new Date(this.#options.clock.now()).toISOString(),
    });
  }

  #refuse(hash: string, why: Refused): void {
    if (this.#lastRefused === hash) return;
    this.#lastRefused = hash;
    const fields = { code: why.code, sha256: hash, faults: why.faults };
    const text = `locks refused, the list before stays: \`${why.code}\` (${describeFault(why.faults[0])})`;
    this.#options.log.write('warn', 'locks.refused', fields, text);
    this.#say(undefined, 'refused', { hash, why });
  }
}

function fastLock(lock: z.output<typeof lockSchema>): FastLock {
  const { id, why, organization, principal, group, role, action, from, until } = lock;
  return {
    id,
    why,
    until: Date.parse(until),
    ...(organization === undefined ? {} : { organization }),
    ...(principal === undefined ? {} : { principal }),
    ...(group === undefined ? {} : { group }),
    ...(role === undefined ? {} : { role }),
    ...(action === undefined ? {} : { action }),
    ...(from === undefined ? {} : { from: Date.parse(from) }),
  };
}
