/** LIKE patterns taken apart, for the generator of matchers.
 *
 *  Source: PostgreSQL 15, like_match.c: `%` any run, `_` one character, the escape takes the next character literally;
 *  a pattern that ends in the escape is 22025. char(n) operands keep their padding. */
import { SqlError } from '../../types/sql-error.js';

export type LikeToken =
  | { readonly kind: 'text'; readonly text: string }
  /** `_`, so many characters. */
  | { readonly kind: 'one'; readonly count: number }
  | { readonly kind: 'any' };

/** A pattern's pieces; runs of `%` and `_` are brought to the form "ones, then any". 22025 for a trailing escape: here
 *  at once, in PostgreSQL only when the match reaches it. */
export function parseLike(pattern: string, escapeWith: string): readonly LikeToken[] {
  const tokens: LikeToken[] = [];
  let text = '';
  let ones = 0;
  let any = false;
  const flushText = (): void => {
    if (text !== '') tokens.push({ kind: 'text', text });
    text = '';
  };
  const flushWild = (): void => {
    if (ones > 0) tokens.push({ kind: 'one', count: ones });
    if (any) tokens.push({ kind: 'any' });
    ones = 0;
    any = false;
  };
  const characters = [...pattern];
  for (let i = 0; i < characters.length; i++) {
    let c = characters[i];
    if (escapeWith !== '' && c === escapeWith) {
      i++;
      if (i === characters.length)
        throw new SqlError('22025', 'LIKE pattern must not end with escape character');
      c = characters[i];
    } else if (c === '%' || c === '_') {
      flushText();
      if (c === '%') any = true;
      else ones++;
      continue;
    }
    flushWild();
    text += c;
  }
  flushText();
  flushWild();
  return tokens;
}
