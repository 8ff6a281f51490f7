// `gatehouse journal tail|show|verify|export` and `observe report`: read the record itself, beside the running daemon.

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import type { JournalQuery, JournalReader, JournalVerdict, StoredRow } from '../contract/journal.ts';
import { observeReport } from '../gate/observe-report.ts';
import type { JournalRow } from '../model/journal-row.ts';
import { badInput, EXIT, failed, type Terminal } from './exit.ts';
import { describeRow } from './journal-line.ts';
import { momentPast } from './moment.ts';
import { describeObserved, intents } from './observe-report.ts';
import { mustReadSite } from './site-file.ts';

interface PlaceOptions {
  readonly file?: string;
  readonly data?: string;
  readonly config?: string;
  readonly json?: boolean;
}

interface FilterOptions extends PlaceOptions {
  readonly principal?: string;
  readonly target?: string;
  readonly decision?: string;
  readonly kind?: string;
  readonly since?: string;
  readonly until?: string;
}

const KINDS = ['intent', 'outcome', 'refusal', 'session', 'system'] as const satisfies readonly JournalRow['kind'][];

/** Where the record stands in the data folder. */
const JOURNAL_FILE = 'journal.db';

async function journalOf(options: PlaceOptions): Promise<JournalReader> {
  const file = options.file ?? (await fileOf(options));
  const { openJournalReader } = await import('../store/journal-reader.ts');
  try {
    return openJournalReader(file);
  } catch (error) {
    throw failed(error instanceof Error ? error.message : String(error), error);
  }
}

async function fileOf(options: PlaceOptions): Promise<string> {
  const folder = options.data ?? process.env.GATEHOUSE_DATA;
  if (folder) return join(folder, JOURNAL_FILE);
  const config = options.config ?? process.env.GATEHOUSE_CONFIG;
  if (!config) return join('/var/lib/gatehouse', JOURNAL_FILE);
  return join((await mustReadSite(config)).data, JOURNAL_FILE);
}

