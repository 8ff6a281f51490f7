// `gatehouse-console credentials set-password`: a password becomes a hash here, and travels encrypted to each gateway.

import type { Command } from 'commander';
import type { BundleJson } from './bundle-parts.ts';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { badInput, EXIT, parseDuration, type Terminal } from './console-exit.ts';
import { hashPassword } from './password.ts';
import { lastPushed, nextBundle, passwordsOf } from './policy-file.ts';
import { pushBundle } from './policy-push.ts';
import type { Shape } from './setup-commands.ts';

const LEAST_CHARACTERS = 12;

export function addCredentialCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const credentials = program.command('credentials').description('how people prove themselves on a gateway’s own page');
  shape(credentials.command('set-password').description('asks for a password, or reads one line').argument('<user>'))
    .option('--wait <time>', 'how long to wait for each gateway’s report; `0`: not at all', '30s')
    .action((user: string, options: CommonOptions & { wait: string }) => setPassword(user, options, terminal));
}

const namesUser = (bundle: BundleJson, user: string): boolean =>
  Array.isArray(bundle.users) && bundle.users.some((entry) => (entry as BundleJson).id === user);

async function setPassword(user: string, options: CommonOptions & { wait: string }, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const waitMs = options.wait === '0' ? 0 : parseDuration(options.wait);
  const sites = context.folder.gateways().flatMap((gateway) => {
    const bundle = lastPushed(context, gateway);
    return bundle && namesUser(bundle, user) ? [{ gateway, bundle }] : [];
  });
  if (sites.length === 0) throw badInput(`got user \`${user}\`, whom no policy names that was pushed from here`);
  // Before anything is asked or changed: a hash must not go out to a key nobody compared.
  for (const { gateway } of sites) context.mustTrust(gateway);
  const password = await terminal.secret(`new password for ${user}: `);
  if ([...password].length < LEAST_CHARACTERS) {
    throw badInput(`got a password of ${[...password].length} characters, expected at least ${LEAST_CHARACTERS}`);
  }
  const passwords = new Map(passwordsOf(context)).set(user, await hashPassword(password));
  context.folder.writeJson('passwords.json', Object.fromEntries(passwords));
  const results = [];
  for (const { gateway, bundle } of sites) {
    const next = nextBundle(bundle, Number(bundle.revision) + 1);
    const { revision, report } = await pushBundle(context, gateway, next, { waitMs });
    results.push({ gateway, revision, state: report?.state ?? null, code: report?.code ?? null });
  }
  context.tell(
    results,
    results
      .map(({ gateway, revision, state, code }) => {
        const became = state === null ? 'sent' : code === null ? state : `${state} (${code})`;
        return `\`${gateway}\`: revision ${revision} with the new password of ${user}: ${became}`;
      })
      .join('\n'),
  );
  terminal.setExit(results.some(({ state }) => state === 'refused') ? EXIT.failed : EXIT.done);
}
