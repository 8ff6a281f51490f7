import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openPolicyCore } from '../../src/store/policy-core.ts';
import { openPolicyStore } from '../../src/store/policy-store.ts';
import { Sqlite } from '../../src/store/sqlite.ts';
import { catchWorkers, temporaryFolder } from './store-rig.ts';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const partOf = (text: string) => ({ hash: sha256(text), bytes: Buffer.from(text) });
const policy = (
  epoch: number,
  revision: number,
  partHashes: readonly string[] = [],
  manifest = `${epoch}.${revision}.s`,
) => ({
  epoch,
  revision,
  manifest,
  manifestSha256: sha256(manifest),
  partHashes,
});

async function storeAt(file = join(temporaryFolder(), 'policy.sqlite')) {
  const store = await openPolicyStore(file);
  onTestFinished(() => store.close());
  return { store, file };
}

test('a new store has nothing', async () => {
  const { store, file } = await storeAt();
  expect(store.floor()).toBeUndefined();
  expect(store.current()).toBeUndefined();
  expect(store.root()).toBeUndefined();
  expect(store.setting('a')).toBeUndefined();
  expect(store.part(sha256('a'))).toBeUndefined();
  expect(store.missing([sha256('a')])).toEqual([sha256('a')]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('what was committed is there after a start, byte for byte; parts no longer named are not', async () => {
  const { store, file } = await storeAt();
  const [a, b, c] = [partOf('{"é":1}'), { hash: '', bytes: randomBytes(300_000) }, partOf('')];
  b.hash = sha256(b.bytes);
  for (const { hash, bytes } of [a, b, c]) await store.putPart(hash, bytes);
  expect(store.missing([a.hash, sha256('x'), b.hash])).toEqual([sha256('x')]);
  await store.commit(policy(1, 1, [a.hash, b.hash]));
  expect(store.missing([a.hash, b.hash, c.hash])).toEqual([c.hash]);
  await store.putPart(c.hash, c.bytes);
  await store.commit(policy(1, 2, [b.hash, c.hash, c.hash]));
  await store.putRoot('{"root": "é"}\n');
  await store.putRoot('{"root": "è"}\n');
  await store.putSetting('cursor', '1');
  await store.putSetting('cursor', '2');
  await store.close();

  const again = (await storeAt(file)).store;
  const { partHashes: _, ...committed } = policy(1, 2);
  expect(again.floor()).toEqual({ epoch: 1, revision: 2, manifestSha256: committed.manifestSha256 });
  const current = again.current();
  expect(current).toMatchObject(committed);
  expect(new Map(current?.parts)).toEqual(
    new Map([
      [b.hash, b.bytes],
      [c.hash, Buffer.alloc(0)],
    ]),
  );
  expect(again.part(b.hash)).toEqual(b.bytes);
  expect(again.part(a.hash)).toBeUndefined();
  expect(again.root()).toBe('{"root": "è"}\n');
  expect(again.setting('cursor')).toBe('2');
});

test('power lost at any length of the log leaves a policy whole: parts are flushed by the commit that names them', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'policy.sqlite');
  const core = openPolicyCore(file);
  onTestFinished(() => core.close());
  const parts = ['first', 'second'].map((text) => partOf(text.repeat(3_000)));
  const [first, second] = parts.map(({ hash }) => hash);
  for (const [index, { hash, bytes }] of parts.entries()) {
    core.putPart(hash, bytes);
    core.commit(policy(1, index + 1, [hash]));
  }
  const log = readFileSync(`${file}-wal`);
  const seen = new Set<string>();
  for (let length = log.length; length >= 0; length -= 5_000) {
    const cut = join(folder, `${length}.sqlite`);
    copyFileSync(file, cut);
    writeFileSync(`${cut}-wal`, log.subarray(0, length));
    const { store } = await storeAt(cut);
    const current = store.current();
    expect([...(current?.parts.keys() ?? [])]).toEqual([[], [first], [second]][current?.revision ?? 0]);
    seen.add(`${current?.revision}`);
  }
  expect([...seen].sort()).toEqual(['1', '2', 'undefined']);
});

describe('the floor', () => {
  test.each([
    ['the same again', policy(2, 5), 'policy-below-floor'],
    ['a lower revision', policy(2, 4), 'policy-below-floor'],
    ['a lower epoch with a higher revision', policy(1, 9), 'policy-below-floor'],
    ['the same revision with another manifest', policy(2, 5, [], 'other'), 'policy-equivocation'],
    ['a part that is not here', policy(2, 6, [sha256('x')]), 'policy-part-missing'],
  ])('refuses %s and keeps what it had', async (_name, next, code) => {
    const { store } = await storeAt();
    const part = partOf('kept');
    await store.putPart(part.hash, part.bytes);
    await store.commit(policy(2, 5, [part.hash]));
    const before = store.current();
    await expect(store.commit(next)).rejects.toMatchObject({ code });
    expect(store.current()).toEqual(before);
    expect(store.missing([part.hash])).toEqual([]);
  });

  test('rises by revision, and by epoch whatever the revision', async () => {
    const { store } = await storeAt();
    await store.commit(policy(1, 7));
    await store.commit(policy(1, 8));
    await store.commit(policy(2, 0));
    expect(store.floor()).toMatchObject({ epoch: 2, revision: 0 });
  });

  test('does not fall by a statement that goes round the program', async () => {
    const { store, file } = await storeAt();
    await store.commit(policy(2, 5));
    const database = new Sqlite(file);
    for (const sql of [
      'UPDATE policy SET revision = 5',
      'UPDATE policy SET epoch = 1, revision = 9',
      'DELETE FROM policy',
    ]) {
      expect(() => database.exec(sql)).toThrow('the floor never falls');
    }
    database.close();
  });
});

test('bytes are kept only under the hash they have, and put again they are mended', async () => {
  const { store, file } = await storeAt();
  const part = partOf('good');
  await expect(store.putPart(part.hash, Buffer.from('evil'))).rejects.toMatchObject({ code: 'policy-part-mismatch' });
  expect(store.missing([part.hash])).toEqual([part.hash]);
  await store.putPart(part.hash, part.bytes);
  new Sqlite(file).exec(`UPDATE part SET bytes = x'00'`).close();
  await store.putPart(part.hash, part.bytes);
  expect(store.part(part.hash)).toEqual(part.bytes);
});

test('a text without a UTF-8 form is not kept as another', async () => {
  const { store } = await storeAt();
  await expect(store.putRoot('\ud800')).rejects.toThrow(/lone surrogate/);
  expect(store.root()).toBeUndefined();
});

test('a thread that ends takes its order with it; the next order has a new one', async () => {
  const { store } = await storeAt();
  const caught = catchWorkers();
  await store.commit(policy(1, 1));
  const bytes = randomBytes(4 * 1024 * 1024);
  const lost = store.putPart(sha256(bytes), bytes);
  void caught.at(-1)?.terminate();
  await expect(lost).rejects.toMatchObject({ code: 'store-unavailable' });
  expect(store.floor()).toMatchObject({ revision: 1 });
  await store.putSetting('a', 'b');
  expect(store.setting('a')).toBe('b');
});

test('after close promises reject instead of waiting', async () => {
  const { store } = await storeAt();
  await store.close();
  await store.close();
  await expect(store.putSetting('a', 'b')).rejects.toMatchObject({ code: 'store-unavailable' });
});

test('a store of another kind is refused', async () => {
  const file = join(temporaryFolder(), 'policy.sqlite');
  new Sqlite(file).exec('CREATE TABLE x (y)').close();
  await expect(openPolicyStore(file)).rejects.toMatchObject({ code: 'store-not-ours' });
});

test('megabytes are written without the event loop waiting for the disk', async () => {
  const { store } = await storeAt();
  const parts = Array.from({ length: 4 }, () => randomBytes(8 * 1024 * 1024)).map((bytes) => ({
    bytes,
    hash: sha256(bytes),
  }));
  let turns = 0;
  const count = setInterval(() => {
    turns += 1;
  }, 1);
  await Promise.all(parts.map(({ hash, bytes }) => store.putPart(hash, bytes)));
  clearInterval(count);
  // Turns went on between the writes: one that waited for 32 MiB of hashing and flushing would have none.
  expect(turns).toBeGreaterThan(5);
  await store.commit(
    policy(
      1,
      1,
      parts.map(({ hash }) => hash),
    ),
  );
  expect(store.current()?.parts.size).toBe(4);
});

describe('commands', () => {
  const one = { id: 'c1', sha256: sha256('one'), until: 2_000 };

  test('are begun once, also after a restart', async () => {
    const { store, file } = await storeAt();
    await store.beginCommand(one);
    await expect(store.beginCommand({ ...one, sha256: sha256('two') })).rejects.toMatchObject({
      code: 'command-known',
    });
    await store.close();
    const { store: again } = await storeAt(file);
    expect(again.command('c1')).toEqual({ ...one, result: null });
    expect(again.commandsUnderWay()).toEqual([{ ...one, result: null }]);
    await expect(again.beginCommand(one)).rejects.toMatchObject({ code: 'command-known' });
  });

  test('keep their result until their time is over', async () => {
    const { store } = await storeAt();
    await store.beginCommand(one);
    await store.beginCommand({ ...one, id: 'c2' });
    await store.endCommand('c1', '{"state":"done"}');
    expect(store.commandsUnderWay().map(({ id }) => id)).toEqual(['c2']);
    await store.forgetCommands(1_999);
    expect(store.command('c1')).toEqual({ ...one, result: '{"state":"done"}' });
    await store.forgetCommands(2_000);
    expect(store.command('c1')).toBeUndefined();
    expect(store.command('c2')).toBeDefined();
    expect(store.commandCount()).toBe(1);
  });
});
