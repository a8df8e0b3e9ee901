/** Fields of dates, times and intervals: extract, date_part, date_trunc, date_bin.
 *
 *  Owns: field names and what each field is. Results of extract are exact decimals with the scale PostgreSQL gives
 *  them. Source: PostgreSQL, chapter 9.9; timestamp.c (timestamp_part_common, interval_part_common, timestamp_trunc). */
import {
  civilFromDays,
  dayOfWeek,
  dayOfYear,
  daysFromCivil,
  isoWeek,
  JULIAN_EPOCH,
  MICROS_PER_DAY,
  MICROS_PER_DAY_N,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
} from './calendar.js';
import { checkTimestamp, isInfiniteTimestamp, joinTimestamp, splitTimestamp } from './datetime.js';
import { intervalUnit } from './datetime-tokens.js';
import { makeInterval } from './interval.js';
import { addNumeric, divideNumeric, type Finite } from './numeric.js';
import { SqlError } from './sql-error.js';
import type { Interval, Numeric } from './value.js';

export type Field =
  | 'microseconds'
  | 'milliseconds'
  | 'second'
  | 'minute'
  | 'hour'
  | 'day'
  | 'week'
  | 'month'
  | 'quarter'
  | 'year'
  | 'decade'
  | 'century'
  | 'millennium'
  | 'isoyear'
  | 'dow'
  | 'isodow'
  | 'doy'
  | 'julian'
  | 'epoch'
  | 'timezone'
  | 'timezone_hour'
  | 'timezone_minute';

const OTHER_FIELDS: Readonly<Record<string, Field>> = {
  microsecond: 'microseconds',
  millisecond: 'milliseconds',
  isoyear: 'isoyear',
  dow: 'dow',
  isodow: 'isodow',
  doy: 'doy',
  julian: 'julian',
  jd: 'julian',
  j: 'julian',
  epoch: 'epoch',
  timezone: 'timezone',
  timezone_h: 'timezone_hour',
  timezone_hour: 'timezone_hour',
  timezone_m: 'timezone_minute',
  timezone_minute: 'timezone_minute',
};

/** The field a name stands for; undefined when there is none. */
export function fieldOf(name: string): Field | undefined {
  const word = name.toLowerCase();
  const other = OTHER_FIELDS[word];
  if (other !== undefined) return other;
  const unit = intervalUnit(word);
  return unit === undefined ? undefined : (OTHER_FIELDS[unit] ?? (unit as Field));
}

function unsupported(name: string, type: string): SqlError {
  return new SqlError('0A000', `unit "${name.toLowerCase()}" not supported for type ${type}`);
}

function unrecognized(name: string, type: string): SqlError {
  return new SqlError('22023', `unit "${name.toLowerCase()}" not recognized for type ${type}`);
}

function requireField(name: string, type: string): Field {
  const field = fieldOf(name);
  if (field === undefined) throw unrecognized(name, type);
  return field;
}

/** A field that names a length of time; dow or epoch do not. */
function requireUnit(name: string, type: string): Field {
  const field = requireField(name, type);
  const zone = field.startsWith('timezone');
  if (!zone && intervalUnit(name.toLowerCase()) === undefined) throw unrecognized(name, type);
  return field;
}

const whole = (n: number | bigint): Finite => ({ unscaled: BigInt(n), scale: 0 });
const decimal = (micros: number | bigint, scale: number): Finite => ({ unscaled: BigInt(micros), scale });

/** Years as people count them: there is no year 0. */
function shownYear(year: number): number {
  return year > 0 ? year : year - 1;
}

function century(year: number): number {
  return year > 0 ? Math.floor((year + 99) / 100) : -Math.floor((99 - (year - 1)) / 100);
}

function millennium(year: number): number {
  return year > 0 ? Math.floor((year + 999) / 1000) : -Math.floor((999 - (year - 1)) / 1000);
}

/** Fields that a day alone decides. */
function dayField(field: Field, days: number): number | undefined {
  switch (field) {
    case 'dow':
      return dayOfWeek(days);
    case 'isodow':
      return ((dayOfWeek(days) + 6) % 7) + 1;
    case 'week':
      return isoWeek(days).week;
    case 'isoyear':
      return shownYear(isoWeek(days).year);
    default:
      break;
  }
  const civil = civilFromDays(days);
  switch (field) {
    case 'year':
      return shownYear(civil.year);
    case 'month':
      return civil.month;
    case 'day':
      return civil.day;
    case 'quarter':
      return Math.floor((civil.month - 1) / 3) + 1;
    case 'doy':
      return dayOfYear(civil);
    case 'decade':
      return Math.floor(civil.year / 10);
    case 'century':
      return century(civil.year);
    case 'millennium':
      return millennium(civil.year);
    default:
      return undefined;
  }
}

