/** Patterns of names, `schema.ta*`, as conditions on catalog columns. */
import { quoteLiteral } from '../quote.js';

/** Columns that a pattern is held against. */
export type PatternColumns = {
  readonly schema?: string;
  readonly name: string;
  /** Another form of the name that may match in its place. */
  readonly alternative?: string;
  /** Says that the object is found without its schema; for patterns that name none. */
  readonly visible?: string;
  /** The name is taken as it stands, but for `*` and `?`: it is no word, as operators are none. */
  readonly literal?: boolean;
};

export class PatternError extends Error {}

export type ParsedPattern = {
  /** Regular expressions of the parts, from the right: name, schema, database. */
  readonly name: string;
  readonly schema: string | undefined;
  /** As it was typed, for comparison. */
  readonly database: string | undefined;
};

const REGEX_CHARS = '|*+?()[]{}.^$\\';

/** `partsMax`: 1 for names without a schema, where a dot is a dot; 3 with schema and database. */
export function parsePattern(pattern: string, partsMax: 1 | 3, literal = false): ParsedPattern {
  const parts: string[] = [''];
  const plain: string[] = [''];
  let quoted = false;
  const add = (text: string, literal: string): void => {
    parts[parts.length - 1] += text;
    plain[plain.length - 1] += literal;
  };
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === '"') {
      if (quoted && pattern[i + 1] === '"') {
        add('"', '"');
        i++;
      } else quoted = !quoted;
    } else if (!quoted && c === '*') add('.*', '*');
    else if (!quoted && c === '?') add('.', '?');
    else if (!quoted && c === '.' && partsMax > 1) {
      parts.push('');
      plain.push('');
    } else if (c === '$') add('\\$', '$');
    else if ((quoted || literal) && REGEX_CHARS.includes(c)) add(`\\${c}`, c);
    // An array type's brackets, far likelier than a range.
    else if (c === '[' && pattern[i + 1] === ']') add('\\[', '[');
    else {
      const folded = quoted ? c : c.toLowerCase();
      add(folded, folded);
    }
  }
  if (parts.length > partsMax)
    throw new PatternError(`improper qualified name (too many dotted names): ${pattern}`);
  const [name, schema] = [parts[parts.length - 1]!, parts[parts.length - 2]];
  return { name, schema, database: parts.length === 3 ? plain[0] : undefined };
}

function matches(column: string, regex: string): string {
  return `${column} OPERATOR(pg_catalog.~) ${quoteLiteral(`^(${regex})$`).trimStart()} COLLATE pg_catalog.default`;
}

/** Conditions, to be joined with AND. `database`: the current one, which a pattern may name. */
export function patternConditions(
  pattern: string | undefined,
  columns: PatternColumns,
  partsMax: 1 | 3,
  database: string,
): string[] {
  if (pattern === undefined) return columns.visible === undefined ? [] : [columns.visible];
  const parsed = parsePattern(pattern, partsMax, columns.literal);
  if (parsed.database !== undefined && parsed.database !== database)
    throw new PatternError(`cross-database references are not implemented: ${pattern}`);
  const out: string[] = [];
  if (parsed.name !== '.*') {
    const name = matches(columns.name, parsed.name);
    out.push(
      columns.alternative === undefined
        ? name
        : `(${name}\n        OR ${matches(columns.alternative, parsed.name)})`,
    );
  }
  if (parsed.schema === undefined) {
    if (columns.visible !== undefined) out.push(columns.visible);
  } else if (parsed.schema !== '.*' && columns.schema !== undefined)
    out.push(matches(columns.schema, parsed.schema));
  return out;
}
