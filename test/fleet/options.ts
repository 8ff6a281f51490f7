// What the fleet simulation's command line says.

import { parseArgs } from 'node:util';

export interface FleetOptions {
  readonly gateways: number;
  /** Processes the gateways are spread over. */
  readonly processes: number;
  /** The broker is killed when this share of the gateways has reported; 1 or more: never. */
  readonly killAt: number;
  /** How long the broker stays away. */
  readonly outageMs: number;
  /** Journal rows that every gateway writes in all. */
  readonly rows: number;
  /** 99 % must report the revision in force within so long. */
  readonly withinMs: number;
  /** Prints one JSON object instead of lines for a person. */
  readonly json: boolean;
}

export const HELP = `The real sync code of many gateways against one Mosquitto: one revision is pushed to all, the broker is killed
mid-way, everybody comes back.

  --gateways N      how many (default 1000)
  --processes N     processes they are spread over (default 3)
  --kill-at SHARE   kill the broker when this share has reported (default 0.4; 1: never)
  --outage SECONDS  how long the broker stays away (default 3)
  --rows N          journal rows of every gateway (default 20)
  --within SECONDS  99 % must report within so long (default 60)
  --json            print one JSON object

Exit codes: 0 all reported in time and no row was lost, 1 not so, 2 bad input.
`;

function numberOf(name: string, text: string, least: number, whole: boolean): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least || (whole && !Number.isInteger(value))) {
    throw new RangeError(`got --${name} \`${text}\`, expected a ${whole ? 'whole ' : ''}number from ${least}`);
  }
  return value;
}

/** `undefined` where help is asked for. Throws a RangeError or TypeError for bad input. */
export function readOptions(words: readonly string[]): FleetOptions | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      gateways: { type: 'string', default: '1000' },
      processes: { type: 'string', default: '3' },
      'kill-at': { type: 'string', default: '0.4' },
      outage: { type: 'string', default: '3' },
      rows: { type: 'string', default: '20' },
      within: { type: 'string', default: '60' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    gateways: numberOf('gateways', values.gateways, 1, true),
    processes: numberOf('processes', values.processes, 1, true),
    killAt: numberOf('kill-at', values['kill-at'], 0, false),
    outageMs: numberOf('outage', values.outage, 0, false) * 1000,
    rows: numberOf('rows', values.rows, 0, true),
    withinMs: numberOf('within', values.within, 0, false) * 1000,
    json: values.json,
  };
}
