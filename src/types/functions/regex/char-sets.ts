/** The sets of characters that an expression names, and their colours: characters that no set tells apart are one colour,
 *  so that automata have few columns. Colours are found as characters turn up. */

import { invalid } from './syntax.js';

export type CharSet = {
  /** Pairs of first and last. */
  readonly ranges: readonly (readonly [number, number])[];
  /** Each tells whether a character is in it. */
  readonly classes: readonly RegExp[];
  readonly negated: boolean;
};

export const ANY: CharSet = { ranges: [], classes: [], negated: true };
export const NEWLINE: CharSet = { ranges: [[10, 10]], classes: [], negated: false };
export const WORD_CLASS = /[\p{L}\p{Nd}_]/u;
export const WORD: CharSet = { ranges: [], classes: [WORD_CLASS], negated: false };

const TABLE_SIZE = 512;
/** Colours are below it. */
export const COLOURS_MAX = 1 << 16;
const SETS_MAX = 4096;

export class CharSets {
  private readonly ignoreCase: boolean;
  private readonly sets: CharSet[] = [];
  private readonly numbers = new Map<string, number>();
  /** colour -> set -> 1 when its characters are members. */
  private readonly members: Uint8Array[] = [];
  private readonly colours = new Map<string, number>();
  private readonly table = new Int32Array(TABLE_SIZE).fill(-1);
  private readonly rest = new Map<number, number>();

  constructor(ignoreCase: boolean) {
    this.ignoreCase = ignoreCase;
  }

  /** The set's number. All sets are added before the first colour is asked for. */
  add(set: CharSet): number {
    const key = `${set.negated} ${set.ranges.join(';')} ${set.classes.map((c) => c.source).join(' ')}`;
    let n = this.numbers.get(key);
    if (n === undefined) {
      if (this.sets.length >= SETS_MAX) throw invalid('regular expression is too complex');
      n = this.sets.push(set) - 1;
      this.numbers.set(key, n);
    }
    return n;
  }

  /** The one character of the set. */
  single(set: number): string | undefined {
    const { ranges, classes, negated } = this.sets[set]!;
    const [range, ...more] = ranges;
    if (this.ignoreCase || negated || classes.length > 0 || more.length > 0) return undefined;
    return range !== undefined && range[0] === range[1] ? String.fromCodePoint(range[0]) : undefined;
  }

  has(set: number, colour: number): boolean {
    return this.members[colour]![set] === 1;
  }

  /** Colours that have turned up so far. */
  get count(): number {
    return this.members.length;
  }

  colourOf(code: number): number {
    const known = code < TABLE_SIZE ? this.table[code]! : (this.rest.get(code) ?? -1);
    if (known >= 0) return known;
    const cases = this.ignoreCase ? casesOf(code) : [code];
    const members = Uint8Array.from(this.sets, (s) =>
      cases.some((c) => contains(s, c)) !== s.negated ? 1 : 0,
    );
    const key = members.join('');
    let colour = this.colours.get(key);
    if (colour === undefined) {
      if (this.members.length >= COLOURS_MAX - 1) throw invalid('regular expression is too complex');
      colour = this.members.push(members) - 1;
      this.colours.set(key, colour);
    }
    if (code < TABLE_SIZE) this.table[code] = colour;
    else this.rest.set(code, colour);
    return colour;
  }
}

function contains(set: CharSet, code: number): boolean {
  if (set.ranges.some(([from, to]) => code >= from && code <= to)) return true;
  return set.classes.length > 0 && set.classes.some((c) => c.test(String.fromCodePoint(code)));
}

/** The character in both cases, where each is one character. */
export function casesOf(code: number): readonly number[] {
  const c = String.fromCodePoint(code);
  const cases = [code];
  for (const other of [c.toLowerCase(), c.toUpperCase()]) {
    const n = other.codePointAt(0) ?? code;
    if (n !== code && other === String.fromCodePoint(n)) cases.push(n);
  }
  return cases;
}
