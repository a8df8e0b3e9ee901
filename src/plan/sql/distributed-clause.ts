/** `DISTRIBUTED BY (cols)`, `DISTRIBUTED RANDOMLY`, `DISTRIBUTED REPLICATED`: found on tokens, cut out of the text.
 *
 *  The cut leaves one space for each character, so every position in the rest holds. A clause is recognised only at
 *  the top level of a CREATE TABLE; elsewhere the words stay what they are in PostgreSQL. */
import { SqlError } from '../../types/sql-error.js';
import { SourceText } from './source-text.js';
import { scanTokens, type Token } from './tokens.js';

export type DistributedClause = {
  /** Byte offset of the word DISTRIBUTED in the text with the clauses cut out. */
  readonly location: number;
} & (
  | { readonly kind: 'by'; readonly columns: readonly { readonly name: string; readonly location: number }[] }
  | { readonly kind: 'randomly' }
  | { readonly kind: 'replicated' }
);

/** `cut` is undefined when the text has no such clause. */
export function cutDistributedClauses(
  text: string,
): { readonly cut: string; readonly clauses: readonly DistributedClause[] } | undefined {
  if (!/distributed/i.test(text)) return undefined;
  const tokens = scanTokens(text);
  const source = new SourceText(text);
  const found: {
    readonly clause: DistributedClause;
    readonly startByte: number;
    readonly endByte: number;
  }[] = [];
  let depth = 0;
  let statementStart = 0;
  for (let i = 0; i < tokens.length; i++) {
    const t = tokens[i];
    if (t.text === '(') depth++;
    else if (t.text === ')') depth--;
    else if (t.text === ';' && depth === 0) statementStart = i + 1;
    else if (t.word === 'distributed' && depth === 0 && createsTable(tokens, statementStart)) {
      const parsed = parseClause(tokens, i, source);
      if (parsed === undefined) continue;
      found.push({ clause: parsed.clause, startByte: t.start, endByte: tokens[parsed.last].end });
      i = parsed.last;
    }
  }
  if (found.length === 0) return undefined;
  let cut = '';
  let at = 0;
  // Byte offsets shrink where a cut clause had multibyte names: shift what follows.
  let shrunk = 0;
  const clauses: DistributedClause[] = [];
  for (const f of found) {
    const start = source.index(f.startByte);
    const end = source.index(f.endByte);
    const removed = text.slice(start, end);
    cut += text.slice(at, start) + ' '.repeat([...removed].length);
    at = end;
    clauses.push(shiftClause(f.clause, shrunk));
    shrunk += f.endByte - f.startByte - [...removed].length;
  }
  return { cut: cut + text.slice(at), clauses };
}

function shiftClause(c: DistributedClause, by: number): DistributedClause {
  return { ...c, location: c.location - by };
}

function createsTable(tokens: readonly Token[], start: number): boolean {
  const words = tokens.slice(start, start + 24).map((t) => t.word);
  const create = words.indexOf('create');
  if (create < 0) return false;
  const skip = new Set(['global', 'local', 'temporary', 'temp', 'unlogged']);
  let i = create + 1;
  while (words[i] !== undefined && skip.has(words[i]!)) i++;
  return words[i] === 'table';
}

function parseClause(
  tokens: readonly Token[],
  at: number,
  source: SourceText,
): { readonly clause: DistributedClause; readonly last: number } | undefined {
  const location = tokens[at].start;
  const next = tokens[at + 1]?.word;
  if (next === 'randomly' || next === 'replicated') return { clause: { kind: next, location }, last: at + 1 };
  if (next !== 'by') return undefined;
  const unexpected = (t: Token | undefined): SqlError =>
    t === undefined
      ? new SqlError('42601', 'syntax error at end of input', { position: [...source.text].length + 1 })
      : new SqlError('42601', `syntax error at or near "${t.text}"`, { position: source.position(t.start) });
  if (tokens[at + 2]?.text !== '(') throw unexpected(tokens[at + 2]);
  const columns: { readonly name: string; readonly location: number }[] = [];
  for (let i = at + 3; ; i += 2) {
    const name = tokens[i]?.name;
    if (name === undefined) throw unexpected(tokens[i]);
    columns.push({ name, location: tokens[i].start });
    if (tokens[i + 1]?.text === ')') return { clause: { kind: 'by', columns, location }, last: i + 1 };
    if (tokens[i + 1]?.text !== ',') throw unexpected(tokens[i + 1]);
  }
}
