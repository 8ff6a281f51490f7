// The journal's upload: in order, without a gap, at least once, moved by the right acknowledgement and by nothing else.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signCompact } from '../../simulators/cloud/signing.ts';
import { batchSchema, headSchema } from '../../src/cloud/audit-form.ts';
import { openClock } from '../../src/cloud/clock.ts';
import { type GatewayKeys, openGatewayKeys } from '../../src/cloud/gateway-keys.ts';
import { Upload } from '../../src/cloud/upload.ts';
import type { Receipt, StoredRow } from '../../src/contract/journal.ts';
import type { JournalRow, SystemRow } from '../../src/model/journal-row.ts';
import { CHAIN_START, canonicalJson, chainHash } from '../../src/store/chain.ts';

import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { GATEWAY, KEYS, trustedRoot } from './road.ts';
import { START, VirtualTime } from './virtual-time.ts';

/** A journal that only grows, in memory. */
function memoryJournal(anchor: Receipt = { number: 0, hash: CHAIN_START }) {
  const rows: StoredRow[] = [];
  const head = () => rows.at(-1) ?? (anchor.number === 0 ? undefined : anchor);
  return {
    rows: ({ after = 0, limit }: { after?: number; limit: number }) =>
      rows.filter(({ number }) => number > after).slice(0, limit),
    head,
    anchor: () => anchor,
    append(text: string) {
      const row: JournalRow = { kind: 'system', at: START, event: 'x', detail: { text } };
      const { number, hash } = head() ?? anchor;
      rows.push({ number: number + 1, hash: chainHash(hash, canonicalJson(row)), row });
    },
    drop: (from: number) => void rows.splice(from - anchor.number - 1),
  };
}

let keys: GatewayKeys;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'));
  keys = openGatewayKeys(folder, START);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const placeOf = (row: Receipt | undefined) => ({ number: row?.number, hash: row?.hash });

/** What a cloud makes of the batches: it checks the chain, and knows the last row. */
class Follower {
  readonly texts: string[] = [];
  head: Receipt = { number: 0, hash: CHAIN_START };
  #pieces: Buffer[] = [];

  take(message: string): void {
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(98_304);
    const batch = batchSchema.parse(JSON.parse(message));
    const claims = headSchema.parse(JSON.parse(Buffer.from(batch.head.split('.')[1] ?? '', 'base64url').toString()));
    if (claims.previous.number > this.head.number) throw new Error('a gap');
    for (const { number, hash, row } of batch.rows ?? []) this.#row(number, hash, canonicalJson(row));
    const { piece } = batch;
    if (piece) {
      if (piece.index === 0) this.#pieces = [];
      this.#pieces[piece.index] = Buffer.from(piece.base64, 'base64');
      if (this.#pieces.length < piece.count) return;
      this.#row(piece.number, piece.hash, canonicalJson(JSON.parse(Buffer.concat(this.#pieces).toString())));
    }
    expect(claims.head).toEqual(this.head);
  }

  #row(number: number, hash: string, body: string): void {
    if (number <= this.head.number) return;
    expect(number).toBe(this.head.number + 1);
    expect(chainHash(this.head.hash, body)).toBe(hash);
    this.head = { number, hash };
    this.texts.push((JSON.parse(body) as { detail: { text: string } }).detail.text);
  }
}

async function scene(journal = memoryJournal(), disk = new MemoryDisk(), full: () => boolean = () => false) {
  const time = new VirtualTime();
  const root = await trustedRoot();
  const store = openMemoryStore(disk, (when) => {
    if (when === 'before' && full()) throw new Error('disk full');
  });
  const line = { up: true };
  const sent: string[] = [];
  const rows: SystemRow[] = [];
  const logged: string[] = [];
  const changes = { count: 0 };
  const upload = new Upload({
    gateway: GATEWAY,
    keys,
    journal,
    store,
    trust: { root: () => root },
    clock: openClock(store, time),
    timers: time,
    log: { write: (_level, event) => void logged.push(event) },
    send: async (text) => {
      if (line.up) sent.push(text);
      return line.up;
    },
    record: (row) => void rows.push(row),
    changed: () => {
      changes.count += 1;
    },
  });
  const ackOf = (change: object, key = KEYS.audit) =>
    Buffer.from(
      signCompact(
        { format: 'gatehouse.ack/1', gateway: GATEWAY, issuedAt: '2026-11-22T08:00:00Z', ...change },
        'gatehouse.ack+jws',
        key,
      ),
    );
  const ack = async (change: object, key = KEYS.audit) => {
    upload.acknowledged(ackOf(change, key));
    await upload.settled();
  };
  /** Lets what was sent be followed by what waits for it. */
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { time, upload, journal, sent, rows, logged, changes, line, ack, turn };
}

