/** Roots, powers and logarithms of numerics, and the statistics built from sums.
 *
 *  Owns: sqrt, exp, ln, log, power, variance and standard deviation over exact sums. Invariants: the display scale is
 *  the one PostgreSQL chooses from its estimate of the result's magnitude; the digits are correctly rounded (computed
 *  in fixed point with guard digits). Source: PostgreSQL, numeric.c: estimate_ln_dweight, power_var, log_var. */
import {
  checked,
  divideAtScale,
  divideNumeric,
  divisionByZero,
  divisionScale,
  type Finite,
  isFiniteNumeric,
  leadingDigit,
  MAX_DISPLAY_SCALE,
  MIN_SIG_DIGITS,
  multiplyNumeric,
  NAN,
  NEGATIVE_INFINITY,
  numericToNumber,
  ONE,
  overflow,
  POSITIVE_INFINITY,
  pow10,
  rescale,
  signOf,
  stripZeros,
  subtractNumeric,
  ZERO,
} from './numeric.js';
import { SqlError } from './sql-error.js';
import type { Numeric } from './value.js';

const LOG10_E = Math.LOG10E;

function clampScale(...candidates: number[]): number {
  return Math.min(Math.max(0, ...candidates), MAX_DISPLAY_SCALE);
}

/** floor(sqrt(n)). */
export function integerSqrt(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

function sqrtAtScale(a: Finite, scale: number): Finite {
  // One more digit than asked, then round: sqrt is never exactly half-way unless exact.
  const shift = 2 * (scale + 1) - a.scale;
  const n = shift >= 0 ? a.unscaled * pow10(shift) : a.unscaled / pow10(-shift);
  return { unscaled: rescale(integerSqrt(n), scale + 1, scale), scale };
}

export function sqrtNumeric(a: Numeric): Numeric {
  if (!isFiniteNumeric(a)) {
    if (a.special === '-Infinity') throw negativeSqrt();
    return a;
  }
  if (a.unscaled < 0n) throw negativeSqrt();
  const { weight } = leadingDigit(a);
  const resultWeight = weight >= 0 ? Math.trunc((weight * 4) / 2) + 1 : 1 - Math.trunc((1 - weight * 4) / 2);
  return sqrtAtScale(a, clampScale(MIN_SIG_DIGITS - resultWeight, a.scale));
}

function negativeSqrt(): SqlError {
  return new SqlError('2201F', 'cannot take square root of a negative number');
}

/** Estimated decimal weight of ln(a), as PostgreSQL estimates it. */
function lnWeight(a: Finite): number {
  if (a.unscaled <= 0n) return 0;
  const one = pow10(a.scale);
  if (10n * a.unscaled >= 9n * one && 10n * a.unscaled <= 11n * one) {
    const x = { unscaled: a.unscaled - one, scale: a.scale };
    if (x.unscaled === 0n) return 0;
    const lead = leadingDigit(x);
    return lead.weight * 4 + Math.trunc(Math.log10(lead.digit));
  }
  const digits = a.unscaled.toString();
  const { weight, digit } = leadingDigit(a);
  const integerDigits = digits.length - a.scale;
  const first = integerDigits - weight * 4;
  const second = stripZeros(a) as Finite;
  const hasSecond = second.unscaled.toString().length > first;
  const ln = hasSecond
    ? Math.log(Number(digits.slice(0, first + 4).padEnd(first + 4, '0'))) + (weight - 1) * 4 * Math.LN10
    : Math.log(digit) + weight * 4 * Math.LN10;
  return Math.trunc(Math.log10(Math.abs(ln)));
}

/** exp(x / 10^digits) in fixed point with `digits` digits: halve the argument, sum the series, square back. */
function expFixed(x: bigint, digits: number): bigint {
  if (x < 0n) {
    const one = pow10(digits);
    return (one * one) / expFixed(-x, digits);
  }
  const magnitude = Math.max(0, x.toString().length - digits);
  const halvings = Math.ceil(magnitude * 3.33) + 8;
  const guard = halvings + 10 + Math.ceil(Number(x / pow10(Math.max(0, digits - 3))) / 1000 / Math.LN10);
  const work = digits + guard;
  const one = pow10(work);
  const r = (x * pow10(guard)) >> BigInt(halvings);
  let sum = one + r;
  let term = r;
  for (let i = 2n; term !== 0n; i++) {
    term = (term * r) / (one * i);
    sum += term;
  }
  for (let i = 0; i < halvings; i++) sum = (sum * sum) / one;
  return sum / pow10(guard);
}

const LN_CACHE = new Map<number, bigint>();

/** ln(2) and ln(10) with at least `digits` digits, cached. */
function atanhInverse(n: bigint, digits: number): bigint {
  const one = pow10(digits);
  const square = n * n;
  let power = one / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= square;
    sum += power / k;
  }
  return sum;
}

