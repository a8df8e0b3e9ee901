/** to_char of dates, times and intervals by a template pattern. Names are English.
 *
 *  Source: PostgreSQL, formatting.c (DCH_to_char). */
import { civilFromDays, dayOfWeek, dayOfYear, isoWeek, isoYearStart, JULIAN_EPOCH } from '../calendar.js';
import { abbreviationAt, DAY_NAMES, MONTH_NAMES, offsetAt, splitTimestamp } from '../datetime.js';
import { intervalParts } from '../interval.js';
import { SqlError } from '../sql-error.js';
import { formatOffset, type Zone } from '../time-zone.js';
import type { Interval } from '../value.js';
import { type Action, cutTemplate, ROMAN_MONTHS, type TemplateNode } from './date-template.js';
import { ordinalSuffix } from './number-format.js';

type Broken = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micros: number;
  /** Undefined for intervals. */
  readonly days: number | undefined;
  readonly zone: { readonly offsetSeconds: number; readonly name: string } | undefined;
};

function breakTimestamp(local: bigint, zone?: { zone: Zone; instant: bigint }): Broken {
  const { days, micros } = splitTimestamp(local);
  const seconds = Math.floor(micros / 1e6);
  return {
    ...civilFromDays(days),
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    micros: micros % 1e6,
    days,
    zone: zone && {
      offsetSeconds: offsetAt(zone.instant, zone.zone),
      name: abbreviationAt(zone.instant, zone.zone),
    },
  };
}

/** to_char of a wall clock; `zone` for timestamptz. */
export function formatTimestampBy(
  local: bigint,
  format: string,
  zone?: { zone: Zone; instant: bigint },
): string {
  return print(cutTemplate(format), breakTimestamp(local, zone));
}

export function formatIntervalBy(i: Interval, format: string): string {
  const p = intervalParts(i);
  return print(cutTemplate(format), {
    year: p.years,
    month: p.months,
    day: p.days,
    hour: p.hours,
    minute: p.minutes,
    second: p.seconds,
    micros: p.fraction,
    days: undefined,
    zone: undefined,
  });
}

function padded(n: number, width: number, fill: boolean): string {
  if (fill) return `${n}`;
  const text = `${Math.abs(n)}`.padStart(n < 0 ? width - 1 : width, '0');
  return n < 0 ? `-${text}` : text;
}

function matchCase(name: string, key: string): string {
  if (key === key.toUpperCase()) return name.toUpperCase();
  return key === key.toLowerCase() ? name.toLowerCase() : name;
}

function print(nodes: readonly TemplateNode[], t: Broken): string {
  let out = '';
  for (const node of nodes) out += node.kind === 'field' ? field(node, t) : node.text;
  return out;
}

function noIntervals(t: Broken): number {
  if (t.days === undefined)
    throw new SqlError('22007', 'invalid format specification for an interval value', {
      hint: 'Intervals are not tied to specific calendar dates.',
    });
  return t.days;
}

