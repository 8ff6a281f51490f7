// The gateway as a child process, and its command line: the demo knows both only from outside.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DemoFault } from './options.ts';

/** The compiled program, from the sources and from dist/ alike. */
const place = import.meta.url.endsWith('.ts') ? '../../dist/src/main.js' : '../../src/main.js';
export const GATEHOUSE = fileURLToPath(new URL(place, import.meta.url));

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

export interface RunningGateway {
  readonly pid: number;
  /** Ports by the listener's name, `http` for the page, `health` for the health, of BACnet with `bacnet-` before it, as its log says them. */
  readonly ports: ReadonlyMap<string, number>;
  /** Every line it has printed. */
  readonly lines: readonly string[];
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** SIGTERM, and waits; what does not end in 30 s is killed. Gives its exit code or signal. */
  stop(): Promise<number | string>;
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>;
}

/** Resolves once it is ready. Throws a DemoFault with its last words where it ends before that. */
export async function startGateway(
  configFile: string,
  log: (line: string) => void,
  environment: NodeJS.ProcessEnv = process.env,
  program = GATEHOUSE,
): Promise<RunningGateway> {
  const child = spawn(process.execPath, [program, 'run', '--config', configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
  });
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const lines: string[] = [];
  const ports = new Map<string, number>();
  const ready = new Promise<void>((resolve) => {
    const hear = (line: string): void => {
      lines.push(line);
      log(line);
      const [, driver, name, port] = /listener\.open: (\S+) (\S+) on \S+:(\d+) /.exec(line) ?? [];
      if (name !== undefined) ports.set(driver === 'modbus' ? name : `${driver}-${name}`, Number(port));
      const [, page, at] = /(http|health)\.listening: .*:(\d+)\/?$/.exec(line) ?? [];
      if (page !== undefined) ports.set(page, Number(at));
      if (line.includes(' daemon.ready: ')) resolve();
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear);
  });
  const timer = new AbortController();
  const ended = await Promise.race([
    ready.then(() => undefined),
    exited.then((how) => `ended with \`${how}\` before it was ready`),
    after(READY_TIMEOUT_MS, timer.signal).then(() => `was not ready within ${READY_TIMEOUT_MS} ms`),
  ]);
  timer.abort();
  if (ended !== undefined) {
    await stopChild(child, exited);
    throw new DemoFault(`the gateway ${ended}: ${lastWords(lines)}`);
  }
  return {
    pid: child.pid ?? 0,
    ports,
    lines,
    exited,
    stop: () => stopChild(child, exited),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What stands outside the log: one sentence, or the beginning of a stack. */
function lastWords(lines: readonly string[]): string {
  const outside = lines.filter((line) => line.trim() !== '' && !/^\d\d:\d\d:\d\d\.\d+ /.test(line));
  return outside.slice(0, 6).join('\n') || (lines.at(-1) ?? 'it said nothing');
}

async function stopChild(child: ChildProcess, exited: Promise<number | string>): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const how = await exited;
  clearTimeout(timer);
  return how;
}

function after(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `gatehouse …words`, to its end. */
export async function gatehouse(words: readonly string[], input = '', program = GATEHOUSE): Promise<CommandResult> {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
