/** PostgreSQL's advanced regular expressions as JavaScript's.
 *
 *  Owns: the translation, a cache of compiled expressions, and the search for matches. JavaScript takes the first
 *  alternative that matches where PostgreSQL takes the longest: `execRegex` looks on when alternatives are there.
 *  Known difference: an expression that mixes greedy and lazy parts is matched by JavaScript's rules. Source:
 *  PostgreSQL, 9.7.3. */
import { SqlError } from '../sql-error.js';

export type RegexFlags = {
  readonly ignoreCase: boolean;
  readonly global: boolean;
  readonly newline: 'plain' | 'sensitive' | 'partial' | 'weird';
  readonly literal: boolean;
  readonly expanded: boolean;
};

function invalid(why: string): SqlError {
  return new SqlError('2201B', `invalid regular expression: ${why}`);
}

/** Flags of regexp_replace and its kin: i c g n m p w s t x q. 22023 for others. */
export function parseRegexFlags(text: string): RegexFlags {
  let ignoreCase = false;
  let global = false;
  let newline: RegexFlags['newline'] = 'plain';
  let literal = false;
  let expanded = false;
  for (const c of text) {
    switch (c) {
      case 'g':
        global = true;
        break;
      case 'i':
        ignoreCase = true;
        break;
      case 'c':
        ignoreCase = false;
        break;
      case 'm':
      case 'n':
        newline = 'sensitive';
        break;
      case 'p':
        newline = 'partial';
        break;
      case 'w':
        newline = 'weird';
        break;
      case 's':
        newline = 'plain';
        break;
      case 'x':
        expanded = true;
        break;
      case 't':
        expanded = false;
        break;
      case 'q':
        literal = true;
        break;
      case 'e':
      case 'b':
        break;
      default:
        throw new SqlError('22023', `invalid regular expression option: "${c}"`);
    }
  }
  return { ignoreCase, global, newline, literal, expanded };
}

