/** Dates, times and timestamps: text form, fields, construction, and arithmetic with intervals.
 *
 *  Owns: splitting instants into fields, output in every DateStyle, + and -, age, the limits of each type. Parsing is
 *  in `datetime-parse.ts`, extract and date_trunc in `datetime-fields.ts`. Invariants: dates are days and
 *  timestamps microseconds since 1970-01-01 (UTC); the extreme values are the infinities. Source: PostgreSQL,
 *  datetime.c and timestamp.c. */
import {
  type Civil,
  civilFromDays,
  dayOfWeek,
  daysFromCivil,
  daysInMonth,
  MICROS_PER_DAY,
  MICROS_PER_DAY_N,
} from './calendar.js';
import { SqlError } from './sql-error.js';
import { findZone, formatOffset, localOffset, type Zone, zoneAbbreviation, zoneOffset } from './time-zone.js';
import type { Interval } from './value.js';

export const DATE_MINUS_INFINITY = -2147483648;
export const DATE_INFINITY = 2147483647;
export const TIMESTAMP_MINUS_INFINITY = -(1n << 63n);
export const TIMESTAMP_INFINITY = (1n << 63n) - 1n;

/** 4714-11-24 BC, the first day of both types; dates end with year 5874897. PostgreSQL's timestamps end with 294276:
 *  counting from 1970 and not from 2000, ours end at 294247-01-10 04:00:54.775806, the last below infinity. */
export const DATE_FIRST = -2440588;
export const DATE_LAST = daysFromCivil(5874897, 12, 31);
export const TIMESTAMP_FIRST = BigInt(DATE_FIRST) * MICROS_PER_DAY_N;
export const TIMESTAMP_END = TIMESTAMP_INFINITY;

export function isInfiniteTimestamp(t: bigint): boolean {
  return t === TIMESTAMP_INFINITY || t === TIMESTAMP_MINUS_INFINITY;
}

export function isInfiniteDate(d: number): boolean {
  return d === DATE_INFINITY || d === DATE_MINUS_INFINITY;
}

export function timestampOutOfRange(): SqlError {
  return new SqlError('22008', 'timestamp out of range');
}

export function checkTimestamp(t: bigint): bigint {
  if (t < TIMESTAMP_FIRST || t >= TIMESTAMP_END) throw timestampOutOfRange();
  return t;
}

export function checkDate(d: number): number {
  if (d < DATE_FIRST || d > DATE_LAST) throw new SqlError('22008', 'date out of range');
  return d;
}

/** The zone of a session setting or of AT TIME ZONE; 22023 when there is none of that name. */
export function zoneNamed(name: string): Zone {
  const zone = findZone(name);
  if (zone === undefined) throw new SqlError('22023', `time zone "${name}" not recognized`);
  return zone;
}

/** A timestamp's day number and microseconds since its midnight. */
export type DayTime = { readonly days: number; readonly micros: number };

export function splitTimestamp(t: bigint): DayTime {
  const n = Number(t);
  if (n <= 9007199254740991 && n >= -9007199254740991) {
    const days = Math.floor(n / MICROS_PER_DAY);
    return { days, micros: n - days * MICROS_PER_DAY };
  }
  let days = t / MICROS_PER_DAY_N;
  let micros = t % MICROS_PER_DAY_N;
  if (micros < 0n) {
    days--;
    micros += MICROS_PER_DAY_N;
  }
  return { days: Number(days), micros: Number(micros) };
}

export function joinTimestamp(days: number, micros: number): bigint {
  if (days > -100000 && days < 100000) return BigInt(days * MICROS_PER_DAY + micros);
  return BigInt(days) * MICROS_PER_DAY_N + BigInt(micros);
}

function secondsOf(t: bigint): number {
  const { days, micros } = splitTimestamp(t);
  return days * 86400 + Math.floor(micros / 1e6);
}

/** Wall-clock time in `zone` of an instant, as a timestamp without zone. */
export function utcToLocal(t: bigint, zone: Zone): bigint {
  if (isInfiniteTimestamp(t)) return t;
  return t + BigInt(zoneOffset(zone, secondsOf(t))) * 1_000_000n;
}

export function localToUtc(t: bigint, zone: Zone): bigint {
  if (isInfiniteTimestamp(t)) return t;
  return checkTimestamp(t - BigInt(localOffset(zone, secondsOf(t))) * 1_000_000n);
}

export function offsetAt(t: bigint, zone: Zone): number {
  return zoneOffset(zone, secondsOf(t));
}

export function abbreviationAt(t: bigint, zone: Zone): string {
  return zoneAbbreviation(zone, secondsOf(t));
}

// ---- output -------------------------------------------------------------------------------------------------------

export type DateStyle = {
  readonly format: 'ISO' | 'SQL' | 'Postgres' | 'German';
  readonly order: 'MDY' | 'DMY' | 'YMD';
};

const styles = new Map<string, DateStyle>();

