// Firmware ─► device: pieces of images give way to everything else. 1. A few go in a turn of the event loop, so that whatever came
// in meanwhile is seen to before the next ones, however many devices take images. 2. Who waits longest goes first.

/** Fewer leave devices waiting, more a read. */
const TOGETHER = 4;

export class Pace {
  readonly #waiting: (() => void)[] = [];
  #ofTurn = 0;

  /** Runs it at once or in a later turn, and ends as it does. */
  turn<T>(run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => run().then(resolve, reject));
      this.#go();
    });
  }

  #go(): void {
    while (this.#ofTurn < TOGETHER) {
      const run = this.#waiting.shift();
      if (run === undefined) return;
      if (this.#ofTurn === 0) setImmediate(this.#turnEnds);
      this.#ofTurn += 1;
      run();
    }
  }

  readonly #turnEnds = (): void => {
    this.#ofTurn = 0;
    this.#go();
  };
}
