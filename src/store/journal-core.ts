// The journal's writer, synchronous: one connection, one chain, one writer. Invariants: 1. a receipt is given only for
// a row that is on disk; 2. a row refused here is not on disk, not even after a failed flush (such a tail is taken back);
// 3. it goes on only from the very row it acknowledged last: a file replaced, shortened or written by others stops it.

import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import type { Receipt, StoredRow } from '../contract/journal.ts';
import { CHAIN_START, chainHash } from './chain.ts';
import { openDatabase } from './database.ts';
import { journalSchema } from './journal-schema.ts';
import { admit, type Ballast, type Entry, type JournalLimits, openBallast } from './journal-space.ts';
import { type JournalStatements, prepareJournal } from './journal-statements.ts';
import { anchorOf, verifyChain } from './journal-verify.ts';
import { asStoreFault, errorCode, StoreFault } from './store-fault.ts';

/** How many of the last rows a start checks: what a torn or failing disk damages first. */
const TAIL_ROWS = 256;

/** Room for several rows, so that a journal that says it is writable again stays so for a while. */
const PROBE_BYTES = 16_384;

/** What an earlier writer of this process knew: its last acknowledged row, and the rows it had no answer for. */
export interface Inheritance {
  readonly head: Receipt;
  readonly unanswered: readonly string[];
}

interface JournalCoreOptions {
  readonly file: string;
  readonly limits: JournalLimits;
  readonly inherited?: Inheritance;
  /** Bytes free on the journal's disk; asked of the system where absent. */
  readonly diskFreeBytes?: () => number;
}

export interface WriteResult {
  /** For each entry, in order: its receipt, or why it was refused. */
  readonly answers: readonly (Receipt | string)[];
  /** Why changes cannot be recorded now; `undefined` where they can. */
  readonly why: string | undefined;
}

interface Connection {
  readonly database: Database.Database;
  readonly statements: JournalStatements;
  readonly inode: number;
  readonly pageBytes: number;
}

export class JournalCore {
  readonly #file: string;
  readonly #limits: JournalLimits;
  readonly #diskFreeBytes: () => number;
  readonly #ballast: Ballast;
  #connection: Connection | undefined;
  /** Absent until the file was opened for the first time. */
  #head: Receipt | undefined;
  #unanswered: readonly string[];
  #notes = { rows: 0, bytes: 0 };
  #why: string | undefined;
  /** The last fault may be one that room on the disk mends. */
  #diskFull = false;
  #crashed: readonly StoredRow[] = [];

  constructor(options: JournalCoreOptions) {
    this.#file = options.file;
    this.#limits = options.limits;
    this.#head = options.inherited?.head;
    this.#unanswered = options.inherited?.unanswered ?? [];
    this.#ballast = openBallast(`${options.file}-reserve`, options.limits.reserveBytes);
    this.#diskFreeBytes = options.diskFreeBytes ?? (() => freeBytes(options.file));
  }

