// The road of acceptance with everything around it in memory: keys, a disk, virtual time, and a compile step that keeps
// the parts as they are. What happened is recorded in the order it happened.

import { type BundlePart, describePart, makePart } from '../../simulators/cloud/bundle-parts.ts';
import { newSigningKey, rootPayload, signManifest, signRoot } from '../../simulators/cloud/signing.ts';
import { Acceptance, type ActivePolicy } from '../../src/cloud/acceptance.ts';
import { openClock } from '../../src/cloud/clock.ts';
import type { CompilePolicy } from '../../src/cloud/compile-step.ts';
import type { Report } from '../../src/cloud/report.ts';
import { openRoot, type TrustedRoot } from '../../src/cloud/root.ts';
import type { Trust } from '../../src/cloud/trust.ts';
import type { PolicyStore } from '../../src/contract/policy-store.ts';
import type { DocumentFault } from '../../src/model/fault.ts';
import { fail, ok } from '../../src/model/result.ts';
import { type MemoryDisk, openMemoryStore } from './memory-policy-store.ts';
import { VirtualTime } from './virtual-time.ts';

export const GATEWAY = 'site-12';

export const KEYS = {
  root: [newSigningKey('root-1'), newSigningKey('root-2'), newSigningKey('root-3')] as const,
  policy: newSigningKey('policy-1'),
  stranger: newSigningKey('policy-1'),
  commands: newSigningKey('commands-1'),
  locks: newSigningKey('locks-1'),
  audit: newSigningKey('audit-1'),
};

export function rootTextOf(change: { expiresAt?: string } = {}): string {
  const plan = {
    issuedAt: '2026-11-01T00:00:00Z',
    root: KEYS.root,
    policy: [KEYS.policy],
    commands: [KEYS.commands],
    locks: [KEYS.locks],
    audit: [KEYS.audit],
  };
  return signRoot(rootPayload({ ...plan, ...change }), KEYS.root.slice(0, 2));
}

export async function trustedRoot(change: { expiresAt?: string } = {}): Promise<TrustedRoot> {
  const root = await openRoot(rootTextOf(change));
  if (!root.ok) throw new Error(JSON.stringify(root.fault));
  return root.value;
}

/** What a gateway has in force in these tests: the JSON of every part. */
interface Contents {
  readonly revision: number;
  readonly parts: readonly unknown[];
}

export function rightsOf(content: unknown, organization = 'acme'): BundlePart {
  return makePart('rights', organization, content);
}

export function manifestPayload(revision: number, parts: readonly BundlePart[], change: object = {}): object {
  return {
    format: 'gatehouse.policy/1',
    revision,
    audience: [GATEWAY],
    issuedAt: '2026-11-22T07:00:00Z',
    epoch: 1,
    parts: parts.map(describePart),
    ...change,
  };
}

export function manifestOf(revision: number, parts: readonly BundlePart[], change: object = {}): Buffer {
  return Buffer.from(signManifest(manifestPayload(revision, parts, change), KEYS.policy));
}

/** A part `{refuse}` refuses the bundle, `{explode}` makes the step throw, `{lie}` fails the self-test. */
const compileContents: CompilePolicy<Contents> = async (header, parts) => {
  const contents: unknown[] = [];
  for (const part of parts) {
    try {
      contents.push(JSON.parse(Buffer.from(await part.read()).toString()));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return fail({ code: 'malformed', faults: [{ path: 'parts.0', found: 'no JSON', expected: 'JSON' }] });
    }
  }
  const text = JSON.stringify(contents);
  if (text.includes('refuse')) {
    const fault: DocumentFault = { path: 'organizations.0', found: '`refuse`', expected: 'a good bundle' };
    return fail({ code: 'refused-bundle', faults: [fault, { ...fault, path: 'organizations.1' }] });
  }
  if (text.includes('explode')) throw new Error('compiler out of memory');
  return ok({ snapshot: { revision: header.revision, parts: contents }, notices: [{ path: 'x', text: 'noted' }] });
};

interface RoadOptions {
  readonly disk: MemoryDisk;
  readonly store?: PolicyStore;
  readonly time?: VirtualTime;
  readonly root?: TrustedRoot;
  /** In place of `root`. */
  readonly trust?: Pick<Trust, 'root' | 'before'>;
  readonly gateway?: string;
  readonly compile?: CompilePolicy<Contents>;
  readonly activate?: (policy: ActivePolicy<Contents>) => void;
}

export class Road {
  readonly events: string[] = [];
  readonly reports: Report[] = [];
  readonly logged: string[] = [];
  readonly torn: unknown[] = [];
  wanted: readonly string[] = [];
  readonly time: VirtualTime;
  readonly acceptance: Acceptance<Contents>;
  readonly clock: ReturnType<typeof openClock>;
  #heard: (() => void)[] = [];

  constructor(options: RoadOptions, root: TrustedRoot) {
    this.time = options.time ?? new VirtualTime();
    const store = options.store ?? openMemoryStore(options.disk);
    this.clock = openClock(store, this.time);
    this.acceptance = new Acceptance<Contents>({
      gateway: options.gateway ?? GATEWAY,
      trust: options.trust ?? { root: () => root, before: () => undefined },
      store,
      clock: this.clock,
      timers: this.time,
      log: { write: (_level, event) => void this.logged.push(event) },
      compile: options.compile ?? compileContents,
      selfTest: (snapshot) =>
        JSON.stringify(snapshot.parts).includes('lie') ? [{ path: '', found: 'permit', expected: 'deny' }] : [],
      activate: (policy) => {
        options.activate?.(policy);
        this.events.push(`activate ${policy.snapshot.revision}`);
      },
      torn: (error) => void this.torn.push(error),
      report: (report) => {
        this.events.push(`report ${report.revision} ${report.state} ${report.code}`);
        this.reports.push(report);
        for (const resolve of this.#heard.splice(0)) resolve();
      },
      want: (hashes) => {
        this.wanted = hashes;
      },
      partsTimeoutMs: 60_000,
    });
  }

  send(parts: readonly BundlePart[]): void {
    for (const { sha256, chunks } of parts) {
      for (const [index, chunk] of chunks.entries()) this.acceptance.chunk(sha256, index, chunk);
    }
  }

  /** The manifest, then its parts, until something is reported. */
  async push(revision: number, parts: readonly BundlePart[], change: object = {}): Promise<Report> {
    return this.pushText(manifestOf(revision, parts, change), parts);
  }

  async pushText(manifest: Buffer, parts: readonly BundlePart[] = []): Promise<Report> {
    const heard = this.nextReport();
    this.acceptance.arrive(manifest);
    await this.acceptance.idle();
    this.send(parts);
    return heard;
  }

  /** The report that comes next. */
  async nextReport(): Promise<Report> {
    const before = this.reports.length;
    await new Promise<void>((resolve) => this.#heard.push(resolve));
    const report = this.reports[before];
    if (!report) throw new Error('no report came');
    return report;
  }

  inForce(): unknown {
    return this.acceptance.active()?.snapshot.parts;
  }
}

export async function openRoad(options: RoadOptions): Promise<Road> {
  return new Road(options, options.root ?? (await trustedRoot()));
}
