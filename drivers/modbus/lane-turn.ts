// ─► device: work of the gateway's own in a turn of a device's lane, awaited.

import type { Lane, Turn } from './lane.ts';

/** A text says why it never ran. */
export function inTurn<T extends object>(
  lane: Lane,
  { exclusive, peer }: Pick<Turn, 'exclusive' | 'peer'>,
  run: () => Promise<T>,
): Promise<T | string> {
  return new Promise((resolve, reject) => {
    const entered = lane.enter({
      exclusive,
      peer,
      start: () => {
        run()
          .then(resolve, reject)
          .finally(() => lane.done());
      },
      expire: () => resolve('the device was busy for too long'),
    });
    if (!entered) resolve('too many requests wait for the device');
  });
}
