/** Intervals: months, days and microseconds, kept apart because their ratio is not fixed.
 *
 *  Owns: text form in PostgreSQL's four styles, arithmetic, justify_*, the order (30 days a month, 24 hours a day).
 *  Invariants: months and days are 32-bit, micros 64-bit; past that 22008. Source: PostgreSQL, datetime.c
 *  (DecodeInterval, DecodeISO8601Interval, EncodeInterval) and timestamp.c. */
import { MICROS_PER_DAY_N } from './calendar.js';
import { cutFields, type IntervalUnit, intervalUnit } from './datetime-tokens.js';
import { SqlError } from './sql-error.js';
import type { Interval } from './value.js';

export type IntervalStyle = 'postgres' | 'postgres_verbose' | 'sql_standard' | 'iso_8601';

const I32_MAX = 2147483647;
const I64_MAX = (1n << 63n) - 1n;

function outOfRange(): SqlError {
  return new SqlError('22008', 'interval out of range');
}

function fieldOverflow(text: string): SqlError {
  return new SqlError('22015', `interval field value out of range: "${text}"`);
}

/** Checks the widths of the three parts. */
export function makeInterval(months: number, days: number, micros: bigint): Interval {
  if (Math.abs(months) > I32_MAX || Math.abs(days) > I32_MAX || micros > I64_MAX || micros < -I64_MAX - 1n)
    throw outOfRange();
  return { months: months + 0, days: days + 0, micros };
}

// ---- input --------------------------------------------------------------------------------------------------------

/** rint(): half to even. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

const MICROS_OF: Partial<Readonly<Record<IntervalUnit, number>>> = {
  microsecond: 1,
  millisecond: 1000,
  second: 1e6,
  minute: 60e6,
  hour: 3600e6,
};
const MONTHS_OF: Partial<Readonly<Record<IntervalUnit, number>>> = {
  month: 1,
  year: 12,
  decade: 120,
  century: 1200,
  millennium: 12000,
};

class Sum {
  months = 0;
  days = 0;
  micros = 0n;

  /** `value + fraction` units; a fraction spills into the smaller parts as PostgreSQL spills it. */
  add(unit: IntervalUnit, value: number, fraction: number): void {
    const micros = MICROS_OF[unit];
    const months = MONTHS_OF[unit];
    if (micros !== undefined) {
      this.micros += BigInt(value) * BigInt(micros) + BigInt(roundHalfEven(fraction * micros));
    } else if (unit === 'day' || unit === 'week') {
      const scale = unit === 'week' ? 7 : 1;
      this.days += value * scale;
      this.addDayFraction(fraction * scale);
    } else if (unit === 'month') {
      this.months += value;
      this.addDayFraction(fraction * 30);
    } else if (months !== undefined) {
      this.months += value * months + roundHalfEven(fraction * months);
    }
  }

  private addDayFraction(days: number): void {
    // Cleans what binary fractions leave behind: 0.1 month is 3 days.
    const clean = Math.abs(days - Math.round(days)) < 1e-9 ? Math.round(days) : days;
    const whole = Math.trunc(clean);
    this.days += whole;
    this.micros += BigInt(roundHalfEven((clean - whole) * 86400e6));
  }

  result(text: string, sign: number): Interval {
    const micros = sign < 0 ? -this.micros : this.micros;
    if (
      Math.abs(this.months) > I32_MAX ||
      Math.abs(this.days) > I32_MAX ||
      micros > I64_MAX ||
      micros < -I64_MAX - 1n
    )
      throw fieldOverflow(text);
    return { months: sign * this.months + 0, days: sign * this.days + 0, micros };
  }
}

/** Which unit a bare last number has, from the fields of INTERVAL YEAR, DAY TO HOUR, ...: the smallest of them. */
export type IntervalFields = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';

/** `interval_in`. 22007 for what is no interval, 22008 for what does not fit. `unit`: see IntervalFields.
 *  `minuteToSecond`: two parts of a clock are minutes and seconds. */
