/** to_char of dates and times, to_date and to_timestamp: template patterns such as `YYYY-MM-DD HH24:MI`.
 *
 *  Owns: the pattern parser, output, and input by pattern. Source: PostgreSQL, formatting.c (DCH_to_char,
 *  DCH_from_char, do_to_timestamp). Month and day names are English. */
import {
  civilFromDays,
  dayOfWeek,
  dayOfYear,
  daysFromCivil,
  daysInMonth,
  isoWeek,
  isoYearStart,
  JULIAN_EPOCH,
} from '../calendar.js';
import { abbreviationAt, DAY_NAMES, MONTH_NAMES, offsetAt, splitTimestamp } from '../datetime.js';
import { intervalParts } from '../interval.js';
import { SqlError } from '../sql-error.js';
import { findZone, formatOffset, type Zone } from '../time-zone.js';
import type { Interval } from '../value.js';
import { ordinalSuffix } from './number-format.js';

const KEYWORDS = [
  'A.D.',
  'A.M.',
  'AD',
  'AM',
  'B.C.',
  'BC',
  'CC',
  'DAY',
  'DDD',
  'DD',
  'DY',
  'Day',
  'Dy',
  'D',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'FX',
  'HH24',
  'HH12',
  'HH',
  'IDDD',
  'ID',
  'IW',
  'IYYY',
  'IYY',
  'IY',
  'I',
  'J',
  'MI',
  'MM',
  'MONTH',
  'MON',
  'MS',
  'Month',
  'Mon',
  'OF',
  'P.M.',
  'PM',
  'Q',
  'RM',
  'SSSSS',
  'SSSS',
  'SS',
  'TZH',
  'TZM',
  'TZ',
  'US',
  'WW',
  'W',
  'Y,YYY',
  'YYYY',
  'YYY',
  'YY',
  'Y',
  'a.d.',
  'a.m.',
  'ad',
  'am',
  'b.c.',
  'bc',
  'day',
  'dy',
  'month',
  'mon',
  'p.m.',
  'pm',
  'rm',
  'tz',
] as const;
type Keyword = (typeof KEYWORDS)[number];

/** Lower-case forms that mean the same as their upper-case ones. */
const CASELESS: Readonly<Record<string, Keyword>> = Object.fromEntries(
  (
    [
      'CC',
      'DDD',
      'DD',
      'D',
      'FF1',
      'FF2',
      'FF3',
      'FF4',
      'FF5',
      'FF6',
      'FX',
      'HH24',
      'HH12',
      'HH',
      'IDDD',
      'ID',
      'IW',
      'IYYY',
      'IYY',
      'IY',
      'I',
      'J',
      'MI',
      'MM',
      'MS',
      'OF',
      'Q',
      'SSSSS',
      'SSSS',
      'SS',
      'TZH',
      'TZM',
      'US',
      'WW',
      'W',
      'Y,YYY',
      'YYYY',
      'YYY',
      'YY',
      'Y',
    ] as const
  ).map((k) => [k.toLowerCase(), k]),
);
const LONGEST_FIRST: readonly (readonly [string, Keyword])[] = [
  ...KEYWORDS.map((k) => [k, k] as const),
  ...Object.entries(CASELESS),
].sort((a, b) => b[0].length - a[0].length);

type Action = {
  readonly kind: 'field';
  readonly key: Keyword;
  readonly fill: boolean;
  readonly suffix: '' | 'TH' | 'th';
};
type Node = Action | { readonly kind: 'text' | 'separator' | 'space'; readonly text: string };

const cache = new Map<string, readonly Node[]>();

