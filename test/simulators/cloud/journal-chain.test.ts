// The record as it comes up over a broker that may lie: what is taken away, put in, changed or sent twice.

import { describe, expect, it } from 'vitest';
import { CHAIN_START, JournalChain } from '../../../simulators/cloud/journal-chain.ts';
import { openSigned, readGatewayKeys, thumbprint } from '../../../simulators/cloud/reading.ts';
import { newSigningKey, signCompact } from '../../../simulators/cloud/signing.ts';
import type { JournalRow } from '../../../src/model/journal-row.ts';
import { MemoryJournal } from '../../fleet/memory-journal.ts';

const key = newSigningKey('gateway');
const stranger = newSigningKey('gateway');

function journalOf(rows: number): MemoryJournal {
  const journal = new MemoryJournal();
  for (let index = 1; index <= rows; index += 1) {
    const row: JournalRow = { kind: 'system', at: index, event: 'test', detail: { z: index, a: 'ä\u2028' } };
    journal.append(row);
  }
  return journal;
}

interface Change {
  readonly gateway?: string;
  readonly signer?: typeof key;
  readonly rows?: (rows: readonly object[]) => readonly object[];
}

function batch(journal: MemoryJournal, after: number, count: number, change: Change = {}): Buffer {
  const rows = journal.rows({ after, limit: count });
  const [before] = after === 0 ? [undefined] : journal.rows({ after: after - 1, limit: 1 });
  const previous = before ? { number: before.number, hash: before.hash } : CHAIN_START;
  const { number = 0, hash = '' } = rows.at(-1) ?? {};
  const gateway = change.gateway ?? 'site-1';
  const head = { format: 'gatehouse.head/1', gateway, previous, head: { number, hash }, at: '2026-11-22T08:00:00Z' };
  const text = signCompact(head, 'gatehouse.head+jws', change.signer ?? key);
  return Buffer.from(
    JSON.stringify({ format: 'gatehouse.audit/1', gateway, head: text, rows: change.rows?.(rows) ?? rows }),
  );
}

const chain = () => new JournalChain('site-1', key.publicJwk);

