// What differs between two bundles, by the ids people gave things: `acme/roles/operator/permissions: […] → […]`.

import type { BundleJson } from './bundle-parts.ts';

export interface Difference {
  readonly path: string;
  readonly is: 'added' | 'removed' | 'changed';
  readonly before?: unknown;
  readonly after?: unknown;
}

/** They differ with every push and say nothing about rights. */
const OF_THE_PUSH: ReadonlySet<string> = new Set(['revision', 'issuedAt', 'audience']);
const SECRETS: ReadonlySet<string> = new Set(['password', 'tokens']);

type Item = { readonly [key: string]: unknown };

const isItem = (value: unknown): value is Item => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A list whose entries have names of their own: by `id`, or a grant by its whole content. */
function named(list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined {
  if (list.length === 0 || !list.every(isItem)) return undefined;
  const entries = list.map((entry) => [typeof entry.id === 'string' ? entry.id : nameOf(entry), entry] as const);
  const found = new Map(entries);
  return found.size === list.length ? found : undefined;
}

/** A grant or an access entry in the words of the policy. */
function nameOf(entry: Item): string {
  const words = ['to', 'role', 'permissions', 'at', 'from', 'until'];
  const said = words.flatMap((word) => (entry[word] === undefined ? [] : [`${word} ${JSON.stringify(entry[word])}`]));
  return said.length > 0 ? said.join(' ').replaceAll('"', '') : JSON.stringify(entry);
}

function asMap(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (Array.isArray(value)) return value.length === 0 ? new Map() : named(value);
  return isItem(value) ? new Map(Object.entries(value)) : undefined;
}

function look(path: string, before: unknown, after: unknown, found: Difference[]): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const key = path.slice(path.lastIndexOf('/') + 1);
  if (SECRETS.has(key)) {
    found.push({ path, is: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed' });
    return;
  }
  const [left, right] = [asMap(before), asMap(after)];
  const nested = left && right && Array.isArray(before) === Array.isArray(after);
  if (!nested) {
    if (before === undefined) found.push({ path, is: 'added', after });
    else if (after === undefined) found.push({ path, is: 'removed', before });
    else found.push({ path, is: 'changed', before, after });
    return;
  }
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    if (path === '' && OF_THE_PUSH.has(name)) continue;
    look(path === '' ? name : `${path}/${name}`, left.get(name), right.get(name), found);
  }
}

/** Every difference; the order of entries that have ids is none. */
export function differenceOf(before: BundleJson, after: BundleJson): readonly Difference[] {
  const found: Difference[] = [];
  look('', before, after, found);
  return found.filter(({ before, after }) => !(isEmptyList(before) && after === undefined) && !isEmptyList(after));
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? '';
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

export function describeDifference({ path, is, before, after }: Difference): string {
  switch (is) {
    case 'added':
      return `+ ${path}${after === undefined || isItem(after) ? '' : `: ${short(after)}`}`;
    case 'removed':
      return `- ${path}${before === undefined || isItem(before) ? '' : `: ${short(before)}`}`;
    case 'changed':
      return before === undefined ? `~ ${path}` : `~ ${path}: ${short(before)} → ${short(after)}`;
  }
}
