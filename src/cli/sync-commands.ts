// `gatehouse sync schema`: the messages between gateway and cloud, for whoever builds the other side.

import type { Command } from 'commander';
import { badInput, type Terminal } from './exit.ts';

export function addSyncCommands(program: Command, terminal: Terminal): void {
  const sync = program.command('sync').description('what travels between gateway and cloud');

  sync
    .command('schema')
    .argument('[name]', 'the JSON Schema of one message alone, such as `command`')
    .description('print the AsyncAPI 3 document with the JSON Schema of every message')
    .action(async (name: string | undefined) => {
      const { asyncApiText, jsonSchemaOf, SCHEMA_NAMES } = await import('../cloud/asyncapi.ts');
      if (name === undefined) return terminal.out(asyncApiText().trimEnd());
      const known = SCHEMA_NAMES.find((entry) => entry === name);
      if (known === undefined) throw badInput(`got schema \`${name}\`, expected one of ${SCHEMA_NAMES.join(', ')}`);
      const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...jsonSchemaOf(known) };
      terminal.out(JSON.stringify(schema, null, 2));
    });
}
