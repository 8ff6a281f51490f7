// What is wrong with something somebody wrote: a bundle, a configuration, a request. Never thrown: listed whole.

import { oneLine } from './printable.ts';

/**
 * One fault of a document. `path` is dotted (`organizations.0.roles.0.permisions`), empty for the whole document.
 * `found` and `expected` are short texts, fit to stand in one line.
 */
export interface DocumentFault {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** Something accepted that its author should know about (POLICY.md, Notices). */
export interface Notice {
  readonly path: string;
  readonly text: string;
}

/** `path: found …, expected …`: the one way a document fault is shown to a person. */
export function describeFault(fault: DocumentFault): string {
  return oneLine(`${fault.path === '' ? '(document)' : fault.path}: found ${fault.found}, expected ${fault.expected}`);
}

/** What was found, shortened so that a message never carries a whole document. */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  if (text === undefined) return typeof value;
  return text.length > 80 ? `\`${text.slice(0, 77)}…\`` : `\`${text}\``;
}
