/** Date, time and interval operators and functions.
 *
 *  Months and days of a timestamptz move on the session's wall clock. Source: PostgreSQL, chapter 9.9. */
import { MICROS_PER_DAY_N } from '../calendar.js';
import {
  addToTimestamp,
  addToTimestampTz,
  ageBetween,
  checkDate,
  checkTimestamp,
  DATE_INFINITY,
  dateToTimestamp,
  isInfiniteDate,
  isInfiniteTimestamp,
  joinTimestamp,
  localToUtc,
  makeDate,
  makeTime,
  offsetAt,
  splitTimestamp,
  subtractTimestamps,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
  timestampOutOfRange,
  utcToLocal,
  zoneNamed,
} from '../datetime.js';
import {
  binTimestamp,
  extractFromDate,
  extractFromInterval,
  extractFromTime,
  extractFromTimestamp,
  fieldNumber,
  fieldOf,
  infiniteField,
  truncateInterval,
  truncateTimestamp,
} from '../datetime-fields.js';
import {
  addIntervals,
  divideInterval,
  formatInterval,
  justifyDays,
  justifyHours,
  justifyInterval,
  makeInterval,
  multiplyInterval,
  negateInterval,
  roundHalfEven,
  subtractIntervals,
} from '../interval.js';
import { notSupported, SqlError } from '../sql-error.js';
import {
  BOOL,
  DATE,
  FLOAT8,
  INT4,
  INTERVAL,
  NUMERIC,
  type Range,
  type SqlType,
  TEXT,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
} from '../sql-type.js';
import type { Interval, Numeric, Value } from '../value.js';
import { big, define, num, str } from './define.js';
import { fixed } from './numeric-facts.js';
import type { CallInfo, FunctionContext, FunctionDef } from './registry-types.js';

const span = (v: Value | undefined): Interval => v as Interval;
const zoneOf = (ctx: FunctionContext) => zoneNamed(ctx.timeZone);
const stable = { volatility: 'stable' } as const;

function addDays(date: number, days: number): number {
  return isInfiniteDate(date) ? date : checkDate(date + days);
}

function subtractDates(a: number, b: number): number {
  if (isInfiniteDate(a) || isInfiniteDate(b)) throw new SqlError('22008', 'cannot subtract infinite dates');
  return a - b;
}

/** A time of day wraps around midnight. */
function wrapTime(t: bigint): bigint {
  const rest = t % MICROS_PER_DAY_N;
  return rest < 0n ? rest + MICROS_PER_DAY_N : rest;
}

/** Bounds of days ± a number; infinite dates stay where they are, so bounds that include one say nothing. */
function dayRange(sign: 1n | -1n, dateAt: 0 | 1): FunctionDef['range'] {
  return (args) => {
    const date = args[dateAt];
    const days = args[1 - dateAt];
    if (date === undefined || days === undefined || date.min <= -2147483648n || date.max >= 2147483647n)
      return undefined;
    return sign === 1n
      ? { min: date.min + days.min, max: date.max + days.max }
      : { min: date.min - days.max, max: date.max - days.min };
  };
}

const dateDifference: FunctionDef['range'] = (args) => {
  const [a, b] = [args[0], args[1]];
  return a && b && { min: a.min - b.max, max: a.max - b.min };
};

function ranged(range: FunctionDef['range']): { range: NonNullable<FunctionDef['range']> } {
  return { range: range! };
}

