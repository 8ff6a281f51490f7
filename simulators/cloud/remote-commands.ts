// `gatehouse-console command`: a write, release, read or explain in somebody's name, signed, for one gateway, for now.

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { BrokerLine } from './broker-line.ts';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { badInput, EXIT, type ExitCode, failed, parseDuration, type Terminal, wholeNumber } from './console-exit.ts';
import { checkGateway } from './console-folder.ts';
import type { Shape } from './setup-commands.ts';
import { signCompact } from './signing.ts';

const LONGEST_MS = 3_600_000;

export interface CommandWords extends CommonOptions {
  readonly as: string;
  readonly priority?: string;
  readonly override?: string;
  readonly for: string;
  readonly minRevision?: string;
}

/** What the console looks at in a result. */
export interface Result {
  readonly state: 'accepted' | 'done' | 'refused';
  readonly code?: string;
  readonly text?: string;
  readonly steps?: readonly {
    readonly targets: readonly string[];
    readonly until?: string;
    readonly outcome: {
      readonly kind: string;
      readonly answer?: string;
      readonly why?: string;
      readonly reason?: string;
    };
  }[];
  readonly readings?: readonly {
    readonly target: string;
    readonly ok: boolean;
    readonly value?: unknown;
    readonly why?: string;
  }[];
  readonly explanation?: { readonly decision: 'permit' | 'deny'; readonly text: string };
  readonly denial?: { readonly reason: string; readonly target?: string };
}

export function addRemoteCommands(program: Command, terminal: Terminal, shape: Shape): void {
  shape(program.command('command').description('act on one gateway in a person’s name, and wait for what became of it'))
    .argument('<gateway>')
    .argument('<operation>', 'write POINT VALUE, release POINT, read POINT..., or explain ACTION TARGET...')
    .argument('<words...>')
    .requiredOption('--as <user>', 'in whose name: a user or application of the policy')
    .option('--priority <n>', 'BACnet priority of a write or release, 1 to 16')
    .option(
      '--override <time>',
      'how long a write lasts, or `none`: until changed again (default: 2h where it can end)',
    )
    .option('--for <time>', 'how long it is good and waited for, at most `1h`: a command is for now', '60s')
    .option('--min-revision <n>', 'only under this revision of the policy or a later one')
    .action((gateway: string, operation: string, words: string[], options: CommandWords) =>
      act(gateway, operationOf(operation, words, options), options, terminal),
    );
}

/** The value as JSON says it; what is no JSON is text. A whole number too large for JSON is wrapped. */
function commandValue(text: string): unknown {
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))) return { integer: text };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  } catch {
    return text;
  }
  throw badInput(`got value \`${text}\`, expected a number, true, false or text`);
}

function operationOf(
  operation: string,
  words: readonly string[],
  { priority, override }: Pick<CommandWords, 'priority' | 'override'>,
): object {
  const [first = '', second, ...rest] = words;
  const level = priority === undefined ? {} : { priority: wholeNumber(priority) };
  const span = override === undefined ? {} : { overrideMs: override === 'none' ? null : parseDuration(override) };
  if (override !== undefined && operation !== 'write') throw badInput(`got --override with \`${operation}\``);
  switch (operation) {
    case 'write':
      if (second === undefined || rest.length > 0) throw badInput('got `write` with other than a point and a value');
      return { op: 'write', target: first, value: commandValue(second), ...level, ...span };
    case 'release':
      if (second !== undefined) throw badInput('got `release` with more than a point');
      return { op: 'release', target: first, ...level };
    case 'read':
      return { op: 'read', targets: words };
    case 'explain':
      return { op: 'explain', action: first, targets: words.slice(1), ...level };
    default:
      throw badInput(`got operation \`${operation}\`, expected write, release, read or explain`);
  }
}

