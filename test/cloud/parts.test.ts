import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PartDescriptor } from '../../src/cloud/manifest.ts';
import { hashOf, PartCollector, unpackPart } from '../../src/cloud/parts.ts';

function descriptor(bytes: Uint8Array, chunks = 1): PartDescriptor {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { sha256, size: bytes.length, kind: 'people', chunks };
}

describe('a part', () => {
  const bytes = Buffer.from('{"users":[]}');

  it('is the bytes its chunks unpack to', async () => {
    const packed = gzipSync(bytes);
    const chunks = [packed.subarray(0, 7), packed.subarray(7)];
    expect(await unpackPart(descriptor(bytes, 2), chunks, 'parts.0')).toEqual({ ok: true, value: bytes });
  });

  it('stops unpacking at the signed size: a bomb of a gigabyte ends at a kilobyte', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    const result = await unpackPart({ ...descriptor(bytes), size: 1024 }, [bomb], 'parts.3');
    expect(result).toMatchObject({ ok: false, fault: { code: 'part-size', faults: [{ path: 'parts.3.size' }] } });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  it.each([
    ['fewer bytes than signed', gzipSync(Buffer.from('{}')), 'part-size'],
    ['other bytes of the same size', gzipSync(Buffer.from('{"userz":[]}')), 'part-hash'],
    ['no gzip', Buffer.from('plain text'), 'part-unreadable'],
    ['half a gzip', gzipSync(bytes).subarray(0, 12), 'part-unreadable'],
    ['a second stream behind the first', Buffer.concat([gzipSync(bytes), gzipSync(bytes)]), 'part-size'],
  ])('refuses %s', async (_what, chunk, code) => {
    expect(await unpackPart(descriptor(bytes), [chunk], 'parts.0')).toMatchObject({ ok: false, fault: { code } });
  });

  it('has the same hash on and off the event loop', async () => {
    const large = Buffer.alloc(200_000, 7);
    expect(await hashOf(large)).toBe(createHash('sha256').update(large).digest('hex'));
  });
});

describe('the collector', () => {
  it('drops chunks that nobody asked for', async () => {
    const bytes = Buffer.from('{"users":[]}');
    const part = descriptor(bytes);
    const kept: string[] = [];
    const collector = new PartCollector(
      [{ part, path: 'parts.0' }],
      async (hash) => void kept.push(hash),
      () => {},
    );
    collector.add('0'.repeat(64), 0, gzipSync(bytes));
    collector.add(part.sha256, 1, gzipSync(bytes));
    collector.add(part.sha256, 0, Buffer.alloc(98_305));
    collector.add(part.sha256, 0, Buffer.alloc(0));
    expect(collector.missing()).toHaveLength(1);
    collector.add(part.sha256, 0, gzipSync(bytes));
    await collector.complete;
    expect(kept).toEqual([part.sha256]);
    expect(collector.missingPart()).toBeUndefined();
  });

  it('takes chunks in any order and more than once, and tries again when one comes while it unpacks', async () => {
    const bytes = Buffer.from(JSON.stringify(Array.from({ length: 2_000 }, (_, index) => index * 7919)));
    const packed = gzipSync(bytes);
    const chunks = [packed.subarray(0, 2000), packed.subarray(2000, 4000), packed.subarray(4000)];
    const part = descriptor(bytes, 3);
    const codes: string[] = [];
    const collector = new PartCollector(
      [{ part, path: 'parts.0' }],
      async () => {},
      ({ code }) => void codes.push(code),
    );
    const at = (index: number) => chunks[index] ?? Buffer.alloc(0);
    collector.add(part.sha256, 2, at(2));
    collector.add(part.sha256, 0, Buffer.from('wrong'));
    expect(collector.missingPart()?.faults[0]).toMatchObject({ path: 'parts.0', found: '2 of 3 chunks, not 1' });
    collector.add(part.sha256, 1, at(1));
    collector.add(part.sha256, 1, at(1));
    collector.add(part.sha256, 0, at(0));
    await collector.complete;
    expect(codes).toEqual(['part-unreadable']);
  });

  it('says a part is missing although all chunks came, when they do not fit', async () => {
    const part = descriptor(Buffer.from('{}'));
    const collector = new PartCollector(
      [{ part, path: 'parts.0' }],
      async () => {},
      () => {},
    );
    collector.add(part.sha256, 0, Buffer.from('wrong'));
    await collector.settled();
    expect(collector.missing()[0]?.found).toBe('no chunks that fit');
  });

  it('tries again after a disk that failed, when the chunks are sent again', async () => {
    const bytes = Buffer.from('{"users":[]}');
    const part = descriptor(bytes);
    const codes: string[] = [];
    let full = true;
    const collector = new PartCollector(
      [{ part, path: 'parts.0' }],
      async () => {
        if (full) throw new Error('disk full');
      },
      ({ code }) => void codes.push(code),
    );
    collector.add(part.sha256, 0, gzipSync(bytes));
    await collector.settled();
    expect(codes).toEqual(['not-durable']);
    full = false;
    collector.add(part.sha256, 0, gzipSync(bytes));
    await collector.complete;
    expect(collector.missing()).toEqual([]);
  });
});