export function parseInterval(
  text: string,
  unit: IntervalFields = 'second',
  style: IntervalStyle = 'postgres',
  minuteToSecond = false,
): Interval {
  const bad = (): SqlError => new SqlError('22007', `invalid input syntax for type interval: "${text}"`);
  const fields = cutFields(text);
  if (fields === undefined || fields.length === 0) throw bad();
  const trimmed = text.trim();
  if (/^[+-]?P/i.test(trimmed)) return parseIso8601(trimmed, text) ?? throwBad(bad());
  const sum = new Sum();
  const seen = new Set<string>();
  let current: IntervalUnit | 'ago' | undefined;
  let sign = 1;
  const negateAll =
    style === 'sql_standard' &&
    trimmed.startsWith('-') &&
    !/[-+]/.test(trimmed.slice(1).replace(/^\d+-\d+/, ''));
  const mark = (part: string): void => {
    if (seen.has(part)) throw bad();
    seen.add(part);
  };
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i]!;
    let body = field.text;
    if (field.kind === 'time' || (field.kind === 'zone' && body.indexOf(':') > 0)) {
      const negative = body.startsWith('-') || (negateAll && !body.startsWith('+'));
      if (field.kind === 'zone') body = body.slice(1);
      const micros = parseClock(body, text, minuteToSecond);
      if (micros === undefined) throw bad();
      mark('hour');
      mark('minute');
      mark('second');
      // What fractions of days left is overwritten, as in PostgreSQL.
      sum.micros = negative ? -micros : micros;
      current = 'day';
      continue;
    }
    if (field.kind === 'number' || field.kind === 'zone' || field.kind === 'date') {
      const m = /^([+-]?)(\d*)(?:-(\d+)|(\.\d*))?$/.exec(body);
      if (m === null || (m[2] === '' && m[4] === undefined)) throw bad();
      const negative = m[1] === '-' || (negateAll && m[1] !== '+');
      const value = Number(m[2]);
      if (!Number.isSafeInteger(value)) throw fieldOverflow(text);
      if (m[3] !== undefined) {
        const months = Number(m[3]);
        if (months > 11) throw fieldOverflow(text);
        mark('month');
        const total = value * 12 + months;
        sum.months += negative ? -total : total;
        current = 'month';
        continue;
      }
      const fraction = m[4] === undefined || m[4] === '.' ? 0 : Number(`0${m[4]}`);
      if (current === 'ago') throw bad();
      const u = current ?? unit;
      mark(u);
      sum.add(u, negative ? -value : value, negative ? -fraction : fraction);
      // A number before hours is days; before any other unit it is that unit again.
      if (u === 'hour') current = 'day';
      continue;
    }
    if (body === 'ago') {
      sign = -1;
      current = undefined;
      continue;
    }
    const named = intervalUnit(body);
    if (named === undefined || named === 'quarter') throw bad();
    current = named;
  }
  if (seen.size === 0) throw bad();
  return sum.result(text, sign);
}

function throwBad(e: SqlError): never {
  throw e;
}

/** `h:m[:s[.f]]`; two parts are minutes and seconds when asked for or when there is a fraction. `text` is for messages. */
function parseClock(clock: string, text: string, minuteToSecond: boolean): bigint | undefined {
  const m = /^(\d+):(\d+)(?::(\d+))?(\.\d*)?$/.exec(clock);
  if (m === null) return undefined;
  let [h, minutes, s] = [Number(m[1]), Number(m[2]), Number(m[3] ?? 0)];
  if (m[3] === undefined && (m[4] !== undefined || minuteToSecond)) {
    s = minutes;
    minutes = h;
    h = 0;
  }
  if (minutes > 59 || s > 60) throw fieldOverflow(text);
  const fraction = m[4] === undefined || m[4] === '.' ? 0 : roundHalfEven(Number(`0${m[4]}`) * 1e6);
  return (BigInt(h) * 3600n + BigInt(minutes * 60 + s)) * 1_000_000n + BigInt(fraction);
}

