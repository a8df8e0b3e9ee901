/** Exact decimal arithmetic with PostgreSQL's rules for the result's display scale.
 *
 *  Owns: + - * / % round trunc ceil floor, comparison, text form and numeric(p,s) coercion of `Numeric`; roots and
 *  logarithms are in `numeric-math.ts`. Invariants: no value passes through a double; rounding is half away from
 *  zero. Source: PostgreSQL, src/backend/utils/adt/numeric.c (scales of results, specials, errors). */
import { SqlError } from './sql-error.js';
import type { Numeric } from './value.js';

/** `select_div_scale` and the transcendental functions keep at least this many significant digits. */
export const MIN_SIG_DIGITS = 16;
export const MAX_DISPLAY_SCALE = 1000;
const SCALE_MAX = 16383;
const INTEGER_DIGITS_MAX = 131072;

export type Finite = { readonly unscaled: bigint; readonly scale: number };

export const NAN: Numeric = { special: 'NaN' };
export const POSITIVE_INFINITY: Numeric = { special: 'Infinity' };
export const NEGATIVE_INFINITY: Numeric = { special: '-Infinity' };
export const ZERO: Finite = { unscaled: 0n, scale: 0 };
export const ONE: Finite = { unscaled: 1n, scale: 0 };

const POWERS: bigint[] = [1n];

/** 10^n for n >= 0. */
export function pow10(n: number): bigint {
  if (n > 2000) return 10n ** BigInt(n);
  for (let i = POWERS.length; i <= n; i++) POWERS.push(POWERS[i - 1]! * 10n);
  return POWERS[n]!;
}

export function isFiniteNumeric(v: Numeric): v is Finite {
  return 'unscaled' in v;
}

function isNan(v: Numeric): boolean {
  return 'special' in v && v.special === 'NaN';
}

/** -1, 0 or 1; NaN counts as 1, as it sorts last. */
export function signOf(v: Numeric): number {
  if ('special' in v) return v.special === '-Infinity' ? -1 : 1;
  return v.unscaled < 0n ? -1 : v.unscaled > 0n ? 1 : 0;
}

function infinity(sign: number): Numeric {
  return sign < 0 ? NEGATIVE_INFINITY : POSITIVE_INFINITY;
}

function abs(v: bigint): bigint {
  return v < 0n ? -v : v;
}

export function overflow(): SqlError {
  return new SqlError('22003', 'value overflows numeric format');
}

export function divisionByZero(): SqlError {
  return new SqlError('22012', 'division by zero');
}

/** a / b rounded half away from zero; b > 0. */
export function divideRounded(a: bigint, b: bigint): bigint {
  return a < 0n ? -((2n * -a + b) / (2n * b)) : (2n * a + b) / (2n * b);
}

/** The unscaled value at another scale, rounded half away from zero when digits go. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (from === to) return unscaled;
  return to > from ? unscaled * pow10(to - from) : divideRounded(unscaled, pow10(from - to));
}

/** 22003 when the value has more digits than the format holds; the value otherwise. */
export function checked(unscaled: bigint, scale: number): Finite {
  // A cheap bound first: 2^400000 is far below 10^131072.
  const limit = INTEGER_DIGITS_MAX + scale;
  if (unscaled > BOUND || unscaled < -BOUND) {
    const digits = abs(unscaled).toString().length;
    if (digits > limit) throw overflow();
  }
  return { unscaled, scale };
}
const BOUND = 1n << 8192n;

export function addNumeric(a: Numeric, b: Numeric): Numeric {
  if (!isFiniteNumeric(a) || !isFiniteNumeric(b)) {
    if (isNan(a) || isNan(b)) return NAN;
    if (!isFiniteNumeric(a) && !isFiniteNumeric(b)) return signOf(a) === signOf(b) ? a : NAN;
    return isFiniteNumeric(a) ? b : a;
  }
  if (a.scale === b.scale) return checked(a.unscaled + b.unscaled, a.scale);
  if (a.scale > b.scale) return checked(a.unscaled + b.unscaled * pow10(a.scale - b.scale), a.scale);
  return checked(a.unscaled * pow10(b.scale - a.scale) + b.unscaled, b.scale);
}

