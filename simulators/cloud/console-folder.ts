// The console's memory: one folder with its keys and its state. Invariants: 1. what it holds is for its owner alone (0600,
// 0700); 2. a file is replaced whole, so that a reader or a crash never sees half of one.

import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { badInput, messageOf } from './console-exit.ts';

/** How to reach the broker; relative files are of the folder. */
export interface BrokerSettings {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string;
  readonly username?: string;
  /** One line: the password. */
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

export interface ConsoleSettings {
  readonly format: 'gatehouse.console/1';
  readonly broker: BrokerSettings;
  /** Of policies and locks: raised by hand where a console was lost and begins anew. */
  readonly epoch: number;
}

/** How much of a file is read at a time, from its end. */
const TAIL_BYTES = 1_048_576;
const LINE_BREAK = 0x0a;

/** A topic level and a folder's name. */
const GATEWAY_ID = /^[A-Za-z0-9_:.~-]{1,128}$/;

export class ConsoleFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder. Throws where there is a console already. */
  static create(path: string, settings: ConsoleSettings): ConsoleFolder {
    if (existsSync(join(path, 'console.json'))) throw badInput(`\`${path}\` holds a console already`);
    const folder = new ConsoleFolder(path);
    folder.writeJson('console.json', settings);
    return folder;
  }

  static open(path: string): ConsoleFolder {
    if (!existsSync(join(path, 'console.json'))) {
      throw badInput(`\`${path}\` holds no console: make one with \`gatehouse-console init\`, or name it with --home`);
    }
    return new ConsoleFolder(path);
  }

  settings(): ConsoleSettings {
    const settings = this.readJson<ConsoleSettings>('console.json');
    if (settings?.format !== 'gatehouse.console/1' || typeof settings.broker?.url !== 'string') {
      throw badInput(`got a \`console.json\` that is none, expected \`{format, broker: {url}, epoch}\``);
    }
    return settings;
  }

  at(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  has(name: string): boolean {
    return existsSync(this.at(name));
  }

  readText(name: string): string | undefined {
    return existsSync(this.at(name)) ? readFileSync(this.at(name), 'utf8') : undefined;
  }

  writeText(name: string, text: string): void {
    const file = this.at(name);
    writeDurably(`${file}.new`, 'w', text);
    renameSync(`${file}.new`, file);
  }

  /** Throws bad input where the file is not JSON: somebody edited it. */
  readJson<T>(name: string): T | undefined {
    const text = this.readText(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw badInput(`could not read \`${this.at(name)}\`: ${messageOf(error)}`);
    }
  }

  writeJson(name: string, value: unknown): void {
    this.writeText(name, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Adds to the end of a file; durable when it returns. */
  append(name: string, text: string): void {
    writeDurably(this.at(name), 'a', text);
  }

  remove(name: string): void {
    rmSync(this.at(name), { force: true });
  }

  /** The last so many whole lines of a file, however long it is; none where it is not there. Changes nothing. */
  lastLines(name: string, most: number): readonly string[] {
    if (most <= 0 || !this.has(name)) return [];
    const handle = openSync(this.at(name), 'r');
    try {
      let start = fstatSync(handle).size;
      let bytes = Buffer.alloc(0);
      let breaks = 0;
      // One more than is wanted: the first line that was read may not be whole.
      while (start > 0 && breaks <= most) {
        const chunk = Buffer.alloc(Math.min(TAIL_BYTES, start));
        start -= chunk.length;
        readSync(handle, chunk, 0, chunk.length, start);
        for (const byte of chunk) if (byte === LINE_BREAK) breaks += 1;
        bytes = Buffer.concat([chunk, bytes]);
      }
      return bytes.toString('utf8').split('\n').slice(0, -1).slice(-most);
    } finally {
      closeSync(handle);
    }
  }

  /** Takes away what follows the last line break: a line that was cut short by a crash. For the one who writes it. */
  dropHalfLine(name: string): void {
    if (!this.has(name)) return;
    const handle = openSync(this.at(name), 'r+');
    try {
      const { size } = fstatSync(handle);
      const last = Buffer.alloc(1);
      let end = size;
      for (; end > 0; end -= 1) {
        readSync(handle, last, 0, 1, end - 1);
        if (last[0] === LINE_BREAK) break;
      }
      if (end < size) ftruncateSync(handle, end);
    } finally {
      closeSync(handle);
    }
  }

  /** Runs while nobody else in this folder holds this name. Throws bad input where somebody does. */
  async alone<T>(name: string, work: () => Promise<T>): Promise<T> {
    const file = this.at(name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const holder = Number(this.readText(name) ?? 0);
    if (holder > 0 && isAlive(holder)) throw badInput(`another console works on it: process ${holder} (\`${file}\`)`);
    this.remove(name);
    const handle = openSync(file, 'wx', 0o600);
    writeSync(handle, String(process.pid));
    closeSync(handle);
    try {
      return await work();
    } finally {
      this.remove(name);
    }
  }

  /** Gateways this console has something about. */
  gateways(): readonly string[] {
    const folder = this.at('gateways');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The place of a gateway's files in the folder. */
export function ofGateway(gateway: string, name: string): string {
  return join('gateways', checkGateway(gateway), name);
}

export function checkGateway(gateway: string): string {
  if (GATEWAY_ID.test(gateway) && !/^\.+$/.test(gateway)) return gateway;
  throw badInput(`got gateway \`${gateway}\`, expected an id of letters, digits and _ : . ~ -`);
}

function writeDurably(file: string, flags: 'a' | 'w', text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const handle = openSync(file, flags, 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