function ln2(digits: number): bigint {
  let v = LN_CACHE.get(digits);
  if (v === undefined) {
    // ln 2 = 18 atanh(1/26) - 2 atanh(1/4801) + 8 atanh(1/8749)
    const work = digits + 10;
    v =
      (18n * atanhInverse(26n, work) - 2n * atanhInverse(4801n, work) + 8n * atanhInverse(8749n, work)) /
      pow10(10);
    if (LN_CACHE.size > 64) LN_CACHE.clear();
    LN_CACHE.set(digits, v);
  }
  return v;
}

/** ln(a) * 10^digits for a > 0: a = m * 2^k with m near 1, square roots to bring m closer, then atanh's series. */
function lnFixed(a: Finite, digits: number): bigint {
  const work = digits + 20;
  const one = pow10(work);
  let m = work >= a.scale ? a.unscaled * pow10(work - a.scale) : a.unscaled / pow10(a.scale - work);
  let k = 0;
  if (m === 0n) {
    // Smaller than the working precision: scale by a power of ten first.
    const shift = a.scale - a.unscaled.toString().length;
    const scaled = lnFixed({ unscaled: a.unscaled, scale: a.scale - shift }, digits);
    return scaled - (BigInt(shift) * lnFixed({ unscaled: 10n, scale: 0 }, digits + 10)) / pow10(10);
  }
  const bits = m.toString(2).length - one.toString(2).length;
  k = bits;
  if (bits > 0) m >>= BigInt(bits);
  else if (bits < 0) {
    const shift = -bits;
    const exact = a.unscaled * 2n ** BigInt(shift);
    m = work >= a.scale ? exact * pow10(work - a.scale) : exact / pow10(a.scale - work);
  }
  if (bits > 0) {
    // Recompute without the digits that the shift lost.
    const extra = Math.ceil(bits * 0.302) + 1;
    m = (rescale(a.unscaled, a.scale, work + extra) >> BigInt(bits)) / pow10(extra);
  }
  let doublings = 0;
  while (doublings < 8) {
    m = integerSqrt(m * one);
    doublings++;
  }
  const t = ((m - one) * one) / (m + one);
  const square = (t * t) / one;
  let power = t;
  let sum = t;
  for (let i = 3n; power !== 0n; i += 2n) {
    power = (power * square) / one;
    sum += power / i;
  }
  const result = (sum << BigInt(doublings + 1)) + BigInt(k) * ln2(work);
  return result / pow10(20);
}

/** ln(a) rounded to `scale`; guard digits hide the truncation. */
function lnAtScale(a: Finite, scale: number): bigint {
  return rescale(lnFixed(a, scale + 12), scale + 12, scale);
}

function checkLogArgument(a: Numeric): void {
  const sign = signOf(a);
  if (sign === 0) throw new SqlError('2201E', 'cannot take logarithm of zero');
  if (sign < 0) throw new SqlError('2201E', 'cannot take logarithm of a negative number');
}

export function lnNumeric(a: Numeric): Numeric {
  if ('special' in a && a.special === 'NaN') return a;
  checkLogArgument(a);
  if (!isFiniteNumeric(a)) return a;
  const scale = clampScale(MIN_SIG_DIGITS - lnWeight(a), a.scale);
  return { unscaled: lnAtScale(a, scale), scale };
}

/** Logarithm of `a` to `base`; `log(a)` is base 10. */
export function logNumeric(base: Numeric, a: Numeric): Numeric {
  if (('special' in base && base.special === 'NaN') || ('special' in a && a.special === 'NaN')) return NAN;
  checkLogArgument(base);
  checkLogArgument(a);
  if (!isFiniteNumeric(base) || !isFiniteNumeric(a)) {
    if (!isFiniteNumeric(base) && !isFiniteNumeric(a)) return NAN;
    return isFiniteNumeric(a) ? ZERO : POSITIVE_INFINITY;
  }
  const scale = clampScale(MIN_SIG_DIGITS - (lnWeight(a) - lnWeight(base)), base.scale, a.scale);
  const digits = scale + 12 + Math.max(0, -lnWeight(base)) * 2;
  const lnBase = lnFixed(base, digits);
  if (lnBase === 0n) throw divisionByZero();
  return divideAtScale(
    { unscaled: lnFixed(a, digits), scale: digits },
    { unscaled: lnBase, scale: digits },
    scale,
  );
}

