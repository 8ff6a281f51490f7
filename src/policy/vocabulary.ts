// The actions an organization knows: the closed table and its own permissions with `gives: []` (POLICY.md, Actions).
// Numbers 0 … are the closed table's in every organization; the organization's own follow.

import { ACTIONS, type ActionLevel, type ActionName, type ActionRule } from '../model/action.ts';
import type { OrganizationDocument } from './schema.ts';

export interface KnownAction {
  readonly number: number;
  readonly name: string;
  readonly level: ActionLevel;
  readonly needs: readonly string[];
  readonly related: boolean;
  readonly changing: boolean;
}

/** What priorities 1 and 2 ask for as well. */
export const LIFE_SAFETY: ActionName = 'lifeSafety.operate';

const TABLE: readonly (readonly [string, ActionRule])[] = Object.entries(ACTIONS);

/** Every organization has these, under the same numbers. */
const TABLE_ACTIONS: readonly KnownAction[] = TABLE.map(([name, rule], number) => ({ number, name, ...rule }));

/** One organization's words. */
export class Vocabulary {
  readonly #actions = new Map<string, KnownAction>(TABLE_ACTIONS.map((action) => [action.name, action]));
  readonly #gives = new Map<string, readonly string[]>();

  constructor(permissions: OrganizationDocument['permissions']) {
    for (const { id, gives } of permissions) if (gives.length > 0) this.#gives.set(id, gives);
    for (const { id, level, gives, needs } of permissions) {
      if (gives.length > 0 || this.#actions.has(id)) continue;
      const number = this.#actions.size;
      this.#actions.set(id, { number, name: id, level, needs: this.#names(needs), related: false, changing: false });
    }
  }

  /** How many actions there are; numbers are below it. */
  get size(): number {
    return this.#actions.size;
  }

  /** In the order of their numbers. */
  all(): IterableIterator<KnownAction> {
    return this.#actions.values();
  }

  /** `undefined` for a name nobody knows, and for one that stands for others. */
  action(name: string): KnownAction | undefined {
    return this.#actions.get(name);
  }

  /** Whether `name` is an action, or stands for some: what may be written wherever actions are named. */
  knows(name: string): boolean {
    return this.#actions.has(name) || this.#gives.has(name);
  }

  /** The actions that `names` stand for, each once; unknown names stand for nothing. */
  expand(names: readonly string[]): KnownAction[] {
    const found = new Set<KnownAction>();
    for (const name of this.#names(names)) {
      const action = this.#actions.get(name);
      if (action !== undefined) found.add(action);
    }
    return [...found];
  }

  #names(names: readonly string[]): string[] {
    return names.flatMap((name) => this.#gives.get(name) ?? [name]);
  }
}
