// `gatehouse inventory import`: point lists that integrators and vendors have, as an inventory to review. Needs no gateway.

import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { InventoryDraft } from '../contract/inventory-draft.ts';
import { describeFault } from '../model/fault.ts';
import { badInput, EXIT, failed, type Terminal } from './exit.ts';
import { inventoryYaml } from './inventory-yaml.ts';
import { shippedDrivers } from './site-file.ts';

interface ImportOptions {
  readonly ede?: string;
  readonly states?: string;
  readonly sunspec?: string;
  readonly location: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly device?: string;
  readonly network?: string;
  readonly line?: string;
  readonly unit?: string;
  readonly base?: string;
  readonly repeat?: string;
}

export function addInventoryCommands(program: Command, terminal: Terminal): void {
  const inventory = program.command('inventory').description('devices and points for a policy’s inventory');
  inventory
    .command('import')
    .description('read a point list and write an inventory to review (YAML)')
    .option('--ede <file>', 'an EDE file (BACnet), with --device and --network')
    .option('--states <file>', 'its state texts')
    .option('--sunspec <file>', 'a SunSpec model (JSON, Modbus), with --device, --line, --unit and --base')
    .requiredOption('--device <id>', 'the device’s id; where a file has several, each gets `-INSTANCE` behind it')
    .option('--location <id>', 'where the device is', 'root')
    .option('--network <name>', 'the plant network of the site’s configuration')
    .option('--line <name>', 'the Modbus line of the site’s configuration')
    .option('--unit <n>', 'the unit id the line’s device answers to')
    .option('--base <register>', 'the register of the model’s ID, from 0')
    .option('--repeat <n>', 'how often the device has the groups that repeat')
    .option('--out <file>', 'write there instead of printing')
    .option('--json', 'print JSON')
    .action(async (options: ImportOptions) => {
      const format = options.ede !== undefined ? 'ede' : 'sunspec';
      const file = options.ede ?? options.sunspec;
      if (file === undefined || (options.ede !== undefined && options.sunspec !== undefined))
        throw badInput('expected one of --ede FILE and --sunspec FILE');
      const read = (await shippedDrivers())
        .map((driver) => driver.imports?.[format])
        .find((found) => found !== undefined);
      if (read === undefined) throw failed(`no driver of this gateway reads ${format} files`);
      const { device, network, line, unit, base, repeat } = options;
      const states = options.states === undefined ? undefined : octetsOf(options.states);
      const draft = read({
        files: { main: octetsOf(file), states },
        words: { device, network, line, unit, base, repeat },
      });
      if (!draft.ok) {
        for (const fault of draft.fault) terminal.err(describeFault(fault));
        terminal.err(`refused: ${draft.fault.length} ${draft.fault.length === 1 ? 'fault' : 'faults'} in \`${file}\``);
        terminal.setExit(EXIT.badInput);
        return;
      }
      giveDraft(draft.value, [`Read from ${basename(file)}.`], options, terminal);
    });
}

function octetsOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface DraftOutput {
  readonly location: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** Prints a draft or writes it to a file, and says how much it is. */
export function giveDraft(
  draft: InventoryDraft,
  head: readonly string[],
  output: DraftOutput,
  terminal: Terminal,
): void {
  const text = output.json ? `${JSON.stringify(draft)}\n` : inventoryYaml(draft, output.location, head);
  const points = draft.reduce((sum, device) => sum + device.points.length, 0);
  if (output.out === undefined) terminal.out(text.trimEnd());
  else {
    try {
      writeFileSync(output.out, text);
    } catch (error) {
      throw failed(
        `could not write \`${output.out}\`: ${error instanceof Error ? error.message : String(error)}`,
        error,
      );
    }
    terminal.out(
      `wrote ${draft.length} devices, ${points} points to \`${output.out}\`: review it before it becomes policy`,
    );
  }
  terminal.setExit(EXIT.done);
}
