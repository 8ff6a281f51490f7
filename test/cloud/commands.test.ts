// Commands of the cloud: what is refused and by which code, that each is executed at most once, and never late.

import { describe, expect, it } from 'vitest';
import { signCompact } from '../../simulators/cloud/signing.ts';
import { openClock } from '../../src/cloud/clock.ts';
import type { Command } from '../../src/cloud/command-form.ts';
import { COMMAND_REFUSALS, type CommandRefusalCode } from '../../src/cloud/command-refusals.ts';
import type { CommandWork } from '../../src/cloud/command-work.ts';
import { Commands } from '../../src/cloud/commands.ts';
import type { ManifestPayload } from '../../src/cloud/manifest.ts';
import { type CommandResult, resultSchema } from '../../src/cloud/result-form.ts';
import type { SystemRow } from '../../src/model/journal-row.ts';
import { fail, ok } from '../../src/model/result.ts';
import { type CommandDisk, openMemoryCommands } from './memory-commands.ts';
import { MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { GATEWAY, KEYS, manifestPayload, trustedRoot } from './road.ts';
import { START, VirtualTime } from './virtual-time.ts';

let executions = 0;
const seconds = (ms: number) => ms / 1000;

interface SceneOptions {
  readonly disk?: CommandDisk;
  readonly time?: VirtualTime;
  readonly work?: CommandWork;
  readonly policy?: ManifestPayload | null;
  readonly online?: () => boolean;
  readonly failing?: Parameters<typeof openMemoryCommands>[1];
  readonly rootExpiresAt?: string;
}

async function scene(options: SceneOptions = {}) {
  const time = options.time ?? new VirtualTime();
  const executed: Command[] = [];
  const sent: CommandResult[] = [];
  const rows: SystemRow[] = [];
  const memory = openMemoryCommands(options.disk ?? new Map(), options.failing);
  const root = await trustedRoot(options.rootExpiresAt === undefined ? {} : { expiresAt: options.rootExpiresAt });
  const policy = options.policy === undefined ? (manifestPayload(7, []) as ManifestPayload) : options.policy;
  const clock = openClock(openMemoryStore(new MemoryDisk()), time);
  const commands = new Commands({
    gateway: GATEWAY,
    trust: { root: () => root },
    clock,
    log: { write() {} },
    memory,
    policy: () => policy ?? undefined,
    work: async (command, kid) => {
      executed.push(command);
      executions += 1;
      return options.work ? options.work(command, kid) : ok({ steps: [] });
    },
    record: (row) => void rows.push(row),
    send: async (_id, text) => {
      if (options.online?.() === false) return false;
      sent.push(resultSchema.parse(JSON.parse(text)));
      return true;
    },
  });
  await commands.load();
  const send = async (bytes: Buffer | string, id = 'c-1') => {
    commands.arrive(id, Buffer.from(bytes));
    await commands.idle();
    return sent.at(-1);
  };
  return { time, clock, commands, executed, sent, rows, send };
}

function payload(change: object = {}, time = START): object {
  return {
    format: 'gatehouse.command/1',
    jti: 'c-1',
    sub: 'anna',
    aud: GATEWAY,
    iat: seconds(time),
    exp: seconds(time) + 60,
    operation: { op: 'write', target: 'ahu1/sp', value: 21.5 },
    ...change,
  };
}

const signed = (change: object = {}, key = KEYS.commands, time = START) =>
  signCompact(payload(change, time), 'gatehouse.command+jws', key);

describe('a command', () => {
  it('is accepted, executed once, and done', async () => {
    const { executed, sent, send } = await scene();
    await send(signed());
    expect(sent.map(({ state, id }) => [state, id])).toEqual([
      ['accepted', 'c-1'],
      ['done', 'c-1'],
    ]);
    expect(executed).toMatchObject([{ sub: 'anna', operation: { op: 'write', target: 'ahu1/sp', value: 21.5 } }]);
  });

  it('gets the same result when it comes again, also after a restart, and is not executed again', async () => {
    const disk: CommandDisk = new Map();
    const first = await scene({ disk });
    const done = await first.send(signed());
    expect(await first.send(signed())).toEqual(done);
    await first.commands.stop();
    const second = await scene({ disk });
    expect(await second.send(signed())).toEqual(done);
    expect(first.executed).toHaveLength(1);
    expect(second.executed).toHaveLength(0);
  });

  const refusedBy = async (code: CommandRefusalCode) =>
    (await scene({ work: async () => fail({ code, text: '' }) })).send(signed());
  const refusals: Record<CommandRefusalCode, () => Promise<CommandResult | undefined>> = {
    'too-large': async () => (await scene()).send(Buffer.alloc(98_305, 'a')),
    'bad-signature': async () => (await scene()).send(signed({}, KEYS.stranger)),
    'unknown-format': async () => (await scene()).send(signed({ format: 'gatehouse.command/2' })),
    'unknown-operation': async () => (await scene()).send(signed({ operation: { op: 'format-disk' } })),
    malformed: async () => (await scene()).send(signed({ operation: { op: 'write', target: 'ahu1/sp' } })),
    'wrong-topic': async () => (await scene()).send(signed(), 'c-2'),
    'wrong-audience': async () => (await scene()).send(signed({ aud: 'site-13' })),
    replayed: async () => {
      const { send } = await scene();
      await send(signed());
      return send(signed({ sub: 'ben' }));
    },
    'clock-unsure': async () => {
      const time = new VirtualTime();
      time.isSynchronised = false;
      return (await scene({ time })).send(signed());
    },
    'issued-in-future': async () =>
      (await scene()).send(signed({ iat: seconds(START) + 61, exp: seconds(START) + 90 })),
    'lifetime-too-long': async () => (await scene()).send(signed({ exp: seconds(START) + 3_601 })),
    expired: async () => (await scene()).send(signed({ iat: seconds(START) - 60, exp: seconds(START) })),
    'no-policy': async () => (await scene({ policy: null })).send(signed()),
    'policy-too-old': async () => (await scene()).send(signed({ minRevision: 8 })),
    'job-unsupported': () => refusedBy('job-unsupported'),
    'job-unknown': () => refusedBy('job-unknown'),
    'job-impossible': () => refusedBy('job-impossible'),
    'too-many': async () => {
      const disk: CommandDisk = new Map();
      for (let i = 0; i < 4_096; i += 1) disk.set(`${i}`, { id: `${i}`, sha256: '', until: START, result: '{}' });
      return (await scene({ disk })).send(signed());
    },
    'not-durable': async () => {
      const failing = (when: string) => {
        if (when === 'before') throw new Error('disk full');
      };
      return (await scene({ failing })).send(signed());
    },
    'unknown-target': () => refusedBy('unknown-target'),
    'not-writable': () => refusedBy('not-writable'),
    denied: async () => (await scene({ work: async () => fail({ code: 'denied', text: 'locked' }) })).send(signed()),
    interrupted: async () => {
      const disk: CommandDisk = new Map([['c-1', { id: 'c-1', sha256: '', until: START, result: null }]]);
      return (await scene({ disk })).sent[0];
    },
  };

  it.each(Object.entries(refusals))('is refused as `%s`, and not executed', async (code, run) => {
    const before = executions;
    expect(await run()).toMatchObject({ state: 'refused', code, id: expect.stringMatching(/^c-[12]$/) });
    expect(COMMAND_REFUSALS).toHaveProperty([code]);
    // The one that is replayed was executed; these are refused by what executes them.
    const late = ['unknown-target', 'not-writable', 'denied', 'job-unsupported', 'job-unknown', 'job-impossible'];
    const begun = ['replayed', ...late].includes(code) ? 1 : 0;
    expect(executions - before).toBe(begun);
  });

  it('is bound to the root’s expiry', async () => {
    const { send } = await scene({ rootExpiresAt: '2026-11-22T08:00:00Z' });
    expect(await send(signed())).toMatchObject({ state: 'refused', code: 'bad-signature' });
  });

  it.each([
    ['no signature', (text: string) => `${text.split('.').slice(0, 2).join('.')}.`],
    ['alg none', (text: string) => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${text.split('.')[1]}.`],
    [
      'a changed payload',
      (text: string) => text.replace(/\.([^.]+)\./, (_all, body: string) => `.${body.slice(0, -2)}AA.`),
    ],
    ['another type', () => signCompact(payload(), 'gatehouse.locks+jws', KEYS.commands)],
    ['a key of another role', () => signed({}, KEYS.policy)],
    ['a further header field', () => signCompact(payload(), 'gatehouse.command+jws', KEYS.commands, { crit: ['exp'] })],
    ['truncated', (text: string) => text.slice(0, -1)],
  ])('without a signature that holds is refused: %s', async (_what, change) => {
    const { send, executed } = await scene();
    expect(await send(change(signed()))).toMatchObject({ code: 'bad-signature' });
    expect(executed).toEqual([]);
  });

  it('needs its key in the policy too, where the policy names keys for commands', async () => {
    const named = (x: string) => manifestPayload(7, [], { keys: { commands: [{ kty: 'OKP', crv: 'Ed25519', x }] } });
    const other = await scene({ policy: named(KEYS.locks.publicJwk.x) as ManifestPayload });
    expect(await other.send(signed())).toMatchObject({ code: 'bad-signature' });
    const own = await scene({ policy: named(KEYS.commands.publicJwk.x) as ManifestPayload });
    expect(await own.send(signed())).toMatchObject({ state: 'done' });
  });

  it('that could not be made durable may come again', async () => {
    let full = true;
    const { send, executed } = await scene({
      failing: (when) => {
        if (full && when === 'before') throw new Error('disk full');
      },
    });
    expect(await send(signed())).toMatchObject({ code: 'not-durable' });
    full = false;
    expect(await send(signed())).toMatchObject({ state: 'done' });
    expect(executed).toHaveLength(1);
  });

  it('whose time runs out while it is made durable is not executed', async () => {
    const time = new VirtualTime();
    const { send, executed } = await scene({
      time,
      failing: (when, operation) => {
        if (when === 'after' && operation === 'begin') time.advance(60_000);
      },
    });
    expect(await send(signed())).toMatchObject({ state: 'refused', code: 'expired' });
    expect(executed).toEqual([]);
  });

  it('interrupted by a stop of the process is answered, and never begun again', async () => {
    const disk: CommandDisk = new Map();
    const hanging = await scene({ disk, work: () => new Promise(() => {}) });
    hanging.commands.arrive('c-1', Buffer.from(signed()));
    await expect.poll(() => hanging.executed.length).toBe(1);
    const { sent, executed, send, rows } = await scene({ disk });
    expect(sent).toMatchObject([{ state: 'refused', code: 'interrupted' }]);
    expect(rows).toMatchObject([{ event: 'command-refused', detail: { code: 'interrupted', id: 'c-1' } }]);
    expect(await send(signed())).toMatchObject({ code: 'interrupted', at: sent[0]?.at });
    expect(executed).toEqual([]);
  });

  it('gets its result through when the line comes back', async () => {
    let online = false;
    const { commands, sent, send } = await scene({ online: () => online });
    await send(signed());
    expect(sent).toEqual([]);
    online = true;
    commands.up();
    expect(sent).toMatchObject([{ state: 'done' }]);
    await Promise.resolve();
    commands.up();
    expect(sent).toHaveLength(1);
  });

  it('that fails inside is answered, and the next one is executed', async () => {
    let calls = 0;
    const { send } = await scene({
      work: async () => {
        calls += 1;
        if (calls === 1) throw new Error('boom');
        return ok({});
      },
    });
    expect(await send(signed())).toMatchObject({ state: 'refused', code: 'interrupted', text: 'boom' });
    expect(await send(signed({ jti: 'c-2' }), 'c-2')).toMatchObject({ state: 'done' });
  });

  it('of 30 days of silence: none of them is executed', async () => {
    const { time, send, executed, sent } = await scene();
    const queued = Array.from({ length: 200 }, (_, index) => {
      const at = START + index * 12_960_000;
      return [`c-${index}`, signed({ jti: `c-${index}`, exp: seconds(at) + 3_600 }, KEYS.commands, at)] as const;
    });
    time.advance(30 * 86_400_000);
    for (const [id, text] of queued) await send(text, id);
    expect(executed).toEqual([]);
    expect(new Set(sent.map((result) => result.state === 'refused' && result.code))).toEqual(new Set(['expired']));
  });

  it('is forgotten only when it is late by every clock', async () => {
    const disk: CommandDisk = new Map();
    const { time, clock, commands, send } = await scene({ disk });
    await send(signed());
    time.setSystem(START + 365 * 86_400_000);
    await commands.tick();
    expect(disk.size).toBe(1);
    time.setSystem(START);
    clock.confirm(START + 60_000);
    await commands.tick();
    expect(disk.size).toBe(0);
    expect(await send(signed())).toMatchObject({ code: 'expired' });
  });

  it('refused again and again makes one row a minute', async () => {
    const { time, commands, rows, send } = await scene();
    for (let i = 0; i < 500; i += 1) await send(signed({}, KEYS.stranger), `x-${i}`);
    expect(rows).toHaveLength(1);
    time.advance(60_000);
    await send(signed({}, KEYS.stranger), 'x');
    expect(rows.map(({ detail }) => detail)).toMatchObject([
      { code: 'bad-signature', id: 'x-0' },
      { code: 'bad-signature', count: 499 },
      { code: 'bad-signature', id: 'x' },
    ]);
    await commands.stop();
  });

  it('beyond what may wait or be under way is refused', async () => {
    const { commands, sent } = await scene({ work: () => new Promise(() => {}) });
    for (let i = 0; i < 33; i += 1) {
      commands.arrive(`c-${i}`, Buffer.from(signed({ jti: `c-${i}` })));
      await expect.poll(() => sent.some(({ id }) => id === `c-${i}`)).toBe(true);
    }
    expect(sent.at(-1)).toMatchObject({ id: 'c-32', code: 'too-many' });
    for (let i = 0; i < 65; i += 1) commands.arrive(`d-${i}`, Buffer.from('x'));
    await expect.poll(() => sent.some(({ id }) => id === 'd-64')).toBe(true);
    expect(sent.find(({ id }) => id === 'd-64')).toMatchObject({ code: 'too-many' });
  });
});

it('whose memory cannot be read is refused, and the next one is heard', async () => {
  const root = await trustedRoot();
  const sent: CommandResult[] = [];
  const memory = openMemoryCommands(new Map());
  let broken = true;
  const commands = new Commands({
    gateway: GATEWAY,
    trust: { root: () => root },
    clock: openClock(openMemoryStore(new MemoryDisk()), new VirtualTime()),
    log: { write() {} },
    memory: {
      ...memory,
      command(id) {
        if (broken) throw new Error('disk gone');
        return memory.command(id);
      },
    },
    policy: () => manifestPayload(7, []) as ManifestPayload,
    work: async () => ok({}),
    record: () => {},
    send: async (_id, text) => {
      sent.push(resultSchema.parse(JSON.parse(text)));
      return true;
    },
  });
  for (const state of ['refused', 'done']) {
    commands.arrive('c-1', Buffer.from(signed()));
    await commands.idle();
    expect(sent.at(-1)).toMatchObject({ state });
    broken = false;
  }
});

describe('a result that no message takes', () => {
  const long = 'x'.repeat(400);
  const target = (index: number) => `${index}-${long}`;
  const verdicts = Array.from({ length: 500 }, (_, index) => ({
    target: target(index),
    permitted: true as const,
    grant: long,
  }));
  const readings = Array.from({ length: 500 }, (_, index) => ({
    target: target(index),
    ok: false as const,
    why: long,
  }));
  const steps = Array.from({ length: 64 }, (_, index) => ({
    decision: `d-${index}`,
    targets: [target(index)],
    outcome: { kind: 'not-sent' as const, why: long.repeat(8) },
  }));

  it.each<[string, CommandWork, object]>([
    ['readings', async () => ok({ readings }), { state: 'done', readings: expect.objectContaining({ length: 100 }) }],
    ['steps', async () => ok({ steps }), { state: 'done', steps: [], readings: [] }],
    [
      'an explanation',
      async () => ok({ explanation: { decision: 'permit', verdicts, text: '' } }),
      { state: 'done', explanation: { verdicts: [], text: 'too long for one message' } },
    ],
    [
      'a denial',
      async () => fail({ code: 'denied', text: '', denial: { decision: 'd', reason: 'locked', verdicts } }),
      { state: 'refused', denial: { decision: 'd', verdicts: [] } },
    ],
  ])('is cut: %s', async (_what, work, expected) => {
    const { send } = await scene({ work });
    const result = await send(signed());
    expect(result).toMatchObject(expected);
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(98_304);
  });
});
