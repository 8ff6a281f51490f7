// One policy update: envelope → verify → parts → compile → durable → swap → report, in SYNC.md's order of acceptance.
// Invariants: 1. what is in force was committed before, as the exact signed bytes; 2. anything wrong leaves the old
// policy in force and is reported once; 3. a report of `active` follows the swap, the swap follows the commit;
// 4. one candidate at a time: a newer one takes the place of one that is not being committed yet.

import type { Timers } from '../contract/clock.ts';
import type { Log } from '../contract/log.ts';
import type { PolicyStore } from '../contract/policy-store.ts';
import { describeFault, type Notice } from '../model/fault.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { checkAudience, checkFloor, checkTime, compareOrder } from './acceptance-steps.ts';
import type { PolicyClock } from './clock.ts';
import { type Compiled, type CompileSteps, compileAndTest } from './compile-step.ts';
import { keyNotices } from './key-notices.ts';
import { type Manifest, nameOf, openManifest, orderOf, sha256Hex } from './manifest.ts';
import { type Refused, refused } from './nack.ts';
import { PartCollector, type WantedPart } from './parts.ts';
import { firstUnsound, partsOf } from './policy-parts.ts';
import type { PolicyState, Report } from './report.ts';
import { Reporting } from './reporting.ts';
import type { Trust } from './trust.ts';

export interface ActivePolicy<S> {
  readonly manifest: Manifest;
  readonly snapshot: S;
  readonly notices: readonly Notice[];
}

export interface AcceptanceOptions<S> extends CompileSteps<S> {
  readonly gateway: string;
  readonly trust: Pick<Trust, 'root' | 'before'>;
  readonly store: PolicyStore;
  readonly clock: PolicyClock;
  readonly timers: Timers;
  readonly log: Log;
  /** The swap: synchronous, everywhere at once. */
  readonly activate: (policy: ActivePolicy<S>) => void;
  /** The swap threw after the commit: memory and disk disagree, and only a restart puts that right. */
  readonly torn: (error: unknown) => void;
  readonly report: (report: Report) => void;
  /** The parts whose chunks are wanted from now on; empty = none. Called again to have them sent again. */
  readonly want: (hashes: readonly string[]) => void;
  /** How long chunks may take before `missing-part` is reported; they are waited for all the same. */
  readonly partsTimeoutMs: number;
}

interface Candidate {
  readonly manifest: Manifest;
  readonly superseded: Promise<void>;
  supersede(): void;
  cancelled: boolean;
  /** Parts to be had from the cloud although bytes are stored: those are not what was signed. */
  readonly distrusted: Set<string>;
  /** Parts that are subscribed to now. */
  readonly asked: Set<string>;
  collector?: PartCollector;
  /** Ends when all is here, or when it is superseded. */
  carried?: Promise<void>;
}

/** Arrivals that wait to be looked at; of more, the oldest are dropped: the latest is what is desired. */
const MOST_WAITING = 16;
/** A connection of AWS IoT Core may hold 50 subscriptions, and the fixed ones count too. */
const MOST_PARTS_AT_ONCE = 32;

export class Acceptance<S> {
  readonly #options: AcceptanceOptions<S>;
  #active: ActivePolicy<S> | undefined;
  #candidate: Candidate | undefined;
  readonly #waiting: Uint8Array[] = [];
  #considering: Promise<void> | undefined;
  /** Compile to swap, one at a time. */
  #lane: Promise<void> = Promise.resolve();
  readonly #reporting: Reporting;
  #stopped = false;

  constructor(options: AcceptanceOptions<S>) {
    this.#options = options;
    this.#reporting = new Reporting(options.log, () => options.clock.now(), options.report);
  }

  active(): ActivePolicy<S> | undefined {
    return this.#active;
  }

  /** The last report; `undefined` before anything was loaded or came. */
  lastReport(): Report | undefined {
    return this.#reporting.last();
  }

