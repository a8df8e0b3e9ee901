/** What fraction of rows satisfies a predicate.
 *
 *  Owns: the formulas. Uses most common values and histograms where a plain column meets a constant, else the
 *  defaults of PostgreSQL's selfuncs.c. Conjuncts are taken as independent, ranges on one column as one interval. */
import { compareValues } from '../../types/compare.js';
import { compileLike } from '../../types/functions/like.js';
import type { ColId } from '../../types/ids.js';
import { SqlError } from '../../types/sql-error.js';
import { typeRange } from '../../types/sql-type.js';
import type { Value } from '../../types/value.js';
import type { CmpOp, Expr } from '../expr.js';
import { conjuncts, exprType, isVolatile, mirrorCmp } from '../expr-util.js';
import { AGGREGATED, type ColumnEstimate, columnOf, type Estimate, toNumber } from './estimate.js';

const DEFAULT_RANGE = 1 / 3;
const DEFAULT_BETWEEN = 0.05;
const DEFAULT_LIKE = 0.05;
const HAVING = 0.05;

/** Values of parameters when this very execution's are known; used for estimates only. */
export type KnownParams = readonly (Value | undefined)[];

type Bounds = { low: number; high: number; plain: number };

export function selectivity(e: Expr | undefined, input: Estimate, params: KnownParams = []): number {
  let all = 1;
  const ranges = new Map<ColId, Bounds>();
  for (const c of conjuncts(e)) {
    const range = rangeBound(c, input, params);
    if (range === undefined) {
      all *= one(c, input, params);
      continue;
    }
    const b = ranges.get(range.id) ?? { low: 0, high: 1, plain: 1 };
    if (range.below !== undefined) b.high = Math.min(b.high, range.below);
    if (range.above !== undefined) b.low = Math.max(b.low, 1 - range.above);
    if (range.below === undefined && range.above === undefined) b.plain *= DEFAULT_RANGE;
    ranges.set(range.id, b);
  }
  for (const b of ranges.values())
    all *=
      (b.high > b.low ? b.high - b.low : b.low === 0 && b.high === 1 ? 1 : 0.0001) *
      (b.plain < DEFAULT_RANGE ? DEFAULT_BETWEEN : b.plain);
  return clamp(all);
}

function clamp(x: number): number {
  return Math.min(1, Math.max(0, Number.isFinite(x) ? x : 0.1));
}

/** `col < const` and kin: the fraction below (or above) the constant. */
function rangeBound(
  e: Expr,
  input: Estimate,
  params: KnownParams,
): { id: ColId; below: number | undefined; above: number | undefined } | undefined {
  if (e.kind !== 'cmp' || e.op === '=' || e.op === '<>') return undefined;
  const side = columnAgainstValue(e.left, e.right, e.op, params);
  if (side === undefined) return undefined;
  const { column, value, op } = side;
  if (column.kind !== 'col') return undefined;
  const c = columnOf(input, column.id);
  const lower = op === '<' || op === '<=';
  if (c.stats === AGGREGATED) {
    const few = lower ? { below: HAVING, above: undefined } : { below: undefined, above: HAVING };
    return { id: column.id, ...few };
  }
  if (value === undefined || value === null) return { id: column.id, below: undefined, above: undefined };
  const below = fractionBelow(c, value, column, op === '<=' || op === '>');
  if (below === undefined) return { id: column.id, below: undefined, above: undefined };
  return lower
    ? { id: column.id, below, above: undefined }
    : { id: column.id, below: undefined, above: 1 - below };
}

function columnAgainstValue(
  left: Expr,
  right: Expr,
  op: CmpOp,
  params: KnownParams,
): { column: Expr; value: Value | undefined; op: CmpOp } | undefined {
  const value = (x: Expr): { v: Value | undefined } | undefined =>
    x.kind === 'const'
      ? { v: x.value }
      : x.kind === 'param'
        ? { v: params[x.index] }
        : x.kind === 'call' && !isVolatile(x) && x.args.every((a) => value(a) !== undefined)
          ? { v: undefined }
          : undefined;
  const l = stripCast(left);
  const r = stripCast(right);
  const rv = value(r);
  if (rv !== undefined && value(l) === undefined) return { column: l, value: rv.v, op };
  const lv = value(l);
  if (lv !== undefined && rv === undefined) return { column: r, value: lv.v, op: mirrorCmp(op) };
  return undefined;
}

