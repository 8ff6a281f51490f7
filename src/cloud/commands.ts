// `command/{id}` → verify → remember → execute → `result/{id}`. Invariants: 1. a command is remembered on disk before it is
// executed, so that it is executed at most once, through every restart; 2. none is executed outside its time; 3. a command
// that comes again gets the result it got; 4. anything wrong is answered with its code, and recorded.

import type { CommandMemory } from '../contract/command-memory.ts';
import type { Log } from '../contract/log.ts';
import type { SystemRow } from '../model/journal-row.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { PolicyClock } from './clock.ts';
import {
  COMMAND_TYP,
  type Command,
  commandIdSchema,
  commandSchema,
  LONGEST_COMMAND_S,
  operationSchema,
} from './command-form.ts';
import { COMMAND_REFUSALS, type CommandRefusalCode } from './command-refusals.ts';
import type { CommandWork } from './command-work.ts';
import { policyKeyNames } from './key-notices.ts';
import { Lane } from './lane.ts';
import { MAX_MESSAGE_BYTES, type ManifestPayload, sha256Hex } from './manifest.ts';
import { RefusalRecord } from './refusal-record.ts';
import type { CommandResult } from './result-form.ts';
import { schemaFaults } from './schema-faults.ts';
import { openCompact, parseJsonBytes } from './signed-text.ts';
import type { Trust } from './trust.ts';

const MOST_WAITING = 64;
const MOST_UNDER_WAY = 32;
const MOST_REMEMBERED = 4_096;
/** How far ahead of the gateway's clock the cloud's may be. */
const SKEW_MS = 60_000;

interface CommandsOptions {
  readonly gateway: string;
  readonly trust: Pick<Trust, 'root'>;
  readonly clock: PolicyClock;
  readonly log: Log;
  readonly memory: CommandMemory;
  /** The header of the policy in force, as signed. */
  readonly policy: () => ManifestPayload | undefined;
  readonly work: CommandWork;
  readonly record: (row: SystemRow) => void;
  /** True when the broker has it. */
  readonly send: (id: string, text: string) => Promise<boolean>;
}

interface Refusal {
  readonly code: CommandRefusalCode;
  readonly text: string;
}

interface Verified {
  readonly command: Command;
  readonly kid: string;
  readonly sha256: string;
}

const OPERATIONS: ReadonlySet<unknown> = new Set(operationSchema.options.map(({ shape }) => shape.op.value));

export class Commands {
  readonly #options: CommandsOptions;
  readonly #record: RefusalRecord;
  /** Results the broker has not confirmed, by id: sent again on every connection. */
  readonly #unsent = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #verifying: Lane;
  #stopped = false;

  constructor(options: CommandsOptions) {
    this.#options = options;
    this.#verifying = new Lane(options.log, 'command');
    this.#record = new RefusalRecord(options.clock, options.record, 'command-refused');
  }

  /** At boot, before anything comes: what a stop interrupted is answered and never begun again. */
  async load(): Promise<void> {
    const { memory } = this.#options;
    for (const { id } of memory.commandsUnderWay()) {
      const result = this.#refused(id, { code: 'interrupted', text: COMMAND_REFUSALS.interrupted });
      await memory.endCommand(id, JSON.stringify(result));
      this.#publish(id, JSON.stringify(result));
      this.#record.refused('interrupted', COMMAND_REFUSALS.interrupted, { id });
    }
  }

  /** `command/{id}` came. */
  arrive(id: string, bytes: Uint8Array): void {
    if (this.#stopped || bytes.length === 0 || !commandIdSchema.safeParse(id).success) return;
    if (this.#verifying.waiting >= MOST_WAITING) {
      this.#refuse(id, tooMany(`${MOST_WAITING} wait already`));
      return;
    }
    this.#verifying.add(async () => {
      if (this.#stopped) return;
      try {
        await this.#consider(id, bytes);
      } catch (error) {
        this.#refuse(id, refusal('not-durable', messageOf(error)));
      }
    });
  }

  /** The line is up: results that did not get through are sent. */
  up(): void {
    for (const [id, text] of [...this.#unsent]) this.#publish(id, text);
  }

  /** Every minute: forgets what is certainly over. */
  async tick(): Promise<void> {
    this.#record.flush();
    // The floor, and not the clock: a command that is forgotten must be late by every clock there is.
    await this.#options.memory.forgetCommands(this.#options.clock.floor()).catch((error: unknown) => {
      this.#options.log.write('error', 'commands.not-forgotten', { why: messageOf(error) }, messageOf(error));
    });
  }

