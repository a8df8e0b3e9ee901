/** Reads dates, times and timestamps in all forms that PostgreSQL reads.
 *
 *  Owns: what the fields of date/time text mean together, and the errors. The usual ISO forms take a short way that
 *  looks at characters only (COPY is full of them). Source: PostgreSQL, datetime.c: DecodeDateTime, DecodeDate,
 *  DecodeNumber, DecodeNumberField, ValidateDate. */
import {
  civilFromDays,
  daysFromCivil,
  daysInMonth,
  JULIAN_EPOCH,
  MICROS_PER_DAY,
  MICROS_PER_DAY_N,
} from './calendar.js';
import {
  DATE_FIRST,
  DATE_INFINITY,
  DATE_LAST,
  DATE_MINUS_INFINITY,
  type DateStyle,
  joinTimestamp,
  parseDateStyle,
  splitTimestamp,
  TIMESTAMP_END,
  TIMESTAMP_FIRST,
  TIMESTAMP_INFINITY,
  TIMESTAMP_MINUS_INFINITY,
  utcToLocal,
  zoneNamed,
} from './datetime.js';
import { cutFields, dateWord, type Field } from './datetime-tokens.js';
import { SqlError } from './sql-error.js';
import { abbreviationOffset, findZone, localOffset, type Zone } from './time-zone.js';

/** The settings that parsing depends on. */
export type DateTimeSettings = {
  readonly dateStyle: string;
  readonly timeZone: string;
  /** Start of the transaction, microseconds since 1970-01-01 UTC: what 'now' and 'today' mean. */
  readonly nowMicros: bigint;
};

const DEFAULT_SETTINGS: DateTimeSettings = { dateStyle: 'ISO, MDY', timeZone: 'UTC', nowMicros: 0n };

type TypeLabel = 'date' | 'time' | 'time with time zone' | 'timestamp' | 'timestamp with time zone';

/** Why a text was refused; the message needs the text and the type. */
type Refusal = 'format' | 'field' | 'field-datestyle' | 'displacement' | { readonly zone: string };

class Refused extends Error {
  readonly why: Refusal;
  constructor(why: Refusal) {
    super();
    this.why = why;
  }
}

function refuse(why: Refusal): never {
  throw new Refused(why);
}

function refusalError(why: Refusal, text: string, label: TypeLabel): SqlError {
  if (typeof why === 'object') return new SqlError('22023', `time zone "${why.zone}" not recognized`);
  switch (why) {
    case 'format':
      return new SqlError('22007', `invalid input syntax for type ${label}: "${text}"`);
    case 'field':
      return new SqlError('22008', `date/time field value out of range: "${text}"`);
    case 'field-datestyle':
      return new SqlError('22008', `date/time field value out of range: "${text}"`, {
        hint: 'Perhaps you need a different "datestyle" setting.',
      });
    case 'displacement':
      return new SqlError('22009', `time zone displacement out of range: "${text}"`);
  }
}

type Special = 'now' | 'today' | 'yesterday' | 'tomorrow' | 'epoch' | 'infinity' | '-infinity';

const YEAR = 1;
const MONTH = 2;
const DAY = 4;
const DATE = YEAR | MONTH | DAY;
const TIME = 8;
const ZONE = 16;
const DAY_OF_YEAR = 32;
const OTHER = 64;
const ERA = 128;
const MERIDIAN = 256;

/** One text being decoded: the fields found so far. */
class Decoder {
  year = 0;
  month = 1;
  day = 1;
  julianDay: number | undefined;
  yearDay = 0;
  /** Microseconds since midnight. */
  micros = 0;
  hour = 0;
  zone: Zone | undefined;
  special: Special | undefined;
  seen = 0;
  private yearIsShort = false;
  private hasTextMonth = false;
  private bc = false;
  private pm: boolean | undefined;
  /** Set by a word that gives the next field its meaning. */
  private pending: 'iso-time' | 'julian' | undefined;

  private readonly order: DateStyle['order'];
  private readonly timeOnly: boolean;

  constructor(order: DateStyle['order'], timeOnly: boolean) {
    this.order = order;
    this.timeOnly = timeOnly;
  }

  decode(fields: readonly Field[]): void {
    // A time may stand after a date, which is then ignored.
    const dateFirst = fields.length >= 2 && (fields.at(-1)!.kind === 'date' || fields[1]!.kind === 'time');
    for (const [i, field] of fields.entries()) {
      if (this.timeOnly && field.kind === 'date') {
        this.seen |= i === 0 && dateFirst ? this.dashed(field.text) : this.dateField(field.text);
        continue;
      }
      const found = this.field(field);
      if ((found & this.seen) !== 0) refuse('format');
      this.seen |= found;
    }
    if (this.pending !== undefined) refuse('format');
    this.finish();
  }

