// Time as this process is awake for it: of a stall no more than one turn of its event loop counts, in which what came meanwhile is
// heard first. So where both sides of a conversation are in one process, none of them is late because all of it stood still.

const TURN_MS = 10;

let passedMs = 0;
let turnedAt = performance.now();
setInterval(() => {
  passedMs = awakeMs();
  turnedAt = performance.now();
}, TURN_MS / 2).unref();

/** ms since some moment; never goes back, never jumps. */
export function awakeMs(): number {
  return passedMs + Math.min(TURN_MS, performance.now() - turnedAt);
}

/** Runs it once, after so much of this time. `cancel` after it ran does nothing. */
export function afterAwake(delayMs: number, run: () => void): { cancel(): void } {
  const dueMs = awakeMs() + delayMs;
  const look = (): void => {
    const leftMs = dueMs - awakeMs();
    if (leftMs > 0) timer = setTimeout(look, leftMs);
    else run();
  };
  let timer = setTimeout(look, delayMs);
  return { cancel: () => clearTimeout(timer) };
}
