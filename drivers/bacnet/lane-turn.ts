// ─► device: work of the gateway's own in a turn of a device's lane, awaited.

import type { Lane } from './seam.ts';

/** `undefined`: the lane is full, or its turn did not come in time; `run` has not been called. `peer`: with whom it waits. */
export function inTurn<T>(
  lane: Lane,
  kind: 'read' | 'change',
  peer: string,
  run: () => Promise<T>,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const turn = (): Promise<void> => run().then(resolve, reject);
    const expire = (): void => resolve(undefined);
    if (!lane[kind](turn, { peer, expire })) expire();
  });
}