const ISO_DATE_UNIT: Readonly<Record<string, IntervalUnit>> = { Y: 'year', M: 'month', W: 'week', D: 'day' };
const ISO_TIME_UNIT: Readonly<Record<string, IntervalUnit>> = { H: 'hour', M: 'minute', S: 'second' };

/** `P1Y2M3DT4H5M6S` and `P0001-02-03T04:05:06`. */
function parseIso8601(trimmed: string, text: string): Interval | undefined {
  const sum = new Sum();
  const upper = trimmed.toUpperCase();
  if (!upper.startsWith('P') || upper.length === 1) return undefined;
  const [date, time, extra] = upper.slice(1).split('T') as [string, string | undefined, string | undefined];
  if (extra !== undefined) return undefined;
  const alternative = /^(-?\d+)-(\d+)-(\d+)$/.exec(date);
  const number = /([+-]?)(\d+)?(\.\d+)?([A-Z])/y;
  if (alternative !== null) {
    sum.months = Number(alternative[1]) * 12 + Number(alternative[2]);
    sum.days = Number(alternative[3]);
  } else if (!addIsoParts(sum, date, ISO_DATE_UNIT, number)) return undefined;
  if (time !== undefined) {
    const clock = /^(\d+):(\d+)(?::(\d+(?:\.\d+)?))?$/.exec(time);
    if (clock !== null) {
      sum.add('hour', Number(clock[1]), 0);
      sum.add('minute', Number(clock[2]), 0);
      const s = Number(clock[3] ?? 0);
      sum.add('second', Math.trunc(s), s - Math.trunc(s));
    } else if (time === '' || !addIsoParts(sum, time, ISO_TIME_UNIT, number)) return undefined;
  }
  return sum.result(text, 1);
}

function addIsoParts(
  sum: Sum,
  text: string,
  units: Readonly<Record<string, IntervalUnit>>,
  part: RegExp,
): boolean {
  part.lastIndex = 0;
  while (part.lastIndex < text.length) {
    const m = part.exec(text);
    if (m === null) return false;
    const unit = units[m[4]!];
    if (unit === undefined || (m[2] === undefined && m[3] === undefined)) return false;
    const sign = m[1] === '-' ? -1 : 1;
    sum.add(unit, sign * Number(m[2] ?? 0), sign * Number(`0${m[3] ?? ''}`));
  }
  return true;
}

// ---- output -------------------------------------------------------------------------------------------------------

type Parts = {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  /** Microseconds below the second. */
  readonly fraction: number;
};

/** Each part has the sign of the field it came from. */
export function intervalParts(i: Interval): Parts {
  const seconds = Number(i.micros / 1_000_000n);
  return {
    years: Math.trunc(i.months / 12) + 0,
    months: (i.months % 12) + 0,
    days: i.days,
    hours: Math.trunc(seconds / 3600) + 0,
    minutes: (Math.trunc(seconds / 60) % 60) + 0,
    seconds: (seconds % 60) + 0,
    fraction: Number(i.micros % 1_000_000n),
  };
}

function secondsText(seconds: number, fraction: number, pad: boolean): string {
  const whole = `${Math.abs(seconds)}`;
  const text = pad && whole.length < 2 ? `0${whole}` : whole;
  if (fraction === 0) return text;
  return `${text}.${`${Math.abs(fraction)}`.padStart(6, '0').replace(/0+$/, '')}`;
}

function pad2(n: number): string {
  const text = `${Math.abs(n)}`;
  return text.length < 2 ? `0${text}` : text;
}

export function formatInterval(i: Interval, style: IntervalStyle = 'postgres'): string {
  const p = intervalParts(i);
  switch (style) {
    case 'postgres':
      return formatPostgres(p, i.micros);
    case 'postgres_verbose':
      return formatVerbose(p, i);
    case 'sql_standard':
      return formatSqlStandard(p, i);
    case 'iso_8601':
      return formatIso(p);
  }
}

