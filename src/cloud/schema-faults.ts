// What a schema found wrong with a signed document, as faults that a report can carry: path, found, expected.

import type { z } from 'zod';
import { type DocumentFault, describeFound } from '../model/fault.ts';
import type { NonEmpty } from '../model/result.ts';

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function expectedOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => `\`${String(value)}\``).join(' or ');
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  }
}

export function schemaFaults(document: unknown, error: z.ZodError): NonEmpty<DocumentFault> {
  const faults = error.issues.flatMap((issue): DocumentFault[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...issue.path, key].join('.'),
        found: `unknown key \`${key}\``,
        expected: 'a key of the schema',
      }));
    }
    return [
      { path: issue.path.join('.'), found: describeFound(valueAt(document, issue.path)), expected: expectedOf(issue) },
    ];
  });
  const [first = { path: '', found: describeFound(document), expected: 'a document of the schema' }, ...rest] = faults;
  return [first, ...rest];
}
