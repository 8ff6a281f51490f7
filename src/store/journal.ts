// "Record", the step before a Permit: what the gate writes to. The thread behind it owns the disk; here rows queue.
// Invariants: 1. nothing here waits for the disk on the event loop; 2. rows reach the thread in the order they were
// appended, all that gathered since the last flush in one; 3. the queue is bounded: beyond it rows are refused at once.

import type { Clock, Timers } from '../contract/clock.ts';
import {
  type Journal,
  type JournalState,
  JournalUnavailable,
  type Receipt,
  type StoredRow,
} from '../contract/journal.ts';
import type { JournalRow, SystemRow } from '../model/journal-row.ts';
import { encodeRow } from './chain.ts';
import { defaultJournalLimits, type Entry, type JournalLimits } from './journal-space.ts';
import type { JournalAnswer, JournalOrder, JournalWorkerData } from './journal-worker.ts';
import { StoreFault } from './store-fault.ts';
import { systemClock, systemTimers } from './system-time.ts';
import { WorkerLine } from './worker-line.ts';

/** Rows waiting for a flush. Reserved rows may fill a queue of the same size once more. */
const QUEUE_ROWS = 4096;
const QUEUE_BYTES = 8 * 1024 * 1024;
const PRUNE_ROWS = 256;
const LOSS_REPORT_MS = 3_600_000;

export interface JournalOptions {
  readonly file: string;
  readonly limits?: Partial<JournalLimits>;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** How often a journal that cannot be written is tried again. */
  readonly probeMs?: number;
  /** A flush that takes longer than this makes the journal say it is not writable, until it is done. */
  readonly stallMs?: number;
}

export interface JournalStore extends Journal {
  /**
   * Intents without an outcome that the last run left behind, oldest first: to be closed with outcome `unknown`.
   * Empty until the journal was writable once. The list does not change when they are closed.
   */
  openIntents(): readonly StoredRow[];
  /**
   * Removes the oldest rows as long as each is both acknowledged (number ≤ `ackedUpTo`) and older than `before`
   * (ms since 1970); stops at the first that is not, or that is an intent without outcome. Gives how many were removed.
   */
  prune(before: number, ackedUpTo: number): Promise<number>;
  /** Notes that could not be kept since start. A row of event `notes-lost` tells of them, at most one an hour. */
  notesLost(): number;
}

interface Queued {
  readonly entry: Entry;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: JournalUnavailable) => void;
}

/**
 * Resolves when the journal was tried: `state()` says whether it can be written now; if not, it recovers by itself.
 * @throws StoreFault `store-not-ours`, `store-too-new`
 */
export async function openJournal(options: JournalOptions): Promise<JournalStore> {
  const journal = new SqliteJournal(options);
  await journal.start();
  return journal;
}

class SqliteJournal implements JournalStore {
  readonly #data: JournalWorkerData;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #probeMs: number;
  readonly #stallMs: number;
  readonly #listeners = new Set<(state: JournalState) => void>();
  #line: WorkerLine<JournalOrder, JournalAnswer>;
  #head: Receipt | undefined;
  #unanswered: readonly string[] = [];
  #openIntents: readonly StoredRow[] = [];
  #why: string | undefined = 'the journal is not open yet';
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #flushing: Promise<void> | undefined;
  #probe: { cancel(): void } | undefined;
  #closed: Promise<void> | undefined;
  #lost = { total: 0, untold: 0, since: 0 };
  #lossToldAt: number | undefined;

  constructor(options: JournalOptions) {
    this.#data = { file: options.file, limits: { ...defaultJournalLimits, ...options.limits } };
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.#probeMs = options.probeMs ?? 1000;
    this.#stallMs = options.stallMs ?? 5000;
    this.#line = new WorkerLine('journal-worker', this.#data);
  }

  async start(): Promise<void> {
    try {
      await this.#tryOut();
    } catch (fault) {
      await this.#line.end();
      throw fault;
    }
  }