export function expNumeric(a: Numeric): Numeric {
  if (!isFiniteNumeric(a)) return a.special === '-Infinity' ? ZERO : a;
  const weight = Math.max(-2000, Math.min(2000, numericToNumber(a) * LOG10_E));
  const scale = clampScale(MIN_SIG_DIGITS - Math.trunc(weight), a.scale);
  return expAtScale(a, scale);
}

/** Arguments past this overflow (or vanish) in PostgreSQL. */
const EXP_LIMIT = 2000 * 3;

function expAtScale(a: Finite, scale: number): Finite {
  const approx = numericToNumber(a);
  if (Math.abs(approx) >= EXP_LIMIT) {
    if (approx > 0) throw overflow();
    return { unscaled: 0n, scale };
  }
  const digits = Math.max(scale, 0) + 12 + Math.max(0, Math.ceil(approx * LOG10_E));
  const x = rescale(a.unscaled, a.scale, Math.max(digits, a.scale));
  const at = Math.max(digits, a.scale);
  return checked(rescale(expFixed(x, at), at, scale), scale);
}

/** a^n rounded to `scale`, n > 2 or n < -1, a not zero: exact while it is small, else through guard digits. */
function integerPower(a: Finite, n: number, weight: number, scale: number): Finite {
  const times = Math.abs(n);
  const digits = stripZeros(a) as Finite;
  if (digits.unscaled.toString().length * times < 20000 && digits.scale * times < 20000) {
    const exact = { unscaled: digits.unscaled ** BigInt(times), scale: digits.scale * times };
    if (n > 0) return checked(rescale(exact.unscaled, exact.scale, scale), scale);
    return divideAtScale(ONE, exact, scale);
  }
  // Floating decimal: a mantissa of `keep` digits and an exponent.
  const keep = Math.max(0, scale + Math.ceil(Math.abs(weight))) + 20 + times.toString(2).length;
  let base = { m: a.unscaled < 0n ? -a.unscaled : a.unscaled, e: -a.scale };
  let result = { m: 1n, e: 0 };
  const trim = (v: { m: bigint; e: number }): { m: bigint; e: number } => {
    const excess = v.m.toString().length - keep;
    return excess > 0 ? { m: v.m / pow10(excess), e: v.e + excess } : v;
  };
  for (let bit = times; bit > 0; bit = Math.floor(bit / 2)) {
    if (bit % 2 === 1) result = trim({ m: result.m * base.m, e: result.e + base.e });
    if (bit > 1) base = trim({ m: base.m * base.m, e: base.e * 2 });
  }
  const sign = a.unscaled < 0n && times % 2 === 1 ? -1n : 1n;
  const value =
    result.e > 0
      ? { unscaled: sign * result.m * pow10(result.e), scale: 0 }
      : { unscaled: sign * result.m, scale: -result.e };
  if (n < 0) return divideAtScale(ONE, value, scale);
  return checked(rescale(value.unscaled, value.scale, scale), scale);
}

function integerPowerScaled(base: Finite, n: number): Finite {
  let f = 0;
  if (base.unscaled !== 0n) {
    const digits = (base.unscaled < 0n ? -base.unscaled : base.unscaled).toString();
    const head = digits.slice(0, 17);
    f = n * (Math.log10(Number(head)) + (digits.length - head.length - base.scale));
  }
  if (f > 131072) throw overflow();
  if (f + 1 < -MAX_DISPLAY_SCALE) return { unscaled: 0n, scale: MAX_DISPLAY_SCALE };
  // PostgreSQL 15 fixes the scale here; later versions follow the magnitude.
  const scale = clampScale(MIN_SIG_DIGITS, base.scale);
  if (n === 0) return { unscaled: pow10(scale), scale };
  if (n === 1) return { unscaled: rescale(base.unscaled, base.scale, scale), scale };
  if (base.unscaled === 0n) {
    if (n < 0) throw divisionByZero();
    return { unscaled: 0n, scale };
  }
  if (n === -1) return divideAtScale(ONE, base, scale);
  return integerPower(base, n, f, scale);
}

