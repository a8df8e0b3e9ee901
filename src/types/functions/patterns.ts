/** Pattern functions: ~ and its kin, regexp_*, substring with a pattern, SIMILAR TO.
 *
 *  Source: PostgreSQL, chapter 9.7; regexp.c. LIKE itself is an expression node; see `like.ts`. */

import { formatArray } from '../array-text.js';
import { SqlError } from '../sql-error.js';
import { BOOL, INT4, type SqlType, TEXT } from '../sql-type.js';
import { characterLength, characterOffset } from '../text-io.js';
import type { Value } from '../value.js';
import { define, num, str, UNBOUNDED } from './define.js';
import { likeMatch } from './like.js';
import { compileRegex, parseRegexFlags, type Regex, type RegexMatch } from './regex.js';
import type { FunctionDef } from './registry-types.js';

const TEXT_ARRAY: SqlType = { kind: 'array', element: TEXT };

function noGlobal(flags: string, fn: string, hint?: string): string {
  if (parseRegexFlags(flags).global)
    throw new SqlError('22023', `${fn} does not support the "global" option`, { hint });
  return flags;
}

/** The match as an array of its groups, or of itself when it has none. */
function matchGroups(m: RegexMatch): string {
  const groups = m.groups.length > 0 ? m.groups : [m.text];
  return formatArray(groups.map((g) => g ?? null));
}

/** `\1`..`\9`, `\&` and `\\` in the replacement. */
function replacement(template: string, m: RegexMatch): string {
  return template.replace(/\\([0-9&\\])/g, (_all, c: string) =>
    c === '\\' ? '\\' : c === '&' || c === '0' ? m.text : (m.groups[Number(c) - 1] ?? ''),
  );
}

