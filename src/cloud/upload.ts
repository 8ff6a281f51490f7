// The journal on its way to the cloud: rows in order → `audit/batch`; `audit/ack` → the cursor.
// Invariants: 1. the cursor moves only by a signed acknowledgement that carries this chain's hash, and is durable before it
// counts; 2. one batch at a time, sent again until it is acknowledged; 3. an acknowledgement of a head that this journal
// never had stops the upload, and is said; the next right one takes it up again.

import { z } from 'zod';
import type { Timers } from '../contract/clock.ts';
import type { JournalReader, Receipt, StoredRow } from '../contract/journal.ts';
import type { Log } from '../contract/log.ts';
import type { PolicyStore } from '../contract/policy-store.ts';
import type { SystemRow } from '../model/journal-row.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { ACK_TYP, type AuditAck, type AuditBatch, type AuditHead, ackSchema, HEAD_TYP } from './audit-form.ts';
import type { PolicyClock } from './clock.ts';
import type { GatewayKeys } from './gateway-keys.ts';
import { Lane } from './lane.ts';
import { MAX_MESSAGE_BYTES } from './manifest.ts';
import type { UploadState } from './report.ts';
import { openCompact, parseJsonBytes } from './signed-text.ts';
import type { Trust } from './trust.ts';

const CURSOR_SETTING = 'audit.cursor';
/** Of a message, for its rows; the rest is for the head and what stands around. */
const ROOM_BYTES = MAX_MESSAGE_BYTES - 4_096;
const PIECE_BYTES = 61_440;
const MOST_ROWS = 512;

export interface UploadTiming {
  /** How often the journal is looked at while there is nothing to send. */
  readonly pollMs: number;
  /** An unacknowledged batch is sent again after this. */
  readonly ackMs: number;
}

interface UploadOptions {
  readonly gateway: string;
  readonly keys: Pick<GatewayKeys, 'sign'>;
  readonly journal: Pick<JournalReader, 'rows' | 'head' | 'anchor'>;
  readonly store: Pick<PolicyStore, 'setting' | 'putSetting'>;
  readonly trust: Pick<Trust, 'root'>;
  readonly clock: PolicyClock;
  readonly timers: Timers;
  readonly log: Log;
  /** True when the broker has it. */
  readonly send: (text: string) => Promise<boolean>;
  readonly record: (row: SystemRow) => void;
  /** How it stands has changed: not called for every batch. */
  readonly changed: () => void;
  readonly timing?: Partial<UploadTiming>;
}

const cursorSchema = z.strictObject({ number: z.int().min(0), hash: z.string() });

export class Upload {
  readonly #options: UploadOptions;
  readonly #timing: UploadTiming;
  #cursor: Receipt;
  #why: string | undefined;
  /** The last row of the batch that is not acknowledged yet. */
  #inFlight: number | undefined;
  #isUp = false;
  #timer: { cancel(): void } | undefined;
  readonly #acks: Lane;
  #badAckSaid = false;
  #ended = false;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#acks = new Lane(options.log, 'audit/ack');
    this.#timing = { pollMs: 1_000, ackMs: 30_000, ...options.timing };
    const stored = options.store.setting(CURSOR_SETTING);
    this.#cursor = stored === undefined ? options.journal.anchor() : cursorSchema.parse(JSON.parse(stored));
    this.#why = this.#astray(this.#cursor);
    if (this.#why !== undefined) this.#tell(this.#why);
  }

  /** The last row acknowledged: nothing after it may be removed. */
  cursor(): Receipt {
    return this.#cursor;
  }

