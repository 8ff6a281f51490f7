// How the standard's enumerations are kept: one table of names to numbers each, read both ways.

/** The standard's names, in lower case with hyphens, to their numbers. */
export type NameTable = { readonly [name: string]: number };

/** The table read the other way. */
export function namesByNumber<T extends NameTable>(table: T): ReadonlyMap<number, keyof T & string> {
  return new Map(Object.entries(table).map(([name, number]) => [number, name]));
}