/** The column under casts that keep the order of values. */
function stripCast(e: Expr): Expr {
  return e.kind === 'call' && e.fn.startsWith('cast(') && e.args[0].kind === 'col' ? e.args[0] : e;
}

/** The fraction of all rows with a value below (or equal to, when inclusive) `value`. */
function fractionBelow(
  c: ColumnEstimate,
  value: Value,
  column: Expr,
  inclusive: boolean,
): number | undefined {
  const { stats } = c;
  const type = exprType(column);
  const compare = (a: Value, b: Value): number => {
    try {
      return compareValues(type, a, b);
    } catch {
      return (toNumber(a) ?? 0) - (toNumber(b) ?? 0);
    }
  };
  let common = 0;
  let commonBelow = 0;
  for (const m of stats?.mostCommon ?? []) {
    common += m.fraction;
    const d = compare(m.value, value);
    if (d < 0 || (inclusive && d === 0)) commonBelow += m.fraction;
  }
  const rest = Math.max(0, 1 - common - c.nullFraction);
  const bounds = stats?.histogram;
  if (bounds !== undefined && bounds.length >= 2) {
    let i = 0;
    while (i < bounds.length && compare(bounds[i], value) < 0) i++;
    if (i === 0) return commonBelow;
    if (i === bounds.length) return commonBelow + rest;
    const lo = toNumber(bounds[i - 1]);
    const hi = toNumber(bounds[i]);
    const v = toNumber(value);
    const inside =
      lo === undefined || hi === undefined || v === undefined || hi <= lo ? 0.5 : (v - lo) / (hi - lo);
    return commonBelow + (rest * (i - 1 + Math.min(1, Math.max(0, inside)))) / (bounds.length - 1);
  }
  if (stats?.mostCommon !== undefined && rest < 0.001) return commonBelow;
  const range = stats?.range;
  if (range === undefined || (type.kind !== 'numeric' && typeRange(type) === undefined)) return undefined;
  const unit = type.kind === 'numeric' ? 10 ** (type.scale ?? 0) : 1;
  const lo = Number(range.min) / unit;
  const hi = Number(range.max) / unit;
  const v = toNumber(value);
  if (v === undefined) return undefined;
  if (hi <= lo) return v > lo || (inclusive && v === lo) ? 1 : 0;
  return Math.min(1, Math.max(0, (v - lo) / (hi - lo))) * (1 - c.nullFraction);
}

function equals(c: ColumnEstimate, value: Value | undefined, column: Expr): number {
  if (value === null) return 0;
  const { stats } = c;
  const spread = (1 - c.nullFraction) / Math.max(1, c.distinct);
  if (value === undefined || stats === undefined) return spread;
  const type = exprType(column);
  let common = 0;
  for (const m of stats.mostCommon ?? []) {
    common += m.fraction;
    try {
      if (compareValues(type, m.value, value) === 0) return m.fraction;
    } catch {
      // A parameter's hint of another type: no match.
    }
  }
  const others = (stats.distinct ?? c.distinct) - (stats.mostCommon?.length ?? 0);
  if (stats.mostCommon === undefined || stats.mostCommon.length === 0) return spread;
  return others <= 0 ? 0.00001 : Math.max(0, 1 - common - c.nullFraction) / others;
}

function one(e: Expr, input: Estimate, params: KnownParams): number {
  switch (e.kind) {
    case 'const':
      return e.value === true ? 1 : 0;
    case 'col':
      return exprType(e).kind === 'bool' ? 0.5 : 1;
    case 'and':
      return selectivity(e, input, params);
    case 'or':
      return 1 - e.args.reduce((p, a) => p * (1 - selectivity(a, input, params)), 1);
    case 'not':
      return 1 - selectivity(e.arg, input, params);
    case 'isnull': {
      const f = e.arg.kind === 'col' ? columnOf(input, e.arg.id).nullFraction : 0.005;
      return e.negated ? 1 - f : f;
    }
    case 'istruth': {
      const f = selectivity(e.arg, input, params);
      return e.truth !== e.negated ? f : 1 - f;
    }
    case 'cmp':
      return comparison(e, input, params);
    case 'distinct':
      return e.negated ? comparison({ op: '=', left: e.left, right: e.right }, input, params) : 0.9;
    case 'in': {
      let sum = 0;
      for (const x of e.list) sum += comparison({ op: '=', left: e.arg, right: x }, input, params);
      const s = clamp(sum);
      return e.negated ? 1 - s : s;
    }
    case 'like': {
      const s = like(e, input, params);
      return e.negated ? 1 - s : s;
    }
    default:
      return DEFAULT_RANGE;
  }
}

