// What the demo's command line says: where its data lives, which ports it takes, and whether it plays by itself.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** 0 stands for one chosen by the system. */
export interface DemoPorts {
  /** The gateway's Modbus/TCP listener for every device. */
  readonly modbus: number;
  /** The gateway's listener for the meters' line alone, where unit 0 means both of them. */
  readonly meters: number;
  /** The gateway's Modbus/TCP Security listener. */
  readonly secure: number;
  /** The gateway's BACnet/IP side for tools, UDP. */
  readonly bacnet: number;
  readonly health: number;
  /** The page and the API. */
  readonly http: number;
  readonly broker: number;
}

export interface DemoOptions {
  readonly folder: string;
  readonly ports: DemoPorts;
  readonly tour: boolean;
}

const DEFAULT_PORTS: DemoPorts = {
  modbus: 1502,
  meters: 1503,
  secure: 1802,
  bacnet: 47_808,
  health: 9464,
  http: 8443,
  broker: 18_830,
};
export const ANY_PORTS: DemoPorts = { modbus: 0, meters: 0, secure: 0, bacnet: 0, health: 0, http: 0, broker: 0 };

/** The folder that holds package.json, from the sources and from dist/ alike. */
const above = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
export const checkout = fileURLToPath(new URL(above, import.meta.url));

export const HELP = `npm start [-- options]

A site to try Gatehouse on: broker, cloud console, simulated Modbus and BACnet plants, and the gateway in front of it.

  --tour               plays all of it by itself, checks every step, exits 0 or 1
  --data FOLDER        where keys, policy and journal live (default .gatehouse/demo of the checkout)
  --modbus-port N      the gateway's Modbus/TCP listener            (default ${DEFAULT_PORTS.modbus})
  --meters-port N      its listener for the meters' line alone      (default ${DEFAULT_PORTS.meters})
  --secure-port N      its Modbus/TCP Security listener             (default ${DEFAULT_PORTS.secure})
  --bacnet-port N      the gateway's BACnet/IP side, UDP            (default ${DEFAULT_PORTS.bacnet})
  --health-port N      its /livez, /readyz, /metrics                (default ${DEFAULT_PORTS.health})
  --http-port N        its page and API                             (default ${DEFAULT_PORTS.http})
  --broker-port N      the embedded MQTT broker                     (default ${DEFAULT_PORTS.broker})
  --help`;

/** Ends the demo with one sentence on standard error and exit code 1. */
export class DemoFault extends Error {}

/** `undefined` where only help was asked for. Throws a DemoFault for words nobody knows. */
export function readOptions(words: readonly string[]): DemoOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const known = {
    tour: flag,
    help: flag,
    data: text,
    'modbus-port': text,
    'meters-port': text,
    'secure-port': text,
    'bacnet-port': text,
    'health-port': text,
    'http-port': text,
    'broker-port': text,
  };
  const given = parse(() => parseArgs({ args: [...words], options: known, strict: true }).values);
  if (given.help) return undefined;
  const ports = Object.keys(DEFAULT_PORTS).map((name) => {
    const key = name as keyof DemoPorts;
    return [key, portOf(given[`${key}-port`], `--${key}-port`, DEFAULT_PORTS[key])];
  });
  return {
    folder: given.data ?? join(checkout, '.gatehouse', 'demo'),
    ports: Object.fromEntries(ports) as DemoPorts,
    tour: given.tour === true,
  };
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new DemoFault(error instanceof Error ? error.message : String(error));
  }
}

function portOf(text: string | undefined, flag: string, usual: number): number {
  if (text === undefined) return usual;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new DemoFault(`got \`${flag} ${text}\`, expected a port from 0 (chosen by the system) to 65535`);
}
