// Document → bundle: strict form first, then every cross check, every fault named. Total: no input makes it throw.

import type { z } from 'zod';
import { type DocumentFault, describeFound, type Notice } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import { FaultList } from './fault-list.ts';
import type { Inventory } from './inventory.ts';
import { checkInventory } from './inventory-check.ts';
import { noticesOf } from './notices.ts';
import { checkPeople } from './people-check.ts';
import { type Places, placesOfDocument, placesOfInventory } from './places.ts';
import { checkRights } from './rights-check.ts';
import { indexPeople } from './rights-context.ts';
import { type BundleDocument, bundleSchema } from './schema.ts';

/** A bundle that has passed every check, and what its author should know about it. */
export interface ParsedBundle {
  readonly document: BundleDocument;
  readonly notices: readonly Notice[];
}

const OBSERVE_DAYS = 14;
const DEEPEST = 64;

/** The bundle, or every fault of it. Where only keys are unknown, the cross checks still run on the rest. */
export function parseBundle(input: unknown): Result<ParsedBundle, NonEmpty<DocumentFault>> {
  return parseSafely(input, ({ organizations }, list) => {
    const places = placesOfDocument(organizations);
    checkInventory(organizations, places, list);
    return places;
  });
}

/**
 * A bundle whose organizations have no places and things of their own: those are the inventory's, which passed every check
 * before. Faults and notices are the ones that `parseBundle` finds in the whole bundle. The organizations must be the
 * inventory's, in its order.
 */
export function parseRights(input: unknown, inventory: Inventory): Result<ParsedBundle, NonEmpty<DocumentFault>> {
  return parseSafely(input, () => placesOfInventory(inventory));
}

/** Checks the places and things, if they are here, and says where ids are looked up. */
type Inventorying = (document: BundleDocument, list: FaultList) => Places;

function parseSafely(input: unknown, inventorying: Inventorying): Result<ParsedBundle, NonEmpty<DocumentFault>> {
  const deep = deepFaults(input);
  if (isNonEmpty(deep)) return fail(deep);
  try {
    return parseShallow(input, inventorying);
  } catch (error) {
    // A getter that throws, or more faults than the schema's own lists can take: no document from a file or a broker.
    return fail([{ path: '', found: String(error), expected: 'a document that can be read' }]);
  }
}

function parseShallow(input: unknown, inventorying: Inventorying): Result<ParsedBundle, NonEmpty<DocumentFault>> {
  const strict = bundleSchema.safeParse(input);
  const issues = strict.success ? [] : strict.error.issues;
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key].map(String)) : [],
  );
  const again = unknown.length > 0 && issues.every(({ code }) => code === 'unrecognized_keys');
  const form = again ? bundleSchema.safeParse(without(input, unknown)) : strict;
  const faults = issues.flatMap((issue) => faultsOf(issue, input));
  if (!form.success) return fail(faults as [DocumentFault, ...DocumentFault[]]);
  const document = form.data;
  const list = new FaultList();
  const places = crossCheck(document, inventorying, list);
  const all = faults.concat(list.faults);
  return isNonEmpty(all) ? fail(all) : ok({ document, notices: noticesOf(document, places) });
}

function crossCheck(document: BundleDocument, inventorying: Inventorying, list: FaultList): Places {
  checkHeader(document, list);
  list.unique('organizations', document.organizations, new Map());
  checkPeople(document, list);
  const places = inventorying(document, list);
  const people = indexPeople(document);
  for (const [index, organization] of document.organizations.entries()) {
    checkRights(document, index, organization, places, people, list);
  }
  return places;
}

function checkHeader({ mode, observeUntil, issuedAt }: BundleDocument, list: FaultList): void {
  if (mode !== 'observe') return;
  if (observeUntil === undefined) {
    list.add('observeUntil', observeUntil, `an instant at most ${OBSERVE_DAYS} days after \`issuedAt\``);
  } else if (Date.parse(observeUntil) > Date.parse(issuedAt) + OBSERVE_DAYS * 86_400_000) {
    list.add('observeUntil', observeUntil, `at most ${OBSERVE_DAYS} days after \`issuedAt\``);
  }
}

type Issue = z.core.$ZodIssue;

function faultsOf(issue: Issue, input: unknown): DocumentFault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key].join('.'),
      found: describeFound(valueAt(input, [...path, key])),
      expected: 'no such key',
    }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path: path.join('.'), found: describeFound(path.at(-1)), expected: 'another key' }];
  }
  const found = isSecret(path) ? 'something else' : describeFound(valueAt(input, path));
  return [{ path: path.join('.'), found, expected: expectation(issue) }];
}

/** A fault travels to logs and reports; a password's hash or a token does not. */
function isSecret([list, , key]: readonly string[]): boolean {
  return (list === 'users' && key === 'password') || (list === 'applications' && key === 'tokens');
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return issue.values.map((value) => `\`${String(value)}\``).join(' or ');
    case 'too_small':
      return `${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let at = input;
  for (const key of path) at = Object.getOwnPropertyDescriptor(Object(at), key)?.value;
  return at;
}

/** The value without what lies at the paths; only what is on the way is copied. */
function without(value: unknown, paths: readonly (readonly string[])[]): unknown {
  const below = new Map<string | undefined, (readonly string[])[]>();
  for (const [key, ...rest] of paths) {
    const known = below.get(key);
    if (known === undefined) below.set(key, [rest]);
    else known.push(rest);
  }
  const kept = Object.entries(Object(value)).flatMap(([name, inner]): [string, unknown][] => {
    const rests = below.get(name);
    if (rests === undefined) return [[name, inner]];
    return rests.some(({ length }) => length === 0) ? [] : [[name, without(inner, rests)]];
  });
  return Array.isArray(value) ? kept.map(([, inner]) => inner) : Object.fromEntries(kept);
}

/** Before any recursion: nothing nested too deep or in a circle, and no `__proto__`, which a schema would pass over unseen. */
function deepFaults(input: unknown): DocumentFault[] {
  const faults: DocumentFault[] = [];
  const open: { value: object; path: string; depth: number }[] = [];
  const look = (value: unknown, path: string, depth: number): void => {
    if (typeof value === 'object' && value !== null) open.push({ value, path, depth });
  };
  look(input, '', 0);
  for (let next = open.pop(); next !== undefined && faults.length < 100; next = open.pop()) {
    const { value, path, depth } = next;
    if (depth > DEEPEST) {
      faults.push({ path, found: 'more than that', expected: `a document at most ${DEEPEST} deep` });
      continue;
    }
    for (const key of Object.keys(value)) {
      const at = path === '' ? key : `${path}.${key}`;
      if (key === '__proto__') faults.push({ path: at, found: '`__proto__`', expected: 'no such key' });
      else look(Object.getOwnPropertyDescriptor(value, key)?.value, at, depth + 1);
    }
  }
  return faults;
}