  append(row: JournalRow, options: { readonly reserved?: boolean } = {}): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const reserved = options.reserved === true;
      if (this.#closed !== undefined) throw new JournalUnavailable('the journal is closed');
      if (this.#why !== undefined && !reserved) throw new JournalUnavailable(this.#why);
      const entry: Entry = { row: encodeRow(row), space: reserved ? 'reserve' : 'change' };
      if (!this.#enqueue({ entry, resolve, reject })) {
        throw new JournalUnavailable(`the queue is full: ${this.#queue.length} rows wait for the disk`);
      }
    });
  }

  note(row: JournalRow): void {
    const lose = () => this.#lose();
    const open = this.#why === undefined && this.#closed === undefined;
    try {
      const entry: Entry = { row: encodeRow(row), space: 'note' };
      if (!open || !this.#enqueue({ entry, resolve: () => {}, reject: lose })) lose();
    } catch {
      lose();
    }
  }

  state(): JournalState {
    return this.#why === undefined ? { writable: true } : { writable: false, why: this.#why };
  }

  onState(listener: (state: JournalState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  openIntents(): readonly StoredRow[] {
    return this.#openIntents;
  }

  notesLost(): number {
    return this.#lost.total;
  }

  async prune(before: number, ackedUpTo: number): Promise<number> {
    let removed = 0;
    for (;;) {
      const answer = await this.#line.ask({ kind: 'prune', before, ackedUpTo, atMost: PRUNE_ROWS });
      if (answer.kind === 'failed') {
        this.#setState(answer.message);
        throw new StoreFault(answer.code, answer.message);
      }
      if (answer.kind !== 'pruned' || answer.removed === 0) return removed;
      removed += answer.removed;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    this.#probe?.cancel();
    this.#lossToldAt = undefined;
    this.#tellLoss();
    while (this.#flushing !== undefined || this.#queue.length > 0) await this.#flush();
    await this.#line.ask({ kind: 'close' }).catch(() => {});
    await this.#line.end();
  }

  #enqueue(queued: Queued): boolean {
    const { row, space } = queued.entry;
    const share = space === 'reserve' ? 2 : 1;
    if (this.#queue.length >= QUEUE_ROWS * share || this.#queuedBytes + row.cost > QUEUE_BYTES * share) return false;
    this.#queue.push(queued);
    this.#queuedBytes += row.cost;
    if (!this.#scheduled) {
      this.#scheduled = true;
      // After the sockets of this turn were read, so that their rows share one flush.
      setImmediate(() => {
        this.#scheduled = false;
        void this.#flush();
      });
    }
    return true;
  }

  #flush(): Promise<void> {
    if (this.#flushing === undefined && this.#queue.length > 0) {
      this.#tellLoss();
      const batch = this.#queue;
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#flushing = this.#send(batch).then(() => {
        this.#flushing = undefined;
        if (this.#queue.length > 0) void this.#flush();
      });
    }
    return this.#flushing ?? Promise.resolve();
  }

  async #send(batch: readonly Queued[]): Promise<void> {
    const stall = this.#timers.after(this.#stallMs, () =>
      this.#setState(`a flush takes longer than ${this.#stallMs} ms`),
    );
    const entries = batch.map(({ entry }) => entry);
    const answer = await this.#line.ask({ kind: 'write', entries }).catch((fault: StoreFault) => fault);
    stall.cancel();
    if (answer instanceof StoreFault || answer.kind !== 'written') {
      // The rows' fate is unknown. The next thread takes back what of them is in the file.
      this.#unanswered = entries.map(({ row }) => row.body);
      const why = 'message' in answer ? answer.message : `got answer \`${answer.kind}\`, expected \`written\``;
      await this.#line.end();
      for (const { reject } of batch) reject(new JournalUnavailable(why));
      this.#setState(why);
      return;
    }
    for (const [index, queued] of batch.entries()) {
      const result = answer.answers[index] ?? 'the row was not answered';
      if (typeof result === 'string') {
        queued.reject(new JournalUnavailable(result));
      } else {
        this.#head = result;
        queued.resolve(result);
      }
    }
    this.#setState(answer.why);
  }

  #setState(why: string | undefined): void {
    const changed = why !== this.#why;
    this.#why = why;
    if (why !== undefined && this.#closed === undefined) this.#probeLater();
    if (changed) for (const listener of this.#listeners) listener(this.state());
  }

  #probeLater(): void {
    this.#probe ??= this.#timers.after(this.#probeMs, () => {
      this.#probe = undefined;
      this.#tryOut().catch((fault: Error) => this.#setState(fault.message));
    });
  }

  /** @throws StoreFault where waiting will not mend it, or the thread ended */
  async #tryOut(): Promise<void> {
    if (!this.#line.alive()) {
      const inherited =
        this.#head === undefined ? {} : { inherited: { head: this.#head, unanswered: this.#unanswered } };
      this.#line = new WorkerLine('journal-worker', { ...this.#data, ...inherited });
    }
    const answer = await this.#line.ask({ kind: 'probe' });
    if (answer.kind === 'failed') throw new StoreFault(answer.code, answer.message);
    if (answer.kind !== 'probed' || this.#closed !== undefined) return;
    if (this.#head === undefined && answer.head !== undefined) {
      this.#head = answer.head;
      this.#openIntents = answer.openIntents;
    }
    this.#setState(answer.why);
  }

  #lose(): void {
    if (this.#lost.untold === 0) this.#lost.since = this.#clock.now();
    this.#lost.total += 1;
    this.#lost.untold += 1;
  }

  #tellLoss(): void {
    const now = this.#clock.monotonic();
    const { untold, since } = this.#lost;
    if (untold === 0 || this.#why !== undefined) return;
    if (this.#lossToldAt !== undefined && now - this.#lossToldAt < LOSS_REPORT_MS) return;
    const row: SystemRow = {
      kind: 'system',
      event: 'notes-lost',
      at: this.#clock.now(),
      detail: { count: untold, since },
      ...(this.#clock.sure() ? {} : { clockUnsure: true }),
    };
    this.#lost.untold = 0;
    this.#lossToldAt = now;
    this.#queue.push({
      entry: { row: encodeRow(row), space: 'change' },
      resolve: () => {},
      reject: () => {
        this.#lost.untold += untold;
        this.#lost.since = since;
        this.#lossToldAt = undefined;
      },
    });
  }
}
