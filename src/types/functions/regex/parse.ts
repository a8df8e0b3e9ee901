/** PostgreSQL's advanced regular expressions: text to parts.
 *
 *  Owns: the grammar, its errors (2201B), and which parts of a match have bounds that matter. A branch is read up to the
 *  first atom whose bounds do; it becomes a concatenation of what was read, that atom, and the rest, read alike.
 *  Source: PostgreSQL 9.7.3; regc_lex.c and regcomp.c (parsebranch, parseqatom). */
import { SqlError } from '../../sql-error.js';
import { ANY, type CharSet, CharSets, NEWLINE, WORD_CLASS } from './char-sets.js';
import {
  type Assertion,
  CAPTURES,
  combine,
  concat,
  EMPTY,
  invalid,
  isMessy,
  LONGER,
  MIXED,
  type Part,
  part,
  preference,
  REFERS,
  repeat,
  SHORTER,
  type Syntax,
  up,
  withoutAssertions,
} from './syntax.js';

export type RegexFlags = {
  readonly ignoreCase: boolean;
  readonly global: boolean;
  readonly newline: 'plain' | 'sensitive' | 'partial' | 'weird';
  readonly literal: boolean;
  readonly expanded: boolean;
};

export type Parsed = {
  readonly root: Part;
  readonly sets: CharSets;
  readonly groups: number;
  readonly flags: RegexFlags;
};

const REPEATS_MAX = 255;

/** Letters of options, over what was set before. `embedded`: within the expression, where g is none and another error
 *  is due. */
