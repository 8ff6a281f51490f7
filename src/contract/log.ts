// Where a room says what happened, for people and machines: stable event codes, JSON fields.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  /**
   * `event` is a stable code of words (`change.refused`); `fields` are JSON-safe; `text` is one line for a person.
   * Codes are listed in the README; never reused for something else.
   */
  write(level: LogLevel, event: string, fields: { readonly [key: string]: unknown }, text: string): void;
}
