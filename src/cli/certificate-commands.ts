// `gatehouse cert …`: client certificates for Modbus/TCP Security from a small site CA of one's own.

import type { Command } from 'commander';
import { badInput, EXIT, type Terminal } from './exit.ts';
import type { SiteCa } from './site-ca.ts';

/** The X.509 library is loaded by these commands alone: the others start faster without it. */
async function site(): Promise<typeof SiteCa> {
  return (await import('./site-ca.ts')).SiteCa;
}

function wholeDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 1) throw badInput(`got \`${text}\` days, expected a whole number from 1`);
  return days;
}

interface CommonOptions {
  readonly ca: string;
  readonly json?: boolean;
}

export function addCertificateCommands(program: Command, terminal: Terminal): void {
  const cert = program.command('cert').description('certificates that bind a tool to a person (Modbus/TCP Security)');
  const withCa = (command: Command): Command =>
    command.requiredOption('--ca <folder>', 'the site CA’s folder').option('--json', 'print JSON');

  withCa(cert.command('ca').description('make the site CA'))
    .option('--name <name>', 'its common name', 'Gatehouse site CA')
    .option('--days <n>', 'how long it is valid', '3650')
    .action(async (options: CommonOptions & { name: string; days: string }) => {
      await (await site()).create(options.ca, options.name, wholeDays(options.days));
      terminal.out(
        options.json
          ? JSON.stringify({ folder: options.ca })
          : `made \`${options.ca}/ca.pem\` (hand it to tools), \`ca.key\` (keep it) and \`crl.pem\` (the listener reads it)`,
      );
    });

  withCa(cert.command('issue').description('a client certificate for a person or application').argument('<principal>'))
    .option('--role <name>', 'the role it carries; left out: none, and the policy decides')
    .option('--days <n>', 'how long it is valid', '365')
    .option('--out <folder>', 'where to write it', '.')
    .action(async (name: string, options: CommonOptions & { role?: string; days: string; out: string }) => {
      const ca = await (await site()).open(options.ca);
      const request = {
        name,
        days: wholeDays(options.days),
        ...(options.role === undefined ? {} : { role: options.role }),
      };
      report(await ca.issue(request, 'client', options.out), options, terminal);
    });

  withCa(cert.command('server').description('the certificate of the gateway’s own listener').argument('<name>'))
    .option('--host <names...>', 'host names and addresses it answers for', [])
    .option('--days <n>', 'how long it is valid', '825')
    .option('--out <folder>', 'where to write it', '.')
    .action(async (name: string, options: CommonOptions & { host: string[]; days: string; out: string }) => {
      const ca = await (await site()).open(options.ca);
      const hosts = options.host.length > 0 ? options.host : [name];
      report(await ca.issue({ name, hosts, days: wholeDays(options.days) }, 'server', options.out), options, terminal);
    });

  withCa(cert.command('revoke').description('revoke by name, serial or fingerprint').argument('<which>')).action(
    async (which: string, options: CommonOptions) => {
      const revoked = await (await (await site()).open(options.ca)).revoke(which);
      terminal.out(
        options.json
          ? JSON.stringify({ revoked })
          : revoked.map((entry) => `revoked ${entry.subject} (serial ${entry.serial})`).join('\n'),
      );
    },
  );

  withCa(cert.command('list').description('what this CA has issued')).action(async (options: CommonOptions) => {
    const issued = (await (await site()).open(options.ca)).issued();
    if (options.json) terminal.out(JSON.stringify(issued));
    else if (issued.length === 0) terminal.out('nothing issued yet');
    for (const entry of options.json ? [] : issued) {
      const role = entry.role === undefined ? 'no role' : `role ${entry.role}`;
      const standing = entry.revokedAt ? `revoked ${entry.revokedAt}` : `until ${entry.notAfter}`;
      terminal.out(`${entry.subject}  ${role}  ${standing}  sha256:${entry.fingerprint}`);
    }
    terminal.setExit(EXIT.done);
  });
}

interface IssuedFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly fingerprint: string;
  readonly subject: string;
}

function report(files: IssuedFiles, options: CommonOptions, terminal: Terminal): void {
  terminal.out(
    options.json
      ? JSON.stringify(files)
      : `${files.subject}: \`${files.certificateFile}\`, \`${files.keyFile}\`; in the policy: certificates: ["sha256:${files.fingerprint}"] or ["${files.subject}"]`,
  );
}
