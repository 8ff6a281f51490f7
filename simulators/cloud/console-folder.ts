// The console's memory: one folder with its keys and its state. Invariants: 1. what it holds is for its owner alone (0600,
// 0700); 2. a file is replaced whole, so that a reader or a crash never sees half of one.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
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
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const handle = openSync(`${file}.new`, 'w', 0o600);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
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
    const file = this.at(name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const handle = openSync(file, 'a', 0o600);
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }

  remove(name: string): void {
    rmSync(this.at(name), { force: true });
  }

  /** Gateways this console has something about. */
  gateways(): readonly string[] {
    const folder = this.at('gateways');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
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
