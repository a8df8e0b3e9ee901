/** Mathematical functions of integers, floats and numerics.
 *
 *  Source: PostgreSQL, chapter 9.3; float.c and numeric.c for errors. round(float8) rounds half to even, round(numeric)
 *  half away from zero. */
import { roundHalfEven } from '../interval.js';
import {
  ceilNumeric,
  compareNumeric,
  divideTruncated,
  floorNumeric,
  moduloNumeric,
  multiplyNumeric,
  NAN,
  numericFromInteger,
  rescale,
  roundNumeric,
  signOf,
  stripZeros,
  subtractNumeric,
  truncateNumeric,
} from '../numeric.js';
import { expNumeric, lnNumeric, logNumeric, sqrtNumeric } from '../numeric-math.js';
import { SqlError } from '../sql-error.js';
import { FLOAT8, INT2, INT4, INT8, NUMERIC, type SqlType } from '../sql-type.js';
import type { Numeric, Value } from '../value.js';
import { checkInt8, divisionByZero, integerOutOfRange } from './arithmetic.js';
import { big, define, floatFunction, num, UNBOUNDED } from './define.js';
import {
  asFixed,
  boundsOf,
  fixed,
  quotientType,
  remainderRange,
  remainderType,
  rescaledRange,
  roundedType,
} from './numeric-facts.js';
import type { CallInfo, FunctionDef } from './registry-types.js';

const nm = (v: Value | undefined): Numeric => v as Numeric;

function domainError(): SqlError {
  return new SqlError('22003', 'input is out of range');
}

function overflowCheck(r: number, ...inputs: number[]): number {
  if (!Number.isFinite(r) && inputs.every(Number.isFinite))
    throw new SqlError('22003', 'value out of range: overflow');
  return r;
}

function logFloat(x: number, log: (x: number) => number): number {
  if (x === 0) throw new SqlError('2201E', 'cannot take logarithm of zero');
  if (x < 0) throw new SqlError('2201E', 'cannot take logarithm of a negative number');
  return log(x);
}

function sqrtFloat(x: number): number {
  if (x < 0) throw new SqlError('2201F', 'cannot take square root of a negative number');
  return Math.sqrt(x);
}

function expFloat(x: number): number {
  const r = Math.exp(x);
  if (r === 0 && Number.isFinite(x)) throw new SqlError('22003', 'value out of range: underflow');
  return overflowCheck(r, x);
}

/** Only finite angles have a sine. */
function trig(f: (x: number) => number): (x: number) => number {
  return (x) => {
    if (x === Infinity || x === -Infinity) throw domainError();
    return f(x);
  };
}

function inUnit(f: (x: number) => number): (x: number) => number {
  return (x) => {
    if (x < -1 || x > 1) throw domainError();
    return f(x);
  };
}

const DEGREE = Math.PI / 180;

/** Exact where degrees are: sind(30) is 0.5. */
function sinDegrees(x: number): number {
  let d = x % 360;
  if (d < 0) d += 360;
  const sign = d >= 180 ? -1 : 1;
  if (d >= 180) d -= 180;
  if (d > 90) d = 180 - d;
  const exact = d === 0 ? 0 : d === 30 ? 0.5 : d === 90 ? 1 : Math.sin(d * DEGREE);
  return sign * exact;
}

function digitsArgument(call: CallInfo | undefined): number | undefined {
  const v = call?.consts?.[1];
  return typeof v === 'number' ? v : undefined;
}

function roundingRange(
  target: (types: readonly SqlType[], call?: CallInfo) => SqlType,
): NonNullable<FunctionDef['range']> {
  return (args, types, call) => {
    const [source, result] = [asFixed(types[0]!), asFixed(target(types, call))];
    const bounds = boundsOf(args[0], types[0]!);
    if (source === undefined || result === undefined || bounds === undefined) return undefined;
    const r = rescaledRange(bounds, source.scale, result.scale);
    // Covers ceil, floor and truncation as well as rounding.
    return { min: r.min - 1n, max: r.max + 1n };
  };
}

