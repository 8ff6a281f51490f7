// Firmware ─► device: pieces of images give way to everything else. 1. A few go in a turn of the event loop, so that whatever came
// in meanwhile is seen to before the next ones, however many devices take images. 2. Who waits longest goes first.

/** Fewer leave devices waiting, more a read. */
const TOGETHER = 4;

export class Pace {
  readonly #waiting: (() => void)[] = [];

  /** Runs it when the next piece may go; never in the turn of the call. Ends as it does. */
  turn<T>(run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => run().then(resolve, reject));
      if (this.#waiting.length === 1) setImmediate(this.#next);
    });
  }

  readonly #next = (): void => {
    const now = this.#waiting.splice(0, TOGETHER);
    if (this.#waiting.length > 0) setImmediate(this.#next);
    for (const run of now) run();
  };
}