async function act(name: string, operation: object, options: CommandWords, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const gateway = checkGateway(name);
  const result = await context.withBroker((line) => command(context, line, gateway, operation, options));
  if (context.json) terminal.out(JSON.stringify(result));
  else describe(result, terminal);
  terminal.setExit(exitOf(result));
}

/** Signs an operation in somebody's name, sends it, and gives the last word about it. */
export async function command<T extends Result>(
  context: ConsoleContext,
  line: BrokerLine,
  gateway: string,
  operation: object,
  options: Pick<CommandWords, 'as' | 'for' | 'minRevision'>,
): Promise<T> {
  const forMs = parseDuration(options.for);
  if (forMs > LONGEST_MS) throw badInput(`got --for \`${options.for}\`, expected at most \`1h\``);
  const key = context.key('commands');
  const jti = randomUUID();
  const iat = Math.floor(Date.now() / 1000);
  const least = options.minRevision === undefined ? {} : { minRevision: wholeNumber(options.minRevision, 0) };
  const payload = {
    format: 'gatehouse.command/1',
    jti,
    sub: options.as,
    aud: gateway,
    iat,
    exp: iat + Math.ceil(forMs / 1000),
    ...least,
    operation,
  };
  const text = signCompact(payload, 'gatehouse.command+jws', key);
  return (await exchange(line, gateway, jti, text, forMs)) as T;
}

/** Sends, and gives the last word about it. */
async function exchange(line: BrokerLine, gateway: string, jti: string, text: string, mostMs: number): Promise<Result> {
  let accepted = false;
  let end: (result: Result | undefined) => void = () => {};
  const ended = new Promise<Result | undefined>((resolve) => {
    end = resolve;
  });
  const stop = await line.listen(gateway, [`result/${jti}`], ({ name, payload }) => {
    if (name !== `result/${jti}`) return;
    const result = JSON.parse(payload.toString('utf8')) as Result;
    if (result.state === 'accepted') accepted = true;
    else end(result);
  });
  const timer = setTimeout(() => end(undefined), mostMs);
  await line.publish(gateway, `command/${jti}`, text, false);
  const result = await ended;
  clearTimeout(timer);
  await stop();
  if (result) return result;
  const what = accepted ? 'accepted it, and said nothing more' : 'said nothing';
  throw failed(
    `\`${gateway}\` ${what} within ${mostMs / 1000} s; command \`${jti}\` has expired and is not executed late`,
  );
}

function exitOf({ state, code, steps = [], readings = [], explanation }: Result): ExitCode {
  if (state === 'refused') return code === 'denied' ? EXIT.denied : EXIT.failed;
  if (explanation) return explanation.decision === 'permit' ? EXIT.done : EXIT.denied;
  const right = steps.every(({ outcome }) => outcome.kind === 'acknowledged') && readings.every(({ ok }) => ok);
  return right ? EXIT.done : EXIT.failed;
}

function describe(
  { state, code, text, steps = [], readings = [], explanation, denial }: Result,
  { out, err }: Terminal,
): void {
  if (state === 'refused') err(refusalText({ code, text, denial }));
  for (const { targets, until, outcome } of steps) {
    const why = outcome.answer ?? outcome.why ?? outcome.reason;
    const end = until === undefined ? '' : `, until ${until}`;
    out(`${targets.join(', ')}: ${outcome.kind}${why === undefined ? '' : ` (${why})`}${end}`);
  }
  for (const { target, ok, value, why } of readings)
    out(ok ? `${target} = ${JSON.stringify(value)}` : `${target}: ${why}`);
  if (explanation) out(explanation.text);
}

/** `undefined` are keys that are not there. */
export function refusalText({
  code,
  text,
  denial,
}: { [Key in 'code' | 'text' | 'denial']: Result[Key] | undefined }): string {
  const at = denial?.target === undefined ? '' : ` at ${denial.target}`;
  return denial ? `denied: ${denial.reason}${at}: ${text}` : `refused: \`${code}\`: ${text}`;
}
