// The log: one JSON line an event (pino) for machines, or one line of text for a person at a terminal.

import { pino } from 'pino';
import type { Log, LogLevel } from '../contract/log.ts';
import { oneLine } from '../model/printable.ts';

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

function clockTime(): string {
  return new Date().toISOString().slice(11, 23);
}

/** Text lines go to `write`; JSON lines are written synchronously to standard output so that none is lost at exit. */
export function createLog(
  options: { readonly level: LogLevel; readonly format: 'json' | 'text' },
  write: (line: string) => void = (line) => process.stdout.write(line),
): Log {
  if (options.format === 'text') {
    return {
      write(level, event, _fields, text) {
        if (rank[level] >= rank[options.level]) write(`${clockTime()} ${level.padEnd(5)} ${event}: ${oneLine(text)}\n`);
      },
    };
  }
  const logger = pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return {
    write(level, event, fields, text) {
      logger[level]({ event, ...fields }, text);
    },
  };
}
