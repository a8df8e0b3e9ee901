/** Parts of a statement's text that the catalog keeps: a column's default, a view's query. */
import type { Constraint } from 'libpg-query';
import type { SourceText } from '../sql/source-text.js';
import { scanTokens, type Token } from '../sql/tokens.js';

/** Words that end a DEFAULT expression at its own level: the next constraint begins. */
const ENDS_DEFAULT = new Set([
  'not',
  'null',
  'primary',
  'unique',
  'check',
  'references',
  'constraint',
  'collate',
  'generated',
  'deferrable',
  'initially',
  'default',
]);

/** The expression behind DEFAULT, as it was written. */
export function defaultText(source: SourceText, k: Constraint): string {
  const tokens = scanTokens(source.text).filter((t) => t.start >= (k.location ?? 0));
  const first = tokens.findIndex((t) => t.word === 'default') + 1;
  let depth = 0;
  let last = first;
  for (let i = first; i < tokens.length; i++) {
    const t = tokens[i];
    if (depth === 0 && i > first && (t.text === ',' || t.text === ')' || ENDS_DEFAULT.has(t.word ?? '')))
      break;
    if (t.text === '(' || t.text === '[') depth++;
    if (t.text === ')' || t.text === ']') depth--;
    last = i;
  }
  return source.slice(tokens[first].start, tokens[last].end);
}

/** What follows the first AS at the top level of the statement between two byte offsets. */
export function textAfterAs(
  source: SourceText,
  start: number,
  end: number,
): { readonly text: string; readonly start: number } {
  const tokens = scanTokens(source.text).filter((t) => t.start >= start && t.end <= end);
  let depth = 0;
  for (const [i, t] of tokens.entries()) {
    if (t.text === '(') depth++;
    else if (t.text === ')') depth--;
    else if (t.word === 'as' && depth === 0) {
      const rest: readonly Token[] = tokens.slice(i + 1);
      const last = rest.at(-1);
      const from = rest[0]?.start ?? t.end;
      return { text: last === undefined ? '' : source.slice(from, last.end), start: from };
    }
  }
  throw new Error('the statement has no AS');
}

export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
