// Faults of one document as they are found, and the two questions asked everywhere: is it twice, does it go in a circle.

import { type DocumentFault, describeFound } from '../model/fault.ts';

export class FaultList {
  readonly faults: DocumentFault[] = [];

  add(path: string, found: unknown, expected: string): void {
    this.faults.push({ path, found: describeFound(found), expected });
  }

  /** For what cannot be shown as a value: a circle, a count. */
  say(path: string, found: string, expected: string): void {
    this.faults.push({ path, found, expected });
  }

  /** A fault at each id (`path.N.id`) that stood before in `taken`, which grows: id → where it stands. */
  unique(path: string, items: readonly { readonly id: string }[], taken: Map<string, string>): void {
    for (const [index, { id }] of items.entries()) {
      const first = taken.get(id);
      if (first === undefined) taken.set(id, `${path}.${index}`);
      else this.add(`${path}.${index}.id`, id, `an id that is not taken (by \`${first}\`)`);
    }
  }
}

/** The ids that lie on a circle or lead into one. `next` gives the one above; `undefined` ends. Never recurses. */
export function idsInCircles(ids: Iterable<string>, next: (id: string) => string | undefined): string[] {
  const ends = new Set<string>();
  const circling: string[] = [];
  for (const id of ids) {
    const trail = new Set<string>();
    let at: string | undefined = id;
    while (at !== undefined && !ends.has(at) && !trail.has(at)) {
      trail.add(at);
      at = next(at);
    }
    if (at !== undefined && trail.has(at)) circling.push(id);
    else for (const passed of trail) ends.add(passed);
  }
  return circling;
}
