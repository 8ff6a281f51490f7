// `gatehouse-console root | gateway`: the root file is signed by one person after another, sent, and the keys of gateways
// are compared by somebody who was there.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { badInput, EXIT, failed, messageOf, type Terminal } from './console-exit.ts';
import { checkGateway, ofGateway } from './console-folder.ts';
import { checkKid, ownKey } from './key-ring.ts';
import { gatewaysOf } from './known-gateways.ts';
import { type GatewayKeys, readGatewayKeys } from './reading.ts';
import { documentOf, fingerprintOf, type RootDocument, signedBy } from './root-file.ts';
import type { Shape } from './setup-commands.ts';
import { type SigningKey, signingKeyFromPem } from './signing.ts';

export function addRootCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const root = program.command('root').description('the root file: which keys may sign what');

  shape(root.command('show').description('the root in force, and what the next one would change')).action(
    (options: CommonOptions) => show(new ConsoleContext(options, terminal)),
  );

  shape(root.command('sign').description('one signature; with the last that was lacking the root is in force'))
    .requiredOption('--key <kid-or-file>', 'a root key of this console, or a PEM file')
    .option('--kid <kid>', 'the name of a key in a PEM file; left out: the file’s name')
    .option('--file <file>', 'sign this copy of a draft instead, for a person who has no console')
    .action((options: CommonOptions & { key: string; kid?: string; file?: string }) => sign(options, terminal));

  shape(root.command('export').description('the draft, for somebody who signs elsewhere; or the root in force'))
    .option('--out <file>', 'where to; left out: standard output')
    .option('--in-force', 'what gateways are enrolled with')
    .action((options: CommonOptions & { out?: string; inForce?: boolean }) => {
      const { root } = new ConsoleContext(options, terminal);
      const text = options.inForce ? root.text() : root.signing();
      if (text === undefined)
        throw badInput(options.inForce ? 'no root is signed yet' : 'nothing waits for a signature');
      if (options.out === undefined) terminal.out(text);
      else writeFileSync(options.out, `${text}\n`);
    });

  shape(root.command('merge').description('take the signatures of a copy').argument('<file>')).action(
    (file: string, options: CommonOptions) => {
      const context = new ConsoleContext(options, terminal);
      tellSigned(context, context.root.take(readText(file)));
    },
  );

  shape(root.command('push').description('send the root in force to gateways').argument('[gateways...]'))
    .option('--all', 'every gateway the broker or this console knows')
    .action(async (names: string[], options: CommonOptions & { all?: boolean }) => {
      const context = new ConsoleContext(options, terminal);
      const text = context.root.text();
      if (text === undefined) throw badInput('no root is signed yet');
      await context.withBroker(async (line) => {
        const gateways = await gatewaysOf(context, line, names, options.all);
        for (const gateway of gateways) await line.publish(gateway, 'root', text, true);
        const { version } = documentOf(text);
        context.tell({ version, gateways }, `root version ${version} sent to ${gateways.length} gateways`);
      });
    });

  const gateway = program.command('gateway').description('gateways and their keys');
  shape(gateway.command('trust').description('take a gateway’s keys for its own').argument('<gateway>'))
    .option('--fingerprint <sha256>', 'what `gatehouse enrol` showed at the box')
    .action((name: string, options: CommonOptions & { fingerprint?: string }) =>
      trust(new ConsoleContext(options, terminal), name, options.fingerprint),
    );
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw badInput(`could not read \`${file}\`: ${messageOf(error)}`);
  }
}

function describeRoot(root: RootDocument): string {
  const rows = Object.entries(root.roles).map(
    ([name, { keys, threshold }]) => `  ${name}: ${threshold} of ${keys.join(', ')}`,
  );
  return [`version ${root.version} of ${root.issuedAt}, until ${root.expiresAt ?? 'for ever'}`, ...rows].join('\n');
}

