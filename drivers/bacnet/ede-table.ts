// An EDE file's octets ─► its rows of text, every cell with the line and column it stands in. Integrators' files differ in
// character set, separator and quoting; all of that ends here.

import type { DocumentFault } from '../../src/model/fault.ts';

export interface Cell {
  readonly text: string;
  /** Both from 1; the column counts cells, as a spreadsheet does. */
  readonly line: number;
  readonly column: number;
}

export type Row = readonly Cell[];

const SEPARATORS = [';', ',', '\t'] as const;
type Separator = (typeof SEPARATORS)[number];

/** UTF-8 or UTF-16 where the octets are that, else Windows-1252, the superset of Latin-1 that spreadsheets write. */
export function textOfFile(octets: Uint8Array): string {
  if (octets[0] === 0xff && octets[1] === 0xfe) return new TextDecoder('utf-16le').decode(octets);
  if (octets[0] === 0xfe && octets[1] === 0xff) return new TextDecoder('utf-16be').decode(octets);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    return new TextDecoder('windows-1252').decode(octets);
  }
}

/** The one that splits the line into the most cells; `;` where none does. */
export function separatorOf(line: string): Separator {
  let best: Separator = ';';
  for (const separator of SEPARATORS) if (line.split(separator).length > line.split(best).length) best = separator;
  return best;
}

/** RFC 4180 with any separator: `""` inside quotes is a quote, line ends inside quotes belong to the cell. */
export function rowsOf(text: string, separator: Separator, faults: DocumentFault[]): Row[] {
  const rows: Row[] = [];
  let cells: Cell[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const begun = line;
    const column = cells.length + 1;
    let cell = '';
    if (text[at] === '"') {
      at += 1;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0) {
          faults.push({
            path: placeOf({ line: begun, column }),
            found: 'a quote that is never closed',
            expected: 'a closing quote',
          });
          return rows;
        }
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at += 1;
      }
      for (const character of cell) if (character === '\n') line += 1;
    }
    const rest = at;
    while (at < text.length && text[at] !== separator && text[at] !== '\n' && text[at] !== '\r') at += 1;
    cell += text.slice(rest, at);
    cells.push({ text: cell.trim(), line: begun, column });
    if (text[at] === separator) {
      at += 1;
      // A separator at the very end begins an empty cell.
      if (at >= text.length) cells.push({ text: '', line, column: cells.length + 1 });
      continue;
    }
    if (text[at] === '\r') at += 1;
    if (text[at] === '\n') at += 1;
    line += 1;
    rows.push(cells);
    cells = [];
  }
  if (cells.length > 0) rows.push(cells);
  return rows;
}

export function placeOf({ line, column }: { readonly line: number; readonly column: number }, name?: string): string {
  return `line ${line}, column ${column}${name === undefined ? '' : ` (${name})`}`;
}