function field(node: Action, t: Broken): string {
  const { key, fill } = node;
  const number = (n: number, width: number): string => {
    const text = padded(n, n < 0 ? width + 1 : width, fill);
    if (node.suffix === '') return text;
    const suffix = ordinalSuffix(text);
    return text + (node.suffix === 'TH' ? suffix.toUpperCase() : suffix);
  };
  const blank = (text: string, width: number): string => (fill ? text : text.padEnd(width));
  const isInterval = t.days === undefined;
  const year = isInterval || t.year > 0 ? t.year : 1 - t.year;
  const iso = (): { year: number; week: number } => {
    const w = isoWeek(noIntervals(t));
    return { year: w.year > 0 ? w.year : 1 - w.year, week: w.week };
  };
  switch (key) {
    case 'A.M.':
    case 'P.M.':
    case 'a.m.':
    case 'p.m.':
      return matchCase(((t.hour % 24) + 24) % 24 >= 12 ? 'P.M.' : 'A.M.', key);
    case 'AM':
    case 'PM':
    case 'am':
    case 'pm':
      return matchCase(((t.hour % 24) + 24) % 24 >= 12 ? 'PM' : 'AM', key);
    case 'HH':
    case 'HH12':
      return number(t.hour % 12 === 0 ? 12 : t.hour % 12, 2);
    case 'HH24':
      return number(t.hour, 2);
    case 'MI':
      return number(t.minute, 2);
    case 'SS':
      return number(t.second, 2);
    case 'MS':
    case 'FF3':
      return number(Math.trunc(t.micros / 1000), 3);
    case 'US':
    case 'FF6':
      return number(t.micros, 6);
    case 'FF1':
      return number(Math.trunc(t.micros / 100000), 1);
    case 'FF2':
      return number(Math.trunc(t.micros / 10000), 2);
    case 'FF4':
      return number(Math.trunc(t.micros / 100), 4);
    case 'FF5':
      return number(Math.trunc(t.micros / 10), 5);
    case 'SSSS':
    case 'SSSSS':
      return number(t.hour * 3600 + t.minute * 60 + t.second, 1);
    case 'TZ':
    case 'tz':
      noIntervals(t);
      return matchCase(t.zone?.name ?? '', key);
    case 'TZH':
      noIntervals(t);
      return formatOffset(t.zone?.offsetSeconds ?? 0).slice(0, 3);
    case 'TZM':
      noIntervals(t);
      return padded(Math.floor(Math.abs(t.zone?.offsetSeconds ?? 0) / 60) % 60, 2, false);
    case 'OF':
      noIntervals(t);
      return formatOffset(t.zone?.offsetSeconds ?? 0);
    case 'A.D.':
    case 'B.C.':
    case 'a.d.':
    case 'b.c.':
      noIntervals(t);
      return matchCase(t.year > 0 ? 'A.D.' : 'B.C.', key);
    case 'AD':
    case 'BC':
    case 'ad':
    case 'bc':
      noIntervals(t);
      return matchCase(t.year > 0 ? 'AD' : 'BC', key);
    case 'MONTH':
    case 'Month':
    case 'month':
      noIntervals(t);
      return blank(matchCase(MONTH_NAMES[t.month - 1]!, key), 9);
    case 'MON':
    case 'Mon':
    case 'mon':
      noIntervals(t);
      return matchCase(MONTH_NAMES[t.month - 1]!.slice(0, 3), key);
    case 'MM':
      return number(t.month, 2);
    case 'DAY':
    case 'Day':
    case 'day':
      return blank(matchCase(DAY_NAMES[dayOfWeek(noIntervals(t))]!, key), 9);
    case 'DY':
    case 'Dy':
    case 'dy':
      return matchCase(DAY_NAMES[dayOfWeek(noIntervals(t))]!.slice(0, 3), key);
    case 'DDD':
      return number(t.days === undefined ? t.year * 360 + t.month * 30 + t.day : dayOfYear(t), 3);
    case 'IDDD':
      return number(noIntervals(t) - isoYearStart(isoWeek(noIntervals(t)).year) + 1, 3);
    case 'DD':
      return number(t.day, 2);
    case 'D':
      return number(dayOfWeek(noIntervals(t)) + 1, 1);
    case 'ID':
      return number(((dayOfWeek(noIntervals(t)) + 6) % 7) + 1, 1);
    case 'WW':
      noIntervals(t);
      return number(Math.floor((dayOfYear(t) - 1) / 7) + 1, 2);
    case 'IW':
      return number(iso().week, 2);
    case 'W':
      return number(Math.floor((t.day - 1) / 7) + 1, 1);
    case 'Q':
      return t.month === 0 ? '' : number(Math.floor((t.month - 1) / 3) + 1, 1);
    case 'CC': {
      if (isInterval) return number(Math.trunc(t.year / 100), 2);
      return number(t.year > 0 ? Math.floor((t.year - 1) / 100) + 1 : Math.trunc(t.year / 100) - 1, 2);
    }
    case 'Y,YYY':
      return `${Math.floor(year / 1000)},${padded(year % 1000, 3, false)}`;
    case 'YYYY':
      return number(year, 4);
    case 'YYY':
      return number(year % 1000, 3);
    case 'YY':
      return number(year % 100, 2);
    case 'Y':
      return number(year % 10, 1);
    case 'IYYY':
      return number(iso().year, 4);
    case 'IYY':
      return number(iso().year % 1000, 3);
    case 'IY':
      return number(iso().year % 100, 2);
    case 'I':
      return number(iso().year % 10, 1);
    case 'J':
      return number(noIntervals(t) + JULIAN_EPOCH, 1);
    case 'RM':
    case 'rm': {
      if (t.month === 0 && t.year === 0) return '';
      const text = ROMAN_MONTHS[(t.month + 11) % 12]!;
      return blank(key === 'rm' ? text.toLowerCase() : text, 4);
    }
    case 'FX':
      return '';
  }
}
