// Permit ─► the order in which a device is spoken to. 1. A change is alone in its lane, and nothing overtakes one that waits for
// its turn. 2. Reads go up to `inFlight`. 3. Every peer gets its turn: a flood waits behind itself. 4. Bounded in length and in time.

import type { Deadlines } from './deadlines.ts';
import type { InLane, Lane, ReadTurn } from './seam.ts';

export interface LaneLimits {
  readonly inFlight: number;
  readonly waiting: number;
  readonly waitMs: number;
}

interface Turn {
  readonly run: ReadTurn;
  readonly exclusive: boolean;
  readonly since: number;
  readonly waiting: InLane | undefined;
}

/** What one peer waits for; never empty. */
interface Queue {
  readonly peer: string;
  readonly turns: Turn[];
}

/** Who says no peer waits as one: the gateway itself. */
const ownPeer = '';

export class DeviceLane implements Lane {
  readonly #limits: LaneLimits;
  readonly #deadlines: Deadlines;
  /** Who waits, in the order of their next turn: who was served goes to the end. */
  readonly #queues: Queue[] = [];
  #waiting = 0;
  #running = 0;
  #alone = false;
  #pumping = false;
  /** A change that waits for what runs to end; nothing overtakes it. */
  #next: Turn | undefined;
  /** Changes that began so far: who remembers the number knows whether another one went by. */
  changes = 0;

  constructor(limits: LaneLimits, deadlines: Deadlines) {
    this.#limits = limits;
    this.#deadlines = deadlines;
  }

  read(run: ReadTurn, waiting?: InLane): boolean {
    return this.#enter(run, false, waiting);
  }

  change(run: () => Promise<void>, waiting?: InLane): boolean {
    return this.#enter(run, true, waiting);
  }

  #enter(run: ReadTurn, exclusive: boolean, waiting: InLane | undefined): boolean {
    if (this.#waiting === 0 && this.#fits(exclusive)) {
      this.#run(run, exclusive);
      return true;
    }
    const peer = waiting?.peer ?? ownPeer;
    const first = this.#queues[0];
    const queue = first?.peer === peer ? first : this.#queues.find((one) => one.peer === peer);
    // The last quarter is for others than who already fills the rest.
    const share = Math.max(1, this.#limits.waiting - (this.#limits.waiting >> 2));
    if (this.#waiting >= this.#limits.waiting || (queue?.turns.length ?? 0) >= share) return false;
    const turn: Turn = { run, exclusive, since: this.#deadlines.now(), waiting };
    if (queue === undefined) this.#queues.push({ peer, turns: [turn] });
    else queue.turns.push(turn);
    this.#waiting += 1;
    return true;
  }

  readonly #done = (): void => {
    this.#running -= 1;
    this.#alone = false;
    if (this.#waiting > 0) this.#pump();
  };

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#step());
    this.#pumping = false;
  }

  /** One turn out of the queue; false where none can go. */
  #step(): boolean {
    // Then nobody can, whoever is next.
    if (this.#alone || this.#running >= this.#limits.inFlight) return false;
    const turn = this.#next ?? this.#take();
    this.#next = undefined;
    if (turn === undefined) return false;
    if (turn.waiting !== undefined && this.#deadlines.now() - turn.since > this.#limits.waitMs) {
      this.#waiting -= 1;
      turn.waiting.expire();
      return true;
    }
    if (!this.#fits(turn.exclusive)) {
      this.#next = turn;
      return false;
    }
    this.#waiting -= 1;
    this.#run(turn.run, turn.exclusive);
    return true;
  }

  #fits(exclusive: boolean): boolean {
    if (this.#alone) return false;
    return exclusive ? this.#running === 0 : this.#running < this.#limits.inFlight;
  }

  #run(run: ReadTurn, exclusive: boolean): void {
    this.#running += 1;
    this.#alone = exclusive;
    if (exclusive) this.changes += 1;
    run(this.#done)?.then(this.#done, this.#done);
  }

  #take(): Turn | undefined {
    const queue = this.#queues[0];
    const turn = queue?.turns.shift();
    if (queue === undefined || (queue.turns.length > 0 && this.#queues.length === 1)) return turn;
    this.#queues.shift();
    if (queue.turns.length > 0) this.#queues.push(queue);
    return turn;
  }
}
