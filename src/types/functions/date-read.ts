/** to_date and to_timestamp: text read by a template pattern.
 *
 *  Owns: the reader and how its fields make a date. Separators and blanks match loosely unless the pattern says FX.
 *  Source: PostgreSQL, formatting.c (DCH_from_char, do_to_timestamp). */
import { daysFromCivil, daysInMonth, isoYearStart, JULIAN_EPOCH } from '../calendar.js';
import { DAY_NAMES, MONTH_NAMES } from '../datetime.js';
import { SqlError } from '../sql-error.js';
import { findZone, type Zone } from '../time-zone.js';
import { type Action, cutTemplate, type Keyword, ROMAN_MONTHS, type TemplateNode } from './date-template.js';

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
  private readonly nodes: readonly TemplateNode[];
  private readonly text: string;
  private at = 0;
  readonly read: Read = {};

  constructor(nodes: readonly TemplateNode[], text: string) {
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

  private int(
    node: Action,
    next: TemplateNode | undefined,
    width: number,
  ): { value: number; length: number } {
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

  private partialYear(node: Action, next: TemplateNode | undefined, width: number): number {
    const { value, length } = this.int(node, next, width);
    if (length >= 4) return value;
    // Two or three digits stand for the year nearest to 2020.
    if (value < 70 && length <= 2) return value + 2000;
    if (value < 100 && length <= 2) return value + 1900;
    if (value < 520) return value + 2000;
    return value < 1000 ? value + 1000 : value;
  }

  private field(node: Action, next: TemplateNode | undefined): void {
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
  const r = new Reader(cutTemplate(format), text).run();
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
