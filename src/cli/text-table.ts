// Rows as columns that line up, and sizes and times as people read them.

/** The head is left out where there are no rows. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

export function octetsText(octets: number): string {
  if (octets < 1024) return `${Math.round(octets)} B`;
  if (octets < 1_048_576) return `${(octets / 1024).toFixed(octets < 10_240 ? 1 : 0)} KiB`;
  return `${(octets / 1_048_576).toFixed(1)} MiB`;
}

export function secondsText(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const momentText = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
