/** Every type's PostgreSQL text format: literals, COPY, text parameters, result rows.
 *
 *  Owns: `parseText` (the type's input function, modifiers applied) and `formatText` (its output function).
 *  Must not know: quoting of COPY or CSV. Names behind oids (regclass, ...) need a catalog in the settings.
 *  Both are hot in COPY and in result output: no regular expression on the usual path. */
import { formatArray, formatVector, parseArray } from './array-text.js';
import {
  formatDate,
  formatTime,
  formatTimestamp,
  formatTimestampTz,
  parseDateStyle,
  zoneNamed,
} from './datetime.js';
import {
  type DateTimeSettings,
  parseDate,
  parseTime,
  parseTimestamp,
  parseTimestampTz,
} from './datetime-parse.js';
import { formatFloat4, formatFloat8, parseFloatText } from './float.js';
import type { CatalogFunctions } from './functions/registry-types.js';
import { formatInterval, type IntervalStyle, parseInterval } from './interval.js';
import { applyNumericType, formatNumeric, parseNumeric } from './numeric.js';
import { SqlError } from './sql-error.js';
import { type ArrayType, type SqlType, TYPE_INFO, typeName, VECTORS, vectorInfo } from './sql-type.js';
import { fitTime, intervalUnitOf, isMinuteToSecond } from './time-modifier.js';
import type { Interval, Numeric, Value } from './value.js';

type RegKind = 'regclass' | 'regtype' | 'regproc' | 'regprocedure' | 'regoperator' | 'regnamespace';

/** The session's settings that text depends on; a `FunctionContext` is one. */
export type TextSettings = DateTimeSettings & {
  readonly intervalStyle: string;
  readonly extraFloatDigits: number;
  readonly catalog?: CatalogFunctions;
};

export const DEFAULT_TEXT_SETTINGS: TextSettings = {
  dateStyle: 'ISO, MDY',
  timeZone: 'UTC',
  nowMicros: 0n,
  intervalStyle: 'postgres',
  extraFloatDigits: 1,
};

// ---- input --------------------------------------------------------------------------------------------------------

/** The type's value for `text`. 22P02, 22003, 22007, 22008, 22001 as PostgreSQL's input functions. */
export function parseText(
  type: SqlType,
  text: string,
  settings: TextSettings = DEFAULT_TEXT_SETTINGS,
): Value {
  switch (type.kind) {
    case 'int4':
      return parseInteger(text, -2147483648, 2147483647, 'integer');
    case 'int2':
      return parseInteger(text, -32768, 32767, 'smallint');
    case 'int8':
      return parseBigInteger(text);
    case 'numeric': {
      const v = parseNumeric(text);
      return type.precision === undefined && type.scale === undefined
        ? v
        : applyNumericType(v, type.precision, type.scale);
    }
    case 'text':
    case 'unknown':
      return text;
    case 'varchar':
      return type.length === undefined ? text : limitLength(text, type.length, 'character varying');
    case 'bpchar':
      return type.length === undefined
        ? text
        : padBlanks(limitLength(text, type.length, 'character'), type.length);
    case 'date':
      return parseDate(text, settings);
    case 'timestamp':
      return fitTime(parseTimestamp(text, settings), type);
    case 'timestamptz':
      return fitTime(parseTimestampTz(text, settings), type);
    case 'time':
      return fitTime(parseTime(text, settings), type);
    case 'interval': {
      const style = settings.intervalStyle as IntervalStyle;
      return fitTime(
        parseInterval(text, intervalUnitOf(type.fields), style, isMinuteToSecond(type.fields)),
        type,
      );
    }
    case 'bool':
      return parseBool(text);
    case 'float8':
    case 'float4':
      return parseFloatText(text, type.kind);
    case 'bytea':
      return parseBytea(text);
    case 'oid':
      return parseOid(text);
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return parseReg(type.kind, text, settings);
    case 'name':
      return truncateName(text);
    case 'char':
      return text.slice(0, 1);
    case 'array':
      return type.vector === true ? parseVector(type, text, settings) : formatArray(parseArray(text));
    case 'void':
      return '';
  }
}

/** `1 2`, kept as an array that counts from 0. */
function parseVector(type: ArrayType, text: string, settings: TextSettings): string {
  const items = text.split(/\s+/).filter((i) => i !== '');
  return formatVector(
    items.map((i) => formatText(type.element, parseText(type.element, i, settings), settings)),
  );
}

