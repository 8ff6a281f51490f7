// The parts a bundle travels in over MQTT (SYNC.md, Policy), put together into one document. Nothing is judged here but who
// brings what: `parseBundle` reads the result like any other bundle.

import { type DocumentFault, describeFound } from '../model/fault.ts';
import { fail, isNonEmpty, type NonEmpty, ok, type Result } from '../model/result.ts';

/**
 * `inventory` and `rights` carry keys of one organization, which the manifest names; `people` carries `users` and
 * `applications` without their secrets; `credentials` carries `id` with `password`, `tokens` or `certificates` of each.
 */
export interface BundlePart {
  readonly kind: 'inventory' | 'rights' | 'people' | 'credentials';
  readonly organization?: string;
  /** The part's JSON value. */
  readonly content: unknown;
}

const INVENTORY_KEYS: ReadonlySet<string> = new Set(['locations', 'devices', 'points']);
const PEOPLE_KEYS = ['users', 'applications'] as const;
const SECRETS = { users: ['password', 'certificates'], applications: ['tokens', 'certificates'] } as const;

type Item = Record<string, unknown>;

/** The header's keys and the parts' as one document for `parseBundle`; faults where parts contradict or overreach. */
export function mergeParts(
  header: Readonly<Record<string, unknown>>,
  parts: readonly BundlePart[],
): Result<unknown, NonEmpty<DocumentFault>> {
  const faults: DocumentFault[] = [];
  const organizations = new Map<string, Item>();
  const people = new Map<string, unknown[]>();
  const add = (path: string, found: unknown, expected: string): void => {
    faults.push({ path, found: describeFound(found), expected });
  };
  for (const [index, { kind, organization, content }] of parts.entries()) {
    const path = `parts.${index}`;
    if (!isItem(content)) add(path, content, 'an object');
    else if (kind === 'inventory' || kind === 'rights') {
      if (organization === undefined) add(`${path}.organization`, organization, 'the organization it belongs to');
      else joinOrganization(organizationOf(organizations, organization), kind, content, path, add);
    } else if (kind === 'people') joinPeople(people, content, path, add);
  }
  for (const [index, { kind, content }] of parts.entries()) {
    if (kind === 'credentials' && isItem(content)) joinSecrets(people, content, `parts.${index}`, add);
  }
  if (isNonEmpty(faults)) return fail(faults);
  return ok({ ...header, ...Object.fromEntries(people), organizations: [...organizations.values()] });
}

type Add = (path: string, found: unknown, expected: string) => void;

function isItem(value: unknown): value is Item {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function organizationOf(organizations: Map<string, Item>, id: string): Item {
  const known = organizations.get(id);
  if (known !== undefined) return known;
  const made: Item = { id };
  organizations.set(id, made);
  return made;
}

function joinOrganization(whole: Item, kind: BundlePart['kind'], content: Item, path: string, add: Add): void {
  for (const [key, value] of Object.entries(content)) {
    if (INVENTORY_KEYS.has(key) !== (kind === 'inventory')) add(`${path}.${key}`, value, `no such key in \`${kind}\``);
    else if (Object.hasOwn(whole, key)) add(`${path}.${key}`, value, 'each key in one part');
    else whole[key] = value;
  }
}

function joinPeople(people: Map<string, unknown[]>, content: Item, path: string, add: Add): void {
  for (const [key, value] of Object.entries(content)) {
    const known = PEOPLE_KEYS.find((name) => name === key);
    if (known === undefined) add(`${path}.${key}`, value, 'no such key in `people`');
    else if (people.has(known)) add(`${path}.${key}`, value, 'each key in one part');
    else if (!Array.isArray(value)) add(`${path}.${key}`, value, 'a list');
    else {
      for (const [place, person] of value.entries()) {
        for (const secret of SECRETS[known]) {
          if (secret !== 'certificates' && isItem(person) && Object.hasOwn(person, secret)) {
            add(`${path}.${key}.${place}.${secret}`, 'a secret', 'it in `credentials`');
          }
        }
      }
      people.set(known, [...value]);
    }
  }
}

/** What is found is not repeated in a fault: it is a secret. */
function joinSecrets(people: Map<string, unknown[]>, content: Item, path: string, add: Add): void {
  for (const [key, value] of Object.entries(content)) {
    const known = PEOPLE_KEYS.find((name) => name === key);
    if (known === undefined || !Array.isArray(value)) {
      add(`${path}.${key}`, 'something else', 'lists `users` and `applications`');
      continue;
    }
    const list = people.get(known) ?? [];
    for (const [place, secrets] of value.entries()) {
      const at = `${path}.${key}.${place}`;
      const index = isItem(secrets) ? list.findIndex((person) => isItem(person) && person.id === secrets.id) : -1;
      const person = list[index];
      if (!isItem(secrets) || !isItem(person)) {
        add(at, 'nobody of that id', 'somebody in `people`');
        continue;
      }
      const allowed: readonly string[] = ['id', ...SECRETS[known]];
      for (const name of Object.keys(secrets)) {
        if (!allowed.includes(name) || (name !== 'id' && Object.hasOwn(person, name))) {
          add(`${at}.${name}`, 'a key', `one of ${SECRETS[known].join(', ')}, given once`);
        }
      }
      list[index] = { ...person, ...secrets };
    }
  }
}
