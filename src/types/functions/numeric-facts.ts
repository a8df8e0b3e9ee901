/** What is known of a numeric result before any value is seen: its precision, scale and bounds.
 *
 *  Sound by construction: a fact holds for every pair of arguments that fit their types. Fixed-scale numerics are
 *  never NaN or infinite, so the facts need no exception. */
import { divideRounded, pow10 } from '../numeric.js';
import { NUMERIC, type Range, type SqlType, typeRange } from '../sql-type.js';

export type Fixed = { readonly kind: 'numeric'; readonly precision: number; readonly scale: number };

export function fixed(precision: number, scale: number): SqlType {
  // A precision of 1000 digits is PostgreSQL's limit for a declared type; a longer fact is no use to anyone.
  return precision > 1000 ? NUMERIC : { kind: 'numeric', precision: Math.max(1, precision), scale };
}

export function asFixed(t: SqlType): Fixed | undefined {
  return t.kind === 'numeric' && t.precision !== undefined && t.scale !== undefined && t.scale >= 0
    ? (t as Fixed)
    : undefined;
}

export function sumType(types: readonly SqlType[]): SqlType {
  const [a, b] = [asFixed(types[0]!), asFixed(types[1]!)];
  if (a === undefined || b === undefined) return NUMERIC;
  const scale = Math.max(a.scale, b.scale);
  return fixed(Math.max(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale);
}

export function productType(types: readonly SqlType[]): SqlType {
  const [a, b] = [asFixed(types[0]!), asFixed(types[1]!)];
  if (a === undefined || b === undefined) return NUMERIC;
  return fixed(a.precision + b.precision, a.scale + b.scale);
}

export function remainderType(types: readonly SqlType[]): SqlType {
  const [a, b] = [asFixed(types[0]!), asFixed(types[1]!)];
  if (a === undefined || b === undefined) return NUMERIC;
  const scale = Math.max(a.scale, b.scale);
  return fixed(Math.min(a.precision - a.scale, b.precision - b.scale) + scale, scale);
}

/** div(a, b): at most 10^(integer digits of a) / 10^-(scale of b). */
export function quotientType(types: readonly SqlType[]): SqlType {
  const [a, b] = [asFixed(types[0]!), asFixed(types[1]!)];
  if (a === undefined || b === undefined) return NUMERIC;
  return fixed(a.precision - a.scale + b.scale, 0);
}

/** Rounding to `digits` after the point; `carry` for the digit that rounding up may add. */
export function roundedType(t: SqlType, digits: number | undefined, carry: 0 | 1): SqlType {
  const f = asFixed(t);
  if (f === undefined || digits === undefined || digits > 100) return NUMERIC;
  const scale = Math.max(0, digits);
  return fixed(Math.max(f.precision - f.scale, -digits) + scale + carry, scale);
}

type Bounds = Range | undefined;

/** The argument's bounds: those given, else those of its type. */
export function boundsOf(range: Bounds, type: SqlType): Bounds {
  return range ?? typeRange(type);
}

function scaled(range: Range, by: number): Range {
  return by === 0 ? range : { min: range.min * pow10(by), max: range.max * pow10(by) };
}

function scaleOf(t: SqlType): number | undefined {
  return t.kind === 'numeric' ? asFixed(t)?.scale : 0;
}

function aligned(args: readonly Bounds[], types: readonly SqlType[]): [Range, Range] | undefined {
  const a = boundsOf(args[0], types[0]!);
  const b = boundsOf(args[1], types[1]!);
  const [sa, sb] = [scaleOf(types[0]!), scaleOf(types[1]!)];
  if (a === undefined || b === undefined || sa === undefined || sb === undefined) return undefined;
  const scale = Math.max(sa, sb);
  return [scaled(a, scale - sa), scaled(b, scale - sb)];
}

export function sumRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const ab = aligned(args, types);
  return ab && { min: ab[0].min + ab[1].min, max: ab[0].max + ab[1].max };
}

export function differenceRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const ab = aligned(args, types);
  return ab && { min: ab[0].min - ab[1].max, max: ab[0].max - ab[1].min };
}

export function productRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const a = boundsOf(args[0], types[0]!);
  const b = boundsOf(args[1], types[1]!);
  if (a === undefined || b === undefined) return undefined;
  if (scaleOf(types[0]!) === undefined || scaleOf(types[1]!) === undefined) return undefined;
  const corners = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
  let [min, max] = [corners[0]!, corners[0]!];
  for (const c of corners) {
    if (c < min) min = c;
    if (c > max) max = c;
  }
  return { min, max };
}

/** a / b truncated, for integers: no larger than a, except that MIN / -1 flips it. */
export function integerQuotientRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const a = boundsOf(args[0], types[0]!);
  const b = boundsOf(args[1], types[1]!);
  if (a === undefined || b === undefined) return undefined;
  if (b.min >= 1n)
    return {
      min: a.min >= 0n ? a.min / b.max : a.min / b.min,
      max: a.max >= 0n ? a.max / b.min : a.max / b.max,
    };
  const m = magnitude(a);
  return { min: -m, max: m };
}

/** a % b has a's sign and is smaller than both. */
export function remainderRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const ab = aligned(args, types);
  if (ab === undefined) return undefined;
  const [a, b] = ab;
  const m = magnitude(b) - 1n;
  const limit = m < 0n ? 0n : m;
  return {
    min: a.min >= 0n ? 0n : a.min > -limit ? a.min : -limit,
    max: a.max <= 0n ? 0n : a.max < limit ? a.max : limit,
  };
}

function magnitude(r: Range): bigint {
  const low = r.min < 0n ? -r.min : r.min;
  const high = r.max < 0n ? -r.max : r.max;
  return low > high ? low : high;
}

export function negatedRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const a = boundsOf(args[0], types[0]!);
  return a && { min: -a.max, max: -a.min };
}

export function absRange(args: readonly Bounds[], types: readonly SqlType[]): Bounds {
  const a = boundsOf(args[0], types[0]!);
  if (a === undefined) return undefined;
  if (a.min >= 0n) return a;
  if (a.max <= 0n) return { min: -a.max, max: -a.min };
  return { min: 0n, max: magnitude(a) };
}

/** Bounds at another scale, rounded as the values are. */
export function rescaledRange(a: Range, from: number, to: number): Range {
  if (to >= from) return scaled(a, to - from);
  const unit = pow10(from - to);
  return { min: divideRounded(a.min, unit), max: divideRounded(a.max, unit) };
}
