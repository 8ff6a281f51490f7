// A gateway's journal as this console keeps it: one JSON row a line, and the chain's place. Invariant: the place is what the
// lines say, so that a crash between the two loses nothing and acknowledges nothing that is not here.

import type { ConsoleFolder } from './console-folder.ts';
import { ofGateway } from './console-folder.ts';
import { CHAIN_START, type ChainPlace, type UploadedRow } from './journal-chain.ts';

export class UploadedJournal {
  readonly #folder: ConsoleFolder;
  readonly #file: string;

  constructor(folder: ConsoleFolder, gateway: string) {
    this.#folder = folder;
    this.#file = ofGateway(gateway, 'journal.ndjson');
  }

  /** Durable when it returns. */
  keep(rows: readonly UploadedRow[]): void {
    if (rows.length > 0) this.#folder.append(this.#file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }

  /** The newest rows, oldest first. A last line that was cut short by a crash does not count: it comes again. */
  rows(most = Number.POSITIVE_INFINITY): readonly UploadedRow[] {
    const text = this.#folder.readText(this.#file) ?? '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) this.#folder.writeText(this.#file, whole);
    const lines = whole.split('\n').filter((line) => line !== '');
    return lines.slice(-most).map((line) => JSON.parse(line) as UploadedRow);
  }

  /** The last row that is kept. */
  place(): ChainPlace {
    const last = this.rows(1).at(-1);
    return last ? { number: last.number, hash: last.hash } : CHAIN_START;
  }
}
