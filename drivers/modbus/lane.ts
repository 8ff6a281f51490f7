// Permit ─► the order in which a line's devices are spoken to. 1. A change is alone in its lane. 2. Reads go up to `inFlight`.
// 3. Every peer gets its turn: a flood waits behind itself. 4. The queue is bounded in length and in time.

/** Something that wants the line. Exactly one of `start` and `expire` is called, once. */
export interface Turn {
  /** Alone in the lane: nothing else runs while it does. */
  readonly exclusive: boolean;
  /** Who waits; turns of one peer keep their order. */
  readonly peer: string;
  /** Runs it; `Lane.done` must be called when it is over. */
  start(): void;
  /** It waited too long and will not run. */
  expire(): void;
}

interface LaneLimits {
  readonly inFlight: number;
  readonly waiting: number;
  readonly waitingPerPeer: number;
  readonly longestWaitMs: number;
}

interface Waiting {
  readonly turn: Turn;
  readonly since: number;
}

/** What one peer waits for; never empty. */
interface Queue {
  readonly peer: string;
  readonly turns: Waiting[];
}

export class Lane {
  readonly #limits: LaneLimits;
  readonly #now: () => number;
  /** Who waits, in the order of their next turn: who was served goes to the end. */
  readonly #queues: Queue[] = [];
  #waiting = 0;
  #running = 0;
  #alone = false;
  #pumping = false;
  /** A change that waits for what runs to end; nothing overtakes it. */
  #next: Waiting | undefined;

  constructor(limits: LaneLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get idle(): boolean {
    return this.#running === 0 && this.#waiting === 0;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Runs the turn now or later; `false` where the lane is full and it will not run. */
  enter(turn: Turn): boolean {
    if (this.#waiting === 0 && this.#fits(turn)) {
      this.#run(turn);
      return true;
    }
    const queue = this.#queues.find(({ peer }) => peer === turn.peer);
    if (this.#waiting >= this.#limits.waiting || (queue?.turns.length ?? 0) >= this.#limits.waitingPerPeer)
      return false;
    const waiting = { turn, since: this.#now() };
    if (queue === undefined) this.#queues.push({ peer: turn.peer, turns: [waiting] });
    else queue.turns.push(waiting);
    this.#waiting += 1;
    return true;
  }

  /** A turn that ran is over. */
  done(): void {
    this.#running -= 1;
    this.#alone = false;
    this.pump();
  }

  /** Starts what may start; turns that waited too long expire. */
  pump(): void {
    if (this.#waiting === 0 || this.#pumping) return;
    this.#pumping = true;
    while (this.#step());
    this.#pumping = false;
  }

  /** One turn out of the queue; `false` where none can go. */
  #step(): boolean {
    const next = this.#next ?? this.#take();
    this.#next = undefined;
    if (next === undefined) return false;
    if (this.#now() - next.since > this.#limits.longestWaitMs) {
      this.#waiting -= 1;
      next.turn.expire();
      return true;
    }
    if (!this.#fits(next.turn)) {
      this.#next = next;
      return false;
    }
    this.#waiting -= 1;
    this.#run(next.turn);
    return true;
  }

  #fits(turn: Turn): boolean {
    if (this.#alone) return false;
    return turn.exclusive ? this.#running === 0 : this.#running < this.#limits.inFlight;
  }

  #run(turn: Turn): void {
    this.#running += 1;
    this.#alone = turn.exclusive;
    turn.start();
  }

  #take(): Waiting | undefined {
    const queue = this.#queues[0];
    const next = queue?.turns.shift();
    if (queue === undefined || (queue.turns.length > 0 && this.#queues.length === 1)) return next;
    this.#queues.shift();
    if (queue.turns.length > 0) this.#queues.push(queue);
    return next;
  }
}
