/** LIKE and ILIKE.
 *
 *  Owns: compiling a pattern to a test; the usual shapes (exact, prefix, suffix, infix, in sequence) are searches for
 *  strings. Source: PostgreSQL, like_match.c. */
import { checkInterrupts } from '../interrupt.js';
import { SqlError } from '../sql-error.js';

/** A pattern as literals and wildcards. */
type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'any' };

function tokens(pattern: string, escapeChar: string): Token[] {
  const out: Token[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') out.push({ kind: 'text', text });
    text = '';
  };
  const chars = [...pattern];
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i]!;
    if (escapeChar !== '' && c === escapeChar) {
      i++;
      if (i >= chars.length) throw new SqlError('22025', 'LIKE pattern must not end with escape character');
      text += chars[i]!;
    } else if (c === '%') {
      flush();
      if (out.at(-1)?.kind !== 'any') out.push({ kind: 'any' });
    } else if (c === '_') {
      flush();
      out.push({ kind: 'one' });
    } else text += c;
  }
  flush();
  return out;
}

function sequence(parts: readonly string[], atStart: boolean, atEnd: boolean): (text: string) => boolean {
  const first = atStart ? parts[0]! : '';
  const last = atEnd ? parts.at(-1)! : '';
  const middle = parts.slice(atStart ? 1 : 0, atEnd ? -1 : undefined);
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const part of middle) {
      const found = text.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

/** The test for a pattern. `escape` is one character, or '' for none. 22025 for a dangling escape. */
export function compileLike(
  pattern: string,
  escapeChar: string,
  caseInsensitive: boolean,
): (text: string) => boolean {
  const list = tokens(pattern, escapeChar);
  if (!caseInsensitive && list.every((t) => t.kind !== 'one')) {
    const texts = list.flatMap((t) => (t.kind === 'text' ? [t.text] : []));
    if (list.length === 0) return (text) => text === '';
    if (list.length === 1 && texts.length === 1) return (text) => text === texts[0];
    if (texts.length === 0) return () => true;
    return sequence(texts, list[0]!.kind === 'text', list.at(-1)!.kind === 'text');
  }
  const parts = split(list, caseInsensitive);
  return (text) => matchParts([...(caseInsensitive ? fold(text) : text)], parts);
}

/** Between two wildcards `%`: characters, and undefined for one that may be any. */
type Stretch = readonly (string | undefined)[];

function split(list: readonly Token[], caseInsensitive: boolean): readonly Stretch[] {
  const parts: (string | undefined)[][] = [[]];
  for (const t of list) {
    if (t.kind === 'any') parts.push([]);
    else if (t.kind === 'one') parts.at(-1)!.push(undefined);
    else parts.at(-1)!.push(...(caseInsensitive ? fold(t.text) : t.text));
  }
  return parts;
}

/** Each character in lower case, unless that is several. */
function fold(text: string): string {
  let out = '';
  for (const c of text) {
    const lower = c.toLowerCase();
    out += lower.length === c.length ? lower : c;
  }
  return out;
}

/** The first stretch begins the text, the last ends it, and those between follow each other, each where it is found
 *  first: a later place would leave less. Time: at most text by pattern. */
function matchParts(text: readonly string[], parts: readonly Stretch[]): boolean {
  const [first, last] = [parts[0]!, parts.at(-1)!];
  const fits = (part: Stretch, at: number): boolean =>
    part.every((c, i) => c === undefined || c === text[at + i]);
  if (parts.length === 1) return text.length === first.length && fits(first, 0);
  const end = text.length - last.length;
  if (end < first.length || !fits(first, 0) || !fits(last, end)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    for (; at + part.length <= end; at++) {
      if ((at & 0xfff) === 0) checkInterrupts();
      if (fits(part, at)) break;
    }
    if (at + part.length > end) return false;
    at += part.length;
  }
  return true;
}

const cache = new Map<string, (text: string) => boolean>();

/** Whether `text` is LIKE (ILIKE) `pattern`; compiled patterns are kept. */
export function likeMatch(
  text: string,
  pattern: string,
  escapeChar: string,
  caseInsensitive: boolean,
): boolean {
  const key = `${caseInsensitive ? 'i' : 's'}${escapeChar}\0${pattern}`;
  let test = cache.get(key);
  if (test === undefined) {
    test = compileLike(pattern, escapeChar, caseInsensitive);
    if (cache.size >= 1000) cache.clear();
    cache.set(key, test);
  }
  return test(text);
}
