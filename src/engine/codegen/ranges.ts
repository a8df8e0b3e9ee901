/** Interval arithmetic on guaranteed bounds: which register an exact result needs. */
import { type Range, type Repr, type SqlType, typeRange } from '../../types/sql-type.js';

export const I64: Range = { min: -(1n << 63n), max: (1n << 63n) - 1n };
export const I128: Range = { min: -(1n << 127n), max: (1n << 127n) - 1n };
export const I32: Range = { min: -(1n << 31n), max: (1n << 31n) - 1n };
export const I16: Range = { min: -32768n, max: 32767n };

/** Math.min for bigints. */
export function smaller(a: bigint, b: bigint): bigint {
  if (b < a) return b;
  return a;
}

export function larger(a: bigint, b: bigint): bigint {
  if (b > a) return b;
  return a;
}

export function within(r: Range, bounds: Range): boolean {
  return r.min >= bounds.min && r.max <= bounds.max;
}

export function intersect(a: Range | undefined, b: Range | undefined): Range | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const min = larger(a.min, b.min);
  const max = smaller(a.max, b.max);
  // Contradicting bounds: no value at all; either is a guarantee.
  return min > max ? a : { min, max };
}

export function union(a: Range | undefined, b: Range | undefined): Range | undefined {
  if (a === undefined || b === undefined) return undefined;
  return { min: smaller(a.min, b.min), max: larger(a.max, b.max) };
}

export function addRange(a: Range, b: Range): Range {
  return { min: a.min + b.min, max: a.max + b.max };
}

export function subRange(a: Range, b: Range): Range {
  return { min: a.min - b.max, max: a.max - b.min };
}

export function mulRange(a: Range, b: Range): Range {
  const p = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
  return { min: p.reduce(smaller), max: p.reduce(larger) };
}

export function scaleRange(r: Range, factor: bigint): Range {
  return { min: r.min * factor, max: r.max * factor };
}

/** The bounds that hold for a value: what is known, within what its type and representation allow. */
export function boundsOf(v: { type: SqlType; repr: Repr; range?: Range | undefined }): Range | undefined {
  const byRepr = v.repr === 'i64' ? I64 : v.repr === 'i128' ? I128 : undefined;
  return intersect(intersect(v.range, typeRange(v.type)), v.type.kind === 'numeric' ? byRepr : undefined);
}

/** The register for a numeric of known scale with these bounds. */
export function numericRepr(r: Range | undefined): 'i64' | 'i128' | 'str' {
  if (r === undefined) return 'str';
  if (within(r, I64)) return 'i64';
  return within(r, I128) ? 'i128' : 'str';
}