/** `start` counts characters from 1; past the end nothing matches. */
function eachMatch(regex: Regex, text: string, start: number, visit: (m: RegexMatch) => boolean): void {
  if (start - 1 > text.length) return;
  let at = characterOffset(text, start - 1);
  while (at <= text.length) {
    const m = regex.exec(text, at);
    if (m === undefined || !visit(m)) return;
    at = m.end;
    if (m.text === '') at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
}

/** Replaces the n-th match from `start` (0: all of them). */
function replaceMatches(
  text: string,
  pattern: string,
  template: string,
  start: number,
  n: number,
  flags: string,
): string {
  const regex = compileRegex(pattern, flags);
  let out = '';
  let last = 0;
  let count = 0;
  eachMatch(regex, text, start, (m) => {
    count++;
    if (n !== 0 && count < n) return true;
    out += text.slice(last, m.index) + replacement(template, m);
    last = m.end;
    return n === 0;
  });
  return out + text.slice(last);
}

function positive(v: number, name: string): number {
  if (v <= 0) throw new SqlError('22023', `invalid value for parameter "${name}": ${v}`);
  return v;
}

function nonNegative(n: number): number {
  if (n < 0) throw new SqlError('22023', `invalid value for parameter "n": ${n}`);
  return n;
}

function nthMatch(a: readonly Value[], flagsAt: number): { match: RegexMatch | undefined } {
  const text = str(a[0]);
  const start = a.length > 2 ? positive(num(a[2]), 'start') : 1;
  const n = a.length > 3 ? positive(num(a[3]), 'n') : 1;
  const regex = compileRegex(str(a[1]), a.length > flagsAt ? str(a[flagsAt]) : '');
  let count = 0;
  let match: RegexMatch | undefined;
  eachMatch(regex, text, start, (m) => {
    count++;
    if (count === n) match = m;
    return count < n;
  });
  return { match };
}

function instr(a: readonly Value[]): number {
  const endOption = a.length > 4 ? num(a[4]) : 0;
  if (endOption !== 0 && endOption !== 1)
    throw new SqlError('22023', `invalid value for parameter "endoption": ${endOption}`);
  const { match } = nthMatch(a, 5);
  if (match === undefined) return 0;
  const atEnd = endOption === 1;
  const text = str(a[0]);
  return characterLength(text.slice(0, atEnd ? match.end : match.index)) + 1;
}

function count(a: readonly Value[]): number {
  const start = a.length > 2 ? positive(num(a[2]), 'start') : 1;
  const flags = a.length > 3 ? noGlobal(str(a[3]), 'regexp_count()') : '';
  let n = 0;
  eachMatch(compileRegex(str(a[1]), flags), str(a[0]), start, () => {
    n++;
    return true;
  });
  return n;
}

function split(text: string, pattern: string, flags: string): string {
  const parts: string[] = [];
  let last = 0;
  eachMatch(compileRegex(pattern, noGlobal(flags, 'regexp_split_to_array()')), text, 1, (m) => {
    if (m.text === '' && (m.index === last || m.index >= text.length)) return true;
    parts.push(text.slice(last, m.index));
    last = m.end;
    return true;
  });
  parts.push(text.slice(last));
  return formatArray(parts);
}

/** substring(text from pattern): the first group, or the whole match. */
function substringMatch(text: string, pattern: string): Value {
  const m = compileRegex(pattern).exec(text);
  if (m === undefined) return null;
  return m.groups.length > 0 ? (m.groups[0] ?? null) : m.text;
}

/** A SIMILAR TO pattern as a regular expression of PostgreSQL. `escape` null means none was given. */
export function similarToRegex(pattern: string, escapeChar: string): string {
  if ([...escapeChar].length > 1)
    throw new SqlError('22025', 'invalid escape string', {
      hint: 'Escape string must be empty or one character.',
    });
  let out = '';
  let inBracket = false;
  let quotes = 0;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (escapeChar !== '' && c === escapeChar && !inBracket) {
      const next = pattern[++i] ?? '';
      if (next === '"') {
        // Marks the part that substring(... similar ...) returns.
        out += quotes === 0 ? '){1,1}?(' : '){1,1}(?:';
        quotes++;
      } else out += /[A-Za-z0-9]/.test(next) ? next : `\\${next}`;
      continue;
    }
    if (inBracket) {
      if (c === ']') inBracket = false;
      out += c === '\\' ? '\\\\' : c;
      continue;
    }
    if (c === '[') {
      inBracket = true;
      out += c;
    } else if (c === '%') out += '.*';
    else if (c === '_') out += '.';
    else if (c === '(') out += '(?:';
    else out += '\\.^$'.includes(c) ? `\\${c}` : c;
  }
  return `^(?:${out})$`;
}

const EXPLICIT_NULL_OK = { strict: false } as const;

function matchOperators(): FunctionDef[] {
  const test = (flags: string, wanted: boolean) => (a: readonly Value[]) =>
    compileRegex(str(a[1]), flags).test(str(a[0])) === wanted;
  const like = (ci: boolean, wanted: boolean) => (a: readonly Value[]) =>
    likeMatch(str(a[0]), str(a[1]), '\\', ci) === wanted;
  // char(n) is matched with its padding: 'ab'::char(3) LIKE 'ab' is false.
  const both = (name: string, impl: (a: readonly Value[]) => boolean): FunctionDef[] =>
    ['text', 'bpchar'].map((kind) => define(name, `${kind} text`, BOOL, impl));
  return [
    ...both('~', test('', true)),
    ...both('~*', test('i', true)),
    ...both('!~', test('', false)),
    ...both('!~*', test('i', false)),
    ...both('~~', like(false, true)),
    ...both('~~*', like(true, true)),
    ...both('!~~', like(false, false)),
    ...both('!~~*', like(true, false)),
    define('like', 'text text', BOOL, like(false, true)),
    define('notlike', 'text text', BOOL, like(false, false)),
  ];
}

/** LIKE ... ESCAPE: the pattern rewritten for the escape character `\`. */
function likeEscape(pattern: string, escapeChar: string): string {
  if ([...escapeChar].length > 1)
    throw new SqlError('22025', 'invalid escape string', {
      hint: 'Escape string must be empty or one character.',
    });
  if (escapeChar === '\\') return pattern;
  let out = '';
  let after = false;
  for (const c of pattern) {
    if (escapeChar !== '' && c === escapeChar && !after) {
      out += '\\';
      after = true;
      continue;
    }
    out += c === '\\' && !after ? '\\\\' : c;
    after = false;
  }
  return out;
}

