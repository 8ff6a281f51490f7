// Project Haystack filter text → a small tree of plain data. haystack-core alone says what parses; what it evaluates without
// a namespace to false (`^symbol`, relationships) is `never` here.

import {
  CmpNode,
  CondAndNode,
  CondOrNode,
  HasNode,
  HBool,
  HFilter,
  HNum,
  HRef,
  HStr,
  MissingNode,
  type Node,
  ParensNode,
  TokenType,
  WildcardEqualsNode,
} from 'haystack-core';
import { fail, ok, type Result } from '../model/result.ts';

const EXPRESSION_BYTES = 4096;
const EXPRESSION_DEPTH = 64;

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A literal; `other` is a kind no fact can have (date, time, uri, symbol). Numbers with a unit equal no fact, but order like plain ones. */
export type Literal =
  | { readonly kind: 'number'; readonly value: number; readonly unit: boolean }
  | { readonly kind: 'text' | 'ref'; readonly value: string }
  | { readonly kind: 'flag'; readonly value: boolean }
  | { readonly kind: 'other' };

/** `path` has at least one name; more than one are followed through references. */
export type FilterNode =
  | { readonly is: 'or' | 'and'; readonly nodes: readonly FilterNode[] }
  | { readonly is: 'has' | 'missing'; readonly path: readonly string[] }
  | { readonly is: 'compare'; readonly path: readonly string[]; readonly by: Comparison; readonly to: Literal }
  | { readonly is: 'leads-to'; readonly tag: string; readonly ref: string }
  | { readonly is: 'never' };

/** The tree, or what was expected instead. */
export function parseExpression(text: string): Result<FilterNode, string> {
  if (new TextEncoder().encode(text).length > EXPRESSION_BYTES) {
    return fail(`an expression of at most ${EXPRESSION_BYTES} bytes`);
  }
  if (parenthesesDeep(text) > EXPRESSION_DEPTH) return fail(`an expression at most ${EXPRESSION_DEPTH} deep`);
  let node: Node;
  try {
    node = HFilter.parse(text);
  } catch (error) {
    return fail(`a haystack filter (${(error as Error).message})`);
  }
  const tree = simplify(node);
  const word = namesIn(tree).find((name) => WORDS.has(name));
  return word === undefined ? ok(tree) : fail(`a haystack filter (\`${word}\` is no tag)`);
}

/** The parser takes them for tags where a term is missing: `sp and and` would ask for a tag named `and`. */
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'true', 'false']);

function namesIn(node: FilterNode): readonly string[] {
  switch (node.is) {
    case 'or':
    case 'and':
      return node.nodes.flatMap(namesIn);
    case 'leads-to':
      return [node.tag];
    case 'never':
      return [];
    default:
      return node.path;
  }
}

/** The ids that `@ref` literals of the tree name. */
export function referencesIn(node: FilterNode): string[] {
  switch (node.is) {
    case 'or':
    case 'and':
      return node.nodes.flatMap(referencesIn);
    case 'compare':
      return node.to.kind === 'ref' ? [node.to.value] : [];
    case 'leads-to':
      return [node.ref];
    default:
      return [];
  }
}

/** Counted before the parser runs: it recurses, and its stack is not ours to bet on. Parentheses in strings and uris do not count. */
function parenthesesDeep(text: string): number {
  let deep = 0;
  let deepest = 0;
  let quote = '';
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charAt(i);
    if (quote !== '') {
      if (char === '\\') i += 1;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === '`') quote = char;
    else if (char === '(') {
      deep += 1;
      deepest = Math.max(deepest, deep);
    } else if (char === ')') deep -= 1;
  }
  return deepest;
}

function simplify(node: Node): FilterNode {
  if (node instanceof CondOrNode) return group('or', node.condAnds);
  if (node instanceof CondAndNode) return group('and', node.terms);
  if (node instanceof ParensNode) return simplify(node.condOr);
  if (node instanceof HasNode) return { is: 'has', path: node.path.paths };
  if (node instanceof MissingNode) return { is: 'missing', path: node.path.paths };
  if (node instanceof CmpNode) {
    // The parser has no other comparison.
    const by = COMPARISONS.get(node.cmpOp.type) as Comparison;
    return { is: 'compare', path: node.path.paths, by, to: literalOf(node.val.value) };
  }
  if (node instanceof WildcardEqualsNode) {
    const [tag] = node.id.paths as [string];
    return { is: 'leads-to', tag, ref: (node.ref.value as HRef).value };
  }
  return { is: 'never' };
}

function group(is: 'or' | 'and', nodes: readonly Node[]): FilterNode {
  const [first, ...rest] = nodes.map(simplify) as [FilterNode, ...FilterNode[]];
  return rest.length === 0 ? first : { is, nodes: [first, ...rest] };
}

function literalOf(value: unknown): Literal {
  // A unit is asked by toJSON: the `unit` getter would register unknown units in a table shared by the process.
  if (value instanceof HNum) return { kind: 'number', value: value.value, unit: typeof value.toJSON() !== 'number' };
  if (value instanceof HStr) return { kind: 'text', value: value.value };
  if (value instanceof HRef) return { kind: 'ref', value: value.value };
  if (value instanceof HBool) return { kind: 'flag', value: value.value };
  return { kind: 'other' };
}

const COMPARISONS: ReadonlyMap<TokenType, Comparison> = new Map([
  [TokenType.equals, '=='],
  [TokenType.notEquals, '!='],
  [TokenType.lessThan, '<'],
  [TokenType.lessThanOrEqual, '<='],
  [TokenType.greaterThan, '>'],
  [TokenType.greaterThanOrEqual, '>='],
] as const);