const CLASSES: Readonly<Record<string, string>> = {
  alpha: '\\p{L}',
  digit: '0-9',
  alnum: '\\p{L}\\p{Nd}',
  upper: '\\p{Lu}',
  lower: '\\p{Ll}',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`\\{-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
  graph: '!-~',
  print: ' -~',
  word: '\\p{L}\\p{Nd}_',
};

const WORD = '[\\p{L}\\p{Nd}_]';

class Translator {
  private readonly source: string;
  private at = 0;
  private out = '';
  flags: RegexFlags;

  constructor(source: string, flags: RegexFlags) {
    this.source = source;
    this.flags = flags;
  }

  run(): string {
    if (this.source.startsWith('***=')) return this.source.slice(4).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    if (this.source.startsWith('***:')) this.at = 4;
    const embedded = /^\(\?([a-z]+)\)/.exec(this.source.slice(this.at));
    if (embedded !== null) {
      this.at += embedded[0].length;
      const inner = parseRegexFlags(embedded[1]!);
      this.flags = { ...this.flags, ...inner, global: this.flags.global };
    }
    if (this.flags.literal) return this.source.slice(this.at).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    while (this.at < this.source.length) this.atom();
    return this.out;
  }

  private atom(): void {
    const c = this.source[this.at]!;
    switch (c) {
      case '[':
        if (this.source.startsWith('[[:<:]]', this.at)) {
          this.out += `(?<!${WORD})(?=${WORD})`;
          this.at += 7;
        } else if (this.source.startsWith('[[:>:]]', this.at)) {
          this.out += `(?<=${WORD})(?!${WORD})`;
          this.at += 7;
        } else this.out += this.bracket();
        return;
      case '\\':
        this.escape();
        return;
      case '{': {
        const m = /^\{(\d+)(,(\d*))?\}/.exec(this.source.slice(this.at));
        if (m === null) {
          this.out += '\\{';
          this.at++;
        } else {
          if (Number(m[1]) > 255 || Number(m[3] ?? 0) > 255) throw invalid('invalid repetition count(s)');
          this.out += m[0];
          this.at += m[0].length;
        }
        return;
      }
      case '}':
      case ']':
        this.out += `\\${c}`;
        this.at++;
        return;
      case '*':
      case '+':
      case '?': {
        // A quantifier with nothing to repeat is an error in both; `**` is too.
        this.out += c;
        this.at++;
        return;
      }
      case '(':
        if (this.source.startsWith('(?#', this.at)) {
          const end = this.source.indexOf(')', this.at);
          if (end < 0) throw invalid('parentheses () not balanced');
          this.at = end + 1;
          return;
        }
        this.out += c;
        this.at++;
        return;
      case '#':
        if (this.flags.expanded) {
          const end = this.source.indexOf('\n', this.at);
          this.at = end < 0 ? this.source.length : end + 1;
          return;
        }
        this.out += c;
        this.at++;
        return;
      case '.':
        this.out += this.flags.newline === 'sensitive' || this.flags.newline === 'partial' ? '[^\\n]' : '.';
        this.at++;
        return;
      default:
        if (this.flags.expanded && /\s/.test(c)) {
          this.at++;
          return;
        }
        this.out += c === '/' ? '\\/' : c;
        this.at++;
    }
  }

  private escape(): void {
    const c = this.source[this.at + 1];
    if (c === undefined) throw invalid('invalid escape \\ sequence');
    this.at += 2;
    switch (c) {
      case 'm':
        this.out += `(?<!${WORD})(?=${WORD})`;
        return;
      case 'M':
        this.out += `(?<=${WORD})(?!${WORD})`;
        return;
      case 'y':
        this.out += `(?:(?<!${WORD})(?=${WORD})|(?<=${WORD})(?!${WORD}))`;
        return;
      case 'Y':
        this.out += `(?:(?<!${WORD})(?!${WORD})|(?<=${WORD})(?=${WORD}))`;
        return;
      case 'A':
        this.out += '(?<![\\s\\S])';
        return;
      case 'Z':
        this.out += '(?![\\s\\S])';
        return;
      case 'd':
      case 'D':
      case 's':
      case 'S':
        this.out += `\\${c}`;
        return;
      case 'w':
        this.out += WORD;
        return;
      case 'W':
        this.out += '[^\\p{L}\\p{Nd}_]';
        return;
      default:
        this.out += this.character(c);
    }
  }

  /** A character escape whose letter was just read; also within brackets. */
  private character(c: string): string {
    const simple: Readonly<Record<string, string>> = {
      a: '\\x07',
      b: '\\x08',
      e: '\\x1b',
      f: '\\f',
      n: '\\n',
      r: '\\r',
      t: '\\t',
      v: '\\v',
      B: '\\\\',
      0: '\\0',
    };
    if (Object.hasOwn(simple, c)) return simple[c]!;
    if (c === 'x') return this.codePoint(/^[0-9a-fA-F]+/);
    if (c === 'u') return this.codePoint(/^[0-9a-fA-F]{4}/);
    if (c === 'U') return this.codePoint(/^[0-9a-fA-F]{8}/);
    if (/[1-9]/.test(c)) return `\\${c}`;
    if (/[A-Za-z]/.test(c)) throw invalid('invalid escape \\ sequence');
    return /[\\^$.*+?()[\]{}|/-]/.test(c) ? (c === '-' ? '\\x2d' : `\\${c}`) : c;
  }

  private codePoint(digits: RegExp): string {
    const m = digits.exec(this.source.slice(this.at));
    if (m === null) throw invalid('invalid escape \\ sequence');
    this.at += m[0].length;
    return `\\u{${m[0]}}`;
  }

  private bracket(): string {
    this.at++;
    let text = '[';
    let negated = false;
    if (this.source[this.at] === '^') {
      text += '^';
      negated = true;
      this.at++;
    }
    let first = true;
    for (;;) {
      const c = this.source[this.at];
      if (c === undefined) throw invalid('brackets [] not balanced');
      if (c === ']' && !first) break;
      first = false;
      if (c === '[' && this.source[this.at + 1] === ':') {
        const end = this.source.indexOf(':]', this.at);
        const name = this.source.slice(this.at + 2, end);
        const members = end < 0 ? undefined : CLASSES[name];
        if (members === undefined) throw invalid('invalid character class');
        text += members;
        this.at = end + 2;
        continue;
      }
      if (c === '[' && (this.source[this.at + 1] === '.' || this.source[this.at + 1] === '=')) {
        const close = `${this.source[this.at + 1]}]`;
        const end = this.source.indexOf(close, this.at + 2);
        if (end < 0) throw invalid('brackets [] not balanced');
        text += this.source.slice(this.at + 2, end).replace(/[\\\]^[-]/g, '\\$&');
        this.at = end + 2;
        continue;
      }
      if (c === '\\') {
        const e = this.source[this.at + 1];
        if (e === undefined) throw invalid('invalid escape \\ sequence');
        this.at += 2;
        if ('dsDS'.includes(e)) text += `\\${e}`;
        else if (e === 'w') text += '\\p{L}\\p{Nd}_';
        else text += this.character(e);
        continue;
      }
      // `-` between two members is a range; first, last or after a class it is itself.
      const next = this.source[this.at + 1];
      if (c === '-' && (next === ']' || text === '[' || text === '[^')) text += '\\-';
      else text += '[^]\\'.includes(c) || '{}()|/&~'.includes(c) ? (/[&~]/.test(c) ? c : `\\${c}`) : c;
      this.at++;
    }
    this.at++;
    if (negated && (this.flags.newline === 'sensitive' || this.flags.newline === 'partial')) text += '\\n';
    return `${text}]`;
  }
}

const cache = new Map<string, RegExp>();

/** A JavaScript expression for a PostgreSQL one; 2201B when it is malformed. Flags as in regexp_replace. */
export function compileRegex(pattern: string, flagText = ''): RegExp {
  const key = `${flagText}\0${pattern}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const translator = new Translator(pattern, parseRegexFlags(flagText));
  const source = translator.run();
  const { flags } = translator;
  const js = `su${flags.ignoreCase ? 'i' : ''}${flags.newline === 'sensitive' || flags.newline === 'weird' ? 'm' : ''}`;
  let regex: RegExp;
  try {
    regex = new RegExp(source, js);
  } catch (e) {
    throw invalid(reason(e instanceof Error ? e.message : ''));
  }
  if (cache.size >= 1000) cache.clear();
  cache.set(key, regex);
  return regex;
}

