// Observation ─► lists: what shows values of others is judged by those, so its lists are read first, on behalf of who may read the
// object itself. 1. Bounded for one request; what is not known then is not read.

import type { Lists } from './lists.ts';
import { listsOf } from './moves.ts';
import type { ReadAccess } from './read-access.ts';
import type { PlantDevice } from './seam.ts';
import { listsBehind } from './showing.ts';
import type { ObjectPropertyReference } from './wire/constructed.ts';

const MOST_LISTS = 256;
/** One for each object that shows the next. */
const MOST_ROUNDS = 5;

export class ShownLists {
  readonly #lists: Lists;
  readonly #counted: { lists_read: number };

  constructor(lists: Lists, counted: { lists_read: number }) {
    this.#lists = lists;
    this.#counted = counted;
  }

  /** `undefined` where everything is known. `access` is taken anew for every round: it is valid for one tick. */
  learn(
    device: PlantDevice,
    references: readonly ObjectPropertyReference[],
    access: () => ReadAccess,
  ): Promise<void> | undefined {
    const showing = references.filter((one) => listsBehind(one.objectIdentifier, one.propertyIdentifier).length > 0);
    if (showing.length === 0 || this.#unknown(device, showing, access()).length === 0) return undefined;
    return this.#learn(device, showing, access);
  }

  async #learn(
    device: PlantDevice,
    showing: readonly ObjectPropertyReference[],
    access: () => ReadAccess,
  ): Promise<void> {
    const tried = new Set<string>();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const unknown = this.#unknown(device, showing, access()).filter(([key]) => !tried.has(key));
      if (unknown.length === 0) return;
      for (const [key, object] of unknown) {
        if (tried.size >= MOST_LISTS) return;
        tried.add(key);
        this.#counted.lists_read += 1;
        await this.#lists.learn({ device, object, properties: listsOf(object.type) });
      }
    }
  }

  /** Each once. */
  #unknown(device: PlantDevice, showing: readonly ObjectPropertyReference[], access: ReadAccess) {
    const objects = showing.flatMap(({ objectIdentifier: object, propertyIdentifier, propertyArrayIndex }) =>
      access.mayAsk(device, object, propertyIdentifier, propertyArrayIndex)
        ? access.unknownBehind(device, object, propertyIdentifier)
        : [],
    );
    return [...new Map(objects.map((object) => [`${object.type},${object.instance}`, object]))];
  }
}
