/** SQL text to PostgreSQL's parse trees, one for each statement, with our own clauses attached.
 *
 *  The grammar is PostgreSQL's (libpg-query, version 18). `loadParser` once before the first `parseSql`.
 *  Every location in a tree is a byte offset into `source.text`; `source.position` turns it into what an error
 *  carries. Throws SqlError 42601 for syntax errors, with PostgreSQL's message and position. */
import { hasSqlDetails, loadModule, type Node, parseSync } from 'libpg-query';
import { SqlError } from '../../types/sql-error.js';
import { cutDistributedClauses, type DistributedClause } from './distributed-clause.js';
import { SourceText, utf8Bytes } from './source-text.js';

export type ParsedStatement = {
  readonly node: Node;
  /** The whole string that was parsed: positions count from its start, as PostgreSQL's do. */
  readonly source: SourceText;
  /** Byte range of this statement in `source`, without leading space and comments and the semicolon. */
  readonly start: number;
  readonly end: number;
  /** This statement's own text, as it was sent. */
  readonly text: string;
  readonly distributed: DistributedClause | undefined;
};

export async function loadParser(): Promise<void> {
  await loadModule();
}

export function parseSql(text: string): readonly ParsedStatement[] {
  if (text.includes('\0')) throw new SqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  if (/^[\s;]*$/.test(text)) return [];
  // What PostgreSQL accepts means what it means there, even with a table called "distributed".
  const plain = tryParse(text);
  if (!(plain instanceof SqlError)) return statements(text, text, plain, []);
  let cut: ReturnType<typeof cutDistributedClauses>;
  try {
    cut = cutDistributedClauses(text);
  } catch (e) {
    // The scanner stumbles over what the parser has reported already.
    throw e instanceof SqlError ? e : plain;
  }
  if (cut === undefined) throw plain;
  const rest = tryParse(cut.cut);
  if (rest instanceof SqlError) throw rest;
  return statements(text, cut.cut, rest, cut.clauses);
}

type RawStatement = { readonly stmt?: Node; readonly stmt_location?: number; readonly stmt_len?: number };

function tryParse(text: string): readonly RawStatement[] | SqlError {
  try {
    return parseSync(text).stmts ?? [];
  } catch (e) {
    if (hasSqlDetails(e)) {
      const at = e.sqlDetails?.cursorPosition;
      return new SqlError(syntaxCode(e.message), e.message, {
        position: at === undefined ? undefined : at + 1,
      });
    }
    if (e instanceof RangeError || e instanceof WebAssembly.RuntimeError)
      return new SqlError('54001', 'stack depth limit exceeded', {
        hint: 'Write the statement with less nesting, or as several statements.',
      });
    throw e;
  }
}

/** The grammar raises a few errors that are not syntax errors by their code. */
function syntaxCode(message: string): string {
  if (/^(invalid byte sequence|invalid Unicode|conflicting or redundant)/.test(message)) return '42601';
  if (/not (yet )?(implemented|supported)/.test(message)) return '0A000';
  return '42601';
}

function statements(
  original: string,
  parsed: string,
  raw: readonly RawStatement[],
  clauses: readonly DistributedClause[],
): readonly ParsedStatement[] {
  const source = new SourceText(parsed);
  const whole = new SourceText(original);
  const ends = raw.map((r) => {
    const start = r.stmt_location ?? 0;
    return r.stmt_len === undefined || r.stmt_len === 0 ? Number.MAX_SAFE_INTEGER : start + r.stmt_len;
  });
  const result: ParsedStatement[] = [];
  let used = 0;
  for (const [i, r] of raw.entries()) {
    if (r.stmt === undefined) continue;
    const from = source.index(r.stmt_location ?? 0);
    const to = ends[i] === Number.MAX_SAFE_INTEGER ? parsed.length : source.index(ends[i]);
    const mine = clauses.filter((c) => c.location >= (r.stmt_location ?? 0) && c.location < ends[i]);
    used += mine.length;
    if (mine.length > 1) throw misplaced(source, mine[1]);
    if (mine.length === 1 && !takesClause(r.stmt)) throw misplaced(source, mine[0]);
    const slice = parsed.slice(from, to);
    const leading = /^(\s|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)*/.exec(slice)?.[0].length ?? 0;
    const startUnit = from + leading;
    result.push({
      node: r.stmt,
      source,
      start: (r.stmt_location ?? 0) + utf8Bytes(parsed.slice(from, startUnit)),
      end: ends[i],
      text: cutAtCharacters(parsed, whole, startUnit, to),
      distributed: mine[0],
    });
  }
  if (used < clauses.length) throw misplaced(source, clauses[0]);
  return result;
}

/** The same characters of the original text: both texts have equally many characters, not equally many units. */
function cutAtCharacters(parsed: string, whole: SourceText, startUnit: number, endUnit: number): string {
  if (parsed.length === whole.text.length) return whole.text.slice(startUnit, endUnit).trim();
  const before = [...parsed.slice(0, startUnit)].length;
  const count = [...parsed.slice(startUnit, endUnit)].length;
  return [...whole.text]
    .slice(before, before + count)
    .join('')
    .trim();
}

function takesClause(node: Node): boolean {
  if ('CreateStmt' in node) return true;
  if ('CreateTableAsStmt' in node) return node.CreateTableAsStmt.objtype === 'OBJECT_TABLE';
  if ('ExplainStmt' in node)
    return node.ExplainStmt.query !== undefined && takesClause(node.ExplainStmt.query);
  return false;
}

function misplaced(source: SourceText, c: DistributedClause): SqlError {
  return new SqlError('42601', 'syntax error at or near "DISTRIBUTED"', {
    position: source.position(c.location),
  });
}