export function negateNumeric(a: Numeric): Numeric {
  if (isFiniteNumeric(a)) return { unscaled: -a.unscaled, scale: a.scale };
  return isNan(a) ? a : infinity(-signOf(a));
}

export function subtractNumeric(a: Numeric, b: Numeric): Numeric {
  return addNumeric(a, negateNumeric(b));
}

export function multiplyNumeric(a: Numeric, b: Numeric): Numeric {
  if (!isFiniteNumeric(a) || !isFiniteNumeric(b)) {
    if (isNan(a) || isNan(b)) return NAN;
    const sign = signOf(a) * signOf(b);
    return sign === 0 ? NAN : infinity(sign);
  }
  const scale = a.scale + b.scale;
  const product = a.unscaled * b.unscaled;
  if (scale > SCALE_MAX) return checked(rescale(product, scale, SCALE_MAX), SCALE_MAX);
  return checked(product, scale);
}

/** Position of the first base-10000 digit (0 holds the units) and that digit: how PostgreSQL sees magnitude. */
export function leadingDigit(v: Finite): { readonly weight: number; readonly digit: number } {
  if (v.unscaled === 0n) return { weight: 0, digit: 0 };
  const digits = abs(v.unscaled).toString();
  const integerDigits = digits.length - v.scale;
  const weight = Math.floor((integerDigits - 1) / 4);
  const take = integerDigits - weight * 4;
  return { weight, digit: Number(digits.slice(0, take).padEnd(take, '0')) };
}

/** The display scale of a / b, for the magnitudes of exactly these two values. */
export function divisionScale(a: Finite, b: Finite): number {
  const la = leadingDigit(a);
  const lb = leadingDigit(b);
  let weight = la.weight - lb.weight;
  if (la.digit <= lb.digit) weight--;
  const scale = Math.max(MIN_SIG_DIGITS - weight * 4, a.scale, b.scale, 0);
  return Math.min(scale, MAX_DISPLAY_SCALE);
}

/** a / b at the given scale, rounded; b is not zero. */
export function divideAtScale(a: Finite, b: Finite, scale: number): Finite {
  const negative = a.unscaled < 0n !== b.unscaled < 0n;
  let numerator = abs(a.unscaled);
  let denominator = abs(b.unscaled);
  const shift = scale - a.scale + b.scale;
  if (shift >= 0) numerator *= pow10(shift);
  else denominator *= pow10(-shift);
  const quotient = (2n * numerator + denominator) / (2n * denominator);
  return checked(negative ? -quotient : quotient, scale);
}

export function divideNumeric(a: Numeric, b: Numeric): Numeric {
  if (isNan(a) || isNan(b)) return NAN;
  if (!isFiniteNumeric(a)) {
    if (!isFiniteNumeric(b)) return NAN;
    if (b.unscaled === 0n) throw divisionByZero();
    return infinity(signOf(a) * signOf(b));
  }
  // PostgreSQL: finite / infinity is zero, with no digits.
  if (!isFiniteNumeric(b)) return ZERO;
  if (b.unscaled === 0n) throw divisionByZero();
  return divideAtScale(a, b, divisionScale(a, b));
}

/** `div(a, b)`: the integer quotient, truncated toward zero. */
export function divideTruncated(a: Numeric, b: Numeric): Numeric {
  if (!isFiniteNumeric(a) || !isFiniteNumeric(b)) return divideNumeric(a, b);
  if (b.unscaled === 0n) throw divisionByZero();
  const scale = Math.max(a.scale, b.scale);
  return { unscaled: rescale(a.unscaled, a.scale, scale) / rescale(b.unscaled, b.scale, scale), scale: 0 };
}

/** The remainder has the dividend's sign. */
export function moduloNumeric(a: Numeric, b: Numeric): Numeric {
  if (isNan(a) || isNan(b)) return NAN;
  if (!isFiniteNumeric(a)) {
    if (isFiniteNumeric(b) && b.unscaled === 0n) throw divisionByZero();
    return NAN;
  }
  if (!isFiniteNumeric(b)) return a;
  if (b.unscaled === 0n) throw divisionByZero();
  const scale = Math.max(a.scale, b.scale);
  return { unscaled: rescale(a.unscaled, a.scale, scale) % rescale(b.unscaled, b.scale, scale), scale };
}

