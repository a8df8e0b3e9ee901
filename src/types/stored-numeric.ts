/** NaN on its way into a numeric(p,s) column whose values travel as scaled integers.
 *
 *  Owns: the one integer that stands for NaN there, the largest of the width: no value of p digits reaches it. It occurs
 *  only between what parses a COPY's lines and what encodes a row group; no expression, hash or zone map ever sees it.
 *  Must not know: plans, files. See decision 021. */
import { NAN } from './numeric.js';
import { reprOf, type SqlType } from './sql-type.js';
import type { Numeric, Value } from './value.js';

const STANDS_FOR_NAN = { i64: (1n << 63n) - 1n, i128: (1n << 127n) - 1n } as const;

/** A numeric whose scale is known: what a column declares, or what is known of an expression. */
export type ScaledNumeric = Extract<SqlType, { kind: 'numeric' }> & {
  readonly precision: number;
  readonly scale: number;
};

export function isScaled(type: SqlType): type is ScaledNumeric {
  return type.kind === 'numeric' && type.precision !== undefined && type.scale !== undefined;
}

/** The integer that stands for NaN; undefined for a type whose values are bytes, which say it themselves. */
export function nanInteger(type: SqlType): bigint | undefined {
  if (!isScaled(type)) return undefined;
  const repr = reprOf(type);
  return repr === 'i64' || repr === 'i128' ? STANDS_FOR_NAN[repr] : undefined;
}

/** The value in the form in which it travels to the column. */
export function toStored(type: SqlType, value: Value): Value {
  const nan = nanInteger(type);
  if (nan === undefined || !isNan(value)) return value;
  return { unscaled: nan, scale: (type as ScaledNumeric).scale };
}

/** The inverse of `toStored`. */
export function fromStored(type: SqlType, value: Numeric): Numeric {
  return 'unscaled' in value && value.unscaled === nanInteger(type) ? NAN : value;
}

export function isNan(value: Value | undefined): boolean {
  return typeof value === 'object' && value !== null && 'special' in value && value.special === 'NaN';
}
