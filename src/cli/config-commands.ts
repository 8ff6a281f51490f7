// `gatehouse config check|schema`: the site's configuration, before anything is started with it.

import type { Command } from 'commander';
import { describeFault } from '../model/fault.ts';
import { EXIT, type Terminal } from './exit.ts';
import { readSite, shippedDrivers } from './site-file.ts';

export function addConfigCommands(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('check a site’s configuration, or print its schema');

  config
    .command('check')
    .argument('<file>', 'gatehouse.yaml')
    .option('--json', 'print one JSON object')
    .description('name every fault by path, what was found and what was expected')
    .action(async (file: string, options: { json?: boolean }) => {
      const parsed = await readSite(file);
      const faults = parsed.ok ? [] : parsed.fault;
      if (options.json) terminal.out(JSON.stringify({ accepted: parsed.ok, faults }));
      else if (parsed.ok) terminal.out(`accepted: gateway \`${parsed.value.gateway}\``);
      else {
        for (const fault of faults) terminal.err(describeFault(fault));
        terminal.err(`refused: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
      }
      terminal.setExit(parsed.ok ? EXIT.done : EXIT.badInput);
    });

  config
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(async () => {
      const { siteJsonSchema } = await import('../daemon/site-config.ts');
      terminal.out(JSON.stringify(siteJsonSchema(await shippedDrivers()), null, 2));
    });
}