function invalid(type: string, text: string): SqlError {
  return new SqlError('22P02', `invalid input syntax for type ${type}: "${text}"`);
}

const INTEGER = /^[ \t\n\r\v\f]*[+-]?\d+[ \t\n\r\v\f]*$/;

function parseInteger(text: string, min: number, max: number, name: string): number {
  const length = text.length;
  let i = length > 1 && text.charCodeAt(0) === 45 ? 1 : 0;
  const negative = i === 1;
  if (length > 0 && length <= 15) {
    let v = 0;
    for (; i < length; i++) {
      const d = text.charCodeAt(i) - 48;
      if (d < 0 || d > 9) break;
      v = v * 10 + d;
    }
    if (i === length) {
      if (negative) v = v === 0 ? 0 : -v;
      if (v >= min && v <= max) return v;
    }
  }
  // As strtoint: digits that overflow are noticed before junk that follows them.
  if (!INTEGER.test(text) && inLimits(text, min, max)) throw invalid(name, text);
  const v = Number.parseInt(text, 10);
  if (v < min || v > max) throw new SqlError('22003', `value "${text}" is out of range for type ${name}`);
  return v + 0;
}

function inLimits(text: string, min: number, max: number): boolean {
  const m = /^\s*[+-]?\d+/.exec(text);
  return m === null || (Number(m[0]) >= min && Number(m[0]) <= max);
}

function parseBigInteger(text: string): bigint {
  const length = text.length;
  if (length > 0 && length <= 15) {
    const negative = text.charCodeAt(0) === 45;
    let i = negative && length > 1 ? 1 : 0;
    let v = 0;
    for (; i < length; i++) {
      const d = text.charCodeAt(i) - 48;
      if (d < 0 || d > 9) break;
      v = v * 10 + d;
    }
    if (i === length) return BigInt(negative ? -v : v);
  }
  const digits = /^\s*([+-]?\d+)/.exec(text);
  if (digits === null) throw invalid('bigint', text);
  const v = BigInt(digits[1]!.replace(/^\+/, ''));
  if (BigInt.asIntN(64, v) !== v)
    throw new SqlError('22003', `value "${text}" is out of range for type bigint`);
  if (!INTEGER.test(text)) throw invalid('bigint', text);
  return v;
}

/** 22001 unless what is too much is only blanks; lengths are in characters. */
export function limitLength(text: string, length: number, name: string): string {
  if (text.length <= length) return text;
  const end = characterOffset(text, length);
  if (end >= text.length) return text;
  for (let i = end; i < text.length; i++)
    if (text.charCodeAt(i) !== 32) throw new SqlError('22001', `value too long for type ${name}(${length})`);
  return text.slice(0, end);
}

/** Index of the code unit at which character `count` starts. */
export function characterOffset(text: string, count: number): number {
  let at = 0;
  for (let n = 0; n < count && at < text.length; n++) {
    const c = text.charCodeAt(at);
    at += c >= 0xd800 && c < 0xdc00 && at + 1 < text.length ? 2 : 1;
  }
  return at;
}

/** Length in characters (code points). */
export function characterLength(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0xd800 && c < 0xdc00 && i + 1 < text.length) {
      n--;
      i++;
    }
  }
  return n;
}

export function padBlanks(text: string, length: number): string {
  const missing = length - characterLength(text);
  return missing > 0 ? text + ' '.repeat(missing) : text;
}