function operators(): FunctionDef[] {
  const dateTime = (date: Value | undefined, time: Value | undefined): bigint => {
    const t = dateToTimestamp(num(date));
    return isInfiniteTimestamp(t) ? t : t + big(time);
  };
  return [
    define('+', 'date int4', DATE, (a) => addDays(num(a[0]), num(a[1])), ranged(dayRange(1n, 0))),
    define('+', 'int4 date', DATE, (a) => addDays(num(a[1]), num(a[0])), ranged(dayRange(1n, 1))),
    define('-', 'date int4', DATE, (a) => addDays(num(a[0]), -num(a[1])), ranged(dayRange(-1n, 0))),
    define('-', 'date date', INT4, (a) => subtractDates(num(a[0]), num(a[1])), ranged(dateDifference)),
    define('+', 'date time', TIMESTAMP, (a) => dateTime(a[0], a[1])),
    define('+', 'time date', TIMESTAMP, (a) => dateTime(a[1], a[0])),
    define('+', 'date interval', TIMESTAMP, (a) => addToTimestamp(dateToTimestamp(num(a[0])), span(a[1]))),
    define('+', 'interval date', TIMESTAMP, (a) => addToTimestamp(dateToTimestamp(num(a[1])), span(a[0]))),
    define('-', 'date interval', TIMESTAMP, (a) =>
      addToTimestamp(dateToTimestamp(num(a[0])), negateInterval(span(a[1]))),
    ),
    define('+', 'timestamp interval', TIMESTAMP, (a) => addToTimestamp(big(a[0]), span(a[1]))),
    define('+', 'interval timestamp', TIMESTAMP, (a) => addToTimestamp(big(a[1]), span(a[0]))),
    define('-', 'timestamp interval', TIMESTAMP, (a) =>
      addToTimestamp(big(a[0]), negateInterval(span(a[1]))),
    ),
    define('-', 'timestamp timestamp', INTERVAL, (a) => subtractTimestamps(big(a[0]), big(a[1]))),
    define(
      '+',
      'timestamptz interval',
      TIMESTAMPTZ,
      (a, ctx) => addToTimestampTz(big(a[0]), span(a[1]), zoneOf(ctx)),
      stable,
    ),
    define(
      '+',
      'interval timestamptz',
      TIMESTAMPTZ,
      (a, ctx) => addToTimestampTz(big(a[1]), span(a[0]), zoneOf(ctx)),
      stable,
    ),
    define(
      '-',
      'timestamptz interval',
      TIMESTAMPTZ,
      (a, ctx) => addToTimestampTz(big(a[0]), negateInterval(span(a[1])), zoneOf(ctx)),
      stable,
    ),
    define('-', 'timestamptz timestamptz', INTERVAL, (a) => subtractTimestamps(big(a[0]), big(a[1]))),
    define('-', 'time time', INTERVAL, (a) => ({ months: 0, days: 0, micros: big(a[0]) - big(a[1]) })),
    define('+', 'time interval', TIME, (a) => wrapTime(big(a[0]) + span(a[1]).micros)),
    define('+', 'interval time', TIME, (a) => wrapTime(big(a[1]) + span(a[0]).micros)),
    define('-', 'time interval', TIME, (a) => wrapTime(big(a[0]) - span(a[1]).micros)),
    define('+', 'interval interval', INTERVAL, (a) => addIntervals(span(a[0]), span(a[1]))),
    define('-', 'interval interval', INTERVAL, (a) => subtractIntervals(span(a[0]), span(a[1]))),
    define('-', 'interval', INTERVAL, (a) => negateInterval(span(a[0]))),
    define('*', 'interval float8', INTERVAL, (a) => multiplyInterval(span(a[0]), num(a[1]))),
    define('*', 'float8 interval', INTERVAL, (a) => multiplyInterval(span(a[1]), num(a[0]))),
    define('/', 'interval float8', INTERVAL, (a) => divideInterval(span(a[0]), num(a[1]))),
  ];
}

/** Precision and scale of extract(field from kind); numeric without them when the field is not constant. */
function extractType(
  kind: 'date' | 'time' | 'timestamp' | 'timestamptz' | 'interval',
): FunctionDef['returns'] {
  return (_types, call) => {
    const name = call?.consts?.[0];
    const field = typeof name === 'string' ? fieldOf(name) : undefined;
    switch (field) {
      case undefined:
        return NUMERIC;
      case 'second':
        return fixed(8, 6);
      case 'milliseconds':
        return fixed(8, 3);
      case 'microseconds':
        return fixed(8, 0);
      case 'epoch':
        return kind === 'date' ? fixed(15, 0) : fixed(23, 6);
      case 'julian':
        return kind === 'date' ? fixed(10, 0) : NUMERIC;
      default:
        return fixed(10, 0);
    }
  };
}