export function absNumeric(a: Numeric): Numeric {
  if (isFiniteNumeric(a)) return a.unscaled < 0n ? { unscaled: -a.unscaled, scale: a.scale } : a;
  return isNan(a) ? a : POSITIVE_INFINITY;
}

/** `round(a, digits)`: negative digits round before the point; the display scale never goes below 0. */
export function roundNumeric(a: Numeric, digits = 0): Numeric {
  if (!isFiniteNumeric(a)) return a;
  const scale = Math.max(-2000, Math.min(2000, digits));
  const unscaled = rescale(a.unscaled, a.scale, scale);
  return scale < 0 ? checked(unscaled * pow10(-scale), 0) : { unscaled, scale };
}

export function truncateNumeric(a: Numeric, digits = 0): Numeric {
  if (!isFiniteNumeric(a)) return a;
  const scale = Math.max(-2000, Math.min(2000, digits));
  if (scale >= a.scale) return { unscaled: rescale(a.unscaled, a.scale, scale), scale };
  const unscaled = a.unscaled / pow10(a.scale - scale);
  return scale < 0 ? { unscaled: unscaled * pow10(-scale), scale: 0 } : { unscaled, scale };
}

export function floorNumeric(a: Numeric): Numeric {
  if (!isFiniteNumeric(a)) return a;
  const unit = pow10(a.scale);
  const quotient = a.unscaled / unit;
  return { unscaled: a.unscaled < 0n && quotient * unit !== a.unscaled ? quotient - 1n : quotient, scale: 0 };
}

export function ceilNumeric(a: Numeric): Numeric {
  return negateNumeric(floorNumeric(negateNumeric(a)));
}

/** Order of values: -Infinity < finite < Infinity < NaN, and NaN equals itself. */
export function compareNumeric(a: Numeric, b: Numeric): number {
  if (!isFiniteNumeric(a) || !isFiniteNumeric(b)) return specialRank(a) - specialRank(b);
  if (a.scale === b.scale) return a.unscaled < b.unscaled ? -1 : a.unscaled > b.unscaled ? 1 : 0;
  const scale = Math.max(a.scale, b.scale);
  const x = rescale(a.unscaled, a.scale, scale);
  const y = rescale(b.unscaled, b.scale, scale);
  return x < y ? -1 : x > y ? 1 : 0;
}

function specialRank(v: Numeric): number {
  if (isFiniteNumeric(v)) return 0;
  return v.special === 'NaN' ? 2 : v.special === 'Infinity' ? 1 : -1;
}

/** The smallest display scale (>= 0) that holds the value: `trim_scale`. */
export function stripZeros(v: Numeric): Numeric {
  if (!isFiniteNumeric(v) || v.scale === 0) return v;
  let { unscaled, scale } = v;
  if (unscaled === 0n) return ZERO;
  while (scale > 0 && unscaled % 10n === 0n) {
    unscaled /= 10n;
    scale--;
  }
  return { unscaled, scale };
}

export function formatNumeric(v: Numeric): string {
  if (!isFiniteNumeric(v)) return v.special;
  return formatDecimal(v.unscaled, v.scale);
}

/** Decimal text of a scaled integer. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const negative = unscaled < 0n;
  let digits = (negative ? -unscaled : unscaled).toString();
  if (digits.length <= scale) digits = '0'.repeat(scale + 1 - digits.length) + digits;
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

const SYNTAX = /^[ \t\n\r\v\f]*([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?[ \t\n\r\v\f]*$/;
const SPECIAL = /^[ \t\n\r\v\f]*(?:(nan)|([+-]?)inf(?:inity)?)[ \t\n\r\v\f]*$/i;

/** A short plain number such as `-123.45` without a regular expression; undefined for anything else. */
function parsePlain(text: string): Finite | undefined {
  const length = text.length;
  if (length === 0 || length > 16) return undefined;
  let i = 0;
  const negative = text.charCodeAt(0) === 45;
  if (negative) i = 1;
  let mantissa = 0;
  let scale = -1;
  let digits = 0;
  for (; i < length; i++) {
    const c = text.charCodeAt(i) - 48;
    if (c >= 0 && c <= 9) {
      mantissa = mantissa * 10 + c;
      digits++;
      if (scale >= 0) scale++;
    } else if (c === -2 && scale < 0) scale = 0;
    else return undefined;
  }
  if (digits === 0 || digits > 15) return undefined;
  return { unscaled: BigInt(negative ? -mantissa : mantissa), scale: Math.max(scale, 0) };
}