function filterOf(options: FilterOptions): Omit<JournalQuery, 'limit'> {
  const kind = KINDS.find((known) => known === options.kind);
  if (options.kind !== undefined && kind === undefined) {
    throw badInput(`got kind \`${options.kind}\`, expected one of ${KINDS.join(', ')}`);
  }
  const since = options.since === undefined ? undefined : momentPast(options.since);
  const until = options.until === undefined ? undefined : momentPast(options.until);
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(options.principal === undefined ? {} : { principal: options.principal }),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.decision === undefined ? {} : { decision: options.decision }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

function withPlace(command: Command): Command {
  return command
    .option('--data <folder>', 'the gateway’s data folder (default /var/lib/gatehouse)')
    .option('--config <file>', 'take the data folder from this configuration')
    .option('--file <journal.db>', 'a journal file itself')
    .option('--json', 'print one JSON object a line');
}

function withFilter(command: Command): Command {
  return withPlace(command)
    .option('--principal <id>', 'only of this person or application')
    .option('--target <id>', 'only about this point or device')
    .option('--kind <kind>', KINDS.join(', '))
    .option('--since <moment>', 'ISO instant, or a time ago such as `2h`')
    .option('--until <moment>', 'ISO instant, or a time ago');
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw badInput(`got \`${text}\`, expected a whole number from 1`);
  return value;
}

export function addJournalCommands(program: Command, terminal: Terminal): void {
  const journal = program.command('journal').description('the record: every change and every refusal');
  const print = (stored: StoredRow, json: boolean | undefined): void =>
    terminal.out(json ? JSON.stringify(stored) : describeRow(stored));

  withFilter(journal.command('tail').description('the newest rows; --follow for those to come'))
    .option('-n, --lines <n>', 'how many', '20')
    .option('-f, --follow', 'go on as rows come')
    .action(async (options: FilterOptions & { lines: string; follow?: boolean }) => {
      const reader = await journalOf(options);
      const filter = filterOf(options);
      const newest = reader.rows({ ...filter, newestFirst: true, limit: wholeNumber(options.lines) }).reverse();
      for (const row of newest) print(row, options.json);
      if (!options.follow) return reader.close();
      let after = reader.head()?.number ?? 0;
      const timer = setInterval(() => {
        for (const row of reader.rows({ ...filter, after, limit: 1000 })) {
          print(row, options.json);
          after = row.number;
        }
      }, 250);
      await new Promise<void>((resolve) => {
        process.once('SIGINT', resolve);
        process.once('SIGTERM', resolve);
      });
      clearInterval(timer);
      reader.close();
    });

  withPlace(journal.command('show').description('one row by its number, or all rows of one decision'))
    .argument('<number-or-decision>')
    .action(async (which: string, options: PlaceOptions) => {
      const reader = await journalOf(options);
      const number = /^\d+$/.test(which) ? Number(which) : undefined;
      const rows =
        number === undefined
          ? reader.rows({ decision: which, limit: 100 })
          : reader.rows({ after: number - 1, before: number + 1, limit: 1 });
      reader.close();
      if (rows.length === 0) throw badInput(`got \`${which}\`, expected the number of a row or the id of a decision`);
      for (const row of rows) terminal.out(JSON.stringify(row, null, options.json ? undefined : 2));
    });

  withPlace(journal.command('verify').description('check the chain; names the first broken row'))
    .option('--head <number:hash>', 'a row as somebody else keeps it (the cloud): shows whether the end was cut off')
    .action(async (options: PlaceOptions & { head?: string }) => {
      const kept = options.head === undefined ? undefined : headOf(options.head);
      const reader = await journalOf(options);
      const verdict = verifyAgainst(reader, kept);
      reader.close();
      if (options.json) terminal.out(JSON.stringify(verdict));
      else if (!verdict.intact) terminal.err(`broken at row ${verdict.firstBroken}: ${verdict.why}`);
      else {
        terminal.out(`intact: ${verdict.rows} rows, head ${verdict.head}`);
        if (!kept) terminal.out('rows cut off at the end leave a sound chain: --head holds it to a row kept elsewhere');
      }
      terminal.setExit(verdict.intact ? EXIT.done : EXIT.failed);
    });

  withFilter(journal.command('export').description('the record for an auditor'))
    .option('--format <format>', 'ndjson or csv', 'ndjson')
    .option('--out <file>', 'where to (default standard output)')
    .action(async (options: FilterOptions & { format: string; out?: string }) => {
      if (options.format !== 'ndjson' && options.format !== 'csv') {
        throw badInput(`got format \`${options.format}\`, expected ndjson or csv`);
      }
      const { exportRows } = await import('../store/journal-export.ts');
      const reader = await journalOf(options);
      const output = options.out === undefined ? process.stdout : createWriteStream(options.out, { mode: 0o600 });
      for (const line of exportRows(reader, options.format, filterOf(options))) {
        if (!output.write(line)) await new Promise<void>((resume) => void output.once('drain', () => resume()));
      }
      reader.close();
      if (options.out !== undefined) {
        output.end();
        await finished(output);
      }
    });

  const observe = program.command('observe').description('observe mode: what would have been refused');
  withPlace(observe.command('report').description('who wrote what, and which rights they would need'))
    .option('--since <moment>', 'ISO instant, or a time ago such as `7d`')
    .action(async (options: PlaceOptions & { since?: string }) => {
      const reader = await journalOf(options);
      const since = options.since === undefined ? undefined : momentPast(options.since);
      const report = observeReport(intents(reader, since === undefined ? {} : { since }));
      reader.close();
      terminal.out(options.json ? JSON.stringify(report) : describeObserved(report));
    });
}

interface KeptRow {
  readonly number: number;
  readonly hash: string;
}

function headOf(text: string): KeptRow {
  const [, number, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number === undefined || hash === undefined) {
    throw badInput(`got head \`${text}\`, expected a row's number and its hash, \`1042:5f3c…\` with 64 hex digits`);
  }
  return { number: Number(number), hash };
}

function verifyAgainst(reader: JournalReader, kept: KeptRow | undefined): JournalVerdict {
  const verdict = reader.verify();
  if (!verdict.intact || kept === undefined) return verdict;
  const { number, hash } = kept;
  const anchor = reader.anchor();
  if (number < anchor.number) return verdict;
  const [found] = reader.rows({ after: number - 1, before: number + 1, limit: 1 });
  const here = number === anchor.number ? anchor.hash : found?.hash;
  if (here === hash) return verdict;
  const why =
    here === undefined ? 'it is not there: the end was cut off' : 'it has another hash than the one kept elsewhere';
  return { intact: false, firstBroken: number, why };
}