function timeField(field: Field, micros: number): Finite | undefined {
  switch (field) {
    case 'microseconds':
      return whole(micros % MICROS_PER_MINUTE);
    case 'milliseconds':
      return decimal(micros % MICROS_PER_MINUTE, 3);
    case 'second':
      return decimal(micros % MICROS_PER_MINUTE, 6);
    case 'minute':
      return whole(Math.floor(micros / MICROS_PER_MINUTE) % 60);
    case 'hour':
      return whole(Math.floor(micros / MICROS_PER_HOUR));
    default:
      return undefined;
  }
}

const GROWING = new Set<Field>(['year', 'decade', 'century', 'millennium', 'isoyear', 'julian', 'epoch']);

/** An infinite instant has an infinite year, and no month: undefined stands for NULL. */
export function infiniteField(name: string, positive: boolean, type: string): Numeric | undefined {
  const field = requireField(name, type);
  return GROWING.has(field) ? { special: positive ? 'Infinity' : '-Infinity' } : undefined;
}

/** extract(field from date): days only. */
export function extractFromDate(name: string, days: number): Finite {
  const field = requireField(name, 'date');
  if (field === 'epoch') return whole(days * 86400);
  if (field === 'julian') return whole(days + JULIAN_EPOCH);
  const v = dayField(field, days);
  if (v === undefined) throw unsupported(name, 'date');
  return whole(v);
}

/** extract(field from timestamp); `local` is the wall clock. With `zone` the value is a timestamptz: `offset` in
 *  seconds and the instant itself, which epoch needs. */
export function extractFromTimestamp(
  name: string,
  local: bigint,
  zone?: { readonly offsetSeconds: number; readonly instant: bigint },
): Finite {
  const type = zone === undefined ? 'timestamp without time zone' : 'timestamp with time zone';
  const field = requireField(name, type);
  const { days, micros } = splitTimestamp(local);
  const time = timeField(field, micros);
  if (time !== undefined) return time;
  const day = dayField(field, days);
  if (day !== undefined) return whole(day);
  if (field === 'epoch') return decimal(zone?.instant ?? local, 6);
  if (field === 'julian') {
    return addNumeric(
      whole(days + JULIAN_EPOCH),
      divideNumeric(whole(micros), whole(MICROS_PER_DAY)),
    ) as Finite;
  }
  if (zone === undefined) throw unsupported(name, type);
  if (field === 'timezone') return whole(zone.offsetSeconds);
  if (field === 'timezone_hour') return whole(Math.trunc(zone.offsetSeconds / 3600));
  return whole(Math.trunc(zone.offsetSeconds / 60) % 60);
}

export function extractFromTime(name: string, micros: number): Finite {
  const type = 'time without time zone';
  const field = requireField(name, type);
  if (field === 'epoch') return decimal(micros, 6);
  const v = timeField(field, micros);
  if (v === undefined) throw unsupported(name, type);
  return v;
}

export function extractFromInterval(name: string, i: Interval): Finite {
  const field = requireField(name, 'interval');
  const years = Math.trunc(i.months / 12);
  const minute = BigInt(MICROS_PER_MINUTE);
  switch (field) {
    case 'microseconds':
      return whole(i.micros % minute);
    case 'milliseconds':
      return decimal(i.micros % minute, 3);
    case 'second':
      return decimal(i.micros % minute, 6);
    case 'minute':
      return whole((i.micros / minute) % 60n);
    case 'hour':
      return whole(i.micros / BigInt(MICROS_PER_HOUR));
    case 'day':
      return whole(i.days);
    case 'month':
      return whole((i.months % 12) + 0);
    case 'quarter':
      return whole(Math.trunc((i.months % 12) / 3) + 1);
    case 'year':
      return whole(years + 0);
    case 'decade':
      return whole(Math.trunc(years / 10) + 0);
    case 'century':
      return whole(Math.trunc(years / 100) + 0);
    case 'millennium':
      return whole(Math.trunc(years / 1000) + 0);
    case 'epoch': {
      // A year has 365.25 days here, a month 30.
      const seconds = BigInt(years) * 31557600n + BigInt(i.months % 12) * 2592000n + BigInt(i.days) * 86400n;
      return decimal(seconds * 1_000_000n + i.micros, 6);
    }
    default:
      throw unsupported(name, 'interval');
  }
}