/** Bounds of a calendar field, and for the year of a bounded date the years of those bounds. */
function extractRange(
  args: readonly (Range | undefined)[],
  types: readonly SqlType[],
  call?: CallInfo,
): Range | undefined {
  const name = call?.consts?.[0];
  const field = typeof name === 'string' ? fieldOf(name) : undefined;
  const kind = types[1]!.kind;
  const within = (min: number, max: number): Range => ({ min: BigInt(min), max: BigInt(max) });
  if (kind === 'interval') return undefined;
  switch (field) {
    case 'month':
      return within(1, 12);
    case 'day':
      return within(1, 31);
    case 'quarter':
      return within(1, 4);
    case 'dow':
    case 'isodow':
      return within(0, 7);
    case 'doy':
      return within(1, 366);
    case 'week':
      return within(1, 53);
    case 'hour':
      return within(0, 24);
    case 'minute':
      return within(0, 59);
    case 'year': {
      const bounds = args[1];
      if (kind === 'date' && bounds !== undefined && bounds.min > -2440000n && bounds.max < 2000000000n)
        return {
          min: extractFromDate('year', Number(bounds.min)).unscaled,
          max: extractFromDate('year', Number(bounds.max)).unscaled,
        };
      return within(-4714, 5874897);
    }
    default:
      return undefined;
  }
}

/** An infinite year has no place in a fixed-scale numeric. */
function infinite(name: string, positive: boolean, type: string): Numeric | null {
  return infiniteField(name, positive, type) ?? null;
}

type Extract = (name: string, v: Value, ctx: FunctionContext) => Numeric | null;

const EXTRACTS: readonly ['date' | 'time' | 'timestamp' | 'timestamptz' | 'interval', Extract][] = [
  [
    'date',
    (name, v) =>
      isInfiniteDate(num(v))
        ? infinite(name, num(v) === DATE_INFINITY, 'date')
        : extractFromDate(name, num(v)),
  ],
  ['time', (name, v) => extractFromTime(name, Number(v))],
  [
    'timestamp',
    (name, v) =>
      isInfiniteTimestamp(big(v))
        ? infinite(name, big(v) > 0n, 'timestamp without time zone')
        : extractFromTimestamp(name, big(v)),
  ],
  [
    'timestamptz',
    (name, v, ctx) => {
      if (isInfiniteTimestamp(big(v))) return infinite(name, big(v) > 0n, 'timestamp with time zone');
      const zone = zoneOf(ctx);
      const instant = big(v);
      return extractFromTimestamp(name, utcToLocal(instant, zone), {
        offsetSeconds: offsetAt(instant, zone),
        instant,
      });
    },
  ],
  ['interval', (name, v) => extractFromInterval(name, span(v))],
];

/** extract (exact) and date_part (float8) of every type. */
function extracts(): FunctionDef[] {
  return EXTRACTS.flatMap(([kind, extract]) => {
    const volatility = kind === 'timestamptz' ? stable : {};
    return [
      define(
        'extract',
        `text ${kind}`,
        extractType(kind),
        (a, ctx, _types, target) => {
          const v = extract(str(a[0]), a[1]!, ctx);
          if (v !== null && 'special' in v && target?.kind === 'numeric' && target.scale !== undefined)
            throw notSupported(`extract(${str(a[0])}) of an infinite value`);
          return v;
        },
        { ...volatility, range: extractRange },
      ),
      define(
        'date_part',
        `text ${kind}`,
        FLOAT8,
        (a, ctx) => {
          // date_part of a date goes through its midnight, so that hours are 0 and not an error.
          const v =
            kind === 'date'
              ? EXTRACTS[2]![1](str(a[0]), dateToTimestamp(num(a[1])), ctx)
              : extract(str(a[0]), a[1]!, ctx);
          return v === null ? null : fieldNumber(str(a[0]), v);
        },
        volatility,
      ),
    ];
  });
}

function truncations(): FunctionDef[] {
  const inZone = (name: string, t: bigint, zone: ReturnType<typeof zoneNamed>): bigint =>
    isInfiniteTimestamp(t)
      ? t
      : localToUtc(truncateTimestamp(name, utcToLocal(t, zone), 'timestamp with time zone'), zone);
  return [
    define('date_trunc', 'text timestamp', TIMESTAMP, (a) => truncateTimestamp(str(a[0]), big(a[1]))),
    define(
      'date_trunc',
      'text timestamptz',
      TIMESTAMPTZ,
      (a, ctx) => inZone(str(a[0]), big(a[1]), zoneOf(ctx)),
      stable,
    ),
    define(
      'date_trunc',
      'text timestamptz text',
      TIMESTAMPTZ,
      (a) => inZone(str(a[0]), big(a[1]), zoneNamed(str(a[2]))),
      stable,
    ),
    define('date_trunc', 'text interval', INTERVAL, (a) => truncateInterval(str(a[0]), span(a[1]))),
    define('date_bin', 'interval timestamp timestamp', TIMESTAMP, (a) =>
      binTimestamp(span(a[0]), big(a[1]), big(a[2])),
    ),
    define('date_bin', 'interval timestamptz timestamptz', TIMESTAMPTZ, (a) =>
      binTimestamp(span(a[0]), big(a[1]), big(a[2])),
    ),
  ];
}