describe('the upload', () => {
  it('brings every row in order, and goes on only after the acknowledgement', async () => {
    const { time, upload, journal, sent, ack, turn } = await scene();
    for (let i = 0; i < 2_000; i += 1) journal.append(`row ${i}`);
    upload.up();
    const follower = new Follower();
    for (let i = 0; follower.head.number < 2_000; i += 1) {
      expect(sent).toHaveLength(i + 1);
      follower.take(sent[i] ?? '');
      await ack(follower.head);
    }
    expect(follower.texts).toEqual(Array.from({ length: 2_000 }, (_, i) => `row ${i}`));
    expect(upload.state()).toEqual({ state: 'idle', acked: 2_000, unsent: 0, why: null });
    journal.append('later');
    expect(upload.state()).toMatchObject({ state: 'sending', unsent: 1 });
    time.advance(1_000);
    await turn();
    follower.take(sent.at(-1) ?? '');
    expect(follower.texts.at(-1)).toBe('later');
  });

  it('signs each head with the gateway’s key', async () => {
    const { upload, journal, sent } = await scene();
    journal.append('x');
    upload.up();
    const { head } = batchSchema.parse(JSON.parse(sent[0] ?? ''));
    const header: unknown = JSON.parse(Buffer.from(head.split('.')[0] ?? '', 'base64url').toString());
    expect(header).toEqual({ alg: 'EdDSA', kid: keys.signingKid, typ: 'gatehouse.head+jws' });
  });

  it('sends again what is not acknowledged: after a while, after a lost line, after a restart', async () => {
    const disk = new MemoryDisk();
    const { time, upload, journal, sent, line, ack, turn } = await scene(memoryJournal(), disk);
    journal.append('a');
    upload.up();
    await turn();
    time.advance(30_000);
    await turn();
    expect(sent).toHaveLength(2);
    line.up = false;
    time.advance(30_000);
    await turn();
    time.advance(300_000);
    line.up = true;
    upload.up();
    expect(sent).toHaveLength(3);
    await ack(placeOf(journal.head()));
    journal.append('b');
    await upload.stop();
    const again = await scene(journal, disk);
    expect(again.upload.state()).toMatchObject({ acked: 1, unsent: 1 });
    again.upload.up();
    expect(JSON.parse(again.sent[0] ?? '')).toMatchObject({ rows: [{ number: 2 }] });
  });

  it('cuts a row that no message takes', async () => {
    const { upload, journal, sent, ack, turn } = await scene();
    const long = `°${'ü'.repeat(150_000)}`;
    journal.append('short');
    journal.append(long);
    journal.append('short again');
    const follower = new Follower();
    upload.up();
    let taken = 0;
    while (follower.head.number < 3) {
      await turn();
      expect(taken).toBeLessThan(sent.length);
      for (const text of sent.slice(taken)) follower.take(text);
      taken = sent.length;
      await ack(follower.head);
    }
    expect(follower.texts).toEqual(['short', long, 'short again']);
  });

  it('begins after what retention removed', async () => {
    const hash = createHash('sha256').update('x').digest('hex');
    const { upload, journal, sent } = await scene(memoryJournal({ number: 40, hash }));
    journal.append('x');
    upload.up();
    const { head } = batchSchema.parse(JSON.parse(sent[0] ?? ''));
    expect(JSON.parse(Buffer.from(head.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      previous: { number: 40, hash },
      head: { number: 41 },
    });
  });
});

describe('an acknowledgement', () => {
  async function sending() {
    const all = await scene();
    for (const text of ['a', 'b', 'c']) all.journal.append(text);
    all.upload.up();
    const [first, second] = all.journal.rows({ limit: 3 });
    if (!first || !second) throw new Error('no rows');
    return { ...all, first, second };
  }

  it.each<[string, object, keyof typeof KEYS | undefined]>([
    ['another role’s key', {}, 'policy'],
    ['another gateway', { gateway: 'site-13' }, undefined],
    ['another format', { format: 'gatehouse.ack/2' }, undefined],
    ['an unknown key', { note: 'x' }, undefined],
    ['no hash', { hash: undefined }, undefined],
  ])('is passed over, and said once: %s', async (_what, change, key) => {
    const { upload, logged, ack, first } = await sending();
    const signer = key === 'policy' ? KEYS.policy : KEYS.audit;
    await ack({ number: first.number, hash: first.hash, ...change }, signer);
    await ack({ number: first.number, hash: first.hash, ...change }, signer);
    expect(upload.cursor().number).toBe(0);
    expect(logged).toEqual(['upload.ack-refused']);
  });

  it('without a signature moves nothing', async () => {
    const { upload, first } = await sending();
    const body = Buffer.from(JSON.stringify({ format: 'gatehouse.ack/1', gateway: GATEWAY, ...first })).toString(
      'base64url',
    );
    for (const text of [`e30.${body}.`, body, '', '{}', 'x'.repeat(98_305)]) upload.acknowledged(Buffer.from(text));
    await upload.settled();
    expect(upload.cursor().number).toBe(0);
  });

  it('of a head that this journal never had stops the upload and says so; the right one takes it up again', async () => {
    const { upload, rows, logged, changes, ack, first, second, time, sent, turn } = await sending();
    await ack({ number: first.number, hash: second.hash });
    expect(upload.state()).toMatchObject({ state: 'stopped', acked: 0, why: expect.stringContaining('another row 1') });
    expect(rows).toMatchObject([{ event: 'upload-stopped' }]);
    expect(logged).toEqual(['upload.stopped']);
    expect(changes.count).toBe(1);
    const before = sent.length;
    time.advance(3_600_000);
    upload.up();
    await turn();
    expect(sent).toHaveLength(before);
    await ack({ number: second.number, hash: second.hash });
    expect(upload.state()).toMatchObject({ state: 'sending', acked: 2, unsent: 1 });
    expect(changes.count).toBe(2);
  });

  it('beyond the journal’s end stops the upload', async () => {
    const { upload, ack, second } = await sending();
    await ack({ number: 99, hash: second.hash });
    expect(upload.state()).toMatchObject({ state: 'stopped', why: expect.stringContaining('row 99') });
  });

  it('that comes again, or late, changes nothing', async () => {
    const { upload, ack, first, second } = await sending();
    await ack({ number: second.number, hash: second.hash });
    await ack({ number: first.number, hash: first.hash });
    await ack({ number: second.number, hash: second.hash });
    expect(upload.state()).toMatchObject({ acked: 2, why: null });
  });

  it('counts only when the cursor is on disk', async () => {
    let isFull = true;
    const { upload, journal, ack } = await scene(memoryJournal(), new MemoryDisk(), () => isFull);
    journal.append('a');
    upload.up();
    await ack(placeOf(journal.head()));
    expect(upload.cursor().number).toBe(0);
    isFull = false;
    await ack(placeOf(journal.head()));
    expect(upload.cursor().number).toBe(1);
  });

  it('remembered for a journal that was replaced or cut stops the upload at the start', async () => {
    const disk = new MemoryDisk();
    const { journal, ack } = await scene(memoryJournal(), disk);
    for (const text of ['a', 'b', 'c']) journal.append(text);
    const third = journal.head();
    await ack(placeOf(third));
    journal.drop(3);
    const cut = await scene(journal, disk);
    expect(cut.upload.state()).toMatchObject({ state: 'stopped', why: expect.stringContaining('ends with row 2') });
    journal.append('other');
    const other = await scene(journal, disk);
    expect(other.upload.state()).toMatchObject({ state: 'stopped', why: expect.stringContaining('another row 3') });
  });
});