function parseBool(text: string): boolean {
  if (text === 't') return true;
  if (text === 'f') return false;
  const word = text.trim().toLowerCase();
  if (word !== '') {
    if (word === '1' || word === 'on' || 'true'.startsWith(word) || 'yes'.startsWith(word)) return true;
    if (word === '0' || 'false'.startsWith(word) || 'no'.startsWith(word)) return false;
    if (word.length > 1 && 'off'.startsWith(word)) return false;
  }
  throw invalid('boolean', text);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function parseBytea(text: string): Uint8Array {
  if (text.startsWith('\\x')) {
    // Blanks may stand between bytes, not within one.
    const digits = text.slice(2).replace(/([0-9a-fA-F]{2})[ \n\t\r]+|^[ \n\t\r]+/g, '$1');
    const wrong = /[^0-9a-fA-F]/u.exec(digits);
    if (wrong !== null) throw new SqlError('22023', `invalid hexadecimal digit: "${wrong[0]}"`);
    if (digits.length % 2 === 1)
      throw new SqlError('22023', 'invalid hexadecimal data: odd number of digits');
    const bytes = new Uint8Array(digits.length / 2);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
    return bytes;
  }
  const input = encoder.encode(text);
  if (!text.includes('\\')) return input;
  const out = new Uint8Array(input.length);
  let n = 0;
  for (let i = 0; i < input.length; i++) {
    const c = input[i]!;
    if (c !== 92) out[n++] = c;
    else if (input[i + 1] === 92) {
      out[n++] = 92;
      i++;
    } else {
      const octal = decoder.decode(input.subarray(i + 1, i + 4));
      if (!/^[0-3][0-7]{2}$/.test(octal)) throw new SqlError('22P02', 'invalid input syntax for type bytea');
      out[n++] = Number.parseInt(octal, 8);
      i += 3;
    }
  }
  return out.slice(0, n);
}

function parseOid(text: string): number {
  if (!INTEGER.test(text)) throw invalid('oid', text);
  const v = Number(text);
  if (v > 4294967295 || v < -2147483648)
    throw new SqlError('22003', `value "${text}" is out of range for type oid`);
  return v < 0 ? v + 4294967296 : v;
}

/** PostgreSQL's names hold 63 bytes. */
export function truncateName(text: string): string {
  if (text.length <= 21) return text;
  const bytes = encoder.encode(text);
  if (bytes.length <= 63) return text;
  let end = 63;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return decoder.decode(bytes.subarray(0, end));
}

/** The functions by which clients tell arrays from other types, by pg_type.typinput and its kin. */
export const ARRAY_PROCS: Readonly<Record<string, number>> = {
  array_in: 750,
  array_out: 751,
  array_recv: 2400,
  array_send: 2401,
};

function parseReg(kind: RegKind, text: string, settings: TextSettings): number {
  const trimmed = text.trim();
  if (trimmed === '-') return 0;
  if (/^\d+$/.test(trimmed)) return parseOid(trimmed);
  if (kind === 'regtype') {
    const oid = typeOidByName(trimmed);
    if (oid !== undefined) return oid;
    throw new SqlError('42704', `type "${trimmed.replaceAll('"', '')}" does not exist`);
  }
  if (kind === 'regclass') {
    const oid = settings.catalog?.relationOid(trimmed);
    if (oid !== undefined) return oid;
    throw new SqlError('42P01', `relation "${trimmed}" does not exist`);
  }
  if (kind === 'regnamespace') {
    const oid = namespaceOids[trimmed] ?? settings.catalog?.relationOid(trimmed);
    if (oid !== undefined) return oid;
    throw new SqlError('3F000', `schema "${trimmed}" does not exist`);
  }
  if (kind === 'regproc') {
    const oid = ARRAY_PROCS[trimmed.replace(/^pg_catalog\./, '')];
    if (oid !== undefined) return oid;
  }
  const what = kind === 'regoperator' ? 'operator' : 'function';
  throw new SqlError('42883', `${what} "${trimmed}" does not exist`);
}

const namespaceOids: Readonly<Record<string, number>> = { pg_catalog: 11, public: 2200 };

const TYPE_ALIASES: Readonly<Record<string, string>> = {
  'character varying': 'varchar',
  character: 'bpchar',
  char: 'bpchar',
  int: 'int4',
  decimal: 'numeric',
  '"char"': 'char',
  float: 'float8',
  timestamp: 'timestamp',
  'time without time zone': 'time',
};

/** The oid of a type by its internal or SQL name, array types by `[]` or a leading underscore. */
export function typeOidByName(name: string): number | undefined {
  // A quoted part is a name as it is: "char" is not char, and "INTEGER" is no type.
  const quoted = /^(?:"?pg_catalog"?\.)?"([^"]+)"((?:\[\])?)$/.exec(name.trim());
  if (quoted !== null && quoted[1] !== 'char' && quoted[1] !== quoted[1]!.toLowerCase()) return undefined;
  const plain = quoted === null || quoted[1] === 'char' ? name.trim() : `${quoted[1]}${quoted[2]}`;
  let base = plain.toLowerCase().replace(/^"?pg_catalog"?\./, '');
  let isArray = false;
  if (base.endsWith('[]')) {
    isArray = true;
    base = base.slice(0, -2).trim();
  } else if (base.startsWith('_')) {
    isArray = true;
    base = base.slice(1);
  }
  base = base.replace(/\s*\([\d, ]*\)/, '');
  const kind = TYPE_ALIASES[base] ?? base;
  for (const info of Object.values(TYPE_INFO))
    if (info.name === kind || info.sqlName === kind) return isArray ? info.arrayOid : info.oid;
  for (const v of VECTORS) if (v.name === kind) return isArray ? v.arrayOid : v.oid;
  for (const [oid, shown] of Object.entries(PSEUDO_TYPES)) if (shown === kind && !isArray) return Number(oid);
  return undefined;
}

