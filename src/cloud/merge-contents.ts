// Parts → one bundle document, the first half of "compile" on the policy's road.

import type { DocumentFault } from '../model/fault.ts';
import { fail, isNonEmpty, ok, type Result } from '../model/result.ts';
import { type BundlePart, mergeParts } from '../policy/parts.ts';
import type { CompileRefusal } from './compile-step.ts';
import type { PolicyPart } from './policy-parts.ts';
import { parseJsonBytes } from './signed-text.ts';

/** For `parseBundle`, with the bundle's own header; a part that `isKnown` is not read, and stands there empty. Throws `PartFault` as `read` does. */
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
