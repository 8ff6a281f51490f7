// Third-party programs as peers of the scenarios: started with a bounded time, cleaned up always, never through a shell.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ProgramResult {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** It was ended because its time was over. */
  readonly timedOut: boolean;
}

interface RunOptions {
  readonly input?: string;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

const said = new Set<string>();

/** Whether the program is on the path. Says once why what needs it cannot run; throws that with GATEHOUSE_REQUIRE_PEERS=1. */
export function have(program: string): boolean {
  const probe = spawnSync('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', program], { stdio: 'ignore' });
  return probe.status === 0 || absent(program);
}

/** Says, or with GATEHOUSE_REQUIRE_PEERS=1 throws, that something third-party is not here. */
export function absent(what: string): false {
  const reason = `\`${what}\` is not installed: what needs it does not run here`;
  if (process.env.GATEHOUSE_REQUIRE_PEERS === '1')
    throw new Error(`${reason}, but GATEHOUSE_REQUIRE_PEERS=1 asks for it`);
  if (!said.has(what)) console.warn(reason);
  said.add(what);
  return false;
}

/** Runs a program to its end. Throws where it cannot be started. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let timedOut = false;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs ?? 30_000);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

export interface RunningProgram {
  /** What it has printed so far, on both outputs. */
  output(): string;
  readonly exited: Promise<number | null>;
  /** Ends it: SIGTERM, after two seconds SIGKILL. */
  stop(): Promise<void>;
  /** Ends it as a loss of power would: SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a program that stays, and waits until `ready` says so (asked every 20 ms). Throws with its output where that does not come about in time. */
export async function start(
  program: string,
  args: readonly string[],
  ready: (output: string) => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<RunningProgram> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (fault) => {
      output += fault.message;
      resolve(null);
    });
    child.once('close', (code) => resolve(code));
  });
  const running: RunningProgram = {
    output: () => output,
    exited,
    stop: () => stopChild(child, exited),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
  let ended = false;
  exited.then(() => {
    ended = true;
  });
  const deadline = Date.now() + timeoutMs;
  while (!(await ready(output))) {
    if (ended || Date.now() > deadline) {
      const what = ended ? 'ended before it was' : 'did not become';
      await running.stop();
      throw new Error(`\`${program}\` ${what} ready: ${output.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return running;
}

/** Begins something in a folder of its own, which goes when that is stopped, or does not begin. */
export async function inFolder<T extends { stop(): Promise<void> }>(
  name: string,
  begin: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `gatehouse-${name}-`));
  const clean = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const begun = await begin(folder);
    const stop = async (): Promise<void> => {
      await begun.stop();
      await clean();
    };
    return { ...begun, stop };
  } catch (fault) {
    await clean();
    throw fault;
  }
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await exited;
  clearTimeout(timer);
}

/** Whether something accepts connections there. */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const answer = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', answer(true));
    socket.once('error', answer(false));
  });
}