/** Start of the period of `local` (a wall clock), as date_trunc gives it. */
export function truncateTimestamp(name: string, local: bigint, type = 'timestamp without time zone'): bigint {
  const field = requireUnit(name, type);
  if (isInfiniteTimestamp(local)) return local;
  const { days, micros } = splitTimestamp(local);
  const unit = timeUnit(field);
  if (unit !== undefined) return joinTimestamp(days, micros - (micros % unit));
  return checkTimestamp(joinTimestamp(startOf(field, days, name, type), 0));
}

function timeUnit(field: Field): number | undefined {
  switch (field) {
    case 'microseconds':
      return 1;
    case 'milliseconds':
      return 1000;
    case 'second':
      return 1e6;
    case 'minute':
      return MICROS_PER_MINUTE;
    case 'hour':
      return MICROS_PER_HOUR;
    default:
      return undefined;
  }
}

function startOf(field: Field, days: number, name: string, type: string): number {
  const { year, month } = civilFromDays(days);
  switch (field) {
    case 'day':
      return days;
    case 'week':
      return days - ((dayOfWeek(days) + 6) % 7);
    case 'month':
      return daysFromCivil(year, month, 1);
    case 'quarter':
      return daysFromCivil(year, month - ((month - 1) % 3), 1);
    case 'year':
      return daysFromCivil(year, 1, 1);
    case 'decade':
      return daysFromCivil(Math.floor(year / 10) * 10, 1, 1);
    case 'century':
      return daysFromCivil(
        year > 0 ? Math.floor((year + 99) / 100) * 100 - 99 : -Math.floor((99 - (year - 1)) / 100) * 100 + 1,
        1,
        1,
      );
    case 'millennium':
      return daysFromCivil(
        year > 0
          ? Math.floor((year + 999) / 1000) * 1000 - 999
          : -Math.floor((999 - (year - 1)) / 1000) * 1000 + 1,
        1,
        1,
      );
    default:
      throw unsupported(name, type);
  }
}

export function truncateInterval(name: string, i: Interval): Interval {
  const field = requireUnit(name, 'interval');
  const unit = timeUnit(field);
  if (unit !== undefined) return { ...i, micros: i.micros - (i.micros % BigInt(unit)) };
  const months = (size: number): Interval => makeInterval(i.months - (i.months % size), 0, 0n);
  switch (field) {
    case 'day':
      return { months: i.months, days: i.days, micros: 0n };
    case 'month':
      return months(1);
    case 'quarter':
      return months(3);
    case 'year':
      return months(12);
    case 'decade':
      return months(120);
    case 'century':
      return months(1200);
    case 'millennium':
      return months(12000);
    case 'week':
      throw new SqlError('0A000', 'unit "week" not supported for type interval', {
        detail: 'Months usually have fractional weeks.',
      });
    default:
      throw unsupported(name, 'interval');
  }
}

/** date_bin: the start of the stride, counted from `origin`, that holds `t`. */
export function binTimestamp(stride: Interval, t: bigint, origin: bigint): bigint {
  if (isInfiniteTimestamp(t)) return t;
  if (isInfiniteTimestamp(origin)) throw new SqlError('22008', 'origin out of range');
  if (stride.months !== 0)
    throw new SqlError('0A000', 'timestamps cannot be binned into intervals containing months or years');
  const size = BigInt(stride.days) * MICROS_PER_DAY_N + stride.micros;
  if (size <= 0n) throw new SqlError('22008', 'stride must be greater than zero');
  const distance = t - origin;
  let start = distance - (distance % size);
  if (distance < 0n && distance % size !== 0n) start -= size;
  return checkTimestamp(origin + start);
}

/** The field as date_part's float8; seconds and their fraction are added as floats, as PostgreSQL does. */
export function fieldNumber(name: string, v: Numeric): number {
  if ('special' in v) return v.special === 'Infinity' ? Infinity : -Infinity;
  const field = fieldOf(name);
  if (field === 'second') return Number(v.unscaled / 1_000_000n) + Number(v.unscaled % 1_000_000n) / 1e6;
  if (field === 'milliseconds')
    return Number(v.unscaled / 1_000_000n) * 1000 + Number(v.unscaled % 1_000_000n) / 1000;
  return Number(`${v.unscaled}e${-v.scale}`);
}