  private field(f: Field): number {
    switch (f.kind) {
      case 'date':
        return this.dateField(f.text);
      case 'time':
        if (this.pending === 'julian') refuse('format');
        this.pending = undefined;
        this.clock(f.text);
        return TIME;
      case 'zone':
        return this.zoneField(f.text);
      case 'number':
        return this.numberField(f.text);
      case 'string':
      case 'special':
        return this.word(f.text);
    }
  }

  private dateField(text: string): number {
    if (this.pending === undefined && (this.seen & DATE) !== DATE && !this.timeOnly) return this.dashed(text);
    if (/^\d/.test(text)) {
      // A run-together time with a zone: 040506-08.
      if (this.pending === 'julian') refuse('format');
      this.pending = undefined;
      const minus = text.indexOf('-');
      if (minus < 0) refuse('format');
      this.zone = { kind: 'fixed', name: '', seconds: decodeOffset(text.slice(minus)) };
      return this.runTogether(text.slice(0, minus), true) | ZONE;
    }
    this.zone = this.namedZone(text);
    return ZONE;
  }

  private namedZone(text: string): Zone {
    return findZone(zoneCase(text)) ?? findZone(text) ?? refuse({ zone: text });
  }

  private zoneField(text: string): number {
    // 2001-02-03 04:05:06 +02 is a zone; before any time it can only be one too.
    if (/^[+-]\d+-/.test(text) || text.includes('.')) refuse('format');
    this.zone = { kind: 'fixed', name: '', seconds: decodeOffset(text) };
    return ZONE;
  }

  private numberField(text: string): number {
    if (this.pending === 'julian') {
      this.pending = undefined;
      const dot = text.indexOf('.');
      this.julianDay = Number(dot < 0 ? text : text.slice(0, dot));
      if (dot < 0) return DATE;
      this.micros = Math.round(Number(`0${text.slice(dot)}`) * MICROS_PER_DAY);
      return DATE | TIME;
    }
    if (this.pending === 'iso-time') {
      this.pending = undefined;
      const found = this.runTogether(text, true);
      if (found !== TIME) refuse('format');
      return found;
    }
    if (this.timeOnly) return this.runTogether(text, true);
    const dot = text.indexOf('.');
    if (dot >= 0 && (this.seen & DATE) === 0) return this.dashed(text);
    if (dot > 2) return this.runTogether(text, false);
    if (text.length >= 6 && ((this.seen & DATE) === 0 || (this.seen & TIME) === 0))
      return this.runTogether(text, false);
    return this.lone(text, this.hasTextMonth, this.seen);
  }

  private word(text: string): number {
    const word = dateWord(text);
    if (word === undefined) {
      const known = abbreviationOffset(text);
      if (known !== undefined) {
        this.zone = { kind: 'fixed', name: text.toUpperCase(), seconds: known };
        return ZONE;
      }
      const zone = findZone(zoneCase(text));
      if (zone === undefined) refuse('format');
      this.zone = zone;
      return ZONE;
    }
    if (this.timeOnly && (word.kind === 'month' || word.kind === 'weekday' || word.kind === 'today'))
      refuse('format');
    switch (word.kind) {
      case 'month': {
        let found = MONTH;
        if ((this.seen & MONTH) !== 0 && !this.hasTextMonth && (this.seen & DAY) === 0 && this.month <= 31) {
          this.day = this.month;
          found = DAY;
        }
        this.hasTextMonth = true;
        this.month = word.value;
        return found;
      }
      case 'weekday':
      case 'ignore':
        return 0;
      case 'meridian':
        this.pm = word.pm;
        return MERIDIAN;
      case 'era':
        this.bc = word.bc;
        return ERA;
      case 'dst':
        if (this.zone?.kind !== 'fixed') refuse('format');
        this.zone = { kind: 'fixed', name: this.zone.name, seconds: this.zone.seconds + 3600 };
        return 0;
      case 'iso-time':
        if ((this.seen & DATE) !== DATE && !this.timeOnly) refuse('format');
        this.pending = 'iso-time';
        return 0;
      case 'julian':
        this.pending = 'julian';
        return 0;
      case 'allballs':
        this.zone = { kind: 'fixed', name: 'UTC', seconds: 0 };
        return TIME | ZONE;
      case 'now':
        this.special = 'now';
        return DATE | TIME | ZONE | OTHER;
      case 'today':
      case 'yesterday':
      case 'tomorrow':
        this.special = word.kind;
        return DATE;
      default:
        this.special = word.kind;
        return DATE | TIME | ZONE | OTHER;
    }
  }

