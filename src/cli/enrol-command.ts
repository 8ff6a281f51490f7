// `gatehouse enrol`: installs the trusted root, makes the gateway's keys, names the cloud. Shows what people compare.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { badInput, EXIT, type Terminal } from './exit.ts';
import { mustReadSite } from './site-file.ts';

interface EnrolWords {
  readonly config?: string;
  readonly root: string;
  readonly cloud: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly replace?: boolean;
  readonly connect: boolean;
  readonly json?: boolean;
}

const CONNECT_MS = 10_000;

export function addEnrolCommand(program: Command, terminal: Terminal): void {
  program
    .command('enrol')
    .description('say which root this gateway trusts and which cloud it belongs to; the gateway must not be running')
    .requiredOption('--root <file>', 'the trusted root, as the cloud’s people gave it')
    .requiredOption('--cloud <address>', 'the broker, such as `mqtts://broker.example:8883`')
    .option('--config <file>', 'gatehouse.yaml (default: GATEHOUSE_CONFIG)')
    .option('--username <name>', 'for the broker')
    .option('--password-file <file>', 'holds the broker’s password in one line')
    .option('--ca <file>', 'PEM: who may vouch for the broker')
    .option('--certificate <file>', 'PEM: the gateway’s certificate for the broker')
    .option('--key <file>', 'PEM: the key of that certificate')
    .option('--replace', 'another root and other keys in place of those installed before')
    .option('--no-connect', 'do not try the broker')
    .option('--json', 'print JSON')
    .action(async (words: EnrolWords) => {
      const file = words.config ?? process.env.GATEHOUSE_CONFIG;
      if (!file) throw badInput('got no configuration, expected --config or GATEHOUSE_CONFIG');
      const config = await mustReadSite(file);
      const { enrol } = await import('../daemon/enrol.ts');
      const { parseBrokerUrl, readCredentials } = await import('../cloud/broker-address.ts');
      parseBrokerUrl(words.cloud);
      const cloud = {
        url: words.cloud,
        ...(words.username === undefined ? {} : { username: words.username }),
        ...fileOption('passwordFile', words.passwordFile),
        ...fileOption('caFile', words.ca),
        ...fileOption('certificateFile', words.certificate),
        ...fileOption('keyFile', words.key),
      };
      readCredentials(cloud);
      const enrolled = await enrol(config, {
        rootFile: words.root,
        cloud,
        replace: words.replace === true,
        connectMs: words.connect ? CONNECT_MS : 0,
      });
      if (words.json) terminal.out(JSON.stringify(enrolled));
      else {
        const { gateway, root, keys, replaced, connection } = enrolled;
        terminal.out(`${replaced ? 'enrolled anew' : 'enrolled'} ${gateway}`);
        terminal.out(`trusted root  version ${root.version}, fingerprint ${root.fingerprint}`);
        terminal.out(`own keys      fingerprint ${keys}`);
        terminal.out('compare both with what the cloud’s people see before the gateway is put to work');
        if (connection?.is === 'connected')
          terminal.out(`broker        ${words.cloud} reached, the public keys lie there`);
        if (connection?.is === 'failed') terminal.err(`broker        ${words.cloud} not reached: ${connection.why}`);
      }
      terminal.setExit(enrolled.connection?.is === 'failed' ? EXIT.failed : EXIT.done);
    });
}

function fileOption<Key extends string>(key: Key, file: string | undefined): { readonly [K in Key]?: string } {
  return file === undefined ? {} : ({ [key]: resolve(file) } as { readonly [K in Key]: string });
}
