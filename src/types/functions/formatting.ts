/** to_char, to_number, to_date and to_timestamp as functions. Patterns are read in `number-format.ts` and
 *  `date-template.ts`. Source: PostgreSQL, chapter 9.8. */
import {
  checkDate,
  isInfiniteTimestamp,
  joinTimestamp,
  localToUtc,
  utcToLocal,
  zoneNamed,
} from '../datetime.js';
import { numericFromInteger, parseNumeric } from '../numeric.js';
import { DATE, NUMERIC, TEXT, TIMESTAMPTZ } from '../sql-type.js';
import type { Interval, Numeric, Value } from '../value.js';
import { formatIntervalBy, formatTimestampBy } from './date-format.js';
import { parseByFormat } from './date-read.js';
import { big, define, num, str } from './define.js';
import { formatNumber, parseNumber } from './number-format.js';
import type { FunctionContext, FunctionDef } from './registry-types.js';

const stable = { volatility: 'stable' } as const;

/** The exact decimal value of a double, rounded half to even at `digits`, as printf("%.*f") does. */
function fixedDecimal(v: number, digits: number): Numeric {
  if (!Number.isFinite(v)) return { special: Number.isNaN(v) ? 'NaN' : v > 0 ? 'Infinity' : '-Infinity' };
  const magnitude = Math.abs(v);
  // Every double is an integer over a power of two: scale until it is one.
  let shift = 0;
  let m = magnitude;
  while (!Number.isInteger(m)) {
    m *= 2;
    shift++;
  }
  const numerator = BigInt(m) * 10n ** BigInt(digits);
  const denominator = 1n << BigInt(shift);
  let q = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  if (twice > denominator || (twice === denominator && q % 2n === 1n)) q++;
  return { unscaled: v < 0 ? -q : q, scale: digits };
}

/** Floats show at most as many digits as they hold. */
function formatFloat(v: number, format: string, significantDigits: number): string {
  const integerDigits = Number.isFinite(v) ? Math.round(Math.abs(v)).toFixed(0).length : 1;
  const post = Math.max(0, significantDigits - integerDigits);
  if (/eeee/i.test(format))
    return formatNumber(parseNumeric(Number.isFinite(v) ? `${v}` : 'NaN'), format, { binary: true });
  const digits = Math.min(post, (format.split(/[.dD]/)[1] ?? '').replace(/[^09]/g, '').length);
  const multi = /v/i.test(format) ? (format.split(/v/i)[1] ?? '').replace(/[^09]/g, '').length : 0;
  return formatNumber(fixedDecimal(v, digits + multi), format, {
    binary: true,
    postLimit: post,
    negative: v < 0,
  });
}

function ofTimestamp(t: Value, format: Value): Value {
  if (str(format) === '' || isInfiniteTimestamp(big(t))) return null;
  return formatTimestampBy(big(t), str(format));
}

function ofTimestampTz(t: Value, format: Value, ctx: FunctionContext): Value {
  if (str(format) === '' || isInfiniteTimestamp(big(t))) return null;
  const zone = zoneNamed(ctx.timeZone);
  return formatTimestampBy(utcToLocal(big(t), zone), str(format), { zone, instant: big(t) });
}

function toTimestamp(text: string, format: string, ctx: FunctionContext): bigint {
  const p = parseByFormat(text, format);
  const local = joinTimestamp(p.days, p.micros);
  if (p.offsetSeconds !== undefined) return local - BigInt(p.offsetSeconds) * 1_000_000n;
  return localToUtc(local, p.zone ?? zoneNamed(ctx.timeZone));
}

export const formattingFunctions: readonly FunctionDef[] = [
  define(
    'to_char',
    'int4 text',
    TEXT,
    (a) => formatNumber(numericFromInteger(num(a[0])), str(a[1]), { binary: true }),
    stable,
  ),
  define(
    'to_char',
    'int8 text',
    TEXT,
    (a) => formatNumber(numericFromInteger(big(a[0])), str(a[1]), { binary: true }),
    stable,
  ),
  define('to_char', 'numeric text', TEXT, (a) => formatNumber(a[0] as Numeric, str(a[1])), stable),
  define('to_char', 'float8 text', TEXT, (a) => formatFloat(num(a[0]), str(a[1]), 15), stable),
  define('to_char', 'float4 text', TEXT, (a) => formatFloat(num(a[0]), str(a[1]), 6), stable),
  define('to_char', 'timestamp text', TEXT, (a) => ofTimestamp(a[0]!, a[1]!), stable),
  define('to_char', 'timestamptz text', TEXT, (a, ctx) => ofTimestampTz(a[0]!, a[1]!, ctx), stable),
  define(
    'to_char',
    'interval text',
    TEXT,
    (a) => (str(a[1]) === '' ? null : formatIntervalBy(a[0] as Interval, str(a[1]))),
    stable,
  ),
  define(
    'to_number',
    'text text',
    NUMERIC,
    (a) => (str(a[1]) === '' ? null : parseNumber(str(a[0]), str(a[1]))),
    stable,
  ),
  define('to_date', 'text text', DATE, (a) => checkDate(parseByFormat(str(a[0]), str(a[1])).days), stable),
  define(
    'to_timestamp',
    'text text',
    TIMESTAMPTZ,
    (a, ctx) => toTimestamp(str(a[0]), str(a[1]), ctx),
    stable,
  ),
];
