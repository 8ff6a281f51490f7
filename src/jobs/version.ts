// Which of two versions is newer, as vendors write them: `2.10.3`, `V4.1-rc2`, `2026.11`.

const PARTS = /\d+|[a-z]+/g;

/**
 * Negative where `a` is older, 0 where they say the same. Numbers count as numbers; a word (`rc`, `beta`) is older than its
 * absence and than a number. Not an order of what no version is: then text by text.
 */
export function compareVersions(a: string, b: string): number {
  const [ours, theirs] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at += 1) {
    const difference = compareParts(ours[at], theirs[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): string[] {
  return (
    version
      .toLowerCase()
      .replace(/^v(?=\d)/, '')
      .match(PARTS) ?? []
  );
}

/** -1 for a word, 0 for nothing and for the number zero, 1 for a number. */
function rankOf(part: string | undefined): number {
  if (part === undefined) return 0;
  return /^\d/.test(part) ? Math.sign(trimmed(part).length) : -1;
}

function compareParts(a: string | undefined, b: string | undefined): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0 || a === undefined || b === undefined) return rank;
  if (rankOf(a) < 0) return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [trimmed(a), trimmed(b)];
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
}

/** Without leading zeros, so that length and text compare as the number does, however long. */
const trimmed = (digits: string): string => digits.replace(/^0+/, '');
