/** The first words of a statement: what AUTOCOMMIT and FETCH_COUNT must know of it. */

/** Skips white space and comments. */
function skipSpace(text: string): string {
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/.test(text[at]!)) at++;
    if (text.startsWith('--', at)) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end + 1;
    } else if (text.startsWith('/*', at)) {
      let depth = 1;
      at += 2;
      while (at < text.length && depth > 0) {
        if (text.startsWith('/*', at)) {
          depth++;
          at += 2;
        } else if (text.startsWith('*/', at)) {
          depth--;
          at += 2;
        } else at++;
      }
    } else return text.slice(at);
  }
}

export function firstWords(text: string, count: number): readonly string[] {
  const words: string[] = [];
  let rest = skipSpace(text);
  while (words.length < count) {
    const word = /^[A-Za-z_]+/.exec(rest)?.[0];
    if (word === undefined) break;
    words.push(word.toLowerCase());
    rest = skipSpace(rest.slice(word.length));
  }
  return words;
}

/** Statements that must not be preceded by a BEGIN of ours. */
export function needsNoBegin(text: string): boolean {
  const [first, second, third] = firstWords(text, 3);
  switch (first) {
    case 'abort':
    case 'begin':
    case 'start':
    case 'commit':
    case 'end':
    case 'rollback':
    case 'vacuum':
      return true;
    case 'prepare':
      return second === 'transaction';
    case 'cluster':
      return second === undefined;
    case 'create':
      if (second === 'database' || second === 'tablespace') return true;
      return (
        (second === 'index' || (second === 'unique' && third === 'index')) && /\bconcurrently\b/i.test(text)
      );
    case 'drop':
      if (second === 'database' || second === 'system' || second === 'tablespace') return true;
      return second === 'index' && third === 'concurrently';
    case 'reindex':
      return second === 'database' || second === 'system' || /\bconcurrently\b/i.test(text);
    case 'alter':
      return second === 'system';
    case 'discard':
      return second === 'all';
    default:
      return false;
  }
}

export function isSelect(text: string): boolean {
  const [first] = firstWords(text, 1);
  return first === 'select' || first === 'values';
}
