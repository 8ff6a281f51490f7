// A CommandMemory on a disk that lives in memory: what is on the disk outlives it.

import type { CommandMemory, RememberedCommand } from '../../src/contract/command-memory.ts';
import { durably } from './memory-policy-store.ts';

export type CommandDisk = Map<string, RememberedCommand>;

/** `fail` is asked before every durable operation and after it: see `openMemoryStore`. */
export function openMemoryCommands(
  disk: CommandDisk,
  fail: (when: 'before' | 'after', operation: 'begin' | 'end' | 'forget') => void = () => {},
): CommandMemory {
  const durable = durably(fail);
  return {
    command: (id) => disk.get(id),
    commandCount: () => disk.size,
    commandsUnderWay: () => [...disk.values()].filter(({ result }) => result === null),
    beginCommand: (command) =>
      durable('begin', () => {
        if (disk.has(command.id)) throw new Error(`got command \`${command.id}\` again`);
        disk.set(command.id, { ...command, result: null });
      }),
    endCommand: (id, result) =>
      durable('end', () => {
        const found = disk.get(id);
        if (found) disk.set(id, { ...found, result });
      }),
    forgetCommands: (at) =>
      durable('forget', () => {
        for (const { id, until, result } of disk.values()) if (until <= at && result !== null) disk.delete(id);
      }),
  };
}