/** `numeric_in`: 22P02 for what is no number, 22003 for what is too large. */
export function parseNumeric(text: string): Numeric {
  const plain = parsePlain(text);
  if (plain !== undefined) return plain;
  const m = SYNTAX.exec(text);
  if (m === null) {
    const special = SPECIAL.exec(text);
    if (special === null) throw new SqlError('22P02', `invalid input syntax for type numeric: "${text}"`);
    if (special[1] !== undefined) return NAN;
    return special[2] === '-' ? NEGATIVE_INFINITY : POSITIVE_INFINITY;
  }
  const fraction = m[3] ?? m[4] ?? '';
  const exponent = m[5] === undefined ? 0 : Number(m[5]);
  const mantissa = BigInt((m[2] ?? '') + fraction);
  let scale = fraction.length - exponent;
  let unscaled = m[1] === '-' ? -mantissa : mantissa;
  if (exponent > 200000 || exponent < -200000) throw overflow();
  if (scale < 0) {
    unscaled *= pow10(-scale);
    scale = 0;
  }
  if (scale > SCALE_MAX) {
    unscaled = rescale(unscaled, scale, SCALE_MAX);
    scale = SCALE_MAX;
  }
  return checked(unscaled, scale);
}

/** Coerces to numeric(precision, scale): rounds, then 22003 when too many digits are left before the point. NaN fits. */
export function applyNumericType(
  v: Numeric,
  precision: number | undefined,
  scale: number | undefined,
): Numeric {
  if (precision === undefined) {
    return scale === undefined || !isFiniteNumeric(v) || v.scale === scale
      ? v
      : { unscaled: rescale(v.unscaled, v.scale, Math.max(0, scale)), scale: Math.max(0, scale) };
  }
  const s = scale ?? 0;
  if (!isFiniteNumeric(v)) {
    if (v.special === 'NaN') return v;
    throw new SqlError('22003', 'numeric field overflow', {
      detail: `A field with precision ${precision}, scale ${s} cannot hold an infinite value.`,
    });
  }
  const unscaled = v.scale === s ? v.unscaled : rescale(v.unscaled, v.scale, s);
  const limit = pow10(precision);
  if (unscaled >= limit || unscaled <= -limit) throw fieldOverflow(precision, s);
  return s >= 0 ? { unscaled, scale: s } : { unscaled: unscaled * pow10(-s), scale: 0 };
}

/** The error of a value that numeric(precision, scale) cannot hold. */
export function fieldOverflow(precision: number, scale: number): SqlError {
  const digits = precision - scale;
  return new SqlError('22003', 'numeric field overflow', {
    detail: `A field with precision ${precision}, scale ${scale} must round to an absolute value less than ${digits !== 0 ? `10^${digits}` : '1'}.`,
  });
}

export function numericFromInteger(v: number | bigint): Finite {
  return { unscaled: BigInt(v), scale: 0 };
}

/** The integer nearest to the value, half away from zero; undefined for NaN and the infinities. */
export function numericToBigInt(v: Numeric): bigint | undefined {
  return isFiniteNumeric(v) ? rescale(v.unscaled, v.scale, 0) : undefined;
}

/** The double nearest to the value; beyond its range Infinity (the caller decides whether that is 22003). */
export function numericToNumber(v: Numeric): number {
  if (!isFiniteNumeric(v))
    return v.special === 'NaN' ? Number.NaN : v.special === 'Infinity' ? Infinity : -Infinity;
  return Number(`${v.unscaled}e${-v.scale}`);
}

/** float8 -> numeric keeps 15 significant digits, float4 -> numeric 6, as printf's %g does. */
export function numericFromFloat(v: number, significantDigits: 15 | 6): Numeric {
  if (Number.isNaN(v)) return NAN;
  if (v === Infinity) return POSITIVE_INFINITY;
  if (v === -Infinity) return NEGATIVE_INFINITY;
  if (v === 0) return ZERO;
  const [mantissa, exponent] = v.toExponential(significantDigits - 1).split('e') as [string, string];
  const trimmed = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  return parseNumeric(`${trimmed}e${exponent}`);
}
