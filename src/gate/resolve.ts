// The step "resolve": what a decoded change would do, in the policy's words. Invariants: 1. one resolved effect for each
// effect, in its order; 2. what the inventory does not hold stays unknown and denies the whole change later.

import type { Change, Effect } from '../contract/gate.ts';
import { ACTION_OF_WRITING, ACTIONS, type ActionName } from '../model/action.ts';
import type { TargetHandle, TargetId } from '../model/ids.ts';
import type { InventoryDevice, InventoryPoint, InventoryView } from '../model/point.ts';

export interface ResolvedEffect {
  readonly effect: Effect;
  readonly action: ActionName;
  /** Absent where the inventory does not hold the handle, or there is no inventory. */
  readonly id?: TargetId;
  readonly point?: InventoryPoint;
  readonly device?: InventoryDevice;
}

/** The effects that ask one action at one priority: one question to the kernel. */
export interface EffectGroup {
  readonly action: ActionName;
  readonly priority?: number;
  readonly targets: TargetId[];
}

export interface Intended {
  readonly effects: readonly ResolvedEffect[];
  readonly groups: readonly EffectGroup[];
  /** Handles that stand for nothing in this inventory. */
  readonly unknown: readonly TargetHandle[];
}

/** The device of a point, or the device itself. */
export function deviceOf(inventory: InventoryView, id: string): InventoryDevice | undefined {
  const handle = inventory.find(id);
  return handle === undefined ? undefined : inventory.device(inventory.point(handle)?.device ?? handle);
}

/** Something in it changes a building; the rest (acknowledging an alarm) is judged by its right alone. */
export function isChanging(intended: Intended): boolean {
  return intended.effects.some(({ action }) => ACTIONS[action].changing);
}

function actionOf({ asks }: Effect, point: InventoryPoint | undefined): ActionName {
  if (asks !== 'write') return asks;
  // Writing what has no point of its own may reach anything the device has.
  return point ? ACTION_OF_WRITING[point.class] : 'engineering.modify';
}

function resolveEffect(effect: Effect, inventory: InventoryView | undefined): ResolvedEffect {
  const point = inventory?.point(effect.target);
  const device = inventory?.device(point?.device ?? effect.target);
  return {
    effect,
    action: actionOf(effect, point),
    ...(inventory && (point ?? device) && { id: inventory.idOf(effect.target) }),
    ...(point && { point }),
    ...(device && { device }),
  };
}

export function resolve(change: Change<unknown>, inventory: InventoryView | undefined): Intended {
  const effects = change.effects.map((effect) => resolveEffect(effect, inventory));
  const groups = new Map<string, EffectGroup>();
  const unknown: TargetHandle[] = [];
  for (const { effect, action, id } of effects) {
    if (id === undefined) {
      unknown.push(effect.target);
      continue;
    }
    const key = `${action} ${effect.priority ?? ''}`;
    const group = groups.get(key);
    if (group) group.targets.push(id);
    else
      groups.set(key, {
        action,
        targets: [id],
        ...(effect.priority !== undefined && { priority: effect.priority }),
      });
  }
  return { effects, groups: [...groups.values()], unknown };
}