function roundings(): FunctionDef[] {
  const whole = (types: readonly SqlType[]): SqlType => roundedType(types[0]!, 0, 1);
  const rounded = (types: readonly SqlType[], call?: CallInfo): SqlType =>
    fixedDigits(types, call, (t, d) => roundedType(t, d, 1));
  const truncated = (types: readonly SqlType[], call?: CallInfo): SqlType =>
    fixedDigits(types, call, (t, d) => roundedType(t, d, 0));
  return [
    define('round', 'numeric', whole, (a) => roundNumeric(nm(a[0])), { range: roundingRange(whole) }),
    define('round', 'numeric int4', rounded, (a) => roundNumeric(nm(a[0]), num(a[1])), nonNegative(rounded)),
    define('trunc', 'numeric', whole, (a) => truncateNumeric(nm(a[0])), { range: roundingRange(whole) }),
    define(
      'trunc',
      'numeric int4',
      truncated,
      (a) => truncateNumeric(nm(a[0]), num(a[1])),
      nonNegative(truncated),
    ),
    ...['ceil', 'ceiling'].map((n) =>
      define(n, 'numeric', whole, (a) => ceilNumeric(nm(a[0])), { range: roundingRange(whole) }),
    ),
    define('floor', 'numeric', whole, (a) => floorNumeric(nm(a[0])), { range: roundingRange(whole) }),
    floatFunction('round', (x) => (x < 0 && x >= -0.5 ? -0 : roundHalfEven(x))),
    floatFunction('trunc', Math.trunc),
    floatFunction('ceil', Math.ceil),
    floatFunction('ceiling', Math.ceil),
    floatFunction('floor', Math.floor),
  ];
}

function fixedDigits(
  types: readonly SqlType[],
  call: CallInfo | undefined,
  type: (t: SqlType, digits: number) => SqlType,
): SqlType {
  const digits = digitsArgument(call);
  return digits === undefined ? NUMERIC : type(types[0]!, digits);
}