function formatPostgres(p: Parts, micros: bigint): string {
  let text = '';
  let afterNegative = false;
  const add = (value: number, unit: string): void => {
    if (value === 0) return;
    text += `${text === '' ? '' : ' '}${afterNegative && value > 0 ? '+' : ''}${value} ${unit}${value === 1 ? '' : 's'}`;
    afterNegative = value < 0;
  };
  add(p.years, 'year');
  add(p.months, 'mon');
  add(p.days, 'day');
  if (text !== '' && micros === 0n) return text;
  const sign = micros < 0n ? '-' : afterNegative ? '+' : '';
  return `${text}${text === '' ? '' : ' '}${sign}${pad2(p.hours)}:${pad2(p.minutes)}:${secondsText(p.seconds, p.fraction, true)}`;
}

function formatVerbose(p: Parts, i: Interval): string {
  let text = '@';
  let first = true;
  let before = false;
  const add = (value: number, unit: string): void => {
    if (value === 0) return;
    if (first) {
      before = value < 0;
      first = false;
    }
    const shown = before ? -value : value;
    text += ` ${shown} ${unit}${shown === 1 ? '' : 's'}`;
  };
  add(p.years, 'year');
  add(p.months, 'mon');
  add(p.days, 'day');
  add(p.hours, 'hour');
  add(p.minutes, 'min');
  if (p.seconds !== 0 || p.fraction !== 0) {
    const negative = i.micros < 0n;
    if (first) before = negative;
    const shownNegative = first ? false : before !== negative;
    first = false;
    const shown = secondsText(p.seconds, p.fraction, false);
    text += ` ${shownNegative ? '-' : ''}${shown} sec${Math.abs(p.seconds) === 1 && p.fraction === 0 ? '' : 's'}`;
  }
  if (first) text += ' 0';
  return before ? `${text} ago` : text;
}

function formatSqlStandard(p: Parts, i: Interval): string {
  const hasYearMonth = i.months !== 0;
  const hasTime = i.micros !== 0n;
  const hasDay = i.days !== 0;
  const negative = i.months < 0 || i.days < 0 || i.micros < 0n;
  const positive = i.months > 0 || i.days > 0 || i.micros > 0n;
  const clock = `${Math.abs(p.hours)}:${pad2(p.minutes)}:${secondsText(p.seconds, p.fraction, true)}`;
  if (!negative && !positive) return '0';
  if ((negative && positive) || (hasYearMonth && (hasDay || hasTime))) {
    const ym = `${i.months < 0 ? '-' : '+'}${Math.abs(p.years)}-${Math.abs(p.months)}`;
    return `${ym} ${i.days < 0 ? '-' : '+'}${Math.abs(i.days)} ${i.micros < 0n ? '-' : '+'}${clock}`;
  }
  const sign = negative ? '-' : '';
  if (hasYearMonth) return `${sign}${Math.abs(p.years)}-${Math.abs(p.months)}`;
  if (hasDay) return `${sign}${Math.abs(i.days)} ${clock}`;
  return `${sign}${clock}`;
}

function formatIso(p: Parts): string {
  let text = 'P';
  if (p.years !== 0) text += `${p.years}Y`;
  if (p.months !== 0) text += `${p.months}M`;
  if (p.days !== 0) text += `${p.days}D`;
  if (p.hours !== 0 || p.minutes !== 0 || p.seconds !== 0 || p.fraction !== 0) {
    text += 'T';
    if (p.hours !== 0) text += `${p.hours}H`;
    if (p.minutes !== 0) text += `${p.minutes}M`;
    if (p.seconds !== 0 || p.fraction !== 0)
      text += `${p.seconds < 0 || p.fraction < 0 ? '-' : ''}${secondsText(p.seconds, p.fraction, false)}S`;
  }
  return text === 'P' ? 'PT0S' : text;
}

// ---- arithmetic ---------------------------------------------------------------------------------------------------

