// What one asker may see: the reach of `device.view`, `point.read` and `trend.view`, asked once for each and kept while it
// holds. Invariant: every list, search, stream and error of this room goes through here.

import type { Clock } from '../contract/clock.ts';
import type { Caller } from '../contract/gate.ts';
import type { TargetHandle } from '../model/ids.ts';
import { hasBit } from '../policy/bitset.ts';
import { reach } from '../policy/reach.ts';
import type { PolicySnapshot } from '../policy/rights.ts';
import { askedBy } from './asker.ts';
import { type PlaceTree, treeOf } from './place-tree.ts';

/** More than there may be event streams: each of them asks for every value. */
const MOST_KEPT = 512;
type Looking = 'device.view' | 'point.read' | 'trend.view';

export interface Sight {
  readonly snapshot: PolicySnapshot;
  readonly tree: PlaceTree;
  /** By id; `undefined` alike for what does not exist and for what is not seen. */
  point(id: string): TargetHandle | undefined;
  device(id: string): TargetHandle | undefined;
  location(id: string): TargetHandle | undefined;
  /** A location, device or point. */
  sees(handle: number): boolean;
  trends(handle: number): boolean;
}

interface Kept {
  readonly snapshot: PolicySnapshot;
  readonly sure: boolean;
  readonly until: number;
  readonly sight: Sight;
}

export interface Sights {
  /** Valid for the current tick; `undefined` where no policy is in force. */
  of(caller: Caller): Sight | undefined;
}

export function createSights(policy: () => PolicySnapshot | undefined, clock: Clock): Sights {
  const kept = new Map<string, Kept>();
  return {
    of(caller) {
      const snapshot = policy();
      if (!snapshot) return undefined;
      const key = JSON.stringify([caller.principal, caller.channel, caller.identity ?? null]);
      const known = kept.get(key);
      if (known && known.snapshot === snapshot && known.sure === clock.sure() && clock.now() < known.until) {
        return known.sight;
      }
      const made = lookAround(snapshot, caller, clock);
      kept.delete(key);
      const [oldest] = kept.size >= MOST_KEPT ? kept.keys() : [];
      if (oldest !== undefined) kept.delete(oldest);
      kept.set(key, { snapshot, sure: clock.sure(), ...made });
      return made.sight;
    },
  };
}

function lookAround(snapshot: PolicySnapshot, caller: Caller, clock: Clock): { sight: Sight; until: number } {
  const { inventory } = snapshot;
  const tree = treeOf(inventory);
  const asker = askedBy(caller, clock);
  let until = Number.POSITIVE_INFINITY;
  const maskOf = (action: Looking): Uint32Array => {
    const { mask, validUntil = until } = reach(snapshot, { ...asker, action });
    until = Math.min(until, validUntil);
    return mask;
  };
  const devices = maskOf('device.view');
  const points = maskOf('point.read');
  const trends = maskOf('trend.view');
  const sees = (handle: number): boolean => {
    if (tree.isPoint(handle)) return hasBit(points, handle);
    return hasBit(devices, handle) || (tree.isLocation(handle) && hasBit(points, handle));
  };
  const find = (id: string, is: (handle: number) => boolean): TargetHandle | undefined => {
    const handle = inventory.find(id);
    return handle !== undefined && is(handle) && sees(handle) ? handle : undefined;
  };
  const sight: Sight = {
    snapshot,
    tree,
    sees,
    point: (id) => find(id, (handle) => tree.isPoint(handle)),
    device: (id) => find(id, (handle) => tree.isDevice(handle)),
    location: (id) => find(id, (handle) => tree.isLocation(handle)),
    trends: (handle) => hasBit(trends, handle) && sees(handle),
  };
  return { sight, until };
}
