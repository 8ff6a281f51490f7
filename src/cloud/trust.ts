// Which root is trusted now, and the road of a new one over MQTT. Invariants: 1. a root takes the place of another only
// with the threshold of that one's keys, a higher version, and before it expires; 2. it is durable before it counts;
// 3. what was accepted under the root before stays accepted: a rotation never takes the policy in force away.

import type { Log } from '../contract/log.ts';
import type { PolicyStore } from '../contract/policy-store.ts';
import { describeFault } from '../model/fault.ts';
import type { PolicyClock } from './clock.ts';
import { MOST_AHEAD_MS } from './clock.ts';
import { Lane } from './lane.ts';
import { MAX_MESSAGE_BYTES, sha256Hex } from './manifest.ts';
import { type Refused, refused } from './nack.ts';
import type { RootReport } from './report.ts';
import { openRoot, type TrustedRoot } from './root.ts';

const BEFORE_SETTING = 'root.before';
const MOST_WAITING = 16;

/** At a new enrolment: what was accepted under another root counts no more. */
export async function forgetRootBefore(store: Pick<PolicyStore, 'putSetting'>): Promise<void> {
  await store.putSetting(BEFORE_SETTING, '');
}

interface TrustOptions {
  /** The one installed. */
  readonly root: TrustedRoot;
  readonly store: Pick<PolicyStore, 'putRoot' | 'setting' | 'putSetting'>;
  readonly clock: PolicyClock;
  readonly log: Log;
  readonly report: (report: RootReport) => void;
  /** Another root counts from now on. */
  readonly changed: (root: TrustedRoot) => void;
}

export class Trust {
  readonly #options: TrustOptions;
  #root: TrustedRoot;
  #before: TrustedRoot | undefined;
  readonly #lane: Lane;
  #lastRefused = '';

  constructor(options: TrustOptions) {
    this.#options = options;
    this.#root = options.root;
    this.#lane = new Lane(options.log, 'root');
  }

  root(): TrustedRoot {
    return this.#root;
  }

  /** The one before it: for reading again what was accepted under it, and for nothing new. */
  before(): TrustedRoot | undefined {
    return this.#before;
  }

  async load(): Promise<void> {
    const text = this.#options.store.setting(BEFORE_SETTING);
    const opened = text === undefined ? undefined : await openRoot(text);
    if (opened?.ok) this.#before = opened.value;
    this.#say(undefined);
  }

  /** Message `root` came. */
  arrive(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.#lane.waiting >= MOST_WAITING) return;
    this.#lane.add(async () => {
      const why = await this.#consider(bytes);
      if (why) this.#refuse(sha256Hex(bytes), why);
    });
  }

  async idle(): Promise<void> {
    await this.#lane.idle();
  }

  async #consider(bytes: Uint8Array): Promise<Refused | undefined> {
    const { store, clock, log, changed } = this.#options;
    if (bytes.length > MAX_MESSAGE_BYTES) {
      return refused('too-large', '', `${bytes.length} bytes`, `at most ${MAX_MESSAGE_BYTES}`);
    }
    const text = Buffer.from(bytes).toString('utf8');
    const opened = await openRoot(text);
    if (!opened.ok) {
      const [first] = opened.fault;
      const code =
        first.path === 'signatures' ? 'bad-signature' : first.path === 'format' ? 'unknown-format' : 'malformed';
      return { code, faults: opened.fault };
    }
    const next = opened.value;
    const trusted = this.#root;
    if (next.fingerprint === trusted.fingerprint) return undefined;
    const found = `version ${next.document.version}`;
    const { version } = trusted.document;
    if (next.document.version < version) return refused('below-floor', 'version', found, `above version ${version}`);
    if (next.document.version === version) {
      return refused('equivocation', 'version', `${found}, \`${next.fingerprint}\``, `\`${trusted.fingerprint}\``);
    }
    if (!(await trusted.vouchesFor(text))) {
      const { threshold } = trusted.document.roles.root;
      return refused('bad-signature', 'signatures', 'too few keys of the trusted root', `${threshold} of them`);
    }
    const untimely = this.#untimely(next);
    if (untimely) return untimely;
    try {
      // The old one first: a crash in between leaves it both trusted and before, which changes nothing.
      await store.putSetting(BEFORE_SETTING, trusted.text);
      await store.putRoot(text);
    } catch (error) {
      return refused(
        'not-durable',
        '',
        error instanceof Error ? error.message : String(error),
        'a root stored on disk',
      );
    }
    clock.confirm(next.issuedAt);
    this.#before = trusted;
    this.#root = next;
    this.#lastRefused = '';
    const fields = { version: next.document.version, fingerprint: next.fingerprint };
    log.write('warn', 'root.replaced', fields, `trusted root ${found} in place of version ${version}`);
    this.#say(undefined);
    changed(next);
    return undefined;
  }

  #untimely({ document, expiresAt, issuedAt }: TrustedRoot): Refused | undefined {
    const { clock } = this.#options;
    const atLeast = clock.sure() ? clock.now() : clock.floor();
    const latest = new Date(atLeast).toISOString();
    if (expiresAt !== undefined && expiresAt <= atLeast) {
      return refused('root-expired', 'expiresAt', `\`${document.expiresAt}\``, `after ${latest}`);
    }
    if (clock.sure() && issuedAt > clock.now() + MOST_AHEAD_MS) {
      return refused('issued-in-future', 'issuedAt', `\`${document.issuedAt}\``, `at most 24 h after ${latest}`);
    }
    return undefined;
  }

  #refuse(hash: string, why: Refused): void {
    if (this.#lastRefused === hash) return;
    this.#lastRefused = hash;
    const fields = { code: why.code, sha256: hash, faults: why.faults };
    const text = `root refused, the one before stays: \`${why.code}\` (${describeFault(why.faults[0])})`;
    this.#options.log.write('warn', 'root.refused', fields, text);
    this.#say({ hash, why });
  }

  #say(refusal: { readonly hash: string; readonly why: Refused } | undefined): void {
    this.#options.report({
      state: refusal ? 'refused' : 'active',
      version: this.#root.document.version,
      fingerprint: this.#root.fingerprint,
      refusedSha256: refusal?.hash ?? null,
      code: refusal?.why.code ?? null,
      faults: [...(refusal?.why.faults ?? [])].slice(0, 100),
      at: new Date(this.#options.clock.now()).toISOString(),
    });
  }
}
