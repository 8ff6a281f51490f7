// Document → bundle: strict form first, then every cross check, every fault named. Total: no input makes it throw.

import type { z } from 'zod';
import { type DocumentFault, describeFound, type Notice } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';
import { FaultList } from './fault-list.ts';
import { checkInventory, indexTargets } from './inventory-check.ts';
import { noticesOf } from './notices.ts';
import { checkPeople } from './people-check.ts';
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
  const deep = deepFaults(input);
  if (isNonEmpty(deep)) return fail(deep);
  const strict = bundleSchema.safeParse(input, { reportInput: true });
  const faults = strict.success ? [] : strict.error.issues.flatMap((issue) => faultsOf(issue, input));
  const onlyUnknownKeys = !strict.success && strict.error.issues.every(({ code }) => code === 'unrecognized_keys');
  const form = onlyUnknownKeys ? bundleSchema.safeParse(withoutUnknown(input, strict.error.issues)) : strict;
  if (!form.success) return fail(isNonEmpty(faults) ? faults : [wholeDocument(input)]);
  const document = form.data;
  const targets = indexTargets(document.organizations);
  faults.push(...crossCheck(document, targets));
  if (isNonEmpty(faults)) return fail(faults);
  return ok({ document, notices: noticesOf(document, targets) });
}

function crossCheck(document: BundleDocument, targets: ReturnType<typeof indexTargets>): DocumentFault[] {
  const list = new FaultList();
  checkHeader(document, list);
  list.unique('organizations', document.organizations, new Map());
  checkPeople(document, list);
  list.faults.push(...checkInventory(document.organizations, targets));
  const people = indexPeople(document);
  for (const [index, organization] of document.organizations.entries()) {
    checkRights(document, index, organization, targets, people, list);
  }
  return list.faults;
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
  return [{ path: path.join('.'), found: describeFound(valueAt(input, path)), expected: expectation(issue) }];
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
      return `${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let at = input;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.getOwnPropertyDescriptor(at, key)?.value;
  }
  return at;
}

function wholeDocument(input: unknown): DocumentFault {
  return { path: '', found: describeFound(input), expected: 'a bundle without unknown keys' };
}

/** A copy of the document without the keys that were named as unknown. */
function withoutUnknown(input: unknown, issues: readonly Issue[]): unknown {
  const copy: unknown = structuredClone(input);
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const holder = valueAt(copy, issue.path.map(String));
    if (typeof holder === 'object' && holder !== null)
      for (const key of issue.keys) Reflect.deleteProperty(holder, key);
  }
  return copy;
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
      else {
        const inner: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
        if (typeof inner === 'object' && inner !== null) look(inner, at, depth + 1);
      }
    }
  }
  return faults;
}
