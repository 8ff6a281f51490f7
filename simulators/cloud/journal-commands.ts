// `gatehouse-console journal follow | show`: a gateway's record comes up, is held to its chain and signature, kept, and
// only then acknowledged.

import type { Command } from 'commander';
import { type CommonOptions, ConsoleContext } from './console-context.ts';
import { EXIT, messageOf, parseDuration, type Terminal, wholeNumber } from './console-exit.ts';
import { checkGateway } from './console-folder.ts';
import { JournalChain, type UploadedRow } from './journal-chain.ts';
import type { Shape } from './setup-commands.ts';
import { signCompact } from './signing.ts';
import { UploadedJournal } from './uploaded-journal.ts';

interface FollowWords extends CommonOptions {
  readonly for?: string;
  readonly until?: string;
  readonly quiet?: boolean;
}

export function addJournalCommands(program: Command, terminal: Terminal, shape: Shape): void {
  const journal = program.command('journal').description('gateways’ records');

  shape(
    journal
      .command('follow')
      .description('take the record in: verify, keep, acknowledge; until Ctrl-C')
      .argument('<gateway>'),
  )
    .option('--for <time>', 'end after so long')
    .option('--until <row>', 'end when this row is kept')
    .option('--quiet', 'print no rows')
    .action((gateway: string, options: FollowWords) => {
      const { folder } = new ConsoleContext(options, terminal);
      return new UploadedJournal(folder, checkGateway(gateway)).alone(() => follow(gateway, options, terminal));
    });

  shape(journal.command('show').description('what is kept here').argument('<gateway>'))
    .option('-n, --lines <n>', 'the newest so many', '20')
    .action((gateway: string, options: CommonOptions & { lines: string }) => {
      const context = new ConsoleContext(options, terminal);
      const kept = new UploadedJournal(context.folder, checkGateway(gateway));
      for (const row of kept.rows(wholeNumber(options.lines))) print(row, context);
    });
}

function print(uploaded: UploadedRow, { json, terminal }: ConsoleContext): void {
  const { number, row } = uploaded;
  const { kind, at, ...rest } = row;
  const line = `${String(number).padStart(6)} ${new Date(Number(at)).toISOString()} ${kind} ${JSON.stringify(rest)}`;
  terminal.out(json ? JSON.stringify(uploaded) : line);
}

async function follow(name: string, options: FollowWords, terminal: Terminal): Promise<void> {
  const context = new ConsoleContext(options, terminal);
  const gateway = checkGateway(name);
  const keys = context.mustTrust(gateway);
  const auditKey = context.key('audit');
  const kept = new UploadedJournal(context.folder, gateway);
  const chain = new JournalChain(gateway, keys.signing, kept.place());
  const last = options.until === undefined ? undefined : wholeNumber(options.until);
  let end: (why?: string) => void = () => {};
  const ended = new Promise<string | undefined>((resolve) => {
    end = resolve;
  });
  const timer = options.for === undefined ? undefined : setTimeout(() => end(), parseDuration(options.for));
  void terminal.interrupted.then(() => end());
  await context.withBroker(async (line) => {
    const stop = await line.listen(gateway, ['audit/batch'], ({ payload }) => {
      let rows: readonly UploadedRow[];
      try {
        rows = chain.take(payload);
      } catch (error) {
        end(messageOf(error));
        return;
      }
      kept.keep(rows);
      if (!options.quiet) for (const row of rows) print(row, context);
      const { number, hash } = chain.at();
      if (number === 0) return;
      const ack = { format: 'gatehouse.ack/1', gateway, number, hash, issuedAt: new Date().toISOString() };
      const sent = line.publish(gateway, 'audit/ack', signCompact(ack, 'gatehouse.ack+jws', auditKey), false);
      sent.then(
        () => (last !== undefined && number >= last ? end() : undefined),
        // It sends again what was not acknowledged.
        () => {},
      );
    });
    if (last !== undefined && chain.at().number >= last) end();
    const why = await ended;
    await stop();
    if (why === undefined) return;
    terminal.err(`this record cannot be believed, nothing more is acknowledged: ${why}`);
    terminal.setExit(EXIT.failed);
  });
  clearTimeout(timer);
}
