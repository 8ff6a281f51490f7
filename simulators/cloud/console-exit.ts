// How `gatehouse-console` ends: as `gatehouse` does, 0 done, 1 failed, 2 bad input, 3 denied.

export const EXIT = { done: 0, failed: 1, badInput: 2, denied: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the command with one line on standard error and this exit code. */
export class ConsoleFault extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export const badInput = (message: string): ConsoleFault => new ConsoleFault(EXIT.badInput, message);
export const failed = (message: string, cause?: unknown): ConsoleFault =>
  new ConsoleFault(EXIT.failed, message, { cause });

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Where a command writes and reads; tests bring their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  setExit(code: ExitCode): void;
  /** A secret: typed without being shown, or the first line of standard input. */
  secret(prompt: string): Promise<string>;
  /** Resolves when the person wants the command to end (Ctrl-C). */
  readonly interrupted: Promise<void>;
}

/** `30m`, `2h`, `45s`, `1d`, `1h30m` → milliseconds. */
export function parseDuration(text: string): number {
  const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([smhd])/g)) total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  if (!/^(\d+[smhd])+$/.test(text) || total <= 0) {
    throw badInput(`got duration \`${text}\`, expected one such as \`30m\` or \`1h30m\``);
  }
  return total;
}

export function wholeNumber(text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw badInput(`got \`${text}\`, expected a whole number from ${least}`);
  }
  return value;
}
