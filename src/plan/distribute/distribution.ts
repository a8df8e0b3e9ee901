/** Where the rows of an operator live, and when two inputs are together already.
 *
 *  Owns: the lattice of distributions and the equality classes of hash keys. Keys are texts of expressions with casts
 *  that keep the hash removed (`hashKeyOf`), so `o_orderkey` and `o_orderkey::bigint` are one key. Source: the
 *  "locus" of Greenplum's planner. */
import type { SqlType } from '../../types/sql-type.js';
import type { Expr } from '../expr.js';
import { exprKey, exprType } from '../expr-util.js';

export type Distribution =
  /** On all segments, each row on segment hash(keys): element i is the set of expressions known equal to key i. */
  | { readonly kind: 'hashed'; readonly keys: readonly ReadonlySet<string>[] }
  /** On all segments, each row on one of them. */
  | { readonly kind: 'random' }
  /** On all segments, each row on every one. */
  | { readonly kind: 'replicated' }
  /** Constant rows that any process can make for itself. */
  | { readonly kind: 'general' }
  /** On the master. */
  | { readonly kind: 'single' };

export const RANDOM: Distribution = { kind: 'random' };
export const REPLICATED: Distribution = { kind: 'replicated' };
export const GENERAL: Distribution = { kind: 'general' };
export const SINGLE: Distribution = { kind: 'single' };

export function isPartitioned(d: Distribution): boolean {
  return d.kind === 'hashed' || d.kind === 'random';
}

/** Every process that could need the rows has all of them. */
export function isEverywhere(d: Distribution): boolean {
  return d.kind === 'replicated' || d.kind === 'general';
}

type HashFamily = 'int' | 'float' | 'numeric' | 'text' | 'other';

function hashFamily(t: SqlType): HashFamily {
  switch (t.kind) {
    case 'bool':
    case 'int2':
    case 'int4':
    case 'int8':
    case 'oid':
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return 'int';
    case 'float4':
    case 'float8':
      return 'float';
    case 'numeric':
      return 'numeric';
    case 'text':
    case 'varchar':
    case 'name':
    case 'char':
      return 'text';
    default:
      return 'other';
  }
}

/** The expression without casts that keep the distribution hash of every value. */
export function stripHashCasts(e: Expr): Expr {
  if (e.kind !== 'call' || !e.fn.startsWith('cast(')) return e;
  const arg = e.args[0];
  const from = exprType(arg);
  const to = e.type;
  const a = hashFamily(from);
  if (to.kind === 'bool' || from.kind === 'bool') return e;
  // char(n) hashes and casts to text without its padding; a length on the target may cut.
  const keeps =
    a === 'int'
      ? hashFamily(to) === 'int' && (to.kind === 'int8' || to.kind === 'int4' || to.kind === from.kind)
      : a === 'float'
        ? to.kind === 'float8'
        : a === 'numeric'
          ? to.kind === 'numeric' &&
            (to.scale === undefined ||
              (from.kind === 'numeric' && from.scale !== undefined && to.scale >= from.scale))
          : (a === 'text' || from.kind === 'bpchar') &&
            (to.kind === 'text' || (to.kind === 'varchar' && to.length === undefined));
  return keeps ? stripHashCasts(arg) : e;
}

const hashKeys = new WeakMap<Expr, string>();

export function hashKeyOf(e: Expr): string {
  let key = hashKeys.get(e);
  if (key === undefined) {
    key = exprKey(stripHashCasts(e));
    hashKeys.set(e, key);
  }
  return key;
}

/** An equality of a join: `left` over the left input, `right` over the right. */
export type HashPair = {
  readonly left: Expr;
  readonly right: Expr;
  readonly leftKey: string;
  readonly rightKey: string;
  readonly nullSafe: boolean;
};

/** Do equal pairs meet on one segment when both sides are hashed so? */
export function coLocated(
  left: readonly ReadonlySet<string>[],
  right: readonly ReadonlySet<string>[],
  pairs: readonly HashPair[],
): boolean {
  return (
    left.length === right.length &&
    left.every((k, i) => pairs.some((p) => k.has(p.leftKey) && right[i].has(p.rightKey)))
  );
}

/** The other side's expressions that correspond, key by key, to the keys of the side that stays. */
export function matchingKeys(
  stays: readonly ReadonlySet<string>[],
  pairs: readonly HashPair[],
  side: 'left' | 'right',
): readonly HashPair[] | undefined {
  const found: HashPair[] = [];
  for (const k of stays) {
    const p = pairs.find((x) => k.has(side === 'left' ? x.leftKey : x.rightKey));
    if (p === undefined) return undefined;
    found.push(p);
  }
  return found;
}

/** The distribution after `a = b` became true of every row. */
export function withEqualities(d: Distribution, pairs: readonly HashPair[]): Distribution {
  if (d.kind !== 'hashed') return d;
  const keys = d.keys.map((k) => {
    let grown: Set<string> | undefined;
    for (const p of pairs) {
      if (p.nullSafe) continue;
      if (k.has(p.leftKey) && !k.has(p.rightKey)) grown = (grown ?? new Set(k)).add(p.rightKey);
      if (k.has(p.rightKey) && !k.has(p.leftKey)) grown = (grown ?? new Set(k)).add(p.leftKey);
    }
    return grown ?? k;
  });
  return { kind: 'hashed', keys };
}

/** Rows that agree on these expressions are on one process: no motion is needed to group or de-duplicate by them. */
export function groupsTogether(d: Distribution, groupKeys: ReadonlySet<string>): boolean {
  if (d.kind === 'random') return false;
  if (d.kind !== 'hashed') return true;
  return d.keys.every((k) => [...k].some((x) => groupKeys.has(x)));
}

const signatures = new WeakMap<Distribution, string>();

/** Equal for pruning: alternatives with one signature compete by cost alone. */
export function signature(d: Distribution): string {
  if (d.kind !== 'hashed') return d.kind;
  let s = signatures.get(d);
  if (s === undefined) {
    s = `h${d.keys.map((k) => [...k].sort().join('=')).join(';')}`;
    signatures.set(d, s);
  }
  return s;
}