  /** `1999-01-08`, `8-jan-99`, `1999.008`: parts between separators. */
  private dashed(text: string): number {
    const parts = text.match(/[a-z]+|\d+/g) ?? refuse('format');
    if (parts.length > 3) refuse('format');
    let seen = this.seen;
    let found = 0;
    const numbers: string[] = [];
    let textMonth = this.hasTextMonth;
    for (const part of parts) {
      if (/^\d/.test(part)) {
        numbers.push(part);
        continue;
      }
      const word = dateWord(part);
      if (word?.kind !== 'month' || (seen & MONTH) !== 0) refuse('format');
      this.month = word.value;
      textMonth = true;
      seen |= MONTH;
      found |= MONTH;
    }
    for (const part of numbers) {
      const one = this.lone(part, textMonth, seen);
      if ((one & seen) !== 0) refuse('format');
      seen |= one;
      found |= one;
    }
    if ((seen & ~(DAY_OF_YEAR | ZONE | TIME | MERIDIAN | ERA) & DATE) !== DATE) refuse('format');
    return found;
  }

  /** One number whose place tells its meaning. */
  private lone(text: string, textMonth: boolean, seen: number): number {
    const dot = text.indexOf('.');
    if (dot > 2) return this.runTogether(text, true);
    if (dot >= 0) refuse('format');
    const length = text.length;
    const value = Number(text);
    if (value > 2147483647) refuse('field');
    if (length === 3 && (seen & DATE) === YEAR && value >= 1 && value <= 366) {
      this.yearDay = value;
      return DAY_OF_YEAR | MONTH | DAY;
    }
    switch (seen & DATE) {
      case 0:
        if (length >= 3 || this.order === 'YMD') return this.setYear(value, length);
        return this.order === 'DMY' ? this.setDay(value) : this.setMonth(value);
      case YEAR:
        return this.setMonth(value);
      case MONTH:
        if (textMonth && (length >= 3 || this.order === 'YMD')) return this.setYear(value, length);
        return this.setDay(value);
      case YEAR | MONTH:
        if (textMonth && length >= 3 && this.yearIsShort) {
          this.day = this.year;
          this.year = value;
          this.yearIsShort = false;
        } else this.day = value;
        return DAY;
      case DAY:
        return this.setMonth(value);
      case MONTH | DAY:
        return this.setYear(value, length);
      case DATE:
        return this.runTogether(text, false);
      default:
        return refuse('format');
    }
  }

  private setYear(value: number, length: number): number {
    this.year = value;
    this.yearIsShort = length <= 2;
    return YEAR;
  }

  private setMonth(value: number): number {
    this.month = value;
    return MONTH;
  }

  private setDay(value: number): number {
    this.day = value;
    return DAY;
  }

  /** `19990108`, `040506.789`, `0405`. */
  private runTogether(text: string, hasDate: boolean): number {
    const dot = text.indexOf('.');
    let digits = text;
    let fraction = 0;
    if (dot >= 0) {
      fraction = Math.round(Number(`0${text.slice(dot)}`) * 1e6);
      digits = text.slice(0, dot);
    }
    const length = digits.length;
    if (dot < 0 && !hasDate && (this.seen & DATE) !== DATE && length >= 6) {
      this.day = Number(digits.slice(-2));
      this.month = Number(digits.slice(-4, -2));
      this.year = Number(digits.slice(0, -4));
      if (length === 6) this.yearIsShort = true;
      return DATE;
    }
    if ((this.seen & TIME) === 0 && (length === 6 || length === 4)) {
      const h = Number(digits.slice(0, 2));
      const m = Number(digits.slice(2, 4));
      const s = length === 6 ? Number(digits.slice(4, 6)) : 0;
      this.setClock(h, m, s, fraction);
      return TIME;
    }
    return refuse('format');
  }

  private clock(text: string): void {
    const m = /^(\d+):(\d+)(?::(\d+)?(\.\d*)?)?$/.exec(text);
    if (m === null) refuse('format');
    this.setClock(
      Number(m[1]),
      Number(m[2]),
      Number(m[3] ?? 0),
      m[4] === undefined ? 0 : Math.round(Number(`0${m[4]}`) * 1e6),
    );
  }

  private setClock(h: number, m: number, s: number, fraction: number): void {
    if (m > 59 || s > 60) refuse('field');
    this.hour = h;
    this.micros = (h * 3600 + m * 60 + s) * 1e6 + fraction;
    if (h > 24 || this.micros > MICROS_PER_DAY) refuse('field');
  }

