// `gatehouse-console init | key`: a console and its keys. A key counts once a root that names it was signed.

import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type CommonOptions, ConsoleContext, homeOf } from './console-context.ts';
import { badInput, parseDuration, type Terminal } from './console-exit.ts';
import { type BrokerSettings, ConsoleFolder } from './console-folder.ts';
import { checkKid, checkRole, makeKey, nextKid, publicKeyFrom } from './key-ring.ts';
import type { PublicKey } from './reading.ts';
import { ROLES, type Role, type RootDocument, RootFile } from './root-file.ts';
import { newSigningKey, rootPayload, signingKeyPem } from './signing.ts';

export type Shape = (command: Command) => Command;

interface InitOptions extends CommonOptions {
  readonly broker: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly expires?: string;
}

export function addSetupCommands(program: Command, terminal: Terminal, shape: Shape): void {
  shape(program.command('init').description('make a console: a folder with keys and the draft of a root file'))
    .requiredOption('--broker <url>', '`mqtts://host:port` or `mqtt://host:port`')
    .option('--username <name>', 'at the broker')
    .option('--password-file <file>', 'one line: the password at the broker')
    .option('--ca <file>', 'PEM; left out: the system’s own authorities')
    .option('--certificate <file>', 'client certificate, PEM')
    .option('--key <file>', 'its private key, PEM')
    .option('--expires <time>', 'how long the root is good, such as `365d`; left out: for ever')
    .action((options: InitOptions) => init(options, terminal));
  addKeyCommands(program, terminal, shape);
}

function init(options: InitOptions, terminal: Terminal): void {
  const { broker, username, passwordFile, ca, certificate, key, expires } = options;
  const settings: BrokerSettings = {
    url: broker,
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(certificate === undefined ? {} : { certificateFile: certificate }),
    ...(key === undefined ? {} : { keyFile: key }),
  };
  if (!URL.canParse(broker) || !['mqtt:', 'mqtts:'].includes(new URL(broker).protocol)) {
    throw badInput(`got broker \`${broker}\`, expected \`mqtts://host:port\``);
  }
  const lasts = expires === undefined ? undefined : parseDuration(expires);
  const folder = ConsoleFolder.create(homeOf(options), { format: 'gatehouse.console/1', broker: settings, epoch: 1 });
  const make = (role: Role, count: number) =>
    Array.from({ length: count }, (_, index) => makeKey(folder, `${role}-${index + 1}`));
  const plan = {
    version: 1,
    issuedAt: new Date().toISOString(),
    root: make('root', 3),
    threshold: 2,
    policy: make('policy', 1),
    locks: make('locks', 1),
    commands: make('commands', 1),
    audit: make('audit', 1),
  };
  const expiresAt = lasts === undefined ? {} : { expiresAt: new Date(Date.now() + lasts).toISOString() };
  new RootFile(folder).begin(rootPayload({ ...plan, ...expiresAt }) as RootDocument);
  terminal.out(
    options.json
      ? JSON.stringify({ folder: folder.path })
      : `made \`${folder.path}\` with three root keys, two of which must sign: \`gatehouse-console root sign --key root-1\`, then another; better keep root-2 and root-3 elsewhere`,
  );
}

function addKeyCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const key = program.command('key').description('signing keys; a change waits for `root sign`');

  shape(
    key
      .command('new')
      .description('make a key for a role and put it into the next root')
      .argument('<role>', ROLES.join(', ')),
  )
    .option('--name <kid>', 'its name; left out: the role and a number')
    .option('--public <file>', 'a public JWK that somebody else made: only that is put into the root')
    .action((text: string, options: CommonOptions & { name?: string; public?: string }) => {
      const context = new ConsoleContext(options, terminal);
      const role = checkRole(text);
      const kid = addKey(context, role, options);
      context.tell({ kid, role }, `\`${kid}\` may sign ${role} once the next root is signed (\`root sign\`)`);
    });

  shape(
    key
      .command('rotate')
      .description('a new key in place of the newest of a role')
      .argument('<role>', ROLES.join(', ')),
  )
    .option('--replace <kid>', 'which one goes; left out: the newest')
    .option('--name <kid>', 'the new one’s name')
    .option('--public <file>', 'a public JWK that somebody else made')
    .action((text: string, options: CommonOptions & { name?: string; public?: string; replace?: string }) => {
      const context = new ConsoleContext(options, terminal);
      const role = checkRole(text);
      const names = (context.root.draft() ?? context.root.inForce())?.roles[role].keys ?? [];
      const old = options.replace ?? names.at(-1);
      if (old === undefined || !names.includes(old)) {
        throw badInput(`got key \`${old}\`, expected one of ${names.join(', ')}`);
      }
      const kid = addKey(context, role, options, old);
      context.tell(
        { kid, role, replaces: old },
        `\`${kid}\` takes the place of \`${old}\` once the next root is signed`,
      );
    });

  shape(key.command('make').description('a key alone, for a person who signs elsewhere').argument('<file>'))
    .option('--name <kid>', 'its name', 'root')
    .action((file: string, options: CommonOptions & { name: string }) => {
      if (existsSync(file)) throw badInput(`\`${file}\` exists already`);
      const key = newSigningKey(checkKid(options.name));
      writeFileSync(file, signingKeyPem(key), { mode: 0o600, flag: 'wx' });
      terminal.out(JSON.stringify(key.publicJwk));
    });
}

/** Puts a key into the next root, in place of `old` where one is named. Gives its name. */
function addKey(
  context: ConsoleContext,
  role: Role,
  options: { readonly name?: string; readonly public?: string },
  old?: string,
): string {
  const { root, folder } = context;
  const base = root.draft() ?? root.inForce();
  if (!base) throw badInput('there is no root to put a key into');
  const kid = checkKid(options.name ?? nextKid(role, base, folder));
  if (Object.hasOwn(base.keys, kid)) throw badInput(`the root names a key \`${kid}\` already`);
  const publicKey = options.public === undefined ? makeKey(folder, kid).publicJwk : publicKeyFrom(options.public);
  root.change((document) => withKey(document, role, kid, publicKey, old));
  return kid;
}

function withKey(document: RootDocument, role: Role, kid: string, key: PublicKey, old?: string): RootDocument {
  const { keys, threshold } = document.roles[role];
  const names = old === undefined ? [...keys, kid] : keys.map((name) => (name === old ? kid : name));
  const roles = { ...document.roles, [role]: { keys: names, threshold } };
  const named = new Set(Object.values(roles).flatMap((entry) => entry.keys));
  const all = Object.entries({ ...document.keys, [kid]: key }).filter(([name]) => named.has(name));
  return { ...document, roles, keys: Object.fromEntries(all) };
}