function comparison(
  e: { readonly op: CmpOp; readonly left: Expr; readonly right: Expr },
  input: Estimate,
  params: KnownParams,
): number {
  const side = columnAgainstValue(e.left, e.right, e.op, params);
  if (side !== undefined && side.column.kind === 'col') {
    const c = columnOf(input, side.column.id);
    if (e.op === '=') return equals(c, side.value, side.column);
    if (e.op === '<>') return Math.max(0, 1 - c.nullFraction - equals(c, side.value, side.column));
    const bound = rangeBound({ kind: 'cmp', op: e.op, left: e.left, right: e.right }, input, params);
    return bound?.below ?? bound?.above ?? DEFAULT_RANGE;
  }
  const distinct = Math.max(distinctOf(e.left, input), distinctOf(e.right, input));
  if (e.op === '=') return 1 / Math.max(1, distinct);
  if (e.op === '<>') return 1 - 1 / Math.max(2, distinct);
  return DEFAULT_RANGE;
}

/** Distinct values of an expression: a column's own, of a function at most its arguments'. */
export function distinctOf(e: Expr, input: Estimate): number {
  switch (e.kind) {
    case 'col':
      return columnOf(input, e.id).distinct;
    case 'const':
    case 'param':
      return 1;
    case 'cmp':
    case 'and':
    case 'or':
    case 'not':
    case 'isnull':
    case 'istruth':
    case 'in':
    case 'like':
    case 'distinct':
      return 2;
    case 'case':
      return Math.min(
        input.rows,
        e.whens.reduce(
          (n, w) => n + distinctOf(w.then, input),
          e.otherwise === undefined ? 1 : distinctOf(e.otherwise, input),
        ),
      );
    case 'call': {
      if (e.fn.startsWith('cast(')) return distinctOf(e.args[0], input);
      const product = e.args.reduce((n, a) => n * distinctOf(a, input), 1);
      if (/^(extract|date_part)\(/.test(e.fn)) return Math.min(product, 12);
      if (/^(substring|substr|left|right|date_trunc)\(/.test(e.fn)) return Math.min(product, 100);
      return Math.max(1, Math.min(product, input.rows));
    }
    default:
      return Math.max(1, Math.min(200, input.rows));
  }
}

function like(e: Extract<Expr, { kind: 'like' }>, input: Estimate, params: KnownParams): number {
  const arg = stripCast(e.arg);
  const pattern =
    e.pattern.kind === 'const'
      ? e.pattern.value
      : e.pattern.kind === 'param'
        ? params[e.pattern.index]
        : undefined;
  if (typeof pattern !== 'string') return DEFAULT_LIKE;
  const stats = arg.kind === 'col' ? columnOf(input, arg.id).stats : undefined;
  const matches = likeMatcher(pattern, e.escape, e.caseInsensitive);
  let common = 0;
  let matched = 0;
  for (const m of stats?.mostCommon ?? [])
    if (typeof m.value === 'string') {
      common += m.fraction;
      if (matches(m.value)) matched += m.fraction;
    }
  const rest = Math.max(0, 1 - common - (arg.kind === 'col' ? columnOf(input, arg.id).nullFraction : 0));
  const bounds = stats?.histogram;
  if (bounds !== undefined && bounds.length >= 20) {
    const hits = bounds.filter((b) => typeof b === 'string' && matches(b)).length;
    return matched + rest * Math.max(hits / bounds.length, Math.min(byShape(pattern), 0.5 / bounds.length));
  }
  return matched + rest * byShape(pattern);
}

/** PostgreSQL's guess: each literal character keeps a fifth, `%` gives some back. */
function byShape(pattern: string): number {
  let s = 1;
  for (const ch of pattern.replace(/^%/, '')) s *= ch === '%' ? 5 : ch === '_' ? 0.9 : 0.2;
  return Math.min(0.9, Math.max(0.0005, pattern.startsWith('%') ? s * 5 : s));
}

/** Nothing matches a malformed pattern: the query will fail. */
function likeMatcher(pattern: string, escapeChar: string, insensitive: boolean): (s: string) => boolean {
  try {
    return compileLike(pattern, escapeChar, insensitive);
  } catch (e) {
    if (e instanceof SqlError) return () => false;
    throw e;
  }
}
