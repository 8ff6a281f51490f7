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

  /** Runs while no other console takes this journal in. What a crash cut short is gone then, and comes again. */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#folder.alone(`${this.#file}.lock`, () => {
      this.#folder.dropHalfLine(this.#file);
      return work();
    });
  }

  /** The newest rows, oldest first. */
  rows(most = Number.POSITIVE_INFINITY): readonly UploadedRow[] {
    const lines = this.#folder.lastLines(this.#file, most);
    return lines.map((line) => JSON.parse(line) as UploadedRow);
  }

  /** The last row that is kept. */
  place(): ChainPlace {
    const last = this.rows(1).at(-1);
    return last ? { number: last.number, hash: last.hash } : CHAIN_START;
  }
}