  /** Nothing is being looked at or executed any more. */
  async idle(): Promise<void> {
    await this.#verifying.idle();
    await Promise.all(this.#underWay.values());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.idle();
    this.#record.flush();
  }

  async #consider(id: string, bytes: Uint8Array): Promise<void> {
    const { memory, clock } = this.#options;
    const verified = await this.#verify(id, bytes);
    if (!verified.ok) return this.#refuse(id, verified.fault);
    const { command, kid, sha256 } = verified.value;
    const who = { sub: command.sub, key: kid };
    const known = memory.command(id);
    if (known) {
      if (known.sha256 !== sha256)
        return this.#refuse(id, refusal('replayed', 'got another command under this `jti`'), who);
      if (known.result !== null) this.#publish(id, known.result);
      return;
    }
    const why = this.#judgeTime(command) ?? this.#judgePolicy(command) ?? this.#judgeRoom();
    if (why) return this.#refuse(id, why, who);
    try {
      await memory.beginCommand({ id, sha256, until: Math.ceil(command.exp * 1000) });
    } catch (error) {
      return this.#refuse(id, refusal('not-durable', messageOf(error)), who);
    }
    clock.confirm(Math.floor(command.iat * 1000));
    // On disk a moment passed, and the policy may have been swapped.
    const late = this.#judgeTime(command) ?? this.#judgePolicy(command);
    if (late) {
      this.#record.refused(late.code, late.text, { id, ...who });
      return this.#end(id, this.#refused(id, late));
    }
    this.#publish(id, JSON.stringify({ ...this.#base(id), state: 'accepted', revision: this.#revision() ?? 0 }));
    const work = this.#execute(id, command, kid).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, work);
  }

  async #execute(id: string, command: Command, kid: string): Promise<void> {
    const { work, log } = this.#options;
    let result: CommandResult;
    try {
      const done = await work(command, kid);
      if (done.ok) result = { ...this.#base(id), state: 'done', revision: this.#revision() ?? 0, ...done.value };
      else {
        const { denial, ...why } = done.fault;
        result = { ...this.#refused(id, why), ...(denial ? { denial } : {}) };
        // What the gate denied, it recorded itself.
        if (why.code !== 'denied') this.#record.refused(why.code, why.text, { id, sub: command.sub, key: kid });
      }
    } catch (error) {
      log.write(
        'error',
        'command.failed',
        { id, why: messageOf(error) },
        `command \`${id}\` failed: ${messageOf(error)}`,
      );
      result = this.#refused(id, { code: 'interrupted', text: messageOf(error) });
    }
    await this.#end(id, result);
  }

  async #end(id: string, result: CommandResult): Promise<void> {
    const text = resultText(result);
    try {
      await this.#options.memory.endCommand(id, text);
    } catch (error) {
      // It stays begun: after a restart it is answered as interrupted, and never executed again.
      this.#options.log.write('error', 'command.not-ended', { id, why: messageOf(error) }, messageOf(error));
    }
    this.#publish(id, text);
  }

  /** Signature, form, whose it is. */
  async #verify(id: string, bytes: Uint8Array): Promise<Result<Verified, Refusal>> {
    const { trust, gateway } = this.#options;
    if (bytes.length > MAX_MESSAGE_BYTES) return fail(refusal('too-large', `got ${bytes.length} bytes`));
    const text = Buffer.from(bytes).toString('latin1');
    const root = trust.root();
    const named = policyKeyNames(this.#options.policy(), root);
    const keyOf = (kid: string) => (named === undefined || named.has(kid) ? root.keyFor('commands', kid) : undefined);
    const opened = await openCompact(text, COMMAND_TYP, keyOf);
    if (!opened.ok) return fail(refusal('bad-signature', `got ${opened.fault}`));
    const json = parseJsonBytes(opened.value.payload);
    const document = json.ok ? (json.value as { format?: unknown; operation?: { op?: unknown } } | null) : undefined;
    if (json.ok && document?.format !== 'gatehouse.command/1') {
      return fail(refusal('unknown-format', 'expected `gatehouse.command/1`'));
    }
    const op = document?.operation?.op;
    if (typeof op === 'string' && !OPERATIONS.has(op))
      return fail(refusal('unknown-operation', `got \`${op.slice(0, 64)}\``));
    const parsed = commandSchema.safeParse(document);
    if (!parsed.success) {
      const [{ path, found, expected }] = schemaFaults(document, parsed.error);
      return fail(refusal('malformed', `${path}: found ${found}, expected ${expected}`));
    }
    const command = parsed.data;
    if (command.jti !== id)
      return fail(refusal('wrong-topic', `got \`jti\` \`${command.jti}\` on topic \`command/${id}\``));
    if (command.aud !== gateway)
      return fail(refusal('wrong-audience', `got \`${command.aud}\`, expected \`${gateway}\``));
    return ok({ command, kid: opened.value.kid, sha256: sha256Hex(text) });
  }

