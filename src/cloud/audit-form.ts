// The forms of `audit/batch` and `audit/ack`: journal rows on their way up, and the word that they have arrived.
// The chain: hash(n) = SHA-256(hash(n-1) as 32 bytes, then the UTF-8 bytes of row n as canonical JSON, RFC 8785);
// hash(0) = 32 zero bytes. Invariant: a batch begins right after what was acknowledged last and has no gap.

import { z } from 'zod';

export const HEAD_TYP = 'gatehouse.head+jws';
export const ACK_TYP = 'gatehouse.ack+jws';

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex');
const place = z.strictObject({ number: z.int().min(0), hash });

/** Payload of `head`: a compact JWS (typ `gatehouse.head+jws`) by the gateway's signing key (`key`). */
export const headSchema = z.strictObject({
  format: z.literal('gatehouse.head/1'),
  gateway: z.string().min(1),
  /** What the batch begins after; number 0: from the start. */
  previous: place,
  /** The last row of the batch. */
  head: place,
  at: z.iso.datetime(),
});

/** Message `audit/batch`. Either whole rows, or one piece of a row that is too large for one message. */
export const batchSchema = z.strictObject({
  format: z.literal('gatehouse.audit/1'),
  gateway: z.string().min(1),
  head: z.string(),
  /** Ascending, without a gap. */
  rows: z.array(z.strictObject({ number: z.int().min(1), hash, row: z.looseObject({ kind: z.string() }) })).optional(),
  /** Piece `index` of `count` of a row's JSON in UTF-8: joined in order, they are the row. */
  piece: z
    .strictObject({
      number: z.int().min(1),
      hash,
      index: z.int().min(0),
      count: z.int().min(2),
      /** At most 60 KiB of bytes. */
      base64: z.base64(),
    })
    .optional(),
});

/** Message `audit/ack`, payload of a compact JWS (typ `gatehouse.ack+jws`) by a key whose role in the root is `audit`. */
export const ackSchema = z.strictObject({
  format: z.literal('gatehouse.ack/1'),
  gateway: z.string().min(1),
  /** The last row that is kept for good, and the chain's hash up to it. */
  number: z.int().min(1),
  hash,
  issuedAt: z.iso.datetime({ offset: true }),
});

export type AuditBatch = z.output<typeof batchSchema>;
export type AuditHead = z.output<typeof headSchema>;
export type AuditAck = z.output<typeof ackSchema>;