  /** The manifest that is on its way into force. */
  underWay(): Manifest | undefined {
    return this.#candidate?.manifest;
  }

  /** `policy/desired` came. */
  arrive(bytes: Uint8Array): void {
    if (this.#stopped || bytes.length === 0) return;
    this.#waiting.push(bytes);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#considering ??= this.#considerAll();
  }

  /** `policy/parts/{hash}/{index}` came. */
  chunk(hash: string, index: number, bytes: Uint8Array): void {
    this.#candidate?.collector?.add(hash, index, bytes);
  }

  /** Every minute: freshness may have changed. */
  tick(): void {
    const active = this.#active;
    if (active && this.#reporting.last()?.manifestSha256 === active.manifest.sha256) this.#reportActive(active);
  }

  /** In force and fresh, stale or expired; `none` without a policy. */
  state(): Exclude<PolicyState, 'refused'> {
    if (!this.#active) return 'none';
    const { expiresAt, refreshBy } = this.#active.manifest;
    const now = this.#options.clock.now();
    if (expiresAt !== undefined && expiresAt <= now) return 'expired';
    return refreshBy !== undefined && refreshBy <= now ? 'stale' : 'active';
  }

  /** Nothing under way any more but waiting for chunks. */
  async idle(): Promise<void> {
    await this.#considering;
    const { collector, carried } = this.#candidate ?? {};
    await collector?.settled();
    if (collector?.missing().length === 0) await carried;
    await this.#lane;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.length = 0;
    const collector = this.#candidate?.collector;
    this.#drop();
    await collector?.settled();
    await this.idle();
  }

  /**
   * At boot: the same road from the stored bytes, signature included. Nothing stored: `none`. Refused: no policy is in
   * force; the very same manifest, coming again with its parts, repairs it.
   */
  async loadStored(): Promise<Result<ActivePolicy<S> | undefined, Refused>> {
    const { store, clock, trust, gateway, log } = this.#options;
    const stored = store.current();
    clock.witness(trust.root().issuedAt);
    if (!stored) {
      this.#reporting.inForce(undefined, 'none', []);
      return ok(undefined);
    }
    const hash = sha256Hex(stored.manifest);
    const now = await openManifest(stored.manifest, trust.root());
    const before = now.ok || now.fault.code !== 'bad-signature' ? undefined : trust.before();
    const opened = before ? await openManifest(stored.manifest, before) : now;
    if (!opened.ok) return this.#refuseStored(hash, undefined, opened.fault);
    const manifest = opened.value;
    const floor = checkFloor(manifest, store.floor());
    if (floor.is !== 'same') {
      const why = floor.is === 'refused' ? floor.why : refused('below-floor', 'revision', 'another floor', 'its own');
      return this.#refuseStored(hash, manifest, why);
    }
    const astray = checkAudience(manifest, gateway);
    if (astray) return this.#refuseStored(hash, manifest, astray);
    const parts = partsOf(manifest, (hash) => stored.parts.get(hash));
    const unsound = await firstUnsound(parts);
    if (unsound) return this.#refuseStored(hash, manifest, unsound);
    const compiled = await compileAndTest(this.#options, manifest, parts, this.#active?.snapshot);
    if (!compiled.ok) return this.#refuseStored(hash, manifest, compiled.fault);
    clock.witness(manifest.issuedAt);
    log.write('info', 'policy.loaded', orderOf(manifest), `policy ${nameOf(manifest)} loaded from disk`);
    return ok(this.#swap(manifest, compiled.value));
  }

  #refuseStored(hash: string, manifest: Manifest | undefined, why: Refused): Result<never, Refused> {
    const text = `stored policy refused, nothing is in force: \`${why.code}\` (${describeFault(why.faults[0])})`;
    this.#options.log.write('error', 'policy.stored-refused', { code: why.code, faults: why.faults }, text);
    this.#reporting.refused(hash, manifest, why);
    return fail(why);
  }

  async #considerAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        await this.#consider(next);
      } catch (error) {
        const why = refused('not-durable', '', messageOf(error), 'a store that can be read');
        this.#reporting.refused(sha256Hex(next), undefined, why);
      }
    }
    this.#considering = undefined;
  }

  async #consider(bytes: Uint8Array): Promise<void> {
    const { trust, gateway, store, clock } = this.#options;
    const root = trust.root();
    const hash = sha256Hex(bytes);
    if (this.#active?.manifest.sha256 === hash) {
      if (!this.#candidate) this.#reportActive(this.#active);
      return;
    }
    if (this.#candidate?.manifest.sha256 === hash) {
      this.#wantMissing(this.#candidate);
      return;
    }
    if (this.#reporting.repeat(hash)) return;
    const opened = await openManifest(Buffer.from(bytes).toString('latin1'), root);
    if (this.#stopped) return;
    if (!opened.ok) return this.#reporting.refused(hash, undefined, opened.fault);
    const manifest = opened.value;
    const astray = checkAudience(manifest, gateway);
    if (astray) return this.#reporting.refused(hash, manifest, astray);
    const floor = checkFloor(manifest, store.floor());
    if (floor.is === 'refused') return this.#reporting.refused(hash, manifest, floor.why);
    const untimely = checkTime(manifest, root, clock);
    if (untimely) return this.#reporting.refused(hash, manifest, untimely);
    if (this.#candidate) {
      const other = this.#candidate.manifest;
      const side = compareOrder(manifest.payload, other.payload);
      // Out of order: what is under way is newer, and what came is what it replaces.
      if (side < 0) return;
      if (side === 0) {
        const found = `another manifest of epoch ${manifest.payload.epoch} revision ${manifest.payload.revision}`;
        const why = refused('equivocation', 'revision', found, `hash \`${other.sha256}\``);
        return this.#reporting.refused(hash, manifest, why);
      }
      this.#drop();
    }
    this.#begin(manifest);
  }

  #begin(manifest: Manifest): void {
    let supersede: () => void = () => {};
    const superseded = new Promise<void>((resolve) => {
      supersede = resolve;
    });
    const candidate: Candidate = {
      manifest,
      superseded,
      supersede,
      cancelled: false,
      distrusted: new Set(),
      asked: new Set(),
    };
    this.#candidate = candidate;
    this.#gather(candidate);
  }

  #gather(candidate: Candidate): void {
    candidate.carried = this.#guard(candidate, () => this.#carry(candidate));
  }

  #drop(): void {
    const candidate = this.#candidate;
    if (!candidate) return;
    this.#candidate = undefined;
    candidate.cancelled = true;
    candidate.collector?.abandon();
    candidate.supersede();
    this.#options.want([]);
  }