function show(context: ConsoleContext): void {
  const { root } = context;
  const [text, inForce, draft] = [root.text(), root.inForce(), root.draft()];
  const fingerprint = text === undefined ? undefined : fingerprintOf(text);
  context.tell(
    { inForce: inForce ?? null, fingerprint: fingerprint ?? null, draft: draft ?? null },
    [
      inForce ? `in force: ${describeRoot(inForce)}\n  fingerprint ${fingerprint}` : 'no root is signed yet',
      ...(draft ? [`waits for signatures: ${describeRoot(draft)}`] : []),
    ].join('\n'),
  );
}

interface SignOptions extends CommonOptions {
  readonly key: string;
  readonly kid?: string;
  readonly file?: string;
}

function keyFrom(text: string, kid: string | undefined): SigningKey {
  const name = checkKid(kid ?? basename(text).replace(/\.pem$/, ''));
  try {
    return signingKeyFromPem(name, readFileSync(text, 'utf8'));
  } catch (error) {
    throw badInput(`got key \`${text}\`, expected a key of this console or a PEM file: ${messageOf(error)}`);
  }
}

function sign(options: SignOptions, terminal: Terminal): void {
  if (options.file !== undefined) {
    const key = keyFrom(options.key, options.kid);
    writeFileSync(options.file, `${signedBy(readText(options.file), key)}\n`);
    terminal.out(options.json ? JSON.stringify({ signed: key.kid }) : `signed \`${options.file}\` as \`${key.kid}\``);
    return;
  }
  const context = new ConsoleContext(options, terminal);
  const key = (!existsSync(options.key) && ownKey(context.folder, options.key)) || keyFrom(options.key, options.kid);
  const before = context.root.inForce();
  const draft = context.root.draft();
  const named = [before, draft].some(
    (root) => root?.roles.root.keys.includes(key.kid) && root.keys[key.kid]?.x === key.publicJwk.x,
  );
  if (!named) throw badInput(`got key \`${key.kid}\`, which is a root key of neither this root nor the one before`);
  tellSigned(context, context.root.sign(key));
}

function tellSigned(
  context: ConsoleContext,
  { lacking, document }: { readonly lacking: readonly string[]; readonly document: RootDocument },
): void {
  const complete = lacking.length === 0;
  const fingerprint = complete ? fingerprintOf(context.root.text() ?? '') : null;
  context.tell(
    { version: document.version, complete, lacking, fingerprint },
    complete
      ? `root version ${document.version} is in force, fingerprint ${fingerprint}: enrol gateways with \`${context.folder.at('root.json')}\`, or send it to those enrolled with \`root push --all\``
      : `root version ${document.version} lacks ${lacking.join('; ')}`,
  );
}

/** SHA-256 (hex) of both public keys: what `gatehouse enrol` shows. */
function gatewayFingerprint({ signing, encryption }: GatewayKeys): string {
  return createHash('sha256').update(`${signing.x}.${encryption.x}`).digest('hex');
}

async function trust(context: ConsoleContext, name: string, expected: string | undefined): Promise<void> {
  const gateway = checkGateway(name);
  const [message] = await context.withBroker((line) => line.retained(gateway, ['key']));
  if (!message) throw failed(`\`${gateway}\` has not said its keys: is it enrolled and connected?`);
  let keys: GatewayKeys;
  try {
    keys = readGatewayKeys(message.payload.toString('utf8'), gateway);
  } catch (error) {
    throw failed(`\`${gateway}\`: ${messageOf(error)}`, error);
  }
  const fingerprint = gatewayFingerprint(keys);
  if (expected === undefined) {
    context.tell(
      { gateway, fingerprint, trusted: false },
      `\`${gateway}\` says ${fingerprint}: compare with what \`gatehouse enrol\` showed, then give it as --fingerprint`,
    );
    return;
  }
  if (expected.toLowerCase().replaceAll(':', '') !== fingerprint) {
    context.terminal.err(`got keys with fingerprint \`${fingerprint}\`, expected \`${expected}\``);
    context.terminal.setExit(EXIT.denied);
    return;
  }
  context.folder.writeJson(ofGateway(gateway, 'key.json'), keys);
  context.tell({ gateway, fingerprint, trusted: true }, `the keys of \`${gateway}\` are trusted`);
}