function reason(message: string): string {
  if (/Unterminated group|Unmatched '\)'/.test(message)) return 'parentheses () not balanced';
  if (/Nothing to repeat/.test(message)) return 'quantifier operand invalid';
  if (/out of order in character class/i.test(message)) return 'invalid character range';
  if (/numbers out of order/.test(message)) return 'invalid repetition count(s)';
  if (/Invalid (capture|escape|decimal)/i.test(message)) return 'invalid backreference number';
  return 'invalid regexp';
}

/** Expressions whose first match may not be the longest: alternatives, and nothing lazy or back-referring. */
const ambiguous = new WeakMap<RegExp, boolean>();
const longer = new Map<string, RegExp>();

function mayMatchLonger(regex: RegExp): boolean {
  let v = ambiguous.get(regex);
  if (v === undefined) {
    const plain = regex.source.replace(/\\.|\[(?:\\.|[^\]])*\]/g, (m) =>
      /^\\[1-9]/.test(m) ? 'BACKREF' : 'x',
    );
    v =
      plain.includes('|') &&
      !/[*+?}]\?/.test(plain) &&
      !plain.includes('BACKREF') &&
      !/\(\?[=!<]/.test(plain);
    ambiguous.set(regex, v);
  }
  return v;
}

/** The same expression, ending after more than `count` characters of the text. */
function longerThan(regex: RegExp, count: number): RegExp {
  const key = `${regex.flags}/${count}/${regex.source}`;
  let r = longer.get(key);
  if (r === undefined) {
    r = new RegExp(`(?:${regex.source})(?<=[\\s\\S]{${count + 1}})`, `${regex.flags}y`);
    if (longer.size >= 2000) longer.clear();
    longer.set(key, r);
  }
  return r;
}

/** The leftmost match at or after `from`, and of those the longest, as PostgreSQL has it. */
export function execRegex(regex: RegExp, text: string, from = 0): RegExpExecArray | null {
  const scan = new RegExp(regex.source, `${regex.flags}g`);
  scan.lastIndex = from;
  let best = scan.exec(text);
  if (best === null || !mayMatchLonger(regex)) return best;
  for (;;) {
    const end = [...text.slice(0, best.index + best[0].length)].length;
    const next = longerThan(regex, end);
    next.lastIndex = best.index;
    const found: RegExpExecArray | null = next.exec(text);
    if (found === null) return best;
    best = found;
  }
}
