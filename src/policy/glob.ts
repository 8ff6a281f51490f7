// Globs on point ids: `*` does not cross `/`, `**` does; everything else stands for itself (POLICY.md, Filters).
// Matching is two-pointer with at most two places to return to, so no glob can be made slow.

const SLASH = 47;
const STAR = -1;
const DOUBLE_STAR = -2;

/** A parsed glob: code units, `STAR` and `DOUBLE_STAR`. */
export type Glob = Int32Array;

const GLOB_TEXT = /^[A-Za-z0-9_:.~\-/*]+$/;

/** `undefined` where the text has a character that no point id has. Three stars in a row and more are two. */
export function parseGlob(text: string): Glob | undefined {
  if (!GLOB_TEXT.test(text)) return undefined;
  const parts: number[] = [];
  for (const piece of text.split(/(\*+)/)) {
    if (piece === '') continue;
    if (piece.startsWith('*')) parts.push(piece.length > 1 ? DOUBLE_STAR : STAR);
    else for (let i = 0; i < piece.length; i += 1) parts.push(piece.charCodeAt(i));
  }
  return Int32Array.from(parts);
}

/** Whether the whole of `units[start … end)` is matched. */
export function matchesGlob(glob: Glob, units: Uint8Array | Uint16Array, start: number, end: number): boolean {
  let at = start;
  let part = 0;
  let starPart = -1;
  let starAt = 0;
  let doublePart = -1;
  let doubleAt = 0;
  while (at < end) {
    const wanted = part < glob.length ? glob[part] : undefined;
    if (wanted === STAR) {
      part += 1;
      starPart = part;
      starAt = at;
    } else if (wanted === DOUBLE_STAR) {
      part += 1;
      doublePart = part;
      doubleAt = at;
      starPart = -1;
    } else if (wanted === units[at]) {
      at += 1;
      part += 1;
    } else if (starPart >= 0 && units[starAt] !== SLASH) {
      starAt += 1;
      at = starAt;
      part = starPart;
    } else if (doublePart >= 0) {
      doubleAt += 1;
      at = doubleAt;
      part = doublePart;
      starPart = -1;
    } else {
      return false;
    }
  }
  while (part < glob.length && (glob[part] as number) < 0) part += 1;
  return part === glob.length;
}
