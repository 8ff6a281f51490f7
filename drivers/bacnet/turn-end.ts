// What waits for the end of a turn of the loop: datagrams that go out together, and answers behind what goes to the plant first.
// 1. In the order it came, all in the same turn. 2. What throws hinders nothing else.

export class TurnEnd {
  readonly #failed: (error: unknown) => void;
  readonly #jobs: (() => void)[] = [];

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Once, with what this turn brings; what is added meanwhile runs with the rest. */
  add(job: () => void): void {
    if (this.#jobs.push(job) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    for (let at = 0; at < this.#jobs.length; at += 1) {
      try {
        this.#jobs[at]?.();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#jobs.length = 0;
  };
}