/** The time of a match is not told by the sizes of pattern and text. */
const matching: readonly FunctionDef[] = [
  ...matchOperators(),
  define('substring', 'text text', TEXT, (a) => substringMatch(str(a[0]), str(a[1]))),
  define('substring', 'text text text', TEXT, (a) =>
    substringMatch(str(a[0]), similarToRegex(str(a[1]), str(a[2]))),
  ),
  define('regexp_like', 'text text', BOOL, (a) => compileRegex(str(a[1])).test(str(a[0]))),
  define('regexp_like', 'text text text', BOOL, (a) =>
    compileRegex(str(a[1]), noGlobal(str(a[2]), 'regexp_like()')).test(str(a[0])),
  ),
  define('regexp_match', 'text text', TEXT_ARRAY, (a) => {
    const m = compileRegex(str(a[1])).exec(str(a[0]));
    return m === undefined ? null : matchGroups(m);
  }),
  define('regexp_match', 'text text text', TEXT_ARRAY, (a) => {
    const flags = noGlobal(str(a[2]), 'regexp_match()', 'Use the regexp_matches function instead.');
    const m = compileRegex(str(a[1]), flags).exec(str(a[0]));
    return m === undefined ? null : matchGroups(m);
  }),
  define('regexp_replace', 'text text text', TEXT, (a) =>
    replaceMatches(str(a[0]), str(a[1]), str(a[2]), 1, 1, ''),
  ),
  define('regexp_replace', 'text text text text', TEXT, (a) => {
    const flags = str(a[3]);
    return replaceMatches(str(a[0]), str(a[1]), str(a[2]), 1, parseRegexFlags(flags).global ? 0 : 1, flags);
  }),
  define('regexp_replace', 'text text text int4', TEXT, (a) =>
    replaceMatches(str(a[0]), str(a[1]), str(a[2]), positive(num(a[3]), 'start'), 1, ''),
  ),
  define('regexp_replace', 'text text text int4 int4', TEXT, (a) =>
    replaceMatches(str(a[0]), str(a[1]), str(a[2]), positive(num(a[3]), 'start'), nonNegative(num(a[4])), ''),
  ),
  define('regexp_replace', 'text text text int4 int4 text', TEXT, (a) =>
    replaceMatches(
      str(a[0]),
      str(a[1]),
      str(a[2]),
      positive(num(a[3]), 'start'),
      nonNegative(num(a[4])),
      str(a[5]),
    ),
  ),
  ...['text text', 'text text int4', 'text text int4 int4', 'text text int4 int4 text'].map((args) =>
    define('regexp_substr', args, TEXT, (a) => nthMatch(a, 4).match?.text ?? null),
  ),
  ...[
    'text text',
    'text text int4',
    'text text int4 int4',
    'text text int4 int4 int4',
    'text text int4 int4 int4 text',
  ].map((args) => define('regexp_instr', args, INT4, instr)),
  ...['text text', 'text text int4', 'text text int4 text'].map((args) =>
    define('regexp_count', args, INT4, count),
  ),
  define('regexp_split_to_array', 'text text', TEXT_ARRAY, (a) => split(str(a[0]), str(a[1]), '')),
  define('regexp_split_to_array', 'text text text', TEXT_ARRAY, (a) =>
    split(str(a[0]), str(a[1]), str(a[2])),
  ),
];

export const patternFunctions: readonly FunctionDef[] = [
  define('like_escape', 'text text', TEXT, (a) => likeEscape(str(a[0]), str(a[1]))),
  define('similar_to_escape', 'text', TEXT, (a) => similarToRegex(str(a[0]), '\\')),
  define(
    'similar_to_escape',
    'text text',
    TEXT,
    (a) => (a[0] === null || a[1] === null ? null : similarToRegex(str(a[0]), str(a[1]))),
    EXPLICIT_NULL_OK,
  ),
  ...matching.map((f) => ({ ...f, ...UNBOUNDED })),
];