  #judgeTime({ iat, exp }: Command): Refusal | undefined {
    const { clock, trust } = this.#options;
    if (!clock.sure()) return refusal('clock-unsure', COMMAND_REFUSALS['clock-unsure']);
    const now = clock.now();
    const here = `here it is ${new Date(now).toISOString()}`;
    const { expiresAt } = trust.root();
    if (expiresAt !== undefined && expiresAt <= now)
      return refusal('bad-signature', `the trusted root has expired, ${here}`);
    if (iat * 1000 > now + SKEW_MS) return refusal('issued-in-future', `issued at ${iat}, ${here}`);
    if (exp - iat > LONGEST_COMMAND_S)
      return refusal('lifetime-too-long', `got ${exp - iat} s, expected at most ${LONGEST_COMMAND_S}`);
    if (exp * 1000 <= now) return refusal('expired', `good until ${exp}, ${here}`);
    return undefined;
  }

  #judgePolicy({ minRevision = 0 }: Command): Refusal | undefined {
    const revision = this.#revision();
    if (revision === undefined) return refusal('no-policy', COMMAND_REFUSALS['no-policy']);
    if (revision < minRevision)
      return refusal('policy-too-old', `revision ${revision} is in force, expected ${minRevision} or later`);
    return undefined;
  }

  #judgeRoom(): Refusal | undefined {
    if (this.#underWay.size >= MOST_UNDER_WAY) return tooMany(`${MOST_UNDER_WAY} are under way`);
    const { memory } = this.#options;
    return memory.commandCount() >= MOST_REMEMBERED ? tooMany(`${MOST_REMEMBERED} are remembered`) : undefined;
  }

  #revision(): number | undefined {
    return this.#options.policy()?.revision;
  }

  /** Refused before it was begun: nothing is remembered, so that it may come again. */
  #refuse(id: string, why: Refusal, who?: { readonly sub: string; readonly key: string }): void {
    this.#record.refused(why.code, why.text, { id, ...who });
    void this.#options.send(id, JSON.stringify(this.#refused(id, why)));
  }

  #base(id: string) {
    return { format: 'gatehouse.result/1', id, at: new Date(this.#options.clock.now()).toISOString() } as const;
  }

  #refused(id: string, { code, text }: Refusal) {
    return { ...this.#base(id), state: 'refused', code, text, revision: this.#revision() ?? null } as const;
  }

  /** Kept until the broker has it; the latest of each only. */
  #publish(id: string, text: string): void {
    this.#unsent.set(id, text);
    const [oldest] = this.#unsent.keys();
    if (this.#unsent.size > MOST_REMEMBERED && oldest !== undefined) this.#unsent.delete(oldest);
    void this.#options.send(id, text).then((sent) => {
      if (sent && this.#unsent.get(id) === text) this.#unsent.delete(id);
    });
  }
}

const refusal = (code: CommandRefusalCode, text: string): Refusal => ({ code, text });
const tooMany = (text: string): Refusal => refusal('too-many', text);

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Fits one message: what a device or a policy says at length is cut, and said to be. */
function resultText(result: CommandResult): string {
  const text = JSON.stringify(result);
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text;
  if (result.state === 'done') {
    const { explanation, ...rest } = result;
    const cut = JSON.stringify({
      ...rest,
      ...(result.readings ? { readings: result.readings.slice(0, 100) } : {}),
      ...(explanation ? { explanation: { ...explanation, verdicts: [], text: 'too long for one message' } } : {}),
    });
    if (Buffer.byteLength(cut) <= MAX_MESSAGE_BYTES) return cut;
    if (result.check) {
      const devices = result.check.devices.map(({ rows: _many, ...device }) => device);
      return JSON.stringify({
        ...result,
        check: { ...result.check, faults: result.check.faults.slice(0, 50), devices },
      });
    }
    return JSON.stringify({ ...rest, readings: [], steps: [] });
  }
  if (result.state === 'refused' && result.denial) {
    return JSON.stringify({ ...result, denial: { ...result.denial, verdicts: [] } });
  }
  return text;
}
