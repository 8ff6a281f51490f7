// Runs the compiled command line as a user does, measuring the most memory it took.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATEHOUSE } from '../../simulators/demo/gateway.ts';

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Peak resident memory in bytes, looked at every 20 ms; 0 where it was too short-lived. */
  readonly mostMemory: number;
}

/** `gatehouse …words`; `input` is written to its standard input. */
export async function command(words: readonly string[], input: string | AsyncIterable<string> = ''): Promise<Finished> {
  const child = spawn(process.execPath, [GATEHOUSE, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on('data', (chunk: Buffer) => output.stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.stderr.push(chunk));
  child.stdin.on('error', () => {});
  let mostMemory = 0;
  const looking = setInterval(() => {
    mostMemory = Math.max(mostMemory, memoryOf(child.pid ?? 0));
  }, 20);
  const closed = once(child, 'close');
  if (typeof input === 'string') child.stdin.end(input);
  else {
    for await (const piece of input) {
      if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain'), closed]);
    }
    child.stdin.end();
  }
  const [code] = (await closed) as [number | null];
  clearInterval(looking);
  return {
    code,
    stdout: Buffer.concat(output.stdout).toString(),
    stderr: Buffer.concat(output.stderr).toString(),
    mostMemory,
  };
}

function memoryOf(pid: number): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** A folder with these files, and what removes it. */
export async function folderWith(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly path: (name: string) => string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-cli-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return { path: (name) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) };
}
