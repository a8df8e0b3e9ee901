/** PostgreSQL's own scanner, for what lies outside its grammar: our clauses, and the text of a part of a statement.
 *
 *  Comments are left out. Offsets are bytes of the UTF-8 text, as in the parse tree. */
import { scanSync } from 'libpg-query';

export type Token = {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** An identifier as PostgreSQL reads it (unquoted ones in lower case); undefined for quoted strings, numbers,
   *  operators and reserved words. */
  readonly name: string | undefined;
  /** The word in lower case when it is not quoted. */
  readonly word: string | undefined;
};

export function scanTokens(text: string): readonly Token[] {
  if (text === '') return [];
  return scanSync(text)
    .tokens.filter((t) => t.tokenName !== 'SQL_COMMENT' && t.tokenName !== 'C_COMMENT')
    .map((t) => {
      const word = /^[A-Za-z_\u0080-\uffff]/.test(t.text) ? asciiLower(t.text) : undefined;
      const quoted = t.tokenName === 'IDENT' && t.text.startsWith('"');
      const name = quoted
        ? t.text.slice(1, -1).replaceAll('""', '"')
        : word !== undefined && t.keywordName !== 'RESERVED_KEYWORD' && !t.text.includes("'")
          ? word
          : undefined;
      return { start: t.start, end: t.end, text: t.text, name, word };
    });
}

/** PostgreSQL folds only ASCII letters in a UTF-8 database. */
function asciiLower(s: string): string {
  return s.replace(/[A-Z]/g, (c) => c.toLowerCase());
}
