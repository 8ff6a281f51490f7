// The compile and self-test steps of acceptance: header and parts → what is swapped in, or why not.

import type { DocumentFault, Notice } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, type Result } from '../model/result.ts';
import { type OpenCredentials, withOpenCredentials } from './credentials.ts';
import type { Manifest, ManifestPayload } from './manifest.ts';
import { type Refused, refused } from './nack.ts';
import { PartFault, type PolicyPart } from './policy-parts.ts';

export interface Compiled<S> {
  readonly snapshot: S;
  readonly notices: readonly Notice[];
}

/** `malformed`: a part is not JSON of its kind; `refused-bundle`: the parts make a bundle that must be refused. */
export interface CompileRefusal {
  readonly code: 'malformed' | 'refused-bundle';
  readonly faults: NonEmpty<DocumentFault>;
}

/**
 * Manifest header and parts → what is swapped in. `previous` is in force now: what hangs on parts whose hash did not
 * change may be taken from it. Never runs twice at a time. Throwing is answered with `compile-failed`.
 */
export type CompilePolicy<S> = (
  header: ManifestPayload,
  parts: readonly PolicyPart[],
  previous: S | undefined,
) => Promise<Result<Compiled<S>, CompileRefusal>>;

/** Faults found by asking the compiled policy what is known; none = good. */
type SelfTest<S> = (snapshot: S, header: ManifestPayload) => readonly DocumentFault[];

export interface CompileSteps<S> {
  readonly compile: CompilePolicy<S>;
  readonly selfTest: SelfTest<S>;
  /** Absent: a policy with credentials is refused. */
  readonly openCredentials?: OpenCredentials;
}

export async function compileAndTest<S>(
  steps: CompileSteps<S>,
  { payload }: Manifest,
  parts: readonly PolicyPart[],
  previous: S | undefined,
): Promise<Result<Compiled<S>, Refused>> {
  try {
    const readable = withOpenCredentials(parts, steps.openCredentials);
    const compiled = await steps.compile(payload, readable, previous);
    if (!compiled.ok) return compiled;
    const faults = steps.selfTest(compiled.value.snapshot, payload);
    return isNonEmpty(faults) ? fail({ code: 'self-test-failed', faults }) : compiled;
  } catch (error) {
    if (error instanceof PartFault) return fail(error.why);
    const why = error instanceof Error ? error.message : String(error);
    return fail(refused('compile-failed', '', why, 'a compiled policy'));
  }
}