/** What intervals are ordered and hashed by: microseconds, with 30-day months and 24-hour days. */
export function intervalMicros(i: Interval): bigint {
  return (BigInt(i.months) * 30n + BigInt(i.days)) * MICROS_PER_DAY_N + i.micros;
}

export function compareIntervals(a: Interval, b: Interval): number {
  const x = intervalMicros(a);
  const y = intervalMicros(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function addIntervals(a: Interval, b: Interval): Interval {
  return makeInterval(a.months + b.months, a.days + b.days, a.micros + b.micros);
}

export function negateInterval(a: Interval): Interval {
  return makeInterval(0 - a.months, 0 - a.days, -a.micros);
}

export function subtractIntervals(a: Interval, b: Interval): Interval {
  return makeInterval(a.months - b.months, a.days - b.days, a.micros - b.micros);
}

/** interval * factor: fractions of months become days, fractions of days become time. */
export function multiplyInterval(i: Interval, factor: number): Interval {
  return scaleInterval(i, (x) => x * factor);
}

export function divideInterval(i: Interval, divisor: number): Interval {
  if (divisor === 0) throw new SqlError('22012', 'division by zero');
  return scaleInterval(i, (x) => x / divisor);
}

/** TSROUND: to whole microseconds of a second. */
function roundSeconds(x: number): number {
  return roundHalfEven(x * 1e6) / 1e6;
}

function scaleInterval(i: Interval, scale: (x: number) => number): Interval {
  const scaledMonths = scale(i.months);
  const scaledDays = scale(i.days);
  if (!Number.isFinite(scaledMonths) || !Number.isFinite(scaledDays)) throw outOfRange();
  const months = Math.trunc(scaledMonths);
  let days = Math.trunc(scaledDays);
  let monthDays = roundSeconds((scaledMonths - months) * 30);
  let secondsRest = roundSeconds((scaledDays - days + monthDays - Math.trunc(monthDays)) * 86400);
  monthDays = Math.trunc(monthDays);
  if (Math.abs(secondsRest) >= 86400) {
    days += Math.trunc(secondsRest / 86400);
    secondsRest -= Math.trunc(secondsRest / 86400) * 86400;
  }
  days += monthDays;
  const micros = roundHalfEven(scale(Number(i.micros)) + secondsRest * 1e6);
  if (!Number.isFinite(micros) || Math.abs(micros) >= 2 ** 63) throw outOfRange();
  return makeInterval(months, days, BigInt(micros));
}

export function justifyHours(i: Interval): Interval {
  let days = i.days + Number(i.micros / MICROS_PER_DAY_N);
  let micros = i.micros % MICROS_PER_DAY_N;
  if (days > 0 && micros < 0n) {
    micros += MICROS_PER_DAY_N;
    days--;
  } else if (days < 0 && micros > 0n) {
    micros -= MICROS_PER_DAY_N;
    days++;
  }
  return makeInterval(i.months, days, micros);
}

export function justifyDays(i: Interval): Interval {
  let months = i.months + Math.trunc(i.days / 30);
  let days = i.days % 30;
  if (months > 0 && days < 0) {
    days += 30;
    months--;
  } else if (months < 0 && days > 0) {
    days -= 30;
    months++;
  }
  return makeInterval(months, days, i.micros);
}

export function justifyInterval(i: Interval): Interval {
  let { months } = i;
  let days = i.days + Number(i.micros / MICROS_PER_DAY_N);
  let micros = i.micros % MICROS_PER_DAY_N;
  months += Math.trunc(days / 30);
  days %= 30;
  if (months > 0 && (days < 0 || (days === 0 && micros < 0n))) {
    days += 30;
    months--;
  } else if (months < 0 && (days > 0 || (days === 0 && micros > 0n))) {
    days -= 30;
    months++;
  }
  if (days > 0 && micros < 0n) {
    micros += MICROS_PER_DAY_N;
    days--;
  } else if (days < 0 && micros > 0n) {
    micros -= MICROS_PER_DAY_N;
    days++;
  }
  return makeInterval(months, days, micros);
}