function clocks(): FunctionDef[] {
  const now = (ctx: FunctionContext): bigint => ctx.nowMicros;
  const localNow = (ctx: FunctionContext): bigint => utcToLocal(ctx.nowMicros, zoneOf(ctx));
  return [
    ...['now', 'transaction_timestamp', 'statement_timestamp', 'current_timestamp'].map((n) =>
      define(n, '', TIMESTAMPTZ, (_a, ctx) => now(ctx), stable),
    ),
    define('clock_timestamp', '', TIMESTAMPTZ, () => BigInt(Date.now()) * 1000n, { volatility: 'volatile' }),
    define('current_date', '', DATE, (_a, ctx) => splitTimestamp(localNow(ctx)).days, stable),
    define('localtimestamp', '', TIMESTAMP, (_a, ctx) => localNow(ctx), stable),
    define('localtime', '', TIME, (_a, ctx) => BigInt(splitTimestamp(localNow(ctx)).micros), stable),
  ];
}

function timestampFromParts(a: readonly Value[]): bigint {
  return joinTimestamp(makeDate(num(a[0]), num(a[1]), num(a[2])), makeTime(num(a[3]), num(a[4]), num(a[5])));
}

function finite(seconds: number): number {
  if (!Number.isFinite(seconds)) throw new SqlError('22008', 'interval out of range');
  return seconds;
}

function intervalFromParts(a: readonly Value[]): Interval {
  const part = (i: number): number => (a[i] as number | undefined) ?? 0;
  const micros =
    BigInt(part(4) * 3600 + part(5) * 60) * 1_000_000n + BigInt(roundHalfEven(finite(part(6)) * 1e6));
  return makeInterval(part(0) * 12 + part(1), part(2) * 7 + part(3), micros);
}

function makers(): FunctionDef[] {
  const parts = ['int4', 'int4', 'int4', 'int4', 'int4', 'int4', 'float8'];
  return [
    define('make_date', 'int4 int4 int4', DATE, (a) => makeDate(num(a[0]), num(a[1]), num(a[2]))),
    define('make_time', 'int4 int4 float8', TIME, (a) => BigInt(makeTime(num(a[0]), num(a[1]), num(a[2])))),
    define('make_timestamp', 'int4 int4 int4 int4 int4 float8', TIMESTAMP, timestampFromParts),
    define(
      'make_timestamptz',
      'int4 int4 int4 int4 int4 float8',
      TIMESTAMPTZ,
      (a, ctx) => localToUtc(timestampFromParts(a), zoneOf(ctx)),
      stable,
    ),
    define(
      'make_timestamptz',
      'int4 int4 int4 int4 int4 float8 text',
      TIMESTAMPTZ,
      (a) => localToUtc(timestampFromParts(a), zoneNamed(str(a[6]))),
      stable,
    ),
    ...parts.map((_, n) =>
      define('make_interval', parts.slice(0, n + 1).join(' '), INTERVAL, intervalFromParts),
    ),
    define('make_interval', '', INTERVAL, intervalFromParts),
    define('to_timestamp', 'float8', TIMESTAMPTZ, (a) => fromEpoch(num(a[0]))),
  ];
}

function fromEpoch(seconds: number): bigint {
  if (Number.isNaN(seconds)) throw new SqlError('22008', 'timestamp cannot be NaN');
  if (seconds === Infinity) return TIMESTAMP_INFINITY;
  if (seconds === -Infinity) return TIMESTAMP_MINUS_INFINITY;
  if (Math.abs(seconds) > 1e13) throw new SqlError('22008', `timestamp out of range: "${seconds}"`);
  return checkTimestamp(BigInt(roundHalfEven(seconds * 1e6)));
}

