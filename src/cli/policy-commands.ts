// `gatehouse policy check|decide`: the kernel from the command line. Needs no gateway, key or database (POLICY.md).

import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import type { DecisionRequest, ProviderIdentity } from '../model/decision.ts';
import { describeFault, describeFound } from '../model/fault.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { decide } from '../policy/decide.ts';
import { badInput, EXIT, type Terminal } from './exit.ts';
import { parseMoment } from './moment.ts';
import { LONGEST_LINE, requestLines } from './request-lines.ts';
import { shippedDrivers } from './site-file.ts';

export function addPolicyCommands(program: Command, terminal: Terminal): void {
  const policy = program.command('policy').description('check a policy bundle, or ask it for decisions');

  policy
    .command('check')
    .argument('<bundle>', 'JSON or YAML file')
    .option('--json', 'print one JSON object')
    .description('name every fault and notice of a bundle')
    .action(async (file: string, options: { json?: boolean }) => {
      const bundle = await bundleOf(file);
      if (options.json) {
        terminal.out(
          JSON.stringify(
            bundle.ok
              ? { accepted: true, faults: [], notices: bundle.value.notices }
              : { accepted: false, faults: bundle.fault, notices: [] },
          ),
        );
      } else if (bundle.ok) {
        for (const notice of bundle.value.notices) terminal.out(`notice ${notice.path}: ${notice.text}`);
        const { inventory } = bundle.value.snapshot;
        terminal.out(
          `accepted: revision ${bundle.value.snapshot.header.revision}, ${inventory.deviceCount} devices, ${inventory.pointCount} points, ${bundle.value.notices.length} notices`,
        );
      } else {
        for (const fault of bundle.fault) terminal.err(describeFault(fault));
        terminal.err(`refused: ${bundle.fault.length} ${bundle.fault.length === 1 ? 'fault' : 'faults'}`);
      }
      terminal.setExit(bundle.ok ? EXIT.done : EXIT.badInput);
    });

  policy
    .command('decide')
    .argument('<bundle>', 'JSON or YAML file')
    .argument('<requests>', 'one JSON request a line; `-` reads standard input')
    .option('--json', 'print one compact JSON object a line (the default and only form)')
    .description('answer every request, in order, one line each')
    .action(async (file: string, requests: string) => {
      const bundle = await bundleOf(file);
      if (!bundle.ok) {
        for (const fault of bundle.fault) terminal.err(describeFault(fault));
        terminal.setExit(EXIT.badInput);
        return;
      }
      terminal.setExit(await decideLines(bundle.value.snapshot, requests));
    });
}

async function bundleOf(file: string) {
  const { readBundle } = await import('./bundle-file.ts');
  return readBundle(file, await shippedDrivers());
}

type Decide = typeof decide;
type Snapshot = Parameters<Decide>[0];

async function decideLines(snapshot: Snapshot, file: string): Promise<0 | 2> {
  const { decide } = await import('../policy/decide.ts');
  const input: AsyncIterable<Buffer> = file === '-' ? process.stdin : createReadStream(file);
  let exit: 0 | 2 = EXIT.done;
  let number = 0;
  let waiting = '';
  try {
    for await (const line of requestLines(input)) {
      number += 1;
      if (line?.trim() === '') continue;
      const request =
        line === undefined ? fail(`found a line too long, expected at most ${LONGEST_LINE} bytes`) : parseRequest(line);
      if (request.ok) waiting += `${JSON.stringify(answer(decide(snapshot, request.value)))}\n`;
      else {
        exit = EXIT.badInput;
        waiting += `${JSON.stringify({ error: request.fault, line: number })}\n`;
      }
      if (waiting.length > 65_536) {
        if (!process.stdout.write(waiting)) await new Promise((resume) => process.stdout.once('drain', resume));
        waiting = '';
      }
    }
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (waiting !== '' && !process.stdout.write(waiting)) {
    await new Promise((resume) => process.stdout.once('drain', resume));
  }
  return exit;
}

function answer(decision: ReturnType<Decide>): object {
  if (decision.decision === 'permit') {
    return { decision: 'permit', ...(decision.approvals > 0 && { approvals: decision.approvals }) };
  }
  return {
    decision: 'deny',
    reason: decision.reason,
    ...(decision.target === undefined ? {} : { target: decision.target }),
  };
}

/** One line of a requests file. `at` is an ISO instant or seconds since 1970; unknown keys are ignored. */
function parseRequest(line: string): Result<DecisionRequest, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return fail('found text that is not JSON, expected one request object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(`found ${describeFound(value)}, expected one request object`);
  }
  // `null` is how many programs write "absent"; for the principal alone it has a meaning of its own.
  const { principal, ...rest } = value as Record<string, unknown>;
  const {
    action,
    targets = [],
    channel,
    priority,
    identity,
    at,
  } = Object.fromEntries(Object.entries(rest).filter(([, given]) => given !== null));
  if (principal !== null && typeof principal !== 'string') return wrong('principal', principal, 'text or null');
  if (typeof action !== 'string') return wrong('action', action, 'text');
  if (!isTextList(targets)) return wrong('targets', targets, 'a list of ids');
  if (channel !== undefined && typeof channel !== 'string') return wrong('channel', channel, 'text');
  if (priority !== undefined && !(Number.isInteger(priority) && Number(priority) >= 1 && Number(priority) <= 16)) {
    return wrong('priority', priority, 'a whole number from 1 to 16');
  }
  if (identity !== undefined && !isIdentity(identity)) {
    return wrong('identity', identity, '{organization, groups[], role?}');
  }
  const moment = at === undefined ? Date.now() : parseMoment(at);
  if (moment === undefined) return wrong('at', at, 'an ISO instant or seconds since 1970');
  return ok({
    principal,
    action,
    targets,
    at: moment,
    ...(channel === undefined ? {} : { channel }),
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(identity === undefined ? {} : { identity }),
  });
}

function wrong(key: string, found: unknown, expected: string): Result<never, string> {
  return fail(`${key}: found ${describeFound(found)}, expected ${expected}`);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isIdentity(value: unknown): value is ProviderIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { organization, groups, role } = value as Record<string, unknown>;
  return typeof organization === 'string' && isTextList(groups) && (role === undefined || typeof role === 'string');
}