function cut(format: string): readonly Node[] {
  const known = cache.get(format);
  if (known !== undefined) return known;
  const nodes: Node[] = [];
  let at = 0;
  while (at < format.length) {
    let fill = false;
    for (;;) {
      const prefix = format.slice(at, at + 2).toUpperCase();
      // TM, the locale's names, drops the padding as FM does.
      if (prefix !== 'FM' && prefix !== 'TM') break;
      fill = true;
      at += 2;
    }
    const found = LONGEST_FIRST.find(([word]) => format.startsWith(word, at));
    if (found !== undefined) {
      at += found[0].length;
      const after = format.slice(at, at + 2);
      let suffix: Action['suffix'] = '';
      if (after === 'TH' || after === 'th') {
        suffix = after;
        at += 2;
      } else if (after === 'SP') at += 2;
      nodes.push({ kind: 'field', key: found[1], fill, suffix });
      continue;
    }
    const c = format[at];
    if (c === undefined) break;
    if (c === '"') {
      at++;
      while (at < format.length && format[at] !== '"') {
        if (format[at] === '\\' && at + 1 < format.length) at++;
        nodes.push({ kind: 'text', text: format[at]! });
        at++;
      }
      at++;
      continue;
    }
    if (c === '\\' && format[at + 1] === '"') {
      nodes.push({ kind: 'text', text: '"' });
      at += 2;
      continue;
    }
    const kind = /\s/.test(c) ? 'space' : /[!-/:-@[-`{-~]/.test(c) ? 'separator' : 'text';
    nodes.push({ kind, text: c });
    at++;
  }
  if (cache.size >= 200) cache.clear();
  cache.set(format, nodes);
  return nodes;
}

// ---- output -------------------------------------------------------------------------------------------------------

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
  return print(cut(format), breakTimestamp(local, zone));
}

export function formatIntervalBy(i: Interval, format: string): string {
  const p = intervalParts(i);
  return print(cut(format), {
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

const ROMAN_MONTHS = ['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII'];

function print(nodes: readonly Node[], t: Broken): string {
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

// ---- input --------------------------------------------------------------------------------------------------------

type Read = {
  year?: number;
  yearDigits?: number;
  month?: number;
  day?: number;
  dayOfYear?: number;
  hour?: number;
  minute?: number;
  second?: number;
  micros?: number;
  secondsOfDay?: number;
  pm?: boolean;
  hour12?: boolean;
  bc?: boolean;
  julian?: number;
  century?: number;
  isoYear?: number;
  isoWeek?: number;
  isoDay?: number;
  week?: number;
  weekOfMonth?: number;
  zoneSign?: number;
  zoneHours?: number;
  zoneMinutes?: number;
  zone?: Zone;
};

export type ParsedDateTime = {
  readonly days: number;
  readonly micros: number;
  readonly offsetSeconds: number | undefined;
  readonly zone: Zone | undefined;
};

const DIGIT_FIELDS = new Set<Keyword>([
  'CC',
  'DDD',
  'DD',
  'D',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'HH24',
  'HH12',
  'HH',
  'IDDD',
  'ID',
  'IW',
  'IYYY',
  'IYY',
  'IY',
  'I',
  'J',
  'MI',
  'MM',
  'MS',
  'Q',
  'SSSSS',
  'SSSS',
  'SS',
  'US',
  'WW',
  'W',
  'Y,YYY',
  'YYYY',
  'YYY',
  'YY',
  'Y',
  'TZH',
  'TZM',
]);

class Reader {
  private readonly nodes: readonly Node[];
  private readonly text: string;
  private at = 0;
  readonly read: Read = {};

  constructor(nodes: readonly Node[], text: string) {
    this.nodes = nodes;
    this.text = text;
  }

  private skipSpace(): number {
    const from = this.at;
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    return this.at - from;
  }

  /** Input characters skipped beyond what the pattern has: a minus among them may be a zone's sign. */
  private extra = 0;

  run(): Read {
    let fixed = false;
    for (let i = 0; i < this.nodes.length && this.at < this.text.length; i++) {
      const node = this.nodes[i]!;
      if (node.kind === 'field' && node.key === 'FX') {
        fixed = true;
        continue;
      }
      if (!fixed && (node.kind === 'field' || i === 0)) this.extra += this.skipSpace();
      if (node.kind === 'space' || node.kind === 'separator') {
        if (fixed) this.at++;
        else {
          this.extra--;
          if (/[\s!-/:-@[-`{-~]/.test(this.text[this.at] ?? '')) {
            this.at++;
            this.extra++;
          }
        }
        continue;
      }
      if (node.kind === 'text') {
        if (!fixed && this.extra > 0) this.extra--;
        else this.at++;
        continue;
      }
      this.field(node as Action, this.nodes[i + 1]);
      if (!fixed) this.extra = this.skipSpace();
    }
    return this.read;
  }

  private int(node: Action, next: Node | undefined, width: number): { value: number; length: number } {
    this.skipSpace();
    const slurp = node.fill || next === undefined || next.kind !== 'field' || !DIGIT_FIELDS.has(next.key);
    const rest = this.text.slice(this.at);
    const source = slurp ? rest : rest.slice(0, width);
    const m = /^\s*[+-]?\d+/.exec(source);
    const shown = source.slice(0, width);
    if (!slurp && source.length < width)
      throw new SqlError('22007', `source string too short for "${node.key}" formatting field`, {
        detail: `Field requires ${width} characters, but only ${source.length} remain.`,
        hint: 'If your source string is not fixed-width, try using the "FM" modifier.',
      });
    if (m === null)
      throw new SqlError('22007', `invalid value "${shown}" for "${node.key}"`, {
        detail: 'Value must be an integer.',
      });
    if (!slurp && m[0].length < width)
      throw new SqlError('22007', `invalid value "${shown}" for "${node.key}"`, {
        detail: `Field requires ${width} characters, but only ${m[0].length} could be parsed.`,
        hint: 'If your source string is not fixed-width, try using the "FM" modifier.',
      });
    this.at += m[0].length;
    if (node.suffix !== '' && /^[a-z]{2}/i.test(this.text.slice(this.at))) this.at += 2;
    return { value: Number(m[0]), length: m[0].length };
  }

  private name(node: Action, names: readonly string[], length: number | undefined): number {
    const rest = this.text.slice(this.at).toLowerCase();
    const index = names.findIndex((n) =>
      rest.startsWith((length === undefined ? n : n.slice(0, length)).toLowerCase()),
    );
    if (index < 0) {
      const word = /^\S*/.exec(this.text.slice(this.at))![0];
      throw new SqlError('22007', `invalid value "${word}" for "${node.key}"`, {
        detail: 'The given value did not match any of the allowed values for this field.',
      });
    }
    this.at += length ?? names[index]!.length;
    return index;
  }

  private set<K extends keyof Read>(node: Action, key: K, value: NonNullable<Read[K]>): void {
    const before = this.read[key];
    if (before !== undefined && before !== value)
      throw new SqlError('22007', `conflicting values for "${node.key}" field in formatting string`, {
        detail: 'This value contradicts a previous setting for the same field type.',
      });
    this.read[key] = value;
  }

  private partialYear(node: Action, next: Node | undefined, width: number): number {
    const { value, length } = this.int(node, next, width);
    if (length >= 4) return value;
    // Two or three digits stand for the year nearest to 2020.
    if (value < 70 && length <= 2) return value + 2000;
    if (value < 100 && length <= 2) return value + 1900;
    if (value < 520) return value + 2000;
    return value < 1000 ? value + 1000 : value;
  }

  private field(node: Action, next: Node | undefined): void {
    const int = (width: number): number => this.int(node, next, width).value;
    switch (node.key) {
      case 'FX':
        return;
      case 'A.M.':
      case 'P.M.':
      case 'a.m.':
      case 'p.m.':
        this.set(node, 'pm', this.name(node, ['a.m.', 'p.m.'], undefined) === 1);
        this.read.hour12 = true;
        return;
      case 'AM':
      case 'PM':
      case 'am':
      case 'pm':
        this.set(node, 'pm', this.name(node, ['am', 'pm'], undefined) === 1);
        this.read.hour12 = true;
        return;
      case 'HH':
      case 'HH12':
        this.set(node, 'hour', int(2));
        this.read.hour12 = true;
        return;
      case 'HH24':
        this.set(node, 'hour', int(2));
        return;
      case 'MI':
        this.set(node, 'minute', int(2));
        return;
      case 'SS':
        this.set(node, 'second', int(2));
        return;
      case 'MS': {
        const { value, length } = this.int(node, next, 3);
        this.set(node, 'micros', value * 10 ** Math.max(0, 3 - length) * 1000);
        return;
      }
      case 'US':
      case 'FF1':
      case 'FF2':
      case 'FF3':
      case 'FF4':
      case 'FF5':
      case 'FF6': {
        const width = node.key === 'US' ? 6 : Number(node.key[2]);
        const { value, length } = this.int(node, next, width);
        this.set(node, 'micros', Math.round(value * 10 ** (6 - length)));
        return;
      }
      case 'SSSS':
      case 'SSSSS':
        this.set(node, 'secondsOfDay', int(5));
        return;
      case 'TZ':
      case 'tz':
      case 'OF': {
        const m = /^(?:[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]+)/.exec(this.text.slice(this.at));
        // An offset here is ISO's: east of Greenwich is positive.
        const zone = m === null ? undefined : findZone(m[0].replace(/^[+-]/, (c) => (c === '+' ? '-' : '+')));
        if (m === null || zone === undefined)
          throw new SqlError('22007', `invalid value "${this.text.slice(this.at)}" for "${node.key}"`);
        this.at += m[0].length;
        this.read.zone = zone;
        return;
      }
      case 'TZH': {
        const c = this.text[this.at];
        const swallowed = this.extra > 0 && this.text[this.at - 1] === '-';
        const signed = c === '-' || c === '+' || c === ' ';
        this.read.zoneSign = (signed ? c === '-' : swallowed) ? -1 : 1;
        if (signed) this.at++;
        this.set(node, 'zoneHours', int(2));
        return;
      }
      case 'TZM':
        this.set(node, 'zoneMinutes', int(2));
        return;
      case 'A.D.':
      case 'B.C.':
      case 'a.d.':
      case 'b.c.':
        this.set(node, 'bc', this.name(node, ['a.d.', 'b.c.'], undefined) === 1);
        return;
      case 'AD':
      case 'BC':
      case 'ad':
      case 'bc':
        this.set(node, 'bc', this.name(node, ['ad', 'bc'], undefined) === 1);
        return;
      case 'MONTH':
      case 'Month':
      case 'month':
        this.set(node, 'month', this.name(node, MONTH_NAMES, undefined) + 1);
        return;
      case 'MON':
      case 'Mon':
      case 'mon':
        this.set(node, 'month', this.name(node, MONTH_NAMES, 3) + 1);
        return;
      case 'MM':
        this.set(node, 'month', int(2));
        return;
      case 'RM':
      case 'rm': {
        const longest = [...ROMAN_MONTHS.keys()].sort(
          (a, b) => ROMAN_MONTHS[b]!.length - ROMAN_MONTHS[a]!.length,
        );
        const index = this.name(
          node,
          longest.map((i) => ROMAN_MONTHS[i]!),
          undefined,
        );
        this.set(node, 'month', longest[index]! + 1);
        return;
      }
      case 'DAY':
      case 'Day':
      case 'day':
        this.name(node, DAY_NAMES, undefined);
        return;
      case 'DY':
      case 'Dy':
      case 'dy':
        this.name(node, DAY_NAMES, 3);
        return;
      case 'DDD':
        this.set(node, 'dayOfYear', int(3));
        return;
      case 'IDDD':
        this.set(node, 'isoWeek', 1);
        this.set(node, 'isoDay', int(3));
        return;
      case 'DD':
        this.set(node, 'day', int(2));
        return;
      case 'D':
        int(1);
        return;
      case 'ID':
        this.set(node, 'isoDay', int(1));
        return;
      case 'WW':
        this.set(node, 'week', int(2));
        return;
      case 'W':
        this.set(node, 'weekOfMonth', int(1));
        return;
      case 'IW':
        this.set(node, 'isoWeek', int(2));
        return;
      case 'Q':
        int(1);
        return;
      case 'CC':
        this.set(node, 'century', int(2));
        return;
      case 'Y,YYY': {
        const m = /^(\d+),(\d{3})/.exec(this.text.slice(this.at));
        if (m === null) throw new SqlError('22007', 'invalid input string for "Y,YYY"');
        this.at += m[0].length;
        this.set(node, 'year', Number(m[1]) * 1000 + Number(m[2]));
        return;
      }
      case 'YYYY':
        this.set(node, 'year', this.int(node, next, 4).value);
        return;
      case 'YYY':
        this.set(node, 'year', this.partialYear(node, next, 3));
        return;
      case 'YY':
      case 'Y': {
        const width = node.key.length;
        if (this.read.century !== undefined) this.set(node, 'yearDigits', int(width));
        else this.set(node, 'year', this.partialYear(node, next, width));
        return;
      }
      case 'IYYY':
        this.set(node, 'isoYear', int(4));
        return;
      case 'IYY':
      case 'IY':
      case 'I':
        this.set(node, 'isoYear', this.partialYear(node, next, node.key.length));
        return;
      case 'J':
        this.set(node, 'julian', int(7));
        return;
    }
  }
}