  private finish(): void {
    if (this.pm !== undefined) {
      if (this.hour > 12) refuse('field');
      if (!this.pm && this.hour === 12) this.micros -= 12 * 3600e6;
      else if (this.pm && this.hour !== 12) this.micros += 12 * 3600e6;
    }
    if (this.special !== undefined) return;
    if ((this.seen & DATE) !== DATE) {
      if (!this.timeOnly || (this.seen & TIME) === 0) refuse('format');
      return;
    }
    if (this.julianDay !== undefined) {
      const c = civilFromDays(this.julianDay - JULIAN_EPOCH);
      this.year = c.year;
      this.month = c.month;
      this.day = c.day;
      return;
    }
    if (this.bc) {
      if (this.year <= 0) refuse('field');
      this.year = 1 - this.year;
    } else if (this.yearIsShort) this.year += this.year < 70 ? 2000 : this.year < 100 ? 1900 : 0;
    else if (this.year <= 0) refuse('field');
    if ((this.seen & DAY_OF_YEAR) !== 0) {
      const c = civilFromDays(daysFromCivil(this.year, 1, 1) + this.yearDay - 1);
      this.year = c.year;
      this.month = c.month;
      this.day = c.day;
      return;
    }
    if (this.month < 1 || this.month > 12) refuse('field-datestyle');
    if (this.day < 1 || this.day > 31) refuse('field-datestyle');
    if (this.day > daysInMonth(this.year, this.month)) refuse('field');
  }
}

/** Zone names are matched without regard to case: `america/new_york` -> `America/New_York`. */
function zoneCase(text: string): string {
  return text.replace(/[a-z]+/g, (word) => word[0]!.toUpperCase() + word.slice(1));
}

function decodeOffset(text: string): number {
  const m = /^([+-])(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text);
  if (m === null) refuse('format');
  let h = Number(m[2]);
  let minutes = Number(m[3] ?? 0);
  const s = Number(m[4] ?? 0);
  if (m[3] === undefined && m[2]!.length > 2) {
    minutes = h % 100;
    h = Math.floor(h / 100);
  }
  if (h > 15 || minutes > 59 || s > 59) refuse('displacement');
  const seconds = h * 3600 + minutes * 60 + s;
  return m[1] === '-' ? -seconds : seconds;
}

function decode(text: string, label: TypeLabel, settings: DateTimeSettings, timeOnly: boolean): Decoder {
  const fields = cutFields(text);
  const decoder = new Decoder(parseDateStyle(settings.dateStyle).order, timeOnly);
  try {
    if (fields === undefined || fields.length === 0) refuse('format');
    decoder.decode(fields);
    return decoder;
  } catch (e) {
    if (e instanceof Refused) throw refusalError(e.why, text, label);
    throw e;
  }
}

/** Midnight of 'today', 'tomorrow', ... in the session's zone, as a day number. */
function specialDay(special: Special, settings: DateTimeSettings): number {
  const today = splitTimestamp(utcToLocal(settings.nowMicros, zoneNamed(settings.timeZone))).days;
  if (special === 'yesterday') return today - 1;
  if (special === 'tomorrow') return today + 1;
  return special === 'epoch' ? 0 : today;
}

const ZERO_CHAR = 48;

function twoDigits(text: string, at: number): number {
  const a = text.charCodeAt(at) - ZERO_CHAR;
  const b = text.charCodeAt(at + 1) - ZERO_CHAR;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? a * 10 + b : -1;
}

/** Day number of a valid `yyyy-mm-dd` at the start of `text`; undefined sends the text the long way. */
function isoDay(text: string): number | undefined {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return undefined;
  const c = twoDigits(text, 0);
  const y = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (c < 0 || y < 0 || month < 1 || month > 12 || day < 1) return undefined;
  const year = c * 100 + y;
  if (year === 0 || (day > 28 && day > daysInMonth(year, month))) return undefined;
  return daysFromCivil(year, month, day);
}

/** Microseconds of `hh:mm:ss[.f{1,6}]` from `at` to the end of `text`. */
function isoClock(text: string, at: number): number | undefined {
  const length = text.length - at;
  if (length < 8 || text.charCodeAt(at + 2) !== 58 || text.charCodeAt(at + 5) !== 58) return undefined;
  const h = twoDigits(text, at);
  const m = twoDigits(text, at + 3);
  const s = twoDigits(text, at + 6);
  if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59) return undefined;
  let micros = (h * 3600 + m * 60 + s) * 1e6;
  if (length > 8) {
    if (text.charCodeAt(at + 8) !== 46 || length > 15) return undefined;
    let unit = 100000;
    for (let i = at + 9; i < text.length; i++) {
      const d = text.charCodeAt(i) - ZERO_CHAR;
      if (d < 0 || d > 9) return undefined;
      micros += d * unit;
      unit /= 10;
    }
  }
  return micros;
}

