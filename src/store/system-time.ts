// The machine's own time, for whoever opens a store without a clock of his own.

import type { Clock, Timers } from '../contract/clock.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sure: () => true,
};

/**
 * They do not keep the process alive. What has come in is heard before anything is late: a process that stood still does not take
 * that for the silence of others.
 */
export const systemTimers: Timers = {
  after(delayMs, run) {
    let heard: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      heard = setImmediate(run);
    }, delayMs).unref();
    return {
      cancel() {
        clearTimeout(timer);
        clearImmediate(heard);
      },
    };
  },
};