/** Reads a setting such as `ISO, MDY`; 22023 for unknown words. */
export function parseDateStyle(setting: string): DateStyle {
  const known = styles.get(setting);
  if (known !== undefined) return known;
  let format: DateStyle['format'] = 'ISO';
  let order: DateStyle['order'] = 'MDY';
  for (const word of setting.toLowerCase().split(/[\s,]+/)) {
    if (word === 'iso') format = 'ISO';
    else if (word === 'sql') format = 'SQL';
    else if (word.startsWith('postgres')) format = 'Postgres';
    else if (word === 'german') {
      format = 'German';
      order = 'DMY';
    } else if (word === 'ymd') order = 'YMD';
    else if (word === 'dmy' || word.startsWith('euro')) order = 'DMY';
    else if (word === 'mdy' || word === 'us' || word.startsWith('noneuro')) order = 'MDY';
    else if (word !== '' && word !== 'default')
      throw new SqlError('22023', `invalid value for parameter "DateStyle": "${setting}"`);
  }
  const style: DateStyle = { format, order };
  styles.set(setting, style);
  return style;
}

export function pad2(n: number): string {
  return n >= 0 && n < 10 ? `0${n}` : `${n}`;
}

function pad4(n: number): string {
  return n >= 1000 ? `${n}` : `${n}`.padStart(4, '0');
}

const ISO_STYLE: DateStyle = { format: 'ISO', order: 'MDY' };
/** ISO texts of the days from 1861 to 2079, made when first asked for: results repeat them. */
const ISO_CACHE_HALF = 40000;
const isoCache: (string | undefined)[] = new Array(2 * ISO_CACHE_HALF);

function isoDate(days: number): string {
  if (days < -ISO_CACHE_HALF || days >= ISO_CACHE_HALF) return makeIsoDate(days);
  const known = isoCache[days + ISO_CACHE_HALF];
  if (known !== undefined) return known;
  const text = makeIsoDate(days);
  isoCache[days + ISO_CACHE_HALF] = text;
  return text;
}

