// Parts → one bundle document → snapshot, and the questions whose answers are known. The daemon does the same in a worker;
// this is the plain form, for small sites and for judging a bundle on the spot.

import type { DocumentFault } from '../model/fault.ts';
import { fail, isNonEmpty, ok, type Result } from '../model/result.ts';
import { parseBundle } from '../policy/bundle.ts';
import { compileInventory, compileRights, headerOf, snapshotOf } from '../policy/compile.ts';
import { decide } from '../policy/decide.ts';
import { type BundlePart, mergeParts } from '../policy/parts.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import type { Compiled, CompileRefusal } from './compile-step.ts';
import type { ManifestPayload } from './manifest.ts';
import type { PolicyPart } from './policy-parts.ts';
import { parseJsonBytes } from './signed-text.ts';

/** The bundle document that a manifest and its parts say, for `parseBundle`. Throws `PartFault` as `read` does. */
export function bundleDocument(
  { epoch: _epoch, refreshBy: _refreshBy, parts: _parts, ...header }: ManifestPayload,
  parts: readonly PolicyPart[],
): Promise<Result<unknown, CompileRefusal>> {
  return mergeContents(header, parts, () => false);
}

/** The same with the bundle's own header; a part that `isKnown` is not read, and stands there empty. */
export async function mergeContents(
  header: Readonly<Record<string, unknown>>,
  parts: readonly PolicyPart[],
  isKnown: (part: PolicyPart) => boolean,
): Promise<Result<unknown, CompileRefusal>> {
  const faults: DocumentFault[] = [];
  const contents: BundlePart[] = [];
  for (const [index, part] of parts.entries()) {
    const { kind, organization } = part;
    const json = isKnown(part) ? ok({}) : parseJsonBytes(await part.read());
    if (json.ok) contents.push({ kind, content: json.value, ...(organization === undefined ? {} : { organization }) });
    else faults.push({ path: `parts.${index}`, found: json.fault, expected: 'UTF-8 JSON' });
  }
  if (isNonEmpty(faults)) return fail({ code: 'malformed', faults });
  const merged = mergeParts(header, contents);
  return merged.ok ? merged : fail({ code: 'malformed', faults: merged.fault });
}

export async function compileInProcess(
  header: ManifestPayload,
  parts: readonly PolicyPart[],
): Promise<Result<Compiled<PolicySnapshot>, CompileRefusal>> {
  const merged = await bundleDocument(header, parts);
  if (!merged.ok) return merged;
  const parsed = parseBundle(merged.value);
  if (!parsed.ok) return fail({ code: 'refused-bundle', faults: parsed.fault });
  const { document, notices } = parsed.value;
  const inventory = compileInventory(document.organizations);
  const rights = compileRights(inventory, document);
  return ok({ snapshot: snapshotOf(inventory, rights, headerOf(document)), notices });
}

/** Asks the compiled policy what every policy must deny, and whether it is the one that was signed. */
export function selfTestPolicy(snapshot: PolicySnapshot, { revision }: ManifestPayload): readonly DocumentFault[] {
  const faults: DocumentFault[] = [];
  const nobody = '\u0000nobody';
  const request = { principal: nobody, action: 'point.write', targets: [nobody], at: snapshot.header.issuedAt };
  const answer = decide(snapshot, request);
  const found = answer.decision === 'permit' ? 'permit' : answer.reason;
  if (found !== 'unknown-principal') {
    faults.push({ path: '', found: `\`${found}\` for somebody unknown`, expected: '`unknown-principal`' });
  }
  const compiled: number = snapshot.header.revision;
  if (compiled !== revision) faults.push({ path: 'revision', found: String(compiled), expected: String(revision) });
  return faults;
}