export function parseDate(text: string, settings: DateTimeSettings = DEFAULT_SETTINGS): number {
  if (text.length === 10) {
    const day = isoDay(text);
    if (day !== undefined) return day;
  }
  const d = decode(text, 'date', settings, false);
  switch (d.special) {
    case undefined:
      break;
    case 'infinity':
      return DATE_INFINITY;
    case '-infinity':
      return DATE_MINUS_INFINITY;
    default:
      return specialDay(d.special, settings);
  }
  const days = daysFromCivil(d.year, d.month, d.day);
  if (days < DATE_FIRST || days > DATE_LAST) throw new SqlError('22008', `date out of range: "${text}"`);
  return days;
}

/** Wall-clock fields as a timestamp, with the zone that was written, if any. */
function decodeTimestamp(
  text: string,
  label: TypeLabel,
  settings: DateTimeSettings,
): { readonly local: bigint; readonly zone: Zone | undefined; readonly absolute?: bigint } {
  if (text.length >= 19 && text.length <= 26 && (text.charCodeAt(10) === 32 || text.charCodeAt(10) === 84)) {
    const day = isoDay(text);
    const micros = day === undefined ? undefined : isoClock(text, 11);
    if (day !== undefined && micros !== undefined)
      return { local: joinTimestamp(day, micros), zone: undefined };
  }
  const d = decode(text, label, settings, false);
  switch (d.special) {
    case undefined:
      break;
    case 'infinity':
      return { local: TIMESTAMP_INFINITY, zone: undefined, absolute: TIMESTAMP_INFINITY };
    case '-infinity':
      return { local: TIMESTAMP_MINUS_INFINITY, zone: undefined, absolute: TIMESTAMP_MINUS_INFINITY };
    case 'now':
      return {
        local: utcToLocal(settings.nowMicros, zoneNamed(settings.timeZone)),
        zone: undefined,
        absolute: settings.nowMicros,
      };
    case 'epoch':
      return { local: 0n, zone: undefined, absolute: 0n };
    default:
      return { local: joinTimestamp(specialDay(d.special, settings), d.micros), zone: d.zone };
  }
  const local = BigInt(daysFromCivil(d.year, d.month, d.day)) * MICROS_PER_DAY_N + BigInt(d.micros);
  return { local, zone: d.zone };
}

function inRange(t: bigint, text: string): bigint {
  if (t < TIMESTAMP_FIRST || t >= TIMESTAMP_END)
    throw new SqlError('22008', `timestamp out of range: "${text}"`);
  return t;
}

/** A zone in the text is read and ignored, as PostgreSQL does. */
export function parseTimestamp(text: string, settings: DateTimeSettings = DEFAULT_SETTINGS): bigint {
  const { local, absolute } = decodeTimestamp(text, 'timestamp', settings);
  return absolute !== undefined && absolute !== settings.nowMicros ? absolute : inRange(local, text);
}

export function parseTimestampTz(text: string, settings: DateTimeSettings = DEFAULT_SETTINGS): bigint {
  const { local, zone, absolute } = decodeTimestamp(text, 'timestamp with time zone', settings);
  if (absolute !== undefined) return absolute;
  // The wall clock must fit before its zone is applied.
  if (local < TIMESTAMP_FIRST - MICROS_PER_DAY_N || local > TIMESTAMP_END + MICROS_PER_DAY_N)
    inRange(local, text);
  if (zone?.kind === 'fixed') return inRange(local - BigInt(zone.seconds) * 1_000_000n, text);
  const seconds = Number(local / 1_000_000n);
  return inRange(
    local - BigInt(localOffset(zone ?? zoneNamed(settings.timeZone), seconds)) * 1_000_000n,
    text,
  );
}

export function parseTime(text: string, settings: DateTimeSettings = DEFAULT_SETTINGS): bigint {
  if (text.length >= 8 && text.length <= 15) {
    const micros = isoClock(text, 0);
    if (micros !== undefined) return BigInt(micros);
  }
  const d = decode(text, 'time', settings, true);
  if (d.special === 'now')
    return BigInt(splitTimestamp(utcToLocal(settings.nowMicros, zoneNamed(settings.timeZone))).micros);
  if (d.special !== undefined || (d.seen & TIME) === 0)
    throw new SqlError('22007', `invalid input syntax for type time: "${text}"`);
  return BigInt(d.micros);
}
