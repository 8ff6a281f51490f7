// `gatehouse discover bacnet --network NAME`: the running gateway asks the devices, this writes down what they said.

import type { Command } from 'commander';
import type { InventoryDraft } from '../contract/inventory-draft.ts';
import type { SurveyBody } from '../daemon/control-api.ts';
import { askDaemon } from './control-client.ts';
import { type SocketOptions, socketOf, withSocket } from './daemon-commands.ts';
import { badInput, type Terminal } from './exit.ts';
import { giveDraft } from './inventory-commands.ts';

/** A large network at one request at a time a device takes minutes. */
const TIMEOUT_MS = 1_800_000;

interface DiscoverOptions extends SocketOptions {
  readonly network: string;
  readonly instances?: readonly string[];
  readonly location: string;
  readonly out?: string;
  readonly json?: boolean;
}

export function addDiscoverCommand(program: Command, terminal: Terminal): void {
  const discover = program
    .command('discover')
    .description('find devices and objects, and write an inventory to review');
  withSocket(discover.command('bacnet').description('through the running gateway, which only reads'))
    .requiredOption('--network <name>', 'the plant network of the site’s configuration')
    .option('--instances <n...>', 'only these device instances')
    .option('--location <id>', 'where the devices are', 'root')
    .option('--out <file>', 'write there instead of printing')
    .action(async (options: DiscoverOptions) => {
      const instances = options.instances?.flatMap((text) => text.split(',')).map(instanceOf);
      const body: SurveyBody = { driver: 'bacnet', network: options.network, ...(instances && { instances }) };
      const socket = await socketOf(options);
      const draft = await askDaemon<InventoryDraft>(socket, 'POST', '/v1/survey', body, TIMEOUT_MS);
      giveDraft(draft, [`Found on network ${options.network}.`], options, terminal);
    });
}

function instanceOf(text: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= 4_194_302) return Number(text);
  throw badInput(`got instance \`${text}\`, expected a whole number from 0 to 4194302`);
}