export function parseRegexFlags(text: string, before?: RegexFlags): RegexFlags {
  let flags: RegexFlags = before ?? {
    ignoreCase: false,
    global: false,
    newline: 'plain',
    literal: false,
    expanded: false,
  };
  const set = (more: Partial<RegexFlags>): void => {
    flags = { ...flags, ...more };
  };
  for (const c of text) {
    switch (c) {
      case 'i':
        set({ ignoreCase: true });
        break;
      case 'c':
        set({ ignoreCase: false });
        break;
      case 'm':
      case 'n':
        set({ newline: 'sensitive' });
        break;
      case 'p':
        set({ newline: 'partial' });
        break;
      case 'w':
        set({ newline: 'weird' });
        break;
      case 's':
        set({ newline: 'plain' });
        break;
      case 'x':
        set({ expanded: true });
        break;
      case 't':
        set({ expanded: false });
        break;
      case 'q':
        set({ literal: true });
        break;
      case 'e':
      case 'b':
        break;
      default:
        if (before !== undefined) throw invalid('invalid embedded option');
        if (c !== 'g') throw new SqlError('22023', `invalid regular expression option: "${c}"`);
        set({ global: true });
    }
  }
  return flags;
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  alpha: /\p{L}/u,
  digit: /[0-9]/,
  alnum: /[\p{L}\p{Nd}]/u,
  upper: /\p{Lu}/u,
  lower: /\p{Ll}/u,
  space: /\s/,
  blank: /[ \t]/,
  punct: /[!-/:-@[-`{-~]/,
  cntrl: /\p{Cc}/u,
  xdigit: /[0-9A-Fa-f]/,
  graph: /[!-~]/,
  print: /[ -~]/,
  word: WORD_CLASS,
};

/** Class escapes; the second of each is what is not in the class. */
const ESCAPED: Readonly<Record<string, RegExp>> = {
  d: /[0-9]/,
  D: /[^0-9]/,
  s: /\s/,
  S: /\S/,
  w: WORD_CLASS,
  W: /[^\p{L}\p{Nd}_]/u,
};

const ASSERTED: Readonly<Record<string, Assertion>> = {
  A: 'textStart',
  Z: 'textEnd',
  m: 'wordStart',
  M: 'wordEnd',
  y: 'wordEdge',
  Y: 'noWordEdge',
};

const CONTROL: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  B: 0x5c,
  e: 0x1b,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};

/** An atom before its quantifier. */
type Atom = {
  readonly part: Part | undefined;
  readonly syntax: Syntax;
  readonly group: number;
  /** A back reference, not in parentheses. */
  readonly refers: boolean;
};
type Quantifier = { readonly min: number; readonly max: number; readonly prefers: number };

const ONCE: Quantifier = { min: 1, max: 1, prefers: 0 };

export function parseRegex(source: string, flags: RegexFlags): Parsed {
  return new Parser(source, flags).parse();
}

class Parser {
  private readonly text: readonly number[];
  private at = 0;
  private flags: RegexFlags;
  private sets: CharSets;
  private groups = 0;
  /** Groups that have been read to their end. */
  private readonly closed: (Part | undefined)[] = [];
  private depth = 0;

  constructor(source: string, flags: RegexFlags) {
    this.text = [...source].map((c) => c.codePointAt(0)!);
    this.flags = flags;
    this.sets = new CharSets(flags.ignoreCase);
  }

  parse(): Parsed {
    this.prefixes();
    this.sets = new CharSets(this.flags.ignoreCase);
    const root = this.flags.literal ? this.literal() : this.alternatives(false);
    if (this.at < this.text.length) throw invalid('parentheses () not balanced');
    return { root, sets: this.sets, groups: this.groups, flags: this.flags };
  }

  private looking(s: string): boolean {
    for (let i = 0; i < s.length; i++) if (this.text[this.at + i] !== s.charCodeAt(i)) return false;
    return true;
  }

  private eat(s: string): boolean {
    if (!this.looking(s)) return false;
    this.at += s.length;
    return true;
  }

  private get char(): string {
    const code = this.text[this.at];
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  private prefixes(): void {
    if (this.flags.literal) return;
    if (this.text.length >= 4 && this.eat('***')) {
      if (this.eat('=')) {
        this.flags = { ...this.flags, literal: true, newline: 'plain', expanded: false };
        return;
      }
      if (this.looking('?')) throw invalid('invalid regexp (reg version 0.8)');
      if (!this.eat(':')) throw invalid('quantifier operand invalid');
    }
    if (!this.looking('(?') || !/[A-Za-z]/.test(String.fromCodePoint(this.text[this.at + 2] ?? 0))) return;
    this.at += 2;
    let letters = '';
    while (/[A-Za-z]/.test(this.char)) letters += String.fromCodePoint(this.text[this.at++]!);
    if (letters.includes('g')) throw invalid('invalid embedded option');
    this.flags = parseRegexFlags(letters, this.flags);
    if (!this.eat(')')) throw invalid('invalid embedded option');
  }

  private literal(): Part {
    const items = this.text.slice(this.at).map((c) => this.one(c));
    this.at = this.text.length;
    return part('plain', 0, concat(items));
  }

  private one(code: number): Syntax {
    return { kind: 'set', set: this.sets.add({ ranges: [[code, code]], classes: [], negated: false }) };
  }

  /** White space and comments, where they mean nothing. */
  private skip(): void {
    for (;;) {
      if (this.eat('(?#')) {
        while (this.at < this.text.length && this.text[this.at++] !== 0x29);
        continue;
      }
      if (!this.flags.expanded) return;
      if (/^\s$/.test(this.char)) this.at++;
      else if (this.looking('#')) while (this.at < this.text.length && this.text[this.at] !== 10) this.at++;
      else return;
    }
  }

  private get atBranchEnd(): boolean {
    this.skip();
    const c = this.text[this.at];
    return c === undefined || c === 0x7c || (c === 0x29 && this.depth > 0);
  }

  /** `inLook`: parentheses do not capture. */
  private alternatives(inLook: boolean): Part {
    const branches = [this.branch(inLook)];
    while (this.eat('|')) branches.push(this.branch(inLook));
    if (branches.length === 1) return branches[0]!;
    let flags = LONGER;
    for (const b of branches) flags |= up(flags | b.flags);
    const syntax: Syntax = { kind: 'alt', items: branches.map((b) => b.syntax) };
    return isMessy(flags) ? part('alt', flags, syntax, branches) : part('plain', flags, syntax);
  }

  private branch(inLook: boolean): Part {
    const before: Syntax[] = [];
    let flags = 0;
    while (!this.atBranchEnd) {
      const constraint = this.constraint();
      if (constraint !== undefined) {
        before.push(constraint);
        continue;
      }
      const atom = this.atom(inLook);
      const q = this.quantifier();
      if (q.max === 0) {
        // Its groups can be referred to, and never match.
        before.push(EMPTY);
        continue;
      }
      const all = flags | q.prefers | (atom.part?.flags ?? 0);
      const bounded = atom.group > 0 || atom.refers;
      if (!bounded && !isMessy(up(all))) {
        before.push(repeat(atom.syntax, q.min, q.max));
        flags = all;
        continue;
      }
      return this.messy(part('plain', flags, concat(before)), before.length === 0, atom, q, inLook);
    }
    return part('plain', flags, concat(before));
  }

  /** `prefix` is the branch so far. */
  private messy(prefix: Part, isFirst: boolean, atom: Atom, q: Quantifier, inLook: boolean): Part {
    const child = quantified(atom.part ?? part('plain', 0, atom.syntax), q, atom.refers);
    const join = (flags: number, a: Part, b: Part): Part =>
      part('concat', flags, concat([a.syntax, b.syntax]), [a, b]);
    if (this.atBranchEnd) {
      if (isFirst) return child;
      return join(prefix.flags | combine(prefix.flags, child.flags), prefix, child);
    }
    const own = combine(q.prefers, atom.part?.flags ?? 0);
    const rest = this.branch(inLook);
    const tailFlags = own | combine(own, rest.flags);
    const flags = prefix.flags | combine(prefix.flags, tailFlags);
    if (isFirst) return join(flags, child, rest);
    // A clash of preference with what came before only.
    if (
      child.op === 'plain' &&
      rest.op === 'plain' &&
      child.group === 0 &&
      rest.group === 0 &&
      !isMessy(up(child.flags | rest.flags))
    )
      return join(
        flags,
        prefix,
        part('plain', combine(child.flags, rest.flags), concat([child.syntax, rest.syntax])),
      );
    return join(flags, prefix, join(tailFlags, child, rest));
  }

  private constraint(): Syntax | undefined {
    const assertion = (what: Assertion): Syntax => ({ kind: 'assert', what });
    if (this.eat('^')) return assertion('lineStart');
    if (this.eat('$')) return assertion('lineEnd');
    if (this.eat('[[:<:]]')) return assertion('wordStart');
    if (this.eat('[[:>:]]')) return assertion('wordEnd');
    if (this.looking('\\')) {
      const what = ASSERTED[String.fromCodePoint(this.text[this.at + 1] ?? 0)];
      if (what === undefined) return undefined;
      this.at += 2;
      return assertion(what);
    }
    for (const [opening, ahead, negated] of LOOKS)
      if (this.eat(opening)) return { kind: 'look', ahead, negated, item: this.parenthesised(true).syntax };
    return undefined;
  }

  private parenthesised(inLook: boolean): Part {
    this.depth++;
    const inner = this.alternatives(inLook);
    this.depth--;
    if (!this.eat(')')) throw invalid('parentheses () not balanced');
    return inner;
  }

  private atom(inLook: boolean): Atom {
    const plain = (syntax: Syntax): Atom => ({ part: undefined, syntax, group: 0, refers: false });
    const code = this.text[this.at]!;
    const c = this.char;
    if (c === '*' || c === '+' || c === '?') throw invalid('quantifier operand invalid');
    if (c === ')') throw invalid('parentheses () not balanced');
    if (c === '(') return this.group(inLook);
    if (c === '[') return plain(this.bracket());
    if (c === '\\') {
      this.at++;
      return this.escape(inLook);
    }
    this.at++;
    if (c === '.') {
      const stops = this.flags.newline === 'sensitive' || this.flags.newline === 'partial';
      return plain({ kind: 'set', set: this.sets.add(stops ? { ...NEWLINE, negated: true } : ANY) });
    }
    if (c === '{') {
      this.skip();
      if (/^[0-9]$/.test(this.char)) throw invalid('quantifier operand invalid');
    }
    return plain(this.one(code));
  }

  private group(inLook: boolean): Atom {
    this.at++;
    let group = 0;
    if (this.eat('?')) {
      if (!this.eat(':')) throw invalid('quantifier operand invalid');
    } else if (!inLook) group = ++this.groups;
    let inner = this.parenthesised(inLook);
    if (group > 0) {
      inner =
        inner.group === 0
          ? { ...inner, flags: inner.flags | CAPTURES, group }
          : { ...part('wrap', inner.flags | CAPTURES, inner.syntax, [inner]), group };
      this.closed[group] = inner;
    }
    return { part: inner, syntax: inner.syntax, group, refers: false };
  }

  private quantifier(): Quantifier {
    this.skip();
    const lazy = (): number => (this.eat('?') ? SHORTER : LONGER);
    let q: Quantifier;
    if (this.eat('*')) q = { min: 0, max: Infinity, prefers: lazy() };
    else if (this.eat('+')) q = { min: 1, max: Infinity, prefers: lazy() };
    else if (this.eat('?')) q = { min: 0, max: 1, prefers: lazy() };
    else if (this.looking('{') && /^[0-9\s#]$/.test(String.fromCodePoint(this.text[this.at + 1] ?? 0)))
      q = this.bound();
    else return ONCE;
    this.skip();
    if (
      /^[*+?]$/.test(this.char) ||
      (this.looking('{') && /^[0-9]$/.test(String.fromCodePoint(this.text[this.at + 1] ?? 0)))
    )
      throw invalid('quantifier operand invalid');
    return q;
  }

  private bound(): Quantifier {
    const start = this.at++;
    this.skip();
    if (!/^[0-9]$/.test(this.char)) {
      // In expanded syntax: a brace before white space.
      this.at = start;
      return ONCE;
    }
    const number = (): number => {
      let n = 0;
      while (/^[0-9]$/.test(this.char)) {
        n = n * 10 + Number(this.char);
        if (n > REPEATS_MAX) throw invalid('invalid repetition count(s)');
        this.at++;
      }
      return n;
    };
    const min = number();
    let max = min;
    this.skip();
    const ranged = this.eat(',');
    if (ranged) {
      this.skip();
      max = /^[0-9]$/.test(this.char) ? number() : Infinity;
      if (min > max) throw invalid('invalid repetition count(s)');
    }
    this.skip();
    if (this.at >= this.text.length) throw invalid('braces {} not balanced');
    if (!this.eat('}')) throw invalid('invalid repetition count(s)');
    const prefers = this.eat('?') ? SHORTER : LONGER;
    return { min, max, prefers: ranged ? prefers : 0 };
  }

  private escape(inLook: boolean): Atom {
    const c = this.char;
    if (c === '') throw invalid('invalid escape \\ sequence');
    const named = ESCAPED[c];
    if (named !== undefined) {
      this.at++;
      const set = this.sets.add({ ranges: [], classes: [named], negated: false });
      return { part: undefined, syntax: { kind: 'set', set }, group: 0, refers: false };
    }
    const referred = this.backReference();
    if (referred === undefined)
      return { part: undefined, syntax: this.one(this.character()), group: 0, refers: false };
    const whole = this.closed[referred];
    if (inLook || whole === undefined) throw invalid('invalid backreference number');
    const syntax = withoutAssertions(whole.syntax);
    return {
      part: { ...part('backref', REFERS, syntax), refersTo: referred },
      syntax,
      group: 0,
      refers: true,
    };
  }

  /** One digit is a reference; more are when there are so many groups. */
  private backReference(): number | undefined {
    const digits = /^[1-9][0-9]*/.exec(String.fromCodePoint(...this.text.slice(this.at, this.at + 10)))?.[0];
    if (digits === undefined || (digits.length > 1 && Number(digits) > this.groups)) return undefined;
    this.at += digits.length;
    return Number(digits);
  }

  /** The character that an escape stands for; also within brackets. The backslash has been read. */
  private character(): number {
    const code = this.text[this.at++]!;
    const c = String.fromCodePoint(code);
    if (!/[A-Za-z0-9]/.test(c)) return code;
    const control = CONTROL[c];
    if (control !== undefined) return control;
    switch (c) {
      case 'c': {
        const next = this.text[this.at++];
        if (next === undefined) throw invalid('invalid escape \\ sequence');
        return next & 0x1f;
      }
      case 'x':
        return this.digits(/^[0-9A-Fa-f]+/, 16, 1, 255);
      case 'u':
        return this.digits(/^[0-9A-Fa-f]+/, 16, 4, 4);
      case 'U':
        return this.digits(/^[0-9A-Fa-f]+/, 16, 8, 8);
    }
    if (!/[0-9]/.test(c)) throw invalid('invalid escape \\ sequence');
    this.at--;
    const start = this.at;
    const octal = this.digits(/^[0-7]+/, 8, 1, 3);
    if (octal <= 0xff) return octal;
    this.at = start + 2;
    return octal >> 3;
  }

  private digits(pattern: RegExp, base: number, least: number, most: number): number {
    const ahead = String.fromCodePoint(...this.text.slice(this.at, this.at + most));
    const found = pattern.exec(ahead)?.[0] ?? '';
    const n = Number.parseInt(found, base);
    if (found.length < least || n > 0x10ffff) throw invalid('invalid escape \\ sequence');
    this.at += found.length;
    return n;
  }

  private bracket(): Syntax {
    this.at++;
    const negated = this.eat('^');
    const ranges: [number, number][] = [];
    const classes: RegExp[] = [];
    const start = this.at;
    for (;;) {
      if (this.at >= this.text.length) throw invalid('brackets [] not balanced');
      if (this.looking(']') && this.at > start) break;
      if (this.eat('[:')) {
        const found = CLASSES[this.upTo(':]')];
        if (found === undefined) throw invalid('invalid character class');
        classes.push(found);
        continue;
      }
      if (this.eat('[=')) {
        const code = single(this.upTo('=]'));
        ranges.push([code, code]);
        continue;
      }
      if (this.looking('\\')) {
        const named = ESCAPED[String.fromCodePoint(this.text[this.at + 1] ?? 0)];
        if (named !== undefined) {
          this.at += 2;
          classes.push(named);
          continue;
        }
      }
      if (this.looking('-') && this.at > start && !this.looking('-]'))
        throw invalid('invalid character range');
      const from = this.member();
      let to = from;
      if (this.looking('-') && !this.looking('-]')) {
        this.at++;
        if (this.at >= this.text.length) throw invalid('brackets [] not balanced');
        if (this.looking('[:') || this.looking('[=')) throw invalid('invalid character range');
        to = this.member();
        if (to < from) throw invalid('invalid character range');
      }
      ranges.push([from, to]);
    }
    this.at++;
    const stops = negated && (this.flags.newline === 'sensitive' || this.flags.newline === 'partial');
    const set: CharSet = { ranges: stops ? [...ranges, [10, 10]] : ranges, classes, negated };
    return { kind: 'set', set: this.sets.add(set) };
  }

  /** One character of a bracket expression, as an end of a range may be. */
  private member(): number {
    if (this.eat('[.')) return single(this.upTo('.]'));
    if (!this.eat('\\')) return this.text[this.at++]!;
    if (this.at >= this.text.length || /[AmMyYZ1-9dDsSwW]/.test(this.char))
      throw invalid('invalid escape \\ sequence');
    return this.character();
  }

  private upTo(end: string): string {
    let text = '';
    while (!this.looking(end)) {
      if (this.at >= this.text.length) throw invalid('brackets [] not balanced');
      text += String.fromCodePoint(this.text[this.at++]!);
    }
    this.at += end.length;
    return text;
  }
}

const LOOKS: readonly (readonly [string, boolean, boolean])[] = [
  ['(?=', true, false],
  ['(?!', true, true],
  ['(?<=', false, false],
  ['(?<!', false, true],
];

function single(name: string): number {
  const [c, ...more] = [...name];
  if (c === undefined || more.length > 0) throw invalid('invalid collating element');
  return c.codePointAt(0)!;
}

/** The atom with its quantifier; as simple as what happens within it lets it be. */
function quantified(atom: Part, q: Quantifier, refers: boolean): Part {
  const flags = combine(q.prefers, atom.flags);
  const whole = repeat(atom.syntax, q.min, q.max);
  if (refers) return { ...atom, flags: atom.flags | flags, min: q.min, max: q.max, syntax: whole };
  const prefers = atom.flags & (LONGER | SHORTER | MIXED);
  if (q.min === 1 && q.max === 1 && (q.prefers === 0 || prefers === 0 || q.prefers === prefers)) return atom;
  if ((atom.flags & (CAPTURES | REFERS)) === 0) return part('plain', flags, whole);
  if (q.min > 0 && (atom.flags & REFERS) === 0) {
    // Groups show their last repetition: the others need no bounds.
    const others = part('plain', preference(flags), repeat(atom.syntax, q.min - 1, q.max - 1));
    return part('concat', flags, concat([others.syntax, atom.syntax]), [others, atom]);
  }
  return { ...part('iterate', flags, whole, [atom]), min: q.min, max: q.max };
}