/** Rounding before the point does not rescale, so only digits >= 0 give bounds. */
function nonNegative(type: (types: readonly SqlType[], call?: CallInfo) => SqlType): {
  range: NonNullable<FunctionDef['range']>;
} {
  const range = roundingRange(type);
  return {
    range: (args, types, call) => ((digitsArgument(call) ?? -1) >= 0 ? range(args, types, call) : undefined),
  };
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

function integerFunctions(): FunctionDef[] {
  const kinds = [
    ['int2', INT2],
    ['int4', INT4],
    ['int8', INT8],
  ] as const;
  const defs: FunctionDef[] = [];
  for (const [kind, type] of kinds) {
    defs.push(
      define(
        'mod',
        `${kind} ${kind}`,
        type,
        (a) => {
          if (Number(a[1]) === 0) throw divisionByZero();
          return kind === 'int8' ? big(a[0]) % big(a[1]) : (num(a[0]) % num(a[1])) + 0;
        },
        { range: remainderRange },
      ),
    );
    if (kind === 'int2') continue;
    const back = (v: bigint): Value => {
      if (kind === 'int8') return checkInt8(v);
      if (v > 2147483647n) throw integerOutOfRange('int4');
      return Number(v);
    };
    defs.push(
      define('gcd', `${kind} ${kind}`, type, (a) => back(gcd(BigInt(num(a[0])), BigInt(num(a[1]))))),
      define('lcm', `${kind} ${kind}`, type, (a) => {
        const [x, y] = [BigInt(num(a[0])), BigInt(num(a[1]))];
        if (x === 0n || y === 0n) return back(0n);
        const product = (x / gcd(x, y)) * y;
        return back(product < 0n ? -product : product);
      }),
    );
  }
  return defs;
}

/** gcd and lcm of numerics keep the larger display scale. */
function numericDivisors(): FunctionDef[] {
  const common = (a: Numeric, b: Numeric): { x: bigint; y: bigint; scale: number } | undefined => {
    if ('special' in a || 'special' in b) return undefined;
    const scale = Math.max(a.scale, b.scale);
    return { x: rescale(a.unscaled, a.scale, scale), y: rescale(b.unscaled, b.scale, scale), scale };
  };
  return [
    define('gcd', 'numeric numeric', NUMERIC, (a) => {
      const c = common(nm(a[0]), nm(a[1]));
      return c === undefined ? NAN : { unscaled: gcd(c.x, c.y), scale: c.scale };
    }),
    define('lcm', 'numeric numeric', NUMERIC, (a) => {
      const c = common(nm(a[0]), nm(a[1]));
      if (c === undefined) return NAN;
      if (c.x === 0n || c.y === 0n) return { unscaled: 0n, scale: c.scale };
      const product = (c.x / gcd(c.x, c.y)) * c.y;
      return { unscaled: product < 0n ? -product : product, scale: c.scale };
    }),
  ];
}

function factorial(n: bigint): Numeric {
  if (n < 0n) throw new SqlError('22003', 'factorial of a negative number is undefined');
  if (n > 32177n) throw new SqlError('22003', 'value overflows numeric format');
  return { unscaled: product(1n, n < 1n ? 1n : n), scale: 0 };
}

/** Halves of like size, so that long multiplications are few. */
function product(from: bigint, to: bigint): bigint {
  if (from === to) return from;
  const middle = (from + to) >> 1n;
  return product(from, middle) * product(middle + 1n, to);
}

function bucketCountError(): SqlError {
  return new SqlError('2201G', 'count must be greater than zero');
}

function widthBucketFloat(x: number, low: number, high: number, count: number): number {
  if (count <= 0) throw bucketCountError();
  if (Number.isNaN(x) || Number.isNaN(low) || Number.isNaN(high))
    throw new SqlError('2201G', 'operand, lower bound, and upper bound cannot be NaN');
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw new SqlError('2201G', 'lower and upper bounds must be finite');
  if (low === high) throw new SqlError('2201G', 'lower bound cannot equal upper bound');
  const up = low < high;
  if (up ? x < low : x > low) return 0;
  if (up ? x >= high : x <= high) return count + 1;
  return Math.min(count, Math.floor((count * (x - low)) / (high - low)) + 1);
}

function widthBucketNumeric(x: Numeric, low: Numeric, high: Numeric, count: number): number {
  if (count <= 0) throw bucketCountError();
  if ([x, low, high].some((v) => 'special' in v && v.special === 'NaN'))
    throw new SqlError('2201G', 'operand, lower bound, and upper bound cannot be NaN');
  if ('special' in low || 'special' in high)
    throw new SqlError('2201G', 'lower and upper bounds must be finite');
  const order = compareNumeric(low, high);
  if (order === 0) throw new SqlError('2201G', 'lower bound cannot equal upper bound');
  const below = compareNumeric(x, low);
  if (order < 0 ? below < 0 : below > 0) return 0;
  const above = compareNumeric(x, high);
  if (order < 0 ? above >= 0 : above <= 0) return count + 1;
  const share = divideTruncated(
    multiplyNumeric(subtractNumeric(x, low), numericFromInteger(count)),
    subtractNumeric(high, low),
  );
  const whole = floorNumeric(share);
  return Number((whole as { unscaled: bigint }).unscaled) + 1;
}

export const mathFunctions: readonly FunctionDef[] = [
  ...roundings(),
  ...integerFunctions(),
  ...numericDivisors(),
  define('mod', 'numeric numeric', remainderType, (a) => moduloNumeric(nm(a[0]), nm(a[1])), {
    range: remainderRange,
  }),
  define('div', 'numeric numeric', quotientType, (a) => divideTruncated(nm(a[0]), nm(a[1]))),
  floatFunction('sign', (x) => (x > 0 ? 1 : x < 0 ? -1 : 0)),
  define(
    'sign',
    'numeric',
    (t) => (asFixed(t[0]!) ? fixed(1, 0) : NUMERIC),
    (a) => {
      const v = nm(a[0]);
      return 'special' in v && v.special === 'NaN' ? NAN : numericFromInteger(signOf(v));
    },
  ),
  ...['sqrt', 'dsqrt', '|/'].map((n) => floatFunction(n, sqrtFloat)),
  ...['cbrt', '||/'].map((n) => floatFunction(n, Math.cbrt)),
  define('sqrt', 'numeric', NUMERIC, (a) => sqrtNumeric(nm(a[0]))),
  floatFunction('exp', expFloat),
  define('exp', 'numeric', NUMERIC, (a) => expNumeric(nm(a[0])), UNBOUNDED),
  floatFunction('ln', (x) => logFloat(x, Math.log)),
  define('ln', 'numeric', NUMERIC, (a) => lnNumeric(nm(a[0]))),
  ...['log', 'log10'].flatMap((n) => [
    floatFunction(n, (x) => logFloat(x, Math.log10)),
    define(n, 'numeric', NUMERIC, (a) => logNumeric(numericFromInteger(10), nm(a[0]))),
  ]),
  define('log', 'numeric numeric', NUMERIC, (a) => logNumeric(nm(a[0]), nm(a[1]))),
  define('factorial', 'int8', NUMERIC, (a) => factorial(big(a[0])), UNBOUNDED),
  define('scale', 'numeric', INT4, (a) => {
    const v = nm(a[0]);
    return 'special' in v ? null : v.scale;
  }),
  define('min_scale', 'numeric', INT4, (a) => {
    const v = stripZeros(nm(a[0]));
    return 'special' in v ? null : v.scale;
  }),
  define('trim_scale', 'numeric', NUMERIC, (a) => stripZeros(nm(a[0]))),
  define('width_bucket', 'float8 float8 float8 int4', INT4, (a) =>
    widthBucketFloat(num(a[0]), num(a[1]), num(a[2]), num(a[3])),
  ),
  define('width_bucket', 'numeric numeric numeric int4', INT4, (a) =>
    widthBucketNumeric(nm(a[0]), nm(a[1]), nm(a[2]), num(a[3])),
  ),
  define('pi', '', FLOAT8, () => Math.PI),
  define('random', '', FLOAT8, () => Math.random(), { volatility: 'volatile' }),
  floatFunction('degrees', (x) => overflowCheck(x / DEGREE, x)),
  floatFunction('radians', (x) => x * DEGREE),
  floatFunction('sin', trig(Math.sin)),
  floatFunction('cos', trig(Math.cos)),
  floatFunction('tan', trig(Math.tan)),
  floatFunction(
    'cot',
    trig((x) => 1 / Math.tan(x)),
  ),
  floatFunction('asin', inUnit(Math.asin)),
  floatFunction('acos', inUnit(Math.acos)),
  floatFunction('atan', Math.atan),
  define('atan2', 'float8 float8', FLOAT8, (a) => Math.atan2(num(a[0]), num(a[1]))),
  floatFunction('sinh', Math.sinh),
  floatFunction('cosh', Math.cosh),
  floatFunction('tanh', Math.tanh),
  floatFunction('asinh', Math.asinh),
  floatFunction('acosh', (x) => {
    if (x < 1) throw domainError();
    return Math.acosh(x);
  }),
  floatFunction('atanh', inUnit(Math.atanh)),
  floatFunction('sind', trig(sinDegrees)),
  floatFunction(
    'cosd',
    trig((x) => sinDegrees(90 - (Math.abs(x) % 360))),
  ),
  floatFunction(
    'tand',
    trig((x) => (x % 180 === 45 ? 1 : sinDegrees(x) / sinDegrees(90 - x))),
  ),
];
