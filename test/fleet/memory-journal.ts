// A journal in memory with the chain of the real one: rows as the store would give them, for as many gateways as are wanted.

import type { JournalQuery, JournalReader, Receipt, StoredRow } from '../../src/contract/journal.ts';
import type { JournalRow } from '../../src/model/journal-row.ts';
import { CHAIN_START, canonicalJson, chainHash } from '../../src/store/chain.ts';

export class MemoryJournal implements JournalReader {
  readonly #rows: StoredRow[] = [];

  append(row: JournalRow): StoredRow {
    const hash = chainHash(this.#rows.at(-1)?.hash ?? CHAIN_START, canonicalJson(row));
    const stored = { number: this.#rows.length + 1, hash, row };
    this.#rows.push(stored);
    return stored;
  }

  rows({ after = 0, limit }: JournalQuery): StoredRow[] {
    return this.#rows.slice(after, after + limit);
  }

  head(): StoredRow | undefined {
    return this.#rows.at(-1);
  }

  anchor(): Receipt {
    return { number: 0, hash: CHAIN_START };
  }

  verify(): ReturnType<JournalReader['verify']> {
    let hash = CHAIN_START;
    for (const { number, row, hash: claimed } of this.#rows) {
      hash = chainHash(hash, canonicalJson(row));
      if (hash !== claimed) return { intact: false, firstBroken: number, why: 'its hash does not follow' };
    }
    return { intact: true, rows: this.#rows.length, head: hash };
  }

  close(): void {}
}