  /** Gathers what is lacking, then queues for the lane. */
  async #carry(candidate: Candidate): Promise<void> {
    const { want, timers, partsTimeoutMs, store } = this.#options;
    const { manifest } = candidate;
    const wanted = this.#lacking(candidate);
    if (wanted.length > 0) {
      const collector = new PartCollector(
        wanted,
        (hash, bytes) => store.putPart(hash, bytes),
        (why) => this.#reporting.refused(manifest.sha256, manifest, why),
        (hash) => {
          candidate.asked.delete(hash);
          if (candidate.asked.size === 0) this.#wantMissing(candidate);
        },
      );
      candidate.collector = collector;
      this.#wantMissing(candidate);
      const late = timers.after(partsTimeoutMs, () => {
        const why = collector.missingPart();
        if (why) this.#reporting.refused(manifest.sha256, manifest, why);
      });
      await Promise.race([collector.complete, candidate.superseded]);
      late.cancel();
      if (candidate.cancelled) return;
      want([]);
    }
    this.#lane = this.#lane.then(() => this.#guard(candidate, () => this.#finish(candidate)));
  }

  /** Whatever the store or a callback throws ends this candidate and nothing else. */
  async #guard(candidate: Candidate, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#end(candidate, refused('not-durable', '', messageOf(error), 'a store that can be read'));
    }
  }

  #lacking({ manifest, distrusted }: Candidate): WantedPart[] {
    const { parts } = manifest.payload;
    const missing = new Set(this.#options.store.missing(parts.map(({ sha256 }) => sha256)));
    return parts.flatMap((part, index) =>
      missing.has(part.sha256) || distrusted.has(part.sha256) ? [{ part, path: `parts.${index}` }] : [],
    );
  }

  /** The first of what is missing; the next ones when those are here. */
  #wantMissing({ collector, manifest, asked }: Candidate): void {
    if (!collector) return;
    const open = new Set(collector.missing().map(({ path }) => path));
    const missing = manifest.payload.parts.flatMap(({ sha256 }, index) => (open.has(`parts.${index}`) ? [sha256] : []));
    asked.clear();
    for (const hash of missing.slice(0, MOST_PARTS_AT_ONCE)) asked.add(hash);
    this.#options.want([...asked]);
  }

  async #finish(candidate: Candidate): Promise<void> {
    const { store, clock, log } = this.#options;
    const { manifest, distrusted } = candidate;
    if (candidate.cancelled) return;
    const hashes = manifest.payload.parts.map(({ sha256 }) => sha256);
    // The commit of what was before may have removed parts that only this one names.
    if (store.missing(hashes).length > 0) return this.#gather(candidate);
    const unsound = new Set<string>();
    const parts = partsOf(
      manifest,
      (hash) => store.part(hash),
      (hash) => unsound.add(hash),
    );
    const compiled = await compileAndTest(this.#options, manifest, parts, this.#active?.snapshot);
    if (candidate.cancelled) return;
    if (!compiled.ok) {
      const again = [...unsound].filter((hash) => !distrusted.has(hash));
      if (again.length === 0) return this.#end(candidate, compiled.fault);
      for (const hash of again) distrusted.add(hash);
      return this.#gather(candidate);
    }
    // A repair: the very manifest is committed, only its parts were not sound. It is no news, so it confirms no time.
    const repair = store.floor()?.manifestSha256 === manifest.sha256 && store.current()?.manifest === manifest.text;
    const failure = repair ? undefined : await this.#commit(manifest, hashes);
    if (failure) return this.#end(candidate, failure);
    if (!repair) clock.confirm(manifest.issuedAt);
    if (this.#candidate === candidate) this.#candidate = undefined;
    const fields = { ...orderOf(manifest), sha256: manifest.sha256 };
    log.write('info', 'policy.accepted', fields, `policy ${nameOf(manifest)} in force`);
    this.#swap(manifest, compiled.value);
  }

  async #commit(manifest: Manifest, partHashes: readonly string[]): Promise<Refused | undefined> {
    const { store } = this.#options;
    const { text, sha256: manifestSha256, payload } = manifest;
    try {
      const { epoch, revision } = payload;
      await store.commit({ epoch, revision, manifestSha256, manifest: text, partHashes });
      return undefined;
    } catch (error) {
      return refused('not-durable', '', messageOf(error), 'a policy stored on disk');
    }
  }

  #end(candidate: Candidate, why: Refused): void {
    if (candidate.cancelled) return;
    this.#candidate = undefined;
    this.#reporting.refused(candidate.manifest.sha256, candidate.manifest, why);
  }

  #swap(manifest: Manifest, { snapshot, notices }: Compiled<S>): ActivePolicy<S> {
    const active = { manifest, snapshot, notices };
    this.#active = active;
    try {
      this.#options.activate(active);
    } catch (error) {
      this.#options.torn(error);
      return active;
    }
    this.#reportActive(active);
    return active;
  }

  #reportActive({ manifest, notices }: ActivePolicy<S>): void {
    this.#reporting.inForce(manifest, this.state(), [...notices, ...keyNotices(manifest, this.#options.trust.root())]);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
