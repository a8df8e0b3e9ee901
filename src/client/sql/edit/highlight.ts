/** Colours for SQL as it is typed. */
import { KEYWORDS, TYPE_WORDS } from './keywords.js';

export type Style =
  | 'plain'
  | 'keyword'
  | 'type'
  | 'string'
  | 'number'
  | 'comment'
  | 'command'
  | 'variable'
  | 'function'
  | 'ident';

export type Span = { readonly from: number; readonly to: number; readonly style: Style };

const TYPES = new Set(TYPE_WORDS.map((t) => t.toUpperCase()));

const TOKEN =
  /(?<comment>--[^\n]*|\/\*)|(?<dollar>\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$)|(?<string>(?:[eE]|[bBxXnN]|[uU]&)?')|(?<ident>")|(?<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)|(?<cast>::|:=)|(?<variable>:(?:'[A-Za-z0-9_]+'|"[A-Za-z0-9_]+"|[A-Za-z_][A-Za-z0-9_]*|\{\?[A-Za-z0-9_]+\}))|(?<command>\\[^\s\\;:]+)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)/uy;

function endOfQuote(text: string, from: number, quote: string, escapes: boolean): number {
  for (let i = from; i < text.length; i++) {
    if (escapes && text[i] === '\\') i++;
    else if (text[i] === quote) {
      if (text[i + 1] === quote) i++;
      else return i + 1;
    }
  }
  return text.length;
}

function endOfComment(text: string, from: number): number {
  let depth = 1;
  for (let i = from; i < text.length - 1; i++)
    if (text[i] === '/' && text[i + 1] === '*') {
      depth++;
      i++;
    } else if (text[i] === '*' && text[i + 1] === '/') {
      i++;
      if (--depth === 0) return i + 1;
    }
  return text.length;
}

/** Spans that have a style, in order; what is between them is plain. */
export function highlight(text: string): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) {
      at++;
      continue;
    }
    const g = found.groups!;
    let end = at + found[0].length;
    let style: Style = 'plain';
    if (g.comment !== undefined) {
      style = 'comment';
      if (g.comment === '/*') end = endOfComment(text, end);
    } else if (g.dollar !== undefined) {
      style = 'string';
      const close = text.indexOf(g.dollar, end);
      end = close < 0 ? text.length : close + g.dollar.length;
    } else if (g.string !== undefined) {
      style = 'string';
      end = endOfQuote(text, end, "'", /^[eE]/.test(g.string));
    } else if (g.ident !== undefined) {
      style = 'ident';
      end = endOfQuote(text, end, '"', false);
    } else if (g.number !== undefined) style = 'number';
    else if (g.variable !== undefined) style = 'variable';
    else if (g.command !== undefined) style = 'command';
    else if (g.word !== undefined) {
      const upper = g.word.toUpperCase();
      if (KEYWORDS.has(upper)) style = 'keyword';
      else if (TYPES.has(upper)) style = 'type';
      else if (text[end] === '(') style = 'function';
    }
    if (style !== 'plain') spans.push({ from: at, to: end, style });
    at = end;
  }
  return spans;
}

const CODES: Readonly<Record<Style, string>> = {
  plain: '',
  keyword: '\x1b[1;34m',
  type: '\x1b[34m',
  string: '\x1b[32m',
  number: '\x1b[36m',
  comment: '\x1b[90m',
  command: '\x1b[1;33m',
  variable: '\x1b[35m',
  function: '\x1b[36m',
  ident: '\x1b[33m',
};

export const RESET = '\x1b[0m';

/** The escape sequence of each character's style, by offset. */
export function styleCodes(text: string): readonly string[] {
  const codes = new Array<string>(text.length).fill('');
  for (const s of highlight(text)) codes.fill(CODES[s.style], s.from, s.to);
  return codes;
}