function outOfRange(text: string): SqlError {
  return new SqlError('22008', `date/time field value out of range: "${text}"`);
}

/** Reads `text` by `format`; missing fields are those of 0001-01-01 BC.. midnight, as PostgreSQL has them. */
export function parseByFormat(text: string, format: string): ParsedDateTime {
  const r = new Reader(cut(format), text).run();
  let hour = r.hour ?? 0;
  let [minute, second] = [r.minute ?? 0, r.second ?? 0];
  if (r.secondsOfDay !== undefined) {
    hour = Math.floor(r.secondsOfDay / 3600);
    minute = Math.floor(r.secondsOfDay / 60) % 60;
    second = r.secondsOfDay % 60;
  }
  if (r.hour12 === true) {
    if (hour < 1 || hour > 12)
      throw new SqlError('22007', `hour "${hour}" is invalid for the 12-hour clock`, {
        hint: 'Use the 24-hour clock, or give an hour between 1 and 12.',
      });
    if (r.pm === true && hour < 12) hour += 12;
    else if (r.pm !== true && hour === 12) hour = 0;
  }
  if (hour > 23 || hour < 0 || minute > 59 || minute < 0 || second > 59 || second < 0) throw outOfRange(text);
  const micros = (hour * 3600 + minute * 60 + second) * 1e6 + (r.micros ?? 0);
  const offsetSeconds =
    r.zoneHours === undefined
      ? undefined
      : (r.zoneSign ?? 1) * (r.zoneHours * 3600 + (r.zoneMinutes ?? 0) * 60);
  return { days: dayOf(r, text), micros, offsetSeconds, zone: r.zone };
}