function zones(): FunctionDef[] {
  const fixedZone = (i: Interval): { kind: 'fixed'; name: string; seconds: number } => {
    if (i.months !== 0 || i.days !== 0)
      throw new SqlError(
        '22023',
        `interval time zone "${formatInterval(i)}" must not include months or days`,
      );
    return { kind: 'fixed', name: '', seconds: Number(i.micros / 1_000_000n) };
  };
  return [
    define('timezone', 'text timestamp', TIMESTAMPTZ, (a) => localToUtc(big(a[1]), zoneNamed(str(a[0])))),
    define('timezone', 'text timestamptz', TIMESTAMP, (a) => utcToLocal(big(a[1]), zoneNamed(str(a[0])))),
    define('timezone', 'interval timestamp', TIMESTAMPTZ, (a) =>
      localToUtc(big(a[1]), fixedZone(span(a[0]))),
    ),
    define('timezone', 'interval timestamptz', TIMESTAMP, (a) =>
      utcToLocal(big(a[1]), fixedZone(span(a[0]))),
    ),
  ];
}

function age(a: bigint, b: bigint): Interval {
  if (isInfiniteTimestamp(a) || isInfiniteTimestamp(b)) throw timestampOutOfRange();
  return ageBetween(a, b);
}

function ages(): FunctionDef[] {
  const midnight = (ctx: FunctionContext): bigint => {
    const local = utcToLocal(ctx.nowMicros, zoneOf(ctx));
    return joinTimestamp(splitTimestamp(local).days, 0);
  };
  return [
    define('age', 'timestamp timestamp', INTERVAL, (a) => age(big(a[0]), big(a[1]))),
    define(
      'age',
      'timestamptz timestamptz',
      INTERVAL,
      (a, ctx) => age(utcToLocal(big(a[0]), zoneOf(ctx)), utcToLocal(big(a[1]), zoneOf(ctx))),
      stable,
    ),
    define('age', 'timestamp', INTERVAL, (a, ctx) => age(midnight(ctx), big(a[0])), stable),
    define(
      'age',
      'timestamptz',
      INTERVAL,
      (a, ctx) => age(midnight(ctx), utcToLocal(big(a[0]), zoneOf(ctx))),
      stable,
    ),
  ];
}

/** (s1, e1) OVERLAPS (s2, e2): half-open periods, ends in either order, NULL ends as in the standard. */
function overlaps(args: readonly Value[]): Value {
  let [s1, e1, s2, e2] = args as (bigint | null)[] as [
    bigint | null,
    bigint | null,
    bigint | null,
    bigint | null,
  ];
  if (s1 === null || (e1 !== null && s1 > e1)) [s1, e1] = [e1, s1];
  if (s2 === null || (e2 !== null && s2 > e2)) [s2, e2] = [e2, s2];
  if (s1 === null || s2 === null) return null;
  if (s1 > s2) return e2 === null ? null : s1 < e2 ? true : e1 === null ? null : false;
  if (s1 < s2) return e1 === null ? null : s2 < e1 ? true : e2 === null ? null : false;
  return e1 === null || e2 === null ? null : true;
}

function overlapFunctions(): FunctionDef[] {
  const options = { strict: false } as const;
  return (['timestamp', 'timestamptz', 'time'] as const).flatMap((k) => {
    const defs = [define('overlaps', `${k} ${k} ${k} ${k}`, BOOL, overlaps, options)];
    if (k !== 'timestamp') return defs;
    const end = (s: Value, i: Value): Value =>
      s === null || i === null ? null : addToTimestamp(big(s), span(i));
    return [
      ...defs,
      define(
        'overlaps',
        `${k} interval ${k} interval`,
        BOOL,
        (a) => overlaps([a[0]!, end(a[0]!, a[1]!), a[2]!, end(a[2]!, a[3]!)]),
        options,
      ),
    ];
  });
}

export const datetimeFunctions: readonly FunctionDef[] = [
  ...operators(),
  ...extracts(),
  ...truncations(),
  ...clocks(),
  ...makers(),
  ...zones(),
  ...ages(),
  ...overlapFunctions(),
  define('justify_hours', 'interval', INTERVAL, (a) => justifyHours(span(a[0]))),
  define('justify_days', 'interval', INTERVAL, (a) => justifyDays(span(a[0]))),
  define('justify_interval', 'interval', INTERVAL, (a) => justifyInterval(span(a[0]))),
  define('isfinite', 'date', BOOL, (a) => !isInfiniteDate(num(a[0]))),
  define('isfinite', 'timestamp', BOOL, (a) => !isInfiniteTimestamp(big(a[0]))),
  define('isfinite', 'timestamptz', BOOL, (a) => !isInfiniteTimestamp(big(a[0]))),
  define('isfinite', 'interval', BOOL, () => true),
  define('timeofday', '', TEXT, () => new Date().toUTCString(), { volatility: 'volatile' }),
];
