// What of the cloud's commands outlives a restart. Invariant: a command that was begun is known as begun from then on,
// so that it is never executed twice, until it is forgotten; and it is forgotten only when its time is certainly over.

export interface RememberedCommand {
  readonly id: string;
  /** SHA-256 (hex) of its exact text: another text under the same id is a replay. */
  readonly sha256: string;
  /** ms since 1970, exclusive: when its time is over. */
  readonly until: number;
  /** What it ended with, as published; null while it is under way. */
  readonly result: string | null;
}

export interface CommandMemory {
  command(id: string): RememberedCommand | undefined;
  /** How many are remembered. */
  commandCount(): number;
  /** Begun, without a result: after a start, those that the stop interrupted. */
  commandsUnderWay(): RememberedCommand[];
  /** Durable when it resolves; rejects where the id is known. */
  beginCommand(command: Omit<RememberedCommand, 'result'>): Promise<void>;
  endCommand(id: string, result: string): Promise<void>;
  /** Those whose time was over at this moment (ms since 1970) and that have a result. */
  forgetCommands(at: number): Promise<void>;
}
