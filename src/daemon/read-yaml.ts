// YAML (or JSON) text that a person wrote → plain data. Strict: what the parser only warns of is a fault, and so is an
// alias that would grow without bound.

import { parseDocument } from 'yaml';
import type { DocumentFault } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';

const MOST_ALIASES = 100;

/** The data, or every fault of syntax by line and column. An empty text is `null`. */
export function readYaml(text: string): Result<unknown, NonEmpty<DocumentFault>> {
  const document = parseDocument(text, { strict: true, uniqueKeys: true });
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    path: error.linePos ? `line ${error.linePos[0].line}, column ${error.linePos[0].col}` : '',
    found: (error.message.split('\n')[0] ?? '').replace(/ at line.*$/, '').replace(/:$/, ''),
    expected: 'well-formed YAML',
  }));
  if (isNonEmpty(faults)) return fail(faults);
  try {
    return ok(document.toJS({ maxAliasCount: MOST_ALIASES }));
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return fail([{ path: '', found, expected: `aliases that stand for no more than ${MOST_ALIASES} values each` }]);
  }
}
