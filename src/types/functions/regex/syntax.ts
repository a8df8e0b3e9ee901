/** Regular expressions as trees: what an automaton is made of, and above it how a match is divided among groups.
 *
 *  `Syntax` is the regular part. A `Part` is a piece whose bounds in a match matter, because there are groups or back
 *  references in it, or because it prefers short matches where its surroundings prefer long ones; `plain` parts have no
 *  inner bounds that matter. Source: PostgreSQL's regcomp.c (struct subre), whose rules of preference these are. */

import { SqlError } from '../../sql-error.js';

export function invalid(why: string): SqlError {
  return new SqlError('2201B', `invalid regular expression: ${why}`);
}

export type Assertion =
  | 'lineStart'
  | 'lineEnd'
  | 'textStart'
  | 'textEnd'
  | 'wordStart'
  | 'wordEnd'
  | 'wordEdge'
  | 'noWordEdge';

export type Syntax =
  /** One character of a set, by its number in the expression's `CharSets`. */
  | { readonly kind: 'set'; readonly set: number }
  | { readonly kind: 'concat'; readonly items: readonly Syntax[] }
  | { readonly kind: 'alt'; readonly items: readonly Syntax[] }
  | { readonly kind: 'repeat'; readonly item: Syntax; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'look'; readonly ahead: boolean; readonly negated: boolean; readonly item: Syntax };

export const EMPTY: Syntax = { kind: 'concat', items: [] };

/** Preferences and what else decides whether bounds matter, as bits. */
export const LONGER = 1;
export const SHORTER = 2;
export const MIXED = 4;
export const CAPTURES = 8;
export const REFERS = 16;

export type Part = {
  readonly op: 'plain' | 'concat' | 'alt' | 'iterate' | 'wrap' | 'backref';
  readonly flags: number;
  readonly syntax: Syntax;
  /** concat: two. */
  readonly children: readonly Part[];
  /** iterate and backref. */
  readonly min: number;
  readonly max: number;
  /** backref: the group it repeats. */
  readonly refersTo: number;
  /** The number of the group that this part is; 0 for none. */
  readonly group: number;
};

export function part(op: Part['op'], flags: number, syntax: Syntax, children: readonly Part[] = []): Part {
  return { op, flags, syntax, children, min: 1, max: 1, refersTo: 0, group: 0 };
}

export function concat(items: readonly Syntax[]): Syntax {
  return items.length === 1 ? items[0]! : { kind: 'concat', items };
}

export function repeat(item: Syntax, min: number, max: number): Syntax {
  if (max === 0) return EMPTY;
  return min === 1 && max === 1 ? item : { kind: 'repeat', item, min, max };
}

export function preference(flags: number): number {
  return flags & (LONGER | SHORTER);
}

/** What a part's flags mean for the part around it: two preferences below are a mixed one. */
export function up(flags: number): number {
  return (flags & ~(LONGER | SHORTER)) | ((flags & LONGER) !== 0 && (flags & SHORTER) !== 0 ? MIXED : 0);
}

/** The first preference counts. */
export function combine(first: number, second: number): number {
  return up(first | second) | (preference(first) !== 0 ? preference(first) : preference(second));
}

export function isMessy(flags: number): boolean {
  return (flags & (MIXED | CAPTURES | REFERS)) !== 0;
}

/** The expression without what looks at its surroundings: what a back reference may match. */
export function withoutAssertions(s: Syntax): Syntax {
  switch (s.kind) {
    case 'set':
      return s;
    case 'assert':
    case 'look':
      return EMPTY;
    case 'repeat':
      return { ...s, item: withoutAssertions(s.item) };
    default:
      return { ...s, items: s.items.map(withoutAssertions) };
  }
}
