/** Modifiers of times, timestamps and intervals: digits of the second, and the fields an interval keeps.
 *
 *  Owns: PostgreSQL's encoding of them in a typmod, their text, and the rounding that they ask for.
 *  Source: PostgreSQL 15, timestamp.c (AdjustTimestampForTypmod, AdjustIntervalForTypmod, intervaltypmodout) and
 *  date.c (AdjustTimeForTypmod). */
import type { IntervalFields } from './interval.js';
import type { SqlType } from './sql-type.js';
import { type Interval, isInterval, type Value } from './value.js';

/** Bits of `fields`, as in PostgreSQL's typmod. */
const FIELD = { month: 1 << 1, year: 1 << 2, day: 1 << 3, hour: 1 << 10, minute: 1 << 11, second: 1 << 12 };

/** The mask that means "all fields", and the precision that means "as given". */
export const ALL_FIELDS = 0x7fff;
const FULL_PRECISION = 0xffff;

/** PostgreSQL rounds timestamps away from 2000-01-01, where its own count begins. */
export const TIMESTAMP_ORIGIN_MICROS = 946_684_800_000_000n;
const I64_MIN = -(1n << 63n);
const I64_MAX = (1n << 63n) - 1n;

type Timed = Extract<SqlType, { kind: 'time' | 'timestamp' | 'timestamptz' | 'interval' }>;

export function isTimed(t: SqlType): t is Timed {
  return t.kind === 'time' || t.kind === 'timestamp' || t.kind === 'timestamptz' || t.kind === 'interval';
}

/** -1 without a modifier. */
export function timeTypeMod(t: Timed): number {
  if (t.kind !== 'interval') return t.precision ?? -1;
  if (t.precision === undefined && t.fields === undefined) return -1;
  return ((t.fields ?? ALL_FIELDS) << 16) | (t.precision ?? FULL_PRECISION);
}

const FIELD_NAMES: ReadonlyMap<number, string> = new Map([
  [FIELD.year, 'year'],
  [FIELD.month, 'month'],
  [FIELD.day, 'day'],
  [FIELD.hour, 'hour'],
  [FIELD.minute, 'minute'],
  [FIELD.second, 'second'],
  [FIELD.year | FIELD.month, 'year to month'],
  [FIELD.day | FIELD.hour, 'day to hour'],
  [FIELD.day | FIELD.hour | FIELD.minute, 'day to minute'],
  [FIELD.day | FIELD.hour | FIELD.minute | FIELD.second, 'day to second'],
  [FIELD.hour | FIELD.minute, 'hour to minute'],
  [FIELD.hour | FIELD.minute | FIELD.second, 'hour to second'],
  [FIELD.minute | FIELD.second, 'minute to second'],
]);

/** A type's SQL name (`timestamp with time zone`, `interval`) with its modifier in it. */
export function timeTypeName(sqlName: string, mod: number): string {
  if (mod < 0) return sqlName;
  if (sqlName !== 'interval') return sqlName.replace(/^\w+/, (word) => `${word}(${mod})`);
  const fields = FIELD_NAMES.get((mod >> 16) & ALL_FIELDS);
  const precision = mod & 0xffff;
  return `interval${fields === undefined ? '' : ` ${fields}`}${precision === FULL_PRECISION ? '' : `(${precision})`}`;
}

/** `DAY TO SECOND(3)` and its kin; undefined when the interval keeps all fields. */
export function intervalFieldNames(t: Timed): string | undefined {
  if (t.kind !== 'interval' || t.fields === undefined) return undefined;
  return timeTypeName('interval', timeTypeMod(t)).slice('interval '.length).toUpperCase();
}

/** The unit of a number that stands alone in an interval's text: the smallest field. */
export function intervalUnitOf(fields: number | undefined): IntervalFields {
  const has = (bit: number): boolean => fields !== undefined && (fields & bit) !== 0;
  if (fields === undefined || has(FIELD.second)) return 'second';
  if (has(FIELD.minute)) return 'minute';
  if (has(FIELD.hour)) return 'hour';
  if (has(FIELD.day)) return 'day';
  return has(FIELD.month) ? 'month' : 'year';
}

/** `1:30` means one minute and thirty seconds. */
export function isMinuteToSecond(fields: number | undefined): boolean {
  return fields === (FIELD.minute | FIELD.second);
}

/** Microseconds between two values of a precision; 1 when nothing is rounded. */
export function unitMicros(t: Timed): bigint {
  return 10n ** BigInt(6 - (t.precision ?? 6));
}

/** Whether values of `to` need no rounding when they come from `from`. */
export function keepsPrecision(from: Timed, to: Timed): boolean {
  const [a, b] = [from.precision ?? 6, to.precision ?? 6];
  if (a > b) return false;
  if (from.kind !== 'interval' || to.kind !== 'interval') return true;
  return to.fields === undefined || to.fields === from.fields || unitsAbove(to.fields) === undefined;
}

/** The value as the type holds it. */
export function fitTime(v: Value, t: Timed): Value {
  if (v === null || (t.precision === undefined && !('fields' in t))) return v;
  if (t.kind === 'interval') return isInterval(v) ? fitInterval(v, t) : v;
  const micros = v as bigint;
  const unit = unitMicros(t);
  if (unit === 1n || micros === I64_MIN || micros === I64_MAX) return v;
  if (t.kind === 'time') return rounded(micros, unit);
  return rounded(micros - TIMESTAMP_ORIGIN_MICROS, unit) + TIMESTAMP_ORIGIN_MICROS;
}

/** Half away from zero. */
function rounded(micros: bigint, unit: bigint): bigint {
  const half = unit / 2n;
  return micros >= 0n ? ((micros + half) / unit) * unit : -(((-micros + half) / unit) * unit);
}

/** The unit below which the clock part is cut off; 0 for all of it, undefined when seconds stay. */
function unitsAbove(fields: number): bigint | undefined {
  if ((fields & FIELD.second) !== 0) return undefined;
  if ((fields & FIELD.minute) !== 0) return 60_000_000n;
  return (fields & FIELD.hour) !== 0 ? 3_600_000_000n : 0n;
}

/** The smallest field decides: finer parts are dropped, coarser ones stay. */
function fitInterval(v: Interval, t: Extract<Timed, { kind: 'interval' }>): Interval {
  const cut = t.fields === undefined ? undefined : unitsAbove(t.fields);
  if (cut === undefined) return { ...v, micros: rounded(v.micros, unitMicros(t)) };
  if (cut > 0n) return { ...v, micros: v.micros - (v.micros % cut) };
  const fields = t.fields ?? ALL_FIELDS;
  if ((fields & FIELD.day) !== 0) return { ...v, micros: 0n };
  const months = (fields & FIELD.month) !== 0 ? v.months : v.months - (v.months % 12);
  return { months: months + 0, days: 0, micros: 0n };
}