  state(): UploadState {
    let head = this.#cursor.number;
    try {
      head = this.#options.journal.head()?.number ?? 0;
    } catch {
      // It cannot be read: that is said where rows are taken from it.
    }
    const unsent = Math.max(0, head - this.#cursor.number);
    const state = this.#why !== undefined ? 'stopped' : unsent === 0 ? 'idle' : 'sending';
    return { state, acked: this.#cursor.number, unsent, why: this.#why ?? null };
  }

  /** The line to the broker is up: what is not acknowledged is sent, again if need be. */
  up(): void {
    this.#isUp = true;
    this.#inFlight = undefined;
    this.#pump();
  }

  /** `audit/ack` came. */
  acknowledged(bytes: Uint8Array): void {
    this.#acks.add(() => this.#consider(bytes));
  }

  /** Every acknowledgement that came is dealt with. */
  async settled(): Promise<void> {
    await this.#acks.idle();
  }

  async stop(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    await this.#acks.idle();
  }

  #pumpAfter(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(delayMs, () => {
      this.#inFlight = undefined;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#ended || !this.#isUp || this.#why !== undefined || this.#inFlight !== undefined) return;
    let rows: StoredRow[];
    try {
      rows = this.#options.journal.rows({ after: this.#cursor.number, limit: MOST_ROWS });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.log.write('error', 'upload.unreadable', { why }, `the journal cannot be read for upload: ${why}`);
      this.#pumpAfter(this.#timing.ackMs);
      return;
    }
    const [first] = rows;
    if (!first) {
      this.#pumpAfter(this.#timing.pollMs);
      return;
    }
    if (first.number !== this.#cursor.number + 1) {
      this.#halt(`the journal begins with row ${first.number}, expected row ${this.#cursor.number + 1}`);
      return;
    }
    const messages = this.#messagesOf(first, rows);
    this.#inFlight = messages.last;
    void this.#sendAll(messages.texts).then((sent) => this.#pumpAfter(sent ? this.#timing.ackMs : this.#timing.pollMs));
  }

  async #sendAll(texts: readonly string[]): Promise<boolean> {
    for (const text of texts) {
      if (await this.#options.send(text)) continue;
      this.#isUp = false;
      return false;
    }
    return true;
  }

  /** As many rows as one message takes; a row that none takes, in pieces. */
  #messagesOf(first: StoredRow, rows: readonly StoredRow[]): { readonly texts: string[]; readonly last: number } {
    const fitting: StoredRow[] = [];
    let bytes = 0;
    for (const row of rows) {
      bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
      if (bytes > ROOM_BYTES) break;
      fitting.push(row);
    }
    const last = fitting.at(-1);
    if (last) {
      const list = fitting.map(({ number, hash, row }) => ({ number, hash, row: { ...row } }));
      return { texts: [this.#batchText(last, { rows: list })], last: last.number };
    }
    const { number, hash, row } = first;
    const whole = Buffer.from(JSON.stringify(row));
    const count = Math.ceil(whole.length / PIECE_BYTES);
    const texts = Array.from({ length: count }, (_, index) => {
      const base64 = whole.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES).toString('base64');
      return this.#batchText(first, { piece: { number, hash, index, count, base64 } });
    });
    return { texts, last: number };
  }

  #batchText({ number, hash }: StoredRow, content: Pick<AuditBatch, 'rows' | 'piece'>): string {
    const { gateway, keys, clock } = this.#options;
    const at = new Date(clock.now()).toISOString();
    const head: AuditHead = {
      format: 'gatehouse.head/1',
      gateway,
      previous: { number: this.#cursor.number, hash: this.#cursor.hash },
      head: { number, hash },
      at,
    };
    const batch: AuditBatch = { format: 'gatehouse.audit/1', gateway, head: keys.sign(head, HEAD_TYP), ...content };
    return JSON.stringify(batch);
  }

  async #consider(bytes: Uint8Array): Promise<void> {
    if (this.#ended) return;
    const { store, clock, log } = this.#options;
    const opened = await this.#open(Buffer.from(bytes).toString('latin1'));
    if (!opened.ok) {
      if (this.#badAckSaid) return;
      this.#badAckSaid = true;
      log.write('warn', 'upload.ack-refused', { why: opened.fault }, `an acknowledgement is refused: ${opened.fault}`);
      return;
    }
    const { number, hash, issuedAt } = opened.value;
    // One that came late: what it says was said before.
    if (number < this.#cursor.number || (number === this.#cursor.number && hash === this.#cursor.hash)) return;
    const why = this.#astray({ number, hash });
    if (why !== undefined) {
      this.#halt(`an acknowledgement is wrong: ${why}`);
      return;
    }
    try {
      await store.putSetting(CURSOR_SETTING, JSON.stringify({ number, hash }));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.write('error', 'upload.cursor-not-stored', { why: text }, `the upload's cursor could not be stored: ${text}`);
      return;
    }
    clock.witness(Date.parse(issuedAt));
    this.#badAckSaid = false;
    this.#cursor = { number, hash };
    if (this.#why !== undefined) {
      this.#why = undefined;
      log.write('info', 'upload.resumed', { number }, `the upload goes on after row ${number}`);
      this.#options.changed();
    }
    if (this.#inFlight === undefined || number < this.#inFlight) return;
    this.#timer?.cancel();
    this.#inFlight = undefined;
    this.#pump();
  }

  async #open(text: string): Promise<Result<AuditAck, string>> {
    if (text.length > MAX_MESSAGE_BYTES) return fail(`got ${text.length} bytes, expected at most ${MAX_MESSAGE_BYTES}`);
    const opened = await openCompact(text, ACK_TYP, (kid) => this.#options.trust.root().keyFor('audit', kid));
    if (!opened.ok) return fail(`got ${opened.fault}, expected a JWS by a key the root names for audit`);
    const json = parseJsonBytes(opened.value.payload);
    const parsed = ackSchema.safeParse(json.ok ? json.value : undefined);
    if (!parsed.success) return fail('got something else, expected `gatehouse.ack/1`');
    const { gateway } = this.#options;
    return parsed.data.gateway === gateway
      ? ok(parsed.data)
      : fail(`got one for another gateway, expected \`${gateway}\``);
  }

  /** Why this place is not one of our chain's; `undefined` where it is. */
  #astray({ number, hash }: Receipt): string | undefined {
    const { journal } = this.#options;
    const anchor = journal.anchor();
    if (number === anchor.number && hash === anchor.hash) return undefined;
    const head = journal.head()?.number ?? 0;
    if (number > head) return `it names row ${number}, the journal ends with row ${head}`;
    const [row] = journal.rows({ after: number - 1, limit: 1 });
    if (row?.number === number && row.hash === hash) return undefined;
    return `it names another row ${number} than this journal's`;
  }

  #halt(why: string): void {
    if (this.#why === why) return;
    this.#why = why;
    this.#timer?.cancel();
    this.#inFlight = undefined;
    this.#tell(why);
    this.#options.changed();
  }

  #tell(why: string): void {
    const { clock, log, record } = this.#options;
    const detail = { why, acked: this.#cursor.number };
    log.write('error', 'upload.stopped', detail, `the journal's upload has stopped: ${why}`);
    record({ kind: 'system', at: clock.now(), event: 'upload-stopped', detail });
  }
}