  /**
   * Why changes cannot be recorded now, having tried with a real write; `undefined` where they can.
   * @throws StoreFault `store-not-ours`, `store-too-new`: no waiting will mend it
   */
  probe(): string | undefined {
    try {
      const connection = this.#open();
      const { reserveBytes, minFreeBytes } = this.#limits;
      if (this.#diskFreeBytes() >= reserveBytes + minFreeBytes) this.#ballast.take();
      const [why] = admit([{ row: { cost: PROBE_BYTES }, space: 'change' }], this.#taken(connection), this.#limits);
      if (why === undefined) this.#transact(connection, () => connection.statements.touch());
      this.#why = why;
    } catch (thrown) {
      this.#fail(thrown, this.#unanswered);
      if (thrown instanceof StoreFault && (thrown.code === 'store-not-ours' || thrown.code === 'store-too-new')) {
        throw thrown;
      }
    }
    return this.#why;
  }

  /** The last row acknowledged; absent until the file could be opened. */
  head(): Receipt | undefined {
    return this.#head;
  }

  /** The intents without an outcome that stood in the file when it was first opened. */
  openIntents(): readonly StoredRow[] {
    return this.#crashed;
  }

  /** One transaction, one flush. Never throws: a refused row has its reason. */
  write(entries: readonly Entry[]): WriteResult {
    const first = this.#attempt(entries);
    const again = entries.filter(({ space }) => space === 'reserve');
    if (!this.#diskFull || again.length === 0 || !this.#ballast.release()) return { answers: first, why: this.#why };
    const second = this.#attempt(again);
    const answers = entries.map(
      ({ space }, index) => (space === 'reserve' ? second.shift() : first[index]) ?? 'the row was not written',
    );
    return { answers, why: this.#why };
  }

  /** Removes up to `atMost` of the oldest rows, all acknowledged and older than `before`; gives how many. */
  prune(before: number, ackedUpTo: number, atMost: number): number {
    try {
      const connection = this.#open();
      const { statements } = connection;
      const removed = this.#transact(connection, () => statements.prune(before, ackedUpTo, atMost));
      this.#notes = statements.notes();
      return removed;
    } catch (thrown) {
      throw this.#fail(thrown, this.#unanswered);
    }
  }

  close(): void {
    this.#connection?.database.close();
    this.#connection = undefined;
  }

  #attempt(entries: readonly Entry[]): (Receipt | string)[] {
    let admitted: readonly Entry[] = [];
    this.#diskFull = false;
    try {
      const connection = this.#open();
      const refusals = admit(entries, this.#taken(connection), this.#limits);
      admitted = entries.filter((_, index) => refusals[index] === undefined);
      const receipts = admitted.length === 0 ? [] : this.#commit(connection, admitted);
      const refusedChange = entries.findIndex(
        ({ space }, index) => space === 'change' && refusals[index] !== undefined,
      );
      if (refusedChange !== -1) this.#why = refusals[refusedChange];
      else if (admitted.some(({ space }) => space !== 'reserve')) this.#why = undefined;
      return refusals.map((why) => why ?? receipts.shift() ?? 'the row was not written');
    } catch (thrown) {
      const unanswered = this.#connection === undefined ? this.#unanswered : admitted.map(({ row }) => row.body);
      const { message } = this.#fail(thrown, unanswered);
      return entries.map(() => message);
    }
  }

  #commit(connection: Connection, entries: readonly Entry[]): Receipt[] {
    const { statements } = connection;
    const receipts: Receipt[] = [];
    let head = this.#head ?? { number: 0, hash: CHAIN_START };
    let { rows, bytes } = this.#notes;
    this.#transact(connection, () => {
      for (const { row, space } of entries) {
        head = { number: head.number + 1, hash: chainHash(head.hash, row.body) };
        const isNote = space === 'note';
        statements.insert(head, row, isNote ? row.cost : null);
        rows += isNote ? 1 : 0;
        bytes += isNote ? row.cost : 0;
        receipts.push(head);
      }
    });
    this.#head = head;
    this.#notes = { rows, bytes };
    return receipts;
  }

  #transact<T>({ database, statements, inode }: Connection, work: () => T): T {
    if (statSync(this.#file, { throwIfNoEntry: false })?.ino !== inode) {
      throw new StoreFault('store-unavailable', `\`${this.#file}\` was removed or replaced`);
    }
    return database
      .transaction(() => {
        if (statements.lastNumber() !== this.#head?.number) {
          throw new StoreFault('store-unavailable', `\`${this.#file}\` is written by another process`);
        }
        return work();
      })
      .immediate();
  }

  #open(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const database = openDatabase(this.#file, journalSchema);
    try {
      const statements = prepareJournal(database);
      if (this.#head === undefined) {
        this.#head = statements.head();
        this.#crashed = statements.openIntents();
      } else {
        database.transaction(() => this.#settle(statements, this.#head)).immediate();
      }
      this.#unanswered = [];
      checkTail(database, statements, this.#head, this.#file);
      this.#notes = statements.notes();
      const inode = statSync(this.#file).ino;
      const pageBytes = Number(database.pragma('page_size', { simple: true }));
      this.#connection = { database, statements, inode, pageBytes };
      return this.#connection;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  }

  /**
   * After a flush that failed half-way its rows may be in the file after all: they were refused, so they go. Where the
   * machine stops before that, the next start finds intents without an outcome, and closes them as it does any other.
   */
  #settle(statements: JournalStatements, head: Receipt | undefined): void {
    if (head === undefined) return;
    if (head.number > 0 && statements.hashOf(head.number) !== head.hash) {
      throw new StoreFault('store-corrupt', `\`${this.#file}\` lost row ${head.number}, which was acknowledged`);
    }
    const unanswered = new Set(this.#unanswered);
    const tail = statements.rowsAfter(head.number);
    const foreign = tail.find((row) => !unanswered.has(row.body));
    if (foreign !== undefined) {
      throw new StoreFault(
        'store-unavailable',
        `row ${foreign.number} of \`${this.#file}\` was written by another process`,
      );
    }
    for (const row of tail.reverse()) statements.takeBack(row);
  }

  #fail(thrown: unknown, unanswered: readonly string[]): StoreFault {
    const fault = asStoreFault(thrown, this.#file);
    this.#why = fault.message;
    this.#diskFull = /^(SQLITE_FULL|SQLITE_IOERR|ENOSPC|EDQUOT|EFBIG)/.test(errorCode(fault.cause));
    this.#unanswered = unanswered;
    try {
      this.close();
    } catch {
      // The connection is given up either way; the next one reads the file afresh.
      this.#connection = undefined;
    }
    return fault;
  }

  #taken({ statements, pageBytes }: Connection) {
    return {
      databaseBytes: statements.pagesInUse() * pageBytes,
      diskFreeBytes: this.#diskFreeBytes(),
      noteBytes: this.#notes.bytes,
      noteRows: this.#notes.rows,
      reserveHeld: this.#ballast.held(),
    };
  }
}

function checkTail(database: Database.Database, statements: JournalStatements, head: Receipt, file: string): void {
  const anchor = anchorOf(database);
  const from = Math.max(anchor.number, head.number - TAIL_ROWS);
  const hash = statements.hashOf(from) ?? anchor.hash;
  const verdict = verifyChain(database, { number: from, hash });
  if (!verdict.intact) {
    throw new StoreFault('store-corrupt', `row ${verdict.firstBroken} of \`${file}\` is broken: ${verdict.why}`);
  }
}

function freeBytes(file: string): number {
  const { bavail, bsize } = statfsSync(dirname(file));
  return bavail * bsize;
}
