// The journal as it comes up: every batch is held to the chain and to the gateway's signature before a row of it counts.
// Invariants: 1. rows have no gap; 2. what was taken before comes again with the same hashes or is called a fault;
// 3. a broker can neither take a row away nor put one in.

import { createHash } from 'node:crypto';
import { openSigned, type PublicKey } from './reading.ts';

/** A place in the chain; number 0 is its start. */
export interface ChainPlace {
  readonly number: number;
  readonly hash: string;
}

export interface UploadedRow extends ChainPlace {
  readonly row: { readonly kind: string; readonly [key: string]: unknown };
}

interface Piece extends ChainPlace {
  readonly index: number;
  readonly count: number;
  /** Of the row's JSON in UTF-8. */
  readonly base64: string;
}

interface BatchMessage {
  readonly format: string;
  readonly gateway: string;
  readonly head: string;
  readonly rows?: readonly UploadedRow[];
  readonly piece?: Piece;
}

interface HeadMessage {
  readonly format: string;
  readonly gateway: string;
  readonly previous: ChainPlace;
  readonly head: ChainPlace;
}

export const CHAIN_START: ChainPlace = { number: 0, hash: '0'.repeat(64) };

/** RFC 8785 for what JSON.parse gives. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

function hashAfter(previous: string, body: string): string {
  return createHash('sha256').update(previous, 'hex').update(body).digest('hex');
}

/** One gateway's journal as the cloud has it, from a place on. */
export class JournalChain {
  readonly #gateway: string;
  readonly #key: PublicKey;
  #at: ChainPlace;
  /** Pieces of the row that comes next. */
  #pieces: Buffer[] = [];

  /** `at`: what is kept already. `key`: the gateway's signing key. */
  constructor(gateway: string, key: PublicKey, at: ChainPlace = CHAIN_START) {
    this.#gateway = gateway;
    this.#key = key;
    this.#at = at;
  }

  /** The last row that was taken. */
  at(): ChainPlace {
    return this.#at;
  }

  /** Message `audit/batch` → its rows that are new; none where all were here before. Throws where it cannot be believed. */
  take(payload: Uint8Array): readonly UploadedRow[] {
    const batch = JSON.parse(Buffer.from(payload).toString('utf8')) as BatchMessage;
    const head = openSigned(batch.head, 'gatehouse.head+jws', this.#key) as HeadMessage;
    if (batch.gateway !== this.#gateway || head.gateway !== this.#gateway) {
      throw new Error(`got a batch of \`${batch.gateway}\`, signed for \`${head.gateway}\``);
    }
    if (batch.piece) return this.#takePiece(batch.piece, head);
    return this.#takeRows(batch.rows ?? [], head);
  }

  #takeRows(rows: readonly UploadedRow[], { previous, head }: HeadMessage): readonly UploadedRow[] {
    if (previous.number > this.#at.number) {
      throw new Error(`got rows after ${previous.number}, expected row ${this.#at.number + 1}`);
    }
    let place = previous;
    const fresh: UploadedRow[] = [];
    for (const { number, hash, row } of rows) {
      if (place.number === this.#at.number) this.#sameAs(place);
      const computed = hashAfter(place.hash, canonical(row));
      if (number !== place.number + 1 || computed !== hash) {
        throw new Error(
          `got row ${number} with hash \`${hash}\`, expected row ${place.number + 1} with \`${computed}\``,
        );
      }
      place = { number, hash };
      if (number > this.#at.number) fresh.push({ number, hash, row });
    }
    if (place.number === this.#at.number) this.#sameAs(place);
    if (place.number !== head.number || place.hash !== head.hash) {
      throw new Error(`got rows up to ${place.number}, expected the signed head ${head.number}`);
    }
    if (fresh.length > 0) this.#moveTo(place);
    return fresh;
  }

  #takePiece({ number, hash, index, count, base64 }: Piece, { previous, head }: HeadMessage): readonly UploadedRow[] {
    if (number <= this.#at.number) return [];
    if (head.number !== number || head.hash !== hash)
      throw new Error(`got a piece of row ${number} under another head`);
    if (previous.number !== this.#at.number) throw new Error(`got row ${number}, expected row ${this.#at.number + 1}`);
    this.#sameAs(previous);
    if (index === 0) this.#pieces = [];
    if (index < this.#pieces.length) return [];
    if (index > this.#pieces.length) throw new Error(`got piece ${index}, expected piece ${this.#pieces.length}`);
    this.#pieces.push(Buffer.from(base64, 'base64'));
    if (this.#pieces.length < count) return [];
    const row = JSON.parse(Buffer.concat(this.#pieces).toString('utf8')) as UploadedRow['row'];
    this.#pieces = [];
    return this.#takeRows([{ number, hash, row }], { format: '', gateway: this.#gateway, previous, head });
  }

  #sameAs(place: ChainPlace): void {
    if (place.hash === this.#at.hash) return;
    throw new Error(`got another hash for row ${place.number} than was kept: the journal was rewritten`);
  }

  #moveTo(place: ChainPlace): void {
    this.#at = place;
    this.#pieces = [];
  }
}
