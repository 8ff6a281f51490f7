// A compiled policy on its way between threads: a worker parses and compiles, the main thread takes over without a stall.
// 1. Arrays are moved, not copied. 2. Rights travel as JSON in small pieces; masks travel ready made.

import { compileRightsInSteps, snapshotOf } from './compile.ts';
import { Inventory, type InventoryData } from './inventory.ts';
import type { Bits, PolicyHeader, PolicySnapshot, Rights } from './rights.ts';
import type { BundleDocument, RightsOrganization } from './schema.ts';

/** Pieces of the rights, each a small JSON text. */
interface TransferableRights {
  /** Up to `PIECE` users or applications each. */
  readonly users: readonly string[];
  readonly applications: readonly string[];
  /** Of each organization: everything that is not a list, then pieces of its lists by key. */
  readonly organizations: readonly { readonly rest: string; readonly lists: readonly (readonly [string, string])[] }[];
}

export interface TransferableSnapshot {
  readonly header: PolicyHeader;
  readonly rights: TransferableRights;
  /** Absent where only rights changed. */
  readonly inventory?: InventoryData;
  readonly masks: readonly (readonly [string, Bits])[];
}

const PIECE = 200;
const STEPS_AT_ONCE = 8;

/** What a worker posts, and the buffers to be moved with it. After that the snapshot's own arrays are gone from the worker. */
export function dehydrate(
  snapshot: PolicySnapshot,
  document: BundleDocument,
): { readonly data: TransferableSnapshot; readonly transfer: readonly ArrayBuffer[] } {
  const { header, inventory, rights } = snapshot;
  const data = { header, rights: cutRights(document), inventory: inventory.data, masks: [...rights.masks] };
  return { data, transfer: buffersOf([data.inventory, data.masks]) };
}

/** The same where the inventory stays as it is on the other side. Masks are made there, or taken over from its last rights. */
export function dehydrateRights(document: BundleDocument, header: PolicyHeader): TransferableSnapshot {
  return { header, rights: cutRights(document), masks: [] };
}

/**
 * The snapshot again; between two calls of `yieldNow` there is little work (about 2 ms at most).
 * Without an inventory in `data` it stands on `previous`, whose inventory object is kept.
 */
export async function hydrate(
  data: TransferableSnapshot,
  yieldNow: () => Promise<void>,
  previous?: PolicySnapshot,
): Promise<PolicySnapshot> {
  const inventory = data.inventory === undefined ? previous?.inventory : new Inventory(data.inventory);
  if (inventory === undefined)
    throw new Error('got rights without an inventory, expected one, or a policy to stand on');
  const known = new Map([...(previous?.inventory === inventory ? previous.rights.masks : []), ...data.masks]);
  const document = await assembleRights(data.rights, yieldNow);
  const steps = compileRightsInSteps(inventory, document, known);
  let count = 0;
  let step = steps.next();
  while (step.done !== true) {
    count += 1;
    if (step.value === 'long' || count % STEPS_AT_ONCE === 0) await yieldNow();
    step = steps.next();
  }
  const rights: Rights = step.value;
  await yieldNow();
  return snapshotOf(inventory, rights, data.header);
}

function cutRights({ users, applications, organizations }: BundleDocument): TransferableRights {
  return {
    users: pieces(users),
    applications: pieces(applications),
    organizations: organizations.map(({ locations, devices, points, ...rights }) => {
      const entries = Object.entries(rights);
      const rest = Object.fromEntries(entries.filter(([key]) => !isListKey(key)));
      const lists = LIST_KEYS.flatMap((key) => pieces(rights[key]).map((piece) => [key, piece] as const));
      return { rest: JSON.stringify(rest), lists };
    }),
  };
}

const LIST_KEYS = ['filters', 'permissions', 'roles', 'groups', 'grants', 'access', 'locks'] as const;
type ListKey = (typeof LIST_KEYS)[number];

function isListKey(key: string): key is ListKey {
  return (LIST_KEYS as readonly string[]).includes(key);
}

function pieces(items: readonly unknown[]): string[] {
  const cut: string[] = [];
  for (let from = 0; from < items.length; from += PIECE) cut.push(JSON.stringify(items.slice(from, from + PIECE)));
  return cut;
}

type AssembledRights = Pick<BundleDocument, 'users' | 'applications'> & {
  readonly organizations: RightsOrganization[];
};

/** The pieces were cut from a document that had passed every check: their types are known, not looked at again. */
async function assembleRights(data: TransferableRights, yieldNow: () => Promise<void>): Promise<AssembledRights> {
  const users = await joined<AssembledRights['users'][number]>(data.users, yieldNow);
  const applications = await joined<AssembledRights['applications'][number]>(data.applications, yieldNow);
  const organizations: RightsOrganization[] = [];
  for (const { rest, lists } of data.organizations) {
    const whole: Record<string, unknown> = JSON.parse(rest);
    for (const key of LIST_KEYS) {
      whole[key] = await joined(
        lists.filter(([of]) => of === key).map(([, piece]) => piece),
        yieldNow,
      );
    }
    organizations.push(whole as RightsOrganization);
  }
  return { users, applications, organizations };
}

async function joined<T>(cut: readonly string[], yieldNow: () => Promise<void>): Promise<T[]> {
  const items: T[] = [];
  for (const piece of cut) {
    for (const item of JSON.parse(piece) as T[]) items.push(item);
    await yieldNow();
  }
  return items;
}

/** Every buffer that some array below `value` lies in, each once. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const look = (inner: unknown): void => {
    if (ArrayBuffer.isView(inner)) {
      found.add(inner.buffer as ArrayBuffer);
    } else if (inner instanceof Map) {
      for (const of of inner.values()) look(of);
    } else if (typeof inner === 'object' && inner !== null) {
      for (const of of Object.values(inner)) look(of);
    }
  };
  look(value);
  return [...found];
}