// ---- output -------------------------------------------------------------------------------------------------------

/** The type's text for a value that is not NULL. */
export function formatText(
  type: SqlType,
  value: Value,
  settings: TextSettings = DEFAULT_TEXT_SETTINGS,
): string {
  switch (type.kind) {
    case 'int2':
    case 'int4':
    case 'int8':
    case 'oid':
      return `${value as number | bigint}`;
    case 'numeric':
      return formatNumeric(value as Numeric);
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'name':
    case 'char':
    case 'unknown':
      return value as string;
    case 'array':
      return type.vector === true ? parseArray(value as string).join(' ') : (value as string);
    case 'bool':
      return value === true ? 't' : 'f';
    case 'date':
      return formatDate(value as number, parseDateStyle(settings.dateStyle));
    case 'timestamp':
      return formatTimestamp(value as bigint, parseDateStyle(settings.dateStyle));
    case 'timestamptz':
      return formatTimestampTz(
        value as bigint,
        zoneNamed(settings.timeZone),
        parseDateStyle(settings.dateStyle),
      );
    case 'time':
      return formatTime(value as bigint);
    case 'interval':
      return formatInterval(value as Interval, settings.intervalStyle as IntervalStyle);
    case 'float8':
      return formatFloat8(value as number, settings.extraFloatDigits);
    case 'float4':
      return formatFloat4(value as number, settings.extraFloatDigits);
    case 'bytea':
      return formatBytea(value as Uint8Array);
    case 'regclass':
    case 'regtype':
    case 'regproc':
    case 'regprocedure':
    case 'regoperator':
    case 'regnamespace':
      return formatReg(type.kind, value as number, settings);
    case 'void':
      return '';
  }
}

export function formatBytea(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/** What functions may take beside the types of values. */
const PSEUDO_TYPES: Readonly<Record<number, string>> = {
  2276: '"any"',
  2277: 'anyarray',
  2279: 'trigger',
  3838: 'event_trigger',
};

/** The name of a type as `format_type` prints it for its oid; undefined when there is none. */
export function typeNameByOid(oid: number): string | undefined {
  for (const info of Object.values(TYPE_INFO)) {
    if (info.oid === oid) return info.sqlName;
    if (info.arrayOid === oid && oid !== 0) return `${info.sqlName}[]`;
  }
  for (const v of VECTORS) {
    if (v.oid === oid) return v.name;
    if (v.arrayOid === oid) return `${v.name}[]`;
  }
  return PSEUDO_TYPES[oid];
}

/** An identifier as it must be written in SQL: quoted unless it is plain lower case. */
export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function formatReg(kind: RegKind, oid: number, settings: TextSettings): string {
  // A minus would be an operator.
  if (oid === 0) return kind === 'regoperator' ? '0' : '-';
  if (kind === 'regtype') return typeNameByOid(oid) ?? `${oid}`;
  if (kind === 'regclass') {
    const relation = settings.catalog?.relationName(oid);
    if (relation === undefined) return `${oid}`;
    const name = quoteIdentifier(relation.name);
    return relation.visible ? name : `${quoteIdentifier(relation.schema)}.${name}`;
  }
  if (kind === 'regnamespace') {
    const name = settings.catalog?.namespaceName(oid);
    return name === undefined ? `${oid}` : quoteIdentifier(name);
  }
  if (kind === 'regproc') return Object.entries(ARRAY_PROCS).find(([, o]) => o === oid)?.[0] ?? `${oid}`;
  if (kind === 'regprocedure' || kind === 'regoperator')
    return settings.catalog?.functionSignature?.(oid)?.call ?? `${oid}`;
  return `${oid}`;
}

/** The name used in messages: without modifiers, as PostgreSQL's `format_type_be`. */
export function typeNamePlain(type: SqlType): string {
  if (type.kind === 'array') return vectorInfo(type)?.name ?? `${typeNamePlain(type.element)}[]`;
  return type.kind === 'numeric' || type.kind === 'varchar' || type.kind === 'bpchar'
    ? TYPE_INFO[type.kind].sqlName
    : typeName(type);
}