describe('a record on its way up', () => {
  it('is taken in order, and what comes twice is taken once', () => {
    const journal = journalOf(5);
    const taken = chain();
    expect(taken.take(batch(journal, 0, 3)).map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(taken.take(batch(journal, 0, 3))).toEqual([]);
    expect(taken.take(batch(journal, 1, 4)).map(({ number }) => number)).toEqual([4, 5]);
    expect(taken.at()).toEqual({ number: 5, hash: journal.head()?.hash });
    expect(journal.verify()).toEqual({ intact: true, rows: 5, head: journal.head()?.hash });
  });

  it('goes on from what was kept before', () => {
    const journal = journalOf(4);
    const [, , third] = journal.rows({ limit: 3 });
    const later = new JournalChain('site-1', key.publicJwk, { number: 3, hash: third?.hash ?? '' });
    expect(later.take(batch(journal, 3, 1)).map(({ number }) => number)).toEqual([4]);
  });

  it.each<[string, string, (journal: MemoryJournal) => Buffer]>([
    ['a gap', 'got rows after 2, expected row 1', (journal) => batch(journal, 2, 2)],
    [
      'a row taken out',
      'expected row 2',
      (journal) => batch(journal, 0, 4, { rows: ([a, , ...rest]) => [a ?? {}, ...rest] }),
    ],
    [
      'rows cut off',
      'expected the signed head 4',
      (journal) => batch(journal, 0, 4, { rows: (rows) => rows.slice(0, 2) }),
    ],
    [
      'a row changed',
      'got row 2 with hash',
      (journal) =>
        batch(journal, 0, 4, {
          rows: (rows) => rows.map((row, index) => (index === 1 ? { ...row, row: { kind: 'system', at: 0 } } : row)),
        }),
    ],
    ['another signature', 'its key did not sign', (journal) => batch(journal, 0, 4, { signer: stranger })],
    ['another gateway', 'got a batch of `site-2`', (journal) => batch(journal, 0, 4, { gateway: 'site-2' })],
  ])('is not believed with %s', (_what, why, made) => {
    const taken = chain();
    expect(() => taken.take(made(journalOf(4)))).toThrow(why);
    expect(taken.at()).toEqual(CHAIN_START);
  });

  it('is not believed once it was rewritten', () => {
    const taken = chain();
    taken.take(batch(journalOf(3), 0, 3));
    const other = new MemoryJournal();
    for (let index = 1; index <= 5; index += 1)
      other.append({ kind: 'system', at: 100 + index, event: 'x', detail: {} });
    expect(() => taken.take(batch(other, 0, 5))).toThrow('the journal was rewritten');
    expect(() => taken.take(batch(other, 3, 2))).toThrow('the journal was rewritten');
    expect(taken.at().number).toBe(3);
  });

  it('puts a large row together from its pieces, in order, whatever comes twice', () => {
    const journal = journalOf(1);
    journal.append({ kind: 'system', at: 2, event: 'large', detail: { text: 'äß€'.repeat(50) } });
    const [first, large] = journal.rows({ limit: 2 });
    if (!first || !large) throw new Error('no rows');
    const bytes = Buffer.from(JSON.stringify(large.row));
    const pieces = [bytes.subarray(0, 101), bytes.subarray(101, 202), bytes.subarray(202)];
    const head = {
      format: 'gatehouse.head/1',
      gateway: 'site-1',
      previous: { number: 1, hash: first.hash },
      head: { number: 2, hash: large.hash },
      at: '2026-11-22T08:00:00Z',
    };
    const pieceOf = (index: number): Buffer => {
      const base64 = pieces[index]?.toString('base64') ?? '';
      const piece = { number: 2, hash: large.hash, index, count: 3, base64 };
      const text = signCompact(head, 'gatehouse.head+jws', key);
      return Buffer.from(JSON.stringify({ format: 'gatehouse.audit/1', gateway: 'site-1', head: text, piece }));
    };
    const taken = chain();
    expect(() => taken.take(pieceOf(0))).toThrow('got row 2, expected row 1');
    taken.take(batch(journal, 0, 1));
    expect(() => taken.take(pieceOf(1))).toThrow('got piece 1, expected piece 0');
    expect([taken.take(pieceOf(0)), taken.take(pieceOf(0)), taken.take(pieceOf(1)), taken.take(pieceOf(0))]).toEqual([
      [],
      [],
      [],
      [],
    ]);
    expect(() => taken.take(pieceOf(2))).toThrow('expected piece 1');
    taken.take(pieceOf(1));
    expect(taken.take(pieceOf(2))).toEqual([{ number: 2, hash: large.hash, row: large.row }]);
    expect(taken.take(pieceOf(2))).toEqual([]);
  });
});

describe('a gateway’s keys', () => {
  const message = (change: object = {}, signer = key) => {
    const signing = { ...key.publicJwk, kid: thumbprint(key.publicJwk), use: 'sig' };
    const x = Buffer.alloc(32, 1).toString('base64url');
    const encryption = { kty: 'OKP', crv: 'X25519', x, kid: thumbprint({ kty: 'OKP', crv: 'X25519', x }), use: 'enc' };
    const payload = { format: 'gatehouse.key/1', gateway: 'site-1', signing, encryption, ...change };
    return signCompact(payload, 'gatehouse.key+jws', signer);
  };

  it('are read where the key in them signed them', () => {
    expect(readGatewayKeys(message(), 'site-1').signing.x).toBe(key.publicJwk.x);
  });

  it.each([
    ['signed by another', () => readGatewayKeys(message({}, stranger), 'site-1'), 'its key did not sign'],
    ['of another gateway', () => readGatewayKeys(message(), 'site-2'), 'got the keys of `site-1`'],
    [
      'under another name',
      () => readGatewayKeys(message({ encryption: { kty: 'OKP', crv: 'X25519', x: 'AA', kid: 'mine' } }), 'site-1'),
      'not its thumbprint',
    ],
    ['that are none', () => readGatewayKeys(signCompact({}, 'gatehouse.key+jws', key), 'site-1'), 'without keys'],
    [
      'of another type',
      () => openSigned(message(), 'gatehouse.head+jws', key.publicJwk),
      'expected `gatehouse.head+jws`',
    ],
    ['that are no JWS', () => openSigned('a.b', 'gatehouse.head+jws', key.publicJwk), 'not a compact JWS'],
  ])('are refused where they are %s', (_what, read, why) => {
    expect(read).toThrow(why);
  });
});