function makeIsoDate(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${pad4(year > 0 ? year : 1 - year)}-${pad2(month)}-${pad2(day)}`;
}

function isBeforeChrist(days: number): boolean {
  return days < -719162;
}

export function formatDate(days: number, style: DateStyle = ISO_STYLE): string {
  if (days === DATE_INFINITY) return 'infinity';
  if (days === DATE_MINUS_INFINITY) return '-infinity';
  if (style.format === 'ISO') return isBeforeChrist(days) ? `${isoDate(days)} BC` : isoDate(days);
  const { year, month, day } = civilFromDays(days);
  const y = pad4(year > 0 ? year : 1 - year);
  const dm = style.order === 'DMY';
  const separator = style.format === 'SQL' ? '/' : style.format === 'German' ? '.' : '-';
  const first = dm || style.format === 'German' ? pad2(day) : pad2(month);
  const second = dm || style.format === 'German' ? pad2(month) : pad2(day);
  const text =
    style.format === 'Postgres' && style.order === 'YMD'
      ? `${y}-${pad2(month)}-${pad2(day)}`
      : `${first}${separator}${second}${separator}${y}`;
  return year > 0 ? text : `${text} BC`;
}

/** `hh:mm:ss[.ffffff]` without trailing zeros; 24:00:00 stays. */
export function formatTimeOfDay(micros: number): string {
  const seconds = Math.floor(micros / 1e6);
  const fraction = micros - seconds * 1e6;
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const text = `${pad2(h)}:${pad2(m)}:${pad2(seconds % 60)}`;
  return fraction === 0 ? text : `${text}.${`${fraction}`.padStart(6, '0').replace(/0+$/, '')}`;
}

export function formatTime(micros: bigint): string {
  return formatTimeOfDay(Number(micros));
}

export const DAY_NAMES = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const MONTH_NAMES = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

export function formatTimestamp(t: bigint, style: DateStyle = ISO_STYLE): string {
  return formatWithZone(t, style, '');
}

export function formatTimestampTz(t: bigint, zone: Zone, style: DateStyle = ISO_STYLE): string {
  if (isInfiniteTimestamp(t)) return formatWithZone(t, style, '');
  const offset = offsetAt(t, zone);
  const suffix = style.format === 'ISO' ? formatOffset(offset) : ` ${abbreviationAt(t, zone)}`;
  return formatWithZone(t + BigInt(offset) * 1_000_000n, style, suffix);
}

function formatWithZone(t: bigint, style: DateStyle, suffix: string): string {
  if (t === TIMESTAMP_INFINITY) return 'infinity';
  if (t === TIMESTAMP_MINUS_INFINITY) return '-infinity';
  const { days, micros } = splitTimestamp(t);
  const era = isBeforeChrist(days) ? ' BC' : '';
  const time = formatTimeOfDay(micros);
  if (style.format === 'ISO') return `${isoDate(days)} ${time}${suffix}${era}`;
  if (style.format !== 'Postgres') {
    const date = formatDate(days, style);
    return `${era === '' ? date : date.slice(0, -3)} ${time}${suffix}${era}`;
  }
  const { year, month, day } = civilFromDays(days);
  const monthName = MONTH_NAMES[month - 1]!.slice(0, 3);
  const middle = style.order === 'DMY' ? `${pad2(day)} ${monthName}` : `${monthName} ${pad2(day)}`;
  const weekday = DAY_NAMES[dayOfWeek(days)]!.slice(0, 3);
  return `${weekday} ${middle} ${time} ${pad4(year > 0 ? year : 1 - year)}${suffix}${era}`;
}

// ---- construction and conversion ----------------------------------------------------------------------------------

export function dateToTimestamp(days: number): bigint {
  if (days === DATE_INFINITY) return TIMESTAMP_INFINITY;
  if (days === DATE_MINUS_INFINITY) return TIMESTAMP_MINUS_INFINITY;
  const t = BigInt(days) * MICROS_PER_DAY_N;
  if (t >= TIMESTAMP_END) throw new SqlError('22008', 'date out of range for timestamp');
  return t;
}

export function timestampToDate(t: bigint): number {
  if (t === TIMESTAMP_INFINITY) return DATE_INFINITY;
  if (t === TIMESTAMP_MINUS_INFINITY) return DATE_MINUS_INFINITY;
  return splitTimestamp(t).days;
}

/** A year as people write it: negative is BC, zero does not exist. */
export function makeDate(year: number, month: number, day: number): number {
  const bad = (): SqlError =>
    new SqlError('22008', `date field value out of range: ${year}-${pad2(month)}-${pad2(day)}`);
  if (year === 0) throw bad();
  const y = year < 0 ? year + 1 : year;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(y, month)) throw bad();
  const days = daysFromCivil(y, month, day);
  if (days < DATE_FIRST || days > DATE_LAST)
    throw new SqlError('22008', `date out of range: ${year}-${pad2(month)}-${pad2(day)}`);
  return days;
}

export function makeTime(hour: number, minute: number, second: number): number {
  const micros = Math.round(second * 1e6);
  const total = (hour * 60 + minute) * 60e6 + micros;
  if (
    hour < 0 ||
    minute < 0 ||
    minute > 59 ||
    !(second >= 0) ||
    second > 60 ||
    total > MICROS_PER_DAY ||
    hour > 24
  )
    throw new SqlError(
      '22008',
      `time field value out of range: ${hour}:${pad2(minute)}:${`${second}`.padStart(2, '0')}`,
    );
  return total;
}

// ---- arithmetic ---------------------------------------------------------------------------------------------------

function addMonths(civil: Civil, months: number): Civil {
  const total = civil.year * 12 + (civil.month - 1) + months;
  const year = Math.floor(total / 12);
  const month = total - year * 12 + 1;
  return { year, month, day: Math.min(civil.day, daysInMonth(year, month)) };
}

/** timestamp + interval: months first (clamped to the month's last day), then days, then time. */
export function addToTimestamp(t: bigint, i: Interval): bigint {
  if (isInfiniteTimestamp(t)) return t;
  if (i.months !== 0 || i.days !== 0) {
    const { days, micros } = splitTimestamp(t);
    let day = days;
    if (i.months !== 0) {
      const c = addMonths(civilFromDays(days), i.months);
      day = daysFromCivil(c.year, c.month, c.day);
    }
    t = joinTimestamp(day + i.days, micros);
  }
  return checkTimestamp(t + i.micros);
}

/** Months and days move the wall clock of `zone`; the time part moves the instant. */
export function addToTimestampTz(t: bigint, i: Interval, zone: Zone): bigint {
  if (isInfiniteTimestamp(t)) return t;
  if (i.months !== 0 || i.days !== 0)
    t = localToUtc(addToTimestamp(utcToLocal(t, zone), { months: i.months, days: i.days, micros: 0n }), zone);
  return checkTimestamp(t + i.micros);
}

/** timestamp - timestamp: days and time, no months. */
export function subtractTimestamps(a: bigint, b: bigint): Interval {
  if (isInfiniteTimestamp(a) || isInfiniteTimestamp(b))
    throw new SqlError('22008', 'cannot subtract infinite timestamps');
  const micros = a - b;
  return { months: 0, days: Number(micros / MICROS_PER_DAY_N), micros: micros % MICROS_PER_DAY_N };
}

/** `age(a, b)`: years, months and days as a calendar counts them. */
export function ageBetween(a: bigint, b: bigint): Interval {
  if (isInfiniteTimestamp(a) || isInfiniteTimestamp(b)) throw timestampOutOfRange();
  const x = splitTimestamp(a);
  const y = splitTimestamp(b);
  const cx = civilFromDays(x.days);
  const cy = civilFromDays(y.days);
  let micros = x.micros - y.micros;
  let days = cx.day - cy.day;
  let months = (cx.year - cy.year) * 12 + cx.month - cy.month;
  const negative = a < b;
  if (negative) {
    micros = -micros;
    days = -days;
    months = -months;
  }
  if (micros < 0) {
    micros += MICROS_PER_DAY;
    days--;
  }
  // Days are borrowed from the month of the earlier timestamp.
  const borrow = negative ? cx : cy;
  while (days < 0) {
    days += daysInMonth(borrow.year, borrow.month);
    months--;
  }
  return negative
    ? { months: -months, days: -days, micros: BigInt(-micros) }
    : { months, days, micros: BigInt(micros) };
}