export function powerNumeric(base: Numeric, exponent: Numeric): Numeric {
  if (!isFiniteNumeric(base) || !isFiniteNumeric(exponent)) return specialPower(base, exponent);
  if (base.unscaled === 0n && exponent.unscaled < 0n)
    throw new SqlError('2201F', 'zero raised to a negative power is undefined');
  const whole = exponent.unscaled % pow10(exponent.scale) === 0n;
  if (base.unscaled < 0n && !whole)
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  if (whole) {
    const n = exponent.unscaled / pow10(exponent.scale);
    if (n >= -2147483648n && n <= 2147483647n) return integerPowerScaled(base, Number(n));
  }
  if (base.unscaled === 0n) return { unscaled: 0n, scale: MIN_SIG_DIGITS };
  const odd = whole && (exponent.unscaled / pow10(exponent.scale)) % 2n !== 0n;
  const magnitude: Finite = base.unscaled < 0n ? { unscaled: -base.unscaled, scale: base.scale } : base;
  const weight = lnWeight(magnitude);
  const roughScale = Math.max(0, 8 - weight);
  const rough = multiplyNumeric({ unscaled: lnAtScale(magnitude, roughScale), scale: roughScale }, exponent);
  let estimate = numericToNumber(rough);
  if (Math.abs(estimate) > 2000 * 3.01) {
    if (estimate > 0) throw overflow();
    return { unscaled: 0n, scale: MAX_DISPLAY_SCALE };
  }
  estimate *= LOG10_E;
  const scale = clampScale(MIN_SIG_DIGITS - Math.trunc(estimate), base.scale, exponent.scale);
  const digits = Math.max(0, scale + Math.trunc(estimate) - weight + 8) + 12;
  const product = multiplyNumeric(
    { unscaled: lnAtScale(magnitude, digits), scale: digits },
    exponent,
  ) as Finite;
  const result = expAtScale(product, scale);
  return odd && base.unscaled < 0n ? { unscaled: -result.unscaled, scale } : result;
}

function specialPower(base: Numeric, exponent: Numeric): Numeric {
  const isNan = (v: Numeric): boolean => 'special' in v && v.special === 'NaN';
  // NaN ^ 0 and 1 ^ NaN are 1, as POSIX has it.
  if (isFiniteNumeric(exponent) && exponent.unscaled === 0n) return ONE;
  if (isFiniteNumeric(base) && base.unscaled === pow10(base.scale)) return ONE;
  if (isNan(base) || isNan(exponent)) return NAN;
  const baseSign = signOf(base);
  if (isFiniteNumeric(base)) {
    if (baseSign === 0) {
      if (signOf(exponent) < 0) throw new SqlError('2201F', 'zero raised to a negative power is undefined');
      return ZERO;
    }
    const one = pow10(base.scale);
    const magnitude = base.unscaled < 0n ? -base.unscaled : base.unscaled;
    if (magnitude === one) return ONE;
    return magnitude > one === signOf(exponent) > 0 ? POSITIVE_INFINITY : ZERO;
  }
  if (!isFiniteNumeric(exponent)) return signOf(exponent) > 0 ? POSITIVE_INFINITY : ZERO;
  if (baseSign > 0) return signOf(exponent) > 0 ? POSITIVE_INFINITY : ZERO;
  if (exponent.unscaled % pow10(exponent.scale) !== 0n)
    throw new SqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  if (signOf(exponent) < 0) return ZERO;
  return (exponent.unscaled / pow10(exponent.scale)) % 2n === 0n ? POSITIVE_INFINITY : NEGATIVE_INFINITY;
}

/** var_samp, var_pop, stddev_samp, stddev_pop from the exact sums; undefined stands for NULL.
 *  `sum` and `sumSquares` have the display scales of summing the inputs and their squares. */
export function varianceNumeric(
  count: bigint,
  sum: Numeric,
  sumSquares: Numeric,
  sample: boolean,
  squareRoot: boolean,
): Numeric | undefined {
  if (count === 0n || (sample && count === 1n)) return undefined;
  if (!isFiniteNumeric(sum) || !isFiniteNumeric(sumSquares)) return NAN;
  const n: Finite = { unscaled: count, scale: 0 };
  const numerator = subtractNumeric(multiplyNumeric(n, sumSquares), multiplyNumeric(sum, sum)) as Finite;
  if (numerator.unscaled <= 0n) return ZERO;
  const denominator: Finite = { unscaled: sample ? count * (count - 1n) : count * count, scale: 0 };
  const scale = divisionScale(numerator, denominator);
  const variance = divideAtScale(numerator, denominator, scale);
  return squareRoot ? sqrtAtScale(variance, scale) : variance;
}

/** avg: the sum divided by the count. */
export function averageNumeric(sum: Numeric, count: bigint): Numeric {
  return divideNumeric(sum, { unscaled: count, scale: 0 });
}
