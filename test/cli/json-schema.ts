// A small JSON Schema judge: the keywords that the configuration's schema uses, and an error for any other, so that a keyword
// nobody judges cannot pass unseen.

type Schema = { readonly [keyword: string]: unknown };

const SAID_ONLY = new Set(['$id', '$schema', 'description', 'default', 'title', 'format', 'id', '$defs']);

/** Paths at which the document breaks the schema; empty: it is valid. */
export function violations(schema: unknown, document: unknown, path = ''): readonly string[] {
  if (typeof schema === 'boolean') return schema ? [] : [path];
  return Object.entries(schema as Schema).flatMap(([keyword, expected]) =>
    SAID_ONLY.has(keyword) ? [] : judge(keyword, expected, schema as Schema, document, path),
  );
}

function judge(keyword: string, expected: unknown, schema: Schema, document: unknown, path: string): readonly string[] {
  const when = (broken: boolean): readonly string[] => (broken ? [path] : []);
  const isObject = typeof document === 'object' && document !== null && !Array.isArray(document);
  const object = (isObject ? document : {}) as Record<string, unknown>;
  const list = Array.isArray(document) ? document : [];
  switch (keyword) {
    case 'type':
      return when(!isOfType(expected as string, document));
    case 'const':
      return when(document !== expected);
    case 'enum':
      return when(!(expected as unknown[]).includes(document));
    case 'pattern':
      return when(typeof document === 'string' && !new RegExp(expected as string).test(document));
    case 'minLength':
      return when(typeof document === 'string' && document.length < (expected as number));
    case 'maxLength':
      return when(typeof document === 'string' && document.length > (expected as number));
    case 'minimum':
      return when(typeof document === 'number' && document < (expected as number));
    case 'maximum':
      return when(typeof document === 'number' && document > (expected as number));
    case 'exclusiveMinimum':
      return when(typeof document === 'number' && document <= (expected as number));
    case 'minItems':
      return when(list.length < (expected as number));
    case 'maxItems':
      return when(list.length > (expected as number));
    case 'items':
      return list.flatMap((item, index) => violations(expected, item, `${path}/${index}`));
    case 'required':
      return isObject ? (expected as string[]).filter((key) => !(key in object)).map((key) => `${path}/${key}`) : [];
    case 'properties':
      return Object.entries(expected as Schema).flatMap(([key, inner]) =>
        key in object ? violations(inner, object[key], `${path}/${key}`) : [],
      );
    case 'propertyNames':
      return Object.keys(object).flatMap((key) => violations(expected, key, `${path}/${key}`));
    case 'additionalProperties': {
      const known = Object.keys((schema.properties ?? {}) as Schema);
      const others = Object.keys(object).filter((key) => !known.includes(key));
      return others.flatMap((key) => violations(expected, object[key], `${path}/${key}`));
    }
    case 'anyOf':
    case 'oneOf':
      return when(!(expected as Schema[]).some((option) => violations(option, document, path).length === 0));
    default:
      throw new Error(`the keyword \`${keyword}\` is not judged here`);
  }
}

function isOfType(type: string, document: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(document);
    case 'array':
      return Array.isArray(document);
    case 'object':
      return typeof document === 'object' && document !== null && !Array.isArray(document);
    default:
      return typeof document === type;
  }
}
