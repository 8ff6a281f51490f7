// `gatehouse` itself, asked as anybody else would ask it: the console has no second opinion on what a policy says.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BundleJson } from './bundle-parts.ts';
import { badInput, failed } from './console-exit.ts';

/** The compiled program, from the sources and from dist/ alike. */
const place = import.meta.url.endsWith('.ts') ? '../../dist/src/main.js' : '../../src/main.js';
const GATEHOUSE = fileURLToPath(new URL(place, import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(words: readonly string[], input: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [GATEHOUSE, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (error) => reject(failed(`could not run \`gatehouse\`: ${error.message}`, error)));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

interface PolicyVerdict {
  readonly accepted: boolean;
  readonly faults: readonly { readonly path: string; readonly found: string; readonly expected: string }[];
  readonly notices: readonly { readonly path: string; readonly text: string }[];
}

/** `gatehouse policy check FILE`. */
export async function checkPolicy(file: string): Promise<PolicyVerdict> {
  const { code, stdout, stderr } = await run(['policy', 'check', file, '--json'], '');
  if (code !== 0 && stdout === '') throw badInput(stderr.trim() || `\`gatehouse policy check\` ended with ${code}`);
  return JSON.parse(stdout) as PolicyVerdict;
}

/** One question for `gatehouse policy decide`. */
export interface DecisionQuestion {
  readonly principal: string | null;
  readonly action: string;
  readonly targets: readonly string[];
  readonly channel?: string;
  readonly priority?: number;
  readonly at: string;
}

export interface DecisionAnswer {
  readonly decision: 'permit' | 'deny';
  readonly reason?: string;
  readonly target?: string;
}

/** The answers of a bundle, in order. */
export async function decideAll(
  bundle: BundleJson,
  questions: readonly DecisionQuestion[],
): Promise<readonly DecisionAnswer[]> {
  if (questions.length === 0) return [];
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-console-'));
  try {
    const file = join(folder, 'bundle.json');
    await writeFile(file, JSON.stringify(bundle), { mode: 0o600 });
    const lines = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
    const { code, stdout, stderr } = await run(['policy', 'decide', file, '-'], lines);
    const answers = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DecisionAnswer);
    if (code !== 0 || answers.length !== questions.length) {
      throw failed(`\`gatehouse policy decide\` ended with ${code}: ${stderr.trim()}`);
    }
    return answers;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