function dayOf(r: Read, text: string): number {
  if (r.julian !== undefined) return r.julian - JULIAN_EPOCH;
  if (r.isoYear !== undefined && r.isoWeek !== undefined)
    return isoYearStart(r.isoYear) + (r.isoWeek - 1) * 7 + (r.isoDay ?? 1) - 1;
  let { year } = r;
  if (r.century !== undefined) {
    if (r.yearDigits !== undefined)
      year =
        r.century > 0 ? (r.century - 1) * 100 + r.yearDigits + (r.yearDigits === 0 ? 100 : 0) : undefined;
    else year ??= r.century > 0 ? (r.century - 1) * 100 + 1 : (r.century + 1) * 100;
  }
  const given = year !== undefined;
  let y = year ?? 0;
  if (r.bc === true && y > 0) y = 1 - y;
  else if (given && y < 0) y += 1;
  if (!given && r.bc !== true) y = 0;
  if (r.dayOfYear !== undefined) {
    if (!given) throw new SqlError('22007', 'cannot calculate day of year without year information');
    if (r.dayOfYear < 1 || r.dayOfYear > 366) throw outOfRange(text);
    return daysFromCivil(y, 1, 1) + r.dayOfYear - 1;
  }
  if (r.week !== undefined && r.month === undefined) return daysFromCivil(y, 1, 1) + (r.week - 1) * 7;
  const month = r.month ?? 1;
  const day = r.day ?? (r.weekOfMonth === undefined ? 1 : (r.weekOfMonth - 1) * 7 + 1);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(y, month)) throw outOfRange(text);
  return daysFromCivil(y, month, day);
}
