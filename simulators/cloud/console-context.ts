// What every command of the console works with: the folder, the root, the broker; opened when needed, closed at the end.

import { BrokerLine } from './broker-line.ts';
import { badInput, type Terminal } from './console-exit.ts';
import { ConsoleFolder, type ConsoleSettings, ofGateway } from './console-folder.ts';
import { keyFor } from './key-ring.ts';
import type { GatewayKeys } from './reading.ts';
import { type Role, RootFile } from './root-file.ts';
import type { SigningKey } from './signing.ts';

export interface CommonOptions {
  readonly home?: string;
  readonly json?: boolean;
}

/** --home, then GATEHOUSE_CONSOLE, then a folder here. */
export function homeOf({ home }: CommonOptions): string {
  return home ?? process.env.GATEHOUSE_CONSOLE ?? 'gatehouse-console';
}

export class ConsoleContext {
  readonly folder: ConsoleFolder;
  readonly settings: ConsoleSettings;
  readonly root: RootFile;
  readonly terminal: Terminal;
  readonly json: boolean;

  constructor(options: CommonOptions, terminal: Terminal) {
    this.folder = ConsoleFolder.open(homeOf(options));
    this.settings = this.folder.settings();
    this.root = new RootFile(this.folder);
    this.terminal = terminal;
    this.json = options.json === true;
  }

  /** The private key the root in force names for this role. */
  key(role: Role): SigningKey {
    return keyFor(this.folder, role, this.root.inForce());
  }

  /** Runs with a connection that is closed in the end. */
  async withBroker<T>(work: (line: BrokerLine) => Promise<T>): Promise<T> {
    const line = await BrokerLine.open(this.settings.broker, this.folder.path);
    try {
      return await work(line);
    } finally {
      await line.close();
    }
  }

  /** The keys of a gateway whose fingerprint somebody compared. */
  trustedKeys(gateway: string): GatewayKeys | undefined {
    return this.folder.readJson<GatewayKeys>(ofGateway(gateway, 'key.json'));
  }

  mustTrust(gateway: string): GatewayKeys {
    const keys = this.trustedKeys(gateway);
    if (keys) return keys;
    throw badInput(
      `the keys of \`${gateway}\` were never compared: \`gatehouse-console gateway trust ${gateway}\`, with the fingerprint that \`gatehouse enrol\` showed`,
    );
  }

  /** One line of text, or one JSON object. */
  tell(value: unknown, text: string): void {
    this.terminal.out(this.json ? JSON.stringify(value) : text);
  }
}
