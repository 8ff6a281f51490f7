// Frame ─classify─► Change: everything that moves along with some writes becomes effects too, through objects that move others.
// 1. A list that is not known yet is `needed`, and then the effects are not complete. 2. Bounded in depth and in number.

import type { TargetHandle } from '../../src/model/ids.ts';
import { stationKey } from './callers.ts';
import type { EffectList, Write } from './effects.ts';
import type { ListNeed } from './lists.ts';
import { isMoving, type KnownLists, listsOf, listsToMove, type Movement, mentionedIn, movementsOf } from './moves.ts';
import { handleOfDevice, isDeviceObject, NOWHERE } from './owners.ts';
import { recipientDevicesIn } from './references.ts';
import type { PlantDevice } from './seam.ts';
import type { Site } from './site.ts';

const DEEPEST = 4;
const MOST_EFFECTS = 4096;
/** A reference that is not set (clause 21, BACnetObjectIdentifier). */
const UNSET_INSTANCE = 4_194_303;
const NOTHING_KNOWN: KnownLists = new Map();

interface Place {
  readonly handle: TargetHandle;
  /** Absent where the device is not known on its network. */
  readonly device: PlantDevice | undefined;
}

export class MoveList {
  readonly #site: Site;
  readonly #effects: EffectList;
  readonly #needed = new Map<string, ListNeed>();
  #fansOut = false;

  constructor(site: Site, effects: EffectList) {
    this.#site = site;
    this.#effects = effects;
  }

  get needed(): readonly ListNeed[] {
    return [...this.#needed.values()];
  }

  get fansOut(): boolean {
    return this.#fansOut;
  }

  /** Adds what writes to one device move. A text says why it cannot be told. */
  follow(holder: PlantDevice, writes: readonly Write[], depth = 0): string | undefined {
    for (const [first, together] of byObject(writes)) {
      const untold = this.#followObject(holder, first, together, depth);
      if (untold !== undefined) return untold;
    }
    return undefined;
  }

  #followObject(holder: PlantDevice, { object }: Write, writes: readonly Write[], depth: number): string | undefined {
    const name = `\`${object.type},${object.instance}\``;
    const movements: Movement[] = [];
    const lists = new Set(writes.flatMap(({ property }) => listsToMove(object.type, property) ?? []));
    if (lists.size > 0) {
      this.#fansOut = true;
      if (depth >= DEEPEST) return `what ${name} moves goes on for more than \`${DEEPEST}\` objects`;
      const known = this.#site.lists(holder, object);
      if (known === undefined) {
        this.#needed.set(`${stationKey(holder)} ${object.type},${object.instance}`, {
          device: holder,
          object,
          properties: listsOf(object.type),
        });
      }
      const moving = movementsOf(object.type, writes, known ?? NOTHING_KNOWN);
      if (moving === undefined) return `what ${name} moves cannot be told`;
      movements.push(...moving);
    }
    for (const write of writes) {
      const mentioned = isMoving(object.type) ? [] : mentionedIn(write);
      const recipients = write.value === undefined ? [] : recipientDevicesIn(write.property, write.value);
      if (mentioned === undefined || recipients === undefined)
        return `what a value of ${name} refers to cannot be told`;
      movements.push(...mentioned);
      for (const instance of recipients) this.#recipient(holder, instance);
    }
    for (const movement of movements) {
      const untold = this.#move(holder, movement, depth);
      if (untold !== undefined) return untold;
    }
    return undefined;
  }

  #move(holder: PlantDevice, { reference, value, priority, moved }: Movement, depth: number): string | undefined {
    const { object, property, index } = reference;
    if (object.instance === UNSET_INSTANCE && !isDeviceObject(object)) return undefined;
    this.#fansOut = true;
    const write: Write = {
      object,
      property,
      ...(index !== undefined && { index }),
      ...(value !== undefined && { value }),
      ...(priority !== undefined && { priority }),
    };
    for (const { handle, device } of this.#placesOf(holder, reference.device)) {
      if (this.#effects.size >= MOST_EFFECTS) return `more than \`${MOST_EFFECTS}\` targets`;
      this.#effects.write(handle, write, moved);
      if (listsToMove(object.type, property) === undefined) continue;
      if (device === undefined) return `device \`${reference.device}\` is not there to tell what it moves`;
      const untold = this.follow(device, [write], depth + 1);
      if (untold !== undefined) return untold;
    }
    return undefined;
  }

  /** By instance alone a device cannot be told from its namesakes on other networks: all of them. */
  #placesOf(holder: PlantDevice, instance: number | undefined): readonly Place[] {
    const { index } = this.#site;
    const isOwn = instance === undefined || instance === holder.instance || instance === UNSET_INSTANCE;
    if (isOwn || index === undefined) return [{ handle: handleOfDevice(index, holder), device: holder }];
    const here = index.deviceAt(holder.network, instance);
    const namesakes = here ? [here] : index.devices.filter((device) => device.instance === instance);
    if (namesakes.length === 0) return [{ handle: NOWHERE, device: undefined }];
    return namesakes.map(({ handle, network }) => ({ handle, device: this.#site.find(network, instance) }));
  }

  #recipient(holder: PlantDevice, instance: number): void {
    const { index } = this.#site;
    for (const { handle } of this.#placesOf(holder, instance)) {
      // A workstation is no device of the inventory: it is told, not moved.
      if (handle !== NOWHERE && index?.device(handle) !== undefined) this.#effects.ask(handle, 'engineering.modify');
    }
  }
}

function byObject(writes: readonly Write[]): Iterable<readonly [Write, readonly Write[]]> {
  const objects = new Map<string, [Write, Write[]]>();
  for (const write of writes) {
    const key = `${write.object.type},${write.object.instance}`;
    const entry = objects.get(key);
    if (entry === undefined) objects.set(key, [write, [write]]);
    else entry[1].push(write);
  }
  return objects.values();
}
