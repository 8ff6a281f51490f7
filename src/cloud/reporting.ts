// The last step of acceptance: what is said about a manifest. Invariant: what was said last is not said again, so that
// a manifest that comes a hundred times is reported once.

import type { Log } from '../contract/log.ts';
import { type DocumentFault, describeFault, type Notice } from '../model/fault.ts';
import { type Manifest, nameOf, orderOf } from './manifest.ts';
import { NACKS, type Refused } from './nack.ts';
import type { PolicyState, Report } from './report.ts';

/** Refused manifests whose report is remembered; of more, the oldest are judged again when they come again. */
const MOST_REMEMBERED = 16;

export class Reporting {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #send: (report: Report) => void;
  #last: Report | undefined;
  /** Refused for good, by hash, with what was reported. */
  readonly #refusals = new Map<string, Report>();

  constructor(log: Log, now: () => number, send: (report: Report) => void) {
    this.#log = log;
    this.#now = now;
    this.#send = send;
  }

  last(): Report | undefined {
    return this.#last;
  }

  /** `manifest` is absent where there is none. */
  inForce(manifest: Manifest | undefined, state: PolicyState, notices: readonly Notice[]): void {
    const said = this.#publish(this.#reportOf(manifest?.sha256 ?? null, manifest, state, undefined, notices));
    if (!said || !manifest || (state !== 'stale' && state !== 'expired')) return;
    this.#log.write('warn', `policy.${state}`, orderOf(manifest), `policy ${nameOf(manifest)} is ${state}`);
  }

  /** `manifest` is absent where it could not be read. */
  refused(hash: string, manifest: Manifest | undefined, why: Refused): void {
    const report = this.#reportOf(hash, manifest, 'refused', why, []);
    if (this.#publish(report)) {
      const fields = { code: why.code, sha256: hash, ...(manifest ? orderOf(manifest) : {}), faults: why.faults };
      const name = manifest ? nameOf(manifest) : hash.slice(0, 12);
      const text = `policy ${name} refused: \`${why.code}\` (${describeFault(why.faults[0])})`;
      this.#log.write('warn', 'policy.refused', fields, text);
    }
    if (NACKS[why.code].retry !== 'never') return;
    this.#refusals.set(hash, report);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > MOST_REMEMBERED && oldest !== undefined) this.#refusals.delete(oldest);
  }

  /** True for a manifest that was refused for good; it is said again only if something else was said since. */
  repeat(hash: string): boolean {
    const report = this.#refusals.get(hash);
    if (report) this.#publish(report);
    return report !== undefined;
  }

  #reportOf(
    manifestSha256: string | null,
    manifest: Manifest | undefined,
    state: PolicyState,
    why: Refused | undefined,
    notices: readonly Notice[],
  ): Report {
    const { epoch = null, revision = null } = manifest?.payload ?? {};
    const faults: DocumentFault[] = [...(why?.faults ?? [])];
    const at = new Date(this.#now()).toISOString();
    return { epoch, revision, manifestSha256, state, code: why?.code ?? null, faults, notices: [...notices], at };
  }

  #publish(report: Report): boolean {
    if (this.#last && sameButTime(this.#last, report)) return false;
    this.#last = report;
    this.#send(report);
    return true;
  }
}

function sameButTime(a: Report, b: Report): boolean {
  return JSON.stringify({ ...a, at: '' }) === JSON.stringify({ ...b, at: '' });
}
